/**
 * RESET (docs/PROTOCOL.md, "Forgotten connections"): the tokens that go with our ids, those that peers have told us,
 * and the answers to DATA that is for nobody.
 *
 * @module
 */

import { createTokenBucket, type Rate, type TokenBucket } from "../rate.ts";
import { number53 } from "./cids.ts";
import { writeUint64 } from "./integer.ts";
import { encodeReset } from "./packet.ts";
import { concatenate, type Env, KEY_BYTES } from "./suite.ts";

/** So often, at most, DATA for nobody is answered. */
export const RESET_RATE: Rate = { perSecond: 1000, burst: 1000 };

/** What an endpoint knows of RESET. */
export class Resets<C> {
  readonly #env: Env;
  #secret: Uint8Array | undefined;
  readonly #rate: TokenBucket;
  /** Connections by the token that their peer would show. */
  readonly #byToken = new Map<number, C>();

  constructor(env: Env, secret: Uint8Array | undefined, now: number) {
    this.#env = env;
    this.#secret = secret?.slice();
    this.#rate = createTokenBucket(RESET_RATE, now);
  }

  /** The token of an id of ours: nobody else can tell it. */
  token(cid: number): number {
    if (this.#secret === undefined) {
      this.#secret = new Uint8Array(KEY_BYTES);
      this.#env.random(this.#secret);
    }
    const id = new Uint8Array(8);
    writeUint64(id, 0, cid);
    return number53(this.#env.suite.hmac(this.#secret, concatenate("dfp2 reset", id)));
  }

  /** The RESET for an id that is nobody's, unless there were too many. */
  answer(cid: number, now: number): Uint8Array | undefined {
    if (this.#rate.take(now) > 0) return undefined;
    return encodeReset({ cid, token: this.token(cid) });
  }

  /** From now on a RESET with this token may be for this connection. */
  heed(token: number, connection: C): void {
    this.#byToken.set(token, connection);
  }

  /** From now on it is not. */
  ignore(token: number, connection: C): void {
    if (this.#byToken.get(token) === connection) this.#byToken.delete(token);
  }

  /** For whom a RESET with this token is. */
  find(token: number): C | undefined {
    return this.#byToken.get(token);
  }
}
