/**
 * The nearest word: what somebody who mistyped may have meant.
 *
 * What is typed and what it is compared with come from strangers, and the comparison is repeated for many
 * candidates: so each is given up as soon as it is too far off, and costs a few steps a letter at most.
 *
 * @module
 */

/** Longer words are no slip of the keyboard; no name or title is so long. */
const LENGTH_MAX = 512;

/**
 * The candidate that differs from a word by the fewest slips of the keyboard, at most so many: a letter
 * more, less, another, or two exchanged. `undefined` when none is that near, and for words above 512
 * characters.
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
  if (word.length > LENGTH_MAX) return undefined;
  const wanted = word.toUpperCase();
  const counter = new SlipCounter();
  let best: string | undefined;
  let least = slips + 1;
  for (const candidate of candidates) {
    // Half of a short word's letters wrong is another word.
    const allowed = Math.min(least - 1, Math.floor(candidate.length / 2));
    if (Math.abs(candidate.length - word.length) > allowed) continue;
    const distance = counter.count(wanted, candidate.toUpperCase(), allowed);
    if (distance <= allowed) [best, least] = [candidate, distance];
  }
  return best;
}

/** The optimal string alignment distance. */
class SlipCounter {
  /** Of three rows of the table, the part near its diagonal: the present one, and the two before. */
  #row: number[] = [];
  #last: number[] = [];
  #before: number[] = [];

  /** The distance, or more than `most` where it is more: then no more is looked at than tells that. */
  count(a: string, b: string, most: number): number {
    const far = most + 1;
    if (Math.abs(a.length - b.length) > most) return far;
    for (let j = 0; j <= far; j++) this.#last[j] = j;
    let leastBefore = far;
    for (let i = 1; i <= a.length; i++) {
      const least = this.#fill(i, { a, b, most });
      // Two letters exchanged reach over one row.
      if (least > most && leastBefore > most) return far;
      leastBefore = least;
      [this.#before, this.#last, this.#row] = [this.#last, this.#row, this.#before];
    }
    return this.#last[b.length];
  }

  /** Fills a row, with what is too far on both sides of it, and gives its least cost. */
  #fill(i: number, { a, b, most }: { a: string; b: string; most: number }): number {
    const [row, last, before] = [this.#row, this.#last, this.#before];
    const far = most + 1;
    const from = Math.max(1, i - most);
    const to = Math.min(b.length, i + most);
    row[from - 1] = from === 1 ? Math.min(i, far) : far;
    let least = row[from - 1];
    for (let j = from; j <= to; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(far, last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (exchanged) cost = Math.min(cost, before[j - 2] + 1);
      row[j] = cost;
      least = Math.min(least, cost);
    }
    row[to + 1] = far;
    return least;
  }
}
