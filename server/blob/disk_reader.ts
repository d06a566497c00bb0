/**
 * One content that is read from the disk, block by block. The file stays open, so a removal meanwhile
 * does not hurt.
 *
 * @module
 */

import { beyondEnd, NO_FILE } from "./blob_fault.ts";
import type { BlobReply, BlobRequest } from "./blob_message.ts";
import type { BlobFault } from "./blob_store.ts";
import { faultOf, isMissing } from "./disk_path.ts";
import { type BlockCutter, createBlockCutter } from "./block.ts";

/** A reader on the disk. */
export interface DiskReader {
  /** Opens the file at `path` where the request says. */
  open(path: string): void;
  /** Reads the next block, into this memory if it is given some. */
  pull(spare?: ArrayBuffer): void;
  /** Ends it without a word. */
  close(): void;
}

class KeptFile implements DiskReader {
  readonly #id: number;
  readonly #offset: number;
  readonly #tell: (reply: BlobReply) => void;
  readonly #over: () => void;
  readonly #cutter: BlockCutter;
  #file: Deno.FsFile | undefined;
  #left = 0;

  constructor(
    { id, offset, deflate }: Extract<BlobRequest, { op: "open-reader" }>,
    tell: (reply: BlobReply) => void,
    over: () => void,
  ) {
    this.#id = id;
    this.#offset = offset;
    this.#tell = tell;
    this.#over = over;
    this.#cutter = createBlockCutter(deflate);
  }

  open(path: string): void {
    const offset = this.#offset;
    try {
      const file = this.#file = Deno.openSync(path);
      const { size } = file.statSync();
      if (offset > size) {
        this.#fail(beyondEnd(offset, size));
        return;
      }
      file.seekSync(offset, Deno.SeekMode.Start);
      this.#left = size - offset;
      this.#tell({ id: this.#id, told: "opened", at: size });
      this.#lookEnded();
    } catch (error) {
      this.#fail(isMissing(error) ? NO_FILE : faultOf(error));
    }
  }

  pull(spare?: ArrayBuffer): void {
    try {
      const block = this.#cutter.next(this.#left, (into) => fill(this.#file!, into), spare);
      for (const { length, raw = length } of block.chunks) this.#left -= raw;
      this.#tell({ id: this.#id, told: "block", block });
      this.#lookEnded();
    } catch (error) {
      this.#fail(faultOf(error));
    }
  }

  #lookEnded(): void {
    if (this.#left > 0) return;
    this.close();
    this.#tell({ id: this.#id, told: "end" });
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#over();
  }

  #fail(fault: BlobFault): void {
    this.close();
    this.#tell({ id: this.#id, told: "failed", fault });
  }
}

/** Reads until the array is full. */
function fill(file: Deno.FsFile, into: Uint8Array): void {
  for (let at = 0; at < into.length;) {
    const count = file.readSync(into.subarray(at));
    if (count === null) throw new Error("a kept file is shorter than it was");
    at += count;
  }
}

/** Makes a reader, which is not open yet. `over` is called when it is over, before that is told. */
export function createDiskReader(
  request: Extract<BlobRequest, { op: "open-reader" }>,
  tell: (reply: BlobReply) => void,
  over: () => void,
): DiskReader {
  return new KeptFile(request, tell, over);
}
