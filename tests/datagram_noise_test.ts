/**
 * The Noise handshakes against published vectors, and what they make of messages that are not genuine.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { nobleSuite } from "../protocol/datagram/noble_suite.ts";
import { createNoise, type Noise } from "../protocol/datagram/noise.ts";
import type { Suite } from "../protocol/datagram/suite.ts";
import { nodeSuite } from "../transport/node_suite.ts";
import {
  NOISE_VECTORS,
  type NoiseVector,
  TRANSPORT_PAYLOADS,
  VECTOR_KEYS,
} from "./datagram/noise_vectors.ts";
import { runs } from "./runs.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);
const pair = (suite: Suite, secret: string) => ({
  secret: hex(secret),
  public: suite.publicKey(hex(secret)),
});

/** Both sides as a vector has them. */
function sides(suite: Suite, { pattern, prologue }: Pick<NoiseVector, "pattern" | "prologue">) {
  const initiator = pair(suite, VECTOR_KEYS.initiatorStatic);
  const responder = pair(suite, VECTOR_KEYS.responderStatic);
  const common = { suite, pattern, prologue: hex(prologue) };
  const mutual = pattern === "KKpsk0";
  return {
    initiator: createNoise({
      ...common,
      role: "initiator",
      ephemeral: hex(VECTOR_KEYS.initiatorEphemeral),
      remoteStatic: responder.public,
      ...mutual && { static: initiator, psk: hex(VECTOR_KEYS.psk) },
    }),
    responder: createNoise({
      ...common,
      role: "responder",
      ephemeral: hex(VECTOR_KEYS.responderEphemeral),
      static: responder,
      ...mutual && { remoteStatic: initiator.public, psk: hex(VECTOR_KEYS.psk) },
    }),
  };
}

for (const [name, suite] of [["@noble", nobleSuite], ["node:crypto", nodeSuite]] as const) {
  Deno.test(`both handshakes give the published messages and keys, on ${name}`, () => {
    for (const vector of NOISE_VECTORS) {
      const { initiator, responder } = sides(suite, vector);
      const [first, second] = vector.payloads.map(hex);
      const one = initiator.write(first);
      assertEquals(one.toHex(), vector.messages[0]);
      assertEquals(responder.read(one), first);
      const two = responder.write(second);
      assertEquals(two.toHex(), vector.messages[1]);
      assertEquals(initiator.read(two), second);
      const result = initiator.split();
      assertEquals(responder.split(), result);
      for (const [at, key] of [result.initiator, result.responder].entries()) {
        const plain = hex(TRANSPORT_PAYLOADS[at]);
        const sealed = new Uint8Array(plain.length + 16);
        suite.aead(key).seal(new Uint8Array(12), new Uint8Array(0), plain, sealed);
        assertEquals(sealed.toHex(), vector.transport[at]);
      }
    }
  });
}

const vectors = fc.constantFrom(...NOISE_VECTORS);

Deno.test("a handshake message that was changed is not read, and the genuine one still is", () => {
  fc.assert(
    fc.property(
      vectors,
      fc.nat(1),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (vector, which, place, flip) => {
        const { initiator, responder } = sides(nodeSuite, vector);
        const [from, to]: readonly Noise[] = which === 0
          ? [initiator, responder]
          : [responder, initiator];
        if (which === 1) responder.read(initiator.write(hex(vector.payloads[0])));
        const message = from.write(hex(vector.payloads[which]));
        const changed = message.slice();
        changed[place % changed.length] ^= flip;
        // The highest bit of a public key means nothing to X25519, but stands in the hash.
        assertEquals(to.read(changed), undefined);
        assertEquals(to.read(message.subarray(0, place % message.length)), undefined);
        assertEquals(to.read(message), hex(vector.payloads[which]));
      },
    ),
    { numRuns: runs(30) },
  );
});

Deno.test("a peer whose public key is none is refused", () => {
  const vector = NOISE_VECTORS[0];
  const { responder } = sides(nobleSuite, vector);
  assertEquals(responder.read(new Uint8Array(48)), undefined);
  assertThrows(
    () =>
      createNoise({
        suite: nobleSuite,
        pattern: "NK",
        role: "initiator",
        prologue: new Uint8Array(0),
        ephemeral: hex(VECTOR_KEYS.initiatorEphemeral),
        remoteStatic: new Uint8Array(32),
      }).write(new Uint8Array(0)),
    Error,
    "public key is none",
  );
});

Deno.test("other prologues, secrets and keys do not meet", () => {
  const mutual = NOISE_VECTORS[4];
  const { responder } = sides(nodeSuite, mutual);
  const initiator = pair(nodeSuite, VECTOR_KEYS.initiatorStatic);
  const genuine = {
    suite: nodeSuite,
    pattern: "KKpsk0",
    role: "initiator",
    prologue: hex(mutual.prologue),
    ephemeral: hex(VECTOR_KEYS.initiatorEphemeral),
    static: initiator,
    remoteStatic: nodeSuite.publicKey(hex(VECTOR_KEYS.responderStatic)),
    psk: hex(VECTOR_KEYS.psk),
  } as const;
  for (
    const changed of [
      { prologue: hex("00") },
      { psk: new Uint8Array(32) },
      { remoteStatic: initiator.public },
      { static: pair(nodeSuite, VECTOR_KEYS.responderEphemeral) },
    ]
  ) {
    const message = createNoise({ ...genuine, ...changed }).write(new Uint8Array(0));
    assertEquals(responder.read(message), undefined);
  }
  assert(responder.read(createNoise(genuine).write(new Uint8Array(0))) !== undefined);
});

Deno.test("a handshake that lacks a key, or is out of turn, is the caller's mistake", () => {
  const { initiator } = sides(nobleSuite, NOISE_VECTORS[0]);
  assertThrows(() => initiator.read(new Uint8Array(48)), Error, "turn");
  assertThrows(() => initiator.split(), Error, "not through");
  const lacking = { suite: nobleSuite, prologue: hex(""), ephemeral: new Uint8Array(32) } as const;
  assertThrows(
    () => createNoise({ ...lacking, pattern: "NK", role: "initiator" }),
    Error,
    "needs the static key of the responder",
  );
  const key = pair(nobleSuite, VECTOR_KEYS.initiatorStatic);
  assertThrows(
    () =>
      createNoise({
        ...lacking,
        pattern: "KKpsk0",
        role: "initiator",
        static: key,
        remoteStatic: key.public,
      }),
    RangeError,
    "psk",
  );
});
