/**
 * The store in memory, for the simulator and for tests: it does and tells the same as the one on a disk
 * (disk_store.ts), but only when its owner lets it, and the same again every time.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  badDeflate,
  beyondEnd,
  NO_FILE,
  REPLACED,
  storageFull,
  tooLittle,
  tooMuch,
  WRONG_HASH,
} from "./blob_fault.ts";
import type { BlobAnswer, BlobQuestion, BlobReply, BlobRequest } from "./blob_message.ts";
import type { BlobFault, BlobStore, KeptContent } from "./blob_store.ts";
import { type BlockCutter, createBlockCutter } from "./block.ts";
import { joined, type MemoryDisk, type MemoryPartial } from "./memory_disk.ts";
import { createStoreProxy } from "./store_proxy.ts";
import type { FarSide, NearSide } from "./store_sides.ts";
import { unpack } from "./unpack.ts";

/** What a store in memory is made with. */
export interface MemoryStoreOptions {
  /** Runs something later, never within the call. The store asks for one step at a time. */
  readonly later: (run: () => void) => void;
  /** The time, in ms since 1970; without it, 0. */
  readonly now?: () => number;
}

/** A store in memory. */
export interface MemoryStore extends BlobStore {
  /** The machine is dead: nothing of it goes on, nothing is told. What was done is on the disk. */
  abandon(): void;
}

interface Writer {
  readonly upload: number;
  readonly size: number;
  readonly partial: MemoryPartial;
}

interface Reader {
  readonly bytes: Uint8Array;
  readonly cutter: BlockCutter;
  at: number;
}

class MemorySide implements FarSide {
  readonly #disk: MemoryDisk;
  readonly #options: MemoryStoreOptions;
  readonly #near: NearSide;
  readonly #writers = new Map<number, Writer>();
  readonly #readers = new Map<number, Reader>();
  /** Requests to be done and replies to be told, in their order, as between two threads. */
  readonly #steps: (() => void)[] = [];
  #ended = false;

  constructor(disk: MemoryDisk, options: MemoryStoreOptions, near: NearSide) {
    this.#disk = disk;
    this.#options = options;
    this.#near = near;
  }

  send(requests: BlobRequest[]): void {
    for (const request of requests) this.#step(() => this.#handle(request));
  }

  end(): void {
    this.#ended = true;
  }

  #step(step: () => void): void {
    if (this.#steps.push(step) === 1) this.#options.later(() => this.#run());
  }

  #run(): void {
    if (this.#ended) return;
    this.#steps[0]();
    this.#steps.shift();
    if (this.#steps.length > 0) this.#options.later(() => this.#run());
  }

  #tell(reply: BlobReply): void {
    this.#step(() => this.#near.hear([reply]));
  }

