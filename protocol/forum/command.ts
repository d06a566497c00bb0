/**
 * Commands: what a signed-in client may ask for (docs/PROTOCOL.md, "Commands").
 *
 * A command is the payload of a COMMAND frame: `op`, the fields of that op, and for everything that
 * changes something a `key` of the client's choosing. The server keeps key and reply in the same
 * transaction as the change, so a command sent again with its key is never done twice (DESIGN §6).
 * Here are the shapes; what a command does is in decide.ts (changes) and in the server (questions).
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
import { type Role, ROLES, SCOPE_MAX, SEQ_MAX } from "./event.ts";

/** Opens a thread; a private one is for its members only. */
export interface Create {
  readonly op: "create";
  readonly title: string;
  readonly private?: boolean;
  /** Whom to let into a private thread, beside its owner. */
  readonly members?: string[];
}

/** Removes a thread with all that it holds. */
export interface Remove {
  readonly op: "remove";
  readonly thread: number;
  readonly why?: string;
}

/** Posts a message. */
export interface Post {
  readonly op: "post";
  readonly thread: number;
  readonly text: string;
  /** The `seq` of the message that it answers. */
  readonly reply?: number;
}

/** Replaces the text of one's own message. */
export interface Edit {
  readonly op: "edit";
  readonly thread: number;
  /** The `seq` of its posting. */
  readonly message: number;
  readonly text: string;
}

/** Deletes one's own message; a moderator may delete any. */
export interface Delete {
  readonly op: "delete";
  readonly thread: number;
  readonly message: number;
  readonly why?: string;
}

/** Puts a reaction on a message or takes it off. */
export interface React {
  readonly op: "react";
  readonly thread: number;
  readonly message: number;
  readonly emoji: string;
  readonly on: boolean;
}

/** Posts to the conversation with one other user, opening it if need be. */
export interface Tell {
  readonly op: "tell";
  readonly user: string;
  readonly text: string;
}

/** Lets a user into a private thread. */
export interface Invite {
  readonly op: "invite";
  readonly thread: number;
  readonly user: string;
}

/** Leaves a private thread, or (its owner, a moderator) puts somebody out of it. */
export interface Expel {
  readonly op: "expel";
  readonly thread: number;
  readonly user: string;
  readonly why?: string;
}

/** Says that everything up to a message has been read. */
export interface Mark {
  readonly op: "mark";
  readonly thread: number;
  readonly upto: number;
}

/** Gives a role (admins only). */
export interface SetRole {
  readonly op: "role";
  readonly user: string;
  readonly role: Role;
  readonly why?: string;
}

/** Bans a user or lifts the ban (moderators and admins). */
export interface Ban {
  readonly op: "ban";
  readonly user: string;
  readonly on: boolean;
  readonly why?: string;
}

