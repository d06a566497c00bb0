/**
 * The forum's state in SQLite: what evolve writes on the server (DESIGN §6, law 5).
 *
 * Users and threads are in memory (sqlite_records.ts), everything else is rows. The text of a message is
 * read from the entry that said it, and blanked there when it is replaced or deleted.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { type ForumEvent, threadScope } from "../../protocol/forum/event.ts";
import {
  type Credential,
  type Message,
  type SharedFile,
  type State,
  type Thread,
  type User,
} from "../../protocol/forum/state.ts";
import type { Files } from "./sqlite_files.ts";
import type { Inserts } from "./sqlite_inserts.ts";
import type { Numbers } from "./sqlite_numbers.ts";
import type { Records, ThreadRecord } from "./sqlite_records.ts";
import { SCOPES_MAX, SPAN } from "./sqlite_schema.ts";
import type { Texts } from "./sqlite_texts.ts";
import { LogFull } from "./sqlite_unit.ts";

/** A scope's place among the ids. */
interface Scope {
  readonly base: number;
  head: number;
}

/** What the state is made of. */
export interface StateParts {
  readonly records: Records;
  readonly numbers: Numbers;
  readonly texts: Texts;
  readonly inserts: Inserts;
  readonly files: Files;
}

/** The state, and what the log needs of it beside. */
export interface SqliteState extends State {
  /** Under which id the entry of an event that was applied is kept. */
  idOf(event: ForumEvent): number;
  /** The JSON of entries after `after`, oldest first. */
  entries(scope: string, after: number, count: number): Iterable<{ seq: number; json: string }>;
  credential(folded: string): Credential | undefined;
  /** Forgets what is cached, after a unit of work has failed. */
  forget(): void;
}

/** Prepares the state. */
export function createSqliteState(db: DatabaseSync, parts: StateParts): SqliteState {
  return new TableState(db, parts);
}

class TableState implements SqliteState {
  #records: Records;
  #numbers: Numbers;
  #texts: Texts;
  #inserts: Inserts;
  #files: Files;
  #scopes = new Map<string, Scope>();
  #sql: ReturnType<typeof prepare>;

  constructor(db: DatabaseSync, { records, numbers, texts, inserts, files }: StateParts) {
    this.#inserts = inserts;
    this.#files = files;
    this.#records = records;
    this.#numbers = numbers;
    this.#texts = texts;
    this.#sql = prepare(db);
  }

