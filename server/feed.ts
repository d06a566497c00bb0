/**
 * The feed of a scope: its newest entries as encoded EVENT frames (DESIGN §5, law 8; §6).
 *
 * An entry is encoded once, into a segment that all subscribers share; a subscriber is only a position.
 * Whoever drains slowly holds nobody up and costs nothing but that position: when what it needs has
 * left the feed, it is read from the log instead, in the same bytes. What accumulates while a write
 * is under way leaves in the next one, so writes coalesce by themselves.
 *
 * @module
 */

import { scopeThread } from "../protocol/forum/event.ts";
import { CATALOGUE } from "../protocol/catalogue.ts";
import { FRAME_HEADER_BYTES, writeFrameHeader } from "../protocol/frame.ts";

/** Bytes of a segment: the most that one write takes, and that a stalled reader can pin. */
export const SEGMENT_BYTES = 64 * 1024;
/** Bytes that one feed keeps at most. */
export const FEED_BYTES = 4 * 1024 * 1024;
/** Bytes that all feeds together keep, as near as makes no matter. */
export const FEEDS_BYTES = 64 * 1024 * 1024;
const SMALLEST = 2048;

const EVENT = CATALOGUE.event.type;
const encoder = new TextEncoder();

interface Segment {
  bytes: Uint8Array;
  /** The entry at its beginning. */
  readonly first: number;
  /** Where each entry ends. */
  readonly ends: number[];
}

/** A run of whole EVENT frames. */
export interface Run {
  readonly frames: Uint8Array;
  /** The entry that follows the last of them. */
  readonly next: number;
  /** Whether the feed had forgotten them, so that they were read from the log. */
  readonly stored: boolean;
}

/** Somebody who follows. */
export interface Subscriber {
  /** There is something to take. */
  wake(): void;
}

/** Memory that all feeds share. */
export interface FeedBudget {
  bytes: number;
}

/** The newest entries of a scope. */
export interface Feed {
  readonly scope: string;
  /** The entry that will come next. */
  readonly next: number;
  /** No further entry will come: the thread was removed. */
  closed: boolean;
  readonly subscribers: Set<Subscriber>;
  /** Encodes an entry; it must be the `next` one. */
  append(seq: number, json: string): void;
  /** Frames from entry `seq` on, or `undefined` where they are in the log only. */
  take(seq: number): Run | undefined;
  /** Forgets all it keeps. */
  clear(): void;
}

class ScopeFeed implements Feed {
  readonly scope: string;
  readonly subscribers = new Set<Subscriber>();
  closed = false;
  #next: number;
  readonly #id: number;
  readonly #budget: FeedBudget;
  #segments: Segment[] = [];
  #bytes = 0;

  constructor(scope: string, next: number, budget: FeedBudget) {
    this.scope = scope;
    this.#next = next;
    this.#id = scopeThread(scope);
    this.#budget = budget;
  }

  get next(): number {
    return this.#next;
  }

  append(seq: number, json: string): void {
    if (seq !== this.#next) {
      throw new RangeError(`${this.scope} expects entry ${this.#next}, not ${seq}`);
    }
    const segment = this.#room(FRAME_HEADER_BYTES + json.length * 3);
    const start = segment.ends.at(-1) ?? 0;
    const body = start + FRAME_HEADER_BYTES;
    const { written } = encoder.encodeInto(json, segment.bytes.subarray(body));
    writeFrameHeader(segment.bytes, start, { length: written, type: EVENT, id: this.#id });
    segment.ends.push(body + written);
    this.#next++;
  }

  take(seq: number): Run | undefined {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const { first, ends, bytes } = this.#segments[i];
      if (seq < first) continue;
      const index = seq - first;
      if (index >= ends.length) return undefined;
      const start = index === 0 ? 0 : ends[index - 1];
      return {
        frames: bytes.subarray(start, ends.at(-1)),
        next: first + ends.length,
        stored: false,
      };
    }
    return undefined;
  }

  clear(): void {
    this.#account(-this.#bytes);
    this.#segments = [];
  }

  #account(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.bytes += bytes;
  }

  /** The segment at the end, with room for `bytes` more. */
  #room(bytes: number): Segment {
    const tail = this.#segments.at(-1);
    const used = tail?.ends.at(-1) ?? 0;
    if (tail !== undefined && used + bytes <= tail.bytes.length) return tail;
    if (tail !== undefined && used + bytes <= SEGMENT_BYTES) {
      // Writes under way look at the old array: it is copied, never changed.
      const size = Math.min(SEGMENT_BYTES, Math.max(tail.bytes.length * 2, used + bytes));
      const grown = new Uint8Array(size);
      grown.set(tail.bytes.subarray(0, used));
      this.#account(size - tail.bytes.length);
      tail.bytes = grown;
      return tail;
    }
    const size = Math.max(tail === undefined ? SMALLEST : SEGMENT_BYTES, bytes);
    this.#account(size);
    const segment = { bytes: new Uint8Array(size), first: this.#next, ends: [] };
    this.#segments.push(segment);
    const most = this.#budget.bytes > FEEDS_BYTES ? 2 * SEGMENT_BYTES : FEED_BYTES;
    while (this.#bytes > most && this.#segments.length > 1) {
      this.#account(-this.#segments.shift()!.bytes.length);
    }
    return segment;
  }
}

/** Makes the feed of a scope whose next entry will be `next`. */
export function createFeed(scope: string, next: number, budget: FeedBudget): Feed {
  return new ScopeFeed(scope, next, budget);
}

/** Encodes entries that were read from the log, in the same bytes as the feed's. */
export function encodeEntries(scope: string, entries: readonly { json: string }[]): Uint8Array {
  const id = scopeThread(scope);
  let size = 0;
  for (const { json } of entries) size += FRAME_HEADER_BYTES + json.length * 3;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { json } of entries) {
    const { written } = encoder.encodeInto(json, bytes.subarray(at + FRAME_HEADER_BYTES));
    writeFrameHeader(bytes, at, { length: written, type: EVENT, id });
    at += FRAME_HEADER_BYTES + written;
  }
  // Not a view: the room for the worst case would be pinned with it.
  return bytes.slice(0, at);
}
