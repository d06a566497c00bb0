/**
 * Replies by key: what makes a command that is sent again be done once (DESIGN §6).
 *
 * A client's keys are mostly `series-1`, `series-2`… (docs/PROTOCOL.md, "Keys"). Such a series gets a
 * number, and its replies stand one behind the other under number × 2²⁴ + n: appended like a log, and
 * a key above all that the series had needs no look-up. Replies to keys that follow each other in one
 * unit of work, and to which reply_run.ts gives one text, are one row under the first of their keys. Any
 * other key is kept by its text.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { type KeptReply, KEY_RETENTION } from "./log.ts";
import { beginReplyRun, readReplyRun, type ReplyRun } from "./reply_run.ts";
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
  /** Replies that wait to be written: to keys that follow each other, the last of them to `highest`. */
  run: Run | undefined;
}

/** Replies to keys that follow each other. */
interface Run {
  readonly first: number;
  readonly at: number;
  readonly fingerprints: string[];
  readonly replies: ReplyRun;
}

/** No fingerprint has one in it. */
const LINE_END = "\n";

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
  /** By user, then by name. */
  readonly #held = new Map<string, Map<string, Series>>();
  #heldCount = 0;
  /** Series with a run that waits to be written. */
  readonly #running = new Set<Series>();
  /** Keys by their text that wait to be written, by user and key. */
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
    if (place === undefined) {
      const row = this.#sql.text.get(user, key);
      if (row === undefined) return this.#waiting.get(`${user} ${key}`);
      return { fingerprint: row.fingerprint as string, json: row.json as string };
    }
    const series = this.#series(user, place.series);
    if (series === undefined || place.n > series.highest) return undefined;
    if (series.run !== undefined && place.n >= series.run.first) {
      return replyAt(series.run, place.n - series.run.first);
    }
    this.#numbered.flush();
    const row = this.#sql.numbered.get(series.base, series.base + place.n);
    return row && replyAt(readRun(row), series.base + place.n - (row.id as number));
  }

  remember(user: string, key: string, reply: KeptReply & { readonly at: number }): void {
    const { fingerprint, json, at } = reply;
    const place = seriesOf(key);
    if (place === undefined) {
      this.#texts.values.push(user, key, fingerprint, json, at);
      this.#waiting.set(`${user} ${key}`, { fingerprint, json });
      return;
    }
    const series = this.#series(user, place.series) ?? this.#newSeries(user, place.series);
    const { n } = place;
    if (n < series.highest) {
      this.#numbered.values.push(series.base + n, fingerprint, json, at);
      return;
    }
    const { run } = series;
    if (run !== undefined && n === series.highest + 1 && run.replies.add(json)) {
      run.fingerprints.push(fingerprint);
    } else {
      if (run !== undefined) this.#end(series);
      series.run = { first: n, at, fingerprints: [fingerprint], replies: beginReplyRun(json) };
      this.#running.add(series);
    }
    series.highest = n;
  }

  #end(series: Series): void {
    const { first, at, fingerprints, replies } = series.run!;
    const lines = fingerprints.join(LINE_END);
    this.#numbered.values.push(series.base + first, lines, replies.text(), at);
    series.run = undefined;
  }

  #series(user: string, name: string): Series | undefined {
    const held = this.#held.get(user)?.get(name);
    if (held !== undefined) return held;
    const number = this.#sql.series.get(user, name)?.number as number | undefined;
    if (number === undefined) return undefined;
    const base = number * SERIES_SPAN;
    const last = this.#sql.last.get(base, base + SERIES_SPAN);
    const highest = last === undefined
      ? 0
      : last.id as number - base + readRun(last).replies.count - 1;
    return this.#hold(user, name, { base, highest, run: undefined });
  }

  #newSeries(user: string, name: string): Series {
    const number = Number(this.#sql.addSeries.run(user, name).lastInsertRowid);
    if (number > SERIES_MAX) throw new LogFull("The log has no number for a new series of keys.");
    return this.#hold(user, name, { base: number * SERIES_SPAN, highest: 0, run: undefined });
  }

  #hold(user: string, name: string, series: Series): Series {
    // What waits to be written is known only here: nothing is forgotten in the middle of a unit.
    if (this.#heldCount >= SERIES_HELD && this.#running.size === 0) this.#forget();
    let names = this.#held.get(user);
    if (names === undefined) this.#held.set(user, names = new Map());
    names.set(name, series);
    this.#heldCount++;
    return series;
  }

  #forget(): void {
    this.#held.clear();
    this.#heldCount = 0;
  }

  flush(): void {
    for (const series of this.#running) this.#end(series);
    this.#running.clear();
    this.#numbered.flush();
    this.#texts.flush();
    this.#waiting.clear();
  }

  discard(): void {
    this.#running.clear();
    this.#numbered.values.length = 0;
    this.#texts.values.length = 0;
    this.#waiting.clear();
    this.#forget();
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
      else if (gone > 0 && this.#sql.last.get(base, end) === undefined) this.#dropSeries(number);
    }
    this.#swept = numbers.length < SLICE.series ? 0 : numbers.at(-1)!;
    return more;
  }

  #dropSeries(number: number): void {
    this.#sql.dropSeries.run(number);
    this.#forget();
  }
}

/** The replies of a row. */
function readRun(row: Record<string, unknown>): Pick<Run, "fingerprints" | "replies"> {
  const fingerprints = (row.fingerprint as string).split(LINE_END);
  return { fingerprints, replies: readReplyRun(row.json as string, fingerprints.length) };
}

/** One reply of a run, if it has so many. */
function replyAt(
  { fingerprints, replies }: Pick<Run, "fingerprints" | "replies">,
  index: number,
): KeptReply | undefined {
  if (index >= replies.count) return undefined;
  return { fingerprint: fingerprints[index], json: replies.at(index) };
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
    last: db.prepare(
      `SELECT id, fingerprint, json FROM numbered_replies WHERE id > ? AND id < ?
        ORDER BY id DESC LIMIT 1`,
    ),
    // The row of a key, or the one before it.
    numbered: db.prepare(
      `SELECT id, fingerprint, json FROM numbered_replies WHERE id > ? AND id <= ?
        ORDER BY id DESC LIMIT 1`,
    ),
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
