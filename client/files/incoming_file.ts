/**
 * A file that is being downloaded, as a stream. It is hashed as it comes, and the stream ends well only if
 * the whole is what it should be. No more is under way than is taken from the stream, but for one window.
 *
 * @module
 */

import type { DownloadOpened } from "../../protocol/forum/reply.ts";
import type { TransferEvent } from "../../protocol/transfer/transfers.ts";
import type { Carrier, CarrierLink } from "./carrier.ts";
import { inflate } from "./deflate.ts";
import type { FileSource } from "./file_source.ts";
import { createSha256 } from "./sha256.ts";

/** A file that comes. */
export interface IncomingFile extends Omit<DownloadOpened, "deflate"> {
  /**
   * The bytes from `offset` on. It fails if the file cannot be got, or is not what its hash says. Read it to its
   * end or cancel it: until then the file is under way. Where the runtime has streams of bytes it is one, and a
   * reader that brings its own arrays (`mode: "byob"`) gets them filled without a copy more.
   */
  readonly stream: ReadableStream<Uint8Array>;
}

/** What a download is made with. */
export interface IncomingFileOptions {
  readonly link: CarrierLink;
  /** What is there of the file already. */
  readonly have?: FileSource;
  /** Offered what comes before the stream gets it, with its place in the file; whether it is done with. */
  readonly take?: (bytes: Uint8Array, at: number) => boolean;
  /** It can be read from now on. */
  readonly onOpened: (file: IncomingFile) => void;
  /** Told how many bytes of the file were taken. */
  readonly onTaken: (bytes: number) => void;
}

type Controller = ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array>;

/** Not every browser has streams of bytes. */
function hasByteStreams(): boolean {
  return "ReadableByteStreamController" in globalThis;
}

/** An array that a reader waits with, which is being filled. */
interface Filling {
  readonly request: ReadableStreamBYOBRequest;
  readonly into: Uint8Array;
  count: number;
}

/** What is read at a time of what is there already. */
const HASH_BYTES = 256 * 1024;

class Download implements Carrier<DownloadOpened> {
  readonly #options: IncomingFileOptions;
  readonly #hash = createSha256();
  #controller!: Controller;
  #begun = false;
  /** What has come and was not taken. */
  readonly #chunks: Uint8Array[] = [];
  /** What the stream is told of once for all that comes together: to tell it costs more than to fill it. */
  #filling: Filling | undefined;
  /** What must be done in order before the hash is whole. */
  #work: Promise<void> = Promise.resolve();
  /** How much of that is not done: while none is, bytes that are not deflated need not wait. */
  #busy = 0;
  #wanted: (() => void) | undefined;
  #taken = 0;
  /** What was taken on the spot, of which nobody is told until all that comes together has been. */
  #untold = 0;
  #ended = false;
  #over = false;

  constructor(options: IncomingFileOptions) {
    this.#options = options;
    const { have } = options;
    if (have !== undefined) this.#later(() => this.#hashAll(have));
  }

  opened({ deflate: _, ...row }: DownloadOpened): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#taken = row.offset;
    const source = {
      start: (controller: Controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => {
        this.#filling = undefined;
        this.#options.link.cancel("cancelled");
      },
    };
    const stream = hasByteStreams()
      ? new ReadableStream({ ...source, type: "bytes" })
      : new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
    this.#options.onTaken(row.offset);
    this.#options.onOpened({ ...row, stream });
  }

