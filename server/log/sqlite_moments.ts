/**
 * Messages posted or edited later than a moment, over all threads (RDM).
 *
 * Nothing is indexed by time for this. Within a thread time never goes back, so its first posting after a
 * moment is found by halving; over all threads, the first posting of each thread in each minute is noted, so
 * that only threads that were active then are looked at. Edits are few and have an index of their own.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Since } from "../../protocol/forum/command.ts";
import { maySee } from "../../protocol/forum/policy.ts";
import type { FoundRow } from "../../protocol/forum/reply.ts";
import type { Numbers } from "./sqlite_numbers.ts";
import type { Pages } from "./sqlite_pages.ts";
import type { Records, ThreadRecord } from "./sqlite_records.ts";
import { MESSAGE_ROWS, REPLY_BYTES, rowBytes, rowLimit, type Rows } from "./sqlite_rows.ts";
import { PERIOD, SPAN } from "./sqlite_schema.ts";

/** The most rows that are passed over because the user may not see them. */
const SCAN_MAX = 100_000;

/** A message and when it was last said. */
interface Hit {
  readonly id: number;
  readonly moment: number;
}

/** A list in order of time. */
interface Hits {
  readonly hits: Hit[];
  /** Up to which moment it is complete; Infinity if it is whole. */
  readonly reach: number;
}

/** What moments are looked up with. */
export interface MomentParts {
  readonly records: Records;
  readonly numbers: Numbers;
  readonly rows: Rows;
  readonly pages: Pages;
}

/** Lists by time. */
export interface Moments {
  since(user: string, question: Since): { messages: FoundRow[]; more: boolean };
  /** Rows of these messages in this order, as many as a reply holds. */
  show(ids: readonly number[]): FoundRow[];
}

/** Prepares the questions. */
export function createMoments(db: DatabaseSync, parts: MomentParts): Moments {
  return new TableMoments(db, parts);
}

class TableMoments implements Moments {
  #parts: MomentParts;
  #row;
  #posted;
  #starts;
  #edited;
  #editedIn;

