/**
 * Whether the bytes of all files that a forum has are there, and are what their entries say.
 *
 * @module
 */

import { createDiskLayout } from "../../server/blob/disk_layout.ts";
import { sha256OfFile } from "./file_program.ts";
import type { History } from "./history.ts";

/** What is wrong with the files in a data folder whose server has ended. */
export function* fileFaults({ scopes, state }: History, data: string): Iterable<string> {
  const layout = createDiskLayout(`${data}/files`);
  for (const [scope, entries] of scopes) {
    const thread = /^thread\/(\d+)$/.exec(scope);
    if (thread === null || state.thread(Number(thread[1])) === undefined) continue;
    const removed = new Set(entries.map((event) => event.kind === "file.removed" && event.file));
    for (const event of entries) {
      if (event.kind !== "file.shared" || removed.has(event.seq)) continue;
      const there = hashOf(layout.kept(event.sha256));
      if (there !== event.sha256) yield `${scope} ${event.seq}, ${event.name}, is ${there}`;
    }
  }
}

function hashOf(path: string): string {
  try {
    return sha256OfFile(path);
  } catch (error) {
    return String(error);
  }
}
