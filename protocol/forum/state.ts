/**
 * The forum's state: small plain records, and what a holder of them must be able to do.
 *
 * {@linkcode View} is what deciding may look at; {@linkcode State} adds what evolving may write. The
 * server fills State with SQLite, everybody else with memory (memory_state.ts); because evolve is
 * the only writer, both hold the same after the same events (DESIGN §11, law 5), which
 * {@linkcode digest} compares.
 *
 * Names are always folded here, unless a field says that it is for showing.
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { Role } from "./event.ts";

/** An account. */
export interface User {
  /** As the user wrote it, for showing. */
  readonly name: string;
  /** Told from `user.role`; `member` until then. */
  readonly role: Role;
  /** Whether a ban holds: the user may not sign in, nor change anything. */
  readonly banned: boolean;
  /** When the account was made, in ms since 1970 UTC. */
  readonly at: number;
}

/** A thread that has not been removed. */
export interface Thread {
  /** Given from 1 upwards and never twice. */
  readonly number: number;
  /** For showing, not folded. */
  readonly title: string;
  /** The owner's folded name; `""` for the server's own. */
  readonly owner: string;
  /** Whether only its members may see it. */
  readonly private: boolean;
  /** Whether it is the conversation of two that a `tell` opens. */
  readonly direct: boolean;
  /** Folded names of those who may see a private thread, its owner's among them; else none. */
  readonly members: readonly string[];
  /** When it was opened, in ms since 1970 UTC. */
  readonly at: number;
  /** How many messages were ever posted. */
  readonly posts: number;
  /** How many of them still live. */
  readonly living: number;
  /** When the newest message was posted, or the thread opened, in ms since 1970 UTC. */
  readonly lastAt: number;
}

/** A living message, without its text. */
export interface Message {
  /** The sequence number of its posting: its identity. */
  readonly seq: number;
  /** The how-manieth posting of its thread it was, from 1. */
  readonly ordinal: number;
  /** The author's folded name. */
  readonly author: string;
  /** When it was posted, in ms since 1970 UTC. */
  readonly at: number;
  /** The entry that holds the present text: the posting, or the last edit. */
  readonly textSeq: number;
  /** When it was last edited, in ms since 1970 UTC. */
  readonly editedAt?: number;
  /** The `seq` of the message that it answers. */
  readonly reply?: number;
}

/** A living file of a thread. Its bytes are elsewhere, under their hash. */
export interface SharedFile {
  /** The sequence number of its sharing: its identity. */
  readonly seq: number;
  /** For showing, not folded. */
  readonly name: string;
  /** The folded name of who shared it. */
  readonly by: string;
  /** When it was shared, in ms since 1970 UTC. */
  readonly at: number;
  /** How many bytes it has. */
  readonly size: number;
  /** Its media type. */
  readonly type: string;
  /** SHA-256 of its bytes, in lower-case hexadecimal digits: its content. */
  readonly sha256: string;
}

/** How one's password is checked; bytes in base64. */
export interface Credential {
  /** 16 random bytes of this account alone. */
  readonly salt: string;
  /** The rounds of PBKDF2. */
  readonly iterations: number;
  /** SHA-256 of the client's key: what a proof is checked against. */
  readonly storedKey: string;
  /** The key of the server's own signature. */
  readonly serverKey: string;
}

/** What deciding may look at. */
export interface View {
  /** The account of this folded name. */
  user(name: string): User | undefined;
  /** The thread of this number, unless it was removed. */
  thread(number: number): Thread | undefined;
  /** The public thread of this folded title. */
  titled(title: string): Thread | undefined;
  /** The conversation of these two, by their folded names in either order. */
  direct(one: string, other: string): Thread | undefined;
  /** The living message that was posted as this entry of the thread. */
  message(thread: number, seq: number): Message | undefined;
  /** Whether this user has put this reaction there. */
  reacted(thread: number, seq: number, reaction: { emoji: string; user: string }): boolean;
  /** The different emoji on a message. */
  emojis(thread: number, seq: number): readonly string[];
  /** The living file that was shared as this entry of the thread. */
  file(thread: number, seq: number): SharedFile | undefined;
  /** The thread's living file of this folded name. */
  fileNamed(thread: number, name: string): SharedFile | undefined;
  /** How many living files the thread has. */
  fileCount(thread: number): number;
  /** The size of a content, if a living file that this user may see has it. */
  seesContent(user: string, sha256: string): number | undefined;
  /** Whether a living file has this content. */
  hasContent(sha256: string): boolean;
  /** The bytes of all living files that this user has shared; files of one content count each. */
  usage(user: string): number;
  /** The bytes of all contents that living files have, each counted once. */
  readonly contentBytes: number;
  /** Up to where this user has read the thread; 0 for not at all. */
  mark(user: string, thread: number): number;
  /** The last sequence number of a scope; 0 for a scope without entries. */
  head(scope: string): number;
  /** The highest thread number ever given. */
  readonly lastThread: number;
  /** The time of the last entry of all, in ms since 1970; 0 before the first. */
  readonly lastAt: number;
}

