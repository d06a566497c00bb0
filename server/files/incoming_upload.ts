/**
 * One upload on its way: bytes of a connection go to the store, and as they are stored the client may go
 * on (DESIGN §7).
 *
 * Bytes gather until there are enough for a write; but never so many that the client would wait for a
 * word. What is under way is one window, whatever the size of the file.
 *
 * @module
 */

import { CHUNK_MAX } from "../../protocol/catalogue.ts";
import type { TransferEvent, Transfers } from "../../protocol/transfer/transfers.ts";
import {
  BATCH_BYTES,
  type BlobFault,
  type BlobStore,
  type BlobWriter,
} from "../blob/blob_store.ts";

/** What an upload is made with. */
export interface IncomingUploadOptions {
  /** The number of the transfer. */
  readonly id: number;
  readonly transfers: Transfers;
  readonly blobs: BlobStore;
  /** The number under which the store keeps what is not whole yet. */
  readonly upload: number;
  readonly size: number;
  /** Bytes that may be under way. */
  readonly window: number;
  /** Bytes from `offset` on may come, up to `upto` at first. */
  readonly opened: (offset: number, upto: number) => void;
  /** There may be something to write. */
  readonly wake: () => void;
  /** The store has kept the file. */
  readonly kept: (sha256: string) => void;
  /** The store has given up. */
  readonly failed: (fault: BlobFault) => void;
}

/** An upload on its way. */
export interface IncomingUpload {
  /** Takes what has happened to the transfer. */
  event(event: TransferEvent): void;
  /** The hash that is being looked at, once all bytes have come. */
  readonly finishing: string | undefined;
  /** Writes what has gathered, and lets go of the store: the client is gone, or has given up. */
  close(): void;
}

class GatheredUpload implements IncomingUpload {
  readonly #options: IncomingUploadOptions;
  readonly #writer: BlobWriter;
  #batch: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  finishing: string | undefined;

  constructor(options: IncomingUploadOptions) {
    this.#options = options;
    const { id, transfers, blobs, upload, size, window } = options;
    this.#writer = blobs.write(upload, { size }, {
      opened: (offset) => {
        const { upto } = transfers.receive(id, { size, offset, window });
        options.opened(offset, upto);
      },
      stored: (count) => {
        transfers.stored(id, count);
        options.wake();
      },
      kept: () => options.kept(this.finishing!),
      failed: (fault) => options.failed(fault),
    });
  }

  event(event: TransferEvent): void {
    switch (event.what) {
      case "data":
        if (event.raw === undefined) this.#gather(event.bytes);
        else {
          this.#flush();
          this.#writer.writePacked(event.bytes.slice(), event.raw);
        }
        return;
      case "finish":
        this.#flush();
        this.finishing = event.finish.sha256;
        this.#writer.finish(this.finishing);
    }
  }

  #gather(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      this.#batch ??= this.#options.blobs.batch();
      const part = rest.subarray(0, BATCH_BYTES - this.#filled);
      this.#batch.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === BATCH_BYTES) this.#flush();
    }
    // With so little room the client may have to wait for what lies here.
    const { id, transfers } = this.#options;
    if (transfers.room(id) < CHUNK_MAX) this.#flush();
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch === undefined || this.#filled === 0) return;
    this.#writer.write(batch.subarray(0, this.#filled));
    this.#batch = undefined;
    this.#filled = 0;
  }

  close(): void {
    this.#flush();
    this.#writer.close();
  }
}

/** Opens an upload in the store. */
export function openUpload(options: IncomingUploadOptions): IncomingUpload {
  return new GatheredUpload(options);
}
