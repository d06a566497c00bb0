/**
 * Where the bytes of files lie (DESIGN §7), behind an interface that a disk fills (disk_store.ts), and
 * memory for the simulator (memory_store.ts).
 *
 * A content is known by the SHA-256 of its bytes, and an upload that is not whole yet by a number. No
 * name that anybody has chosen comes here, so none can reach the file system.
 *
 * Nothing waits: each call returns at once, and what came of it is told later, never within the call.
 * What is told of one writer or reader comes in order; after `failed`, after the end, and after its
 * `close` nothing more of it is told. A caller's mistake throws: a digest that is none, bytes before
 * `opened`.
 *
 * @module
 */

/** The most bytes of a file in one chunk: what one DATA frame carries. */
export const CHUNK_BYTES = 65_536;
/** Bytes of room before each chunk of a block: a frame's header goes there. */
export const HEADER_ROOM = 8;
/** Bytes before what is deflated: they say how many bytes of the file it is, in network order. */
export const RAW_LENGTH_BYTES = 4;
/** The most chunks of a block. */
export const BLOCK_CHUNKS = 8;
/** The memory of a block, in bytes. */
export const BLOCK_BYTES: number = BLOCK_CHUNKS * (HEADER_ROOM + CHUNK_BYTES);
/** The most pulls of one reader that are not answered yet. */
export const PULLS_MAX = 2;
/** Bytes of the arrays that {@linkcode BlobStore.batch} gives: enough to be lent to a connection. */
export const BATCH_BYTES: number = 17 * (HEADER_ROOM + CHUNK_BYTES);
/** The most bytes of a file. */
export const BLOB_BYTES_MAX = 2 ** 50;

/** Why something was not done. */
export interface BlobFault {
  /**
   * - `storage-full`: there is no room; the same may succeed later.
   * - `bad-content`: the bytes are not what they were said to be. What came of the upload is gone.
   * - `no-file`: there is no such content here.
   * - `replaced`: somebody else has opened the same upload, or discarded it.
   * - `internal`: the storage failed.
   */
  readonly status: "storage-full" | "bad-content" | "no-file" | "replaced" | "internal";
  /** A sentence for people. */
  readonly text: string;
  /** What the system said, for the log; it may name paths, so it is not for peers. */
  readonly cause?: string;
}

/** What is told of a writer. */
export interface WriterEvents {
  /** Bytes may come, those from `offset` on; so many are here already. */
  opened(offset: number): void;
  /** So many more bytes of the file are written. They outlast the process, but perhaps not the power. */
  stored(count: number): void;
  /** The content is whole and kept, and outlasts the power. The writer is over. */
  kept(size: number): void;
  /** The writer is over. */
  failed(fault: BlobFault): void;
}

/** An upload that is being written. */
export interface BlobWriter {
  /**
   * Bytes that will be written next, as soon as more has gathered: they may be hashed now, while they are in the
   * processor's cache. What is not shown is hashed when it is written.
   */
  show(bytes: Uint8Array): void;
  /**
   * Writes the next bytes of the file, in one piece or in several of the same buffer. The whole buffer is taken
   * over, without a copy: to the caller it is empty from now on. Parts of an array of
   * {@linkcode BlobStore.batch} cost the least.
   */
  write(...pieces: Uint8Array[]): void;
  /**
   * Writes the next `raw` bytes of the file, 1 to 65,536 of them, given as raw deflate. Anything else
   * than exactly that many fails with `bad-content`, and no bomb is inflated beyond them. It throws where
   * the writer was not opened for that.
   */
  writePacked(bytes: Uint8Array, raw: number): void;
  /** All was written. The content is kept if it has the announced size and this hash. */
  finish(sha256: string): void;
  /**
   * Ends the writer; what is there stays for the next one. A content that is being finished is kept
   * nevertheless, but that is not told.
   */
  close(): void;
}

/** A piece of a block: a frame's payload. */
export interface BlobChunk {
  /** Where the payload begins; the {@linkcode HEADER_ROOM} bytes before it are free. */
  readonly start: number;
  /** Bytes of the payload. */
  readonly length: number;
  /**
   * There if the payload is deflated: so many bytes of the file. The payload then begins with this
   * number ({@linkcode RAW_LENGTH_BYTES}), and is a PACKED frame's; otherwise it is a DATA frame's.
   */
  readonly raw?: number;
}

