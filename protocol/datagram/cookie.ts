/**
 * Cookies (DATAGRAM §2): a server that has many half-open handshakes keeps nothing for another INIT, but
 * asks for it again with a cookie that only who can read at its address has.
 *
 * @module
 */

import { equalBytes } from "../scram.ts";
import { concatenate, type Env, KEY_BYTES } from "./suite.ts";
import { writeUint64 } from "./integer.ts";

/** A secret makes cookies for so long, and is honoured for as long again, in ms. */
export const COOKIE_MS = 30_000;

/** What a cookie stands for. */
export interface CookieClaim {
  readonly path: string;
  readonly scid: number;
  readonly ephemeral: Uint8Array;
}

/** Makes cookies and knows them again. */
export interface CookieJar {
  make(claim: CookieClaim, now: number): Uint8Array;
  check(cookie: Uint8Array, claim: CookieClaim, now: number): boolean;
}

class Jar implements CookieJar {
  readonly #env: Env;
  #secret: Uint8Array | undefined;
  #before: Uint8Array | undefined;
  #turnAt = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  #turn(now: number): Uint8Array {
    if (this.#secret === undefined || now >= this.#turnAt) {
      // After a long rest the last secret is too old as well.
      this.#before = now < this.#turnAt + COOKIE_MS ? this.#secret : undefined;
      this.#secret = new Uint8Array(KEY_BYTES);
      this.#env.random(this.#secret);
      this.#turnAt = now + COOKIE_MS;
    }
    return this.#secret;
  }

  #bake(secret: Uint8Array, { path, scid, ephemeral }: CookieClaim): Uint8Array {
    const id = new Uint8Array(8);
    writeUint64(id, 0, scid);
    return this.#env.suite.hmac(secret, concatenate(id, ephemeral, path));
  }

  make(claim: CookieClaim, now: number): Uint8Array {
    return this.#bake(this.#turn(now), claim);
  }

  check(cookie: Uint8Array, claim: CookieClaim, now: number): boolean {
    const secrets = [this.#turn(now), this.#before];
    return secrets.some((secret) =>
      secret !== undefined && equalBytes(cookie, this.#bake(secret, claim))
    );
  }
}

/** Makes a jar. */
export function createCookieJar(env: Env): CookieJar {
  return new Jar(env);
}
