/**
 * A file on this machine as the source of an upload: it is read a little ahead, from wherever it is asked
 * for, and must stay as it is meanwhile.
 *
 * @module
 */

import { basename } from "node:path";
import type { FileSource } from "../files/file_source.ts";
import { DiskError, onDisk } from "./disk_error.ts";

/** A file on this machine. */
export interface DiskSource extends FileSource {
  /** What it is called in its folder. */
  readonly name: string;
  /** When it was last changed, in ms since 1970; absent where that is not known. */
  readonly modified?: number;
  read(offset: number, into: Uint8Array): Promise<number> | number;
  close(): void;
}

/** What is read at a time. */
const AHEAD_BYTES = 512 * 1024;

class OpenFile implements DiskSource {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly name: string;
  readonly size: number;
  readonly modified?: number;
  readonly #ahead: Uint8Array;
  /** Where what was read ahead begins, and how much it is. */
  #start = 0;
  #length = 0;
  #closed = false;

  constructor(path: string, { file, info }: { file: Deno.FsFile; info: Deno.FileInfo }) {
    this.#path = path;
    this.#file = file;
    this.name = basename(path);
    this.size = info.size;
    const modified = modifiedAt(info);
    if (modified !== undefined) this.modified = modified;
    this.#ahead = new Uint8Array(Math.min(AHEAD_BYTES, info.size));
  }

  read(offset: number, into: Uint8Array): Promise<number> | number {
    const count = this.#copy(offset, into);
    if (count > 0 || offset >= this.size) return count;
    return this.#fill(offset).then(() => this.#copy(offset, into));
  }

  #copy(offset: number, into: Uint8Array): number {
    const at = offset - this.#start;
    if (at < 0 || at >= this.#length) return 0;
    const piece = this.#ahead.subarray(at, Math.min(this.#length, at + into.length));
    into.set(piece);
    return piece.length;
  }

  async #fill(offset: number): Promise<void> {
    this.#length = 0;
    await onDisk(this.#path, "read", async () => {
      await this.#file.seek(offset, Deno.SeekMode.Start);
      const room = this.#ahead.subarray(0, Math.min(this.#ahead.length, this.size - offset));
      this.#length = await this.#file.read(room) ?? 0;
      this.#start = offset;
      // What was read before its last byte is worth nothing if it is another file by now.
      if (offset + this.#length >= this.size || this.#length === 0) await this.#expectSame();
    });
  }

  async #expectSame(): Promise<void> {
    const info = await this.#file.stat();
    if (info.size === this.size && modifiedAt(info) === this.modified) return;
    this.#length = 0;
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
export async function openSource(path: string): Promise<DiskSource> {
  return await onDisk(path, "read", async () => {
    // Opening what is no file can wait for ever.
    expectFile(path, await Deno.stat(path));
    const file = await Deno.open(path, { read: true });
    try {
      const info = await file.stat();
      expectFile(path, info);
      return new OpenFile(path, { file, info });
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
