/**
 * Read marks: tells the server what was read on the screen, seldom enough to cost it little.
 *
 * @module
 */

import type { ForumClient } from "../forum_client.ts";

/** Collects what was shown live. */
export interface ReadMarks {
  /** A message was shown. */
  note(thread: number, seq: number): void;
  /** Tells the server now. */
  flush(): Promise<void>;
}

class Collected implements ReadMarks {
  #client: Pick<ForumClient, "command">;
  #delay: number;
  #pending = new Map<number, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Pick<ForumClient, "command">, delay: number) {
    this.#client = client;
    this.#delay = delay;
  }

  note(thread: number, seq: number): void {
    this.#pending.set(thread, Math.max(seq, this.#pending.get(thread) ?? 0));
    this.#timer ??= setTimeout(() => void this.flush(), this.#delay);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const marks = [...this.#pending];
    this.#pending.clear();
    // A thread can be gone meanwhile; then there is nothing to mark.
    await Promise.allSettled(
      marks.map(([thread, upto]) => this.#client.command<"mark">({ op: "mark", thread, upto })),
    );
  }
}

/**
 * Creates an empty collection.
 *
 * @param delay After so many ms the server is told.
 */
export function createReadMarks(client: Pick<ForumClient, "command">, delay: number): ReadMarks {
  return new Collected(client, delay);
}
