/**
 * Passwords that the server itself is given: the admin's, those of a credentials file, and those that are
 * typed in text mode. They become verifiers at once and are not kept. WebCrypto does the slow part off the main thread.
 *
 * @module
 */

import { SCRAM_LIMITS } from "../protocol/scram.ts";
import { createVerifier, normalizePassword, type Verifier } from "../protocol/verifier.ts";
import { ITERATIONS } from "./sign_in.ts";

/** The salted password that a verifier is made from, 32 bytes. */
export async function saltPassword(
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(normalizePassword(password));
  const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, SCRAM_LIMITS.keyBytes * 8));
}

/** Makes the verifier of a password, with a fresh salt. */
export async function verifierOf(password: string): Promise<Verifier> {
  const salt = crypto.getRandomValues(new Uint8Array(SCRAM_LIMITS.saltBytes));
  return createVerifier(await saltPassword(password, salt, ITERATIONS), salt, ITERATIONS);
}

/** Whether this is the password that the verifier was made from. */
export async function matches(password: string, verifier: Verifier): Promise<boolean> {
  const salt = verifier.salt.slice();
  const salted = await saltPassword(password, salt, verifier.iterations);
  const made = createVerifier(salted, salt, verifier.iterations);
  return made.storedKey.every((byte, i) => byte === verifier.storedKey[i]);
}

/** A password that nobody guesses and a person can type: 120 bits in five groups. */
export function generatePassword(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const bytes = crypto.getRandomValues(new Uint8Array(25));
  const text = Array.from(bytes, (byte) => letters[byte % letters.length]).join("");
  return text.match(/.{5}/g)!.join("-");
}
