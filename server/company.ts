/**
 * Company: whether somebody is alone with the server. Then what would make others wait can be done at once.
 *
 * Whoever says something is noted. When two have taken turns, nobody is alone until only one of them has been heard
 * for a while.
 *
 * @module
 */

/** Nobody is alone for so long after somebody else was heard, in ms. */
const LATELY_MS = 1000;

/** Who is there. */
export interface Company {
  /** Bytes of somebody have come, at a time in ms. */
  heard(who: object, now: number): void;
  /** Somebody has gone. */
  gone(who: object): void;
  /** Whether only one has been heard of late. */
  alone(now: number): boolean;
}

class LastHeard implements Company {
  #who: object | undefined;
  /** When somebody was heard after somebody else. */
  #turnAt = -Infinity;

  heard(who: object, now: number): void {
    if (who === this.#who) return;
    if (this.#who !== undefined) this.#turnAt = now;
    this.#who = who;
  }

  gone(who: object): void {
    if (who === this.#who) this.#who = undefined;
  }

  alone(now: number): boolean {
    return now - this.#turnAt > LATELY_MS;
  }
}

/**
 * Makes it, with nobody there.
 *
 * @example
 * ```ts
 * import { createCompany } from "./company.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const company = createCompany();
 * const [ann, bob] = [{}, {}];
 * company.heard(ann, 0);
 * assertEquals(company.alone(0), true);
 * company.heard(bob, 10);
 * assertEquals([company.alone(10), company.alone(1011)], [false, true]);
 * ```
 */
export function createCompany(): Company {
  return new LastHeard();
}