  /** The stream wants more. */
  #pull(): Promise<void> | undefined {
    try {
      return this.#give();
    } catch (error) {
      // Who is told of progress may throw: then the stream ends, and so must the transfer.
      this.#options.link.fail(error);
      throw error;
    }
  }

  /** Gives the next chunk to the stream, now or when it comes. */
  #give(): Promise<void> | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) {
      return new Promise((resolve) => this.#wanted = resolve);
    }
    const count = chunk.length;
    this.#controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
    this.#took(count);
    if (this.#ended && this.#chunks.length === 0) this.#close();
    return undefined;
  }

  #took(count: number): void {
    this.#taken += count;
    this.#options.onTaken(this.#taken);
    this.#options.link.stored(count);
  }

  #close(): void {
    this.#controller.close();
    // A reader that waits with an array gets it back with what is in it.
    this.#request?.respond(0);
  }

  /** The array that a reader waits with, if it does so. */
  get #request(): ReadableStreamBYOBRequest | null {
    return "byobRequest" in this.#controller ? this.#controller.byobRequest : null;
  }

  event(event: TransferEvent): void {
    switch (event.what) {
      case "data": {
        const { raw, offset } = event;
        if (raw === undefined && this.#busy === 0) return this.#add(event.bytes, offset);
        // What has come is overwritten by what comes next.
        const bytes = event.bytes.slice();
        if (raw !== undefined) this.#later(() => this.#unpack(bytes, offset, raw));
        else this.#later(() => this.#add(bytes, offset));
        return;
      }
      case "finish": {
        const { sha256 } = event.finish;
        this.#later(() => this.#judge(sha256));
      }
    }
  }

  #later(run: () => Promise<void> | void): void {
    this.#busy++;
    this.#work = this.#work.then(async () => {
      if (!this.#over) await run();
      this.#busy--;
    }).catch((error) => this.#options.link.fail(error));
  }

  async #hashAll(have: FileSource): Promise<void> {
    const piece = new Uint8Array(HASH_BYTES);
    for (let at = 0; at < have.size && !this.#over;) {
      const count = await have.read(at, piece.subarray(0, Math.min(HASH_BYTES, have.size - at)));
      if (count === 0) throw new Error("what is there of the file has become shorter");
      this.#hash.update(piece.subarray(0, count));
      at += count;
    }
  }

  async #unpack(bytes: Uint8Array, offset: number, raw: number): Promise<void> {
    const inflated = await inflate(bytes, raw);
    if (inflated === undefined) this.#options.link.cancel("bad-content");
    else this.#add(inflated, offset);
  }

  /** Takes bytes in, which may be overwritten afterwards. */
  #add(bytes: Uint8Array, offset: number): void {
    if (this.#over) return;
    this.#hash.update(bytes);
    if (this.#options.take?.(bytes, offset)) return this.#tookHere(bytes.length);
    const count = this.#fill(bytes);
    if (count < bytes.length) this.#chunks.push(bytes.slice(count));
    this.#wake();
  }

  #tookHere(count: number): void {
    if (this.#untold === 0) queueMicrotask(() => this.#tell());
    this.#untold += count;
  }

  #tell(): void {
    const count = this.#untold;
    if (count === 0 || this.#over) return;
    this.#untold = 0;
    this.#carefully(() => this.#took(count));
  }

  /** Who is told of progress may throw, and nobody else hears of it here. */
  #carefully(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.link.fail(error);
    }
  }

  /** Copies bytes into the array that a reader waits with, if it does so; says how many. */
  #fill(bytes: Uint8Array): number {
    const filling = this.#filling ?? this.#beginFilling();
    if (filling === undefined) return 0;
    const { into, count: filled } = filling;
    const count = Math.min(into.length - filled, bytes.length);
    into.set(bytes.subarray(0, count), filled);
    filling.count += count;
    if (filling.count === into.length) this.#endFilling();
    return count;
  }

  #beginFilling(): Filling | undefined {
    const request = this.#begun && this.#chunks.length === 0 ? this.#request : null;
    const view = request?.view;
    if (!view) return undefined;
    queueMicrotask(() => this.#endFilling());
    const into = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    return this.#filling = { request: request!, into, count: 0 };
  }

  /** Tells the stream what has been filled in. */
  #endFilling(): void {
    const filling = this.#filling;
    if (filling === undefined) return;
    this.#filling = undefined;
    this.#carefully(() => {
      filling.request.respond(filling.count);
      this.#took(filling.count);
    });
  }

  #wake(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    this.#wanted = undefined;
    // It asks again if it has not got enough.
    if (this.#chunks.length > 0) this.#give();
    wanted();
  }

  #judge(sha256: string): void {
    if (this.#hash.hex() !== sha256) return this.#options.link.cancel("bad-content");
    this.#options.link.kept(sha256);
  }

  over(error?: unknown): void {
    if (this.#over) return;
    this.#endFilling();
    this.#tell();
    this.#over = true;
    if (!this.#begun) return;
    if (error !== undefined) {
      this.#chunks.length = 0;
      this.#controller.error(error);
    } else {
      this.#ended = true;
      if (this.#chunks.length === 0) this.#close();
    }
    this.#wanted?.();
    this.#wanted = undefined;
  }
}

/** Makes the carrier of a download. */
export function createIncomingFile(options: IncomingFileOptions): Carrier<DownloadOpened> {
  return new Download(options);
}
