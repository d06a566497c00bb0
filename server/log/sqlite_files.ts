/**
 * Files in SQLite: the living ones, and what follows from them: how many each thread has, how many bytes
 * each user has shared, and which contents are in use. All of it is rows, so that a unit of work that
 * fails leaves nothing to put back.
 *
 * What a removed thread has left is neither found nor counted among its files, but it is in use, and counts
 * for who shared it, until it is swept (sqlite_sweep.ts).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { maySee } from "../../protocol/forum/policy.ts";
import type { SharedFile, Thread } from "../../protocol/forum/state.ts";
import { fold } from "../../protocol/text.ts";
import type { Records, ThreadRecord } from "./sqlite_records.ts";
import { SPAN } from "./sqlite_schema.ts";

/** A content is looked for in so many threads; if the user sees none of them, it counts as not seen. */
const THREADS_ASKED = 1000;

/** The files of all threads. */
export interface Files {
  /** The bytes of all contents in use, each counted once. */
  readonly contentBytes: number;
  /** The file whose sharing has this id. */
  file(id: number): SharedFile | undefined;
  /** The file of this folded name in the scope whose ids begin at `base`. */
  named(base: number, folded: string): SharedFile | undefined;
  /** How many there are in a scope. */
  count(base: number): number;
  /** The size of a content that this user can see. */
  sees(user: string, sha256: string): number | undefined;
  /** Whether a content is in use. */
  has(sha256: string): boolean;
  /** What this user has shared, in bytes. */
  usage(user: string): number;

  put(record: ThreadRecord, file: SharedFile): void;
  drop(base: number, file: SharedFile): void;
  /** Drops the files of a removed thread between two ids, the second included. */
  sweep(above: number, upto: number): void;
  /** A removed thread has been swept. */
  swept(base: number): void;

  /** So many contents that no file has any more. */
  unreferenced(count: number): string[];
  /** Forgets such a content; false if it is in use, or not known. */
  forget(sha256: string): boolean;
  /** Contents that have lost their last file since this was last asked. */
  takeFreed(): string[];
}

/** Prepares the tables' use. */
export function createFiles(db: DatabaseSync, records: Records): Files {
  return new TableFiles(db, records);
}

class TableFiles implements Files {
  readonly #sql: ReturnType<typeof prepare>;
  readonly #records: Records;
  #freed: string[] = [];

  constructor(db: DatabaseSync, records: Records) {
    this.#sql = prepare(db);
    this.#records = records;
  }