  #handle(request: BlobRequest): void {
    const { id } = request;
    switch (request.op) {
      case "open-writer":
        this.#openWriter(request);
        break;
      case "write":
        this.#write(id, request.pieces);
        break;
      case "write-packed": {
        const plain = unpack(request.bytes, request.raw);
        if (plain !== undefined) this.#write(id, [plain]);
        else this.#spoil(id, badDeflate(request.raw));
        break;
      }
      case "finish":
        this.#finish(id, request);
        break;
      case "close-writer":
        this.#writers.delete(id);
        break;
      case "open-reader":
        this.#openReader(request);
        break;
      case "pull":
        this.#pull(id);
        break;
      case "close-reader":
        this.#readers.delete(id);
        break;
      case "ask":
        this.#tell({ id, told: "answer", answer: this.#answer(request.question) });
        break;
    }
  }

  #openWriter(request: Extract<BlobRequest, { op: "open-writer" }>): void {
    const { id, upload, size, scratch } = request;
    const { partials } = this.#disk;
    this.#replaceWriter(upload);
    const there = partials.get(upload);
    const partial = there === undefined || scratch || there.length > size
      ? { pieces: [], length: 0 }
      : there;
    partials.set(upload, partial);
    this.#writers.set(id, { upload, size, partial });
    this.#tell({ id, told: "opened", at: partial.length });
  }

  #replaceWriter(upload: number): void {
    for (const [id, writer] of this.#writers) {
      if (writer.upload === upload) this.#fail(id, REPLACED);
    }
  }

  #write(id: number, pieces: readonly Uint8Array[]): void {
    const writer = this.#writers.get(id);
    if (writer === undefined) return;
    const { partial, size } = writer;
    const count = pieces.reduce((sum, { length }) => sum + length, 0);
    if (count > size - partial.length) {
      this.#spoil(id, tooMuch(size));
      return;
    }
    for (const bytes of pieces) {
      const { capacity, used } = this.#disk;
      // What there is room for is written, as on a disk.
      const written = bytes.subarray(0, Math.max(0, Math.min(bytes.length, capacity - used)));
      partial.pieces.push(written);
      partial.length += written.length;
      if (written.length < bytes.length) return this.#fail(id, storageFull());
    }
    this.#tell({ id, told: "stored", count });
  }

  #finish(id: number, { sha256, found }: Extract<BlobRequest, { op: "finish" }>): void {
    const writer = this.#writers.get(id);
    if (writer === undefined) return;
    const { upload, size, partial } = writer;
    const bytes = joined(partial);
    if (bytes.length !== size) {
      this.#spoil(id, tooLittle(bytes.length, size));
    } else if ((found?.sha256 ?? createHash("sha256").update(bytes).digest("hex")) !== sha256) {
      this.#spoil(id, WRONG_HASH);
    } else {
      this.#writers.delete(id);
      this.#disk.partials.delete(upload);
      this.#disk.kept.set(sha256, { bytes, at: this.#options.now?.() ?? 0 });
      this.#tell({ id, told: "kept", size });
    }
  }

  #spoil(id: number, fault: BlobFault): void {
    const writer = this.#writers.get(id);
    if (writer === undefined) return;
    this.#disk.partials.delete(writer.upload);
    this.#fail(id, fault);
  }

  #fail(id: number, fault: BlobFault): void {
    this.#writers.delete(id);
    this.#readers.delete(id);
    this.#tell({ id, told: "failed", fault });
  }

  #openReader(request: Extract<BlobRequest, { op: "open-reader" }>): void {
    const { id, sha256, offset, deflate } = request;
    const bytes = this.#disk.kept.get(sha256)?.bytes;
    if (bytes === undefined) {
      this.#fail(id, NO_FILE);
    } else if (offset > bytes.length) {
      this.#fail(id, beyondEnd(offset, bytes.length));
    } else {
      const reader = { bytes, cutter: createBlockCutter(deflate), at: offset };
      this.#readers.set(id, reader);
      this.#tell({ id, told: "opened", at: bytes.length });
      this.#lookEnded(id, reader);
    }
  }

  #pull(id: number): void {
    const reader = this.#readers.get(id);
    if (reader === undefined) return;
    const { bytes, cutter } = reader;
    const block = cutter.next(bytes.length - reader.at, (into) => {
      into.set(bytes.subarray(reader.at, reader.at + into.length));
      reader.at += into.length;
    });
    this.#tell({ id, told: "block", block });
    this.#lookEnded(id, reader);
  }

  #lookEnded(id: number, { bytes, at }: Reader): void {
    if (at < bytes.length) return;
    this.#readers.delete(id);
    this.#tell({ id, told: "end" });
  }

  #answer(question: BlobQuestion): BlobAnswer {
    const { kept, partials } = this.#disk;
    switch (question.about) {
      case "has":
        return kept.get(question.sha256)?.bytes.length;
      case "remove":
        kept.delete(question.sha256);
        return undefined;
      case "discard":
        this.#replaceWriter(question.upload);
        partials.delete(question.upload);
        return undefined;
      case "uploads":
        return [...partials.keys()].sort((one, other) => one - other);
      case "contents":
        return this.#contents(question.after, question.count);
      case "ready":
      case "settle":
        return undefined;
    }
  }

  #contents(after: string, count: number): KeptContent[] {
    const { kept } = this.#disk;
    return [...kept.keys()].sort().filter((sha256) => sha256 > after).slice(0, count).map(
      (sha256) => {
        const { bytes, at } = kept.get(sha256)!;
        return { sha256, size: bytes.length, at };
      },
    );
  }
}

/**
 * Opens a store on a disk in memory. One disk has one store at a time.
 *
 * @example
 * ```ts
 * import { createMemoryDisk } from "./memory_disk.ts";
 * import { openMemoryStore } from "./memory_store.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const store = openMemoryStore(createMemoryDisk(), { later: queueMicrotask });
 * const numbers = await new Promise<number[]>((done) => store.uploads(done));
 * assertEquals(numbers, []);
 * await store.close();
 * ```
 */
export function openMemoryStore(disk: MemoryDisk, options: MemoryStoreOptions): MemoryStore {
  return createStoreProxy({
    connect: (near) => new MemorySide(disk, options, near),
    // Nothing is gained by sending together, and a turn may never end in virtual time.
    defer: (run) => run(),
  });
}
