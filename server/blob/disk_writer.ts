/**
 * One upload on the disk: its bytes go into a file of their own, and are hashed as they come, if the near side
 * does not do that. When all are there and the hash is right, the file is flushed and renamed into place, so that
 * no cut of the power ever shows half a content under a hash.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { badDeflate, tooLittle, tooMuch, WRONG_HASH } from "./blob_fault.ts";
import { setImmediate } from "node:timers";
import { type BlobPlace, type BlobReply, type BlobRequest, hashesHere } from "./blob_message.ts";
import type { BlobFault } from "./blob_store.ts";
import { faultOf, infoOf } from "./disk_path.ts";
import { type DiskLayout, prefixOf } from "./disk_layout.ts";
import type { FolderSync } from "./folder_sync.ts";
import type { Slices } from "./slices.ts";
import type { Trash } from "./trash.ts";
import { unpack } from "./unpack.ts";

/** What of an upload is hashed at a time when it is opened again: half a millisecond. */
const SLICE_BYTES = 1024 * 1024;

/** What writers share. */
export interface DiskParts {
  readonly layout: DiskLayout;
  readonly folders: FolderSync;
  readonly trash: Trash;
  readonly slices: Slices;
  readonly tell: (reply: BlobReply) => void;
}

/** A writer on the disk. */
export interface DiskWriter {
  readonly id: number;
  readonly upload: number;
  open(): void;
  write(pieces: readonly Uint8Array[], place?: BlobPlace): void;
  writePacked(bytes: Uint8Array, raw: number): void;
  /** Keeps the content; resolves when that is told, one way or the other. */
  finish(hashes: Pick<Extract<BlobRequest, { op: "finish" }>, "sha256" | "found">): Promise<void>;
  /** Ends it without a word. */
  close(): void;
  fail(fault: BlobFault): void;
}

class PartialFile implements DiskWriter {
  readonly id: number;
  readonly upload: number;
  readonly #size: number;
  readonly #scratch: boolean;
  readonly #packed: boolean;
  readonly #path: string;
  readonly #parts: DiskParts;
  readonly #over: () => void;
  /** Of what is there, and then of what comes; not where the near side hashes. */
  #hash: Hash | undefined = createHash("sha256");
  #file: Deno.FsFile | undefined;
  #offset = 0;

  constructor(
    { id, upload, size, scratch, packed }: Extract<BlobRequest, { op: "open-writer" }>,
    parts: DiskParts,
    over: () => void,
  ) {
    this.id = id;
    this.upload = upload;
    this.#size = size;
    this.#scratch = scratch;
    this.#packed = packed;
    this.#path = parts.layout.partial(upload);
    this.#parts = parts;
    this.#over = over;
  }

