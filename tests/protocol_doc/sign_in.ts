/**
 * The sign-in that the specification shows: its password, its randomness, and every value behind it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import type { Verifier } from "../../protocol/verifier.ts";

/** The user, the password and the random bytes of the sign-in that the specification shows. */
export const SIGN_IN = {
  user: "Yoda",
  password: "do or do not",
  salt: Uint8Array.from({ length: 16 }, (_, at) => at),
  iterations: 4096,
} as const;

/** What "random" bytes each side uses there. */
export const RANDOM = {
  client: (out: Uint8Array) => out.forEach((_, at) => out[at] = at),
  server: (out: Uint8Array) => out.forEach((_, at) => out[at] = 0x80 + at),
} as const;

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}

/** Every value of that sign-in, computed as RFC 5802 says and without the code that is specified. */
export function scramValues() {
  const { user, password, salt, iterations } = SIGN_IN;
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const nonces = [RANDOM.client, RANDOM.server].map((random) => {
    const bytes = new Uint8Array(18);
    random(bytes);
    return base64(bytes);
  });
  const saltedPassword = new Uint8Array(pbkdf2Sync(password, salt, iterations, 32, "sha256"));
  const clientKey = hmac(saltedPassword, "Client Key");
  const storedKey = new Uint8Array(createHash("sha256").update(clientKey).digest());
  const serverKey = new Uint8Array(hmac(saltedPassword, "Server Key"));
  const nonce = nonces.join("");
  const clientFirstBare = `n=${user},r=${nonces[0]}`;
  const serverFirst = `r=${nonce},s=${base64(salt)},i=${iterations}`;
  const clientFinalWithoutProof = `c=biws,r=${nonce}`;
  const authMessage = `${clientFirstBare},${serverFirst},${clientFinalWithoutProof}`;
  const clientSignature = hmac(storedKey, authMessage);
  const clientProof = clientKey.map((byte, at) => byte ^ clientSignature[at]);
  const serverSignature = hmac(serverKey, authMessage);
  return {
    clientNonce: nonces[0],
    serverNonce: nonces[1],
    salt,
    saltedPassword,
    clientKey,
    storedKey,
    serverKey,
    authMessage,
    clientSignature,
    clientProof,
    serverSignature,
  };
}

/** What the server of that sign-in keeps. */
export function verifierOfSignIn(): Verifier {
  const { storedKey, serverKey } = scramValues();
  const { salt, iterations } = SIGN_IN;
  return { salt, iterations, storedKey, serverKey };
}
