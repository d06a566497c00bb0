/**
 * A file on this machine as the source of an upload: it is read from wherever it is asked for, and must stay as it
 * is meanwhile. Where that takes next to no time it is read when it is wanted, straight to where it is wanted; else a
 * little ahead, in another thread, so that nobody has to wait.
 *
 * @module
 */

import { basename } from "node:path";
import type { FileSource } from "../files/file_source.ts";
import { DiskError, diskError, onDisk } from "./disk_error.ts";

/** A file on this machine. */
export interface DiskSource extends FileSource {
  /** What it is called in its folder. */
  readonly name: string;
  /** When it was last changed, in ms since 1970; absent where that is not known. */
  readonly modified?: number;
  read(offset: number, into: Uint8Array): Promise<number> | number;
  close(): void;
}

/** What is read ahead at a time; the next such piece is read while one is used. */
const PIECE_BYTES = 512 * 1024;
/** A read that takes less than so many ms is not worth another thread. */
const QUICK_MS = 4;

/** How a file is opened. */
export interface SourceOptions {
  /** Below so many ms a read is quick: then the next is done without another thread; 4 by default. */
  readonly quick?: number;
}

/** Bytes of the file, and where they begin. */
interface Piece {
  start: number;
  length: number;
  bytes: Uint8Array;
}

class OpenFile implements DiskSource {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly name: string;
  readonly size: number;
  readonly modified?: number;
  readonly #quickMs: number;
  #here: Piece = { start: 0, length: 0, bytes: new Uint8Array(0) };
  #ahead: Piece = { start: 0, length: 0, bytes: new Uint8Array(0) };
  /** What is being read ahead. */
  #reading: Promise<void> | undefined;
  /** Whether the last read was quick. */
  #quick = false;
  /** Where the file stands. */
  #position = 0;
  #closed = false;

  constructor(
    path: string,
    { file, info, quick }: { file: Deno.FsFile; info: Deno.FileInfo; quick: number },
  ) {
    this.#path = path;
    this.#file = file;
    this.#quickMs = quick;
    this.name = basename(path);
    this.size = info.size;
    const modified = modifiedAt(info);
    if (modified !== undefined) this.modified = modified;
  }

  read(offset: number, into: Uint8Array): Promise<number> | number {
    const count = this.#copy(offset, into);
    if (count > 0 || offset >= this.size) return count;
    if (this.#quick && this.#reading === undefined) return this.#readHere(offset, into);
    return this.#turn(offset).then(() => this.#copy(offset, into));
  }

  #copy(offset: number, into: Uint8Array): number {
    const { start, length, bytes } = this.#here;
    const at = offset - start;
    if (at < 0 || at >= length) return 0;
    const part = bytes.subarray(at, Math.min(length, at + into.length));
    into.set(part);
    return part.length;
  }

  #readHere(offset: number, into: Uint8Array): number {
    const begun = performance.now();
    try {
      if (this.#position !== offset) {
        this.#position = this.#file.seekSync(offset, Deno.SeekMode.Start);
      }
      const count = this.#file.readSync(into.subarray(0, this.size - offset)) ?? 0;
      this.#position += count;
      if (this.#isLast(offset, count)) this.#expectSame(this.#file.statSync());
      this.#quick = performance.now() - begun < this.#quickMs;
      return count;
    } catch (error) {
      throw diskError(error, this.#path, "read");
    }
  }

  /** Goes on to the piece that begins at this offset. */
  async #turn(offset: number): Promise<void> {
    await this.#reading;
    this.#reading = undefined;
    if (this.#ahead.start !== offset || this.#ahead.length === 0) {
      await this.#load(this.#ahead, offset);
    }
    const used = this.#here;
    this.#here = this.#ahead;
    this.#ahead = used;
    used.length = 0;
    const next = offset + this.#here.length;
    if (this.#here.length === 0 || next >= this.size || this.#quick || this.#closed) return;
    this.#reading = this.#load(used, next);
    // Whoever asks for it hears of it.
    this.#reading.catch(() => {});
  }

  async #load(piece: Piece, offset: number): Promise<void> {
    piece.length = 0;
    const begun = performance.now();
    await onDisk(this.#path, "read", async () => {
      if (this.#position !== offset) {
        this.#position = await this.#file.seek(offset, Deno.SeekMode.Start);
      }
      const count = Math.min(PIECE_BYTES, this.size - offset);
      if (piece.bytes.length < count) piece.bytes = new Uint8Array(count);
      const length = await this.#file.read(piece.bytes.subarray(0, count)) ?? 0;
      this.#position += length;
      if (this.#isLast(offset, length)) this.#expectSame(await this.#file.stat());
      piece.start = offset;
      piece.length = length;
    });
    this.#quick = performance.now() - begun < this.#quickMs;
  }

  /** What was read before its last byte is worth nothing if it is another file by now. */
  #isLast(offset: number, count: number): boolean {
    return offset + count >= this.size || count === 0;
  }

  #expectSame(info: Deno.FileInfo): void {
    if (info.size === this.size && modifiedAt(info) === this.modified) return;
    throw new DiskError("bad-content", `${this.#path} has changed while it was read. Try again.`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }
}

/** A moment before 1970 cannot be told. */
function modifiedAt({ mtime }: Deno.FileInfo): number | undefined {
  const modified = mtime?.getTime();
  return modified === undefined || modified < 0 ? undefined : Math.trunc(modified);
}

/**
 * Opens a file to be read.
 *
 * @throws DiskError if it cannot be read, or is no file.
 */
export async function openSource(
  path: string,
  { quick = QUICK_MS }: SourceOptions = {},
): Promise<DiskSource> {
  return await onDisk(path, "read", async () => {
    // Opening what is no file can wait for ever.
    expectFile(path, await Deno.stat(path));
    const file = await Deno.open(path, { read: true });
    try {
      const info = await file.stat();
      expectFile(path, info);
      return new OpenFile(path, { file, info, quick });
    } catch (error) {
      file.close();
      throw error;
    }
  });
}

function expectFile(path: string, { isFile, isDirectory }: Deno.FileInfo): void {
  if (isFile) return;
  throw new DiskError(
    "no-file",
    isDirectory
      ? `${path} is a folder. Name a file in it, or several by a pattern like *.jpg.`
      : `${path} is no file but a device or the like.`,
  );
}
