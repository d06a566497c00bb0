/**
 * What the program in blob_writer.ts was told, held against what is there after its end.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { openDiskStore } from "../../server/blob/disk_store.ts";
import {
  contents,
  download,
  has,
  sha256Of,
  startUpload,
  statusOf,
  uploads,
} from "../blob_scene.ts";
import { type BlobLine, fileOf, isRemoved } from "./blob_writer.ts";

/** Takes lines, and checks folders against them. */
export interface BlobLedger {
  /** How many contents were told to be kept. */
  readonly kept: number;
  /** The first upload that nobody has begun. */
  readonly next: number;
  note(line: string): void;
  /**
   * Checks a folder. What was told to be kept must be there and whole, and nothing else than whole files
   * may lie under a hash. Uploads must have what was stored of them, unless the `powerFailed`, and must
   * end well when they go on. Returns how many those were.
   */
  check(folder: string, options: { readonly powerFailed: boolean }): Promise<number>;
}

class Ledger implements BlobLedger {
  /** By upload. */
  readonly #stored = new Map<number, number>();
  readonly #kept = new Set<string>();
  kept = 0;
  next = 0;

  note(text: string): void {
    const line: BlobLine = JSON.parse(text);
    switch (line.said) {
      case "opened":
        this.#stored.set(line.upload, line.offset);
        this.next = Math.max(this.next, line.upload + 1);
        break;
      case "stored":
        this.#stored.set(line.upload, this.#stored.get(line.upload)! + line.count);
        break;
      case "kept":
        this.#stored.delete(line.upload);
        if (!isRemoved(line.upload)) this.#kept.add(line.sha256);
        this.kept++;
        break;
      case "failed":
        throw new Error(line.text);
    }
  }

  async check(folder: string, { powerFailed }: { powerFailed: boolean }): Promise<number> {
    const store = await openDiskStore({ folder });
    try {
      for (const sha256 of this.#kept) {
        assert(await has(store, sha256) !== undefined, `${sha256} was kept, and is gone`);
      }
      const list = await contents(store);
      for (const { sha256, size } of list) {
        const { bytes } = await download(store, sha256);
        assertEquals(bytes.length, size);
        assertEquals(sha256Of(bytes), sha256, "what lies under a hash has it");
      }
      const begun = await uploads(store);
      for (const upload of begun) {
        const file = fileOf(upload);
        const { writer, opened, over } = startUpload(store, upload, { size: file.length });
        const offset = await opened;
        assert(typeof offset === "number" && offset <= file.length);
        const stored = this.#stored.get(upload) ?? 0;
        writer.write(file.slice(offset));
        writer.finish(sha256Of(file));
        const outcome = statusOf(await over);
        // Bytes that nobody has synced may be others: then the hash says so.
        if (powerFailed && outcome === "bad-content") continue;
        assertEquals(outcome, file.length);
        if (powerFailed) continue;
        assert(offset >= stored, `${offset} of ${stored} stored bytes`);
        this.#kept.add(sha256Of(file));
        this.#stored.delete(upload);
        this.next = Math.max(this.next, upload + 1);
      }
      return begun.length;
    } finally {
      await store.close();
    }
  }
}

/** Makes a ledger in which nothing stands. */
export function createBlobLedger(): BlobLedger {
  return new Ledger();
}
