/**
 * The log in one SQLite file (DESIGN §6 and §10, FACTS §5): entries, the state that follows from them, and
 * the keys, tokens and lock-outs of the server, changed together or not at all.
 *
 * Each unit of work is one transaction, whatever it holds: so the service puts all that arrived together
 * into one. Without a flush of its own a unit is durable when its commit returns, and `done` is called
 * before `transact` returns. With one (wal_flush.ts) the disk is waited for elsewhere, and units are done
 * in their order as it answers.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Command } from "../../protocol/forum/command.ts";
import { threadScope } from "../../protocol/forum/event.ts";
import type { LockoutRecord } from "../../protocol/lockout.ts";
import { type Refusal, refuse } from "../../protocol/status.ts";
import { utf8Length } from "../../protocol/text.ts";
import type { Entry, Log, Published, Token, Transaction, WantedUpload } from "./log.ts";
import { createFileLists, type FileLists } from "./sqlite_file_lists.ts";
import { createFiles, type Files } from "./sqlite_files.ts";
import { stateLines } from "./sqlite_lines.ts";
import { createMoments, type Moments } from "./sqlite_moments.ts";
import { createNumbers } from "./sqlite_numbers.ts";
import { createPages, type Pages } from "./sqlite_pages.ts";
import { createInserts, type Inserts } from "./sqlite_inserts.ts";
import { loadRecords, type Records } from "./sqlite_records.ts";
import { createReplies, type Replies } from "./sqlite_replies.ts";
import { createRows, type Rows } from "./sqlite_rows.ts";
import { type DatabaseOptions, openDatabase } from "./sqlite_schema.ts";
import { createSearches, type Searches } from "./sqlite_search.ts";
import { createSqliteState, type SqliteState } from "./sqlite_state.ts";
import { createSweep, type Sweep } from "./sqlite_sweep.ts";
import { createTexts, type Texts } from "./sqlite_texts.ts";
import { createTransactions, type Transactions } from "./sqlite_transaction.ts";
import { createUnit, isStorageFault, type Unit } from "./sqlite_unit.ts";
import { createUploads, type Uploads } from "./sqlite_uploads.ts";
import { createTally } from "./tally.ts";
import type { WalFlush } from "./wal_flush.ts";

/** How many texts {@linkcode Log.tidy} puts into the search index at a time. */
const TIDY_TEXTS = 128;
/** How many a search puts there first. */
const SEARCH_TEXTS = 2000;

/** How the log is opened. */
export interface SqliteLogOptions extends DatabaseOptions {
  /** The time at which replies are kept, in ms since 1970; the machine's clock if not given. */
  readonly now?: () => number;
  /** Told what went wrong in a unit of work; without it, the console is. */
  readonly onFault?: (error: unknown) => void;
  /**
   * Flushes what was committed, so that units may follow each other while the disk is still busy with
   * those before; without it each commit waits for the disk.
   */
  readonly wal?: WalFlush;
}

/** A unit of work that is in the database, or failed, and is not done yet. */
interface Outstanding {
  readonly entries: readonly Published[];
  /** Contents that have lost their last file. */
  readonly freed: readonly string[];
  readonly wrote: boolean;
  readonly failure: Refusal | undefined;
  readonly done: (failure: Refusal | undefined) => void;
}

/** A unit of at most so many entries is a small one. */
const SMALL_UNIT = 8;

/**
 * Opens the log, which is made if it is not there.
 *
 * @throws Error if another server has it, or if it is no forum's or a newer program's.
 *
 * @example
 * ```ts
 * import { openSqliteLog } from "./sqlite_log.ts";
 * import { decideOpening } from "../../protocol/forum/decide.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const log = openSqliteLog({ path: ":memory:" });
 * log.transact(
 *   (tx) => tx.append(decideOpening(tx.view, "lobby", Date.now())),
 *   (failure) => assertEquals(failure, undefined),
 * );
 * assertEquals(log.view.thread(1)?.title, "lobby");
 * log.close();
 * ```
 */
export function openSqliteLog(options: SqliteLogOptions): Log {
  const db = openDatabase({ ...options, flushedElsewhere: options.wal !== undefined });
  try {
    return new SqliteLog(db, options);
  } catch (error) {
    db.close();
    throw error;
  }
}