  get lastThread(): number {
    return this.#records.lastThread;
  }
  get lastAt(): number {
    return this.#records.lastAt;
  }
  user(folded: string): User | undefined {
    return this.#records.user(folded);
  }
  thread(number: number): Thread | undefined {
    return this.#records.thread(number)?.thread;
  }
  titled(title: string): Thread | undefined {
    return this.#records.titled(title);
  }
  direct(one: string, other: string): Thread | undefined {
    return this.#records.direct(one, other);
  }
  message(thread: number, seq: number): Message | undefined {
    const record = this.#records.thread(thread);
    this.#inserts.flush();
    const row = record && this.#sql.message.get(record.base + seq);
    return row && readMessage(row);
  }
  reacted(thread: number, seq: number, { emoji, user }: { emoji: string; user: string }): boolean {
    const record = this.#records.thread(thread);
    if (record === undefined) return false;
    return this.#sql.reacted.get(record.base + seq, emoji, user) !== undefined;
  }
  emojis(thread: number, seq: number): readonly string[] {
    const record = this.#records.thread(thread);
    if (record === undefined) return [];
    return this.#sql.emojis.all(record.base + seq).map((row) => row.emoji as string);
  }
  file(thread: number, seq: number): SharedFile | undefined {
    const record = this.#records.thread(thread);
    return record && this.#files.file(record.base + seq);
  }
  fileNamed(thread: number, name: string): SharedFile | undefined {
    const record = this.#records.thread(thread);
    return record && this.#files.named(record.base, name);
  }
  fileCount(thread: number): number {
    const record = this.#records.thread(thread);
    return record === undefined ? 0 : this.#files.count(record.base);
  }
  seesContent(user: string, sha256: string): number | undefined {
    return this.#files.sees(user, sha256);
  }
  hasContent(sha256: string): boolean {
    return this.#files.has(sha256);
  }
  usage(user: string): number {
    return this.#files.usage(user);
  }
  get contentBytes(): number {
    return this.#files.contentBytes;
  }
  mark(user: string, thread: number): number {
    if (this.#records.thread(thread) === undefined) return 0;
    return (this.#sql.mark.get(thread, user)?.upto ?? 0) as number;
  }
  head(scope: string): number {
    return this.#scope(scope)?.head ?? 0;
  }
  credential(folded: string): Credential | undefined {
    const row = this.#sql.credential.get(folded);
    return row && {
      salt: row.salt as string,
      iterations: row.iterations as number,
      storedKey: row.stored_key as string,
      serverKey: row.server_key as string,
    };
  }

  putUser(folded: string, user: User): void {
    this.#records.putUser(folded, user);
  }
  putCredential(folded: string, c: Credential): void {
    this.#sql.putCredential.run(folded, c.salt, c.iterations, c.storedKey, c.serverKey);
  }
  putThread(thread: Thread): void {
    this.#records.putThread(thread, () => this.#open(threadScope(thread.number)).base);
  }
  dropThread(number: number): void {
    const record = this.#records.thread(number);
    if (record === undefined) return;
    this.#records.dropThread(number);
    this.#sql.sweep.run(number, record.base / SPAN, record.base);
  }
  putMessage(thread: number, message: Message, text: string): void {
    const record = this.#record(thread);
    const { seq, textSeq } = message;
    const id = record.base + seq;
    if (textSeq !== seq) {
      this.#inserts.flush();
      this.#sql.editMessage.run(record.base + textSeq, message.editedAt ?? null, id);
      if (seq <= record.indexed) this.#texts.replace(id, text);
      return;
    }
    this.#inserts.message(id, message);
    if (this.#records.notePosting(thread, message)) this.#sql.addStart.run(message.at, id);
  }
  dropMessage(thread: number, message: Message): void {
    const record = this.#record(thread);
    const id = record.base + message.seq;
    this.#inserts.flush();
    this.#sql.dropMessage.run(id);
    this.#sql.dropReactions.run(id);
    this.#sql.dropMentions.run(id);
    this.#numbers.delete(record.base, message.ordinal);
    if (message.seq <= record.indexed) this.#texts.drop(id);
  }
  erase(thread: number, seq: number): void {
    this.#inserts.flush();
    this.#sql.erase.run(this.#record(thread).base + seq);
  }
  setReaction(
    thread: number,
    seq: number,
    { emoji, user, on }: { emoji: string; user: string; on: boolean },
  ): void {
    const record = this.#record(thread);
    const id = record.base + seq;
    if (!on) this.#sql.dropReaction.run(id, emoji, user);
    else if (this.message(thread, seq) !== undefined) {
      this.#sql.addReaction.run(id, emoji, user, this.head(threadScope(thread)));
    }
  }
  putFile(thread: number, file: SharedFile): void {
    this.#files.put(this.#record(thread), file);
  }
  dropFile(thread: number, file: SharedFile): void {
    this.#files.drop(this.#record(thread).base, file);
  }
  setMark(user: string, thread: number, upto: number): void {
    this.#sql.setMark.run(thread, user, upto);
  }
  setMentions(thread: number, seq: number, users: readonly string[]): void {
    const id = this.#record(thread).base + seq;
    this.#sql.dropMentions.run(id);
    if (users.length === 0 || this.message(thread, seq) === undefined) return;
    for (const user of users) this.#sql.addMention.run(user, id);
  }
  advance(scope: string, seq: number, at: number): void {
    this.#open(scope).head = seq;
    this.#records.reach(at);
  }

  idOf(event: ForumEvent): number {
    return this.#open(event.scope).base + event.seq;
  }
  *entries(scope: string, after: number, count: number): Iterable<{ seq: number; json: string }> {
    const base = this.#scope(scope)?.base;
    if (base === undefined) return;
    const end = base + SPAN;
    this.#inserts.flush();
    for (const row of this.#sql.entries.iterate(Math.min(base + after, end), end, count)) {
      yield { seq: row.id as number - base, json: row.json as string };
    }
  }
  forget(): void {
    this.#scopes.clear();
  }

  #record(thread: number): ThreadRecord {
    const record = this.#records.thread(thread);
    if (record === undefined) throw new RangeError(`thread ${thread} is not open`);
    return record;
  }

  #scope(name: string): Scope | undefined {
    const known = this.#scopes.get(name);
    if (known !== undefined) return known;
    const row = this.#sql.scope.get(name);
    if (row === undefined) return undefined;
    const base = row.number as number * SPAN;
    const last = this.#sql.last.get(base, base + SPAN)?.id as number | null;
    const scope = { base, head: (last ?? base) - base };
    this.#scopes.set(name, scope);
    return scope;
  }

  /** The scope, new if it was not there. */
  #open(name: string): Scope {
    const known = this.#scope(name);
    if (known !== undefined) return known;
    const number = Number(this.#sql.addScope.run(name).lastInsertRowid);
    if (number > SCOPES_MAX) {
      throw new LogFull(`The log holds at most ${SCOPES_MAX} threads and users.`);
    }
    const scope = { base: number * SPAN, head: 0 };
    this.#scopes.set(name, scope);
    return scope;
  }
}

/** A row of the table as a message. */
export function readMessage(row: Record<string, unknown>): Message {
  const seq = row.id as number % SPAN;
  const textId = row.text_id as number | null;
  const editedAt = row.edited_at as number | null;
  const reply = row.reply as number | null;
  return {
    seq,
    ordinal: row.ordinal as number,
    author: row.author as string,
    at: row.at as number,
    textSeq: textId === null ? seq : textId % SPAN,
    ...editedAt !== null && { editedAt },
    ...reply !== null && { reply },
  };
}

function prepare(db: DatabaseSync) {
  return {
    scope: db.prepare("SELECT number FROM scopes WHERE name = ?"),
    addScope: db.prepare("INSERT INTO scopes (name) VALUES (?)"),
    last: db.prepare("SELECT max(id) AS id FROM events WHERE id > ? AND id < ?"),
    entries: db.prepare("SELECT id, json FROM events WHERE id > ? AND id < ? ORDER BY id LIMIT ?"),
    erase: db.prepare(`UPDATE events SET json = ${BLANKED} WHERE id = ?`),
    credential: db.prepare("SELECT * FROM credentials WHERE folded = ?"),
    putCredential: db.prepare("INSERT OR REPLACE INTO credentials VALUES (?, ?, ?, ?, ?)"),
    message: db.prepare("SELECT * FROM messages WHERE id = ?"),
    editMessage: db.prepare("UPDATE messages SET text_id = ?, edited_at = ? WHERE id = ?"),
    dropMessage: db.prepare("DELETE FROM messages WHERE id = ?"),
    addStart: db.prepare("INSERT INTO starts VALUES (?, ?)"),
    reacted: db.prepare("SELECT 1 FROM reactions WHERE message = ? AND emoji = ? AND user = ?"),
    // From one emoji to the next: DISTINCT would look at every reaction.
    emojis: db.prepare(
      `WITH RECURSIVE one (emoji) AS (
         SELECT min(emoji) FROM reactions WHERE message = ?1
         UNION ALL
         SELECT (SELECT min(emoji) FROM reactions WHERE message = ?1 AND emoji > one.emoji)
           FROM one WHERE emoji IS NOT NULL
       ) SELECT emoji FROM one WHERE emoji IS NOT NULL`,
    ),
    addReaction: db.prepare("INSERT OR IGNORE INTO reactions VALUES (?, ?, ?, ?)"),
    dropReaction: db.prepare(
      "DELETE FROM reactions WHERE message = ? AND emoji = ? AND user = ?",
    ),
    dropReactions: db.prepare("DELETE FROM reactions WHERE message = ?"),
    mark: db.prepare("SELECT upto FROM marks WHERE thread = ? AND user = ?"),
    setMark: db.prepare("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)"),
    addMention: db.prepare("INSERT OR IGNORE INTO mentions VALUES (?, ?)"),
    dropMentions: db.prepare("DELETE FROM mentions WHERE message = ?"),
    sweep: db.prepare("INSERT INTO sweeps VALUES (?, ?, ?)"),
  };
}

/** An entry's JSON without what was said in it. */
export const BLANKED =
  `json_set(json_remove(json, '$.mentions'), '$.text', '', '$.erased', json('true'))`;
