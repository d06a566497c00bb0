/**
 * The salter: PBKDF2 for passwords that are typed in text mode, a few at a time. One takes 70 ms of a
 * processor, so those who only want to keep the machine busy must not crowd out the others.
 *
 * @module
 */

import type { Salting } from "../protocol/text_mode/secrets.ts";

/** So many passwords are salted at the same time. */
export const SALTINGS_AT_ONCE = 4;
/** So many more wait. */
export const SALTINGS_WAITING = 64;

/** Salts one password. */
export type Salt = (salting: Salting) => Promise<Uint8Array>;

/** A password to be salted, and who waits for it. */
export interface SaltingTask {
  readonly salting: Salting;
  /** Whether somebody still waits for it. */
  readonly wanted: () => boolean;
  /** Gets the salted password; `undefined` if it could not be salted. */
  readonly done: (salted: Uint8Array | undefined) => void;
}

/** Salts passwords. */
export interface Salter {
  /** Begins, or puts in line; false if the line is too long. */
  salt(task: SaltingTask): boolean;
}

class FewAtATime implements Salter {
  readonly #salt: Salt;
  readonly #line: SaltingTask[] = [];
  #underWay = 0;

  constructor(salt: Salt) {
    this.#salt = salt;
  }

  salt(task: SaltingTask): boolean {
    if (this.#underWay < SALTINGS_AT_ONCE) this.#begin(task);
    else if (this.#line.length < SALTINGS_WAITING) this.#line.push(task);
    else return false;
    return true;
  }

  async #begin({ salting, done }: SaltingTask): Promise<void> {
    this.#underWay++;
    let salted: Uint8Array | undefined;
    try {
      salted = await this.#salt(salting);
    } catch {
      // Whoever waits is told that it is the server's fault.
    }
    this.#underWay--;
    this.#beginNext();
    done(salted);
  }

  #beginNext(): void {
    for (let task = this.#line.shift(); task !== undefined; task = this.#line.shift()) {
      if (task.wanted()) return void this.#begin(task);
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
