/**
 * The SQLite file of the log: how it is opened, what stands in it, and how an older one is brought up
 * to date (DESIGN §6).
 *
 * Entries and messages carry one number, their {@linkcode SPAN | scope number × 2³² + seq}, so that
 * everything of a scope is one range of every table. The text of a message stands only in the entry that
 * said it.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/** How many ids a scope has: an entry's id is its scope's number times this, plus its `seq`. */
export const SPAN = 2 ** 32;
/** The highest number of a scope: ids beyond would not be safe integers. */
export const SCOPES_MAX = 2 ** 21 - 1;
/** How long a period is by which postings are found by their time, in ms. */
export const PERIOD = 60 * 1000;

/** Marks the file as ours: "DFP2". */
const APPLICATION_ID = 0x44465032;

/** Each step brings a file from the version that is its index to the next one. They are never changed. */
export const MIGRATIONS: readonly string[] = [
  `
  PRAGMA application_id = ${APPLICATION_ID};

  CREATE TABLE scopes (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE events (id INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE users (
    folded TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, banned INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE credentials (
    folded TEXT PRIMARY KEY, salt TEXT NOT NULL, iterations INTEGER NOT NULL,
    stored_key TEXT NOT NULL, server_key TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- posted: the seq of the newest posting; indexed: up to which seq the search index has come.
  CREATE TABLE threads (
    number INTEGER PRIMARY KEY, scope INTEGER NOT NULL, title TEXT NOT NULL, owner TEXT NOT NULL,
    private INTEGER NOT NULL, direct INTEGER NOT NULL, members TEXT NOT NULL, at INTEGER NOT NULL,
    posts INTEGER NOT NULL, living INTEGER NOT NULL, last_at INTEGER NOT NULL,
    posted INTEGER NOT NULL, indexed INTEGER NOT NULL
  ) STRICT;

  -- id: its posting's entry; text_id: the entry of its last edit, if there was one.
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, author TEXT NOT NULL, at INTEGER NOT NULL,
    text_id INTEGER, edited_at INTEGER, reply INTEGER
  ) STRICT;
  CREATE INDEX messages_edited ON messages (edited_at) WHERE edited_at IS NOT NULL;
  CREATE INDEX messages_edited_in ON messages (id >> 32, edited_at) WHERE edited_at IS NOT NULL;
  -- The first posting of each thread in each period: when, and its id.
  CREATE TABLE starts (
    at INTEGER NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (at, first)
  ) STRICT, WITHOUT ROWID;
  -- Ordinals that no longer live (id: scope × 2³² + ordinal), and how many in blocks of them.
  CREATE TABLE deletions (id INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE deletion_counts (id INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
  CREATE TABLE reactions (
    message INTEGER NOT NULL, emoji TEXT NOT NULL, user TEXT NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (message, emoji, user)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE mentions (
    user TEXT NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (user, message)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX mentions_message ON mentions (message);
  CREATE TABLE marks (
    thread INTEGER NOT NULL, user TEXT NOT NULL, upto INTEGER NOT NULL, PRIMARY KEY (thread, user)
  ) STRICT, WITHOUT ROWID;
  CREATE VIRTUAL TABLE texts USING fts5 (
    body, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
  );
  -- Without this, a merge for the sake of what was deleted can take most of a second.
  INSERT INTO texts (texts, rank) VALUES ('deletemerge', 0);
  -- Removed threads whose rows still wait to be swept, and up to which id that has been done.
  CREATE TABLE sweeps (
    thread INTEGER PRIMARY KEY, scope INTEGER NOT NULL, upto INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE replies (
    id INTEGER PRIMARY KEY, user TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
    json TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX replies_key ON replies (user, key);
  -- Keys of the form series-n (id: number of the series × 2²⁴ + n). A number is never given twice.
  CREATE TABLE reply_series (
    number INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, series TEXT NOT NULL,
    UNIQUE (user, series)
  ) STRICT;
  CREATE TABLE numbered_replies (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, json TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE tokens (
    hash TEXT PRIMARY KEY, user TEXT NOT NULL, expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tokens_user ON tokens (user);
  CREATE INDEX tokens_expires ON tokens (expires);
  CREATE TABLE lockouts (
    id TEXT PRIMARY KEY, failures INTEGER NOT NULL, until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX lockouts_until ON lockouts (until);
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- id: the entry that shared it; name: as JSON, since a text with a NUL in it is not read back whole;
  -- folded: the name for comparing; audience: the scope of a private thread, 0 for all public ones.
  CREATE TABLE files (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL, user TEXT NOT NULL,
    at INTEGER NOT NULL, size INTEGER NOT NULL, type TEXT NOT NULL, sha256 TEXT NOT NULL,
    audience INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX files_named_in ON files (id >> 32, folded);
  CREATE INDEX files_named ON files (folded, at);
  CREATE INDEX files_newest ON files (audience, at);
  CREATE INDEX files_content ON files (sha256);
  -- How many files a scope has, and how many bytes a user has shared.
  CREATE TABLE file_counts (scope INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
  CREATE TABLE usage (user TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  -- Contents, and how many files have each; where that is 0, its bytes wait to be freed.
  CREATE TABLE contents (
    sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL, files INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX contents_free ON contents (sha256) WHERE files = 0;
  -- Uploads that have begun; name: folded, as JSON. A number is never given twice: bytes lie under it.
  CREATE TABLE uploads (
    number INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, thread INTEGER NOT NULL,
    name TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER, sha256 TEXT, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX uploads_user ON uploads (user, size);
  CREATE INDEX uploads_at ON uploads (at);
  `,
  `
  -- No table changes: a row of numbered_replies may now hold replies to several keys that follow each
  -- other (reply_run.ts), and a program that takes it for one must not open the file.
  `,
];

