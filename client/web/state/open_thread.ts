/**
 * The thread that is open: loads stretches of it as they are looked at, and keeps them up.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { ForumEvent } from "../../../protocol/forum/event.ts";
import type { Page, ThreadRow } from "../../../protocol/forum/reply.ts";
import type { ForumClient } from "../../forum_client.ts";
import {
  aroundPages,
  emptyTimeline,
  type Item,
  type Timeline,
  trimmed,
  withEvent,
  withItem,
  withPage,
} from "./timeline.ts";

/** What a page holds. */
export const PAGE = 60;

/** A thread that is being looked at. */
export interface OpenThread {
  readonly thread: number;
  readonly timeline: { readonly value: Timeline };
  /** Whether something is on its way. */
  readonly loading: { readonly value: boolean };
  /** Why it cannot be shown, if so. */
  readonly fault: { readonly value: string | undefined };
  /** Up to where it was read when it was opened. */
  readonly readBefore: { readonly value: number };
  /** The message to go to: the timeline shows it, then says so. */
  readonly target: { value: number | undefined };
  /** Shows the end. */
  toEnd(): Promise<void>;
  /** Shows a message. */
  toMessage(seq: number): Promise<void>;
  loadBefore(): Promise<void>;
  loadAfter(): Promise<void>;
  take(event: ForumEvent): void;
  /** One's own message, known before the event of it has come. */
  add(item: Item): void;
}

/** What an open thread works with. */
export interface OpenThreadOptions {
  readonly client: Pick<ForumClient, "command">;
  readonly thread: number;
  /** Told of the thread as it is now. */
  readonly row: (row: ThreadRow) => void;
}

/** Opens a thread; nothing is loaded yet. */
export function openThread({ client, thread, row }: OpenThreadOptions): OpenThread {
  const timeline = signal(emptyTimeline(thread));
  const loading = signal(false);
  const fault = signal<string | undefined>(undefined);
  const readBefore = signal(0);
  const target = signal<number | undefined>(undefined);
  let first = true;
  /** Counts what was asked for: an answer to an earlier wish is worth nothing. */
  let wish = 0;

  async function read(where: { before?: number; after?: number }): Promise<Page> {
    const page = await client.command<"read">({ op: "read", thread, limit: PAGE, ...where });
    if (first) {
      first = false;
      readBefore.value = page.thread.read;
    }
    row(page.thread);
    return page;
  }

  /** Loads something, unless something else is wished for meanwhile. */
  async function load(ask: () => Promise<(now: Timeline) => Timeline>): Promise<void> {
    const mine = ++wish;
    loading.value = true;
    try {
      const change = await ask();
      if (mine === wish) timeline.value = change(timeline.value);
    } catch (error) {
      if (mine === wish) fault.value = error instanceof Error ? error.message : String(error);
    } finally {
      if (mine === wish) loading.value = false;
    }
  }

  return {
    thread,
    timeline,
    loading,
    fault,
    readBefore,
    target,
    async toEnd() {
      target.value = undefined;
      if (!timeline.value.after) return;
      await load(async () => {
        const page = await read({});
        return (now) => withPage(now, page, "end");
      });
    },
    async toMessage(seq) {
      const there = timeline.value.items.some((item) => item.seq === seq);
      if (!there) {
        await load(async () => {
          const [upto, behind] = await Promise.all([
            read({ before: seq + 1 }),
            read({ after: seq }),
          ]);
          return (now) => aroundPages(now, upto, behind);
        });
      }
      target.value = seq;
    },
    async loadBefore() {
      const { items, before } = timeline.value;
      if (loading.value || !before || items.length === 0) return;
      await load(async () => {
        const page = await read({ before: items[0].seq });
        return (now) => withPage(now, page, "before");
      });
    },
    async loadAfter() {
      const { items, after } = timeline.value;
      if (loading.value || !after || items.length === 0) return;
      await load(async () => {
        const page = await read({ after: items[items.length - 1].seq });
        return (now) => withPage(now, page, "after");
      });
    },
    take(event) {
      timeline.value = trimmed(withEvent(timeline.value, event), "start");
    },
    add(item) {
      timeline.value = withItem(timeline.value, item);
    },
  };
}
