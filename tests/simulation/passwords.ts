/**
 * Passwords of the simulated users. PBKDF2 is slow on purpose, so everything is salted once for all runs; with
 * fixed salts that changes nothing that a run can see.
 *
 * @module
 */

import { encodeBase64 } from "../../protocol/base64.ts";
import type { Register } from "../../protocol/body.ts";
import { SCRAM_LIMITS } from "../../protocol/scram.ts";
import { createVerifier, saltPassword, type Verifier } from "../../protocol/verifier.ts";

const ITERATIONS = SCRAM_LIMITS.minIterations;
const encoder = new TextEncoder();

const salted = new Map<string, Uint8Array>();

/** The salted password of a user; whoever does not know it gets something else. */
export function saltedPassword(user: string): Uint8Array {
  let bytes = salted.get(user);
  if (bytes === undefined) {
    bytes = saltPassword(`the password of ${user}`, saltOf(user), ITERATIONS);
    salted.set(user, bytes);
  }
  return bytes;
}

function saltOf(user: string): Uint8Array {
  return encoder.encode(user.padEnd(SCRAM_LIMITS.saltBytes)).subarray(0, SCRAM_LIMITS.saltBytes);
}

function verifierOf(user: string): Verifier {
  return createVerifier(saltedPassword(user), saltOf(user), ITERATIONS);
}

/** What makes the account of a user. */
export function registrationOf(user: string): Register {
  const { salt, iterations, storedKey, serverKey } = verifierOf(user);
  return {
    user,
    salt: encodeBase64(salt),
    iterations,
    storedKey: encodeBase64(storedKey),
    serverKey: encodeBase64(serverKey),
  };
}

/** Whose salted password proves the admin password. */
export const KEEPER = "keeper";

/** The admin password, as the server keeps it. */
export const ADMIN_VERIFIER: Verifier = verifierOf(KEEPER);
