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

/**
 * What a number means: a message's `seq`; `unclear`; `forgotten` if something was shown under it too long
 * ago; or `undefined` if nothing was.
 */
export type Meaning = number | "unclear" | "forgotten" | undefined;

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

/** What was shown of a thread. */
interface Shelf {
  /** By number. */
  readonly seqs: Map<number, number | "unclear">;
  /** By `seq`. */
  readonly numbers: Map<number, number>;
}

const sizeOf = ({ seqs, numbers }: Shelf) => seqs.size + numbers.size;

class Remembered implements Numbers {
  readonly #most: number;
  /** The thread that was shown last stands last. */
  readonly #threads = new Map<number, Shelf>();
  /** Threads of which something was forgotten, and the highest number of it. */
  readonly #forgotten = new Map<number, number>();
  /** What holds for all other threads: so many were forgotten that it is not known of which. */
  #lost = 0;
  #size = 0;

  constructor(most: number) {
    this.#most = most * 2;
  }

  listed(thread: number, { rows, end }: { rows: readonly Shown[]; end: boolean }): void {
    this.#change(thread, ({ seqs, numbers }) => {
      for (const { number, seq } of rows) {
        const before = numbers.get(seq);
        if (before !== undefined && before !== number && seqs.get(before) === seq) {
          seqs.delete(before);
        }
      }
      for (const { number, seq } of rows) {
        seqs.set(number, seq);
        // Last in turn: it was shown last.
        numbers.delete(seq);
        numbers.set(seq, number);
      }
      if (!end) return;
      const last = rows.at(-1)?.number ?? 0;
      for (const number of seqs.keys()) if (number > last) seqs.delete(number);
    });
  }

  shown(thread: number, { number, seq }: Shown): void {
    this.#change(thread, ({ seqs, numbers }) => {
      const before = seqs.get(number);
      const fresh = before === undefined && number > this.#highest(thread);
      seqs.set(number, fresh || before === seq ? seq : "unclear");
      numbers.set(seq, number);
    });
  }

  /** Changes what is known of a thread, and forgets what was shown longest ago if it is too much. */
  #change(thread: number, change: (shelf: Shelf) => void): void {
    const shelf = this.#threads.get(thread) ?? { seqs: new Map(), numbers: new Map() };
    this.#threads.delete(thread);
    this.#threads.set(thread, shelf);
    this.#size -= sizeOf(shelf);
    change(shelf);
    this.#size += sizeOf(shelf);
    for (const other of this.#threads.keys()) {
      if (this.#size <= this.#most || other === thread) break;
      this.#miss(other, this.#threads.get(other)!.seqs.keys());
      this.#drop(other);
    }
    if (this.#size > this.#most) this.#thin(thread, shelf);
  }

  /** Forgets what was shown longest ago in the only thread that is left. */
  #thin(thread: number, { seqs, numbers }: Shelf): void {
    this.#miss(thread, seqs.keys());
    for (const [seq, number] of numbers) {
      if (this.#size <= this.#most) return;
      numbers.delete(seq);
      this.#size -= seqs.delete(number) ? 2 : 1;
    }
    this.#size -= seqs.size;
    seqs.clear();
  }

  #miss(thread: number, forgotten: Iterable<number>): void {
    let highest = this.#highest(thread);
    for (const number of forgotten) highest = Math.max(highest, number);
    this.#forgotten.set(thread, highest);
    if (this.#forgotten.size <= this.#most) return;
    this.#forgotten.clear();
    this.#lost = Infinity;
  }

  /** No number above this one was forgotten. */
  #highest(thread: number): number {
    return this.#forgotten.get(thread) ?? this.#lost;
  }

  #drop(thread: number): void {
    const shelf = this.#threads.get(thread);
    if (shelf !== undefined) this.#size -= sizeOf(shelf);
    this.#threads.delete(thread);
  }

  meaning(thread: number, number: number): Meaning {
    const known = this.#threads.get(thread)?.seqs.get(number);
    if (known !== undefined) return known;
    return number <= this.#highest(thread) ? "forgotten" : undefined;
  }

  numberOf(thread: number, seq: number): number | undefined {
    return this.#threads.get(thread)?.numbers.get(seq);
  }

  forget(thread: number): void {
    this.#drop(thread);
    this.#forgotten.delete(thread);
  }
}

/** What is remembered if nothing else is said: more than anybody reads. */
const SHOWN_MAX = 100_000;

/**
 * Creates an empty memory.
 *
 * @param most About so many messages are remembered, those that were shown last.
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
export function createNumbers(most: number = SHOWN_MAX): Numbers {
  return new Remembered(most);
}
