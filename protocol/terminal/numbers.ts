/**
 * Numbers: which message a number means to the person who types it (DESIGN §6).
 *
 * A message's number is its place among the living ones, so it changes when one before it is deleted.
 * A number therefore means the message that was shown under it: by the last listing that held it, or by a
 * live line since. One that was shown for two different messages since then means neither.
 *
 * @module
 */

/** A message as it was shown. */
export interface Shown {
  readonly number: number;
  readonly seq: number;
}

/** What a number means: a message's `seq`; `unclear`; or `undefined` if nothing was shown under it. */
export type Meaning = number | "unclear" | undefined;

/** Remembers what was shown. */
export interface Numbers {
  /** A page of a thread was shown; `end` if nothing comes after it. */
  listed(thread: number, page: { rows: readonly Shown[]; end: boolean }): void;
  /** A single message was shown. */
  shown(thread: number, message: Shown): void;
  meaning(thread: number, number: number): Meaning;
  /** Under which number a message was last shown. */
  numberOf(thread: number, seq: number): number | undefined;
  /** Nothing of this thread counts any more. */
  forget(thread: number): void;
}

class Remembered implements Numbers {
  #threads = new Map<number, { seqs: Map<number, Meaning>; numbers: Map<number, number> }>();

  #of(thread: number) {
    let there = this.#threads.get(thread);
    if (there === undefined) {
      there = { seqs: new Map(), numbers: new Map() };
      this.#threads.set(thread, there);
    }
    return there;
  }

  listed(thread: number, { rows, end }: { rows: readonly Shown[]; end: boolean }): void {
    const { seqs, numbers } = this.#of(thread);
    for (const { number, seq } of rows) {
      const before = numbers.get(seq);
      if (before !== undefined && before !== number && seqs.get(before) === seq) {
        seqs.delete(before);
      }
    }
    for (const { number, seq } of rows) {
      seqs.set(number, seq);
      numbers.set(seq, number);
    }
    if (!end) return;
    const last = rows.at(-1)?.number ?? 0;
    for (const number of seqs.keys()) if (number > last) seqs.delete(number);
  }

  shown(thread: number, { number, seq }: Shown): void {
    const { seqs, numbers } = this.#of(thread);
    const before = seqs.get(number);
    seqs.set(number, before === undefined || before === seq ? seq : "unclear");
    numbers.set(seq, number);
  }

  meaning(thread: number, number: number): Meaning {
    return this.#threads.get(thread)?.seqs.get(number);
  }

  numberOf(thread: number, seq: number): number | undefined {
    return this.#threads.get(thread)?.numbers.get(seq);
  }

  forget(thread: number): void {
    this.#threads.delete(thread);
  }
}

/**
 * Creates an empty memory.
 *
 * @example
 * ```ts
 * import { createNumbers } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const numbers = createNumbers();
 * numbers.listed(1, { rows: [{ number: 1, seq: 2 }, { number: 2, seq: 3 }], end: true });
 * // Somebody deletes the first message, then another is posted, which is the second again.
 * numbers.shown(1, { number: 2, seq: 5 });
 * assertEquals([numbers.meaning(1, 1), numbers.meaning(1, 2)], [2, "unclear"]);
 * ```
 */
export function createNumbers(): Numbers {
  return new Remembered();
}
