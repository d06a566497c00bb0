/**
 * Finding files: those of a thread that somebody means by a name, by `#seq` or by a pattern.
 *
 * @module
 */

import { PAGE_MAX } from "../forum/command.ts";
import { SEQ_MAX } from "../forum/event.ts";
import type { FileRow, FoundFileRow } from "../forum/reply.ts";
import { nearest } from "../nearest.ts";
import { STATUS } from "../status.ts";
import { formatName } from "../verb_line.ts";
import { ask, type Asking } from "./asking.ts";
import type { KnownFiles } from "./known_files.ts";
import { Refusing } from "./outcome.ts";
import { visibleLine } from "./visible.ts";
import { fitsWildcard, isWildcard } from "./wildcard.ts";

/** What a text stands for. */
export interface FoundFiles {
  /** Oldest first; at least one. */
  readonly rows: readonly FileRow[];
  /** Whether it was a pattern. */
  readonly several: boolean;
}

/** A list of files, newest first. */
export interface FileList {
  readonly files: FoundFileRow[];
  /** Whether there are older ones. */
  readonly more: boolean;
}

/** Finds what is meant; what cannot be found throws {@linkcode Refusing}. */
export interface FileFinder {
  /** The one file of this name or `#seq`. */
  one(thread: number, given: string): Asking<FileRow>;
  /** The same, or all that a pattern fits. */
  some(thread: number, given: string): Asking<FoundFiles>;
  /** The newest files of a thread, or of all. */
  list(thread?: number): Asking<FileList>;
}

/** The most files that FLS shows. */
const LISTED_MAX = 2000;
/** The most files that are looked through for a pattern or a number. */
const SEARCHED_MAX = 100_000;

class ServerFinder implements FileFinder {
  readonly #known: KnownFiles | undefined;

  constructor(known: KnownFiles | undefined) {
    this.#known = known;
  }

  *one(thread: number, given: string): Asking<FileRow> {
    const row = yield* this.#exact(thread, given);
    if (row !== undefined) return row;
    const near = nearest(given, this.#known?.names(thread) ?? [], 2);
    const hint = near === undefined ? "" : ` Did you mean ${visibleLine(formatName(near))}?`;
    throw new Refusing("no-file", `${STATUS["no-file"].text}${hint}`);
  }

  *some(thread: number, given: string): Asking<FoundFiles> {
    if (!isWildcard(given)) return { rows: [yield* this.one(thread, given)], several: false };
    // What is called so comes before any pattern.
    const row = yield* this.#exact(thread, given);
    if (row !== undefined) return { rows: [row], several: false };
    const rows: FileRow[] = [];
    yield* this.#search(thread, SEARCHED_MAX, (files) => {
      rows.push(...files.filter(({ name }) => fitsWildcard(given, name)));
      return false;
    });
    if (rows.length > 0) return { rows: rows.reverse(), several: true };
    throw new Refusing("no-file", "No file in this thread fits the pattern. FLS lists them.");
  }

  *list(thread?: number): Asking<FileList> {
    const all: FoundFileRow[] = [];
    const more = yield* this.#search(thread, LISTED_MAX, (files) => {
      all.push(...files);
      return false;
    });
    return { files: all, more };
  }

  *#exact(thread: number, given: string): Asking<FileRow | undefined> {
    const seq = Number(/^#(\d{1,10})$/.exec(given)?.[1]);
    if (seq >= 1 && seq <= SEQ_MAX) {
      const row = this.#known?.get(thread, seq) ?? (yield* this.#numbered(thread, seq));
      if (row !== undefined) return row;
    }
    const { files } = yield* ask<"files">({ op: "files", thread, name: given });
    return files.at(0);
  }

  *#numbered(thread: number, seq: number): Asking<FileRow | undefined> {
    let found: FileRow | undefined;
    yield* this.#search(thread, SEARCHED_MAX, (files) => {
      found ??= files.find((file) => file.seq === seq);
      // Newest first: what comes after is older still.
      return found !== undefined || (files.at(-1)?.seq ?? seq) < seq;
    });
    return found;
  }

  /** Takes the files page by page, newest first, until that is enough; whether there are more. */
  *#search(
    thread: number | undefined,
    most: number,
    enough: (files: FoundFileRow[]) => boolean,
  ): Asking<boolean> {
    const where = thread === undefined ? {} : { thread };
    const seen = new Set<string>();
    for (let skip = 0;;) {
      const page = yield* ask<"files">({ op: "files", ...where, skip, limit: PAGE_MAX });
      // A file that is shared between two pages moves another into the next one.
      const files = page.files.filter((row) => !seen.has(`${row.thread}/${row.seq}`));
      for (const row of files) seen.add(`${row.thread}/${row.seq}`);
      skip += page.files.length;
      if (enough(files) || !page.more || page.files.length === 0 || skip >= most) return page.more;
    }
  }
}

/** Creates a finder that asks the server for what is not known. */
export function createFileFinder(known?: KnownFiles): FileFinder {
  return new ServerFinder(known);
}