  open(): void {
    try {
      const there = infoOf(this.#path)?.size ?? 0;
      if (this.#scratch || there > this.#size) this.#parts.trash.take(this.#path);
      this.#file = Deno.openSync(this.#path, {
        read: true,
        write: true,
        create: true,
        mode: 0o600,
      });
      if (this.#file.statSync().size === 0) this.#opened();
      else this.#parts.slices.add(() => this.#hashSlice());
    } catch (error) {
      this.fail(faultOf(error));
    }
  }

  #opened(): void {
    if (hashesHere({ at: this.#offset, packed: this.#packed })) this.#hash = undefined;
    this.#parts.tell({ id: this.id, told: "opened", at: this.#offset });
  }

  /** Hashes more of what was there already; the file ends up at its end. */
  #hashSlice(): boolean {
    const file = this.#file;
    if (file === undefined) return false;
    try {
      const count = file.readSync(slice);
      if (count !== null) {
        this.#hash!.update(slice.subarray(0, count));
        this.#offset += count;
        return true;
      }
      this.#opened();
    } catch (error) {
      this.fail(faultOf(error));
    }
    return false;
  }

  write(pieces: readonly Uint8Array[], place?: BlobPlace): void {
    if (place !== undefined && place.at !== this.#offset) {
      try {
        this.#offset = this.#file!.seekSync(place.at, Deno.SeekMode.Start);
      } catch (error) {
        this.fail(faultOf(error));
        return;
      }
    }
    // The memory goes back, since making it anew would cost more than filling it.
    this.#append(pieces, pieces[0].buffer as ArrayBuffer);
  }

  #append(pieces: readonly Uint8Array[], spare?: ArrayBuffer): void {
    const file = this.#file!;
    const count = pieces.reduce((sum, { length }) => sum + length, 0);
    if (count > this.#size - this.#offset) {
      this.#spoil(tooMuch(this.#size));
      return;
    }
    try {
      for (const bytes of pieces) {
        for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
        this.#hash?.update(bytes);
      }
    } catch (error) {
      this.fail(faultOf(error));
      return;
    }
    this.#offset += count;
    this.#parts.tell({ id: this.id, told: "stored", count, ...spare !== undefined && { spare } });
  }

  writePacked(bytes: Uint8Array, raw: number): void {
    const plain = unpack(bytes, raw);
    if (plain === undefined) this.#spoil(badDeflate(raw));
    else this.#append([plain]);
  }

  async finish({ sha256, found }: Parameters<DiskWriter["finish"]>[0]) {
    const size = found?.size ?? this.#offset;
    if (size !== this.#size) {
      this.#spoil(tooLittle(size, this.#size));
    } else if ((found?.sha256 ?? this.#hash?.digest("hex")) !== sha256) {
      this.#spoil(WRONG_HASH);
    } else {
      await this.#keep(sha256);
    }
  }

  async #keep(sha256: string): Promise<void> {
    const { layout, folders, trash, tell } = this.#parts;
    const folder = layout.keptFolder(prefixOf(sha256));
    const kept = layout.kept(sha256);
    const now = new Date();
    try {
      if (infoOf(kept)?.size === this.#size) {
        trash.take(this.#path);
        Deno.utimeSync(kept, now, now);
      } else {
        await this.#sync();
        this.#file!.utimeSync(now, now);
        if (makeFolder(folder)) folders.changed(layout.keptFolders);
        // If the same content came meanwhile, this takes its place, and nobody can tell them apart.
        Deno.renameSync(this.#path, kept);
        folders.changed(folder);
        folders.changed(layout.partials);
      }
      await Promise.all([
        folders.settled(folder),
        folders.settled(layout.keptFolders),
        folders.settled(layout.partials),
      ]);
    } catch (error) {
      this.fail(faultOf(error));
      return;
    }
    const file = this.#file;
    this.#file = undefined;
    this.#over();
    tell({ id: this.id, told: "kept", size: this.#size });
    // If it is in the trash this is what frees its bytes, which takes long, and nobody waits for it.
    setImmediate(() => file?.close());
  }

  /** Waits until the bytes are on the disk. If it does not take them, nobody can say which are. */
  async #sync(): Promise<void> {
    try {
      await this.#file!.syncData();
    } catch (error) {
      this.#parts.trash.take(this.#path);
      throw error;
    }
  }

  /** What came cannot be trusted: it goes. */
  #spoil(fault: BlobFault): void {
    try {
      this.#parts.trash.take(this.#path);
      this.fail(fault);
    } catch (error) {
      this.fail(faultOf(error));
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#over();
  }

  fail(fault: BlobFault): void {
    this.close();
    this.#parts.tell({ id: this.id, told: "failed", fault });
  }
}

/** What is hashed is read into here. */
const slice = new Uint8Array(SLICE_BYTES);

/** Makes a folder; whether it was not there. */
function makeFolder(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** Makes a writer, which is not open yet. `over` is called when it is over, before that is told. */
export function createDiskWriter(
  request: Extract<BlobRequest, { op: "open-writer" }>,
  parts: DiskParts,
  over: () => void,
): DiskWriter {
  return new PartialFile(request, parts, over);
}
