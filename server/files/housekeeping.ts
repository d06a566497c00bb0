/**
 * What becomes of bytes that nobody wants any more: contents whose last name is gone, uploads that nobody
 * went on with for a day, and what a crash has left between the store and the log.
 *
 * All of it is done a little at a time. Nothing is forgotten in the log before it is gone from the store, so
 * a crash in between costs one more try.
 *
 * @module
 */

import type { BlobStore } from "../blob/blob_store.ts";
import type { Log } from "../log/log.ts";

/** How long an upload that was broken off can be gone on with, in ms: a day. */
export const UPLOAD_RETENTION: number = 24 * 60 * 60 * 1000;
/** How long a content without a file is left alone: one may be about to be shared. */
const ORPHAN_AGE: number = 24 * 60 * 60 * 1000;
/** How often the store is looked through for what the log does not know, in ms. */
const SEARCH_EVERY: number = 24 * 60 * 60 * 1000;
/** So many of each kind at a time. */
const SLICE = 16;
/** So many contents of the store are compared with the log at a time. */
const SEARCH_SLICE = 500;

/** What housekeeping needs. */
export interface HousekeepingOptions {
  readonly log: Log;
  readonly blobs: BlobStore;
  /** Now, in ms since 1970. */
  readonly clock: () => number;
  /** Whether the upload of this number is under way. */
  readonly uploading: (number: number) => boolean;
  /** Whether a file with this content is about to be shared. */
  readonly arriving: (sha256: string) => boolean;
}

/** Does what can wait. */
export interface Housekeeping {
  /** Begins a little of it; call it about once a second. */
  tidy(): void;
  /** Removes what has come of an upload, which can only be begun anew. */
  giveUp(upload: number): void;
  /** Removes a content that has just come, unless a file has it, or is about to. */
  removeUnused(sha256: string): void;
}

class Sweeper implements Housekeeping {
  readonly #options: HousekeepingOptions;
  /** What is being removed now. */
  readonly #going = new Set<string | number>();
  #searchAt = 0;
  /** Up to which content the store was looked through; nothing while it is not. */
  #cursor: string | undefined;
  #searching = false;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  tidy(): void {
    this.#dropStale();
    this.#freeContents();
    this.#search();
  }

  giveUp(upload: number): void {
    const { log, uploading } = this.#options;
    this.#discard(upload, () => {
      if (!uploading(upload)) log.transact((tx) => tx.dropUpload(upload), () => {});
    });
  }

  removeUnused(sha256: string): void {
    this.#remove(sha256, () => {});
  }

  #dropStale(): void {
    const { log, clock, uploading } = this.#options;
    for (const { number } of log.staleUploads(clock() - UPLOAD_RETENTION, SLICE)) {
      if (uploading(number)) log.transact((tx) => tx.touchUpload(number, clock()), () => {});
      else this.#discard(number, () => this.#forgetStale(number));
    }
  }

  /** Forgets an upload whose bytes are gone, unless somebody has begun it anew meanwhile. */
  #forgetStale(number: number): void {
    const { log, clock } = this.#options;
    log.transact((tx) => {
      const at = log.upload(number)?.at ?? Infinity;
      if (at < clock() - UPLOAD_RETENTION) tx.dropUpload(number);
    }, () => {});
  }

  #discard(number: number, gone: () => void): void {
    if (this.#going.has(number)) return;
    this.#going.add(number);
    this.#options.blobs.discard(number, (fault) => {
      this.#going.delete(number);
      if (fault === undefined) gone();
    });
  }

  #freeContents(): void {
    const { log } = this.#options;
    for (const sha256 of log.unreferenced(SLICE)) {
      this.#remove(sha256, () => log.transact((tx) => void tx.forgetContent(sha256), () => {}));
    }
  }

  #remove(sha256: string, gone: () => void): void {
    const { log, blobs, arriving } = this.#options;
    if (this.#going.has(sha256) || arriving(sha256) || log.view.hasContent(sha256)) return;
    this.#going.add(sha256);
    blobs.remove(sha256, (fault) => {
      this.#going.delete(sha256);
      if (fault === undefined) gone();
    });
  }

  /** Discards bytes of uploads of which the log knows nothing. */
  #compareUploads(): void {
    const { log, blobs, uploading } = this.#options;
    blobs.uploads((numbers) => {
      for (const number of numbers) {
        if (log.upload(number) === undefined && !uploading(number)) this.#discard(number, () => {});
      }
    });
  }

  /** Removes contents of which the log knows nothing, and that have lain there for long. */
  #search(): void {
    const { log, blobs, clock } = this.#options;
    if (this.#searching) return;
    if (this.#cursor === undefined) {
      if (clock() < this.#searchAt) return;
      this.#cursor = "";
      this.#compareUploads();
    }
    this.#searching = true;
    blobs.contents(this.#cursor, SEARCH_SLICE, (list) => {
      this.#searching = false;
      const old = clock() - ORPHAN_AGE;
      for (const { sha256, at } of list) {
        if (at < old && !log.view.hasContent(sha256)) this.#remove(sha256, () => {});
      }
      this.#cursor = list.length === SEARCH_SLICE ? list.at(-1)!.sha256 : undefined;
      if (this.#cursor === undefined) this.#searchAt = clock() + SEARCH_EVERY;
    });
  }
}

/** Makes the housekeeping of a store and a log. */
export function createHousekeeping(options: HousekeepingOptions): Housekeeping {
  return new Sweeper(options);
}
