/**
 * The far side of a store on a disk: does what it is asked, with file calls that wait. It belongs into a
 * thread where nobody else does (disk_worker.ts).
 *
 * Only what takes a disk long is not waited for: flushing, and unlinking large files. Other requests are
 * done meanwhile, but nothing about an upload that is being finished.
 *
 * @module
 */

import { REPLACED } from "./blob_fault.ts";
import type { BlobAnswer, BlobQuestion, BlobReply, BlobRequest } from "./blob_message.ts";
import { type BlobFault, isDigest, type KeptContent } from "./blob_store.ts";
import { faultOf, infoOf } from "./disk_path.ts";
import { createDiskLayout, type DiskLayout, isPrefix, numberOf, prefixOf } from "./disk_layout.ts";
import { createDiskReader, type DiskReader } from "./disk_reader.ts";
import { createDiskWriter, type DiskParts, type DiskWriter } from "./disk_writer.ts";
import { createFolderSync, type FolderSync } from "./folder_sync.ts";
import { createSlices } from "./slices.ts";
import { openTrash, type Trash } from "./trash.ts";

/** A store's folder, and what is done in it. */
export interface Disk {
  /** Does what is asked; replies may come within the call or later. */
  handle(request: BlobRequest): void;
}

/** What can be asked of a writer that is there. */
type WriterRequest = Extract<BlobRequest, { op: "write" | "write-packed" | "finish" }>;

class FolderDisk implements Disk {
  readonly #layout: DiskLayout;
  readonly #tell: (reply: BlobReply) => void;
  readonly #folders: FolderSync = createFolderSync();
  readonly #trash: Trash;
  readonly #parts: DiskParts;
  /** Writers that wait for their upload to be free. */
  readonly #opening = new Set<number>();
  readonly #writers = new Map<number, DiskWriter>();
  readonly #readers = new Map<number, DiskReader>();
  /** The writer of each upload. */
  readonly #byUpload = new Map<number, DiskWriter>();
  /** Uploads that are being finished, and when that is over. */
  readonly #finishing = new Map<number, Promise<void>>();
  /** What is not waited for. */
  readonly #underWay = new Set<Promise<void>>();

  constructor(folder: string, tell: (reply: BlobReply) => void) {
    this.#layout = createDiskLayout(folder);
    this.#tell = tell;
    makeFolders(this.#layout.folders);
    this.#trash = openTrash(this.#layout);
    this.#parts = {
      layout: this.#layout,
      folders: this.#folders,
      trash: this.#trash,
      slices: createSlices(),
      tell,
    };
  }