  constructor(db: DatabaseSync, parts: MomentParts) {
    this.#parts = parts;
    this.#row = db.prepare(`${MESSAGE_ROWS} WHERE m.id = ?`);
    this.#posted = db.prepare(
      `SELECT id, at FROM messages
        WHERE id >= ? AND id < ? AND edited_at IS NULL ORDER BY id LIMIT ?`,
    );
    this.#starts = db.prepare("SELECT at, first FROM starts WHERE at >= ? ORDER BY at, first");
    this.#edited = db.prepare(
      "SELECT id, edited_at AS at FROM messages WHERE edited_at > ? ORDER BY edited_at, id",
    );
    this.#editedIn = db.prepare(
      `SELECT id, edited_at AS at FROM messages
        WHERE id >> 32 = ? AND edited_at > ? AND edited_at IS NOT NULL
        ORDER BY edited_at, id LIMIT ?`,
    );
  }

  since(user: string, { at, thread, limit }: Since): { messages: FoundRow[]; more: boolean } {
    const most = rowLimit(limit);
    // One more than is shown tells whether its millisecond goes on. A list that is cut is right that far.
    const count = most + 1;
    let lists: Hits[];
    if (thread === undefined) {
      lists = [this.#postedAnywhere(user, at, count), this.#editedAnywhere(user, at, count)];
    } else {
      const record = this.#parts.records.thread(thread);
      if (record === undefined || !maySee(user, record.thread)) {
        return { messages: [], more: false };
      }
      lists = [this.#postedIn(record, at, count), this.#editedOf(record, at, count)];
    }
    const reach = Math.min(...lists.map((list) => list.reach));
    const hits = lists.flatMap((list) => list.hits).filter(({ moment }) => moment <= reach);
    hits.sort(byMoment);
    const shown = this.show(hits.slice(0, most).map(({ id }) => id));
    const whole = wholeMoments(hits, shown.length);
    return { messages: shown.slice(0, whole), more: reach < Infinity || whole < hits.length };
  }

  show(ids: readonly number[]): FoundRow[] {
    const { records, numbers, rows } = this.#parts;
    const shown: FoundRow[] = [];
    let bytes = 0;
    for (const id of ids) {
      const record = records.holding(id);
      const row = record && this.#row.get(id);
      if (row === undefined || record === undefined) continue;
      const { number: thread, title } = record.thread;
      const number = numbers.number(record, row.ordinal as number);
      const message = { thread, title, ...rows.message(row, number) };
      bytes += rowBytes(message);
      if (bytes > REPLY_BYTES && shown.length > 0) break;
      shown.push(message);
    }
    return shown;
  }

  /** Unedited messages of a thread. */
  #postedIn(record: ThreadRecord, at: number, count: number): Hits {
    const from = this.#parts.pages.fromMoment(record, at);
    return cut(
      from === undefined ? [] : this.#posted.all(from, record.base + SPAN, count),
      count,
    );
  }

  #editedOf(record: ThreadRecord, at: number, count: number): Hits {
    return cut(this.#editedIn.all(record.base / SPAN, at, count), count);
  }

  /** Unedited messages of all threads that can be seen. */
  #postedAnywhere(user: string, at: number, count: number): Hits {
    let hits: Hit[] = [];
    // Nothing later than this will be among the first `count`.
    let horizon = Infinity;
    let passed = 0;
    for (const row of this.#starts.iterate(at - at % PERIOD)) {
      const start = row.at as number;
      const first = row.first as number;
      if (start > horizon) break;
      const record = this.#seen(user, first);
      if (record === undefined) {
        if (++passed <= SCAN_MAX) continue;
        hits.sort(byMoment);
        return { hits, reach: start - 1 };
      }
      const from = start > at ? first : this.#parts.pages.fromMoment(record, at);
      if (from === undefined) continue;
      // What comes in the next period has a start of its own.
      const end = start - start % PERIOD + PERIOD;
      for (const posted of this.#posted.iterate(from, record.base + SPAN, count)) {
        const moment = posted.at as number;
        if (moment >= end || moment > horizon) break;
        hits.push({ id: posted.id as number, moment });
      }
      if (hits.length >= 2 * count) {
        hits = hits.sort(byMoment).slice(0, count);
        horizon = hits[count - 1].moment;
      }
    }
    return { hits, reach: horizon };
  }

  #editedAnywhere(user: string, at: number, count: number): Hits {
    const hits: Hit[] = [];
    let passed = 0;
    for (const row of this.#edited.iterate(at)) {
      const id = row.id as number;
      const moment = row.at as number;
      if (this.#seen(user, id) !== undefined) hits.push({ id, moment });
      else if (++passed > SCAN_MAX) return { hits, reach: moment - 1 };
      if (hits.length >= count) return { hits, reach: moment };
    }
    return { hits, reach: Infinity };
  }

  /** The thread of an id, if this user may see it. */
  #seen(user: string, id: number): ThreadRecord | undefined {
    const record = this.#parts.records.holding(id);
    return record !== undefined && maySee(user, record.thread) ? record : undefined;
  }
}

function byMoment(one: Hit, other: Hit): number {
  return one.moment - other.moment || one.id - other.id;
}

/** A list of so many rows may go on. */
function cut(rows: readonly Record<string, unknown>[], count: number): Hits {
  const hits = rows.map((row) => ({ id: row.id as number, moment: row.at as number }));
  return { hits, reach: hits.length < count ? Infinity : hits[count - 1].moment };
}

/**
 * How many of the first `count` to give, so that what happened in one millisecond is not cut in two:
 * whoever goes on asks for what is later than the last they got.
 */
function wholeMoments(hits: readonly Hit[], count: number): number {
  let whole = count;
  while (whole > 0 && whole < hits.length && hits[whole - 1].moment === hits[whole].moment) whole--;
  // A millisecond with more than a reply holds is cut nevertheless.
  return whole > 0 ? whole : count;
}
