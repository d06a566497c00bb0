/**
 * The salter: PBKDF2 for passwords that are typed in text mode, a few at a time. One takes 70 ms of a
 * processor, so those who only want to keep the machine busy must not crowd out the others.
 *
 * @module
 */

import type { Salting } from "../protocol/text_mode/secrets.ts";
import { ITERATIONS } from "./sign_in.ts";

/** So many passwords are salted at the same time. */
export const SALTINGS_AT_ONCE = 4;
/** So many more wait. */
export const SALTINGS_WAITING = 64;
/** So many of one network are salted or wait. */
export const SALTINGS_PER_NETWORK = 8;
/** More rounds than this are not done here: who made the account may have asked for 200 times as many. */
export const TYPED_ITERATIONS_MAX = 2 * ITERATIONS;

/** Salts one password. */
export type Salt = (salting: Salting) => Promise<Uint8Array>;

/** A password to be salted, and who waits for it. */
export interface SaltingTask {
  readonly salting: Salting;
  /** The network that it counts for, if it counts for one. */
  readonly whose?: string | undefined;
  /** Whether somebody still waits for it. */
  readonly wanted: () => boolean;
  /** Gets the salted password; `undefined` if it could not be salted. */
  readonly done: (salted: Uint8Array | undefined) => void;
}

/** Salts passwords. */
export interface Salter {
  /** Begins, or puts in line; false if the line is too long, or too many in it are of the same network. */
  salt(task: SaltingTask): boolean;
}

class FewAtATime implements Salter {
  readonly #salt: Salt;
  readonly #line: SaltingTask[] = [];
  /** How many are salted or wait, by whose they are. */
  readonly #many = new Map<string, number>();
  #underWay = 0;

  constructor(salt: Salt) {
    this.#salt = salt;
  }

  salt(task: SaltingTask): boolean {
    const { whose } = task;
    if (whose !== undefined && (this.#many.get(whose) ?? 0) >= SALTINGS_PER_NETWORK) return false;
    if (!this.#take(task)) return false;
    if (whose !== undefined) this.#many.set(whose, (this.#many.get(whose) ?? 0) + 1);
    return true;
  }

  #take(task: SaltingTask): boolean {
    if (this.#underWay < SALTINGS_AT_ONCE) this.#begin(task);
    else if (this.#line.length < SALTINGS_WAITING) this.#line.push(task);
    else return false;
    return true;
  }

  /** One less of this network. */
  #leave({ whose }: SaltingTask): void {
    if (whose === undefined) return;
    const left = this.#many.get(whose)! - 1;
    if (left > 0) this.#many.set(whose, left);
    else this.#many.delete(whose);
  }

  async #begin(task: SaltingTask): Promise<void> {
    const { salting, done } = task;
    this.#underWay++;
    let salted: Uint8Array | undefined;
    try {
      salted = await this.#salt(salting);
    } catch {
      // Whoever waits is told that it is the server's fault.
    }
    this.#underWay--;
    this.#leave(task);
    this.#beginNext();
    done(salted);
  }

  #beginNext(): void {
    for (let task = this.#line.shift(); task !== undefined; task = this.#line.shift()) {
      if (task.wanted()) return void this.#begin(task);
      this.#leave(task);
    }
  }
}

/**
 * Makes a salter.
 *
 * @example
 * ```ts
 * import { createSalter } from "./salter.ts";
 * import { assert } from "@std/assert";
 *
 * const salter = createSalter(() => Promise.resolve(new Uint8Array(32)));
 * const salting = { password: "pencil", salt: new Uint8Array(16), iterations: 4096 };
 * const salted = Promise.withResolvers<Uint8Array | undefined>();
 * assert(salter.salt({ salting, wanted: () => true, done: salted.resolve }));
 * assert((await salted.promise)?.length === 32);
 * ```
 */
export function createSalter(salt: Salt): Salter {
  return new FewAtATime(salt);
}