  handle(request: BlobRequest): void {
    switch (request.op) {
      case "open-writer":
        this.#opening.add(request.id);
        this.#whenFree(request.upload, () => {
          if (this.#opening.delete(request.id)) this.#openWriter(request);
        });
        break;
      case "write":
      case "write-packed":
      case "finish": {
        const writer = this.#writers.get(request.id);
        if (writer !== undefined) this.#write(writer, request);
        break;
      }
      case "close-writer":
        this.#opening.delete(request.id);
        this.#writers.get(request.id)?.close();
        break;
      case "open-reader":
        this.#openReader(request);
        break;
      case "pull":
        this.#readers.get(request.id)?.pull(request.spare);
        break;
      case "close-reader":
        this.#readers.get(request.id)?.close();
        break;
      case "ask":
        this.#answer(request.id, request.question);
        break;
    }
  }

  #openWriter(request: Extract<BlobRequest, { op: "open-writer" }>): void {
    const { id, upload } = request;
    this.#replaceWriter(upload);
    const writer = createDiskWriter(request, this.#parts, () => {
      this.#writers.delete(id);
      if (this.#byUpload.get(upload) === writer) this.#byUpload.delete(upload);
    });
    this.#writers.set(id, writer);
    this.#byUpload.set(upload, writer);
    writer.open();
  }

  #replaceWriter(upload: number): void {
    this.#byUpload.get(upload)?.fail(REPLACED);
  }

  #write(writer: DiskWriter, request: WriterRequest): void {
    if (request.op === "finish") return this.#finish(writer, request);
    if (request.op === "write") writer.write(request.pieces, request.place);
    else writer.writePacked(request.bytes, request.raw);
  }

  /** From now on it is not the upload's writer any more: what is asked about that waits. */
  #finish(writer: DiskWriter, hashes: Extract<WriterRequest, { op: "finish" }>): void {
    const { upload } = writer;
    this.#writers.delete(writer.id);
    this.#byUpload.delete(upload);
    const finished = writer.finish(hashes).finally(() => this.#finishing.delete(upload));
    this.#finishing.set(upload, finished);
    this.#note(finished);
  }

  #openReader(request: Extract<BlobRequest, { op: "open-reader" }>): void {
    const { id, sha256 } = request;
    const reader = createDiskReader(request, this.#tell, () => this.#readers.delete(id));
    this.#readers.set(id, reader);
    reader.open(this.#layout.kept(sha256));
  }

  #answer(id: number, question: BlobQuestion): void {
    const tell = (answer: BlobAnswer) => this.#tell({ id, told: "answer", answer });
    switch (question.about) {
      case "has":
        this.#note(this.#has(question.sha256).then(tell));
        break;
      case "remove":
        tell(attempt(() => this.#trash.take(this.#layout.kept(question.sha256))));
        break;
      case "discard":
        this.#whenFree(question.upload, () => tell(this.#discard(question.upload)));
        break;
      case "uploads":
        tell(listed(() => this.#uploads()));
        break;
      case "contents":
        tell(listed(() => this.#contents(question.after, question.count)));
        break;
      case "ready":
        tell(undefined);
        break;
      case "settle":
        this.#settle().then(() => tell(undefined));
        break;
    }
  }

  /** An earlier process may have renamed it and been killed before it could flush the folders. */
  async #has(sha256: string): Promise<number | undefined> {
    const path = this.#layout.kept(sha256);
    try {
      if (infoOf(path) === undefined) return undefined;
      await Promise.all([
        this.#folders.settled(this.#layout.keptFolder(prefixOf(sha256))),
        this.#folders.settled(this.#layout.keptFolders),
      ]);
      return infoOf(path)?.size;
    } catch {
      // What cannot be looked at is not here.
      return undefined;
    }
  }

  #discard(upload: number): BlobFault | undefined {
    this.#replaceWriter(upload);
    return attempt(() => this.#trash.take(this.#layout.partial(upload)));
  }

  #uploads(): number[] {
    return files(this.#layout.partials).map(numberOf).filter((number) => number !== undefined)
      .sort((one, other) => one - other);
  }

  #contents(after: string, count: number): KeptContent[] {
    const list: KeptContent[] = [];
    const prefixes = folders(this.#layout.keptFolders).filter(isPrefix);
    for (const prefix of prefixes.sort()) {
      if (prefix < prefixOf(after)) continue;
      const digests = files(this.#layout.keptFolder(prefix)).filter(isDigest);
      for (const sha256 of digests.sort()) {
        if (list.length >= count) return list;
        if (sha256 <= after) continue;
        const info = infoOf(this.#layout.kept(sha256));
        if (info === undefined) continue;
        list.push({ sha256, size: info.size, at: info.mtime?.getTime() ?? 0 });
      }
    }
    return list;
  }

  /** Waits for all that is under way, and lets nothing more begin. */
  async #settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    await this.#trash.close();
  }

  /** Does something about an upload, in the order in which it was asked for. */
  #whenFree(upload: number, run: () => void): void {
    const finishing = this.#finishing.get(upload);
    if (finishing === undefined) run();
    else this.#note(finishing.then(run));
  }

  #note(work: Promise<void>): void {
    this.#underWay.add(work);
    work.finally(() => this.#underWay.delete(work));
  }
}

/** Does something; the fault if it could not be done. */
function attempt(run: () => void): BlobFault | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return faultOf(error);
  }
}

/** A list, or an empty one where nothing can be looked at now, for want of a descriptor say. */
function listed<T>(look: () => T[]): T[] {
  try {
    return look();
  } catch {
    return [];
  }
}

function files(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).filter(({ isFile }) => isFile)
    .map(({ name }) => name);
}

function folders(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name);
}

/** Makes the folders that are not there, and sees to it that they outlast the power. */
function makeFolders(folders: readonly string[]): void {
  let made = false;
  for (const folder of folders) {
    if (infoOf(folder) !== undefined) continue;
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    made = true;
  }
  if (!made || Deno.build.os === "windows") return;
  syncFolder(folders[0]);
  try {
    syncFolder(`${folders[0]}/..`);
  } catch {
    // Where the folder stands is not ours, and may be closed to us.
  }
}

function syncFolder(path: string): void {
  using folder = Deno.openSync(path);
  folder.syncSync();
}

/**
 * Opens a store's folder, which is made if it is not there.
 *
 * @throws Deno.errors if it cannot be used.
 */
export function openDisk(folder: string, tell: (reply: BlobReply) => void): Disk {
  return new FolderDisk(folder, tell);
}
