/**
 * Stores for tests, on a disk and in memory, and their callbacks as promises.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import {
  type BlobFault,
  type BlobReader,
  type BlobStore,
  type BlobWriter,
  type Block,
  CHUNK_BYTES,
  HEADER_ROOM,
  type KeptContent,
  RAW_LENGTH_BYTES,
  type WriteOptions,
} from "../server/blob/blob_store.ts";
import { type DiskStoreOptions, openDiskStore } from "../server/blob/disk_store.ts";
import { createMemoryDisk } from "../server/blob/memory_disk.ts";
import { openMemoryStore } from "../server/blob/memory_store.ts";
import { join } from "./cuts.ts";

/** Somewhere that outlasts stores. */
export interface Place {
  /** Opens the store that is there; the one before must be closed. */
  open(): Promise<BlobStore>;
  clear(): void;
}

/** Every kind of store. */
export const PLACES: Readonly<Record<"disk" | "slow disk" | "memory", () => Place>> = {
  // However long a block takes, the worker is not asked for it; and it writes only now and then.
  disk: () => diskPlace({ slow: Infinity, alone: nowAndThen() }),
  "slow disk": () => diskPlace({ slow: 0, alone: () => true }),
  memory() {
    const disk = createMemoryDisk();
    const options = { later: queueMicrotask, now: Date.now };
    return {
      open: () => Promise.resolve(openMemoryStore(disk, options)),
      clear() {},
    };
  },
};

/** Twice yes, twice no. */
function nowAndThen(): () => boolean {
  let asked = 0;
  return () => (asked++ & 2) === 0;
}

function diskPlace(options: Pick<DiskStoreOptions, "slow" | "alone">): Place {
  const folder = Deno.makeTempDirSync({ prefix: "dfp-blob-" });
  return {
    open: () => openDiskStore({ folder: `${folder}/files`, ...options }),
    clear: () => Deno.removeSync(folder, { recursive: true }),
  };
}

/** Registers one test for each kind of store. */
export function testStores(name: string, play: (place: Place) => Promise<void>): void {
  for (const [kind, make] of Object.entries(PLACES)) {
    Deno.test(`${kind}: ${name}`, async () => {
      const place = make();
      try {
        await play(place);
      } finally {
        place.clear();
      }
    });
  }
}

/** Registers one test for each kind of store, with a store that is open. */
export function testStore(name: string, play: (store: BlobStore) => Promise<void>): void {
  testStores(name, async (place) => {
    const store = await place.open();
    try {
      await play(store);
    } finally {
      await store.close();
    }
  });
}

/** An upload, followed by its callbacks. */
export interface Upload {
  readonly writer: BlobWriter;
  /** Where it goes on; or why it does not. */
  readonly opened: Promise<number | BlobFault>;
  /** The size of what was kept; or why it was not. */
  readonly over: Promise<number | BlobFault>;
  /** How many bytes were stored since it was opened. */
  readonly stored: number;
  /** Resolves when so many were, or it is over. */
  until(count: number): Promise<void>;
  /** Every callback by its name. */
  readonly told: string[];
}

/** Opens an upload. */
export function startUpload(store: BlobStore, upload: number, options: WriteOptions): Upload {
  const opened = Promise.withResolvers<number | BlobFault>();
  const over = Promise.withResolvers<number | BlobFault>();
  const told: string[] = [];
  let waiting: { count: number; resolve: () => void }[] = [];
  let stored = 0;
  let within = true;
  const tell = (what: string) => {
    assert(!within, `${what} was told within the call`);
    told.push(what);
  };
  const writer = store.write(upload, options, {
    opened(offset) {
      tell("opened");
      opened.resolve(offset);
    },
    stored(count) {
      tell("stored");
      stored += count;
      for (const one of waiting) if (one.count <= stored) one.resolve();
    },
    kept(size) {
      tell("kept");
      over.resolve(size);
    },
    failed(fault) {
      tell("failed");
      opened.resolve(fault);
      over.resolve(fault);
      for (const { resolve } of waiting) resolve();
    },
  });
  within = false;
  return {
    writer,
    told,
    opened: opened.promise,
    over: over.promise,
    get stored() {
      return stored;
    },
    until(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (count <= stored) resolve();
      waiting = [...waiting.filter(({ count }) => count > stored), { count, resolve }];
      return promise;
    },
  };
}

/** Uploads all of it, from where it stands, and finishes. */
export async function upload(
  store: BlobStore,
  number: number,
  bytes: Uint8Array,
  sha256 = sha256Of(bytes),
): Promise<number | BlobFault> {
  const { writer, opened, over } = startUpload(store, number, { size: bytes.length });
  const offset = await opened;
  if (typeof offset !== "number") return offset;
  writer.write(bytes.slice(offset));
  writer.finish(sha256);
  return over;
}

