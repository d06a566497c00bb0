/**
 * The nearest word: what somebody who mistyped may have meant.
 *
 * @module
 */

/**
 * The candidate that differs from a word by the fewest slips of the keyboard, at most so many: a letter
 * more, less, another, or two exchanged. `undefined` when none is that near.
 *
 * @example
 * ```ts
 * import { nearest } from "./nearest.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(nearest("RTD", ["LST", "RDT"], 1), "RDT");
 * ```
 */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  slips: number,
): string | undefined {
  let best: string | undefined;
  let least = slips + 1;
  for (const candidate of candidates) {
    // Half of a short word's letters wrong is another word.
    const allowed = Math.min(least - 1, Math.floor(candidate.length / 2));
    if (Math.abs(candidate.length - word.length) > allowed) continue;
    const distance = countSlips(word.toUpperCase(), candidate.toUpperCase());
    if (distance <= allowed) [best, least] = [candidate, distance];
  }
  return best;
}

/** The optimal string alignment distance. */
function countSlips(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (exchanged) cost = Math.min(cost, before[j - 2] + 1);
      row.push(cost);
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
