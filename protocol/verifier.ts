/**
 * What a server keeps of a password, and the keys behind it (RFC 5802 §3, RFC 7677): made once, when an
 * account or a password is made, and used by every exchange of scram_server.ts.
 *
 * @module
 */

import { hmac } from "@noble/hashes/hmac.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { SCRAM_LIMITS } from "./scram.ts";
import { checkPassword } from "./text.ts";

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

/** HMAC-SHA-256 of a text, 32 bytes. */
export function hmacSha256(key: Uint8Array, text: string): Uint8Array {
  return hmac(sha256, key, encoder.encode(text));
}

/** @throws RangeError for a key that is not 32 bytes long; `name` says which one it is. */
export function expectKey(key: Uint8Array, name: string): void {
  if (key.length !== SCRAM_LIMITS.keyBytes) {
    throw new RangeError(`${name} has ${key.length} bytes; give the 32 that SHA-256 makes`);
  }
}

/** @throws RangeError for a number of PBKDF2 rounds that is none. */
export function expectIterations(iterations: number): void {
  if (!Number.isSafeInteger(iterations) || iterations < 1) {
    throw new RangeError(`iterations is ${iterations}; give a whole number from 1`);
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
 * import { createVerifier, saltPassword } from "./verifier.ts";
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
