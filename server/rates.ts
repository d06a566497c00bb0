/**
 * Rates by key: a token bucket for each user or address that did something lately.
 *
 * @module
 */

import { createTokenBucket, type Rate, type TokenBucket } from "../protocol/rate.ts";

/** One rate, held by many. */
export interface Rates {
  /** Keys that are remembered. */
  readonly size: number;
  /** Takes a token of this key: 0, or the ms until there is one. */
  take(key: string, now: number): number;
  /** What `take` would give; takes nothing. */
  wait(key: string, now: number): number;
  /** Forgets those who would be let through like new ones. */
  tidy(now: number): void;
}

class KeyedRates implements Rates {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: Rate) {
    // A rate that means nothing fails here, not with the first user.
    createTokenBucket(rate, 0);
    this.#rate = rate;
  }

  get size(): number {
    return this.#buckets.size;
  }

  take(key: string, now: number): number {
    if (this.#rate.perSecond === 0) return 0;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = createTokenBucket(this.#rate, now);
      this.#buckets.set(key, bucket);
    }
    return bucket.take(now);
  }

  wait(key: string, now: number): number {
    return this.#buckets.get(key)?.wait(now) ?? 0;
  }

  tidy(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (bucket.isFull(now)) this.#buckets.delete(key);
    }
  }
}

/**
 * Makes the buckets of a rate.
 *
 * @throws RangeError for a rate that means nothing.
 *
 * @example
 * ```ts
 * import { createRates } from "./rates.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const rates = createRates({ perSecond: 1, burst: 1 });
 * assertEquals([rates.take("ann", 0), rates.take("ann", 0), rates.take("ben", 0)], [0, 1000, 0]);
 * ```
 */
export function createRates(rate: Rate): Rates {
  return new KeyedRates(rate);
}
