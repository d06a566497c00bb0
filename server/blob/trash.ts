/**
 * The trash: what is removed leaves its place at once, by a rename; unlinking it, which takes long for a
 * large file, is done by other threads when nobody waits.
 *
 * @module
 */

import { isMissing } from "./disk_path.ts";
import { type DiskLayout, numberOf } from "./disk_layout.ts";

/** What is gone for good. */
export interface Trash {
  /**
   * Takes the file away from its place; `false` if there is none.
   *
   * @throws Deno.errors if the file system does not let it go.
   */
  take(path: string): boolean;
  /** Unlinks no further file; resolves when it is not at one. What is left is for the next start. */
  close(): Promise<void>;
}

class EmptiedTrash implements Trash {
  readonly #layout: DiskLayout;
  readonly #full: number[] = [];
  #next = 0;
  #emptying = Promise.resolve();
  #busy = false;
  #closed = false;

  constructor(layout: DiskLayout) {
    this.#layout = layout;
    for (const { name } of Deno.readDirSync(layout.trash)) {
      const number = numberOf(name);
      if (number === undefined) continue;
      this.#full.push(number);
      this.#next = Math.max(this.#next, number + 1);
    }
    this.#empty();
  }

  take(path: string): boolean {
    const number = this.#next++;
    try {
      Deno.renameSync(path, this.#layout.trashed(number));
    } catch (error) {
      if (isMissing(error)) return false;
      // On a full disk there may be no room for another name.
      Deno.removeSync(path);
      return true;
    }
    this.#full.push(number);
    this.#empty();
    return true;
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#emptying;
  }

  #empty(): void {
    if (!this.#busy) this.#emptying = this.#emptyAll();
  }

  async #emptyAll(): Promise<void> {
    this.#busy = true;
    for (; this.#full.length > 0 && !this.#closed; this.#full.shift()) {
      try {
        await Deno.remove(this.#layout.trashed(this.#full[0]));
      } catch {
        // It lies in nobody's way, and the next start tries again.
      }
    }
    this.#busy = false;
  }
}

/** Opens the trash, and empties it of what an earlier process has left. */
export function openTrash(layout: DiskLayout): Trash {
  return new EmptiedTrash(layout);
}
