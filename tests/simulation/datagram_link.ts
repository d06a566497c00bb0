/**
 * A link for datagrams, one direction of it: it delays, loses, repeats, swaps, damages and cuts off what is
 * given to it, as its seed says. It is pure, so the same link serves virtual time in the tests and real time in
 * the benches' relay.
 *
 * Datagrams first wait in a queue before the narrow place, whose rate is the link's; what finds the queue full is
 * lost. Behind it they travel, and may overtake each other.
 *
 * @module
 */

import type { Random } from "./random.ts";

/** What a link does. Probabilities go from 0 to 1, times are ms. */
export interface DatagramLinkFaults {
  /** The way from one end to the other. */
  delay: number;
  /** How much longer it may take, for each datagram anew: they overtake each other. */
  jitter: number;
  /** Bytes a ms through the narrow place; 0 is no limit. */
  rate: number;
  /** Bytes that may wait before it. */
  queue: number;
  /** The largest datagram that passes. */
  mtu: number;
  loss: number;
  /** How often a stretch begins in which all is lost, and how long it lasts on the average. */
  burst: number;
  burstMs: number;
  duplicate: number;
  corrupt: number;
  /** How often a datagram takes a longer way, and how much longer. */
  reorder: number;
  reorderDelay: number;
}

/** A link that does no harm. */
export const PERFECT_LINK: Readonly<DatagramLinkFaults> = {
  delay: 0,
  jitter: 0,
  rate: 0,
  queue: 0,
  mtu: 65_527,
  loss: 0,
  burst: 0,
  burstMs: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  reorderDelay: 0,
};

/** What has happened on a link. */
export interface DatagramLinkCounts {
  given: number;
  bytes: number;
  /** Lost by chance, by a burst, by a full queue, by their size. */
  lost: number;
  burst: number;
  overflow: number;
  large: number;
  duplicated: number;
  corrupted: number;
  delivered: number;
}

/** One direction of a link. */
export interface DatagramLink {
  /** May be changed at any time. */
  readonly faults: DatagramLinkFaults;
  readonly counts: DatagramLinkCounts;
  /** A datagram goes in; it is copied. `tag` comes out with it. */
  push(now: number, datagram: Uint8Array, tag?: string): void;
  /** When the next one comes out. */
  due(): number | undefined;
  /** The next one that has come out. */
  pull(now: number): { readonly datagram: Uint8Array; readonly tag: string } | undefined;
  /** Nothing comes out before a time. */
  stall(until: number): void;
}

interface Travelling {
  readonly datagram: Uint8Array;
  readonly tag: string;
  readonly at: number;
  readonly order: number;
}

class Way implements DatagramLink {
  readonly #random: Random;
  readonly #heap: Travelling[] = [];
  #order = 0;
  /** When the narrow place is free again. */
  #freeAt = 0;
  #burstUntil = 0;
  #stalledUntil = 0;
  readonly faults: DatagramLinkFaults;
  readonly counts: DatagramLinkCounts = {
    given: 0,
    bytes: 0,
    lost: 0,
    burst: 0,
    overflow: 0,
    large: 0,
    duplicated: 0,
    corrupted: 0,
    delivered: 0,
  };

  constructor(random: Random, faults: Partial<DatagramLinkFaults>) {
    this.#random = random;
    this.faults = { ...PERFECT_LINK, ...faults };
  }

  push(now: number, datagram: Uint8Array, tag = ""): void {
    const { faults, counts } = this;
    counts.given++;
    counts.bytes += datagram.length;
    if (datagram.length > faults.mtu) {
      counts.large++;
      return;
    }
    const leaves = this.#pass(now, datagram.length);
    if (leaves === undefined) {
      counts.overflow++;
      return;
    }
    if (this.#isInBurst(now)) {
      counts.burst++;
      return;
    }
    if (faults.loss > 0 && this.#random.chance(faults.loss)) {
      counts.lost++;
      return;
    }
    const copy = datagram.slice();
    this.#send(leaves, copy, tag);
    if (faults.duplicate > 0 && this.#random.chance(faults.duplicate)) {
      counts.duplicated++;
      this.#send(leaves, copy.slice(), tag);
    }
  }

  /** When a datagram has passed the narrow place. */
  #pass(now: number, bytes: number): number | undefined {
    const { rate, queue } = this.faults;
    if (rate <= 0) return now;
    const from = Math.max(now, this.#freeAt);
    if ((from - now) * rate + bytes > Math.max(queue, bytes)) return undefined;
    this.#freeAt = from + bytes / rate;
    return this.#freeAt;
  }

  #isInBurst(now: number): boolean {
    if (now < this.#burstUntil) return true;
    const { burst, burstMs } = this.faults;
    if (burst <= 0 || !this.#random.chance(burst)) return false;
    this.#burstUntil = now + 2 * burstMs * this.#random.fraction();
    return true;
  }

  #send(leaves: number, datagram: Uint8Array, tag: string): void {
    const { delay, jitter, corrupt, reorder, reorderDelay } = this.faults;
    let at = leaves + delay;
    if (jitter > 0) at += this.#random.fraction() * jitter;
    if (reorder > 0 && this.#random.chance(reorder)) at += this.#random.fraction() * reorderDelay;
    if (corrupt > 0 && this.#random.chance(corrupt)) {
      this.counts.corrupted++;
      datagram[this.#random.below(datagram.length)] ^= 1 << this.#random.below(8);
    }
    this.#insert({ datagram, tag, at, order: this.#order++ });
  }

  stall(until: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, until);
  }

  due(): number | undefined {
    const first = this.#heap[0];
    return first === undefined ? undefined : Math.max(first.at, this.#stalledUntil);
  }

  pull(now: number): Travelling | undefined {
    const due = this.due();
    if (due === undefined || due > now) return undefined;
    this.counts.delivered++;
    return this.#take();
  }

  #insert(item: Travelling): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = item;
  }

  #take(): Travelling {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: Travelling, other: Travelling): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/**
 * Makes one direction of a link.
 *
 * @example
 * ```ts
 * import { createDatagramLink } from "./datagram_link.ts";
 * import { createRandom } from "./random.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const link = createDatagramLink(createRandom(1), { delay: 20, mtu: 1000 });
 * link.push(0, new Uint8Array([7]));
 * link.push(0, new Uint8Array(1001));
 * assertEquals([link.due(), link.pull(19), link.pull(20)?.datagram[0], link.due()], [20, undefined, 7, undefined]);
 * ```
 */
export function createDatagramLink(
  random: Random,
  faults: Partial<DatagramLinkFaults> = {},
): DatagramLink {
  return new Way(random, faults);
}
