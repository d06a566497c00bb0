/**
 * Finding files: those of a thread that somebody means by a name, by `#seq` or by a pattern.
 *
 * @module
 */

import { SEQ_MAX } from "../../protocol/forum/event.ts";
import { PAGE_MAX } from "../../protocol/forum/command.ts";
import type { FileRow, FoundFileRow } from "../../protocol/forum/reply.ts";
import { nearest } from "../../protocol/nearest.ts";
import { STATUS } from "../../protocol/status.ts";
import { formatName } from "../../protocol/verb_line.ts";
import { fitsWildcard, isWildcard } from "../files/wildcard.ts";
import type { ForumClient } from "../forum_client.ts";
import type { KnownFiles } from "./known_files.ts";
import { Refusing } from "./outcome.ts";
import { visibleLine } from "./visible.ts";

/** What a text stands for. */
export interface FoundFiles {
  /** At least one. */
  readonly rows: readonly FileRow[];
  /** Whether it was a pattern. */
  readonly several: boolean;
}

/** Finds what is meant; what cannot be found rejects with {@linkcode Refusing}. */
export interface FileFinder {
  /** The one file of this name or `#seq`. */
  one(thread: number, given: string): Promise<FileRow>;
  /** The same, or all that a pattern fits. */
  some(thread: number, given: string): Promise<FoundFiles>;
  /** The newest files of a thread, or of all. */
  list(thread?: number): Promise<{ files: FoundFileRow[]; more: boolean }>;
}

/** The most files that FLS shows. */
const LISTED_MAX = 2000;
/** The most files that are looked through for a pattern or a number. */
const SEARCHED_MAX = 100_000;

class ServerFinder implements FileFinder {
  readonly #client: Pick<ForumClient, "command">;
  readonly #known: KnownFiles;

  constructor({ client, known }: FileFinderOptions) {
    this.#client = client;
    this.#known = known;
  }

  async one(thread: number, given: string): Promise<FileRow> {
    const row = await this.#exact(thread, given);
    if (row !== undefined) return row;
    const near = nearest(given, this.#known.names(thread), 2);
    const hint = near === undefined ? "" : ` Did you mean ${visibleLine(formatName(near))}?`;
    throw new Refusing("no-file", `${STATUS["no-file"].text}${hint}`);
  }

  async some(thread: number, given: string): Promise<FoundFiles> {
    if (!isWildcard(given)) return { rows: [await this.one(thread, given)], several: false };
    // What is called so comes before any pattern.
    const row = await this.#exact(thread, given);
    if (row !== undefined) return { rows: [row], several: false };
    const rows: FileRow[] = [];
    for await (const { files } of this.#pages(thread, SEARCHED_MAX)) {
      rows.push(...files.filter(({ name }) => fitsWildcard(given, name)));
    }
    if (rows.length > 0) return { rows: rows.reverse(), several: true };
    throw new Refusing("no-file", "No file in this thread fits the pattern. FLS lists them.");
  }

  async list(thread?: number): Promise<{ files: FoundFileRow[]; more: boolean }> {
    const all: FoundFileRow[] = [];
    let more = false;
    for await (const page of this.#pages(thread, LISTED_MAX)) {
      all.push(...page.files);
      more = page.more;
    }
    return { files: all, more };
  }

  async #exact(thread: number, given: string): Promise<FileRow | undefined> {
    const numbered = /^#(\d{1,10})$/.exec(given);
    const seq = Number(numbered?.[1]);
    if (seq >= 1 && seq <= SEQ_MAX) {
      const row = this.#known.get(thread, seq) ?? await this.#numbered(thread, seq);
      if (row !== undefined) return row;
    }
    const { files } = await this.#client.command<"files">({ op: "files", thread, name: given });
    return files.at(0);
  }

  async #numbered(thread: number, seq: number): Promise<FileRow | undefined> {
    for await (const { files } of this.#pages(thread, SEARCHED_MAX)) {
      const row = files.find((file) => file.seq === seq);
      // Newest first: what comes after is older still.
      if (row !== undefined || (files.at(-1)?.seq ?? 0) < seq) return row;
    }
    return undefined;
  }

  /** The files page by page, newest first. */
  async *#pages(thread: number | undefined, most: number) {
    const seen = new Set<string>();
    const where = thread === undefined ? {} : { thread };
    for (let skip = 0; skip < most;) {
      const page = await this.#client.command<"files">({
        op: "files",
        ...where,
        skip,
        limit: PAGE_MAX,
      });
      // A file that is shared between two pages moves another into the next one.
      const files = page.files.filter((row) => !seen.has(`${row.thread}/${row.seq}`));
      for (const row of files) seen.add(`${row.thread}/${row.seq}`);
      yield { files, more: page.more };
      if (!page.more || page.files.length === 0) return;
      skip += page.files.length;
    }
  }
}

/** What a finder works with. */
export interface FileFinderOptions {
  readonly client: Pick<ForumClient, "command">;
  readonly known: KnownFiles;
}

/** Creates a finder that asks the server. */
export function createFileFinder(options: FileFinderOptions): FileFinder {
  return new ServerFinder(options);
}
