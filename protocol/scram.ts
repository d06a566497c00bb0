/**
 * SCRAM-SHA-256, both roles (RFC 5802, RFC 7677; DESIGN §5): the client proves that it knows a password,
 * the server proves that it holds what was made from it, and the password itself never travels.
 *
 * ```text
 * client                                            server
 *   first()            n,,n=user,r=…            →   readClientFirst()
 *   readServerFirst()  ←  r=…,s=salt,i=4096         first()
 *   final()            c=biws,r=…,p=proof       →   readClientFinal()
 *   readServerFinal()  ←  v=signature               (its result)
 * ```
 *
 * The four messages are exactly those of the RFC, so any SCRAM library can stand at the other end. One
 * object serves one exchange. Between `readServerFirst` and `final` the caller runs PBKDF2, which is slow
 * by design and best left to WebCrypto:
 *
 * ```ts ignore
 * const key = await crypto.subtle.importKey(
 *   "raw", new TextEncoder().encode(normalizePassword(password)), "PBKDF2", false, ["deriveBits"]);
 * const saltedPassword = new Uint8Array(await crypto.subtle.deriveBits(
 *   { name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256));
 * ```
 *
 * Nothing that a peer sends makes a function here throw: it gives a {@linkcode ScramFault}.
 *
 * @module
 */

import { hmac } from "@noble/hashes/hmac.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { checkPassword } from "./text.ts";

/** The limits of an exchange. */
export const SCRAM_LIMITS = {
  /** The fewest PBKDF2 rounds that a client accepts, unless told otherwise (RFC 7677 §4). */
  minIterations: 4096,
  /** The most PBKDF2 rounds that a client accepts: more would only serve to keep it busy. */
  maxIterations: 10_000_000,
  /** The longest message, in UTF-16 units. */
  messageLength: 4096,
  /** The longest nonce that one side may add, in characters. */
  nonceLength: 256,
  /** The longest channel binding data, in bytes. */
  bindingBytes: 1024,
  /** How long a new salt should be, in bytes, so that a fake one looks like all others. */
  saltBytes: 16,
  /** The length of a salted password and of each key, in bytes. */
  keyBytes: 32,
} as const;

/** Why an exchange failed because of what the other side sent. */
export interface ScramFault {
  /**
   * `malformed`: not the grammar of RFC 5802 §7; `wrong-nonce`: the nonce does not continue ours;
   * `wrong-proof`: wrong password, unknown user, or a server that does not know the password;
   * `wrong-binding`: the two ends are not on the same channel, or one hides that it could bind;
   * `unsupported`: an extension, binding type, identity or iteration count that is not accepted.
   */
  readonly fault: "malformed" | "wrong-nonce" | "wrong-proof" | "wrong-binding" | "unsupported";
  /** One sentence for people. */
  readonly text: string;
}

/** What ties an exchange to the channel that it runs over (RFC 5056). */
export interface ChannelBinding {
  /** `dfp-noise`, `tls-server-end-point`, or another name of letters, digits, `.` and `-`. */
  readonly type: string;
  /** What both ends know of the channel and nobody in between can choose, at most 1024 bytes. */
  readonly data: Uint8Array;
}

/** What a server stores of a password. It lets a server check the password, and nobody sign in with it. */
export interface Verifier {
  /** Random bytes of this account alone, at least one; 16 where we make them. */
  readonly salt: Uint8Array;
  /** The number of PBKDF2 rounds. */
  readonly iterations: number;
  /** SHA-256 of the client's key, 32 bytes. */
  readonly storedKey: Uint8Array;
  /** The key of the server's own signature, 32 bytes. */
  readonly serverKey: Uint8Array;
}

const encoder = new TextEncoder();

function hmacSha256(key: Uint8Array, text: string): Uint8Array {
  return hmac(sha256, key, encoder.encode(text));
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, at) => byte ^ b[at]);
}

/** Compares without stopping at the first difference, so that the time tells nothing of where it is. */
function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= a[at] ^ b[at];
  return difference === 0;
}

function expectKey(key: Uint8Array, name: string): void {
  if (key.length !== SCRAM_LIMITS.keyBytes) {
    throw new RangeError(`${name} has ${key.length} bytes; give the 32 that SHA-256 makes`);
  }
}

function expectIterations(iterations: number): void {
  if (!Number.isSafeInteger(iterations) || iterations < 1) {
    throw new RangeError(`iterations is ${iterations}; give a whole number from 1`);
  }
}

