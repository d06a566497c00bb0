/**
 * Rows on their way into the database: gathered during a unit of work, and inserted many at a time,
 * since each call into SQLite costs as much as the row itself.
 *
 * Whoever reads the tables of entries, messages or replies within a unit flushes first.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { KeptReply } from "./log.ts";

/** So many rows go into one statement, while there are so many; then fewer. */
const BATCHES = [64, 8, 1] as const;

type Value = string | number | null;

/** Gathers rows of one table. */
interface Gathering {
  /** The values of the rows, one row behind the other. */
  readonly values: Value[];
  flush(): void;
}

function gather(db: DatabaseSync, into: string, columns: number): Gathering {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  const statements: [rows: number, statement: StatementSync][] = BATCHES.map((rows) => [
    rows,
    db.prepare(`INSERT INTO ${into} VALUES ${Array(rows).fill(row).join(", ")}`),
  ]);
  const values: Value[] = [];
  return {
    values,
    flush() {
      let at = 0;
      for (const [rows, statement] of statements) {
        const width = rows * columns;
        for (; values.length - at >= width; at += width) {
          statement.run(...values.slice(at, at + width));
        }
      }
      values.length = 0;
    },
  };
}

/** What waits to be inserted. */
export interface Inserts {
  entry(id: number, json: string): void;
  message(
    id: number,
    message: { ordinal: number; author: string; at: number; reply?: number },
  ): void;
  reply(user: string, key: string, kept: KeptReply & { at: number }): void;
  /** A reply that waits to be inserted. */
  waiting(user: string, key: string): KeptReply | undefined;
  /** Inserts all that waits. */
  flush(): void;
  /** Forgets all that waits: the unit of work has failed. */
  discard(): void;
}

/** Prepares the gathering. */
export function createInserts(db: DatabaseSync): Inserts {
  const entries = gather(db, "events", 2);
  const messages = gather(db, "messages (id, ordinal, author, at, reply)", 5);
  const replies = gather(db, "replies (user, key, fingerprint, json, at)", 5);
  const kept = new Map<string, KeptReply>();
  return {
    entry(id, json) {
      entries.values.push(id, json);
    },
    message(id, { ordinal, author, at, reply }) {
      messages.values.push(id, ordinal, author, at, reply ?? null);
    },
    reply(user, key, { fingerprint, json, at }) {
      replies.values.push(user, key, fingerprint, json, at);
      kept.set(`${user} ${key}`, { fingerprint, json });
    },
    waiting: (user, key) => kept.size === 0 ? undefined : kept.get(`${user} ${key}`),
    flush() {
      if (entries.values.length > 0) entries.flush();
      if (messages.values.length > 0) messages.flush();
      if (replies.values.length > 0) {
        replies.flush();
        kept.clear();
      }
    },
    discard() {
      for (const { values } of [entries, messages, replies]) values.length = 0;
      kept.clear();
    },
  };
}
