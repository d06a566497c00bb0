/**
 * Replies by key: what makes a command that is sent again be done once (DESIGN §6).
 *
 * A client's keys are mostly `series-1`, `series-2`… (docs/PROTOCOL.md, "Keys"). Such a series gets a
 * number, and its replies stand one behind the other under number × 2²⁴ + n: appended like a log, and
 * a key above all that the series had needs no look-up. Any other key is kept by its text.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { type KeptReply, KEY_RETENTION } from "./log.ts";
import { gatherRows } from "./sqlite_inserts.ts";
import { LogFull } from "./sqlite_unit.ts";

/** Numbers that one series has room for. */
const SERIES_SPAN = 2 ** 24;
/** Series over the life of a forum: beyond it, ids would no longer be exact. */
const SERIES_MAX = 2 ** 29 - 1;
/** So many series are held in memory; then they are looked up anew. */
const SERIES_HELD = 10_000;
/** What one call of `expired` looks at: so many series, and so many rows of each. */
const SLICE = { series: 16, rows: 256 };

/** A series of keys. */
interface Series {
  readonly base: number;
  /** The highest n that was kept. */
  highest: number;
}

/** Keeps replies. */
export interface Replies {
  recall(user: string, key: string): KeptReply | undefined;
  /** Keeps a reply; `at` is when, in ms since 1970. */
  remember(user: string, key: string, reply: KeptReply & { readonly at: number }): void;
  /** Writes what was kept in this unit of work. */
  flush(): void;
  /** The unit has failed: nothing of it was kept. */
  discard(): void;
  /** Drops a few of those whose time is over; true if more may wait. */
  expired(now: number): boolean;
}

/** `series-n` as its parts, or `undefined` for a key of another form. */
function seriesOf(key: string): { readonly series: string; readonly n: number } | undefined {
  const dash = key.lastIndexOf("-");
  if (dash < 1 || key.charCodeAt(dash + 1) === 0x30) return undefined;
  const digits = key.length - dash - 1;
  if (digits < 1 || digits > 8) return undefined;
  let n = 0;
  for (let i = dash + 1; i < key.length; i++) {
    const digit = key.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    n = n * 10 + digit;
  }
  return n < SERIES_SPAN ? { series: key.slice(0, dash), n } : undefined;
}

