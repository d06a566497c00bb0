/**
 * Writers and readers as the server holds them: lines to the far side of a store. They keep the order
 * of calls, which is the caller's part, and let nothing through once they are over.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { type BlobReply, type BlobRequest, hashesHere } from "./blob_message.ts";
import {
  type BlobReader,
  type BlobWriter,
  type Block,
  isDigest,
  PULLS_MAX,
  type ReaderEvents,
  type WriterEvents,
} from "./blob_store.ts";

/** What is told of a line. */
export type LineReply = Exclude<BlobReply, { told: "answer" }>;

/** A writer or a reader. */
export interface Line {
  /** The hash of a content that has all its bytes and is about to be kept. */
  readonly finishing: string | undefined;
  hear(reply: LineReply): void;
  close(): void;
}

/** Where lines end. */
export interface Outlet {
  /** Sends a request, and the buffer behind its bytes, which is given away. */
  send(request: BlobRequest, buffer?: ArrayBuffer): void;
  /** Nothing more is to be heard of this line. */
  forget(id: number): void;
  /** Memory that is not needed any more. */
  spare(kind: Spare, buffer: ArrayBuffer): void;
  /** Memory to be used again, if there is some. */
  reuse(kind: Spare): ArrayBuffer | undefined;
}

/** What memory is used for again and again: what is written, and what is read. */
export type Spare = "batch" | "block";

/** What a writer is made with. */
interface WriterLineOptions {
  readonly id: number;
  readonly packed: boolean;
  readonly events: WriterEvents;
}

class WriterLine implements Line, BlobWriter {
  readonly #id: number;
  readonly #packed: boolean;
  readonly #events: WriterEvents;
  readonly #outlet: Outlet;
  #hash: Hash | undefined;
  /** Bytes that were given to the store by this writer, and those of them that are stored. */
  #given = 0;
  #stored = 0;
  /** Bytes that are in the hash and not written. */
  #shown = 0;
  #state: "opening" | "open" | "finishing" | "over" = "opening";
  finishing: string | undefined;

  constructor({ id, packed, events }: WriterLineOptions, outlet: Outlet) {
    this.#id = id;
    this.#packed = packed;
    this.#events = events;
    this.#outlet = outlet;
  }

