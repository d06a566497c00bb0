/**
 * Users and threads, whole in memory: read from the database once, changed here, and written back at
 * the end of each unit of work, or put back as they were if it fails.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Role } from "../../protocol/forum/event.ts";
import { pair, type Thread, type User } from "../../protocol/forum/state.ts";
import { fold } from "../../protocol/text.ts";
import { createRecencyList, type Listed } from "./sqlite_recency.ts";
import { PERIOD, SPAN } from "./sqlite_schema.ts";

/** A thread with what only the log knows of it. */
export interface ThreadRecord {
  readonly thread: Thread;
  /** Where its ids begin: an entry's id is this plus its seq. */
  readonly base: number;
  readonly foldedTitle: string;
  /** The seq of its newest posting. */
  readonly posted: number;
  /** Up to which seq its texts are in the search index. */
  readonly indexed: number;
}

type Kept = Listed & { -readonly [K in keyof ThreadRecord]: ThreadRecord[K] } & {
  /** The period of its newest posting. */
  period: number;
};

/** What a thread was before the unit of work. */
interface Before {
  readonly record: Kept;
  readonly thread: Thread;
  readonly posted: number;
}

/** All users and threads. */
export interface Records {
  readonly lastThread: number;
  /** The time of the last entry of all. */
  readonly lastAt: number;
  /** An entry of this time was appended. */
  reach(at: number): void;
  user(folded: string): User | undefined;
  thread(number: number): ThreadRecord | undefined;
  /** The thread of an entry's or message's id. */
  holding(id: number): ThreadRecord | undefined;
  titled(foldedTitle: string): Thread | undefined;
  direct(one: string, other: string): Thread | undefined;
  /** All threads, that with the newest message first. */
  recent(): Iterable<ThreadRecord>;
  /** Threads that may have messages which are not in the search index yet. */
  readonly unindexed: Set<ThreadRecord>;
  /** All users by their folded names. */
  users(): Iterable<[string, User]>;

  putUser(folded: string, user: User): void;
  /** `base` is asked for if the thread is new. */
  putThread(thread: Thread, base: () => number): void;
  dropThread(number: number): void;
  /** Notes a posting; true if it is the thread's first in its period. */
  notePosting(number: number, posting: { seq: number; at: number }): boolean;
  /** Notes, once that is durable, up to where the search index has come. */
  noteIndexed(record: ThreadRecord, seq: number): void;

  /** Writes what was changed; called within the unit of work. */
  flush(): void;
  /** The unit of work is durable. */
  settle(): void;
  /** The unit of work has failed: everything is as before it. */
  restore(): void;
}

/** Reads all users and threads. */
export function loadRecords(db: DatabaseSync): Records {
  return new MemoryRecords(db);
}

class MemoryRecords implements Records {
  #users = new Map<string, User>();
  #threads = new Map<number, Kept>();
  #bases = new Map<number, Kept>();
  #titles = new Map<string, Kept>();
  #pairs = new Map<string, Kept>();
  #list = createRecencyList<Kept>();
  #usersBefore = new Map<string, User | undefined>();
  #threadsBefore = new Map<number, Before | undefined>();
  #lastThreadBefore: number;
  #lastAtBefore: number;
  readonly unindexed = new Set<ThreadRecord>();
  lastThread: number;
  lastAt: number;
  #writeUser;
  #writeThread;
  #deleteThread;
  #writeCounter;

