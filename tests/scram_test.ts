import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { decodeBase64, encodeBase64 } from "../protocol/base64.ts";
import {
  type ChannelBinding,
  type ClientFirst,
  readClientFirst,
  SCRAM_LIMITS,
  type ScramFault,
} from "../protocol/scram.ts";
import { createScramClient } from "../protocol/scram_client.ts";
import { createScramServer, type ScramServerOptions } from "../protocol/scram_server.ts";
import {
  createVerifier,
  fakeVerifier,
  normalizePassword,
  saltPassword,
  type Verifier,
} from "../protocol/verifier.ts";
import { runs } from "./runs.ts";

const SALT = Uint8Array.from({ length: 16 }, (_, at) => at * 7);
/** Few, so that many exchanges can be tried. */
const FEW = 2;
const PENCIL: Verifier = createVerifier(saltPassword("pencil", SALT, FEW), SALT, FEW);
const CHANNEL: ChannelBinding = { type: "dfp-noise", data: new Uint8Array(32).fill(9) };

/** A result that must not be a fault. */
function good<T>(result: T | ScramFault): T {
  const maybe = result as ScramFault;
  assert(maybe?.fault === undefined, `${maybe?.fault}: ${maybe?.text}`);
  return result as T;
}

/** The name of the fault, or `undefined` where it went well. */
function faultOf(result: unknown): string | undefined {
  return (result as ScramFault).fault;
}

interface Exchange {
  user?: string;
  password?: string;
  clientBinding?: ChannelBinding | "not-offered";
  server?: Partial<ScramServerOptions>;
  /** Changes a message under way: 0 to 3 in the order they are sent. */
  tamper?: (message: string, index: number) => string;
}

/** One whole exchange; `true` if both sides are content, else the first fault. */
function exchange(
  { user = "user", password = "pencil", clientBinding, server, tamper = (message) => message }:
    Exchange,
): true | ScramFault {
  const client = createScramClient({
    user,
    nonce: "client",
    binding: clientBinding,
    minIterations: 1,
  });
  const clientFirst = readClientFirst(tamper(client.first(), 0));
  if ("fault" in clientFirst) return clientFirst;
  const side = createScramServer({ clientFirst, verifier: PENCIL, nonce: "server", ...server });
  const challenge = client.readServerFirst(tamper(side.first(), 1));
  if ("fault" in challenge) return challenge;
  const salted = saltPassword(password, challenge.salt, challenge.iterations);
  const outcome = side.readClientFinal(tamper(client.final(salted), 2));
  if ("fault" in outcome) return outcome;
  return client.readServerFinal(tamper(outcome.serverFinal, 3));
}