function expectNonce(nonce: string): void {
  if (!/^[!-+\--~]+$/.test(nonce) || nonce.length > SCRAM_LIMITS.nonceLength) {
    throw new RangeError("nonce must be 1 to 256 visible ASCII characters without a comma");
  }
}

function expectBinding(binding: ChannelBinding): void {
  if (!/^[A-Za-z0-9.-]{1,64}$/.test(binding.type)) {
    throw new RangeError("binding.type must be 1 to 64 letters, digits, dots and hyphens");
  }
  if (binding.data.length > SCRAM_LIMITS.bindingBytes) {
    throw new RangeError("binding.data must be at most 1024 bytes");
  }
}

/**
 * A password in the form that is hashed: OpaqueString of RFC 8265 §4.2, as {@linkcode checkPassword}
 * gives it. Every password must pass here before PBKDF2, or the same one typed on two machines differs.
 *
 * @throws RangeError with the complaint, where `checkPassword` complains.
 */
export function normalizePassword(password: string): string {
  const checked = checkPassword(password);
  if (typeof checked !== "string") throw new RangeError(checked.complaint);
  return checked;
}

/**
 * PBKDF2-HMAC-SHA-256 of a password, 32 bytes: the slow fallback for a runtime without WebCrypto. It
 * normalizes the password, and blocks for about 0.4 s at 600,000 iterations, some six times as long as
 * WebCrypto needs.
 *
 * @throws RangeError for a password that {@linkcode normalizePassword} refuses.
 */
export function saltPassword(password: string, salt: Uint8Array, iterations: number): Uint8Array {
  expectIterations(iterations);
  return pbkdf2(sha256, encoder.encode(normalizePassword(password)), salt, {
    c: iterations,
    dkLen: SCRAM_LIMITS.keyBytes,
  });
}

/**
 * What a server is to store for a password (RFC 5802 §3), made from its PBKDF2 result.
 *
 * @example
 * ```ts
 * import { createVerifier, saltPassword } from "./scram.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const salt = new Uint8Array(16); // from a random source, in earnest
 * const verifier = createVerifier(saltPassword("pencil", salt, 4096), salt, 4096);
 * assertEquals(verifier.storedKey.length, 32);
 * ```
 */
export function createVerifier(
  saltedPassword: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): Verifier {
  expectKey(saltedPassword, "saltedPassword");
  expectIterations(iterations);
  return {
    salt: salt.slice(),
    iterations,
    storedKey: sha256(hmacSha256(saltedPassword, "Client Key")),
    serverKey: hmacSha256(saltedPassword, "Server Key"),
  };
}

/**
 * A verifier for a user who does not exist: always the same for the same secret and user, of the shape of
 * a real one, and fitting no password that anyone can find. Give the user name in the form that accounts
 * are looked up by, and make it for known users too, or the time tells who exists.
 */
export function fakeVerifier(
  serverSecret: Uint8Array,
  user: string,
  iterations: number,
): Verifier {
  expectIterations(iterations);
  return {
    salt: hmacSha256(serverSecret, `fake salt,${user}`).slice(0, SCRAM_LIMITS.saltBytes),
    iterations,
    storedKey: hmacSha256(serverSecret, `fake stored key,${user}`),
    serverKey: hmacSha256(serverSecret, `fake server key,${user}`),
  };
}

const malformed = (text: string): ScramFault => ({ fault: "malformed", text });
const unsupported = (text: string): ScramFault => ({ fault: "unsupported", text });
const WRONG_PROOF: ScramFault = {
  fault: "wrong-proof",
  text: "The user name or the password is wrong.",
};

/** What a nonce is made of; the comma has already been taken for a separator. */
const VISIBLE = /^[!-~]+$/;

/** `gs2-cbind-flag "," [authzid] ","` of RFC 5802 §7. */
const GS2_HEADER = /^(?:(n|y)|p=([A-Za-z0-9.-]{1,64})),(?:a=([^,]+))?,/;

/**
 * The values of the attributes that a message must begin with, in order, one letter of `names` each.
 * What follows them are extensions: their form is checked and they are otherwise passed over, except
 * `m`, which says that whoever does not know it must stop.
 */
function readAttributes(text: string, names: string): string[] | ScramFault {
  if (text.length > SCRAM_LIMITS.messageLength) return malformed("The message is too long.");
  if (!text.isWellFormed()) return malformed("The message is not Unicode.");
  const values: string[] = [];
  for (const attribute of text.split(",")) {
    if (!/^[A-Za-z]=[^\0]+$/.test(attribute)) {
      return malformed("The message is not a list of attributes.");
    }
    if (attribute.startsWith("m=")) return unsupported("The message demands an unknown extension.");
    if (values.length === names.length) continue;
    if (attribute[0] !== names[values.length]) break;
    values.push(attribute.slice(2));
  }
  return values.length === names.length
    ? values
    : malformed(`The message lacks its attribute ${names[values.length]}.`);
}