class SqliteLog implements Log {
  #db: DatabaseSync;
  #unit: Unit;
  #inserts: Inserts;
  #replies: Replies;
  #records: Records;
  #state: SqliteState;
  #texts: Texts;
  #rows: Rows;
  #pages: Pages;
  #moments: Moments;
  #searches: Searches;
  #files: Files;
  #fileLists: FileLists;
  #uploads: Uploads;
  #sweep: Sweep;
  #transactions: Transactions;
  #sql: ReturnType<typeof prepare>;
  #onFault: (error: unknown) => void;
  readonly #wal: WalFlush | undefined;
  #outstanding: Outstanding[] = [];
  /** How many of each scope's entries are not durable yet. */
  readonly #undurable = createTally();
  /** How many units that are not durable yet have taken a content's last file. */
  readonly #freeing = createTally();
  #flushing = false;
  onEntries: (entries: readonly Published[]) => void = () => {};

  constructor(db: DatabaseSync, { now, onFault, wal }: SqliteLogOptions) {
    this.#db = db;
    this.#wal = wal;
    this.#onFault = onFault ?? ((error) => console.error(error));
    this.#unit = createUnit(db);
    const records = this.#records = loadRecords(db);
    const numbers = createNumbers(db);
    const texts = this.#texts = createTexts(db, records);
    const inserts = this.#inserts = createInserts(db);
    const files = this.#files = createFiles(db, records);
    this.#state = createSqliteState(db, { records, numbers, texts, inserts, files });
    const fileLists = this.#fileLists = createFileLists(db, { records, files });
    const uploads = this.#uploads = createUploads(db);
    const rows = this.#rows = createRows(db, records, this.#state);
    const pages = this.#pages = createPages(db, { records, numbers, rows, fileLists });
    const moments = this.#moments = createMoments(db, { records, numbers, rows, pages });
    this.#searches = createSearches(db, { records, rows, texts, moments });
    this.#sweep = createSweep(db, files);
    this.#replies = createReplies(db);
    this.#transactions = createTransactions(db, {
      state: this.#state,
      inserts,
      replies: this.#replies,
      files,
      uploads,
      now: now ?? Date.now,
    });
    this.#sql = prepare(db);
  }

  get view(): SqliteState {
    return this.#state;
  }

  transact(work: (tx: Transaction) => void, done: (failure: Refusal | undefined) => void): boolean {
    if (this.#db.isTransaction) throw new Error("A unit of work cannot run inside another.");
    const { tx, entries, wrote, end } = this.#transactions.begin();
    let failure: Refusal | undefined;
    try {
      this.#unit.run(() => {
        work(tx);
        this.#inserts.flush();
        this.#replies.flush();
        this.#records.flush();
      });
      this.#records.settle();
    } catch (error) {
      this.#inserts.discard();
      this.#replies.discard();
      this.#records.restore();
      this.#state.forget();
      failure = refuse(isStorageFault(error) ? "storage-full" : "internal");
      this.#onFault(error);
    } finally {
      end();
    }
    const freed = this.#files.takeFreed();
    this.#outstanding.push({ entries, freed, wrote: wrote(), failure, done });
    if (this.#wal !== undefined && failure === undefined) {
      this.#undurable.add(entries.map(({ scope }) => scope));
      this.#freeing.add(freed);
    }
    this.#settle();
    return failure === undefined;
  }

  /** Ends units whose turn it is, and sees to it that the disk has those that wrote. */
  #settle(): void {
    if (this.#flushing) return;
    while (this.#outstanding.length > 0) {
      const units = this.#outstanding;
      this.#outstanding = [];
      const wrote = units.some((unit) => unit.wrote && unit.failure === undefined);
      if (this.#wal === undefined || !wrote) {
        this.#end(units);
        continue;
      }
      const small = units.length === 1 && units[0].entries.length <= SMALL_UNIT;
      this.#flushing = true;
      let atOnce = true;
      this.#wal.flush(small, (fault) => {
        // What the disk did not take may be gone, and nobody can say what else: only a restart, which
        // reads what is there, is safe.
        if (fault !== undefined) {
          throw new Error("The disk did not keep what was written.", { cause: fault });
        }
        this.#flushing = false;
        this.#end(units);
        if (!atOnce) this.#settle();
      });
      atOnce = false;
      if (this.#flushing) return;
    }
  }

  #end(units: readonly Outstanding[]): void {
    for (const { entries, freed, failure, done } of units) {
      if (failure === undefined && entries.length > 0) {
        if (this.#wal !== undefined) {
          this.#undurable.subtract(entries.map(({ scope }) => scope));
          this.#freeing.subtract(freed);
        }
        // What is durable stays so: the replies must leave even if the live feed fails.
        this.#attempt(() => this.onEntries(entries));
      }
      done(failure);
    }
  }

  head(scope: string): number {
    return this.#state.head(scope) - this.#undurable.count(scope);
  }

  entries(scope: string, after: number, most: { count: number; bytes: number }): Entry[] {
    const head = this.head(scope);
    const entries: Entry[] = [];
    let bytes = 0;
    for (const { seq, json } of this.#state.entries(scope, after, most.count)) {
      if (seq > head) break;
      entries.push({ scope, seq, json });
      bytes += utf8Length(json);
      if (bytes >= most.bytes) break;
    }
    return entries;
  }

  credential(user: string) {
    return this.#state.credential(user);
  }
  token(hash: string): Token | undefined {
    const row = this.#sql.token.get(hash);
    return row && { user: row.user as string, expires: row.expires as number };
  }
  lockout(id: string): LockoutRecord | undefined {
    const row = this.#sql.lockout.get(id);
    return row && { failures: row.failures as number, until: row.until as number };
  }
  setting(name: string): string | undefined {
    return this.#sql.setting.get(name)?.value as string | undefined;
  }

  threadRow(user: string, thread: number) {
    this.#inserts.flush();
    const record = this.#records.thread(thread);
    return record && this.#rows.thread(user, record);
  }
  threads(user: string, page: { skip: number; limit: number }) {
    this.#inserts.flush();
    return this.#pages.threads(user, page);
  }
  page(user: string, question: Extract<Command, { op: "read" }>) {
    this.#inserts.flush();
    return this.#pages.page(user, question);
  }
  since(user: string, question: Extract<Command, { op: "since" }>) {
    this.#inserts.flush();
    return this.#moments.since(user, question);
  }
  search(user: string, question: Extract<Command, { op: "search" }>) {
    this.#inserts.flush();
    // Even if the disk is full, what is in the index can be found.
    this.#attempt(() => this.#texts.catchUp(this.#unit, SEARCH_TEXTS));
    return this.#searches.search(user, question);
  }

  fileRow(thread: number, file: number) {
    return this.#fileLists.row(thread, file);
  }
  files(user: string, question: Extract<Command, { op: "files" }>) {
    return this.#fileLists.files(user, question);
  }

  unreferenced(count: number): string[] {
    return this.#files.unreferenced(count).filter((sha256) => this.#freeing.count(sha256) === 0);
  }
  upload(number: number) {
    return this.#uploads.get(number);
  }
  findUpload(wanted: WantedUpload) {
    return this.#uploads.find(wanted);
  }
  uploadsOf(user: string) {
    return this.#uploads.of(user);
  }
  get uploadBytes(): number {
    return this.#uploads.bytes;
  }
  staleUploads(before: number, count: number) {
    return this.#uploads.stale(before, count);
  }

  tidy(now: number): boolean {
    const more = this.#attempt(() => {
      let more = false;
      this.#unit.run(() => {
        more = this.#replies.expired(now);
        more = this.#sweep.expired(now) || more;
        more = this.#sweep.removed((thread) => this.#lasts(threadScope(thread))) || more;
      });
      return this.#texts.catchUp(this.#unit, TIDY_TEXTS) || more;
    }) ?? false;
    // What is swept was removed, and that lasts already.
    this.#files.takeFreed();
    return more;
  }

  /** Whether the disk has all entries of a scope. */
  #lasts(scope: string): boolean {
    return this.#undurable.count(scope) === 0;
  }

  /** Does what others must not fail with. */
  #attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#onFault(error);
      return undefined;
    }
  }

  lines(): Iterable<string> {
    return stateLines(this.#db, this.#records);
  }

  close(): void {
    if (this.#outstanding.length > 0) {
      this.#wal?.now();
      this.#end(this.#outstanding.splice(0));
    }
    this.#wal?.close();
    this.#db.close();
  }
}

function prepare(db: DatabaseSync) {
  return {
    token: db.prepare("SELECT user, expires FROM tokens WHERE hash = ?"),
    lockout: db.prepare("SELECT failures, until FROM lockouts WHERE id = ?"),
    setting: db.prepare("SELECT value FROM settings WHERE name = ?"),
  };
}
