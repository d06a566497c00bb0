/**
 * One upload on its way: bytes of a connection go to the store, and as they are stored the client may go
 * on (DESIGN §7).
 *
 * Bytes gather until there are enough for a write; but never so many that the client would wait for a
 * word. What is under way is one window, whatever the size of the file. Of a large one nothing is copied: its
 * connection reads into memory of the store, and the pieces of the file are written from there.
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
  /** Whether bytes may come deflated. */
  readonly deflate: boolean;
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

const NOT_AGREED: BlobFault = {
  status: "bad-content",
  text: "Bytes came deflated, which was not agreed on.",
};

type DataEvent = Extract<TransferEvent, { readonly what: "data" }>;

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
  /** What has come and is not written yet: parts of one array, in order. */
  #pieces: Uint8Array[] = [];
  /** The array that they are in, and whether it is the connection that fills it. */
  #batch: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #filling = false;
  /** What the connection will fill next. */
  #lent: Uint8Array<ArrayBuffer> | undefined;
  finishing: string | undefined;

  constructor(options: IncomingUploadOptions) {
    this.#options = options;
    const { id, transfers, blobs, upload, size, deflate, window } = options;
    this.#writer = blobs.write(upload, { size, packed: deflate }, {
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
        if (event.raw === undefined) this.#take(event);
        else if (!this.#options.deflate) {
          this.close();
          this.#options.failed(NOT_AGREED);
        } else {
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

  #take({ offset, bytes }: DataEvent): void {
    const { id, transfers, size } = this.#options;
    const left = size - offset - bytes.length;
    this.#writer.show(bytes);
    if (bytes.buffer === this.#lent?.buffer) {
      this.#leave();
      this.#batch = this.#lent;
      this.#filling = true;
      this.#lend(left);
    }
    if (this.#filling && bytes.buffer === this.#batch!.buffer) this.#pieces.push(bytes);
    else {
      if (this.#filling) this.#leave();
      this.#gather(bytes);
      if (this.#lent === undefined) this.#lend(left);
    }
    // With so little room the client may have to wait for what lies here.
    if (transfers.room(id) < CHUNK_MAX) this.#flush();
  }

  /** Lends the connection memory to fill, where enough is to come. */
  #lend(left: number): void {
    const { id, transfers, blobs } = this.#options;
    this.#lent = left >= BATCH_BYTES ? blobs.batch() : undefined;
    transfers.lend(id, this.#lent);
  }

  /** The connection fills other memory by now: what it has filled is ours. */
  #leave(): void {
    this.#filling = false;
    this.#flush();
  }

  /** Copies bytes that the connection has put elsewhere. */
  #gather(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const batch = this.#batch ??= this.#options.blobs.batch();
      const part = rest.subarray(0, batch.length - this.#filled);
      batch.set(part, this.#filled);
      this.#filled += part.length;
      this.#pieces = [batch.subarray(0, this.#filled)];
      rest = rest.subarray(part.length);
      if (this.#filled === batch.length) this.#flush();
    }
  }

  #flush(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    if (this.#filling) {
      // The connection goes on behind them.
      for (const piece of pieces) this.#writer.write(piece.slice());
      return;
    }
    this.#batch = undefined;
    this.#filled = 0;
    if (pieces.length > 0) this.#writer.write(...pieces);
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
