/**
 * Salting a password: PBKDF2 by WebCrypto where there is one (69 ms for 600,000 rounds), by the core's
 * own slow way where there is not, as on a page without TLS.
 *
 * @module
 */

import { encodeBase64 } from "../protocol/base64.ts";
import type { Register } from "../protocol/body.ts";
import { SCRAM_LIMITS } from "../protocol/scram.ts";
import {
  createVerifier,
  normalizePassword,
  saltPassword as saltSlowly,
} from "../protocol/verifier.ts";

/** PBKDF2 rounds of a new password. */
export const ITERATIONS = 600_000;

/** The salted password that SCRAM needs, 32 bytes. */
export async function saltPassword(
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) return saltSlowly(password, salt, iterations);
  const bytes = new TextEncoder().encode(normalizePassword(password));
  const key = await subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: salt.slice(), iterations };
  return new Uint8Array(await subtle.deriveBits(algorithm, key, SCRAM_LIMITS.keyBytes * 8));
}

/** What the server keeps of a new password. */
export async function newCredential(password: string): Promise<Omit<Register, "user">> {
  const salt = crypto.getRandomValues(new Uint8Array(SCRAM_LIMITS.saltBytes));
  const salted = await saltPassword(password, salt, ITERATIONS);
  const { storedKey, serverKey } = createVerifier(salted, salt, ITERATIONS);
  return {
    salt: encodeBase64(salt),
    iterations: ITERATIONS,
    storedKey: encodeBase64(storedKey),
    serverKey: encodeBase64(serverKey),
  };
}
