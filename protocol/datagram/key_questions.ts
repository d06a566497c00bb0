/**
 * Questions to servers for their keys, by ASK, and which of them a KEY answers: only one from where it was asked, with
 * the number that was sent.
 *
 * @module
 */

import { equalBytes } from "../scram.ts";
import { encodeAsk, type KeyPacket } from "./packet.ts";
import type { Env } from "./suite.ts";

/** Questions that may be open. */
const ASKED_MAX = 16;

/** The questions of an endpoint. */
export class KeyQuestions {
  readonly #env: Env;
  readonly #asked = new Map<string, { readonly path: string; readonly nonce: Uint8Array }>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Asks: the packet to be sent there. The oldest question is forgotten where there are too many. */
  ask(path: string): Uint8Array {
    const nonce = new Uint8Array(8);
    this.#env.random(nonce);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size >= ASKED_MAX) this.#asked.delete(oldest);
    this.#asked.set(nonce.toString(), { path, nonce });
    return encodeAsk(nonce);
  }

  /** The key that a packet tells, if it was asked for. */
  answered(path: string, { nonce, key }: KeyPacket): Uint8Array | undefined {
    const asked = this.#asked.get(nonce.toString());
    if (asked === undefined || asked.path !== path || !equalBytes(asked.nonce, nonce)) {
      return undefined;
    }
    this.#asked.delete(nonce.toString());
    return key.slice();
  }
}