/** What evolving may write. */
export interface State extends View {
  /** Keeps an account in place of what was there. */
  putUser(folded: string, user: User): void;
  /** Keeps how a password is checked in place of what was there. */
  putCredential(folded: string, credential: Credential): void;
  /** Keeps a thread in place of what was there; its title, if public, can be found from then on. */
  putThread(thread: Thread): void;
  /**
   * Forgets a thread with its messages, files, reactions, marks and mentions. Whoever keeps much may take
   * its files off `usage` and `contentBytes` little by little.
   */
  dropThread(number: number): void;
  /** Keeps a message with its present text; its reactions and mentions stay. */
  putMessage(thread: number, message: Message, text: string): void;
  /** Forgets a message with its reactions and mentions. */
  dropMessage(thread: number, message: Message): void;
  /** The entry holds a text that was replaced or deleted: whoever keeps entries blanks it. */
  erase(thread: number, seq: number): void;
  /**
   * Puts a reaction there or takes it off; where it is so already, or the message gone, does
   * nothing.
   */
  setReaction(
    thread: number,
    seq: number,
    reaction: { emoji: string; user: string; on: boolean },
  ): void;
  /** Keeps a new file; it can be found by its name, and its content is in use from then on. */
  putFile(thread: number, file: SharedFile): void;
  /** Forgets a file. */
  dropFile(thread: number, file: SharedFile): void;
  /** Remembers up to where this user has read the thread. */
  setMark(user: string, thread: number, upto: number): void;
  /** Whom a message names; replaces what was there. */
  setMentions(thread: number, seq: number, users: readonly string[]): void;
  /** The scope's last sequence number is now `seq`. */
  advance(scope: string, seq: number, at: number): void;
}

/** The key of a conversation of two: their folded names in order. */
export function pair(members: readonly string[]): string {
  return [...members].sort().join(" ");
}

/** Lines that describe records; equal states give equal lines, in any order. */
export const describe = {
  user: (folded: string, u: User): string =>
    JSON.stringify(["user", folded, u.name, u.role, u.banned, u.at]),
  thread: (t: Thread): string =>
    JSON.stringify([
      "thread",
      t.number,
      t.title,
      t.owner,
      t.private,
      t.direct,
      [...t.members].sort(),
      t.at,
      t.posts,
      t.living,
      t.lastAt,
    ]),
  message: (thread: number, m: Message, text: string): string =>
    JSON.stringify([
      "message",
      thread,
      m.seq,
      m.ordinal,
      m.author,
      m.at,
      m.textSeq,
      m.editedAt ?? 0,
      m.reply ?? 0,
      text,
    ]),
  reaction: (thread: number, seq: number, emoji: string, user: string): string =>
    JSON.stringify(["reaction", thread, seq, emoji, user]),
  file: (thread: number, f: SharedFile): string =>
    JSON.stringify(["file", thread, f.seq, f.name, f.by, f.at, f.size, f.type, f.sha256]),
  mark: (user: string, thread: number, upto: number): string =>
    JSON.stringify(["mark", user, thread, upto]),
  mention: (user: string, thread: number, seq: number): string =>
    JSON.stringify(["mention", user, thread, seq]),
};

/** SHA-256, in hexadecimal, over the sorted lines of a state. */
export function digest(lines: Iterable<string>): string {
  const hash = sha256.create();
  const encoder = new TextEncoder();
  for (const line of [...lines].sort()) hash.update(encoder.encode(line + "\n"));
  return Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
