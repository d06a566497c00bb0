/**
 * The list of threads: its rows as the server gave them, kept up with what happens since.
 *
 * @module
 */

import { type ForumEvent, scopeThread } from "../../../protocol/forum/event.ts";
import type { ThreadRow } from "../../../protocol/forum/reply.ts";
import { fold } from "../../../protocol/text.ts";

/** The rows by thread number. */
export type ThreadRows = ReadonlyMap<number, ThreadRow>;

/** Rows put in; those that were there are replaced. */
export function withRows(rows: ThreadRows, more: readonly ThreadRow[]): ThreadRows {
  const next = new Map(rows);
  for (const row of more) next.set(row.thread, row);
  return next;
}

/** Rows without one. */
export function withoutRow(rows: ThreadRows, thread: number): ThreadRows {
  if (!rows.has(thread)) return rows;
  const next = new Map(rows);
  next.delete(thread);
  return next;
}

/** A row with some fields changed, if it is there. */
export function withChange(
  rows: ThreadRows,
  thread: number,
  change: (row: ThreadRow) => Partial<ThreadRow>,
): ThreadRows {
  const row = rows.get(thread);
  return row === undefined ? rows : new Map(rows).set(thread, { ...row, ...change(row) });
}

/** A thread that has just been made: whatever was said in it comes as events. */
export function newRow(
  { thread, title, by, at }: { thread: number; title: string; by: string; at: number },
): ThreadRow {
  return {
    thread,
    title,
    owner: by,
    private: false,
    direct: false,
    at,
    lastAt: at,
    messages: 0,
    head: 0,
    read: 0,
    unread: 0,
    mentions: 0,
  };
}

/** What taking in an event needs to know. */
export interface Reader {
  /** Who reads. */
  readonly me: string;
  /** Whether the thread's end is being looked at now. */
  readonly looking: boolean;
}

/** Takes in an event; `stale` names a thread whose row only the server knows now. */
export function withThreadEvent(
  rows: ThreadRows,
  event: ForumEvent,
  { me, looking }: Reader,
): { readonly rows: ThreadRows; readonly stale?: number } {
  const thread = scopeThread(event.scope);
  switch (event.kind) {
    case "message.posted":
      return {
        rows: withChange(rows, thread, (row) => {
          const fresh = event.seq > row.read && event.by !== me && event.seq > row.head;
          const named = event.mentions?.includes(fold(me)) ?? false;
          return {
            ...withHead(row, event),
            lastAt: event.at,
            messages: row.messages + (event.seq > row.head ? 1 : 0),
            unread: row.unread + (fresh && !looking ? 1 : 0),
            mentions: row.mentions + (fresh && !looking && named ? 1 : 0),
          };
        }),
      };
    case "message.deleted": {
      const row = rows.get(thread);
      // Whether it counted, and whether it named somebody, is not known here.
      const counted = row !== undefined && row.unread > 0 && event.message > row.read;
      return {
        rows: withChange(rows, thread, (row) => ({
          ...withHead(row, event),
          messages: Math.max(0, row.messages - (event.seq > row.head ? 1 : 0)),
        })),
        ...counted && { stale: thread },
      };
    }
    case "thread.read": {
      const row = rows.get(event.thread);
      if (row === undefined || event.upto <= row.read) return { rows };
      const all = event.upto >= row.head;
      return {
        rows: withChange(rows, event.thread, () => ({
          read: event.upto,
          ...all && { unread: 0, mentions: 0 },
        })),
        ...!all && { stale: event.thread },
      };
    }
    case "thread.created":
      return rows.has(event.thread) ? { rows } : { rows: withRows(rows, [newRow(event)]) };
    case "thread.entered":
      return { rows, stale: event.thread };
    case "thread.removed":
    case "thread.left":
      return { rows: withoutRow(rows, event.thread) };
    case "member.joined":
      return {
        rows: withChange(rows, thread, (row) => ({
          ...withHead(row, event),
          members: [...(row.members ?? []).filter((name) => name !== event.user), event.user],
        })),
      };
    case "member.left":
      return {
        rows: withChange(rows, thread, (row) => ({
          ...withHead(row, event),
          members: (row.members ?? []).filter((name) => name !== event.user),
        })),
      };
    default:
      return { rows: thread > 0 ? withChange(rows, thread, (row) => withHead(row, event)) : rows };
  }
}

function withHead(row: ThreadRow, { seq }: ForumEvent): { head: number } {
  return { head: Math.max(row.head, seq) };
}

/** What a thread is called to this reader: a conversation by who is at its other end. */
export function titleOf({ direct, members = [], title }: ThreadRow, me: string): string {
  if (!direct) return title;
  return members.find((name) => fold(name) !== fold(me)) ?? title;
}

/** The conversation with somebody, if there is one. */
export function conversationWith(
  rows: ThreadRows,
  user: string,
  me: string,
): ThreadRow | undefined {
  const wanted = fold(user);
  for (const row of rows.values()) {
    if (row.direct && fold(titleOf(row, me)) === wanted) return row;
  }
  return undefined;
}

/** Threads and conversations apart, each the most recently active first. */
export function sorted(
  rows: ThreadRows,
): { readonly threads: ThreadRow[]; readonly conversations: ThreadRow[] } {
  const all = [...rows.values()].sort((one, other) =>
    other.lastAt - one.lastAt || one.thread - other.thread
  );
  return {
    threads: all.filter(({ direct }) => !direct),
    conversations: all.filter(({ direct }) => direct),
  };
}

/** What is unread in all of them. */
export function totals(rows: ThreadRows): { unread: number; mentions: number } {
  let [unread, mentions] = [0, 0];
  for (const row of rows.values()) {
    unread += row.unread;
    mentions += row.direct ? row.unread : row.mentions;
  }
  return { unread, mentions };
}
