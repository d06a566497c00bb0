/**
 * The greeting: what somebody reads who has just come in.
 *
 * @module
 */

import type { ThreadRow } from "../forum/reply.ts";
import type { Directory } from "./directory.ts";
import { count, nameText, type Paint } from "./style.ts";
import { visibleLine } from "./visible.ts";

/** So many threads with unread messages are named. */
const NAMED_MAX = 5;

/** A welcome, and where there is something to read; a line each. */
export function greeting(
  user: string,
  threads: readonly ThreadRow[],
  { directory, paint }: { directory: Directory; paint: Paint },
): string {
  const unread = threads.filter((row) => row.unread > 0);
  const lines = [`Welcome ${nameText(user, paint)}! HLP lists the commands.`];
  if (unread.length > 0) {
    const named = unread.slice(0, NAMED_MAX).map(({ thread }) =>
      visibleLine(directory.label(thread))
    );
    const more = unread.length > named.length ? ", …" : "";
    lines.push(`Unread messages in ${count(unread.length, "thread")}: ${named.join(", ")}${more}`);
  }
  return lines.join("\n");
}
