/**
 * Questions that several end-to-end tests ask.
 *
 * @module
 */

import { assertGreater } from "@std/assert";
import type { ForumClient } from "../../client/mod.ts";
import type { MessageRow, Page } from "../../protocol/forum/reply.ts";
import type { RawPeer } from "./raw_peer.ts";

/** Every living message of a thread, page by page. */
export async function readAll(client: ForumClient, thread: number): Promise<MessageRow[]> {
  const rows: MessageRow[] = [];
  for (;;) {
    const page: Page = await client.command<"read">({
      op: "read",
      thread,
      after: rows.at(-1)?.seq ?? 0,
      limit: 500,
    });
    rows.push(...page.messages);
    if (!page.more) return rows;
    assertGreater(page.messages.length, 0, "a page that promises more brings some");
  }
}

/** Creates a public thread. */
export function create(client: ForumClient, title: string): Promise<{ thread: number }> {
  return client.command<"create">({ op: "create", title });
}

/** `done`, or the status name of the reply that refuses a command. */
export async function outcome(peer: RawPeer, id: number): Promise<string> {
  const reply = await peer.reply(id);
  return reply.kind === "done" ? "done" : reply.body.name;
}
