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
import type { NearDisk, NearDiskHost } from "./store_sides.ts";

/** A block that takes more ms was not at hand; two of them in a row are too much. */
const SLOW_MS = 5;
const SLOW_MAX = 2;
/** How long all that is opened is left to the far side then, in ms. */
const REST_MS = 60_000;

/** What readers are made with. */
export interface NearReadersOptions {
  readonly layout: DiskLayout;
  readonly host: NearDiskHost;
  /** Below so many ms a block is at hand; 5 by default. */
  readonly slow?: number;
}

type Opening = Extract<BlobRequest, { op: "open-reader" }>;

/** A reader that is here. */
interface Here {
  readonly opening: Opening;
  readonly reader: DiskReader;
  /** Where the next block begins. */
  at: number;
  slow: number;
  /** The far side goes on with it. */
  moved: boolean;
}

class NearReaders implements NearDisk {
  readonly #options: Required<NearReadersOptions>;
  readonly #here = new Map<number, Here>();
  #restUntil = -Infinity;

  constructor({ slow = SLOW_MS, ...options }: NearReadersOptions) {
    this.#options = { ...options, slow };
  }

  take(request: BlobRequest): boolean {
    switch (request.op) {
      case "open-reader":
        if (request.deflate || performance.now() < this.#restUntil) return false;
        this.#open(request);
        return true;
      case "pull": {
        const here = this.#here.get(request.id);
        if (here === undefined) return false;
        this.#options.host.defer(() => this.#pull(request, here));
        return true;
      }
      case "close-reader":
        this.#here.get(request.id)?.reader.close();
        return this.#here.delete(request.id);
      default:
        return false;
    }
  }

  #open(opening: Opening): void {
    const { layout, host } = this.#options;
    const { id, sha256, offset } = opening;
    const reader = createDiskReader(opening, (reply) => this.#hear(reply), () => {});
    this.#here.set(id, { opening, reader, at: offset, slow: 0, moved: false });
    host.defer(() => {
      if (this.#here.has(id)) reader.open(layout.kept(sha256));
    });
  }

  #pull(request: Extract<BlobRequest, { op: "pull" }>, here: Here): void {
    const { host, slow } = this.#options;
    if (here.moved) return host.send(request);
    // It was closed meanwhile.
    if (!this.#here.has(request.id)) return;
    const begun = performance.now();
    here.reader.pull(request.spare);
    const now = performance.now();
    here.slow = now - begun < slow ? 0 : here.slow + 1;
    if (here.slow < SLOW_MAX) return;
    this.#restUntil = now + REST_MS;
    if (this.#here.has(request.id)) this.#move(here);
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

  clear(): void {
    for (const { reader } of this.#here.values()) reader.close();
    this.#here.clear();
  }
}

/** Makes the readers of a store. */
export function createNearReaders(options: NearReadersOptions): NearDisk {
  return new NearReaders(options);
}
