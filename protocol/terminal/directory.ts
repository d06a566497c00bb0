/**
 * Directory: the threads and people that this session has heard of, for finding a thread by what
 * somebody typed, for naming it, and for completion. It may lack some; the server knows all.
 *
 * @module
 */

import type { ThreadName } from "../verbs.ts";
import { fold, TEXT_LIMITS } from "../text.ts";
import { formatThread } from "../verb_line.ts";

/** What is kept of a thread. */
export interface KnownThread {
  readonly thread: number;
  readonly title: string;
  readonly direct: boolean;
  /** The members' names, of a private thread. */
  readonly members?: readonly string[];
}

/** The threads and people known. */
export interface Directory {
  add(thread: KnownThread): void;
  remove(thread: number): void;
  get(thread: number): KnownThread | undefined;
  /** Those of this title, or the conversation with this user. */
  named(name: Exclude<ThreadName, { number: number }>): KnownThread[];
  threads(): Iterable<KnownThread>;
  /** How a thread is written, one that is gone too: `"The Force"`, `@Yoda` for a conversation, else `#3`. */
  label(thread: number): string;
  /** Remembers a user's name. */
  meet(user: string): void;
  people(): Iterable<string>;
}

/** A thread, with what it is found by. */
interface Kept extends KnownThread {
  /** The title as titles are compared. */
  readonly folded: string;
}

/** Nothing longer is looked for: a title in its longest form is shorter. */
const LOOKED_FOR_MAX = TEXT_LIMITS.titleCodePoints * 8;
/** More threads or people than this are not kept, if nothing else is said. */
const KNOWN_MAX = 5000;

class Known implements Directory {
  #threads = new Map<number, Kept>();
  /** Threads that are gone, which may still be spoken of. */
  #gone = new Map<number, KnownThread>();
  #people = new Map<string, string>();
  #me: string;
  #most: number;

  constructor(me: string, most: number) {
    this.#me = fold(me);
    this.#most = most;
  }

  add({ thread, title, direct, members }: KnownThread): void {
    this.#threads.delete(thread);
    const folded = fold(title);
    this.#threads.set(thread, { thread, title, folded, direct, ...members && { members } });
    this.#thin(this.#threads);
  }

  remove(thread: number): void {
    const known = this.#threads.get(thread);
    if (known === undefined) return;
    this.#threads.delete(thread);
    this.#gone.set(thread, known);
    this.#thin(this.#gone);
  }

  /** Keeps those that were added last. */
  #thin(threads: Map<number, KnownThread>): void {
    for (const old of threads.keys()) {
      if (threads.size <= this.#most) return;
      threads.delete(old);
    }
  }

  get(thread: number): KnownThread | undefined {
    return this.#threads.get(thread);
  }

  named(name: Exclude<ThreadName, { number: number }>): KnownThread[] {
    const typed = "title" in name ? name.title.trim() : name.user;
    if (typed.length > LOOKED_FOR_MAX) return [];
    const wanted = fold(typed);
    return [...this.#threads.values()].filter((known) =>
      "title" in name
        ? known.folded === wanted
        : known.direct && fold(this.#other(known) ?? "") === wanted
    );
  }

  threads(): Iterable<KnownThread> {
    return this.#threads.values();
  }

  label(thread: number): string {
    const known = this.#threads.get(thread) ?? this.#gone.get(thread);
    if (known === undefined) return formatThread({ number: thread });
    const user = this.#other(known);
    return formatThread(known.direct && user !== undefined ? { user } : { title: known.title });
  }

  meet(user: string): void {
    if (user !== "" && this.#people.size < this.#most) this.#people.set(fold(user), user);
  }

  people(): Iterable<string> {
    return this.#people.values();
  }

  #other(known: KnownThread): string | undefined {
    return known.members?.find((name) => fold(name) !== this.#me);
  }
}

/**
 * Creates an empty directory for a user.
 *
 * @param most So many threads, and as many people, are kept: the server is asked about the rest.
 * @example
 * ```ts
 * import { createDirectory } from "./directory.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const directory = createDirectory("Yoda");
 * directory.add({ thread: 3, title: "The Force", direct: false });
 * assertEquals(directory.named({ title: "the force" })[0].thread, 3);
 * assertEquals([directory.label(3), directory.label(4)], ['"The Force"', "#4"]);
 * ```
 */
export function createDirectory(me: string, most: number = KNOWN_MAX): Directory {
  return new Known(me, most);
}
