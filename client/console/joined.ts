/**
 * Joined: the threads that this session follows live, and which of them bare text goes to.
 *
 * @module
 */

import { threadScope } from "../../protocol/forum/event.ts";
import type { ForumClient } from "../forum_client.ts";

/** The threads followed. */
export interface Joined {
  /** In the order of joining. */
  readonly all: readonly number[];
  /** The one joined last: bare text goes there. */
  readonly current: number | undefined;
  /** Follows a thread from now on, and makes it the current one. */
  join(thread: number): Promise<void>;
  /** Leaves a thread; `keep` goes on following it without being joined. */
  leave(thread: number, keep: boolean): Promise<void>;
  /** Follows a thread without joining it: every event after `after`, or from now on. */
  watch(thread: number, after?: number): Promise<void>;
  /** A thread is followed no longer, not by our doing. */
  dropped(thread: number): void;
}

class Followed implements Joined {
  #client: Pick<ForumClient, "follow" | "unfollow">;
  #joined: number[] = [];
  #followed = new Set<number>();

  constructor(client: Pick<ForumClient, "follow" | "unfollow">) {
    this.#client = client;
  }

  get all(): readonly number[] {
    return this.#joined;
  }

  get current(): number | undefined {
    return this.#joined.at(-1);
  }

  async join(thread: number): Promise<void> {
    await this.watch(thread);
    this.#joined = [...this.#joined.filter((other) => other !== thread), thread];
  }

  async leave(thread: number, keep: boolean): Promise<void> {
    this.#joined = this.#joined.filter((other) => other !== thread);
    if (keep || !this.#followed.delete(thread)) return;
    await this.#client.unfollow(threadScope(thread));
  }

  async watch(thread: number, after?: number): Promise<void> {
    if (this.#followed.has(thread)) return;
    this.#followed.add(thread);
    try {
      await this.#client.follow(threadScope(thread), after);
    } catch (error) {
      this.#followed.delete(thread);
      throw error;
    }
  }

  dropped(thread: number): void {
    this.#followed.delete(thread);
    this.#joined = this.#joined.filter((other) => other !== thread);
  }
}

/**
 * Creates an empty list.
 *
 * @example
 * ```ts
 * import { createJoined } from "./joined.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const joined = createJoined({
 *   follow: () => Promise.resolve({ head: 0 }),
 *   unfollow: () => Promise.resolve(),
 * });
 * await joined.join(1);
 * await joined.join(3);
 * assertEquals([joined.all, joined.current], [[1, 3], 3]);
 * ```
 */
export function createJoined(client: Pick<ForumClient, "follow" | "unfollow">): Joined {
  return new Followed(client);
}
