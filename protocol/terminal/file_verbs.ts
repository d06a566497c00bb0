/**
 * The verbs that list files and take them out. Those that carry them are run by whoever has a place for
 * files.
 *
 * @module
 */

import { ask } from "./asking.ts";
import type { CarryVerb, FileVerb } from "./file_outcome.ts";
import { createFileFinder } from "./find_file.ts";
import type { Handlers, Workbench } from "./verb_handler.ts";

/** The verbs that list files and take them out. */
export function fileVerbs(
  { directory, files, resolver }: Workbench,
): Handlers<Exclude<FileVerb, CarryVerb>> {
  const finder = createFileFinder(files);
  return {
    *RMF({ thread: name, file }) {
      const thread = yield* resolver.thread(name);
      const row = yield* finder.one(thread, file);
      yield* ask<"withdraw">({ op: "withdraw", thread, file: row.seq });
      return { thread, name: row.name, seq: row.seq };
    },
    *FLS({ thread: name }) {
      const thread = name === undefined ? undefined : yield* resolver.thread(name);
      const listing = yield* finder.list(thread);
      for (const { thread, title } of listing.files) {
        if (directory.get(thread) === undefined) directory.add({ thread, title, direct: false });
      }
      return { ...thread !== undefined && { thread }, ...listing };
    },
  };
}
