/**
 * Reading threads: their list, and pages of one thread's living messages (docs/PROTOCOL.md, "Commands").
 * A page costs the same wherever it lies and however long the thread is.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Read } from "../../protocol/forum/command.ts";
import { maySee } from "../../protocol/forum/policy.ts";
import type { MessageRow, Page, ThreadRow } from "../../protocol/forum/reply.ts";
import type { FileLists } from "./sqlite_file_lists.ts";
import type { Numbers } from "./sqlite_numbers.ts";
import type { Records, ThreadRecord } from "./sqlite_records.ts";
import { MESSAGE_ROWS, REPLY_BYTES, rowBytes, rowLimit, type Rows } from "./sqlite_rows.ts";
import { SPAN } from "./sqlite_schema.ts";

/** Answers. */
export interface Pages {
  threads(
    user: string,
    page: { skip: number; limit: number },
  ): { threads: ThreadRow[]; more: boolean };
  page(user: string, question: Read): Page;
  /** The first living message at or after an ordinal, as an id; `undefined` if there is none. */
  fromOrdinal(record: ThreadRecord, ordinal: number): number | undefined;
  /** The first living message that was posted later than a moment, as an id. */
  fromMoment(record: ThreadRecord, at: number): number | undefined;
}

/** What pages are made from. */
export interface PageParts {
  readonly records: Records;
  readonly numbers: Numbers;
  readonly rows: Rows;
  readonly fileLists: FileLists;
}

/** Prepares the questions. */
export function createPages(db: DatabaseSync, parts: PageParts): Pages {
  return new ThreadPages(db, parts);
}

class ThreadPages implements Pages {
  #records: Records;
  #numbers: Numbers;
  #rows: Rows;
  #fileLists: FileLists;
  #forward;
  #backward;
  #from;

  constructor(db: DatabaseSync, { records, numbers, rows, fileLists }: PageParts) {
    this.#records = records;
    this.#fileLists = fileLists;
    this.#numbers = numbers;
    this.#rows = rows;
    const between = `${MESSAGE_ROWS} WHERE m.id > ? AND m.id < ? ORDER BY m.id`;
    this.#forward = db.prepare(`${between} LIMIT ?`);
    this.#backward = db.prepare(`${between} DESC LIMIT ?`);
    this.#from = db.prepare(
      "SELECT id, ordinal, at FROM messages WHERE id >= ? AND id < ? ORDER BY id LIMIT 1",
    );
  }

  threads(user: string, { skip, limit }: { skip: number; limit: number }) {
    const threads: ThreadRow[] = [];
    const most = rowLimit(limit);
    let toSkip = skip;
    for (const record of this.#records.recent()) {
      if (!maySee(user, record.thread)) continue;
      if (toSkip-- > 0) continue;
      if (threads.length === most) return { threads, more: true };
      threads.push(this.#rows.thread(user, record));
    }
    return { threads, more: false };
  }

  page(user: string, question: Read): Page {
    const record = this.#records.thread(question.thread);
    if (record === undefined) {
      throw new RangeError(`There is no thread ${question.thread}: ask threadRow before page.`);
    }
    const { base, thread } = record;
    const limit = rowLimit(question.limit);
    let found: { messages: MessageRow[]; more: boolean };
    if (question.after !== undefined) {
      found = this.#read(record, { after: base + question.after, limit });
    } else if (question.before !== undefined) {
      found = this.#read(record, { before: base + question.before, limit });
    } else if (question.number !== undefined) {
      const from = question.number <= thread.living
        ? this.fromOrdinal(record, this.#numbers.ordinal(record, question.number))
        : undefined;
      found = from === undefined
        ? { messages: [], more: false }
        : this.#read(record, { after: from - 1, limit });
    } else {
      found = this.#read(record, { before: base + SPAN, limit });
    }
    return {
      thread: this.#rows.thread(user, record),
      ...found,
      ...this.#files(record, found.messages),
    };
  }

  /**
   * The files that belong to a page: those behind each of its messages, up to the next message of the
   * thread, and those before the thread's first. So each file is on one page, however a thread is cut.
   */
  #files(record: ThreadRecord, messages: readonly MessageRow[]): Pick<Page, "files" | "filesMore"> {
    const { base, thread } = record;
    let above = base;
    let below = base + SPAN;
    if (thread.living > 0) {
      const first = messages.at(0);
      const last = messages.at(-1);
      if (first === undefined || last === undefined) return { files: [] };
      if (first.number > 1) above += first.seq;
      if (last.number < thread.living) {
        below = this.#from.get(base + last.seq + 1, below)!.id as number;
      }
    }
    return this.#fileLists.between(above, below);
  }

  #read(
    record: ThreadRecord,
    { after, before, limit }: { after?: number; before?: number; limit: number },
  ): { messages: MessageRow[]; more: boolean } {
    const { base } = record;
    const messages: MessageRow[] = [];
    let bytes = 0;
    let more = false;
    const rows = after !== undefined
      ? this.#forward.iterate(Math.min(after, base + SPAN), base + SPAN, limit + 1)
      : this.#backward.iterate(base, before!, limit + 1);
    let number: number | undefined;
    for (const row of rows) {
      number = number === undefined
        ? this.#numbers.number(record, row.ordinal as number)
        : number + (after !== undefined ? 1 : -1);
      const message = this.#rows.message(row, number);
      bytes += rowBytes(message);
      if (messages.length === limit || (bytes > REPLY_BYTES && messages.length > 0)) {
        more = true;
        break;
      }
      messages.push(message);
    }
    if (after === undefined) messages.reverse();
    return { messages, more };
  }

  fromOrdinal(record: ThreadRecord, ordinal: number): number | undefined {
    const { base, posted, thread } = record;
    // Before a posting lie at least the thread's opening and the postings before it, behind it the rest.
    const range = { low: ordinal + 1, high: posted - (thread.posts - ordinal) };
    return this.#search(base, range, (row) => row.ordinal as number >= ordinal);
  }

  fromMoment(record: ThreadRecord, at: number): number | undefined {
    const { base, posted, thread } = record;
    if (thread.lastAt <= at) return undefined;
    return this.#search(base, { low: 1, high: posted }, (row) => row.at as number > at);
  }

  /** The first message for which a test holds that holds for all after it: its seq is in the range. */
  #search(
    base: number,
    { low, high }: { low: number; high: number },
    test: (row: Record<string, unknown>) => boolean,
  ): number | undefined {
    const end = base + high + 1;
    let found: number | undefined;
    while (low <= high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#from.get(base + middle, end);
      if (row !== undefined && !test(row)) low = row.id as number - base + 1;
      else {
        // What was found is the first at or after the middle, so that lies nothing between them.
        if (row !== undefined) found = row.id as number;
        high = middle - 1;
      }
    }
    return found;
  }
}
