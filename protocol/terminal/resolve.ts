/**
 * Resolving: the thread and the message that somebody means by what they typed (DESIGN §6, "Numbers").
 *
 * @module
 */

import { SEQ_MAX } from "../forum/event.ts";
import type { ThreadRow } from "../forum/reply.ts";
import { nearest } from "../nearest.ts";
import { STATUS } from "../status.ts";
import { checkTitle } from "../text.ts";
import { formatThread } from "../verb_line.ts";
import type { Addressed, ThreadName } from "../verbs.ts";
import { ask, type Asking } from "./asking.ts";
import type { Directory } from "./directory.ts";
import type { Numbers } from "./numbers.ts";
import { isStatusError, Refusing } from "./outcome.ts";
import { visibleLine } from "./visible.ts";

/** Where a message goes: to a thread, or privately to a user. */
export type Target = { readonly thread: number; readonly text: string } | {
  readonly user: string;
  readonly text: string;
};

/** Finds what is meant; what cannot be found throws {@linkcode Refusing}. */
export interface Resolver {
  /** The number of a thread. */
  thread(name: ThreadName): Asking<number>;
  /** The `seq` of a message. */
  message(thread: number, number: number): Asking<number>;
  /** Where MSG goes; `current` is the thread joined last. */
  target(message: Addressed, current: number | undefined): Asking<Target>;
}

/** The public thread that is always there. */
const LOBBY = "lobby";
/** A shorter title is too easily an everyday word with a letter changed. */
const NEAR_TITLE_MIN = 4;

class ServerResolver implements Resolver {
  #directory: Directory;
  #numbers: Numbers;

  constructor({ directory, numbers }: ResolverOptions) {
    this.#directory = directory;
    this.#numbers = numbers;
  }

  *thread(name: ThreadName): Asking<number> {
    const thread = yield* this.#look(name);
    if (thread !== undefined) return thread;
    if ("user" in name) {
      throw new Refusing(
        "no-thread",
        `You have no conversation with ${name.user} yet. PRV ${
          formatThread(name)
        } text begins one.`,
      );
    }
    throw new Refusing("no-thread", `${STATUS["no-thread"].text}${this.#hint(name)}`);
  }

  *message(thread: number, number: number): Asking<number> {
    const meaning = this.#numbers.meaning(thread, number);
    if (typeof meaning === "number") return meaning;
    if (meaning === "unclear") {
      throw new Refusing(
        "no-message",
        `Number ${number} was shown to you for two different messages. ${
          this.#readAgain(thread)
        }, then use its numbers.`,
      );
    }
    if (meaning === "forgotten") {
      throw new Refusing(
        "no-message",
        `What was shown to you as number ${number} is too long ago. ${
          this.#readAgain(thread)
        }, then use its numbers.`,
      );
    }
    const { messages } = yield* ask<"read">({
      op: "read",
      thread,
      number,
      limit: 1,
    });
    const row = messages.find((message) => message.number === number);
    if (row === undefined) throw new Refusing("no-message", STATUS["no-message"].text);
    return row.seq;
  }

  *target(message: Addressed, current: number | undefined): Asking<Target> {
    const { thread: name, quoted, text, whole } = message;
    if ("user" in name) return { user: name.user, text: needed(text, name) };
    const thread = yield* this.#look(name);
    if (thread !== undefined) return { thread, text: needed(text, name) };
    // What looks like the name of a thread must not become public text by a slip of the keyboard.
    if (text.trim() !== "" && (quoted || this.#near(name) !== undefined)) {
      throw new Refusing(
        "no-thread",
        `${STATUS["no-thread"].text}${
          this.#hint(name)
        } To post all of it as text, name the thread too.`,
      );
    }
    return { thread: current ?? (yield* this.thread({ title: LOBBY })), text: whole };
  }

  #readAgain(thread: number): string {
    return `RDT ${visibleLine(this.#directory.label(thread))} again`;
  }

  *#look(name: ThreadName): Asking<number | undefined> {
    if ("number" in name) return name.number;
    const known = this.#directory.named(name);
    if (known.length > 1) {
      const numbers = known.map(({ thread }) => `#${thread}`).join(", ");
      throw new Refusing("no-thread", `Several threads are called so: ${numbers}. Use the number.`);
    }
    if (known.length === 1) return known[0].thread;
    if ("user" in name) return yield* this.#find({ user: name.user });
    const title = checkTitle(name.title);
    // What can be no title is the title of no thread.
    return typeof title === "string" ? yield* this.#find({ title }) : undefined;
  }

  *#find(what: { title: string } | { user: string }): Asking<number | undefined> {
    try {
      const { thread } = yield* ask<"find">({ op: "find", ...what });
      this.#directory.add(thread);
      return thread.thread;
    } catch (error) {
      if (isStatusError(error) && error.code === STATUS["no-thread"].code) return undefined;
      throw error;
    }
  }

  #near(name: ThreadName): string | undefined {
    if (!("title" in name)) return undefined;
    const titles = [...this.#directory.threads()].map(({ title }) => title);
    return nearest(name.title, titles.filter((title) => title.length >= NEAR_TITLE_MIN), 1);
  }

  #hint(name: ThreadName): string {
    if (!("title" in name)) return "";
    const number = /^\d{1,9}$/.test(name.title) ? Number(name.title) : 0;
    if (number >= 1 && number <= SEQ_MAX) return ` Did you mean #${number}?`;
    const near = this.#near(name);
    return near === undefined ? "" : ` Did you mean ${visibleLine(formatThread({ title: near }))}?`;
  }
}

function needed(text: string, name: ThreadName): string {
  if (text.trim() !== "") return text;
  throw new Refusing("bad-field", `Write the text after ${visibleLine(formatThread(name))}.`);
}

/** The most threads that a listing asks for. */
const LISTING_MAX = 2000;
const LISTING_PAGE = 500;

/** Lists the threads, page by page. */
export function* listThreads(): Asking<{ threads: ThreadRow[]; more: boolean }> {
  const threads: ThreadRow[] = [];
  const seen = new Set<number>();
  for (let skip = 0;; skip += LISTING_PAGE) {
    const page = yield* ask<"threads">({ op: "threads", skip, limit: LISTING_PAGE });
    // Activity between two pages moves a thread to the front, and others into the next page.
    for (const row of page.threads) if (!seen.has(row.thread)) threads.push(row);
    for (const row of page.threads) seen.add(row.thread);
    if (!page.more || skip + LISTING_PAGE >= LISTING_MAX) return { threads, more: page.more };
  }
}

/** What a resolver works with. */
export interface ResolverOptions {
  readonly directory: Directory;
  readonly numbers: Numbers;
}

/** Creates a resolver that asks the server what directory and numbers do not hold. */
export function createResolver(options: ResolverOptions): Resolver {
  return new ServerResolver(options);
}
