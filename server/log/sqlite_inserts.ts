/**
 * Rows on their way into the database: gathered during a unit of work, and inserted many at a time,
 * since each call into SQLite costs as much as the row itself.
 *
 * Whoever reads the tables of entries or messages within a unit flushes first.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";

/** So many rows go into one statement, while there are so many; then fewer. */
const BATCHES = [256, 32, 4, 1] as const;

type Value = string | number | null;

/** Gathers rows of one table. */
export interface RowGathering {
  /** The values of the rows, one row behind the other. */
  readonly values: Value[];
  /** Inserts them. */
  flush(): void;
}

/** Prepares the gathering of rows: `into` names a table, and its columns where not all are given. */
export function gatherRows(db: DatabaseSync, into: string, columns: number): RowGathering {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  const statements: [rows: number, statement: StatementSync][] = BATCHES.map((rows) => [
    rows,
    db.prepare(`INSERT INTO ${into} VALUES ${Array(rows).fill(row).join(", ")}`),
  ]);
  const values: Value[] = [];
  return {
    values,
    flush() {
      if (values.length === 0) return;
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
  /** Inserts all that waits. */
  flush(): void;
  /** Forgets all that waits: the unit of work has failed. */
  discard(): void;
}

/** Prepares the gathering. */
export function createInserts(db: DatabaseSync): Inserts {
  const entries = gatherRows(db, "events", 2);
  const messages = gatherRows(db, "messages (id, ordinal, author, at, reply)", 5);
  return {
    entry(id, json) {
      entries.values.push(id, json);
    },
    message(id, { ordinal, author, at, reply }) {
      messages.values.push(id, ordinal, author, at, reply ?? null);
    },
    flush() {
      entries.flush();
      messages.flush();
    },
    discard() {
      entries.values.length = 0;
      messages.values.length = 0;
    },
  };
}