  show(bytes: Uint8Array): void {
    if (!this.#mayWrite() || this.#hash === undefined) return;
    this.#hash.update(bytes);
    this.#shown += bytes.length;
  }

  write(...given: Uint8Array[]): void {
    if (!this.#mayWrite()) return;
    const full = given.filter(({ length }) => length > 0);
    if (full.length === 0) return;
    const pieces = take(full);
    const place = this.#hash && { at: this.#given, behind: this.#stored < this.#given };
    for (const bytes of pieces) {
      this.#given += bytes.length;
      const known = Math.min(this.#shown, bytes.length);
      this.#shown -= known;
      if (known < bytes.length) this.#hash?.update(bytes.subarray(known));
    }
    const request = { op: "write", id: this.#id, pieces, ...place && { place } } as const;
    this.#outlet.send(request, pieces[0].buffer);
  }

  writePacked(given: Uint8Array, raw: number): void {
    if (!this.#mayWrite()) return;
    if (!this.#packed) throw new Error("The writer was opened for what is not deflated.");
    const [bytes] = take([given]);
    this.#outlet.send({ op: "write-packed", id: this.#id, bytes, raw }, bytes.buffer);
  }

  finish(sha256: string): void {
    if (!isDigest(sha256)) throw new TypeError(`Not a SHA-256 in hex: ${JSON.stringify(sha256)}`);
    if (!this.#mayWrite()) return;
    this.#state = "finishing";
    this.finishing = sha256;
    const found = this.#hash && { sha256: this.#hash.digest("hex"), size: this.#given };
    this.#outlet.send({ op: "finish", id: this.#id, sha256, ...found !== undefined && { found } });
  }

  close(): void {
    if (this.#state === "over") return;
    this.#outlet.send({ op: "close-writer", id: this.#id });
    this.#end();
  }

  hear(reply: LineReply): void {
    switch (reply.told) {
      case "opened":
        this.#state = "open";
        if (hashesHere({ at: reply.at, packed: this.#packed })) this.#hash = createHash("sha256");
        this.#events.opened(reply.at);
        break;
      case "stored":
        this.#stored += reply.count;
        if (reply.spare !== undefined) this.#outlet.spare("batch", reply.spare);
        this.#events.stored(reply.count);
        break;
      case "kept":
        this.#end();
        this.#events.kept(reply.size);
        break;
      case "failed":
        this.#end();
        this.#events.failed(reply.fault);
        break;
    }
  }

  /** Whether bytes go anywhere. A failure may come at any time, so none after it is a mistake. */
  #mayWrite(): boolean {
    if (this.#state === "over") return false;
    if (this.#state === "open") return true;
    const when = this.#state === "opening" ? "before `opened`" : "after `finish`";
    throw new Error(`Nothing may be written ${when}.`);
  }

  #end(): void {
    this.#state = "over";
    this.#outlet.forget(this.#id);
  }
}

class ReaderLine implements Line, BlobReader {
  readonly #id: number;
  readonly #events: ReaderEvents;
  readonly #outlet: Outlet;
  readonly finishing = undefined;
  #opened = false;
  #pulls = 0;
  #over = false;

  constructor(id: number, events: ReaderEvents, outlet: Outlet) {
    this.#id = id;
    this.#events = events;
    this.#outlet = outlet;
  }

  pull(): void {
    if (this.#over) return;
    if (this.#pulls === PULLS_MAX) throw new Error(`${PULLS_MAX} pulls are unanswered.`);
    this.#pulls++;
    const spare = this.#outlet.reuse("block");
    if (spare === undefined) this.#outlet.send({ op: "pull", id: this.#id });
    else this.#outlet.send({ op: "pull", id: this.#id, spare }, spare);
  }

  release({ bytes }: Block): void {
    this.#outlet.spare("block", bytes.buffer);
  }

  close(): void {
    if (this.#over) return;
    this.#outlet.send({ op: "close-reader", id: this.#id });
    this.#end();
  }

  hear(reply: LineReply): void {
    switch (reply.told) {
      case "opened":
        // Whoever goes on with it opens it again.
        if (this.#opened) break;
        this.#opened = true;
        this.#events.opened(reply.at);
        break;
      case "block":
        this.#pulls--;
        this.#events.block(reply.block);
        break;
      case "end":
        this.#end();
        this.#events.end();
        break;
      case "failed":
        this.#end();
        this.#events.failed(reply.fault);
        break;
    }
  }

  #end(): void {
    this.#over = true;
    this.#outlet.forget(this.#id);
  }
}

/** Takes the buffer behind arrays away from whoever has it, so that nobody else changes it. */
function take(given: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
  const [{ buffer }] = given;
  if (given.some((bytes) => bytes.buffer !== buffer)) {
    throw new TypeError("Pieces that are written together lie in one buffer.");
  }
  if (!(buffer instanceof ArrayBuffer)) return given.map((bytes) => new Uint8Array(bytes));
  const places = given.map(({ byteOffset, length }) => [byteOffset, length] as const);
  const taken = buffer.transferToFixedLength();
  return places.map(([offset, length]) => new Uint8Array(taken, offset, length));
}

/** Makes the line of a writer. */
export function createWriterLine(
  options: WriterLineOptions,
  outlet: Outlet,
): Line & BlobWriter {
  return new WriterLine(options, outlet);
}

/** Makes the line of a reader. */
export function createReaderLine(
  id: number,
  events: ReaderEvents,
  outlet: Outlet,
): Line & BlobReader {
  return new ReaderLine(id, events, outlet);
}
