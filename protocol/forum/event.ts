/**
 * Events: everything that lasts (DESIGN §6, docs/PROTOCOL.md "Events").
 *
 * An event stands in a scope under a sequence number; the numbers of a scope are 1, 2, 3… without a
 * gap. The fields here are exactly what travels in the payload of an EVENT frame and what the log
 * stores. `by` is the user who did it, or `""` for the server itself.
 *
 * | scope | holds | who may follow it |
 * |---|---|---|
 * | `directory` | public threads come and go | all |
 * | `accounts` | users, roles, bans | all |
 * | `thread/<number>` | messages, edits, deletions, reactions, members | all, or its members if private |
 * | `user/<name>` | read marks, private threads (the name folded) | that user |
 * | `secrets` | password verifiers | nobody: it stays on the server |
 *
 * @module
 */

import {
  flag,
  integer,
  list,
  oneOf,
  optional,
  record,
  type RecordSchema,
  type Schema,
  tagged,
  text,
} from "../schema.ts";

/** What a user may do (see policy.ts). */
export type Role = "member" | "moderator" | "admin";

/** All roles, least first. */
export const ROLES: readonly Role[] = ["member", "moderator", "admin"];

/** Fields of every event. */
export interface EventBase {
  /** `directory`, `accounts`, `secrets`, `thread/<number>` or `user/<folded name>`. */
  readonly scope: string;
  /** Place in the scope, from 1, without gaps. */
  readonly seq: number;
  /** When, in milliseconds since 1970 UTC; never less than in the entry before. */
  readonly at: number;
  /** Who did it; `""` is the server. */
  readonly by: string;
}

/** First in every thread's scope. */
export interface ThreadOpened extends EventBase {
  readonly kind: "thread.opened";
  readonly thread: number;
  readonly title: string;
  readonly private: boolean;
  /** Those who may see a private thread, the owner among them; empty for a public one. */
  readonly members: string[];
  /** Whether this is the conversation of two that PRV opens. */
  readonly direct: boolean;
}

/** In `directory`: a public thread has come. */
export interface ThreadCreated extends EventBase {
  readonly kind: "thread.created";
  readonly thread: number;
  readonly title: string;
}

/** In the thread's own scope as its last entry, and in `directory` if it was public. */
export interface ThreadRemoved extends EventBase {
  readonly kind: "thread.removed";
  readonly thread: number;
  readonly title: string;
  /** Why a moderator did it. */
  readonly why?: string;
}

/** A message; its `seq` is its identity for ever. */
export interface MessagePosted extends EventBase {
  readonly kind: "message.posted";
  readonly text: string;
  /** Its place among the thread's living messages when it was posted. */
  readonly number: number;
  /** The message that it answers. */
  readonly reply?: number;
  /** Whom the text names with `@`, folded. */
  readonly mentions?: string[];
  /** The text was edited or deleted since, and is gone from the log. */
  readonly erased?: boolean;
}

/** The text of a message was replaced by its author. */
export interface MessageEdited extends EventBase {
  readonly kind: "message.edited";
  readonly message: number;
  readonly text: string;
  readonly mentions?: string[];
  readonly erased?: boolean;
}

/** A message was deleted by its author or a moderator. */
export interface MessageDeleted extends EventBase {
  readonly kind: "message.deleted";
  readonly message: number;
  readonly why?: string;
}

/** A reaction was put on a message or taken off. */
export interface ReactionChanged extends EventBase {
  readonly kind: "reaction.changed";
  readonly message: number;
  readonly emoji: string;
  readonly on: boolean;
}

/** Somebody was let into a private thread. */
export interface MemberJoined extends EventBase {
  readonly kind: "member.joined";
  readonly user: string;
}

/** Somebody left a private thread or was put out of it. */
export interface MemberLeft extends EventBase {
  readonly kind: "member.left";
  readonly user: string;
  readonly why?: string;
}

/** In `accounts`: a new account. */
export interface UserRegistered extends EventBase {
  readonly kind: "user.registered";
  readonly user: string;
}

/** In `accounts`: a role was given. */
export interface UserRole extends EventBase {
  readonly kind: "user.role";
  readonly user: string;
  readonly role: Role;
  readonly why?: string;
}

/** In `accounts`: a ban was set or lifted. */
export interface UserBanned extends EventBase {
  readonly kind: "user.banned";
  readonly user: string;
  readonly on: boolean;
  readonly why?: string;
}

/** In `user/<name>`: a private thread can be seen from now on. */
export interface ThreadEntered extends EventBase {
  readonly kind: "thread.entered";
  readonly thread: number;
  readonly title: string;
}

