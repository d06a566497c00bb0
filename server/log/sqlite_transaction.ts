/**
 * What a unit of work of the log may do (log.ts, {@linkcode Transaction}): apply and keep events, and keep
 * keys, tokens, lock-outs and settings.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import { evolve } from "../../protocol/forum/evolve.ts";
import type { View } from "../../protocol/forum/state.ts";
import type { LockoutRecord } from "../../protocol/lockout.ts";
import type { KeptReply, Published, Token, Transaction, UploadRecord } from "./log.ts";
import type { Files } from "./sqlite_files.ts";
import type { Inserts } from "./sqlite_inserts.ts";
import type { Replies } from "./sqlite_replies.ts";
import type { SqliteState } from "./sqlite_state.ts";
import type { Uploads } from "./sqlite_uploads.ts";

/** A transaction under way. */
export interface Begun {
  readonly tx: Transaction;
  /** What it has appended so far. */
  readonly entries: Published[];
  /** Whether it has written anything at all. */
  wrote(): boolean;
  /** From now on the transaction throws. */
  end(): void;
}

/** Makes transactions. */
export interface Transactions {
  begin(): Begun;
}

interface Parts {
  readonly state: SqliteState;
  readonly inserts: Inserts;
  readonly replies: Replies;
  readonly files: Files;
  readonly uploads: Uploads;
  readonly now: () => number;
}

/** Prepares transactions; `now` is the time at which replies are kept. */
export function createTransactions(
  db: DatabaseSync,
  { now, ...parts }: Parts,
): Transactions {
  const sql = prepare(db);
  return {
    begin() {
      const tx = new OpenTransaction(parts, sql, now());
      return { tx, entries: tx.entries, wrote: () => tx.wrote, end: () => tx.end() };
    },
  };
}

type Statements = ReturnType<typeof prepare>;

class OpenTransaction implements Transaction {
  readonly entries: Published[] = [];
  wrote = false;
  readonly #parts: Omit<Parts, "now">;
  #statements: Statements | undefined;
  readonly #at: number;

  constructor(parts: Omit<Parts, "now">, sql: Statements, at: number) {
    this.#parts = parts;
    this.#statements = sql;
    this.#at = at;
  }

  get view(): View {
    return this.#parts.state;
  }

  /** The statements, all of which write. */
  get #sql(): Statements {
    this.wrote = true;
    return this.#expectOpen();
  }

  /** The parts, to write with. */
  get #writing(): Omit<Parts, "now"> {
    this.#expectOpen();
    this.wrote = true;
    return this.#parts;
  }

  #expectOpen(): Statements {
    if (this.#statements !== undefined) return this.#statements;
    throw new Error("The unit of work is over: change the log only while its work runs.");
  }

  append(events: readonly ForumEvent[]): void {
    this.#expectOpen();
    if (events.length > 0) this.wrote = true;
    const { state, inserts } = this.#parts;
    for (const event of events) {
      evolve(state, event);
      const json = JSON.stringify(event);
      inserts.entry(state.idOf(event), json);
      this.entries.push({ scope: event.scope, seq: event.seq, json, event });
    }
  }

  recall(user: string, key: string): KeptReply | undefined {
    this.#expectOpen();
    return this.#parts.replies.recall(user, key);
  }
  remember(user: string, key: string, { fingerprint, json }: KeptReply): void {
    this.#writing.replies.remember(user, key, { fingerprint, json, at: this.#at });
  }
  putToken(hash: string, { user, expires }: Token): void {
    this.#sql.putToken.run(hash, user, expires);
  }
  dropToken(hash: string): void {
    this.#sql.dropToken.run(hash);
  }
  dropTokens(user: string): void {
    this.#sql.dropTokens.run(user);
  }
  trimTokens(user: string, most: number): number {
    return Number(this.#sql.trimTokens.run(user, most).changes);
  }
  putLockout(id: string, record: LockoutRecord | undefined): void {
    if (record === undefined) this.#sql.dropLockout.run(id);
    else this.#sql.putLockout.run(id, record.failures, record.until);
  }
  trimLockouts(most: number): number {
    const { countLockouts, trimLockouts } = this.#sql;
    const count = countLockouts.get()!.count as number;
    if (count <= most) return 0;
    // More than it must: choosing them looks at all, which not every failure should have to do.
    return Number(trimLockouts.run(count - Math.floor(most * 0.9)).changes);
  }
  putSetting(name: string, value: string): void {
    this.#sql.putSetting.run(name, value);
  }
  putUpload(upload: Omit<UploadRecord, "number">): number {
    return this.#writing.uploads.put(upload);
  }
  touchUpload(number: number, at: number): void {
    this.#writing.uploads.touch(number, at);
  }
  dropUpload(number: number): void {
    this.#writing.uploads.drop(number);
  }
  forgetContent(sha256: string): boolean {
    return this.#writing.files.forget(sha256);
  }

  end(): void {
    this.#statements = undefined;
  }
}

function prepare(db: DatabaseSync) {
  return {
    putToken: db.prepare("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)"),
    dropToken: db.prepare("DELETE FROM tokens WHERE hash = ?"),
    dropTokens: db.prepare("DELETE FROM tokens WHERE user = ?"),
    trimTokens: db.prepare(
      `DELETE FROM tokens WHERE hash IN
         (SELECT hash FROM tokens WHERE user = ? ORDER BY expires DESC LIMIT -1 OFFSET ?)`,
    ),
    putLockout: db.prepare("INSERT OR REPLACE INTO lockouts VALUES (?, ?, ?)"),
    dropLockout: db.prepare("DELETE FROM lockouts WHERE id = ?"),
    countLockouts: db.prepare("SELECT count(*) AS count FROM lockouts"),
    trimLockouts: db.prepare(
      `DELETE FROM lockouts WHERE id IN
         (SELECT id FROM lockouts ORDER BY failures, until LIMIT ?)`,
    ),
    putSetting: db.prepare("INSERT OR REPLACE INTO settings VALUES (?, ?)"),
  };
}