/**
 * The next bytes of a file, laid out as frames without their headers: once those are written into the
 * room before each chunk, `bytes` can be sent as it is. Chunks follow each other without a gap.
 *
 * Whoever has sent it may say `bytes.buffer.transfer(0)`: its memory is free then, which it would be
 * only much later if that were left to the garbage collector.
 */
export interface Block {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly chunks: readonly BlobChunk[];
}

/** What is told of a reader. */
export interface ReaderEvents {
  /** It is there; the whole has `size` bytes. */
  opened(size: number): void;
  /** An answer to a pull. */
  block(block: Block): void;
  /** No byte is left: this follows the last block, or `opened`, unasked. The reader is over. */
  end(): void;
  /** The reader is over. */
  failed(fault: BlobFault): void;
}

/** A content that is being read. It goes on when the content is removed meanwhile. */
export interface BlobReader {
  /** Asks for one more block; {@linkcode PULLS_MAX} may be unanswered. It need not wait for `opened`. */
  pull(): void;
  /** A block was sent: its memory may be used for another. */
  release(block: Block): void;
  close(): void;
}

/** One kept content. */
export interface KeptContent {
  readonly sha256: string;
  readonly size: number;
  /** When it was kept last, in ms since 1970. */
  readonly at: number;
}

/** How an upload is opened. */
export interface WriteOptions {
  /** How many bytes the whole will have. */
  readonly size: number;
  /** `kept`, which is usual: go on where the upload ended. `scratch`: begin anew. */
  readonly from?: "kept" | "scratch";
  /** Whether bytes may come deflated; without it, none do. */
  readonly packed?: boolean;
}

/** How a content is read. */
export interface ReadOptions {
  /** The first byte that is wanted; at most the size. */
  readonly offset: number;
  /** Whether chunks may come deflated. Those that do not shrink come as they are. */
  readonly deflate: boolean;
}

/** Keeps contents. */
export interface BlobStore {
  /** The size of a content that is kept and outlasts the power; `undefined` if there is none. */
  has(sha256: string, done: (size: number | undefined) => void): void;
  /**
   * Opens an upload where it ended, which is made if it is not there. One that is longer than `size` is
   * begun anew. An upload has one writer: the one before fails with `replaced`. But what is being
   * finished is finished first, and then the upload begins anew.
   */
  write(upload: number, options: WriteOptions, events: WriterEvents): BlobWriter;
  /** An array of {@linkcode BATCH_BYTES} to be filled for {@linkcode BlobWriter.write}: a used one, if there is one. */
  batch(): Uint8Array<ArrayBuffer>;
  /** Opens a content. */
  read(sha256: string, options: ReadOptions, events: ReaderEvents): BlobReader;
  /**
   * Removes a content. It is gone at once; its room is freed by and by. One that is not there is gone,
   * too. One that a writer is finishing at the moment stays: it is wanted anew.
   */
  remove(sha256: string, done: (fault?: BlobFault) => void): void;
  /** Removes what came of an upload, and fails its writer with `replaced`. */
  discard(upload: number, done: (fault?: BlobFault) => void): void;
  /** The uploads that have bytes here, in ascending order; none where that cannot be found out now. */
  uploads(done: (numbers: number[]) => void): void;
  /**
   * Kept contents in ascending order of their hashes: the first `count` after `after`, "" being before all;
   * none where that cannot be found out now.
   */
  contents(after: string, count: number, done: (list: KeptContent[]) => void): void;
  /**
   * Ends readers and writers without a word, but for those that finish; waits for these and for
   * whatever else is under way, then ends the store. It takes no call after this. A store that is not
   * closed may keep the process from ending.
   */
  close(): Promise<void>;
}

/**
 * Whether this is a SHA-256 as it is written here: 64 hex digits in lower case.
 *
 * @example
 * ```ts
 * import { isDigest } from "./blob_store.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([isDigest("0f".repeat(32)), isDigest("../secret")], [true, false]);
 * ```
 */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