Deno.test("RFC 7677 §3: the whole exchange, character by character", () => {
  const client = createScramClient({ user: "user", nonce: "rOprNGfwEbeRWgbNEkqO" });
  assertEquals(client.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  const salt = decodeBase64("W22ZaJ0SNY7soEsUEjb6gQ==")!;
  const salted = saltPassword("pencil", salt, 4096);
  const server = createScramServer({
    clientFirst: good(readClientFirst(client.first())),
    verifier: createVerifier(salted, salt, 4096),
    nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
  });
  assertEquals(
    server.first(),
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  );
  assertEquals(client.readServerFirst(server.first()), { salt, iterations: 4096 });
  const final = client.final(salted);
  assertEquals(
    final,
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  );
  const { serverFinal } = good(server.readClientFinal(final));
  assertEquals(serverFinal, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  assertEquals(client.readServerFinal(serverFinal), true);
});

Deno.test("RFC 7677 §3: the verifier that other servers store for its password", () => {
  const salt = decodeBase64("W22ZaJ0SNY7soEsUEjb6gQ==")!;
  const { storedKey, serverKey } = createVerifier(saltPassword("pencil", salt, 4096), salt, 4096);
  assertEquals(encodeBase64(storedKey), "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
  assertEquals(encodeBase64(serverKey), "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
});

Deno.test("RFC 5802 §5: the messages of its example are read, and written alike", () => {
  const client = createScramClient({ user: "user", nonce: "fyko+d2lbbFgONRv9qkxdawL" });
  assertEquals(client.first(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  assertEquals(readClientFirst(client.first()), {
    user: "user",
    nonce: "fyko+d2lbbFgONRv9qkxdawL",
    header: "n,,",
    bare: "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    flag: "n",
  });
  const serverFirst = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
  const salt = decodeBase64("QSXCR+Q6sek8bf92")!;
  assertEquals(client.readServerFirst(serverFirst), { salt, iterations: 4096 });
  const server = createScramServer({
    clientFirst: good(readClientFirst(client.first())),
    verifier: { ...PENCIL, salt, iterations: 4096 },
    nonce: "3rfcNHYJY1ZVvWVs7j",
  });
  assertEquals(server.first(), serverFirst);
  const final = client.final(new Uint8Array(32));
  assertEquals(final.slice(0, final.lastIndexOf(",p=")), "c=biws,r=" + serverFirst.slice(2, 44));
  // Its proof is one of SHA-1: 20 bytes, which is no proof here.
  const sha1 = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
  assertEquals(faultOf(server.readClientFinal(sha1)), "malformed");
});

Deno.test("the keys and the proof are those that the platform's own cryptography makes", () => {
  const hmac = (key: Uint8Array, text: string) =>
    new Uint8Array(createHmac("sha256", key).update(text).digest());
  const hash = (data: Uint8Array) => new Uint8Array(createHash("sha256").update(data).digest());
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."aZ0 =,é漢😀"), minLength: 1 }),
      fc.uint8Array({ minLength: 1, maxLength: 64 }),
      fc.integer({ min: 1, max: 20 }),
      (password, salt, iterations) => {
        const salted = saltPassword(password, salt, iterations);
        const text = password.normalize("NFC");
        assertEquals(salted, new Uint8Array(pbkdf2Sync(text, salt, iterations, 32, "sha256")));
        const clientKey = hmac(salted, "Client Key");
        const storedKey = hash(clientKey);
        const serverKey = hmac(salted, "Server Key");
        const verifier = createVerifier(salted, salt, iterations);
        assertEquals(verifier, { salt, iterations, storedKey, serverKey });

        const client = createScramClient({ user: "u,=", nonce: "c", minIterations: 1 });
        const serverFirst = `r=cs,s=${encodeBase64(salt)},i=${iterations}`;
        good(client.readServerFirst(serverFirst));
        const signed = `n=u=2C=3D,r=c,${serverFirst},c=biws,r=cs`;
        const signature = hmac(storedKey, signed);
        const proof = clientKey.map((byte, at) => byte ^ signature[at]);
        assertEquals(client.final(salted), `c=biws,r=cs,p=${encodeBase64(proof)}`);
        const serverFinal = `v=${encodeBase64(hmac(serverKey, signed))}`;
        assertEquals(client.readServerFinal(serverFinal), true);
      },
    ),
    { numRuns: runs() },
  );
});

const anyUser = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((user) => !user.includes("\0"));

Deno.test("client and server agree on the same password, for any user, bound or not", () => {
  const bindings: [ChannelBinding | "not-offered" | undefined, ChannelBinding | undefined][] = [
    [undefined, undefined],
    [undefined, CHANNEL],
    ["not-offered", undefined],
    [CHANNEL, CHANNEL],
  ];
  fc.assert(
    fc.property(anyUser, fc.constantFrom(...bindings), (user, [clientBinding, binding]) => {
      assertEquals(exchange({ user, clientBinding, server: { binding } }), true);
    }),
    { numRuns: runs() },
  );
});

Deno.test("any other password is refused", () => {
  const similar = fc.constantFrom("Pencil", "pencil ", " pencil", "penci", "pencill", "pеncil");
  const any = fc.string({ unit: "grapheme", minLength: 1 })
    // deno-lint-ignore no-control-regex -- controls are no password
    .filter((password) => password !== "pencil" && !/[\0-\x1f\x7f-\x9f]/.test(password));
  fc.assert(
    fc.property(fc.oneof(similar, any), (password) => {
      assertEquals(faultOf(exchange({ password })), "wrong-proof");
    }),
    { numRuns: runs() },
  );
});

Deno.test("no message can be changed in any character without one side refusing", () => {
  const anyCharacter = fc.oneof(
    fc.constantFrom(..."nyp=,rsicvmae0123456789+/A"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    fc.constantFrom("", ",x=y", ",m=x"),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.nat(1000),
      anyCharacter,
      fc.boolean(),
      fc.boolean(),
      (target, place, character, insert, bind) => {
        let changed = false;
        const outcome = exchange({
          clientBinding: bind ? CHANNEL : undefined,
          server: { binding: bind ? CHANNEL : undefined },
          tamper(message, index) {
            if (index !== target) return message;
            const at = place % message.length;
            const tampered = message.slice(0, at) + character + message.slice(insert ? at : at + 1);
            changed = tampered !== message;
            return tampered;
          },
        });
        // The server's last message may carry extensions, which nothing signs and nobody reads.
        if (target === 3 && insert && character === "") return;
        if (changed) assert(faultOf(outcome) !== undefined, "a changed message was accepted");
        else assertEquals(outcome, true);
      },
    ),
    { numRuns: runs(500) },
  );
});

/** Strings that look like SCRAM as far as chance allows. */
const anyNearlyScram = fc.array(
  fc.oneof(
    fc.constantFrom(
      "n,",
      "y,",
      "p=dfp-noise,",
      ",",
      "a=user,",
      "n=user",
      "r=client",
      "r=clientserver",
    ),
    fc.constantFrom(
      "s=AAAA",
      "i=4096",
      "i=0",
      "c=biws",
      "v=AAAA",
      "e=other-error",
      "m=x",
      "x=y",
      "=",
    ),
    fc.constantFrom(
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      "n==2C",
      "n==2c",
      "\0",
      "\ud800",
    ),
    fc.string({ unit: "binary", maxLength: 4 }),
  ),
  { maxLength: 8 },
).chain((parts) => fc.constantFrom(parts.join(""), parts.join(",")));

Deno.test("any garbage gives a fault, and nothing a peer sends makes a throw", () => {
  const clientFirst: ClientFirst = good(readClientFirst("n,,n=user,r=client"));
  fc.assert(
    fc.property(fc.oneof(anyNearlyScram, fc.string({ unit: "binary" })), (text) => {
      const first = readClientFirst(text);
      if ("fault" in first) assert(first.text.length > 0);
      else assertEquals(first.header + first.bare, text);

      const server = createScramServer({ clientFirst, verifier: PENCIL, nonce: "server" });
      assert(faultOf(server.readClientFinal(text)) !== undefined);

      const client = createScramClient({ user: "user", nonce: "client", minIterations: FEW });
      const challenge = client.readServerFirst(text);
      if (faultOf(challenge) !== undefined) good(client.readServerFirst(`r=clientX,s=AAAA,i=2`));
      client.final(new Uint8Array(32));
      assert(faultOf(client.readServerFinal(text)) !== undefined);
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("each wrong first message of a client has its fault", () => {
  const faults: Record<string, string> = {
    "": "malformed",
    "n=user,r=abc": "malformed",
    "x,,n=user,r=abc": "malformed",
    "p=,,n=user,r=abc": "malformed",
    "p=a_b,,n=user,r=abc": "malformed",
    "n,n=user,r=abc": "malformed",
    "n,,n=,r=abc": "malformed",
    "n,,n=us=er,r=abc": "malformed",
    "n,,n=us=2cer,r=abc": "malformed",
    "n,,n=us\0er,r=abc": "malformed",
    "n,,n=us\ud800er,r=abc": "malformed",
    "n,,n=user": "malformed",
    "n,,r=abc,n=user": "malformed",
    "n,,n=user,r=": "malformed",
    "n,,n=user,r=a b": "malformed",
    "n,,n=user,r=abc,": "malformed",
    "n,,n=user,r=abc,x": "malformed",
    "n,,n=user,r=abc,1=x": "malformed",
    "n,,m=must,n=user,r=abc": "unsupported",
    "n,,n=user,r=abc,m=must": "unsupported",
    "n,a=boss,n=user,r=abc": "unsupported",
  };
  for (const [text, fault] of Object.entries(faults)) {
    assertEquals(faultOf(readClientFirst(text)), fault, JSON.stringify(text));
  }
  const long = "x".repeat(SCRAM_LIMITS.messageLength);
  assertEquals(faultOf(readClientFirst(`n,,n=${long},r=abc`)), "malformed");
  const nonce = "r".repeat(SCRAM_LIMITS.nonceLength);
  assertEquals(good(readClientFirst(`n,,n=user,r=${nonce}`)).nonce, nonce);
  assertEquals(faultOf(readClientFirst(`n,,n=user,r=${nonce}r`)), "malformed");
});

Deno.test("names are unescaped, an identity of one's own and unknown extensions are allowed", () => {
  const first = good(readClientFirst("p=tls-server-end-point,a=a=2Cb=3D,n=a=2Cb=3D,r=abc,x=1=2"));
  assertEquals(first, {
    user: "a,b=",
    nonce: "abc",
    header: "p=tls-server-end-point,a=a=2Cb=3D,",
    bare: "n=a=2Cb=3D,r=abc,x=1=2",
    flag: "p",
    bindingType: "tls-server-end-point",
  });
});

Deno.test("each wrong challenge of a server has its fault", () => {
  const faults: Record<string, string> = {
    "": "malformed",
    "r=clientX,s=AAAA": "malformed",
    "s=AAAA,r=clientX,i=4096": "malformed",
    "r=clientX,s=,i=4096": "malformed",
    "r=clientX,s=AAA,i=4096": "malformed",
    "r=clientX,s=AAAA,i=0": "malformed",
    "r=clientX,s=AAAA,i=04096": "malformed",
    "r=clientX,s=AAAA,i=4e5": "malformed",
    "r=clientX,s=AAAA,i=-4096": "malformed",
    "r=client X,s=AAAA,i=4096": "malformed",
    "r=client,s=AAAA,i=4096": "wrong-nonce",
    "r=clienTX,s=AAAA,i=4096": "wrong-nonce",
    "r=X,s=AAAA,i=4096": "wrong-nonce",
    "m=must,r=clientX,s=AAAA,i=4096": "unsupported",
    "r=clientX,s=AAAA,i=4095": "unsupported",
    "r=clientX,s=AAAA,i=10000001": "unsupported",
  };
  const client = createScramClient({ user: "user", nonce: "client" });
  for (const [text, fault] of Object.entries(faults)) {
    assertEquals(faultOf(client.readServerFirst(text)), fault, JSON.stringify(text));
    assertThrows(() => client.final(new Uint8Array(32)), Error, "readServerFirst");
  }
  good(client.readServerFirst("r=clientX,s=AAAA,i=4096"));
  good(client.readServerFirst("r=clientX,s=AAAA,i=10000000,x=y"));
});

Deno.test("a server's error, and a signature that is not the account's, are a fault", () => {
  const client = createScramClient({ user: "user", nonce: "client" });
  good(client.readServerFirst("r=clientX,s=AAAA,i=4096"));
  client.final(new Uint8Array(32));
  const signature = encodeBase64(new Uint8Array(32));
  assertEquals(faultOf(client.readServerFinal("e=unknown-user")), "wrong-proof");
  assertEquals(faultOf(client.readServerFinal(`v=${signature}`)), "wrong-proof");
  assertEquals(faultOf(client.readServerFinal("v=AAAA")), "wrong-proof");
  assertEquals(faultOf(client.readServerFinal("v=AAA")), "malformed");
  assertEquals(faultOf(client.readServerFinal("x=AAAA")), "malformed");
});

Deno.test("channel binding: another channel, another type, and a hidden offer are noticed", () => {
  const other = { ...CHANNEL, data: new Uint8Array(32).fill(8) };
  const cases: [ChannelBinding | "not-offered" | undefined, Partial<ScramServerOptions>, string][] =
    [
      [other, { binding: CHANNEL }, "wrong-binding"],
      [{ ...CHANNEL, data: new Uint8Array() }, { binding: CHANNEL }, "wrong-binding"],
      [{ ...CHANNEL, type: "tls-exporter" }, { binding: CHANNEL }, "unsupported"],
      [CHANNEL, {}, "unsupported"],
      ["not-offered", { binding: CHANNEL }, "wrong-binding"],
      ["not-offered", { binding: CHANNEL, requireBinding: true }, "wrong-binding"],
      [undefined, { binding: CHANNEL, requireBinding: true }, "wrong-binding"],
    ];
  for (const [clientBinding, server, fault] of cases) {
    assertEquals(faultOf(exchange({ clientBinding, server })), fault);
  }
  assertEquals(
    exchange({ clientBinding: CHANNEL, server: { binding: CHANNEL, requireBinding: true } }),
    true,
  );
});

Deno.test("a proof recorded in one exchange is worth nothing in another", () => {
  const client = createScramClient({ user: "user", nonce: "client", minIterations: 1 });
  const clientFirst = good(readClientFirst(client.first()));
  const recorded = createScramServer({ clientFirst, verifier: PENCIL, nonce: "one" });
  good(client.readServerFirst(recorded.first()));
  const proof = client.final(saltPassword("pencil", SALT, FEW));
  good(recorded.readClientFinal(proof));
  const later = createScramServer({ clientFirst, verifier: PENCIL, nonce: "two" });
  assertEquals(faultOf(later.readClientFinal(proof)), "wrong-nonce");
  assertThrows(() => recorded.readClientFinal(proof), Error, "one proof");
});

Deno.test("a user who does not exist looks like one who does, every time alike", () => {
  const secret = new Uint8Array(32).fill(1);
  const fake = fakeVerifier(secret, "nobody", FEW);
  assertEquals(fakeVerifier(secret, "nobody", FEW), fake);
  assert(encodeBase64(fakeVerifier(secret, "nobody2", FEW).salt) !== encodeBase64(fake.salt));
  assert(
    encodeBase64(fakeVerifier(new Uint8Array(32), "nobody", FEW).salt) !== encodeBase64(fake.salt),
  );
  const shape = (verifier: Verifier) =>
    Object.entries(verifier).map(([key, value]) => [key, value.length ?? value]);
  assertEquals(shape(fake), shape(PENCIL));
  assert(encodeBase64(fake.storedKey) !== encodeBase64(fake.serverKey));
  assertEquals(
    exchange({ server: { verifier: fake } }),
    exchange({ password: "wrong" }),
  );
});

Deno.test("passwords: every space is a space, composition does not count, and some are none", () => {
  assertEquals(normalizePassword("a\u00a0b\u3000c"), "a b c");
  assertEquals(normalizePassword("e\u0301"), "é");
  assertEquals(normalizePassword(" Aa "), " Aa ");
  assertEquals(normalizePassword("ｐencil"), "ｐencil", "width counts, as RFC 8265 has it");
  for (const password of ["", "a\nb", "\u0085", "\ud800"]) {
    assertThrows(() => normalizePassword(password), RangeError);
  }
});

Deno.test("a caller's mistake throws and says what to give", () => {
  const clientFirst = good(readClientFirst("n,,n=user,r=client"));
  for (const nonce of ["", "a,b", "a b", "é", "x".repeat(257)]) {
    assertThrows(() => createScramClient({ user: "user", nonce }), RangeError, "nonce");
    assertThrows(
      () => createScramServer({ clientFirst, verifier: PENCIL, nonce }),
      RangeError,
      "nonce",
    );
  }
  for (const user of ["", "a\0b", "\udc00"]) {
    assertThrows(() => createScramClient({ user, nonce: "n" }), TypeError, "user");
  }
  assertThrows(() => createScramClient({ user: "x".repeat(5000), nonce: "n" }), RangeError, "user");
  const binding = { type: "a b", data: new Uint8Array() };
  assertThrows(() => createScramClient({ user: "u", nonce: "n", binding }), RangeError, "type");
  const verifiers: Partial<Verifier>[] = [
    { storedKey: new Uint8Array(31) },
    { serverKey: new Uint8Array() },
    { salt: new Uint8Array() },
    { iterations: 0 },
    { iterations: 1.5 },
  ];
  for (const part of verifiers) {
    const verifier = { ...PENCIL, ...part };
    assertThrows(() => createScramServer({ clientFirst, verifier, nonce: "n" }), RangeError);
  }
  assertThrows(
    () => createScramServer({ clientFirst, verifier: PENCIL, nonce: "n", requireBinding: true }),
    TypeError,
    "binding",
  );
  const client = createScramClient({ user: "user", nonce: "client" });
  assertThrows(() => client.final(new Uint8Array(32)), Error, "readServerFirst");
  assertThrows(() => client.readServerFinal("v=AAAA"), Error, "final");
  good(client.readServerFirst("r=clientX,s=AAAA,i=4096"));
  assertThrows(() => client.final(new Uint8Array(20)), RangeError, "32");
  assertThrows(() => createVerifier(new Uint8Array(20), SALT, 4096), RangeError, "32");
});
