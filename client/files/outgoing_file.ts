/**
 * A file that is being uploaded: it is read and hashed as the server asks for it, and read again from where
 * the server has got to, after each break.
 *
 * @module
 */

import { CHUNK_MAX, PACKED_HEADER_BYTES } from "../../protocol/catalogue.ts";
import type { UploadOpened } from "../../protocol/forum/reply.ts";
import { FRAME_HEADER_BYTES } from "../../protocol/frame.ts";
import { createShrinking, PACKED_MIN, SHRUNK_MOST } from "../../protocol/transfer/shrinking.ts";
import type { TransferEvent } from "../../protocol/transfer/transfers.ts";
import type { Carrier, CarrierLink } from "./carrier.ts";
import { deflate } from "./deflate.ts";
import type { FileSource } from "./file_source.ts";
import { createSha256 } from "./sha256.ts";

/** What is read at a time to be hashed only. */
const HASH_BYTES = 4 * CHUNK_MAX;

/** What an upload is made with. */
export interface OutgoingFileOptions {
  readonly source: FileSource;
  readonly link: CarrierLink;
  /** Told how many bytes the server has stored. */
  readonly onStored: (bytes: number) => void;
}

class OutgoingFile implements Carrier {
  readonly #options: OutgoingFileOptions;
  readonly #hash = createSha256();
  readonly #shrinking = createShrinking();
  /** Everything before it is in the hash. */
  #hashed = 0;
  #sha256: string | undefined;
  /** Counts the links on which it was opened: what was read for one is worth nothing for the next. */
  #opening = 0;
  #deflates = false;
  /** The next byte for the server, and how many it wants. */
  #position = 0;
  #wanted = 0;
  #ended = true;
  #pumping = false;
  #over = false;
  /** Frames that were given, and where each ends in the file; and those that have left. */
  #given: { readonly frame: Uint8Array; readonly end: number }[] = [];
  #free: Uint8Array[] = [];

  constructor(options: OutgoingFileOptions) {
    this.#options = options;
  }

  opened({ offset, deflate }: UploadOpened): void {
    this.#opening++;
    this.#position = offset;
    this.#deflates = deflate;
    this.#wanted = 0;
    this.#ended = false;
    // A link that has broken may still hold some.
    this.#given = [];
    this.#options.onStored(offset);
    void this.#pump();
  }

  event(event: TransferEvent): void {
    switch (event.what) {
      case "wanted":
        while (this.#given.length > 0 && this.#given[0].end <= event.written) {
          this.#free.push(this.#given.shift()!.frame);
        }
        this.#wanted += event.bytes;
        void this.#pump();
        return;
      case "stored":
        this.#options.source.release?.(event.at);
        this.#options.onStored(event.at);
    }
  }

  over(error?: unknown): void {
    this.#over = true;
    // The last bytes are not told one by one.
    if (error === undefined && this.#opening > 0) {
      this.#options.onStored(this.#options.source.size);
    }
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#over && !this.#ended) {
        if (this.#hashed < this.#position) await this.#catchUp();
        else if (this.#position === this.#options.source.size) this.#end();
        else if (this.#wanted > 0) await this.#send();
        else break;
      }
    } catch (error) {
      this.#options.link.fail(error);
    } finally {
      this.#pumping = false;
    }
  }

  /** Hashes what the server has already. */
  async #catchUp(): Promise<void> {
    const piece = new Uint8Array(Math.min(HASH_BYTES, this.#position - this.#hashed));
    await this.#read(this.#hashed, piece);
    this.#hash.update(piece);
    this.#hashed += piece.length;
    // By now it may have been opened anew, further back.
    this.#options.source.release?.(Math.min(this.#hashed, this.#position));
  }

  #end(): void {
    this.#ended = true;
    this.#sha256 ??= this.#hash.hex();
    this.#options.link.end(this.#sha256);
  }

  async #send(): Promise<void> {
    const opening = this.#opening;
    const offset = this.#position;
    const count = Math.min(CHUNK_MAX, this.#wanted);
    const memory = this.#free.pop() ?? new Uint8Array(FRAME_HEADER_BYTES + CHUNK_MAX);
    const frame = memory.subarray(0, FRAME_HEADER_BYTES + count);
    const bytes = frame.subarray(FRAME_HEADER_BYTES);
    const reading = this.#read(offset, bytes);
    if (reading !== undefined) await reading;
    // What was sent before a break is in the hash already.
    const fresh = offset + count - this.#hashed;
    if (fresh > 0) {
      this.#hash.update(bytes.subarray(count - fresh));
      this.#hashed += fresh;
    }
    const packed = this.#deflates && count >= PACKED_MIN && this.#shrinking.worthwhile()
      ? await this.#packed(bytes)
      : undefined;
    if (opening !== this.#opening || this.#over) return;
    this.#position += count;
    this.#wanted -= count;
    if (packed === undefined) {
      this.#given.push({ frame: memory, end: this.#position });
      this.#options.link.provide(frame);
    } else {
      this.#free.push(memory);
      this.#options.link.provide(packed, count);
    }
  }

  /** A frame with the bytes deflated, if that is worth it. */
  async #packed(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const deflated = await deflate(bytes, bytes.length * SHRUNK_MOST);
    this.#shrinking.note(deflated !== undefined);
    if (deflated === undefined) return undefined;
    const room = FRAME_HEADER_BYTES + PACKED_HEADER_BYTES;
    const frame = new Uint8Array(room + deflated.length);
    frame.set(deflated, room);
    return frame;
  }

  /** Fills the array; without a wait, where the source needs none. */
  #read(offset: number, into: Uint8Array): Promise<void> | undefined {
    const count = this.#options.source.read(offset, into);
    if (typeof count === "number") {
      if (count === into.length) return undefined;
      return this.#readOn(offset, into, count);
    }
    return count.then((count) => this.#readOn(offset, into, count));
  }

  async #readOn(offset: number, into: Uint8Array, first: number): Promise<void> {
    let count = first;
    let done = count;
    while (done < into.length) {
      if (count === 0) throw new Error("the file has become shorter while it was read");
      count = await this.#options.source.read(offset + done, into.subarray(done));
      done += count;
    }
  }
}

/** Makes the carrier of an upload. */
export function createOutgoingFile(options: OutgoingFileOptions): Carrier {
  return new OutgoingFile(options);
}
