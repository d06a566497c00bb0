/**
 * Both suites against the vectors of RFC 8439, RFC 7748 and RFC 5869, and against each other.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { nobleSuite } from "../protocol/datagram/noble_suite.ts";
import { concatenate, hkdfExpand, hkdfExtract, type Suite } from "../protocol/datagram/suite.ts";
import { nodeSuite } from "../transport/node_suite.ts";
import { runs } from "./runs.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replace(/\s/g, ""));
const SUITES: readonly (readonly [string, Suite])[] = [
  ["@noble", nobleSuite],
  ["node:crypto", nodeSuite],
];

function seal(suite: Suite, [key, nonce, header, plain]: readonly Uint8Array[]): Uint8Array {
  const sealed = new Uint8Array(plain.length + 16);
  suite.aead(key).seal(nonce, header, plain, sealed);
  return sealed;
}

function open(suite: Suite, [key, nonce, header, sealed]: readonly Uint8Array[]) {
  const plain = new Uint8Array(sealed.length - 16);
  return suite.aead(key).open(nonce, header, sealed, plain) ? plain : undefined;
}

for (const [name, suite] of SUITES) {
  Deno.test(`ChaCha20-Poly1305 on ${name} is that of RFC 8439 §2.8.2`, () => {
    const key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    const nonce = hex("070000004041424344454647");
    const header = hex("50515253c0c1c2c3c4c5c6c7");
    const plain = new TextEncoder().encode(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the " +
        "future, sunscreen would be it.",
    );
    const sealed = seal(suite, [key, nonce, header, plain]);
    assertEquals(
      sealed,
      hex(`d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
        3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
        92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
        3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691`),
    );
    assertEquals(open(suite, [key, nonce, header, sealed]), plain);
  });

  Deno.test(`X25519 on ${name} is that of RFC 7748 §5.2 and §6.1`, () => {
    assertEquals(
      suite.agree(
        hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
      ),
      hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
    );
    const alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    const shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assertEquals(suite.agree(alice, suite.publicKey(bob)), shared);
    assertEquals(suite.agree(bob, suite.publicKey(alice)), shared);
    assertEquals(
      suite.publicKey(alice),
      hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
    );
    assertEquals(
      suite.publicKey(bob),
      hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
    );
  });

  Deno.test(`the all-zero shared secret is refused on ${name}`, () => {
    const secret = new Uint8Array(32).fill(7);
    for (
      const point of [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      ]
    ) assertEquals(suite.agree(secret, hex(point)), undefined, point);
  });

  Deno.test(`HKDF on ${name} is that of RFC 5869 §A.1 and §A.3`, () => {
    const input = hex("0b".repeat(22));
    const one = hkdfExtract(suite, hex("000102030405060708090a0b0c"), input);
    assertEquals(one, hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"));
    assertEquals(
      hkdfExpand(suite, one, hex("f0f1f2f3f4f5f6f7f8f9"), 42),
      hex(`3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
        34007208d5b887185865`),
    );
    const three = hkdfExtract(suite, new Uint8Array(0), input);
    assertEquals(
      hkdfExpand(suite, three, "", 42),
      hex(`8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
        9d201395faa4b61a96c8`),
    );
    assertThrows(() => hkdfExpand(suite, three, "", 255 * 32 + 1), RangeError);
  });

  Deno.test(`what was sealed on ${name} and then changed is not opened`, () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(
        bytes(32),
        bytes(12),
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (key, nonce, header, plain, place, flip) => {
          const sealed = seal(suite, [key, nonce, header, plain]);
          const given = [key, nonce, header, sealed].map((part) => part.slice());
          const at = place % concatenate(...given).length;
          let before = 0;
          for (const part of given) {
            if (at >= before && at < before + part.length) part[at - before] ^= flip;
            before += part.length;
          }
          assertEquals(open(suite, given), undefined);
          assertEquals(open(suite, [key, nonce, header, sealed]), plain);
        },
      ),
      { numRuns: runs() },
    );
  });
}

Deno.test("both suites are the same function", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(
      bytes(32),
      bytes(32),
      bytes(12),
      fc.uint8Array({ maxLength: 300 }),
      (one, other, nonce, data) => {
        const agree = (suite: Suite) => [
          suite.hash(data),
          suite.hmac(one, data),
          suite.publicKey(one),
          suite.agree(one, suite.publicKey(other)),
          suite.agree(one, other),
          seal(suite, [one, nonce, data, other]),
        ];
        assertEquals(agree(nobleSuite), agree(nodeSuite));
      },
    ),
    { numRuns: runs(20) },
  );
});