function escapeName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

function unescapeName(escaped: string): string | undefined {
  if (/=(?!2C|3D)/.test(escaped)) return undefined;
  return escaped.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

/** What the client's first message says. */
export interface ClientFirst {
  /** The user who wants to sign in, unescaped, otherwise as sent: fold and look it up. */
  readonly user: string;
  /** The client's nonce. */
  readonly nonce: string;
  /** The GS2 header as sent, which the final message must repeat. */
  readonly header: string;
  /** The message after the header, as sent, which is part of what both sides sign. */
  readonly bare: string;
  /** `n`: the client binds nothing; `y`: it could, but was told that the server cannot; `p`: it does. */
  readonly flag: "n" | "y" | "p";
  /** The binding type, with flag `p`. */
  readonly bindingType?: string;
}

/** Reads the first message of a client: whom to look up before {@linkcode createScramServer}. */
export function readClientFirst(text: string): ClientFirst | ScramFault {
  const header = GS2_HEADER.exec(text);
  if (!header) return malformed("The message does not begin with a GS2 header.");
  const bare = text.slice(header[0].length);
  const values = readAttributes(bare, "nr");
  if (!Array.isArray(values)) return values;
  const user = unescapeName(values[0]);
  const nonce = values[1];
  if (user === undefined) return malformed("The user name holds a wrong escape.");
  if (!VISIBLE.test(nonce) || nonce.length > SCRAM_LIMITS.nonceLength) {
    return malformed("The nonce is not 1 to 256 visible ASCII characters.");
  }
  if (header[3] !== undefined && header[3] !== values[0]) {
    return unsupported("Nobody can sign in here for somebody else.");
  }
  const common = { user, nonce, header: header[0], bare };
  return header[2] === undefined
    ? { ...common, flag: header[1] === "y" ? "y" : "n" }
    : { ...common, flag: "p", bindingType: header[2] };
}

/** What {@linkcode createScramClient} needs to know. */
export interface ScramClientOptions {
  /** Who signs in, as it was registered. */
  readonly user: string;
  /** Fresh randomness, 1 to 256 visible ASCII characters without a comma; base64 of 18 bytes does. */
  readonly nonce: string;
  /**
   * The channel to bind to. Say `"not-offered"` where the client could bind but the server announced no
   * binding: the server then notices if somebody in between removed its announcement.
   */
  readonly binding?: ChannelBinding | "not-offered";
  /** The fewest PBKDF2 rounds to accept, 4096 if not given. */
  readonly minIterations?: number;
}

/** The client's side of one exchange. */
export interface ScramClient {
  /** The first message. */
  first(): string;
  /** Reads the server's challenge: what PBKDF2 needs. */
  readServerFirst(text: string): { salt: Uint8Array; iterations: number } | ScramFault;
  /** The proof, from the 32 bytes that PBKDF2 gave. @throws Error before a good `readServerFirst`. */
  final(saltedPassword: Uint8Array): string;
  /** Whether the server knows the password as well. @throws Error before `final`. */
  readServerFinal(text: string): true | ScramFault;
}

class Client implements ScramClient {
  readonly #header: string;
  readonly #bare: string;
  readonly #nonce: string;
  readonly #bindingData: Uint8Array;
  readonly #minIterations: number;
  #challenge: { text: string; nonce: string } | undefined;
  #serverSignature: Uint8Array | undefined;

  constructor({ user, nonce, binding, minIterations }: ScramClientOptions) {
    if (user === "" || user.includes("\0") || !user.isWellFormed()) {
      throw new TypeError("user must be a well-formed text without NUL; check it with checkName");
    }
    expectNonce(nonce);
    const bound = typeof binding === "object" ? binding : undefined;
    if (bound) expectBinding(bound);
    this.#header = bound ? `p=${bound.type},,` : binding === "not-offered" ? "y,," : "n,,";
    this.#bindingData = bound ? bound.data.slice() : new Uint8Array();
    this.#bare = `n=${escapeName(user)},r=${nonce}`;
    this.#nonce = nonce;
    this.#minIterations = minIterations ?? SCRAM_LIMITS.minIterations;
    if (this.first().length > SCRAM_LIMITS.messageLength) {
      throw new RangeError("user is too long for a message of 4096 characters");
    }
  }

  first(): string {
    return this.#header + this.#bare;
  }

  readServerFirst(text: string): { salt: Uint8Array; iterations: number } | ScramFault {
    this.#challenge = undefined;
    const values = readAttributes(text, "rsi");
    if (!Array.isArray(values)) return values;
    const [nonce, encodedSalt, count] = values as [string, string, string];
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      return { fault: "wrong-nonce", text: "The server did not add to the client's nonce." };
    }
    if (!VISIBLE.test(nonce) || nonce.length > 2 * SCRAM_LIMITS.nonceLength) {
      return malformed("The nonce is not at most 512 visible ASCII characters.");
    }
    const salt = decodeBase64(encodedSalt);
    if (salt === undefined) return malformed("The salt is not base64.");
    if (!/^[1-9][0-9]{0,15}$/.test(count)) {
      return malformed("The iteration count is not a number.");
    }
    const iterations = Number(count);
    if (iterations < this.#minIterations) {
      return unsupported(`The server asks for ${count} iterations, too few to protect a password.`);
    }
    if (iterations > SCRAM_LIMITS.maxIterations) {
      return unsupported(`The server asks for ${count} iterations, too many to compute.`);
    }
    this.#challenge = { text, nonce };
    return { salt, iterations };
  }

  final(saltedPassword: Uint8Array): string {
    if (!this.#challenge) throw new Error("call final after a readServerFirst that found no fault");
    expectKey(saltedPassword, "saltedPassword");
    const bound = encodeBinding(this.#header, this.#bindingData);
    const withoutProof = `c=${encodeBase64(bound)},r=${this.#challenge.nonce}`;
    const signed = `${this.#bare},${this.#challenge.text},${withoutProof}`;
    const clientKey = hmacSha256(saltedPassword, "Client Key");
    const proof = xor(clientKey, hmacSha256(sha256(clientKey), signed));
    this.#serverSignature = hmacSha256(hmacSha256(saltedPassword, "Server Key"), signed);
    return `${withoutProof},p=${encodeBase64(proof)}`;
  }

  readServerFinal(text: string): true | ScramFault {
    if (!this.#serverSignature) throw new Error("call readServerFinal after final");
    if (text.startsWith("e=")) return { ...WRONG_PROOF, text: "The server refused the sign-in." };
    const values = readAttributes(text, "v");
    if (!Array.isArray(values)) return values;
    const signature = decodeBase64(values[0]);
    if (signature === undefined) return malformed("The signature is not base64.");
    return equalBytes(signature, this.#serverSignature)
      ? true
      : { ...WRONG_PROOF, text: "The server could not prove that it knows this account." };
  }
}

function encodeBinding(header: string, data: Uint8Array): Uint8Array {
  const prefix = encoder.encode(header);
  const bytes = new Uint8Array(prefix.length + data.length);
  bytes.set(prefix);
  bytes.set(data, prefix.length);
  return bytes;
}

/**
 * Starts the client's side of one exchange.
 *
 * @throws TypeError or RangeError for options that cannot be sent.
 *
 * @example The exchange of RFC 7677 §3
 * ```ts
 * import { createScramClient, saltPassword } from "./scram.ts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const client = createScramClient({ user: "user", nonce: "rOprNGfwEbeRWgbNEkqO" });
 * assertEquals(client.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
 * const challenge = client.readServerFirst(
 *   "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
 * );
 * assert(!("fault" in challenge));
 * client.final(saltPassword("pencil", challenge.salt, challenge.iterations));
 * assertEquals(client.readServerFinal("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), true);
 * ```
 */
export function createScramClient(options: ScramClientOptions): ScramClient {
  return new Client(options);
}

/** What {@linkcode createScramServer} needs to know. */
export interface ScramServerOptions {
  /** What {@linkcode readClientFirst} read. */
  readonly clientFirst: ClientFirst;
  /** The user's verifier, or the {@linkcode fakeVerifier} of a user who does not exist. */
  readonly verifier: Verifier;
  /** Fresh randomness, 1 to 256 visible ASCII characters without a comma; base64 of 18 bytes does. */
  readonly nonce: string;
  /** The channel, where the server announced that it can be bound to. */
  readonly binding?: ChannelBinding;
  /** Refuse clients that do not bind. */
  readonly requireBinding?: boolean;
}

/** The server's side of one exchange. */
export interface ScramServer {
  /** The challenge. */
  first(): string;
  /**
   * Checks the proof; `serverFinal` is the answer that proves the server in its turn. A wrong password
   * and an unknown user give the same fault after the same work. One exchange takes one proof.
   *
   * @throws Error when called a second time.
   */
  readClientFinal(text: string): { serverFinal: string } | ScramFault;
}

class Server implements ScramServer {
  readonly #clientFirst: ClientFirst;
  readonly #verifier: Verifier;
  readonly #nonce: string;
  readonly #first: string;
  readonly #bound: Uint8Array;
  readonly #bindingFault: ScramFault | undefined;
  #done = false;

  constructor({ clientFirst, verifier, nonce, binding, requireBinding }: ScramServerOptions) {
    expectNonce(nonce);
    expectIterations(verifier.iterations);
    expectKey(verifier.storedKey, "verifier.storedKey");
    expectKey(verifier.serverKey, "verifier.serverKey");
    if (verifier.salt.length === 0) throw new RangeError("verifier.salt is empty; give 16 bytes");
    if (binding) expectBinding(binding);
    else if (requireBinding) throw new TypeError("give the binding that requireBinding requires");
    this.#clientFirst = clientFirst;
    this.#verifier = verifier;
    this.#nonce = clientFirst.nonce + nonce;
    this.#first = `r=${this.#nonce},s=${encodeBase64(verifier.salt)},i=${verifier.iterations}`;
    this.#bound = encodeBinding(
      clientFirst.header,
      binding && clientFirst.flag === "p" ? binding.data : new Uint8Array(),
    );
    this.#bindingFault = judgeBinding(clientFirst, binding, requireBinding ?? false);
  }

  first(): string {
    return this.#first;
  }

  readClientFinal(text: string): { serverFinal: string } | ScramFault {
    if (this.#done) throw new Error("one exchange takes one proof; start another exchange");
    this.#done = true;
    const end = text.lastIndexOf(",p=");
    const proof = end < 0 ? undefined : decodeBase64(text.slice(end + 3));
    if (proof?.length !== SCRAM_LIMITS.keyBytes) {
      return malformed("The message does not end with a proof of 32 bytes.");
    }
    const withoutProof = text.slice(0, end);
    const values = readAttributes(withoutProof, "cr");
    if (!Array.isArray(values)) return values;
    const bound = decodeBase64(values[0]);
    if (bound === undefined) return malformed("The channel binding is not base64.");
    if (values[1] !== this.#nonce) {
      return { fault: "wrong-nonce", text: "The client did not repeat the nonce." };
    }
    if (this.#bindingFault) return this.#bindingFault;
    if (!equalBytes(bound, this.#bound)) {
      return { fault: "wrong-binding", text: "The client is not on this channel." };
    }
    const signed = `${this.#clientFirst.bare},${this.#first},${withoutProof}`;
    const { storedKey, serverKey } = this.#verifier;
    const clientKey = xor(proof, hmacSha256(storedKey, signed));
    if (!equalBytes(sha256(clientKey), storedKey)) return WRONG_PROOF;
    return { serverFinal: `v=${encodeBase64(hmacSha256(serverKey, signed))}` };
  }
}

/** RFC 5802 §6: what the client's flag means for a server that can, must or cannot bind. */
function judgeBinding(
  { flag, bindingType }: ClientFirst,
  binding: ChannelBinding | undefined,
  required: boolean,
): ScramFault | undefined {
  if (flag === "p" && bindingType !== binding?.type) {
    return unsupported(`The channel binding ${bindingType} is not known here.`);
  }
  if (flag === "y" && binding) {
    return {
      fault: "wrong-binding",
      text: "The client was told that this server cannot bind to the channel, but it can.",
    };
  }
  if (flag === "n" && required) {
    return { fault: "wrong-binding", text: "The client must bind to the channel." };
  }
  return undefined;
}

/**
 * Starts the server's side of one exchange.
 *
 * @throws TypeError or RangeError for options that cannot be sent or checked against.
 *
 * @example
 * ```ts
 * import { createScramServer, createVerifier, readClientFirst, saltPassword } from "./scram.ts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const salt = new Uint8Array(16);
 * const verifier = createVerifier(saltPassword("pencil", salt, 4096), salt, 4096);
 * const clientFirst = readClientFirst("n,,n=user,r=abc");
 * assert(!("fault" in clientFirst));
 * const server = createScramServer({ clientFirst, verifier, nonce: "def" });
 * assertEquals(server.first(), "r=abcdef,s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096");
 * ```
 */
export function createScramServer(options: ScramServerOptions): ScramServer {
  return new Server(options);
}
