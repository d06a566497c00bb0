/**
 * Part files: where a download lies until it is whole (DESIGN §7). A part is hidden beside the file that it
 * will be, called after the content, and stays when the download is cut off: the next one goes on with it.
 *
 * One download at a time writes to a part, by a lock that ends with its process, however that ends. Under its
 * own name a file appears only when it is whole, and never in the place of another.
 *
 * Where that takes next to no time bytes are written on the spot, while they are in the processor's cache, and from
 * where they were received; else in another thread, so that nobody has to wait.
 *
 * @module
 */

import { join } from "node:path";
import { numberedName } from "../files/safe_name.ts";
import { DiskError, diskError, onDisk } from "./disk_error.ts";

/** A download that is not whole yet. */
export interface PartFile {
  readonly path: string;
  /** How many bytes are there. */
  readonly size: number;
  /** Whether the next bytes are written on the spot: then it does not matter how few they are. */
  readonly quick: boolean;
  /** Reads some of them, all before the first is added: the lock may keep off any other reader. */
  read(offset: number, into: Uint8Array): Promise<number>;
  /** Adds bytes at its end on the spot, if that is where they belong by now, and is quick. */
  writeNow(bytes: Uint8Array, at: number): boolean;
  /** Adds bytes at its end. */
  write(bytes: Uint8Array): Promise<void>;
  /** It is whole: gives it a name that no other file has, and says the path. */
  keep(safeName: string): Promise<string>;
  /** It is not worth going on with. */
  drop(): Promise<void>;
  /** Lets go of it; if it holds anything, it stays. */
  close(): Promise<void>;
}

/** The content of a part. */
export interface PartContent {
  readonly sha256: string;
  /** What it will be in the end, in bytes. */
  readonly size: number;
}

/** How a part is opened. */
export interface PartOptions {
  /** Where writing takes less than so many ms, or a MiB of much, the next bytes are written on the spot; 4 by default. */
  readonly quick?: number;
}

const QUICK_MS = 4;
/** Another thread's end is heard of only when this one has time: so many times as much still counts as quick. */
const HEARD_LATE = 4;
const MIB = 1024 * 1024;
/** So many downloads of the same content into the same folder at the same time. */
const PARTS_MAX = 100;
/** So many files of the same name in a folder. */
const NAMES_MAX = 10_000;
/** How much of the hash its name holds. */
const HASH_DIGITS = 16;

class LockedPart implements PartFile {
  readonly #folder: string;
  readonly path: string;
  readonly #file: Deno.FsFile;
  size: number;
  quick = false;
  readonly #quickMs: number;
  /** The file stands at its end. */
  #writing = false;
  #gone = false;

  constructor(
    folder: string,
    { path, file, size }: { path: string; file: Deno.FsFile; size: number },
    quick: number,
  ) {
    this.#folder = folder;
    this.path = path;
    this.#file = file;
    this.size = size;
    this.#quickMs = quick;
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    return await onDisk(this.path, "read", async () => {
      await this.#file.seek(offset, Deno.SeekMode.Start);
      return await this.#file.read(into) ?? 0;
    });
  }

  writeNow(bytes: Uint8Array, at: number): boolean {
    // While some before them wait, in the stream or in another thread, it does not reach so far.
    if (!this.quick || at !== this.size) return false;
    try {
      this.#writeHere(bytes);
    } catch (error) {
      throw diskError(error, this.path, "written");
    }
    return true;
  }

