/**
 * The search index over the texts of messages (FTS5): filled behind the postings, in slices, so that
 * posting does not wait for it; texts that are in it are kept right when they change.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Records, ThreadRecord } from "./sqlite_records.ts";
import { SPAN } from "./sqlite_schema.ts";
import type { Unit } from "./sqlite_unit.ts";

/** Long texts count for more than one: the UTF-16 units that one row may have on average. */
const ROW_LENGTH = 1024;

/** The search index. */
export interface Texts {
  /** A text that is in the index was replaced. */
  replace(id: number, text: string): void;
  /** A text leaves the index. */
  drop(id: number): void;
  /** Indexes at most so many texts that wait, as a unit of work; true while more wait. */
  catchUp(unit: Unit, most: number): boolean;
  /** Ids of messages that match, between two ids (both excluded), the highest first. */
  matches(
    query: string,
    range: { above: number; below: number; limit: number },
  ): number[];
}

/** Prepares the index. */
export function createTexts(db: DatabaseSync, records: Records): Texts {
  return new TextIndex(db, records);
}

/** How many rows, and UTF-16 units of text. */
interface Room {
  readonly rows: number;
  readonly length: number;
}

class TextIndex implements Texts {
  #records: Records;
  #write;
  #drop;
  #waiting;
  #note;
  #match;

  constructor(db: DatabaseSync, records: Records) {
    this.#records = records;
    this.#write = db.prepare("INSERT OR REPLACE INTO texts (rowid, body) VALUES (?, ?)");
    this.#drop = db.prepare("DELETE FROM texts WHERE rowid = ?");
    this.#waiting = db.prepare(
      `SELECT m.id, e.json ->> '$.text' AS text
         FROM messages m JOIN events e ON e.id = coalesce(m.text_id, m.id)
        WHERE m.id > ? AND m.id <= ? ORDER BY m.id LIMIT ?`,
    );
    this.#note = db.prepare("UPDATE threads SET indexed = ? WHERE number = ?");
    // Numbers are bound as reals, and FTS5 takes bounds for its rowid only from integers.
    this.#match = db.prepare(
      `SELECT rowid AS id FROM texts
        WHERE texts MATCH ? AND rowid > CAST(? AS INTEGER) AND rowid < CAST(? AS INTEGER)
        ORDER BY rowid DESC LIMIT ?`,
    );
  }

  replace(id: number, text: string): void {
    this.#write.run(id, text);
  }

  drop(id: number): void {
    this.#drop.run(id);
  }

  catchUp(unit: Unit, most: number): boolean {
    if (this.#records.unindexed.size === 0) return false;
    const reached = new Map<ThreadRecord, number>();
    unit.run(() => {
      let room: Room = { rows: most, length: most * ROW_LENGTH };
      for (const record of this.#records.unindexed) {
        if (room.rows <= 0 || room.length <= 0) break;
        const { upto, rows, length } = this.#index(record, room);
        reached.set(record, upto);
        room = { rows: room.rows - rows, length: room.length - length };
      }
    });
    for (const [record, upto] of reached) this.#records.noteIndexed(record, upto);
    return this.#records.unindexed.size > 0;
  }

  /** Indexes what waits of one thread, as far as there is room. */
  #index(record: ThreadRecord, room: Room): Room & { upto: number } {
    const { base, posted, thread } = record;
    let upto = posted;
    let rows = 0;
    let length = 0;
    for (const row of this.#waiting.iterate(base + record.indexed, base + posted, room.rows)) {
      const text = row.text as string;
      this.#write.run(row.id as number, text);
      rows++;
      length += text.length;
      if (rows === room.rows || length >= room.length) {
        upto = row.id as number % SPAN;
        break;
      }
    }
    this.#note.run(upto, thread.number);
    return { upto, rows, length };
  }

  matches(query: string, { above, below, limit }: { above: number; below: number; limit: number }) {
    return this.#match.all(query, above, below, limit).map((row) => row.id as number);
  }
}

/** Characters of which FTS5's unicode61 makes words. */
const WORDS = /[\p{L}\p{N}\p{Co}]/u;

/**
 * Makes a query of what somebody typed: every word must be there, and the last one may go on if it has two
 * letters. What they type is never the index's own language. `undefined` where nothing is left to search.
 *
 * @example
 * ```ts
 * import { searchQuery } from "./sqlite_texts.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(searchQuery('say "cheese" OR'), '"say" """cheese""" "OR"*');
 * assertEquals(searchQuery("!?"), undefined);
 * ```
 */
export function searchQuery(words: string): string | undefined {
  // A query ends at a NUL, so controls part words as spaces do.
  const wanted = words.split(/[\s\p{Cc}]+/u).filter((word) => WORDS.test(word));
  if (wanted.length === 0) return undefined;
  const quoted = wanted.map((word) => `"${word.replaceAll('"', '""')}"`).join(" ");
  // What begins with one letter is half of all there is, and takes long to gather.
  return [...wanted[wanted.length - 1]].length > 1 ? `${quoted}*` : quoted;
}
