/**
 * Whether the memory of a process stays flat: samples over time, and the straight line through them.
 *
 * @module
 */

/** A sample. */
export interface Sample {
  /** In minutes. */
  readonly at: number;
  /** In MiB. */
  readonly memory: number;
}

/** How memory went. */
export interface Trend {
  /** MiB a minute, by least squares. */
  readonly slope: number;
  /** MiB that the line rises from the first sample to the last. */
  readonly rise: number;
}

/**
 * The straight line through samples.
 *
 * @example
 * ```ts
 * import { trendOf } from "./memory.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const samples = [{ at: 0, memory: 100 }, { at: 1, memory: 102 }, { at: 2, memory: 104 }];
 * assertEquals(trendOf(samples), { slope: 2, rise: 4 });
 * ```
 */
export function trendOf(samples: readonly Sample[]): Trend {
  const count = samples.length;
  if (count < 2) return { slope: 0, rise: 0 };
  const mean = (value: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + value(sample), 0) / count;
  const at = mean((sample) => sample.at);
  const memory = mean((sample) => sample.memory);
  const shared = mean((sample) => (sample.at - at) * (sample.memory - memory));
  const spread = mean((sample) => (sample.at - at) ** 2);
  const slope = spread === 0 ? 0 : shared / spread;
  return { slope, rise: slope * (samples[count - 1].at - samples[0].at) };
}
