/**
 * Readers on the near side of a store on a disk. What the system has at hand is read fastest by whoever sends it on:
 * through another thread it would leave one processor's cache for another's. A disk that makes one wait is left to
 * the far side for a while, so that nobody else has to wait for it; and so is what comes deflated.
 *
 * @module
 */

import type { BlobReply, BlobRequest } from "./blob_message.ts";
import type { DiskLayout } from "./disk_layout.ts";
import { createDiskReader, type DiskReader } from "./disk_reader.ts";
import type { FilePatience, NearPatience } from "./near_patience.ts";
import type { NearDisk, NearDiskHost } from "./store_sides.ts";

/** What readers are made with. */
export interface NearReadersOptions {
  readonly layout: DiskLayout;
  readonly host: NearDiskHost;
  readonly patience: NearPatience;
}

type Opening = Extract<BlobRequest, { op: "open-reader" }>;

/** A reader that is here. */
interface Here {
  readonly opening: Opening;
  readonly reader: DiskReader;
  readonly patience: FilePatience;
  /** Where the next block begins. */
  at: number;
  /** The far side goes on with it. */
  moved: boolean;
}

class NearReaders implements NearDisk {
  readonly #options: NearReadersOptions;
  readonly #here = new Map<number, Here>();

  constructor(options: NearReadersOptions) {
    this.#options = options;
  }

  take(request: BlobRequest): boolean {
    switch (request.op) {
      case "open-reader":
        if (request.deflate || this.#options.patience.over) return false;
        this.#open(request);
        return true;
      case "pull": {
        const here = this.#here.get(request.id);
        if (here === undefined) return false;
        this.#options.host.defer(() => this.#pull(request, here));
        return true;
      }
      case "close-reader":
        return this.#here.has(request.id);
      default:
        return false;
    }
  }

  #open(opening: Opening): void {
    const { layout, host } = this.#options;
    const { id, sha256, offset } = opening;
    const reader = createDiskReader(opening, (reply) => this.#hear(reply), () => {});
    const patience = this.#options.patience.open();
    this.#here.set(id, { opening, reader, patience, at: offset, moved: false });
    host.defer(() => {
      if (this.#here.has(id)) reader.open(layout.kept(sha256));
    });
  }

  #pull(request: Extract<BlobRequest, { op: "pull" }>, here: Here): void {
    if (here.moved) return this.#options.host.send(request);
    // It was closed meanwhile.
    if (!this.#here.has(request.id)) return;
    const more = here.patience.run(() => here.reader.pull(request.spare));
    if (!more && this.#here.has(request.id)) this.#move(here);
  }

  #hear(reply: BlobReply): void {
    const here = this.#here.get(reply.id)!;
    if (reply.told === "block") {
      for (const { length } of reply.block.chunks) here.at += length;
    }
    if (reply.told === "end" || reply.told === "failed") this.#here.delete(reply.id);
    this.#options.host.hear(reply);
  }

  /** The far side goes on. */
  #move(here: Here): void {
    const { opening, reader, at } = here;
    here.moved = true;
    reader.close();
    this.#here.delete(opening.id);
    this.#options.host.send({ ...opening, offset: at });
  }

  forget(id: number): void {
    this.#here.get(id)?.reader.close();
    this.#here.delete(id);
  }

  clear(): void {
    for (const id of this.#here.keys()) this.forget(id);
  }
}

/** Makes the readers of a store. */
export function createNearReaders(options: NearReadersOptions): NearDisk {
  return new NearReaders(options);
}