/** In `user/<name>`: a private thread can no longer be seen. */
export interface ThreadLeft extends EventBase {
  readonly kind: "thread.left";
  readonly thread: number;
}

/** In `user/<name>`: everything up to `upto` has been read. */
export interface ThreadRead extends EventBase {
  readonly kind: "thread.read";
  readonly thread: number;
  readonly upto: number;
}

/** In `secrets`: how a password is checked. Bytes are base64. */
export interface CredentialSet extends EventBase {
  readonly kind: "credential.set";
  readonly user: string;
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** Any event. */
export type ForumEvent =
  | ThreadOpened
  | ThreadCreated
  | ThreadRemoved
  | MessagePosted
  | MessageEdited
  | MessageDeleted
  | ReactionChanged
  | MemberJoined
  | MemberLeft
  | UserRegistered
  | UserRole
  | UserBanned
  | ThreadEntered
  | ThreadLeft
  | ThreadRead
  | CredentialSet;

/** The kinds of event. */
export type EventKind = ForumEvent["kind"];

/** The largest sequence number of a scope, and the largest thread number. */
export const SEQ_MAX = 0xffff_ffff;
/** The longest folded name, in UTF-16 units: each of the 32 letters of a name folds to at most four. */
export const FOLDED_NAME_MAX = 128;
/** The longest scope, in UTF-16 units: that of a user. */
export const SCOPE_MAX = "user/".length + FOLDED_NAME_MAX;

const seq: Schema<number> = integer(1, SEQ_MAX);
const user: Schema<string> = text(64);
const title: Schema<string> = text(256);
const why: Schema<string> = text(600);
const body: Schema<string> = text(65_536);
const mentions: Schema<string[]> = list(text(FOLDED_NAME_MAX), 32);
/** The largest time that a JavaScript date can hold. */
const at: Schema<number> = integer(0, 8_640_000_000_000_000);
const base = { scope: text(SCOPE_MAX, 1), seq, at, by: user };
const encoded: Schema<string> = text(128);

/** What each kind must look like. */
const kinds: {
  readonly [K in EventKind]: RecordSchema<Omit<Extract<ForumEvent, { kind: K }>, "kind">>;
} = {
  "thread.opened": record({
    ...base,
    thread: seq,
    title,
    private: flag,
    members: list(user, 64),
    direct: flag,
  }),
  "thread.created": record({ ...base, thread: seq, title }),
  "thread.removed": record({ ...base, thread: seq, title, why: optional(why) }),
  "message.posted": record({
    ...base,
    text: body,
    number: seq,
    reply: optional(seq),
    mentions: optional(mentions),
    erased: optional(flag),
  }),
  "message.edited": record({
    ...base,
    message: seq,
    text: body,
    mentions: optional(mentions),
    erased: optional(flag),
  }),
  "message.deleted": record({ ...base, message: seq, why: optional(why) }),
  "reaction.changed": record({ ...base, message: seq, emoji: text(64), on: flag }),
  "member.joined": record({ ...base, user }),
  "member.left": record({ ...base, user, why: optional(why) }),
  "user.registered": record({ ...base, user }),
  "user.role": record({ ...base, user, role: oneOf(ROLES), why: optional(why) }),
  "user.banned": record({ ...base, user, on: flag, why: optional(why) }),
  "thread.entered": record({ ...base, thread: seq, title }),
  "thread.left": record({ ...base, thread: seq }),
  "thread.read": record({ ...base, thread: seq, upto: seq }),
  "credential.set": record({
    ...base,
    user,
    salt: encoded,
    iterations: integer(1, 10_000_000),
    storedKey: encoded,
    serverKey: encoded,
  }),
};

/** What the payload of an EVENT must look like. */
export const forumEvent: Schema<ForumEvent> = tagged<ForumEvent>("kind", kinds);

/** `thread/01` and `thread/1e0` are no other names of thread 1. */
const THREAD_SCOPE = /^thread\/([1-9][0-9]*)$/;

/** The scope of a thread. */
export function threadScope(thread: number): string {
  return `thread/${thread}`;
}

/** The scope of what concerns one user only; the name must be folded. */
export function userScope(folded: string): string {
  return `user/${folded}`;
}

/**
 * The thread whose scope this is, or 0: the number that an EVENT frame carries as its id.
 *
 * @example
 * ```ts
 * import { scopeThread } from "./event.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([scopeThread("thread/12"), scopeThread("directory")], [12, 0]);
 * ```
 */
export function scopeThread(scope: string): number {
  const thread = Number(THREAD_SCOPE.exec(scope)?.[1] ?? 0);
  return thread <= SEQ_MAX ? thread : 0;
}
