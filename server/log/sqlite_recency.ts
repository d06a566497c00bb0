/**
 * Threads in a linked list, that with the newest message first: a posting moves its thread to the head,
 * and the first page of a million threads costs no more than that of ten.
 *
 * @module
 */

import type { Thread } from "../../protocol/forum/state.ts";

/** What stands in the list. The list alone writes the neighbours. */
export interface Listed {
  thread: Thread;
  newer: Listed | undefined;
  older: Listed | undefined;
}

/** The list; iterating goes from the newest to the oldest. */
export interface RecencyList<T extends Listed> extends Iterable<T> {
  /** Puts a record where it belongs. */
  enter(record: T): void;
  leave(record: T): void;
  /** The record's thread may have a newer message now. */
  moved(record: T): void;
}

/** Makes an empty list. */
export function createRecencyList<T extends Listed>(): RecencyList<T> {
  return new LinkedRecency<T>();
}

class LinkedRecency<T extends Listed> implements RecencyList<T> {
  #newest: Listed | undefined;

  *[Symbol.iterator](): Iterator<T> {
    // Only records of this type have come in.
    for (let at = this.#newest; at !== undefined; at = at.older) yield at as T;
  }

  enter(record: T): void {
    let older = this.#newest;
    let newer: Listed | undefined;
    while (older !== undefined && precedes(older, record)) {
      newer = older;
      older = older.older;
    }
    record.newer = newer;
    record.older = older;
    if (newer === undefined) this.#newest = record;
    else newer.older = record;
    if (older !== undefined) older.newer = record;
  }

  leave(record: T): void {
    if (record.newer === undefined) this.#newest = record.older;
    else record.newer.older = record.older;
    if (record.older !== undefined) record.older.newer = record.newer;
  }

  moved(record: T): void {
    if (record.newer === undefined || precedes(record.newer, record)) return;
    this.leave(record);
    this.enter(record);
  }
}

/** Whether a thread stands before another; of two with the same time, the later opened one does. */
function precedes(one: Listed, other: Listed): boolean {
  const later = one.thread.lastAt - other.thread.lastAt;
  return later > 0 || (later === 0 && one.thread.number > other.thread.number);
}
