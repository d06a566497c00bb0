/**
 * The files of a forum in memory (memory_state.ts): by thread and number, by name, by content, and what
 * each user has shared.
 *
 * @module
 */

import { maySee } from "./policy.ts";
import type { SharedFile, Thread } from "./state.ts";

/** The living files, and what follows from them. */
export interface MemoryFiles {
  /** The bytes of all contents, each counted once. */
  readonly contentBytes: number;
  file(thread: number, seq: number): SharedFile | undefined;
  /** By its folded name. */
  named(thread: number, name: string): SharedFile | undefined;
  count(thread: number): number;
  /** The files of a thread, oldest first. */
  of(thread: number): Iterable<SharedFile>;
  /** The size of a content that this user can see. */
  sees(user: string, sha256: string): number | undefined;
  has(sha256: string): boolean;
  /** What this user has shared, in bytes. */
  usage(user: string): number;
  put(thread: number, file: SharedFile): void;
  drop(thread: number, file: SharedFile): void;
  /** Drops all files of a thread. */
  dropAll(thread: number): void;
}

/** The files of one thread. */
interface Shelf {
  readonly files: Map<number, SharedFile>;
  readonly names: Map<string, SharedFile>;
}

/** A content, and how many files of which threads have it. */
interface Held {
  readonly size: number;
  readonly threads: Map<number, number>;
}

class FilesInMemory implements MemoryFiles {
  readonly #fold: (name: string) => string;
  readonly #thread: (number: number) => Thread | undefined;
  readonly #shelves = new Map<number, Shelf>();
  readonly #contents = new Map<string, Held>();
  readonly #usage = new Map<string, number>();
  contentBytes = 0;

  constructor(
    fold: (name: string) => string,
    thread: (number: number) => Thread | undefined,
  ) {
    this.#fold = fold;
    this.#thread = thread;
  }

  file(thread: number, seq: number): SharedFile | undefined {
    return this.#shelves.get(thread)?.files.get(seq);
  }
  named(thread: number, name: string): SharedFile | undefined {
    return this.#shelves.get(thread)?.names.get(name);
  }
  count(thread: number): number {
    return this.#shelves.get(thread)?.files.size ?? 0;
  }
  of(thread: number): Iterable<SharedFile> {
    return this.#shelves.get(thread)?.files.values() ?? [];
  }
  sees(user: string, sha256: string): number | undefined {
    const held = this.#contents.get(sha256);
    for (const number of held?.threads.keys() ?? []) {
      const thread = this.#thread(number);
      if (thread !== undefined && maySee(user, thread)) return held?.size;
    }
    return undefined;
  }
  has(sha256: string): boolean {
    return this.#contents.has(sha256);
  }
  usage(user: string): number {
    return this.#usage.get(user) ?? 0;
  }

  put(thread: number, file: SharedFile): void {
    let shelf = this.#shelves.get(thread);
    if (shelf === undefined) {
      this.#shelves.set(thread, shelf = { files: new Map(), names: new Map() });
    }
    shelf.files.set(file.seq, file);
    shelf.names.set(this.#fold(file.name), file);
    this.#usage.set(file.by, this.usage(file.by) + file.size);
    let held = this.#contents.get(file.sha256);
    if (held === undefined) {
      this.#contents.set(file.sha256, held = { size: file.size, threads: new Map() });
      this.contentBytes += held.size;
    }
    held.threads.set(thread, (held.threads.get(thread) ?? 0) + 1);
  }

  drop(thread: number, file: SharedFile): void {
    const shelf = this.#shelves.get(thread);
    if (shelf === undefined || !shelf.files.delete(file.seq)) return;
    shelf.names.delete(this.#fold(file.name));
    if (shelf.files.size === 0) this.#shelves.delete(thread);
    this.#usage.set(file.by, this.usage(file.by) - file.size);
    const held = this.#contents.get(file.sha256)!;
    const left = held.threads.get(thread)! - 1;
    if (left > 0) held.threads.set(thread, left);
    else held.threads.delete(thread);
    if (held.threads.size > 0) return;
    this.#contents.delete(file.sha256);
    this.contentBytes -= held.size;
  }

  dropAll(thread: number): void {
    for (const file of [...this.of(thread)]) this.drop(thread, file);
  }
}

/** Makes an empty collection; `fold` is the folding of names, `thread` looks threads up. */
export function createMemoryFiles(
  fold: (name: string) => string,
  thread: (number: number) => Thread | undefined,
): MemoryFiles {
  return new FilesInMemory(fold, thread);
}