  constructor(db: DatabaseSync) {
    this.#writeUser = db.prepare("INSERT OR REPLACE INTO users VALUES (?, ?, ?, ?, ?)");
    this.#writeThread = db.prepare(
      "INSERT OR REPLACE INTO threads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#deleteThread = db.prepare("DELETE FROM threads WHERE number = ?");
    this.#writeCounter = db.prepare("INSERT OR REPLACE INTO counters VALUES (?, ?)");
    const counter = db.prepare("SELECT value FROM counters WHERE name = ?");
    const read = (name: string) => (counter.get(name)?.value ?? 0) as number;
    this.lastThread = this.#lastThreadBefore = read("last_thread");
    this.lastAt = this.#lastAtBefore = read("last_at");
    for (const row of db.prepare("SELECT * FROM users").iterate()) {
      this.#users.set(row.folded as string, {
        name: row.name as string,
        role: row.role as Role,
        banned: row.banned === 1,
        at: row.at as number,
      });
    }
    // Oldest first, so that each goes to the head of the list.
    for (const row of db.prepare("SELECT * FROM threads ORDER BY last_at, number").iterate()) {
      this.#link(readThread(row));
    }
  }

  reach(at: number): void {
    if (at > this.lastAt) this.lastAt = at;
  }
  user(folded: string): User | undefined {
    return this.#users.get(folded);
  }
  thread(number: number): ThreadRecord | undefined {
    return this.#threads.get(number);
  }
  holding(id: number): ThreadRecord | undefined {
    return this.#bases.get(id - id % SPAN);
  }
  titled(foldedTitle: string): Thread | undefined {
    return this.#titles.get(foldedTitle)?.thread;
  }
  direct(one: string, other: string): Thread | undefined {
    return this.#pairs.get(pair([one, other]))?.thread;
  }
  recent(): Iterable<ThreadRecord> {
    return this.#list;
  }
  users(): Iterable<[string, User]> {
    return this.#users;
  }

  putUser(folded: string, user: User): void {
    const before = this.#users.get(folded);
    if (!this.#usersBefore.has(folded)) this.#usersBefore.set(folded, before);
    this.#users.set(folded, user);
  }

  putThread(thread: Thread, base: () => number): void {
    this.#touch(thread.number);
    const record = this.#threads.get(thread.number);
    if (record === undefined) {
      this.#link({
        thread,
        base: base(),
        foldedTitle: fold(thread.title),
        posted: 0,
        indexed: 0,
        period: -1,
        newer: undefined,
        older: undefined,
      });
    } else {
      record.thread = thread;
      this.#list.moved(record);
    }
    if (thread.number > this.lastThread) this.lastThread = thread.number;
  }

  dropThread(number: number): void {
    this.#touch(number);
    const record = this.#threads.get(number);
    if (record !== undefined) this.#unlink(record);
  }

  notePosting(number: number, { seq, at }: { seq: number; at: number }): boolean {
    const record = this.#threads.get(number);
    if (record === undefined) throw new RangeError(`thread ${number} is not open`);
    this.#touch(number);
    record.posted = seq;
    this.unindexed.add(record);
    const period = Math.floor(at / PERIOD);
    const first = period !== record.period;
    record.period = period;
    return first;
  }

  noteIndexed(record: ThreadRecord, seq: number): void {
    (record as Kept).indexed = seq;
    if (record.posted <= seq) this.unindexed.delete(record);
  }

  flush(): void {
    for (const folded of this.#usersBefore.keys()) {
      const user = this.#users.get(folded);
      if (user === undefined) continue;
      this.#writeUser.run(folded, user.name, user.role, user.banned ? 1 : 0, user.at);
    }
    for (const number of this.#threadsBefore.keys()) {
      const record = this.#threads.get(number);
      if (record === undefined) {
        this.#deleteThread.run(number);
        continue;
      }
      const { thread: t, base, posted, indexed } = record;
      this.#writeThread.run(
        number,
        base / SPAN,
        t.title,
        t.owner,
        t.private ? 1 : 0,
        t.direct ? 1 : 0,
        JSON.stringify(t.members),
        t.at,
        t.posts,
        t.living,
        t.lastAt,
        posted,
        indexed,
      );
    }
    if (this.lastThread !== this.#lastThreadBefore) {
      this.#writeCounter.run("last_thread", this.lastThread);
    }
    if (this.lastAt !== this.#lastAtBefore) this.#writeCounter.run("last_at", this.lastAt);
  }

  settle(): void {
    this.#usersBefore.clear();
    this.#threadsBefore.clear();
    this.#lastThreadBefore = this.lastThread;
    this.#lastAtBefore = this.lastAt;
  }

  restore(): void {
    for (const [folded, user] of this.#usersBefore) {
      if (user === undefined) this.#users.delete(folded);
      else this.#users.set(folded, user);
    }
    // All out before any comes back: a title may have passed from one thread to another.
    for (const number of this.#threadsBefore.keys()) {
      const record = this.#threads.get(number);
      if (record !== undefined) this.#unlink(record);
    }
    for (const before of this.#threadsBefore.values()) {
      if (before === undefined) continue;
      before.record.thread = before.thread;
      before.record.posted = before.posted;
      before.record.period = lastPeriod(before.thread);
      this.#link(before.record);
    }
    this.lastThread = this.#lastThreadBefore;
    this.lastAt = this.#lastAtBefore;
    this.settle();
  }

  #touch(number: number): void {
    if (this.#threadsBefore.has(number)) return;
    const record = this.#threads.get(number);
    this.#threadsBefore.set(
      number,
      record && { record, thread: record.thread, posted: record.posted },
    );
  }

  #link(record: Kept): void {
    const { thread } = record;
    this.#threads.set(thread.number, record);
    this.#bases.set(record.base, record);
    if (!thread.private) this.#titles.set(record.foldedTitle, record);
    if (thread.direct) this.#pairs.set(pair(thread.members), record);
    if (record.posted > record.indexed) this.unindexed.add(record);
    this.#list.enter(record);
  }

  #unlink(record: Kept): void {
    const { thread } = record;
    this.#threads.delete(thread.number);
    this.#bases.delete(record.base);
    if (!thread.private) this.#titles.delete(record.foldedTitle);
    if (thread.direct) this.#pairs.delete(pair(thread.members));
    this.unindexed.delete(record);
    this.#list.leave(record);
  }
}

/** The period of a thread's newest posting. */
function lastPeriod(thread: Thread): number {
  return thread.posts > 0 ? Math.floor(thread.lastAt / PERIOD) : -1;
}

function readThread(row: Record<string, unknown>): Kept {
  const title = row.title as string;
  const thread: Thread = {
    number: row.number as number,
    title,
    owner: row.owner as string,
    private: row.private === 1,
    direct: row.direct === 1,
    members: JSON.parse(row.members as string),
    at: row.at as number,
    posts: row.posts as number,
    living: row.living as number,
    lastAt: row.last_at as number,
  };
  return {
    thread,
    base: row.scope as number * SPAN,
    foldedTitle: fold(title),
    posted: row.posted as number,
    indexed: row.indexed as number,
    period: lastPeriod(thread),
    newer: undefined,
    older: undefined,
  };
}
