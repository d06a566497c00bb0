/**
 * Rows as the server gives them, for tests of what the web client makes of them.
 *
 * @module
 */

import type { ThreadRow } from "../../protocol/forum/reply.ts";

/** A public thread with nothing in it. */
export function threadRow(fields: Partial<ThreadRow> = {}): ThreadRow {
  return {
    thread: 1,
    title: "lobby",
    owner: "",
    private: false,
    direct: false,
    at: 1,
    lastAt: 1,
    messages: 0,
    head: 1,
    read: 0,
    unread: 0,
    mentions: 0,
    ...fields,
  };
}
