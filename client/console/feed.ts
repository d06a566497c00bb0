/**
 * The feed: what happens in the forum, sorted into what is shown and what only keeps the directory, the
 * numbers and the joined threads right.
 *
 * @module
 */

import type { Command } from "../../protocol/forum/command.ts";
import { type ForumEvent, scopeThread, userScope } from "../../protocol/forum/event.ts";
import type { ThreadRow } from "../../protocol/forum/reply.ts";
import { fold } from "../../protocol/text.ts";
import type { ClientEvent } from "../forum_client.ts";
import type { Directory } from "../../protocol/terminal/directory.ts";
import type { Joined } from "../../protocol/terminal/joined.ts";
import { keepUp } from "../../protocol/terminal/keep.ts";
import type { Numbers } from "../../protocol/terminal/numbers.ts";
import type { ReadMarks } from "./read_marks.ts";
import { answerAll, carry, type ConsoleClient } from "./session.ts";

/** What a feed works with. */
export interface FeedOptions {
  readonly client: Pick<ConsoleClient, "user" | "command" | "follow" | "unfollow">;
  readonly directory: Directory;
  readonly numbers: Numbers;
  readonly joined: Joined;
  /** Where to note what a person has read; absent where nobody looks on. */
  readonly marks?: ReadMarks;
  /** Show everything; otherwise only the joined threads and the connection. */
  readonly everything: boolean;
  /** Shows something. */
  readonly show: (event: ClientEvent) => void;
}

/** Takes in what happens. */
export interface Feed {
  /** Follows what concerns everybody, and gives the threads that there are. */
  start(): Promise<ThreadRow[]>;
  take(event: ClientEvent): void;
}

/** So many conversations, the most recent ones, are followed from the start. */
const CONVERSATIONS_MAX = 100;
const LISTING = 500;

class ConsoleFeed implements Feed {
  #options: FeedOptions;
  #offline = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  async start(): Promise<ThreadRow[]> {
    const { client, directory, everything } = this.#options;
    const [listing] = await Promise.all([
      client.command<"threads">({ op: "threads", limit: LISTING }),
      client.follow("directory"),
      client.follow(userScope(fold(client.user))),
      ...everything ? [client.follow("accounts"), this.#watchPresence()] : [],
    ]);
    const { threads } = listing;
    // Most recently active first; the directory keeps what was added last.
    for (const row of threads.toReversed()) directory.add(row);
    if (everything) {
      const direct = threads.filter((row) => row.direct).slice(0, CONVERSATIONS_MAX);
      await Promise.allSettled(direct.map(({ thread }) => this.#watch(thread)));
    }
    return threads;
  }

  take(event: ClientEvent): void {
    const shown = this.#shows(event);
    // Shown first: the line may name what is about to be forgotten.
    if (shown) this.#options.show(event);
    switch (event.type) {
      case "event":
        return this.#keep(event.event, shown);
      case "notice":
        if (event.notice.kind === "presence") this.#options.directory.meet(event.notice.user);
        return;
      case "offline":
      case "online":
        this.#offline = event.type === "offline";
        return;
      case "unfollowed":
        this.#options.joined.dropped(scopeThread(event.scope));
    }
  }

  #shows(event: ClientEvent): boolean {
    switch (event.type) {
      case "online":
        // The beginning needs no word.
        return this.#offline;
      case "event":
        return this.#options.everything ||
          this.#options.joined.all.includes(scopeThread(event.event.scope));
      case "notice":
        return this.#options.everything || event.notice.kind === "closing";
      case "unfollowed":
        return this.#options.everything ||
          this.#options.joined.all.includes(scopeThread(event.scope));
      default:
        return true;
    }
  }

  #keep(event: ForumEvent, shown: boolean): void {
    const entered = keepUp(event, shown, this.#options);
    if (entered !== undefined) void this.#enter(entered);
    if (event.kind === "message.posted" && shown) {
      this.#options.marks?.note(scopeThread(event.scope), event.seq);
    }
  }

  async #watch(thread: number, after?: number): Promise<void> {
    const { client, joined } = this.#options;
    // It only follows: no password is ever asked for.
    await answerAll(joined.watch(thread, after), (request) => carry(client, request as Command));
  }

  /** A private thread can be seen: learns whose it is, and follows it if it is a conversation. */
  async #enter(thread: number): Promise<void> {
    const { client, directory, everything } = this.#options;
    try {
      const page = await client.command<"read">({ op: "read", thread, limit: 1 });
      directory.add(page.thread);
      // From its beginning: its first message came with it.
      if (everything && page.thread.direct) await this.#watch(thread, 0);
    } catch {
      // It can be gone again, or the connection; its title is known already.
    }
  }

  async #watchPresence(): Promise<void> {
    const { client, directory } = this.#options;
    try {
      const { users } = await client.command<"watch">({ op: "watch", on: true });
      for (const { user } of users) directory.meet(user);
    } catch {
      // Without presence the forum is as useful as before.
    }
  }
}

/** Creates a feed. */
export function createFeed(options: FeedOptions): Feed {
  return new ConsoleFeed(options);
}