class KeyedReplies implements Replies {
  readonly #sql: ReturnType<typeof prepare>;
  readonly #numbered;
  readonly #texts;
  readonly #held = new Map<string, Series>();
  /** What waits to be written, by user and key. */
  readonly #waiting = new Map<string, KeptReply>();
  /** Series up to this number were looked at for what is over. */
  #swept = 0;

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db);
    this.#numbered = gatherRows(db, "numbered_replies (id, fingerprint, json, at)", 4);
    this.#texts = gatherRows(db, "replies (user, key, fingerprint, json, at)", 5);
  }

  recall(user: string, key: string): KeptReply | undefined {
    const place = seriesOf(key);
    let row;
    if (place === undefined) row = this.#sql.text.get(user, key);
    else {
      const series = this.#series(user, place.series);
      if (series === undefined || place.n > series.highest) return undefined;
      row = this.#sql.numbered.get(series.base + place.n);
    }
    if (row !== undefined) {
      return { fingerprint: row.fingerprint as string, json: row.json as string };
    }
    return this.#waiting.get(`${user} ${key}`);
  }

  remember(user: string, key: string, reply: KeptReply & { readonly at: number }): void {
    const { fingerprint, json, at } = reply;
    const place = seriesOf(key);
    if (place === undefined) this.#texts.values.push(user, key, fingerprint, json, at);
    else {
      const series = this.#series(user, place.series) ?? this.#newSeries(user, place.series);
      this.#numbered.values.push(series.base + place.n, fingerprint, json, at);
      if (place.n > series.highest) series.highest = place.n;
    }
    this.#waiting.set(`${user} ${key}`, { fingerprint, json });
  }

  #series(user: string, name: string): Series | undefined {
    const held = this.#held.get(`${user} ${name}`);
    if (held !== undefined) return held;
    const number = this.#sql.series.get(user, name)?.number as number | undefined;
    if (number === undefined) return undefined;
    const base = number * SERIES_SPAN;
    const last = this.#sql.last.get(base, base + SERIES_SPAN)?.id as number | null;
    return this.#hold(user, name, { base, highest: (last ?? base) - base });
  }

  #newSeries(user: string, name: string): Series {
    const number = Number(this.#sql.addSeries.run(user, name).lastInsertRowid);
    if (number > SERIES_MAX) throw new LogFull("The log has no number for a new series of keys.");
    return this.#hold(user, name, { base: number * SERIES_SPAN, highest: 0 });
  }

  #hold(user: string, name: string, series: Series): Series {
    // What waits to be written is known only here: nothing is forgotten in the middle of a unit.
    if (this.#held.size >= SERIES_HELD && this.#waiting.size === 0) this.#held.clear();
    this.#held.set(`${user} ${name}`, series);
    return series;
  }

  flush(): void {
    this.#numbered.flush();
    this.#texts.flush();
    this.#waiting.clear();
  }

  discard(): void {
    this.#numbered.values.length = 0;
    this.#texts.values.length = 0;
    this.#waiting.clear();
    this.#held.clear();
  }

  expired(now: number): boolean {
    let more = Number(this.#sql.dropTexts.run(now).changes) === SLICE.rows;
    const numbers = this.#sql.nextSeries.all(this.#swept).map((row) => row.number as number);
    for (const number of numbers) {
      const base = number * SERIES_SPAN;
      const end = base + SERIES_SPAN;
      const gone = Number(this.#sql.dropNumbered.run(base, end, now).changes);
      if (gone === SLICE.rows) more = true;
      // Its number is never used again, so whoever still holds it in memory does no harm.
      else if (gone > 0 && this.#sql.last.get(base, end)?.id === null) this.#dropSeries(number);
    }
    this.#swept = numbers.length < SLICE.series ? 0 : numbers.at(-1)!;
    return more;
  }

  #dropSeries(number: number): void {
    this.#sql.dropSeries.run(number);
    this.#held.clear();
  }
}

function prepare(db: DatabaseSync) {
  const over = (at: string, now: string) =>
    `(${at} < ${now} - ${KEY_RETENTION} OR ${at} > ${now} + ${KEY_RETENTION})`;
  return {
    series: db.prepare("SELECT number FROM reply_series WHERE user = ? AND series = ?"),
    addSeries: db.prepare("INSERT INTO reply_series (user, series) VALUES (?, ?)"),
    nextSeries: db.prepare(
      `SELECT number FROM reply_series WHERE number > ? ORDER BY number LIMIT ${SLICE.series}`,
    ),
    dropSeries: db.prepare("DELETE FROM reply_series WHERE number = ?"),
    last: db.prepare("SELECT max(id) AS id FROM numbered_replies WHERE id > ? AND id < ?"),
    numbered: db.prepare("SELECT fingerprint, json FROM numbered_replies WHERE id = ?"),
    dropNumbered: db.prepare(
      `DELETE FROM numbered_replies WHERE id IN
         (SELECT id FROM (SELECT id, at FROM numbered_replies WHERE id > ?1 AND id < ?2
            ORDER BY id LIMIT ${SLICE.rows}) WHERE ${over("at", "?3")})`,
    ),
    text: db.prepare("SELECT fingerprint, json FROM replies WHERE user = ? AND key = ?"),
    dropTexts: db.prepare(
      `DELETE FROM replies WHERE id IN
         (SELECT id FROM (SELECT id, at FROM replies ORDER BY id LIMIT ${SLICE.rows})
           WHERE ${over("at", "?1")})`,
    ),
  };
}

/** Prepares the keeping of replies. */
export function createReplies(db: DatabaseSync): Replies {
  return new KeyedReplies(db);
}
