/**
 * Files as replies show them: lists of them, newest first, and those that belong to a page of a thread
 * (docs/PROTOCOL.md, "Shared files"). A reply must fit one frame, so rows are counted in bytes as they are
 * made.
 *
 * The files of all public threads stand in one order of time, and those of each private thread in one of
 * its own; a list for a user is merged from those that this user may see, so that what is hidden costs
 * nothing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Files as FilesQuestion } from "../../protocol/forum/command.ts";
import { maySee } from "../../protocol/forum/policy.ts";
import type { FileRow, FoundFileRow, Page } from "../../protocol/forum/reply.ts";
import { fold, utf8Length } from "../../protocol/text.ts";
import { audienceOf, type Files, readFile } from "./sqlite_files.ts";
import type { Records, ThreadRecord } from "./sqlite_records.ts";
import { REPLY_BYTES, rowLimit } from "./sqlite_rows.ts";
import { SPAN } from "./sqlite_schema.ts";

/** The most files that a page of a thread brings. */
export const PAGE_FILES_MAX = 200;
/** The most bytes of JSON that they take: beside the messages of a page they fit into its frame. */
const PAGE_FILES_BYTES = 64 * 1024;
/** A list over all threads ends after so many files, whether they are shown or passed over. */
export const FILES_LISTED_MAX = 10_000;
/** It looks into so many private threads with files, the most recently active ones of the user. */
const PRIVATE_MAX = 256;
/** To find these, so many threads are looked at. */
const THREADS_READ = 100_000;
/** So many rows of one order are read at a time. */
const SLICE = 64;

/** A list, and whether there is more. */
interface Listed {
  readonly files: FoundFileRow[];
  readonly more: boolean;
}

/** Where a file stands in an order of time. */
interface Placed {
  readonly id: number;
  readonly at: number;
}

/** Shows files. */
export interface FileLists {
  /** One file. */
  row(thread: number, seq: number): FileRow | undefined;
  /** The files that the question asks for, as far as this user may see them. */
  files(user: string, question: FilesQuestion): Listed;
  /** The newest files between two ids, both excluded, oldest first. */
  between(above: number, below: number): Pick<Page, "files" | "filesMore">;
}

/** What lists are made from. */
export interface FileListParts {
  readonly records: Records;
  readonly files: Files;
}

/** Prepares the questions. */
export function createFileLists(db: DatabaseSync, parts: FileListParts): FileLists {
  return new TableFileLists(db, parts);
}

class TableFileLists implements FileLists {
  readonly #records: Records;
  readonly #files: Files;
  readonly #between;
  readonly #older;
  readonly #named;

