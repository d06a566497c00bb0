/**
 * A set of whole numbers, kept as ranges: bytes of a stream, or packet numbers. Ranges are half open, apart
 * from each other and sorted; nearly everything happens at one end of them, where it costs nothing.
 *
 * @module
 */

/** A set of whole numbers. */
export interface RangeSet {
  /** How many ranges it has. */
  readonly count: number;
  /** The first number of a range, and the one behind its last. */
  start(index: number): number;
  end(index: number): number;
  /** Whether a number is in it. */
  has(value: number): boolean;
  /** Adds the numbers from `start` to before `end`. */
  add(start: number, end: number): void;
  /** Takes them out. */
  remove(start: number, end: number): void;
  /** Takes the lowest range out. */
  shift(): void;
  /** How many of these numbers are not in it. */
  missing(start: number, end: number): number;
  clear(): void;
}

class Ranges implements RangeSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  get count(): number {
    return this.#starts.length;
  }

  start(index: number): number {
    return this.#starts[index];
  }

  end(index: number): number {
    return this.#ends[index];
  }

  /** The first range that ends at or behind `value`. */
  #find(value: number): number {
    const ends = this.#ends;
    let high = ends.length;
    // What arrives in order belongs at the end.
    if (high === 0 || ends[high - 1] < value) return high;
    let low = 0;
    high--;
    if (high > 0 && ends[high - 1] < value) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ends[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(value: number): boolean {
    const index = this.#find(value + 1);
    return index < this.#starts.length && this.#starts[index] <= value;
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    const starts = this.#starts;
    const ends = this.#ends;
    const first = this.#find(start);
    if (first === starts.length) {
      starts.push(start);
      ends.push(end);
      return;
    }
    if (starts[first] > end) {
      starts.splice(first, 0, start);
      ends.splice(first, 0, end);
      return;
    }
    let last = first;
    while (last + 1 < starts.length && starts[last + 1] <= end) last++;
    starts[first] = Math.min(starts[first], start);
    ends[first] = Math.max(ends[last], end);
    if (last > first) {
      starts.splice(first + 1, last - first);
      ends.splice(first + 1, last - first);
    }
  }

  remove(start: number, end: number): void {
    if (start >= end) return;
    const starts = this.#starts;
    const ends = this.#ends;
    const first = this.#find(start + 1);
    if (first === starts.length || starts[first] >= end) return;
    if (starts[first] < start && ends[first] > end) {
      starts.splice(first + 1, 0, end);
      ends.splice(first, 0, start);
      return;
    }
    let from = first;
    if (starts[first] < start) {
      ends[first] = start;
      from++;
    }
    let upto = from;
    while (upto < starts.length && ends[upto] <= end) upto++;
    if (upto > from) {
      starts.splice(from, upto - from);
      ends.splice(from, upto - from);
    }
    if (from < starts.length && starts[from] < end) starts[from] = end;
  }

  shift(): void {
    this.#starts.shift();
    this.#ends.shift();
  }

  missing(start: number, end: number): number {
    let missing = end - start;
    for (let index = this.#find(start + 1); index < this.#starts.length; index++) {
      if (this.#starts[index] >= end) break;
      missing -= Math.min(end, this.#ends[index]) - Math.max(start, this.#starts[index]);
    }
    return missing;
  }

  clear(): void {
    this.#starts.length = this.#ends.length = 0;
  }
}

/**
 * Makes an empty set.
 *
 * @example
 * ```ts
 * import { createRangeSet } from "./ranges.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const set = createRangeSet();
 * set.add(0, 10);
 * set.add(20, 30);
 * set.remove(5, 25);
 * assertEquals([set.count, set.end(0), set.start(1), set.missing(0, 30)], [2, 5, 25, 20]);
 * ```
 */
export function createRangeSet(): RangeSet {
  return new Ranges();
}
