/**
 * Speed: how fast something has been going lately.
 *
 * @module
 */

/** Measures a speed. */
export interface Speed {
  /** It has come so far, at a time in ms. */
  note(amount: number, now: number): void;
  /** How much it gains a second; `undefined` while too little is known. */
  readonly perSecond: number | undefined;
}

/** So far back, in ms, is "lately". */
const SPAN = 5000;
/** What is noted within so many ms is one sample. */
const STEP = 100;

interface Sample {
  readonly at: number;
  readonly amount: number;
}

class Lately implements Speed {
  readonly #samples: Sample[] = [];
  #newest: Sample | undefined;

  note(amount: number, now: number): void {
    // Beginning anew is no speed.
    if (this.#newest !== undefined && amount < this.#newest.amount) this.#samples.length = 0;
    this.#newest = { at: now, amount };
    const last = this.#samples.at(-1);
    if (last === undefined || now - last.at >= STEP) this.#samples.push(this.#newest);
    while (this.#samples.length > 2 && now - this.#samples[1].at >= SPAN) this.#samples.shift();
  }

  get perSecond(): number | undefined {
    const first = this.#samples.at(0);
    const last = this.#newest;
    if (first === undefined || last === undefined || last.at - first.at < STEP) return undefined;
    return (last.amount - first.amount) / (last.at - first.at) * 1000;
  }
}

/**
 * Begins to measure.
 *
 * @example
 * ```ts
 * import { createSpeed } from "./speed.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const speed = createSpeed();
 * speed.note(0, 0);
 * speed.note(500, 250);
 * assertEquals(speed.perSecond, 2000);
 * ```
 */
export function createSpeed(): Speed {
  return new Lately();
}
