/**
 * How often a property test tries: few while someone works, many where a machine watches.
 *
 * @module
 */

/** What a continuous-integration run tries at the least. */
const CI_RUNS = 1000;

/**
 * The number of runs for a property test, as fast-check's `numRuns`.
 *
 * `DFP_RUNS` decides when it is set; otherwise, with `CI` set, the larger of 1000 and `local`, but no
 * more than `most`; otherwise `local`.
 *
 * @param local Runs on a developer's machine.
 * @param most What a watching machine tries at the most, where a run is slow and no law hangs on it.
 * @throws {RangeError} When `DFP_RUNS` is set to something else than a whole number above 0.
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 *
 * fc.assert(fc.property(fc.string(), (s) => s.length >= 0), { numRuns: runs() });
 * ```
 */
export function runs(local = 100, most = Infinity): number {
  const wanted = Deno.env.get("DFP_RUNS");
  if (wanted) {
    const count = Number(wanted);
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(`DFP_RUNS must be a whole number above 0, not "${wanted}"`);
    }
    return count;
  }
  const ci = Deno.env.get("CI");
  return ci && ci !== "false" ? Math.min(Math.max(CI_RUNS, local), most) : local;
}
