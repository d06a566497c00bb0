/**
 * Counters: how often each limit was reached, as plain numbers by name. They only grow; whoever wants to know
 * what is new keeps what was there.
 *
 * @module
 */

/** What is counted, and what each count means. Those that refuse are named like their status. */
export const COUNTED = {
  "too-many-connections": "connections refused: as many are open as may be",
  "too-many-from-address": "connections refused: too many from one address",
  "too-many-unsigned": "connections refused or ended: too many had not signed in",
  "turned-away": "connections refused without a word: too many were being told",
  "sign-in-rate": "sign-ins and registrations refused: too many in a short time",
  "rate": "changes refused: too many of one user in a short time",
  "busy": "commands refused: too many under way on all connections",
  "transfer-busy": "uploads and downloads refused: as many were under way as may be",
  "stalled": "files on their way that stood still and had to make room",
  "held": "times that a connection was read no further: its commands had no replies yet",
  "behind": "times that a reader was too slow for the feed and was caught up from the log",
  "notices": "notices that were not sent to a reader that stalled",
  "tokens": "tokens forgotten: a user had too many",
  "lockouts": "lock-outs forgotten: there were too many",
} as const;

/** The name of a count. */
export type Counted = keyof typeof COUNTED;

/** Counts by name. */
export type Counts = { readonly [name in Counted]: number };

/** Counts. */
export interface Counters {
  /** All counts since the start. */
  readonly counts: Counts;
  /** Adds to a count: one, if nothing else is said. */
  add(name: Counted, many?: number): void;
  /** What was added since the last call, or `undefined` if nothing was. */
  news(): Partial<Counts> | undefined;
}

const NAMES = Object.keys(COUNTED) as Counted[];

function zeros(): Record<Counted, number> {
  return Object.fromEntries(NAMES.map((name) => [name, 0])) as Record<Counted, number>;
}

class PlainCounters implements Counters {
  readonly counts = zeros();
  #told = zeros();

  add(name: Counted, many = 1): void {
    this.counts[name] += many;
  }

  news(): Partial<Counts> | undefined {
    const changed = NAMES.filter((name) => this.counts[name] > this.#told[name]);
    if (changed.length === 0) return undefined;
    const news = changed.map((name) => [name, this.counts[name] - this.#told[name]]);
    this.#told = { ...this.counts };
    return Object.fromEntries(news);
  }
}

/**
 * Makes counters, all at 0.
 *
 * @example
 * ```ts
 * import { createCounters } from "./counters.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const counters = createCounters();
 * counters.add("rate");
 * counters.add("rate");
 * assertEquals(counters.news(), { rate: 2 });
 * assertEquals([counters.news(), counters.counts.rate], [undefined, 2]);
 * ```
 */
export function createCounters(): Counters {
  return new PlainCounters();
}
