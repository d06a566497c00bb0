/**
 * Writers on the near side of a store on a disk. What was just received and hashed lies in the cache of the
 * processor that did it, and is written from there for half of what another thread pays. But it would make
 * others wait: so it is done only while there are none, and while the disk takes bytes at once.
 *
 * The far side has opened the upload, says what is wrong with it, and finishes it. Here its file is opened once more,
 * and a batch is written if all before it is stored. Each request says where its bytes go, so the far side
 * can go on at any time; it does where anything fails here, and finds out for itself what it is.
 *
 * @module
 */

import type { BlobRequest } from "./blob_message.ts";
import type { DiskLayout } from "./disk_layout.ts";
import type { FilePatience, NearPatience } from "./near_patience.ts";
import type { NearDisk, NearDiskHost } from "./store_sides.ts";

/** What writers are made with. */
export interface NearWritersOptions {
  readonly layout: DiskLayout;
  readonly host: NearDiskHost;
  readonly patience: NearPatience;
  /** Whether nobody waits for this thread but whoever writes. */
  readonly alone: () => boolean;
}

type Opening = Extract<BlobRequest, { op: "open-writer" }>;
type Writing = Extract<BlobRequest, { op: "write" }>;

/** An upload that may be written here. */
interface Here {
  readonly opening: Opening;
  readonly patience: FilePatience;
  /** Opened with the first batch. */
  file?: Deno.FsFile;
}

class NearWriters implements NearDisk {
  readonly #options: NearWritersOptions;
  readonly #here = new Map<number, Here>();

  constructor(options: NearWritersOptions) {
    this.#options = options;
  }

  // Files are let go of here before the far side does: where they are gone, whoever is last frees their bytes.
  take(request: BlobRequest): boolean {
    switch (request.op) {
      case "open-writer":
        // Whoever wrote it so far has nothing to add, also until it is told that.
        this.#leaveUpload(request.upload);
        if (!this.#options.patience.over) {
          this.#here.set(request.id, { opening: request, patience: this.#options.patience.open() });
        }
        return false;
      case "write":
        return this.#write(request);
      case "finish":
        this.forget(request.id);
        return false;
      case "ask":
        if (request.question.about === "discard") this.#leaveUpload(request.question.upload);
        return false;
      default:
        return false;
    }
  }

  #write({ id, pieces, place }: Writing): boolean {
    const here = this.#here.get(id);
    if (here === undefined || place === undefined || place.behind || !this.#options.alone()) {
      return false;
    }
    const count = pieces.reduce((sum, { length }) => sum + length, 0);
    if (place.at + count > here.opening.size) return false;
    try {
      if (!here.patience.run(() => this.#append(here, pieces, place.at))) this.forget(id);
    } catch {
      this.forget(id);
      return false;
    }
    const spare = pieces[0].buffer as ArrayBuffer;
    const { defer, hear } = this.#options.host;
    defer(() => hear({ id, told: "stored", count, spare }));
    return true;
  }

  #append(here: Here, pieces: readonly Uint8Array[], at: number): void {
    const { layout } = this.#options;
    const file = here.file ??= Deno.openSync(layout.partial(here.opening.upload), { write: true });
    file.seekSync(at, Deno.SeekMode.Start);
    for (const bytes of pieces) {
      for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    }
  }

  /** Somebody else writes this upload from now on, or nobody. */
  #leaveUpload(upload: number): void {
    for (const [id, { opening }] of this.#here) if (opening.upload === upload) this.forget(id);
  }

  forget(id: number): void {
    this.#here.get(id)?.file?.close();
    this.#here.delete(id);
  }

  clear(): void {
    for (const id of this.#here.keys()) this.forget(id);
  }
}

/** Makes the writers of a store. */
export function createNearWriters(options: NearWritersOptions): NearDisk {
  return new NearWriters(options);
}