  #writeHere(bytes: Uint8Array): void {
    const begun = performance.now();
    for (let at = 0; at < bytes.length;) {
      const count = this.#file.writeSync(bytes.subarray(at));
      at += count;
      this.size += count;
    }
    this.quick = performance.now() - begun < this.#quickFor(bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await onDisk(this.path, "written", async () => {
      if (!this.#writing) await this.#file.seek(this.size, Deno.SeekMode.Start);
      this.#writing = true;
      if (this.quick) return this.#writeHere(bytes);
      const begun = performance.now();
      for (let at = 0; at < bytes.length;) {
        const count = await this.#file.write(bytes.subarray(at));
        at += count;
        this.size += count;
      }
      this.quick = performance.now() - begun < HEARD_LATE * this.#quickFor(bytes);
    });
  }

  /** Writing them in less than so many ms is quick. */
  #quickFor(bytes: Uint8Array): number {
    return this.#quickMs * Math.max(1, bytes.length / MIB);
  }

  async keep(safeName: string): Promise<string> {
    return await onDisk(join(this.#folder, safeName), "written", async () => {
      await this.#file.sync();
      for (let number = 1; number <= NAMES_MAX; number++) {
        const path = join(this.#folder, numberedName(safeName, number));
        if (!await this.#name(path)) continue;
        this.#gone = true;
        return path;
      }
      throw new DiskError("full", `There are ${NAMES_MAX} files called ${safeName} already.`);
    });
  }

  /** Gives it a name, unless there is something of that name. */
  async #name(path: string): Promise<boolean> {
    try {
      // Unlike a rename, a link never takes the place of another file.
      await Deno.link(this.path, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      if (error instanceof Deno.errors.NotFound) throw error;
      return await this.#rename(path);
    }
    await Deno.remove(this.path);
    return true;
  }

  /** The same where there are no links: an empty file takes the name first. */
  async #rename(path: string): Promise<boolean> {
    try {
      (await Deno.open(path, { write: true, createNew: true })).close();
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
    try {
      await Deno.rename(this.path, path);
    } catch (error) {
      await Deno.remove(path);
      throw error;
    }
    return true;
  }

  async drop(): Promise<void> {
    this.#gone = true;
    await onDisk(this.path, "written", () => Deno.remove(this.path));
  }

  async close(): Promise<void> {
    try {
      if (!this.#gone && this.size === 0) await this.drop();
    } finally {
      this.#file.close();
    }
  }
}

/**
 * Opens the part of a content in a folder, which is made if it is not there: what is left of a download that
 * was cut off, or an empty one.
 *
 * @throws DiskError if the folder cannot be written to.
 */
export async function openPart(
  folder: string,
  content: PartContent,
  { quick = QUICK_MS }: PartOptions = {},
): Promise<PartFile> {
  return await onDisk(folder, "written", async () => {
    await Deno.mkdir(folder, { recursive: true });
    for (let number = 1; number <= PARTS_MAX; number++) {
      const more = number === 1 ? "" : `.${number}`;
      const path = join(folder, `.${content.sha256.slice(0, HASH_DIGITS)}${more}.part`);
      const part = await lockPart(path, content.size);
      if (part !== undefined) return new LockedPart(folder, part, quick);
    }
    throw new DiskError("full", `${PARTS_MAX} downloads of this file go on already.`);
  });
}

/** Opens a part for this download alone; `undefined` if another one has it. */
async function lockPart(path: string, whole: number) {
  for (;;) {
    const file = await openOrCreate(path);
    if (file === "taken") return undefined;
    if (file === "changed") continue;
    try {
      if (!await lock(file)) return close(file);
      const info = await file.stat();
      // Whoever had it may have named it or dropped it before the lock was free.
      if (!await isAt(path, info)) {
        close(file);
        continue;
      }
      if ((info.nlink ?? 1) > 1 || info.size > whole) {
        // It has a name already and belongs to somebody, or is no beginning of this content.
        await Deno.remove(path);
        close(file);
        continue;
      }
      return { path, file, size: info.size };
    } catch (error) {
      close(file);
      throw error;
    }
  }
}

function close(file: Deno.FsFile): undefined {
  file.close();
}

async function openOrCreate(path: string): Promise<Deno.FsFile | "taken" | "changed"> {
  try {
    const info = await Deno.lstat(path);
    // A link, or a folder: nothing that was made here.
    if (!info.isFile) return "taken";
    return await Deno.open(path, { read: true, write: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    return await Deno.open(path, { read: true, write: true, createNew: true });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return "changed";
    throw error;
  }
}

async function lock(file: Deno.FsFile): Promise<boolean> {
  try {
    return await file.tryLock(true);
  } catch {
    // Some file systems of networks have no locks: there the name alone must do.
    return true;
  }
}

/** Whether a path still means the file that was opened. */
async function isAt(path: string, { ino, dev }: Deno.FileInfo): Promise<boolean> {
  try {
    const there = await Deno.lstat(path);
    return there.isFile && there.ino === ino && there.dev === dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
