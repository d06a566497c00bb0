/**
 * Statistics over measured values.
 *
 * @module
 */

/**
 * The value below or at which `share` of the values lie (nearest rank); `NaN` where there are none.
 *
 * @example
 * ```ts
 * import { percentile } from "./statistics.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(percentile([5, 1, 4, 2, 3], 0.5), 3);
 * ```
 */
export function percentile(values: ArrayLike<number>, share: number): number {
  if (!(share > 0 && share <= 1)) throw new RangeError(`${share} is no share above 0, up to 1`);
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? NaN : sorted[Math.ceil(sorted.length * share) - 1];
}

/** The middle value, or the mean of the two in the middle; `NaN` where there are none. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
