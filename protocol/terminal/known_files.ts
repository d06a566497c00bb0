/**
 * Known files: those of which this session has heard, for completion and for what was meant by a name. It
 * may lack some; the server knows all.
 *
 * @module
 */

import { type ForumEvent, scopeThread } from "../forum/event.ts";
import type { FileRow } from "../forum/reply.ts";
import type { Outcome } from "./outcome.ts";

/** The files known. */
export interface KnownFiles {
  add(thread: number, file: FileRow): void;
  remove(thread: number, seq: number): void;
  get(thread: number, seq: number): FileRow | undefined;
  /** The names in a thread. */
  names(thread: number): string[];
  /** Takes in what has happened. */
  heard(event: ForumEvent): void;
  /** Takes in what came of a line. */
  told(outcome: Outcome): void;
}

/** More files than this are not kept. */
const FILES_MAX = 5000;

class Remembered implements KnownFiles {
  readonly #files = new Map<string, { readonly thread: number; readonly file: FileRow }>();

  add(thread: number, { seq, name, by, at, size, type, sha256 }: FileRow): void {
    const key = `${thread}/${seq}`;
    this.#files.delete(key);
    this.#files.set(key, { thread, file: { seq, name, by, at, size, type, sha256 } });
    for (const old of this.#files.keys()) {
      if (this.#files.size <= FILES_MAX) break;
      this.#files.delete(old);
    }
  }

  remove(thread: number, seq: number): void {
    this.#files.delete(`${thread}/${seq}`);
  }

  get(thread: number, seq: number): FileRow | undefined {
    return this.#files.get(`${thread}/${seq}`)?.file;
  }

  names(thread: number): string[] {
    return [...this.#files.values()].filter((known) => known.thread === thread)
      .map(({ file }) => file.name);
  }

  heard(event: ForumEvent): void {
    const thread = scopeThread(event.scope);
    if (event.kind === "file.shared") this.add(thread, event);
    else if (event.kind === "file.removed") this.remove(thread, event.file);
  }

  told(outcome: Outcome): void {
    if (!outcome.ok) return;
    switch (outcome.command) {
      case "RDT":
        for (const file of outcome.result.files) this.add(outcome.result.thread.thread, file);
        return;
      case "FLS":
        for (const file of outcome.result.files) this.add(file.thread, file);
        return;
      case "RMF":
        this.remove(outcome.result.thread, outcome.result.seq);
    }
  }
}

/** Creates an empty memory. */
export function createKnownFiles(): KnownFiles {
  return new Remembered();
}
