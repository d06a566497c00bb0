/**
 * Events: everything that lasts (DESIGN §6, docs/PROTOCOL.md "Events").
 *
 * An event stands in a scope under a sequence number; the numbers of a scope are 1, 2, 3… without a
 * gap. The fields here are exactly what travels in the payload of an EVENT frame and what the log
 * stores; event_schema.ts checks them. `by` is the user who did it, or `""` for the server itself.
 *
 * | scope | holds | who may follow it |
 * |---|---|---|
 * | `directory` | public threads come and go | all |
 * | `accounts` | users, roles, bans | all |
 * | `thread/<number>` | messages, edits, deletions, reactions, files, members | all, or its members if private |
 * | `user/<name>` | read marks, private threads (the name folded) | that user |
 * | `secrets` | password verifiers | nobody: it stays on the server |
 *
 * @module
 */

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
  /** `by` becomes the owner; a thread of the server (`""`), as the lobby, has none. */
  readonly kind: "thread.opened";
  /** Its number, the same as in the scope. */
  readonly thread: number;
  /** As it is shown, at most 120 code points. */
  readonly title: string;
  /** Whether only its members may see it. */
  readonly private: boolean;
  /** Those who may see a private thread, the owner among them; empty for a public one. */
  readonly members: string[];
  /** Whether this is the conversation of two that PRV opens. */
  readonly direct: boolean;
}

/** In `directory`: a public thread has come. */
export interface ThreadCreated extends EventBase {
  /** Told beside the `thread.opened` in the thread's own scope. */
  readonly kind: "thread.created";
  /** Its number; follow `thread/<number>` for what is said there. */
  readonly thread: number;
  /** As it is shown, at most 120 code points. */
  readonly title: string;
}

/** In the thread's own scope as its last entry, and in `directory` if it was public. */
export interface ThreadRemoved extends EventBase {
  /** `by` is its owner or a moderator. */
  readonly kind: "thread.removed";
  /** Its number, which no other thread gets. */
  readonly thread: number;
  /** What it was called; another thread may take the title. */
  readonly title: string;
  /** Why a moderator did it. */
  readonly why?: string;
}

/** A message; its `seq` is its identity for ever. */
export interface MessagePosted extends EventBase {
  /** `by` is the author. */
  readonly kind: "message.posted";
  /** At most 64 KiB of UTF-8; `""` once it is erased. */
  readonly text: string;
  /** Its place among the thread's living messages when it was posted. */
  readonly number: number;
  /** The `seq` of the message that it answers. */
  readonly reply?: number;
  /** Whom the text names with `@`, folded: at most 32, all of them accounts. */
  readonly mentions?: string[];
  /** The text was edited or deleted since, and is gone from the log. */
  readonly erased?: boolean;
}

/** The text of a message was replaced by its author. */
export interface MessageEdited extends EventBase {
  /** `by` is the author: nobody else edits. */
  readonly kind: "message.edited";
  /** The `seq` of the message's posting. */
  readonly message: number;
  /** The new text, at most 64 KiB of UTF-8; `""` once it is erased. */
  readonly text: string;
  /** Whom the new text names; it replaces the mentions before. */
  readonly mentions?: string[];
  /** The text was edited again or deleted since, and is gone from the log. */
  readonly erased?: boolean;
}

/** A message was deleted by its author or a moderator. */
export interface MessageDeleted extends EventBase {
  /** The numbers of the messages after it close up; its `seq` is not used again. */
  readonly kind: "message.deleted";
  /** The `seq` of the message's posting. */
  readonly message: number;
  /** The reason that was given, at most 300 code points. */
  readonly why?: string;
}

/** A reaction was put on a message or taken off. */
export interface ReactionChanged extends EventBase {
  /** `by` is who reacted. */
  readonly kind: "reaction.changed";
  /** The `seq` of the message's posting. */
  readonly message: number;
  /** One emoji or character, or a name between colons. */
  readonly emoji: string;
  /** True where it was put there, false where it was taken off. */
  readonly on: boolean;
}