/**
 * Pages between two checkpoints, 62 MiB. Each waits for the disk twice, while nobody can post, however little it copies:
 * where every post is a commit, four times as many of them were felt by more than one post in a hundred.
 */
const CHECKPOINT = ["wal_autocheckpoint = 16000"];

/** How a database is opened. */
export interface DatabaseOptions {
  /** The file, which is made if it is not there, or `":memory:"`. */
  readonly path: string;
  /** The largest size of the database in bytes; without it, what the disk holds. */
  readonly maxBytes?: number;
  /** Whether somebody else flushes the write-ahead log; otherwise each commit does, and waits. */
  readonly flushedElsewhere?: boolean;
}

/**
 * Opens the file, takes it for this process alone, and brings it up to date.
 *
 * @throws Error if another process has it, if it is no forum, or if a newer program wrote it.
 */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const { path, maxBytes, flushedElsewhere = false } = options;
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(path);
  } catch (cause) {
    throw new Error(`The forum's data at ${path} cannot be opened: does the folder exist?`, {
      cause,
    });
  }
  try {
    db.prepare("PRAGMA locking_mode = EXCLUSIVE").get();
    checkKind(db, path);
    // FULL: a commit is on the disk when it returns. NORMAL alone lost acknowledged rows in power cuts.
    const synchronous = `synchronous = ${flushedElsewhere ? "NORMAL" : "FULL"}`;
    const pragmas = ["journal_mode = WAL", synchronous, "foreign_keys = OFF"];
    for (
      const pragma of [...pragmas, "temp_store = MEMORY", "cache_size = -65536", ...CHECKPOINT]
    ) {
      db.prepare(`PRAGMA ${pragma}`).get();
    }
    // Without a write the lock would be taken only later, and two servers would both start.
    db.prepare("BEGIN IMMEDIATE").run();
    db.prepare("COMMIT").run();
    migrate(db, MIGRATIONS);
    if (maxBytes !== undefined) {
      const size = db.prepare("PRAGMA page_size").get()?.page_size as number;
      db.prepare(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / size))}`).get();
    }
    return db;
  } catch (error) {
    db.close();
    throw explain(error, path);
  }
}

/** Refuses a file that another program made. */
function checkKind(db: DatabaseSync, path: string): void {
  const id = db.prepare("PRAGMA application_id").get()?.application_id;
  if (id === APPLICATION_ID) return;
  const tables = db.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count;
  if (id !== 0 || tables !== 0) {
    throw new Error(
      `${path} is the database of another program: give the forum a folder of its own.`,
    );
  }
}

/**
 * Runs the steps that a file has not seen, each as a whole or not at all.
 *
 * @throws Error if the file has seen more steps than there are.
 *
 * @example
 * ```ts
 * import { DatabaseSync } from "node:sqlite";
 * import { migrate } from "./sqlite_schema.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const db = new DatabaseSync(":memory:");
 * migrate(db, ["CREATE TABLE a (x INTEGER)", "ALTER TABLE a ADD COLUMN y INTEGER"]);
 * assertEquals(db.prepare("PRAGMA user_version").get()?.user_version, 2);
 * db.close();
 * ```
 */
export function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  const version = db.prepare("PRAGMA user_version").get()?.user_version as number;
  if (version > migrations.length) {
    throw new Error(
      `The forum's data has format ${version}, and this program knows only those up to ` +
        `${migrations.length}: start the newer program that wrote it.`,
    );
  }
  for (let step = version; step < migrations.length; step++) {
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(migrations[step]);
      db.exec(`PRAGMA user_version = ${step + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}

const BUSY = 5;
const NOT_A_DATABASE = 26;

/** Says what to do where SQLite says only what happened. */
function explain(error: unknown, path: string): unknown {
  switch (primaryCode(error)) {
    case BUSY:
      return new Error(
        `Another server runs on ${path}: stop it, or give this one a data folder of its own.`,
        { cause: error },
      );
    case NOT_A_DATABASE:
      return new Error(`${path} is no database: move it away, or put a backup in its place.`, {
        cause: error,
      });
    default:
      return error;
  }
}

/** SQLite's primary result code of an error of a prepared statement; 0 for any other error. */
export function primaryCode(error: unknown): number {
  const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  // The extended codes keep the primary one in their low byte.
  return typeof code === "number" ? code & 0xff : 0;
}
