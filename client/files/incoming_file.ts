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
   * end or cancel it: until then the file is under way.
   */
  readonly stream: ReadableStream<Uint8Array>;
}

/** What a download is made with. */
export interface IncomingFileOptions {
  readonly link: CarrierLink;
  /** What is there of the file already. */
  readonly have?: FileSource;
  /** It can be read from now on. */
  readonly onOpened: (file: IncomingFile) => void;
  /** Told how many bytes of the file were taken. */
  readonly onTaken: (bytes: number) => void;
}

/** What is read at a time of what is there already. */
const HASH_BYTES = 256 * 1024;

class Download implements Carrier<DownloadOpened> {
  readonly #options: IncomingFileOptions;
  readonly #hash = createSha256();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #begun = false;
  /** What has come and was not taken. */
  readonly #chunks: Uint8Array[] = [];
  /** What must be done in order before the hash is whole. */
  #work: Promise<void> = Promise.resolve();
  /** How much of that is not done: while none is, bytes that are not deflated need not wait. */
  #busy = 0;
  #wanted: (() => void) | undefined;
  #taken = 0;
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
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#options.link.cancel("cancelled"),
    }, { highWaterMark: 0 });
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
    this.#controller.enqueue(chunk);
    this.#taken += chunk.length;
    this.#options.onTaken(this.#taken);
    this.#options.link.stored(chunk.length);
    if (this.#ended && this.#chunks.length === 0) this.#controller.close();
    return undefined;
  }

  event(event: TransferEvent): void {
    switch (event.what) {
      case "data": {
        // What has come is overwritten by what comes next.
        const bytes = event.bytes.slice();
        const { raw } = event;
        if (raw !== undefined) this.#later(() => this.#unpack(bytes, raw));
        else if (this.#busy > 0) this.#later(() => this.#add(bytes));
        else this.#add(bytes);
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

  async #unpack(bytes: Uint8Array, raw: number): Promise<void> {
    const inflated = await inflate(bytes, raw);
    if (inflated === undefined) this.#options.link.cancel("bad-content");
    else this.#add(inflated);
  }

  #add(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#hash.update(bytes);
    this.#chunks.push(bytes);
    this.#wake();
  }

  #wake(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    this.#wanted = undefined;
    this.#give();
    wanted();
  }

  #judge(sha256: string): void {
    if (this.#hash.hex() !== sha256) return this.#options.link.cancel("bad-content");
    this.#options.link.kept(sha256);
  }

  over(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#begun) return;
    if (error !== undefined) {
      this.#chunks.length = 0;
      this.#controller.error(error);
    } else {
      this.#ended = true;
      if (this.#chunks.length === 0) this.#controller.close();
    }
    this.#wanted?.();
    this.#wanted = undefined;
  }
}

/** Makes the carrier of a download. */
export function createIncomingFile(options: IncomingFileOptions): Carrier<DownloadOpened> {
  return new Download(options);
}
