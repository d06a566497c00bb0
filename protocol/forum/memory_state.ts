/**
 * The forum's state in memory: what a client keeps of it, what tests replay into, and the simplest
 * holder that evolve can write (DESIGN §6).
 *
 * @module
 */

import { createMemoryFiles } from "./memory_files.ts";
import {
  type Credential,
  describe,
  type Message,
  pair,
  type SharedFile,
  type State,
  type Thread,
  type User,
} from "./state.ts";

/** A state in memory. */
export interface MemoryState extends State {
  /** The present text of a message, or `undefined` if it is not there. */
  text(thread: number, seq: number): string | undefined;
  /** The thread's living messages, oldest first. */
  messages(thread: number): Iterable<Message>;
  /** The thread's living files, oldest first. */
  files(thread: number): Iterable<SharedFile>;
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
  #files;
  #marks = new Map<string, Map<number, number>>();
  #heads = new Map<string, number>();
  #fold: (name: string) => string;
  lastThread = 0;
  lastAt = 0;

  constructor(fold: (name: string) => string) {
    this.#fold = fold;
    this.#files = createMemoryFiles(fold, (number) => this.#threads.get(number));
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
  file(thread: number, seq: number): SharedFile | undefined {
    return this.#files.file(thread, seq);
  }
  fileNamed(thread: number, name: string): SharedFile | undefined {
    return this.#files.named(thread, name);
  }
  fileCount(thread: number): number {
    return this.#files.count(thread);
  }
  files(thread: number): Iterable<SharedFile> {
    return this.#files.of(thread);
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
    if (!thread.private) this.#titles.set(this.#fold(thread.title), thread.number);
    if (thread.direct) this.#pairs.set(pair(thread.members), thread.number);
    if (thread.number > this.lastThread) this.lastThread = thread.number;
  }
  dropThread(number: number): void {
    const thread = this.#threads.get(number);
    if (thread === undefined) return;
    this.#threads.delete(number);
    if (!thread.private) this.#titles.delete(this.#fold(thread.title));
    if (thread.direct) this.#pairs.delete(pair(thread.members));
    this.#messages.delete(number);
    this.#files.dropAll(number);
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
  putFile(thread: number, file: SharedFile): void {
    this.#files.put(thread, file);
  }
  dropFile(thread: number, file: SharedFile): void {
    this.#files.drop(thread, file);
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
  advance(scope: string, seq: number, at: number): void {
    this.#heads.set(scope, seq);
    if (at > this.lastAt) this.lastAt = at;
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
    for (const number of this.#threads.keys()) {
      for (const file of this.#files.of(number)) yield describe.file(number, file);
    }
    for (const [user, marks] of this.#marks) {
      for (const [thread, upto] of marks) yield describe.mark(user, thread, upto);
    }
  }

  #kept(thread: number, seq: number): Kept | undefined {
    return this.#messages.get(thread)?.get(seq);
  }
}

/**
 * Makes an empty state in memory; `fold` is the case folding of titles and file names (text.ts).
 *
 * @example
 * ```ts
 * import { createMemoryState } from "./memory_state.ts";
 * import { digest } from "./state.ts";
 * import { fold } from "../text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const [one, other] = [createMemoryState(fold), createMemoryState(fold)];
 * one.putUser("yoda", { name: "Yoda", role: "member", banned: false, at: 5 });
 * other.putUser("yoda", { name: "Yoda", role: "member", banned: false, at: 5 });
 * assertEquals(digest(one.lines()), digest(other.lines()));
 * ```
 */
export function createMemoryState(fold: (name: string) => string): MemoryState {
  return new Memory(fold);
}
