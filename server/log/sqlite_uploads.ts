/**
 * Uploads that have begun and are not finished: what a client that comes back must say again to go on, and
 * under which number the bytes lie that have come (log.ts, {@linkcode UploadRecord}).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { UploadRecord, WantedUpload } from "./log.ts";

/** Keeps unfinished uploads. */
export interface Uploads {
  /** The bytes that all of them are to have. */
  readonly bytes: number;
  get(number: number): UploadRecord | undefined;
  find(wanted: WantedUpload): UploadRecord | undefined;
  of(user: string): { count: number; bytes: number };
  stale(before: number, count: number): UploadRecord[];
  put(upload: Omit<UploadRecord, "number">): number;
  touch(number: number, at: number): void;
  drop(number: number): void;
}

/** Prepares the table's use. */
export function createUploads(db: DatabaseSync): Uploads {
  return new TableUploads(db);
}

class TableUploads implements Uploads {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db);
  }

  get bytes(): number {
    return this.#sql.bytes.get()!.bytes as number;
  }
  get(number: number): UploadRecord | undefined {
    const row = this.#sql.get.get(number);
    return row && readUpload(row);
  }
  find({ user, thread, name, size, modified, sha256 }: WantedUpload): UploadRecord | undefined {
    const row = this.#sql.find.get(
      user,
      size,
      thread,
      JSON.stringify(name),
      modified ?? null,
      sha256 ?? null,
    );
    return row && readUpload(row);
  }
  of(user: string): { count: number; bytes: number } {
    const { count, bytes } = this.#sql.of.get(user)!;
    return { count: count as number, bytes: bytes as number };
  }
  stale(before: number, count: number): UploadRecord[] {
    return this.#sql.stale.all(before, count).map(readUpload);
  }
  put(upload: Omit<UploadRecord, "number">): number {
    const { user, thread, name, size, modified, sha256, at } = upload;
    const put = this.#sql.put.run(
      user,
      thread,
      JSON.stringify(name),
      size,
      modified ?? null,
      sha256 ?? null,
      at,
    );
    return Number(put.lastInsertRowid);
  }
  touch(number: number, at: number): void {
    this.#sql.touch.run(at, number);
  }
  drop(number: number): void {
    this.#sql.drop.run(number);
  }
}

function readUpload(row: Record<string, unknown>): UploadRecord {
  const modified = row.modified as number | null;
  const sha256 = row.sha256 as string | null;
  return {
    number: row.number as number,
    user: row.user as string,
    thread: row.thread as number,
    name: JSON.parse(row.name as string),
    size: row.size as number,
    ...modified !== null && { modified },
    ...sha256 !== null && { sha256 },
    at: row.at as number,
  };
}

function prepare(db: DatabaseSync) {
  return {
    // Sizes here are only said, not sent: total() does not overflow whatever they are.
    bytes: db.prepare("SELECT total(size) AS bytes FROM uploads"),
    of: db.prepare("SELECT count(*) AS count, total(size) AS bytes FROM uploads WHERE user = ?"),
    get: db.prepare("SELECT * FROM uploads WHERE number = ?"),
    find: db.prepare(
      `SELECT * FROM uploads WHERE user = ? AND size = ? AND thread = ? AND name = ?
          AND modified IS ? AND sha256 IS ? ORDER BY number DESC LIMIT 1`,
    ),
    stale: db.prepare("SELECT * FROM uploads WHERE at < ? ORDER BY at, number LIMIT ?"),
    put: db.prepare(
      `INSERT INTO uploads (user, thread, name, size, modified, sha256, at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    touch: db.prepare("UPDATE uploads SET at = ? WHERE number = ?"),
    drop: db.prepare("DELETE FROM uploads WHERE number = ?"),
  };
}
