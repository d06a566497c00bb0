/**
 * Replies: what DONE carries for each command (docs/PROTOCOL.md, "Commands").
 *
 * @module
 */

import type { Op, Question } from "./command.ts";
import type { Role } from "./event.ts";

/** A thread as the lists show it. */
export interface ThreadRow {
  readonly thread: number;
  readonly title: string;
  /** The owner's name; `""` for the server's own. */
  readonly owner: string;
  readonly private: boolean;
  readonly direct: boolean;
  /** The members' names, of a private thread. */
  readonly members?: string[];
  /** When it was opened. */
  readonly at: number;
  /** When the newest message came. */
  readonly lastAt: number;
  /** How many living messages. */
  readonly messages: number;
  /** The last sequence number of its scope. */
  readonly head: number;
  /** Up to where the asking user has read. */
  readonly read: number;
  /** Living messages of others after that, counted to at most 1,000. */
  readonly unread: number;
  /** How many of them name the asking user, counted to at most 1,000. */
  readonly mentions: number;
}

/** A living message as a page shows it. */
export interface MessageRow {
  /** Its identity. */
  readonly seq: number;
  /** Its place among the living messages of its thread, from 1. */
  readonly number: number;
  /** The author's name. */
  readonly by: string;
  readonly at: number;
  readonly text: string;
  readonly editedAt?: number;
  /** The `seq` of the message that it answers. */
  readonly reply?: number;
  readonly reactions?: { emoji: string; users: string[] }[];
}

/** A message outside its thread: found, or listed by time. */
export interface FoundRow extends MessageRow {
  readonly thread: number;
  readonly title: string;
}

/** Somebody who is on. */
export interface UserRow {
  readonly user: string;
  readonly role: Role;
  /** Since when. */
  readonly since: number;
  /** On how many connections. */
  readonly sessions: number;
}

/** What a page of a thread holds. */
export interface Page {
  readonly thread: ThreadRow;
  /** Oldest first. */
  readonly messages: MessageRow[];
  /** Whether there is more in the direction that was asked for. */
  readonly more: boolean;
}

interface Empty {
  readonly [name: string]: never;
}

interface AnswersToChanges {
  create: { thread: number };
  remove: Empty;
  post: { seq: number; number: number; at: number };
  edit: { seq: number; at: number };
  delete: { seq: number };
  react: Empty;
  tell: { thread: number; seq: number; number: number; at: number };
  invite: Empty;
  expel: Empty;
  mark: { upto: number };
  role: Empty;
  ban: Empty;
  credential: Empty;
}

interface AnswersToQuestions {
  threads: { threads: ThreadRow[]; more: boolean };
  find: { thread: ThreadRow };
  read: Page;
  since: { messages: FoundRow[]; more: boolean };
  search: { threads: ThreadRow[]; messages: FoundRow[]; more: boolean };
  users: { users: UserRow[]; more: boolean };
  follow: { head: number };
  unfollow: Empty;
  watch: { users: UserRow[]; more: boolean };
  typing: Empty;
  logout: Empty;
  prove: { scram: string };
  admin: { scram: string };
}

/** The reply to each command. */
export type Replies = AnswersToChanges & { [K in Question["op"]]: AnswersToQuestions[K] };

/** The reply to one command. */
export type Reply<O extends Op> = Replies[O];
