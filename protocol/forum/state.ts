/**
 * The forum's state: small plain records, and the two ways to hold them.
 *
 * {@linkcode View} is what deciding may look at; {@linkcode State} adds what evolving may write. The
 * server fills State with SQLite, everybody else with {@linkcode createMemoryState}; because evolve is
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
  /** For showing. */
  readonly name: string;
  readonly role: Role;
  readonly banned: boolean;
  /** When it was made, in ms since 1970. */
  readonly at: number;
}

/** A thread that has not been removed. */
export interface Thread {
  readonly number: number;
  readonly title: string;
  /** The owner's folded name; `""` for the server's own. */
  readonly owner: string;
  readonly private: boolean;
  readonly direct: boolean;
  /** Who may see a private thread. */
  readonly members: readonly string[];
  readonly at: number;
  /** How many messages were ever posted. */
  readonly posts: number;
  /** How many of them still live. */
  readonly living: number;
  /** When the newest message was posted, or the thread opened. */
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
  readonly at: number;
  /** The entry that holds the present text: the posting, or the last edit. */
  readonly textSeq: number;
  /** When it was last edited. */
  readonly editedAt?: number;
  /** The `seq` of the message that it answers. */
  readonly reply?: number;
}

/** How one's password is checked; bytes in base64. */
export interface Credential {
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** What deciding may look at. */
export interface View {
  user(name: string): User | undefined;
  thread(number: number): Thread | undefined;
  /** The public thread of this folded title. */
  titled(title: string): Thread | undefined;
  /** The conversation of these two. */
  direct(one: string, other: string): Thread | undefined;
  message(thread: number, seq: number): Message | undefined;
  /** Whether this user has put this reaction there. */
  reacted(thread: number, seq: number, reaction: { emoji: string; user: string }): boolean;
  /** The different emoji on a message. */
  emojis(thread: number, seq: number): readonly string[];
  /** Up to where this user has read the thread; 0 for not at all. */
  mark(user: string, thread: number): number;
  /** The last sequence number of a scope; 0 for a scope without entries. */
  head(scope: string): number;
  /** The highest thread number ever given. */
  readonly lastThread: number;
}

/** What evolving may write. */
export interface State extends View {
  putUser(folded: string, user: User): void;
  putCredential(folded: string, credential: Credential): void;
  putThread(thread: Thread): void;
  /** Forgets a thread with its messages, reactions, marks and mentions. */
  dropThread(number: number): void;
  putMessage(thread: number, message: Message, text: string): void;
  dropMessage(thread: number, message: Message): void;
  /** The entry holds a text that was replaced or deleted: whoever keeps entries blanks it. */
  erase(thread: number, seq: number): void;
  setReaction(
    thread: number,
    seq: number,
    reaction: { emoji: string; user: string; on: boolean },
  ): void;
  setMark(user: string, thread: number, upto: number): void;
  /** Whom a message names; replaces what was there. */
  setMentions(thread: number, seq: number, users: readonly string[]): void;
  /** The scope's last sequence number is now `seq`. */
  advance(scope: string, seq: number): void;
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

/** A state in memory. */
export interface MemoryState extends State {
  /** The present text of a message, or `undefined` if it is not there. */
  text(thread: number, seq: number): string | undefined;
  /** The thread's living messages, oldest first. */
  messages(thread: number): Iterable<Message>;
  /** All threads, oldest first. */
  threads(): Iterable<Thread>;
  /** How a user's password is checked. */
  credential(folded: string): Credential | undefined;
  /** One line a record, for {@linkcode digest}. */
  lines(): Iterable<string>;
}

interface Kept {
  message: Message;
  text: string;
  reactions: Map<string, Set<string>>;
  mentions: readonly string[];
}

class Memory implements MemoryState {
  #users = new Map<string, User>();
  #credentials = new Map<string, Credential>();
  #threads = new Map<number, Thread>();
  #titles = new Map<string, number>();
  #pairs = new Map<string, number>();
  #messages = new Map<number, Map<number, Kept>>();
  #marks = new Map<string, Map<number, number>>();
  #heads = new Map<string, number>();
  #foldTitle: (title: string) => string;
  lastThread = 0;

