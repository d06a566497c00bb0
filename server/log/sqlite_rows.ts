/**
 * Messages and threads as replies show them (protocol/forum/reply.ts): names instead of folded names,
 * numbers, reactions, counts. A reply must fit one frame, so rows are counted in bytes as they are made.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { PAGE_MAX } from "../../protocol/forum/command.ts";
import { threadScope } from "../../protocol/forum/event.ts";
import type { MessageRow, ThreadRow } from "../../protocol/forum/reply.ts";
import type { View } from "../../protocol/forum/state.ts";
import { utf8Length } from "../../protocol/text.ts";
import type { Records, ThreadRecord } from "./sqlite_records.ts";
import { SPAN } from "./sqlite_schema.ts";

/** The most bytes of JSON that the messages of one reply take, except that one always comes. */
export const REPLY_BYTES = 128 * 1024;
/** The most bytes of names that the reactions of one message take. */
const REACTION_BYTES = 32 * 1024;
/** Unread messages are counted so far. */
const COUNT_MAX = 1000;
/** And among so many of the newest, so that a thread full of one's own costs no more. */
const COUNT_AMONG = 1000;

/** How many rows a question gets that says nothing. */
const LIMIT = 50;

/** The rows that a question may have. */
export function rowLimit(limit: number | undefined): number {
  return Math.min(limit ?? LIMIT, PAGE_MAX);
}

/** The columns of which rows are made; what follows says which messages and in which order. */
export const MESSAGE_ROWS = `
  SELECT m.id, m.ordinal, m.author, m.at, m.edited_at, m.reply, e.json ->> '$.text' AS text,
         EXISTS (SELECT 1 FROM reactions r WHERE r.message = m.id) AS reacted
    FROM messages m JOIN events e ON e.id = coalesce(m.text_id, m.id)`;

/** Makes rows. */
export interface Rows {
  thread(user: string, record: ThreadRecord): ThreadRow;
  /** A row of {@linkcode MESSAGE_ROWS} as people see it. */
  message(row: Record<string, unknown>, number: number): MessageRow;
}

/** Prepares the questions behind the rows. */
export function createRows(db: DatabaseSync, records: Records, view: View): Rows {
  return new ShownRows(db, records, view);
}

class ShownRows implements Rows {
  #records: Records;
  #view: View;
  #unread;
  #mentions;
  #reactions;

  constructor(db: DatabaseSync, records: Records, view: View) {
    this.#records = records;
    this.#view = view;
    this.#unread = db.prepare(
      `SELECT count(*) AS count FROM (
         SELECT 1 FROM (
           SELECT author FROM messages WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ${COUNT_AMONG}
         ) WHERE author <> ? LIMIT ${COUNT_MAX})`,
    );
    this.#mentions = db.prepare(
      `SELECT count(*) AS count FROM (
         SELECT message FROM mentions WHERE user = ?1 AND message > ?2 AND message < ?3
          LIMIT ${COUNT_MAX}
       ) JOIN messages ON id = message WHERE author <> ?1`,
    );
    this.#reactions = db.prepare(
      "SELECT emoji, user, place FROM reactions WHERE message = ? ORDER BY emoji, user",
    );
  }

  thread(user: string, record: ThreadRecord): ThreadRow {
    const { thread, base, posted } = record;
    const read = this.#view.mark(user, thread.number);
    const counted = posted > read;
    const above = base + read;
    const end = base + SPAN;
    return {
      thread: thread.number,
      title: thread.title,
      owner: this.#name(thread.owner),
      private: thread.private,
      direct: thread.direct,
      ...thread.private && { members: thread.members.map((name) => this.#name(name)) },
      at: thread.at,
      lastAt: thread.lastAt,
      messages: thread.living,
      head: this.#view.head(threadScope(thread.number)),
      read,
      unread: counted ? this.#unread.get(above, end, user)?.count as number : 0,
      mentions: counted ? this.#mentions.get(user, above, end)?.count as number : 0,
    };
  }

  message(row: Record<string, unknown>, number: number): MessageRow {
    const id = row.id as number;
    const editedAt = row.edited_at as number | null;
    const reply = row.reply as number | null;
    return {
      seq: id % SPAN,
      number,
      by: this.#name(row.author as string),
      at: row.at as number,
      text: row.text as string,
      ...editedAt !== null && { editedAt },
      ...reply !== null && { reply },
      ...row.reacted === 1 && { reactions: this.#reactionsOf(id) },
    };
  }

  #name(folded: string): string {
    return this.#records.user(folded)?.name ?? folded;
  }

  /** Emoji and users in the order in which they came. */
  #reactionsOf(id: number): { emoji: string; users: string[] }[] {
    const users = new Map<string, { name: string; place: number }[]>();
    let bytes = 0;
    for (const row of this.#reactions.iterate(id)) {
      const emoji = row.emoji as string;
      const name = this.#name(row.user as string);
      bytes += utf8Length(name) + 3;
      if (bytes > REACTION_BYTES) break;
      const those = users.get(emoji) ?? [];
      those.push({ name, place: row.place as number });
      users.set(emoji, those);
    }
    return [...users]
      .map(([emoji, those]) => ({ emoji, those: those.sort((a, b) => a.place - b.place) }))
      .sort((a, b) => a.those[0].place - b.those[0].place)
      .map(({ emoji, those }) => ({ emoji, users: those.map(({ name }) => name) }));
  }
}

/** The bytes that a row takes in a reply. */
export function rowBytes(row: MessageRow): number {
  return utf8Length(JSON.stringify(row)) + 1;
}
