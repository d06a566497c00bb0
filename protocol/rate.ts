/**
 * Rates: so many things a second, with a store of them for bursts (a token bucket). The caller keeps one
 * bucket for each that is counted, a user or an address, and hands in the time.
 *
 * A bucket is full at first. Each thing takes a token, and tokens come back at the rate, up to the burst. So
 * in any stretch of time no more than the burst and what the rate gives in that time goes through, and
 * whoever stays below the rate never waits.
 *
 * @module
 */

/** How much may be done. */
export interface Rate {
  /** Tokens that come back in a second; 0 is no limit at all. */
  readonly perSecond: number;
  /** Tokens that a bucket holds, 1 at least; it does not matter where there is no limit. */
  readonly burst: number;
}

/** One bucket. */
export interface TokenBucket {
  /**
   * Takes a token. Gives 0, or, where there is none, in how many ms there will be one (a whole number); nothing
   * is taken then. `now` is in ms of any clock; one that was set back holds nobody up.
   */
  take(now: number): number;
  /** What {@linkcode TokenBucket.take} would give; takes nothing. */
  wait(now: number): number;
  /** Whether it is full again, so that a new one in its place makes no difference. */
  isFull(now: number): boolean;
}

/** So little is missing only because of rounding. */
const ROUNDING = 1e-6;

class Bucket implements TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perMs: number, burst: number, now: number) {
    this.#perMs = perMs;
    this.#burst = this.#tokens = burst;
    this.#at = now;
  }

  take(now: number): number {
    const wait = this.wait(now);
    if (wait === 0) this.#tokens--;
    return wait;
  }

  wait(now: number): number {
    if (this.#perMs === 0) return 0;
    this.#refill(now);
    const missing = 1 - ROUNDING - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perMs);
  }

  isFull(now: number): boolean {
    this.#refill(now);
    return this.#perMs === 0 || this.#tokens >= this.#burst - ROUNDING;
  }

  #refill(now: number): void {
    const passed = now - this.#at;
    this.#at = now;
    if (passed > 0) this.#tokens = Math.min(this.#burst, this.#tokens + passed * this.#perMs);
  }
}

/**
 * Makes a full bucket.
 *
 * @throws RangeError for a rate that means nothing.
 *
 * @example
 * ```ts
 * import { createTokenBucket } from "./rate.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const bucket = createTokenBucket({ perSecond: 10, burst: 2 }, 0);
 * assertEquals([bucket.take(0), bucket.take(0), bucket.take(0)], [0, 0, 100]);
 * assertEquals([bucket.take(99), bucket.take(100)], [1, 0]);
 * ```
 */
export function createTokenBucket({ perSecond, burst }: Rate, now: number): TokenBucket {
  if (!(perSecond >= 0 && perSecond < Infinity)) {
    throw new RangeError(`perSecond is ${perSecond}; give a number from 0`);
  }
  if (perSecond > 0 && !(burst >= 1 && burst < Infinity)) {
    throw new RangeError(`burst is ${burst}; give a number from 1`);
  }
  return new Bucket(perSecond / 1000, burst, now);
}
