/**
 * A tally: how often each of some words was counted, and not yet taken off again.
 *
 * @module
 */

/** Counts words. */
export interface Tally {
  /** How often a word counts now. */
  count(word: string): number;
  add(words: Iterable<string>): void;
  /** Takes each word off once; it must have been added. */
  subtract(words: Iterable<string>): void;
}

/**
 * Makes an empty tally.
 *
 * @example
 * ```ts
 * import { createTally } from "./tally.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const tally = createTally();
 * tally.add(["a", "b", "a"]);
 * tally.subtract(["a", "b"]);
 * assertEquals([tally.count("a"), tally.count("b")], [1, 0]);
 * ```
 */
export function createTally(): Tally {
  const counts = new Map<string, number>();
  return {
    count: (word) => counts.get(word) ?? 0,
    add(words) {
      for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    },
    subtract(words) {
      for (const word of words) {
        const left = counts.get(word)! - 1;
        if (left > 0) counts.set(word, left);
        else counts.delete(word);
      }
    },
  };
}
