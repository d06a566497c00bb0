/**
 * The server's side of SCRAM-SHA-256 (see scram.ts for the exchange).
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import {
  type ChannelBinding,
  type ClientFirst,
  encodeBinding,
  equalBytes,
  expectBinding,
  expectNonce,
  malformed,
  readAttributes,
  SCRAM_LIMITS,
  type ScramFault,
  unsupported,
  WRONG_PROOF,
  xor,
} from "./scram.ts";
import { expectIterations, expectKey, hmacSha256, type Verifier } from "./verifier.ts";

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
 * import { readClientFirst } from "./scram.ts";
 * import { createScramServer } from "./scram_server.ts";
 * import { createVerifier, saltPassword } from "./verifier.ts";
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
