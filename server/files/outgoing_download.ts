/**
 * One download on its way: blocks of the store go to a connection as far as the client allows (DESIGN §7).
 *
 * A block comes laid out as frames without headers, so no byte of a file is copied here. One block is on
 * its way to the connection while the next is being read.
 *
 * @module
 */

import { CHUNK_MAX } from "../../protocol/catalogue.ts";
import { FRAME_HEADER_BYTES } from "../../protocol/frame.ts";
import type { TransferEvent, Transfers } from "../../protocol/transfer/transfers.ts";
import type { BlobFault, BlobReader, BlobStore, Block } from "../blob/blob_store.ts";

/** What a download is made with. */
export interface OutgoingDownloadOptions {
  /** The number of the transfer. */
  readonly id: number;
  readonly transfers: Transfers;
  readonly blobs: BlobStore;
  readonly sha256: string;
  readonly size: number;
  /** From here on, at first up to `upto`. */
  readonly offset: number;
  readonly upto: number;
  readonly deflate: boolean;
  /** The bytes are at hand. */
  readonly opened: () => void;
  /** There may be something to write. */
  readonly wake: () => void;
  readonly failed: (fault: BlobFault) => void;
}

/** A download on its way. */
export interface OutgoingDownload {
  /** Takes what has happened to the transfer. */
  event(event: TransferEvent): void;
  close(): void;
}

/** A piece of a block that waits: a frame with room for its header, and the bytes it stands for. */
interface Waiting {
  readonly frame: Uint8Array;
  readonly bytes: number;
  readonly raw: number | undefined;
}

class ReadDownload implements OutgoingDownload {
  readonly #options: OutgoingDownloadOptions;
  readonly #reader: BlobReader;
  readonly #waiting: Waiting[] = [];
  /** Blocks that are not sent yet, and where each ends in the file. */
  readonly #blocks: { readonly block: Block; readonly end: number }[] = [];
  /** Bytes that the transfer wants and has not got. */
  #wanted = 0;
  #pulled = false;
  #read: number;

  constructor(options: OutgoingDownloadOptions) {
    this.#options = options;
    const { id, transfers, blobs, sha256, size, offset, upto, deflate } = options;
    this.#read = offset;
    this.#reader = blobs.read(sha256, { offset, deflate }, {
      opened: () => {
        transfers.send(id, { size, offset, upto });
        options.opened();
        // Of a file without bytes nothing is asked for.
        if (offset === size) transfers.end(id, { sha256 });
        options.wake();
      },
      block: (block) => this.#take(block),
      end: () => {},
      failed: (fault) => options.failed(fault),
    });
    this.#pull();
  }

  /** Asks for the next block, while there is room for it. */
  #pull(): void {
    if (this.#pulled || this.#waiting.length > 0 || this.#read === this.#options.size) return;
    this.#pulled = true;
    this.#reader.pull();
  }

  #take(block: Block): void {
    const { bytes, chunks } = block;
    this.#pulled = false;
    for (const { start, length, raw } of chunks) {
      const count = raw ?? length;
      this.#read += count;
      const frame = bytes.subarray(start - FRAME_HEADER_BYTES, start + length);
      this.#waiting.push({ frame, bytes: count, raw });
    }
    this.#blocks.push({ block, end: this.#read });
    this.#give();
    this.#options.wake();
  }

  event(event: TransferEvent): void {
    if (event.what !== "wanted") return;
    while (this.#blocks.length > 0 && this.#blocks[0].end <= event.written) {
      this.#reader.release(this.#blocks.shift()!.block);
    }
    this.#wanted += event.bytes;
    this.#give();
  }

  #give(): void {
    const { id, transfers, size, sha256 } = this.#options;
    while (this.#wanted > 0 && this.#waiting.length > 0) {
      const next = this.#waiting.shift()!;
      if (next.bytes > this.#wanted) {
        this.#waiting.unshift(...split(next, this.#wanted));
        if (this.#waiting[0].bytes > this.#wanted) break;
        continue;
      }
      this.#wanted -= next.bytes;
      transfers.provide(id, next.frame, next.raw);
    }
    if (this.#read === size && this.#waiting.length === 0) transfers.end(id, { sha256 });
    else this.#pull();
  }

  close(): void {
    this.#reader.close();
  }
}

/** Cuts a piece in two; of what is deflated, which cannot be cut, the whole must be wanted. */
function split(piece: Waiting, at: number): Waiting[] {
  if (piece.raw !== undefined) return [piece];
  const room = FRAME_HEADER_BYTES;
  const rest = new Uint8Array(room + piece.bytes - at);
  rest.set(piece.frame.subarray(room + at), room);
  return [
    { frame: piece.frame.subarray(0, room + at), bytes: at, raw: undefined },
    { frame: rest, bytes: piece.bytes - at, raw: undefined },
  ];
}

/** Whether chunks may come deflated: only where a whole one is always allowed, since they cannot be cut. */
export function mayDeflate({ offset, upto, size }: { offset: number; upto: number; size: number }) {
  return upto >= size || upto - offset >= CHUNK_MAX;
}

/** Opens a download in the store. */
export function openDownload(options: OutgoingDownloadOptions): OutgoingDownload {
  return new ReadDownload(options);
}
