/**
 * The hub: feeds by scope, and who follows them. Entries go in once they are durable, subscribers are
 * woken, and each takes what it has room for (DESIGN §2: log → fan-out → frames).
 *
 * @module
 */

import {
  createFeed,
  encodeEntries,
  type Feed,
  type FeedBudget,
  type Run,
  type Subscriber,
} from "./feed.ts";
import type { Log, Published } from "./log/log.ts";

/** What a catch-up reads from the log at a time. */
const CATCH_UP = { count: 500, bytes: 64 * 1024 };

/** Feeds by scope. */
export interface Hub {
  /** Bytes that feeds keep. */
  readonly bytes: number;
  /** How many times somebody had to be caught up from the log. */
  readonly catchUps: number;
  /** Gives entries to whoever follows their scopes. */
  publish(entries: readonly Published[]): void;
  /** Lets somebody follow a scope. */
  join(scope: string, subscriber: Subscriber): Feed;
  leave(feed: Feed, subscriber: Subscriber): void;
  /** Frames from entry `seq` on: from the feed, or from the log. `undefined` if there are none. */
  take(feed: Feed, seq: number): Run | undefined;
}

class FeedHub implements Hub {
  readonly #log: Log;
  readonly #feeds = new Map<string, Feed>();
  readonly #budget: FeedBudget = { bytes: 0 };
  catchUps = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  get bytes(): number {
    return this.#budget.bytes;
  }

  publish(entries: readonly Published[]): void {
    const touched = new Set<Feed>();
    for (const { scope, event } of entries) {
      if (event.kind !== "message.edited" && event.kind !== "message.deleted") continue;
      // The log has blanked a text that the feed still has: who comes later reads the log.
      this.#feeds.get(scope)?.clear();
    }
    for (const { scope, seq, json, event } of entries) {
      const feed = this.#feeds.get(scope);
      if (feed === undefined) continue;
      feed.append(seq, json);
      touched.add(feed);
      if (event.kind === "thread.removed" && scope !== "directory") feed.closed = true;
    }
    for (const feed of touched) {
      for (const subscriber of feed.subscribers) subscriber.wake();
    }
  }

  join(scope: string, subscriber: Subscriber): Feed {
    let feed = this.#feeds.get(scope);
    if (feed === undefined) {
      feed = createFeed(scope, this.#log.head(scope) + 1, this.#budget);
      this.#feeds.set(scope, feed);
    }
    feed.subscribers.add(subscriber);
    return feed;
  }

  leave(feed: Feed, subscriber: Subscriber): void {
    feed.subscribers.delete(subscriber);
    if (feed.subscribers.size > 0) return;
    feed.clear();
    this.#feeds.delete(feed.scope);
  }

  take(feed: Feed, seq: number): Run | undefined {
    if (seq >= feed.next) return undefined;
    const run = feed.take(seq);
    if (run !== undefined) return run;
    const entries = this.#log.entries(feed.scope, seq - 1, CATCH_UP);
    if (entries.length === 0) return undefined;
    this.catchUps++;
    return {
      frames: encodeEntries(feed.scope, entries),
      next: seq + entries.length,
      stored: true,
    };
  }
}

/** Makes a hub over a log. */
export function createHub(log: Log): Hub {
  return new FeedHub(log);
}