  constructor(foldTitle: (title: string) => string) {
    this.#foldTitle = foldTitle;
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }
  credential(folded: string): Credential | undefined {
    return this.#credentials.get(folded);
  }
  thread(number: number): Thread | undefined {
    return this.#threads.get(number);
  }
  threads(): Iterable<Thread> {
    return this.#threads.values();
  }
  titled(title: string): Thread | undefined {
    return this.#threads.get(this.#titles.get(title) ?? 0);
  }
  direct(one: string, other: string): Thread | undefined {
    return this.#threads.get(this.#pairs.get(pair([one, other])) ?? 0);
  }
  message(thread: number, seq: number): Message | undefined {
    return this.#kept(thread, seq)?.message;
  }
  text(thread: number, seq: number): string | undefined {
    return this.#kept(thread, seq)?.text;
  }
  *messages(thread: number): Iterable<Message> {
    for (const kept of this.#messages.get(thread)?.values() ?? []) yield kept.message;
  }
  reacted(thread: number, seq: number, { emoji, user }: { emoji: string; user: string }): boolean {
    return this.#kept(thread, seq)?.reactions.get(emoji)?.has(user) ?? false;
  }
  emojis(thread: number, seq: number): readonly string[] {
    return [...this.#kept(thread, seq)?.reactions.keys() ?? []];
  }
  mark(user: string, thread: number): number {
    return this.#marks.get(user)?.get(thread) ?? 0;
  }
  head(scope: string): number {
    return this.#heads.get(scope) ?? 0;
  }

  putUser(folded: string, user: User): void {
    this.#users.set(folded, user);
  }
  putCredential(folded: string, credential: Credential): void {
    this.#credentials.set(folded, credential);
  }
  putThread(thread: Thread): void {
    this.#threads.set(thread.number, thread);
    if (!thread.private) this.#titles.set(this.#foldTitle(thread.title), thread.number);
    if (thread.direct) this.#pairs.set(pair(thread.members), thread.number);
    if (thread.number > this.lastThread) this.lastThread = thread.number;
  }
  dropThread(number: number): void {
    const thread = this.#threads.get(number);
    if (thread === undefined) return;
    this.#threads.delete(number);
    if (!thread.private) this.#titles.delete(this.#foldTitle(thread.title));
    if (thread.direct) this.#pairs.delete(pair(thread.members));
    this.#messages.delete(number);
    for (const marks of this.#marks.values()) marks.delete(number);
  }
  putMessage(thread: number, message: Message, text: string): void {
    let messages = this.#messages.get(thread);
    if (messages === undefined) this.#messages.set(thread, messages = new Map());
    const before = messages.get(message.seq);
    messages.set(message.seq, {
      message,
      text,
      reactions: before?.reactions ?? new Map(),
      mentions: before?.mentions ?? [],
    });
  }
  dropMessage(thread: number, message: Message): void {
    this.#messages.get(thread)?.delete(message.seq);
  }
  erase(): void {
    // Only the present text is kept here, so nothing is left to blank.
  }
  setReaction(
    thread: number,
    seq: number,
    { emoji, user, on }: { emoji: string; user: string; on: boolean },
  ): void {
    const reactions = this.#kept(thread, seq)?.reactions;
    if (reactions === undefined) return;
    const users = reactions.get(emoji) ?? new Set();
    if (on) users.add(user);
    else users.delete(user);
    if (users.size > 0) reactions.set(emoji, users);
    else reactions.delete(emoji);
  }
  setMark(user: string, thread: number, upto: number): void {
    let marks = this.#marks.get(user);
    if (marks === undefined) this.#marks.set(user, marks = new Map());
    marks.set(thread, upto);
  }
  setMentions(thread: number, seq: number, users: readonly string[]): void {
    const kept = this.#kept(thread, seq);
    if (kept !== undefined) kept.mentions = users;
  }
  advance(scope: string, seq: number): void {
    this.#heads.set(scope, seq);
  }

  *lines(): Iterable<string> {
    for (const [folded, user] of this.#users) yield describe.user(folded, user);
    for (const thread of this.#threads.values()) yield describe.thread(thread);
    for (const [thread, messages] of this.#messages) {
      for (const { message, text, reactions, mentions } of messages.values()) {
        yield describe.message(thread, message, text);
        for (const [emoji, users] of reactions) {
          for (const user of users) yield describe.reaction(thread, message.seq, emoji, user);
        }
        for (const user of mentions) yield describe.mention(user, thread, message.seq);
      }
    }
    for (const [user, marks] of this.#marks) {
      for (const [thread, upto] of marks) yield describe.mark(user, thread, upto);
    }
  }

  #kept(thread: number, seq: number): Kept | undefined {
    return this.#messages.get(thread)?.get(seq);
  }
}

/** The key of a conversation of two: their folded names in order. */
export function pair(members: readonly string[]): string {
  return [...members].sort().join(" ");
}

/** Makes an empty state in memory; `fold` is the case folding of titles (text.ts). */
export function createMemoryState(fold: (title: string) => string): MemoryState {
  return new Memory(fold);
}