/** A file was shared; its `seq` is its identity for ever. */
export interface FileShared extends EventBase {
  /** `by` is who shared it. A file takes no message number. */
  readonly kind: "file.shared";
  /** What it is called, at most 255 code points: a label, never a path. */
  readonly name: string;
  /** How many bytes it has. */
  readonly size: number;
  /** Its media type, as who shared it has said. */
  readonly type: string;
  /** SHA-256 of all its bytes, in lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** A file was taken out of the thread. */
export interface FileRemoved extends EventBase {
  /** `by` is who shared it, the thread's owner or a moderator. */
  readonly kind: "file.removed";
  /** The `seq` of its sharing. */
  readonly file: number;
  /** What it was called; another file may take the name. */
  readonly name: string;
  /** The reason that was given, at most 300 code points. */
  readonly why?: string;
}

/** Somebody was let into a private thread. */
export interface MemberJoined extends EventBase {
  /** `by` is the member who invited. */
  readonly kind: "member.joined";
  /** The name of the new member. */
  readonly user: string;
}

/** Somebody left a private thread or was put out of it. */
export interface MemberLeft extends EventBase {
  /** `by` is the user who left, or who put them out. */
  readonly kind: "member.left";
  /** The name of the member who is one no longer. */
  readonly user: string;
  /** The reason that was given, at most 300 code points. */
  readonly why?: string;
}

/** In `accounts`: a new account. */
export interface UserRegistered extends EventBase {
  /** `by` is the new user too. */
  readonly kind: "user.registered";
  /** The name as the user wrote it; its folded form is unique. */
  readonly user: string;
}

/** In `accounts`: a role was given. */
export interface UserRole extends EventBase {
  /** `by` is the admin, or whoever proved the admin password. */
  readonly kind: "user.role";
  /** Whose role it is. */
  readonly user: string;
  /** The role from now on. */
  readonly role: Role;
  /** The reason that was given, at most 300 code points. */
  readonly why?: string;
}

/** In `accounts`: a ban was set or lifted. */
export interface UserBanned extends EventBase {
  /** `by` is the moderator or the admin. */
  readonly kind: "user.banned";
  /** Who is banned or no longer so. */
  readonly user: string;
  /** True for a ban, false where it was lifted. */
  readonly on: boolean;
  /** The reason that was given, at most 300 code points. */
  readonly why?: string;
}

/** In `user/<name>`: a private thread can be seen from now on. */
export interface ThreadEntered extends EventBase {
  /** `by` is who opened the thread or invited. */
  readonly kind: "thread.entered";
  /** Its number; `thread/<number>` can be followed from now on. */
  readonly thread: number;
  /** As it is shown; for a conversation of two, both names. */
  readonly title: string;
}

/** In `user/<name>`: a private thread can no longer be seen. */
export interface ThreadLeft extends EventBase {
  /** The user left, was put out, or the thread was removed. */
  readonly kind: "thread.left";
  /** Its number; its scope can no longer be followed. */
  readonly thread: number;
}

/** In `user/<name>`: everything up to `upto` has been read. */
export interface ThreadRead extends EventBase {
  /** Tells the user's other devices. */
  readonly kind: "thread.read";
  /** The thread's number. */
  readonly thread: number;
  /** A `seq` of the thread's scope, higher than the mark before. */
  readonly upto: number;
}

/** In `secrets`: how a password is checked. Bytes are base64. */
export interface CredentialSet extends EventBase {
  /** Follows a registration or a new password. */
  readonly kind: "credential.set";
  /** Whose password it is. */
  readonly user: string;
  /** 16 random bytes, in base64. */
  readonly salt: string;
  /** The rounds of PBKDF2. */
  readonly iterations: number;
  /** SCRAM's StoredKey, 32 bytes in base64. */
  readonly storedKey: string;
  /** SCRAM's ServerKey, 32 bytes in base64. */
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
  | FileShared
  | FileRemoved
  | MemberJoined
  | MemberLeft
  | UserRegistered
  | UserRole
  | UserBanned
  | ThreadEntered
  | ThreadLeft
  | ThreadRead
  | CredentialSet;

/**
 * An event of a kind that a later edition has brought. It counts in its scope; what it changed is not
 * known here.
 */
export interface UnknownEvent extends EventBase {
  /** Stands for whatever kind it was. */
  readonly kind: "unknown";
}

/** The kinds of event. */
export type EventKind = ForumEvent["kind"];

/** The largest sequence number of a scope, and the largest thread number. */
export const SEQ_MAX = 0xffff_ffff;
/** The largest time that a JavaScript date can hold, in ms since 1970 UTC. */
export const TIME_MAX = 8_640_000_000_000_000;
/** The largest file, in bytes. */
export const FILE_SIZE_MAX: number = 2 ** 50;
/** The longest folded name, in UTF-16 units: each of the 32 letters of a name folds to at most four. */
export const FOLDED_NAME_MAX = 128;
/** The longest scope, in UTF-16 units: that of a user. */
export const SCOPE_MAX: number = "user/".length + FOLDED_NAME_MAX;

/** `thread/01` and `thread/1e0` are no other names of thread 1. */
const THREAD_SCOPE = /^thread\/([1-9][0-9]*)$/;

/**
 * The scope of a thread, `thread/<number>`.
 *
 * @example
 * ```ts
 * import { threadScope, userScope } from "./event.ts";
 * import { fold } from "../text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([threadScope(12), userScope(fold("Yoda"))], ["thread/12", "user/yoda"]);
 * ```
 */
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
