/**
 * Joined: the threads that this session follows live, and which of them bare text goes to.
 *
 * @module
 */

import { threadScope } from "../forum/event.ts";
import { ask, type Asking } from "./asking.ts";

/** The threads followed. */
export interface Joined {
  /** In the order of joining. */
  readonly all: readonly number[];
  /** The one joined last: bare text goes there. */
  readonly current: number | undefined;
  /** Follows a thread from now on, and makes it the current one. */
  join(thread: number): Asking<void>;
  /** Leaves a thread; `keep` goes on following it without being joined. */
  leave(thread: number, keep: boolean): Asking<void>;
  /** Follows a thread without joining it: every event after `after`, or from now on. */
  watch(thread: number, after?: number): Asking<void>;
  /** A thread is followed no longer, not by our doing. */
  dropped(thread: number): void;
}

class Followed implements Joined {
  #joined: number[] = [];
  #followed = new Set<number>();

  get all(): readonly number[] {
    return this.#joined;
  }

  get current(): number | undefined {
    return this.#joined.at(-1);
  }

  *join(thread: number): Asking<void> {
    yield* this.watch(thread);
    this.#joined = [...this.#joined.filter((other) => other !== thread), thread];
  }

  *leave(thread: number, keep: boolean): Asking<void> {
    this.#joined = this.#joined.filter((other) => other !== thread);
    if (keep || !this.#followed.delete(thread)) return;
    yield* ask<"unfollow">({ op: "unfollow", scope: threadScope(thread) });
  }

  *watch(thread: number, after?: number): Asking<void> {
    if (this.#followed.has(thread)) return;
    this.#followed.add(thread);
    try {
      const scope = threadScope(thread);
      yield* ask<"follow">({ op: "follow", scope, ...after !== undefined && { after } });
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
 * const joined = createJoined();
 * const joining = joined.join(3);
 * assertEquals(joining.next().value, { op: "follow", scope: "thread/3" });
 * joining.next({ head: 7 });
 * assertEquals([joined.all, joined.current], [[3], 3]);
 * ```
 */
export function createJoined(): Joined {
  return new Followed();
}
