/**
 * The simulation's only source of chance: a small seeded generator (sfc32 by Chris Doty-Humphrey, public
 * domain) that forks, so that every part of a run has a stream of its own.
 *
 * @module
 */

/** A stream of chance. */
export interface Random {
  /** A number from 0 to 1, 1 excluded. */
  fraction(): number;
  /** A whole number from 0 to `end`, `end` excluded. */
  below(end: number): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** True so often: 0 is never, 1 is always. */
  chance(probability: number): boolean;
  /** One of these. */
  pick<T>(choices: readonly T[]): T;
  /** Fills an array with bytes. */
  readonly fill: (out: Uint8Array) => void;
  /** A stream of its own: what one part draws does not shift what another one gets. */
  fork(): Random;
}

class Sfc32 implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seeds: readonly [number, number, number]) {
    [this.#a, this.#b, this.#c] = seeds;
    for (let i = 0; i < 12; i++) this.#next();
  }

  #next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  fraction(): number {
    return this.#next() / 2 ** 32;
  }
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
  readonly fill = (out: Uint8Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = this.#next();
  };
  fork(): Random {
    return new Sfc32([this.#next(), this.#next(), this.#next()]);
  }
}

/**
 * Makes a stream from a seed, a whole number from 0 to 2⁵³−1.
 *
 * @example
 * ```ts
 * import { createRandom } from "./random.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(createRandom(7).below(1000), createRandom(7).below(1000));
 * ```
 */
export function createRandom(seed: number): Random {
  return new Sfc32([seed | 0, Math.floor(seed / 2 ** 32) | 0, 0x9e3779b9]);
}