/** Changes one's own password: the new verifier, bytes in base64. */
export interface SetCredential {
  readonly op: "credential";
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** A command that changes the forum. */
export type Change =
  | Create
  | Remove
  | Post
  | Edit
  | Delete
  | React
  | Tell
  | Invite
  | Expel
  | Mark
  | SetRole
  | Ban
  | SetCredential;

/** Lists threads that one may see, most recently active first. */
export interface Threads {
  readonly op: "threads";
  /** Skip so many. */
  readonly skip?: number;
  readonly limit?: number;
}

/** Finds a thread by its title. */
export interface Find {
  readonly op: "find";
  readonly title: string;
}

/** Reads a page of a thread's living messages; without a place, its end. */
export interface Read {
  readonly op: "read";
  readonly thread: number;
  /** Messages posted after this `seq`, oldest first. */
  readonly after?: number;
  /** The last messages posted before this `seq`. */
  readonly before?: number;
  /** Messages from this number on. */
  readonly number?: number;
  readonly limit?: number;
}

/** Messages posted or changed later than a moment, oldest first. */
export interface Since {
  readonly op: "since";
  readonly at: number;
  readonly thread?: number;
  readonly limit?: number;
}

/** Searches titles and texts. */
export interface Search {
  readonly op: "search";
  readonly words: string;
  readonly thread?: number;
  readonly limit?: number;
}

/** Who is on. */
export interface Users {
  readonly op: "users";
}

/** Follows a scope: every event after `after`, then live. */
export interface Follow {
  readonly op: "follow";
  readonly scope: string;
  /** The last `seq` that one has; 0 for the beginning. Without it: only what comes from now on. */
  readonly after?: number;
}

/** Follows a scope no longer. */
export interface Unfollow {
  readonly op: "unfollow";
  readonly scope: string;
}

/** Asks for presence and typing notices, or for no more of them. */
export interface Watch {
  readonly op: "watch";
  readonly on: boolean;
}

/** Tells the others that one is typing. */
export interface Typing {
  readonly op: "typing";
  readonly thread: number;
}

/** Ends this session's token, or every session's of this account. */
export interface Logout {
  readonly op: "logout";
  readonly everywhere?: boolean;
}

/** First step of proving the admin password: SCRAM's client-first message. */
export interface Prove {
  readonly op: "prove";
  readonly scram: string;
}

/** Second step: the proof, and what it is for: shutting down, or taking the admin's role. */
export interface Admin {
  readonly op: "admin";
  readonly scram: string;
  readonly action: "shutdown" | "promote";
}

/** A command that changes nothing that lasts. */
export type Question =
  | Threads
  | Find
  | Read
  | Since
  | Search
  | Users
  | Follow
  | Unfollow
  | Watch
  | Typing
  | Logout
  | Prove
  | Admin;

/** What may stand beside the op of every command. */
export interface Keyed {
  /** Chosen by the client, unique among its account's commands; needed for every {@linkcode Change}. */
  readonly key?: string;
}

/** Any command. */
export type Command = (Change | Question) & Keyed;

/** The names of the commands. */
export type Op = Command["op"];

/** The most rows that a question's `limit` may ask for. */
export const PAGE_MAX = 500;

const key = optional(text(64, 1));
const seq: Schema<number> = integer(1, SEQ_MAX);
const place: Schema<number> = integer(0, SEQ_MAX);
const limit = optional(integer(1, PAGE_MAX));
const name: Schema<string> = text(64, 1);
// Longer than what is allowed, so that decide can say what is wrong in its own words.
const title: Schema<string> = text(1024);
const body: Schema<string> = text(100_000);
const why = optional(text(600));
const encoded: Schema<string> = text(128, 1);
const scram: Schema<string> = text(1024, 1);

type Fields<C> = C extends Command ? Omit<C, "op"> : never;
type Shapes = { readonly [K in Op]: RecordSchema<Fields<Extract<Command, { op: K }>>> };

const changes = {
  create: record({ key, title, private: optional(flag), members: optional(list(name, 64)) }),
  remove: record({ key, thread: seq, why }),
  post: record({ key, thread: seq, text: body, reply: optional(seq) }),
  edit: record({ key, thread: seq, message: seq, text: body }),
  delete: record({ key, thread: seq, message: seq, why }),
  react: record({ key, thread: seq, message: seq, emoji: text(64), on: flag }),
  tell: record({ key, user: name, text: body }),
  invite: record({ key, thread: seq, user: name }),
  expel: record({ key, thread: seq, user: name, why }),
  mark: record({ key, thread: seq, upto: seq }),
  role: record({ key, user: name, role: oneOf(ROLES), why }),
  ban: record({ key, user: name, on: flag, why }),
  credential: record({
    key,
    salt: encoded,
    iterations: integer(4096, 10_000_000),
    storedKey: encoded,
    serverKey: encoded,
  }),
};

const questions = {
  threads: record({ key, skip: optional(place), limit }),
  find: record({ key, title }),
  read: record({
    key,
    thread: seq,
    after: optional(place),
    before: optional(seq),
    number: optional(seq),
    limit,
  }),
  since: record({ key, at: integer(0, 8_640_000_000_000_000), thread: optional(seq), limit }),
  search: record({ key, words: text(1024), thread: optional(seq), limit }),
  users: record({ key }),
  follow: record({ key, scope: text(SCOPE_MAX, 1), after: optional(place) }),
  unfollow: record({ key, scope: text(SCOPE_MAX, 1) }),
  watch: record({ key, on: flag }),
  typing: record({ key, thread: seq }),
  logout: record({ key, everywhere: optional(flag) }),
  prove: record({ key, scram }),
  admin: record({ key, scram, action: oneOf(["shutdown", "promote"]) }),
};

const shapes: Shapes = { ...changes, ...questions };

/** What the payload of a COMMAND must look like. */
export const command: Schema<Command> = tagged<Command>("op", shapes);

/** Whether a command changes something that lasts, and so needs a key. */
export function isChange(given: Command): given is Change & Keyed {
  return given.op in changes;
}