/** What a reader gave. */
export interface Download {
  /** The size that was told; or why there is nothing. */
  readonly opened: number | BlobFault;
  readonly bytes: Uint8Array;
  readonly blocks: readonly Block[];
}

/** Reads a content to its end. */
export function download(
  store: BlobStore,
  sha256: string,
  { offset = 0, deflate = false, pulls = 2 } = {},
): Promise<Download> {
  const { promise, resolve, reject } = Promise.withResolvers<Download>();
  const blocks: Block[] = [];
  const parts: Uint8Array[] = [];
  let size: number | BlobFault = -1;
  const end = () => resolve({ opened: size, bytes: join(parts), blocks });
  const reader = store.read(sha256, { offset, deflate }, {
    opened: (told) => size = told,
    block(block) {
      try {
        blocks.push(block);
        parts.push(...chunksOf(block));
        reader.pull();
      } catch (error) {
        reject(error);
      }
    },
    end,
    failed(fault) {
      if (size === -1) size = fault;
      else reject(new Error(fault.text));
      end();
    },
  });
  for (let i = 0; i < pulls; i++) reader.pull();
  return promise;
}

/** A reader that is pulled by hand. */
export interface Pulled {
  readonly reader: BlobReader;
  /** Pulls the next block; "end", or the fault, when there is none. */
  next(): Promise<Uint8Array | "end" | BlobFault>;
  readonly opened: Promise<number | BlobFault>;
}

/** Opens a reader to be pulled by hand. */
export function startDownload(store: BlobStore, sha256: string, offset = 0): Pulled {
  const opened = Promise.withResolvers<number | BlobFault>();
  const blocks: (Uint8Array | "end" | BlobFault)[] = [];
  let wake = () => {};
  const add = (what: Uint8Array | "end" | BlobFault) => {
    blocks.push(what);
    wake();
  };
  const reader = store.read(sha256, { offset, deflate: false }, {
    opened: opened.resolve,
    block: (block) => add(join(chunksOf(block))),
    end: () => add("end"),
    failed(fault) {
      opened.resolve(fault);
      add(fault);
    },
  });
  return {
    reader,
    opened: opened.promise,
    async next() {
      reader.pull();
      if (blocks.length === 0) await new Promise<void>((resolve) => wake = resolve);
      return blocks.shift()!;
    },
  };
}

/** The file's bytes in a block, chunk by chunk; the layout must be as promised. */
export function chunksOf({ bytes, chunks }: Block): Uint8Array[] {
  let end = 0;
  const parts = chunks.map(({ start, length, raw }) => {
    assertEquals(start, end + HEADER_ROOM, "chunks follow each other, with room for a header");
    end = start + length;
    const payload = bytes.subarray(start, end);
    if (raw === undefined) return payload;
    const view = new DataView(payload.buffer, payload.byteOffset);
    assertEquals(view.getUint32(0), raw, "the raw length stands first");
    const plain = new Uint8Array(inflateRawSync(payload.subarray(RAW_LENGTH_BYTES)));
    assertEquals(plain.length, raw);
    assert(length <= raw, "what is deflated is smaller");
    return plain;
  });
  assertEquals(end, bytes.length, "nothing follows the last chunk");
  for (const part of parts) assert(part.length > 0 && part.length <= CHUNK_BYTES);
  return parts;
}

/** Asks a question that has one answer. */
export function ask<T>(question: (done: (answer: T) => void) => void): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  let within = true;
  question((answer) => {
    assert(!within, "the answer came within the call");
    resolve(answer);
  });
  within = false;
  return promise;
}

export const has = (store: BlobStore, sha256: string) =>
  ask<number | undefined>((done) => store.has(sha256, done));
export const remove = (store: BlobStore, sha256: string) =>
  ask<BlobFault | undefined>((done) => store.remove(sha256, done));
export const discard = (store: BlobStore, upload: number) =>
  ask<BlobFault | undefined>((done) => store.discard(upload, done));
export const uploads = (store: BlobStore) => ask<number[]>((done) => store.uploads(done));
export const contents = (store: BlobStore, after = "", count = 1_000_000) =>
  ask<KeptContent[]>((done) => store.contents(after, count, done));

/** The status of a fault; other outcomes as they are. */
export function statusOf<T>(outcome: T | BlobFault): T | BlobFault["status"] {
  return typeof outcome === "object" && outcome !== null && "status" in outcome
    ? outcome.status
    : outcome as T;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Bytes that tell where in the file they stand, and whose they are; they do not shrink. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed * 2654435761 >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Bytes that shrink. */
export function prose(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = noise(997, seed).map((byte) => 0x61 + byte % 7);
  return Uint8Array.from({ length }, (_, i) => words[i % 997]);
}