  get contentBytes(): number {
    return (this.#sql.bytes.get()?.value ?? 0) as number;
  }
  file(id: number): SharedFile | undefined {
    const row = this.#sql.file.get(id);
    return row && readFile(row);
  }
  named(base: number, folded: string): SharedFile | undefined {
    const row = this.#sql.named.get(base / SPAN, folded);
    return row && readFile(row);
  }
  count(base: number): number {
    return (this.#sql.count.get(base / SPAN)?.count ?? 0) as number;
  }
  sees(user: string, sha256: string): number | undefined {
    let from = 0;
    for (let left = THREADS_ASKED; left > 0; left--) {
      const row = this.#sql.next.get(sha256, from);
      if (row === undefined) return undefined;
      const id = row.id as number;
      const record = this.#records.holding(id);
      if (record !== undefined && maySee(user, record.thread)) return row.size as number;
      // However many files of this thread have it: on to the next thread.
      from = id - id % SPAN + SPAN;
    }
    return undefined;
  }
  has(sha256: string): boolean {
    return this.#sql.has.get(sha256) !== undefined;
  }
  usage(user: string): number {
    return (this.#sql.usage.get(user)?.bytes ?? 0) as number;
  }

  put({ base, thread }: ThreadRecord, file: SharedFile): void {
    const { seq, name, by, at, size, type, sha256 } = file;
    const sql = this.#sql;
    const audience = audienceOf(base, thread);
    sql.add.run(
      base + seq,
      JSON.stringify(name),
      fold(name),
      by,
      at,
      size,
      type,
      sha256,
      audience,
    );
    sql.addCount.run(base / SPAN);
    sql.addUsage.run(by, size);
    const content = sql.addContent.get(sha256, size)!;
    if (content.files === 1) sql.addBytes.run(content.size as number);
  }

  drop(base: number, file: SharedFile): void {
    this.#sql.dropCount.run(base / SPAN);
    this.#remove(base + file.seq, file);
  }

  sweep(above: number, upto: number): void {
    for (const row of this.#sql.between.all(above, upto)) {
      this.#remove(row.id as number, readFile(row));
    }
  }
  swept(base: number): void {
    this.#sql.forgetCount.run(base / SPAN);
  }

  #remove(id: number, { by, size, sha256 }: SharedFile): void {
    const sql = this.#sql;
    sql.drop.run(id);
    sql.addUsage.run(by, -size);
    const content = sql.dropContent.get(sha256)!;
    if (content.files !== 0) return;
    sql.addBytes.run(-(content.size as number));
    this.#freed.push(sha256);
  }

  unreferenced(count: number): string[] {
    return this.#sql.unreferenced.all(count).map((row) => row.sha256 as string);
  }
  forget(sha256: string): boolean {
    return Number(this.#sql.forget.run(sha256).changes) > 0;
  }
  takeFreed(): string[] {
    const freed = this.#freed;
    if (freed.length > 0) this.#freed = [];
    return freed;
  }
}

/** Under which number the files of a thread are found newest first, together with those of all like it. */
export function audienceOf(base: number, thread: Thread): number {
  return thread.private ? base / SPAN : 0;
}

/** A row of the table as a file. */
export function readFile(row: Record<string, unknown>): SharedFile {
  return {
    seq: row.id as number % SPAN,
    name: JSON.parse(row.name as string),
    by: row.user as string,
    at: row.at as number,
    size: row.size as number,
    type: row.type as string,
    sha256: row.sha256 as string,
  };
}

function prepare(db: DatabaseSync) {
  return {
    file: db.prepare("SELECT * FROM files WHERE id = ?"),
    named: db.prepare("SELECT * FROM files WHERE id >> 32 = ? AND folded = ?"),
    between: db.prepare("SELECT * FROM files WHERE id > ? AND id <= ?"),
    add: db.prepare("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    drop: db.prepare("DELETE FROM files WHERE id = ?"),
    count: db.prepare("SELECT count FROM file_counts WHERE scope = ?"),
    addCount: db.prepare(
      "INSERT INTO file_counts VALUES (?, 1) ON CONFLICT (scope) DO UPDATE SET count = count + 1",
    ),
    dropCount: db.prepare("UPDATE file_counts SET count = count - 1 WHERE scope = ?"),
    forgetCount: db.prepare("DELETE FROM file_counts WHERE scope = ?"),
    usage: db.prepare("SELECT bytes FROM usage WHERE user = ?"),
    addUsage: db.prepare(
      `INSERT INTO usage VALUES (?, ?)
         ON CONFLICT (user) DO UPDATE SET bytes = bytes + excluded.bytes`,
    ),
    bytes: db.prepare("SELECT value FROM counters WHERE name = 'content_bytes'"),
    addBytes: db.prepare(
      `INSERT INTO counters VALUES ('content_bytes', ?)
         ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
    ),
    has: db.prepare("SELECT 1 FROM contents WHERE sha256 = ? AND files > 0"),
    next: db.prepare(
      "SELECT id, size FROM files WHERE sha256 = ? AND id >= ? ORDER BY id LIMIT 1",
    ),
    addContent: db.prepare(
      `INSERT INTO contents VALUES (?, ?, 1) ON CONFLICT (sha256)
         DO UPDATE SET files = files + 1 RETURNING files, size`,
    ),
    dropContent: db.prepare(
      "UPDATE contents SET files = files - 1 WHERE sha256 = ? RETURNING files, size",
    ),
    unreferenced: db.prepare("SELECT sha256 FROM contents WHERE files = 0 LIMIT ?"),
    forget: db.prepare("DELETE FROM contents WHERE sha256 = ? AND files = 0"),
  };
}
