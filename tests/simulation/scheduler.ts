/**
 * Virtual time: what is to happen stands in a heap by its time, and time jumps from one to the next. What
 * is due at the same moment happens in the order in which it was asked for.
 *
 * @module
 */

/** Takes back what was scheduled; a second call does nothing. */
export type Cancel = () => void;

/** Virtual time. */
export interface Scheduler {
  /** Now, in virtual ms from the beginning of the run. */
  readonly now: number;
  /** When the next thing is to happen. */
  readonly next: number | undefined;
  /** Runs something at a time; one that has passed is now. */
  at(time: number, run: () => void): Cancel;
  /** Runs something after so many ms. */
  after(ms: number, run: () => void): Cancel;
  /** Lets everything happen up to a time, or until `done` says so. */
  runUntil(time: number, done?: () => boolean): void;
}

interface Item {
  readonly time: number;
  readonly order: number;
  run: (() => void) | undefined;
}

class Heap implements Scheduler {
  #items: Item[] = [];
  #order = 0;
  now = 0;

  get next(): number | undefined {
    while (this.#items[0] !== undefined && this.#items[0].run === undefined) this.#pop();
    return this.#items[0]?.time;
  }

  at(time: number, run: () => void): Cancel {
    const item: Item = { time: Math.max(time, this.now), order: this.#order++, run };
    this.#push(item);
    return () => {
      item.run = undefined;
    };
  }

  after(ms: number, run: () => void): Cancel {
    return this.at(this.now + ms, run);
  }

  runUntil(time: number, done: () => boolean = () => false): void {
    while (!done()) {
      const first = this.#items[0];
      if (first === undefined || first.time > time) {
        this.now = Math.max(this.now, time);
        return;
      }
      this.#pop();
      if (first.run === undefined) continue;
      this.now = first.time;
      first.run();
    }
  }

  #push(item: Item): void {
    const items = this.#items;
    let at = items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, items[parent])) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  #pop(): void {
    const items = this.#items;
    const last = items.pop()!;
    if (items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1], items[child])) child++;
      if (!before(items[child], last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
  }
}

function before(one: Item, other: Item): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order);
}

/**
 * Makes an empty schedule at time 0.
 *
 * @example
 * ```ts
 * import { createScheduler } from "./scheduler.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const scheduler = createScheduler();
 * const seen: number[] = [];
 * scheduler.after(20, () => seen.push(scheduler.now));
 * scheduler.after(10, () => seen.push(scheduler.now));
 * scheduler.runUntil(100);
 * assertEquals([seen, scheduler.now], [[10, 20], 100]);
 * ```
 */
export function createScheduler(): Scheduler {
  return new Heap();
}