  constructor(db: DatabaseSync, { records, files }: FileListParts) {
    this.#records = records;
    this.#files = files;
    this.#between = db.prepare(
      "SELECT * FROM files WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ? OFFSET ?",
    );
    this.#older = db.prepare(
      `SELECT id, at FROM files WHERE audience = ? AND (at, id) < (?, ?)
        ORDER BY at DESC, id DESC LIMIT ${SLICE}`,
    );
    this.#named = db.prepare("SELECT id FROM files WHERE folded = ? ORDER BY at DESC, id DESC");
  }

  row(thread: number, seq: number): FileRow | undefined {
    const record = this.#records.thread(thread);
    const file = record && this.#files.file(record.base + seq);
    return file && this.#show(file);
  }

  files(user: string, { thread, name, skip = 0, limit }: FilesQuestion): Listed {
    const most = rowLimit(limit);
    const folded = name === undefined ? undefined : fold(name);
    if (thread === undefined) {
      const order = folded === undefined ? this.#newest(user) : this.#called(folded);
      return this.#anywhere(user, { order, skip, most });
    }
    const record = this.#records.thread(thread);
    if (record === undefined || !maySee(user, record.thread)) return { files: [], more: false };
    const { base } = record;
    if (folded === undefined) {
      const rows = this.#between.all(base, base + SPAN, most + 1, skip);
      return fitting(rows.map((row) => this.#found(record, this.#show(readFile(row)))), most);
    }
    // A name is there once.
    const file = skip === 0 ? this.#files.named(base, folded) : undefined;
    const files = file === undefined ? [] : [this.#found(record, this.#show(file))];
    return { files, more: false };
  }

  /** Files in an order that is given, as far as this user may see them. */
  #anywhere(
    user: string,
    { order, skip, most }: { order: Iterable<Placed>; skip: number; most: number },
  ): Listed {
    const found: FoundFileRow[] = [];
    let toSkip = skip;
    let left = FILES_LISTED_MAX;
    for (const { id } of order) {
      if (left-- === 0 || found.length > most) break;
      const record = this.#records.holding(id);
      if (record === undefined || !maySee(user, record.thread) || toSkip-- > 0) continue;
      found.push(this.#found(record, this.#show(this.#files.file(id)!)));
    }
    return fitting(found, most);
  }

  /** The files of a name in all threads, newest first. */
  #called(folded: string): Iterable<Placed> {
    return this.#named.iterate(folded) as Iterable<unknown> as Iterable<Placed>;
  }

  /** The files that a user may see, newest first. */
  *#newest(user: string): Iterable<Placed> {
    const orders = this.#audiences(user).map((audience) => this.#of(audience));
    const heads = orders.map((order) => order.next().value);
    for (;;) {
      let newest = 0;
      for (let i = 1; i < heads.length; i++) if (precedes(heads[i], heads[newest])) newest = i;
      const head = heads[newest];
      if (head === undefined) return;
      yield head;
      heads[newest] = orders[newest].next().value;
    }
  }

  /** Whose files a user may see: those of all public threads, and of private ones by one. */
  #audiences(user: string): number[] {
    const audiences = [0];
    let left = THREADS_READ;
    for (const { base, thread } of this.#records.recent()) {
      if (left-- === 0 || audiences.length > PRIVATE_MAX) break;
      if (!thread.private || !maySee(user, thread) || this.#files.count(base) === 0) continue;
      audiences.push(audienceOf(base, thread));
    }
    return audiences;
  }

  *#of(audience: number): Iterator<Placed, undefined> {
    let last: Placed = { at: Infinity, id: 0 };
    for (;;) {
      const rows = this.#older.all(audience, last.at, last.id) as unknown[] as Placed[];
      yield* rows;
      if (rows.length < SLICE) return undefined;
      last = rows[rows.length - 1];
    }
  }

  between(above: number, below: number): Pick<Page, "files" | "filesMore"> {
    const files: FileRow[] = [];
    let bytes = 0;
    let more = false;
    for (const row of this.#between.iterate(above, below, PAGE_FILES_MAX + 1, 0)) {
      const file = this.#show(readFile(row));
      bytes += fileBytes(file);
      more = files.length === PAGE_FILES_MAX || bytes > PAGE_FILES_BYTES;
      if (more) break;
      files.push(file);
    }
    return { files: files.reverse(), ...more && { filesMore: true } };
  }

  #show({ seq, name, by, at, size, type, sha256 }: FileRow): FileRow {
    return { seq, name, by: this.#records.user(by)?.name ?? by, at, size, type, sha256 };
  }

  #found({ thread: { number, title } }: ThreadRecord, file: FileRow): FoundFileRow {
    return { thread: number, title, ...file };
  }
}

/** Whether a file is newer than another; nothing is older than any. */
function precedes(one: Placed | undefined, other: Placed | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return one.at > other.at || (one.at === other.at && one.id > other.id);
}

/** As many of the first rows as are wanted and a reply holds. */
function fitting(rows: readonly FoundFileRow[], most: number): Listed {
  let bytes = 0;
  const past = rows.findIndex((row) => (bytes += fileBytes(row)) > REPLY_BYTES);
  const count = Math.min(past < 0 ? rows.length : past, most);
  return { files: rows.slice(0, count), more: count < rows.length };
}

/** The bytes that a row takes in a reply. */
function fileBytes(row: FileRow): number {
  return utf8Length(JSON.stringify(row)) + 1;
}
