/**
 * The client's side of SCRAM-SHA-256 (see scram.ts for the exchange and what stands between its steps).
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import {
  type ChannelBinding,
  encodeBinding,
  equalBytes,
  escapeName,
  expectBinding,
  expectNonce,
  malformed,
  readAttributes,
  SCRAM_LIMITS,
  type ScramFault,
  unsupported,
  VISIBLE,
  WRONG_PROOF,
  xor,
} from "./scram.ts";
import { expectKey, hmacSha256 } from "./verifier.ts";

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

/**
 * Starts the client's side of one exchange.
 *
 * @throws TypeError or RangeError for options that cannot be sent.
 *
 * @example The exchange of RFC 7677 §3
 * ```ts
 * import { createScramClient } from "./scram_client.ts";
 * import { saltPassword } from "./verifier.ts";
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
