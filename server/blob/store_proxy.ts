/**
 * The near side of a store: it checks what the server asks, sends it to the far side, and tells what
 * comes back to whom it belongs.
 *
 * What is asked in one turn is sent together, since a message to another thread costs more than what
 * most of them ask. When the far side breaks, all writers and readers fail; questions are asked once
 * more, of a new far side, which is also what the next call gets.
 *
 * @module
 */

import { storageFailed } from "./blob_fault.ts";
import type {
  BlobAnswer,
  BlobAnswers,
  BlobQuestion,
  BlobReply,
  BlobRequest,
} from "./blob_message.ts";
import {
  BATCH_BYTES,
  BLOB_BYTES_MAX,
  type BlobFault,
  type BlobReader,
  type BlobStore,
  type BlobWriter,
  BLOCK_BYTES,
  isDigest,
  type KeptContent,
  type ReaderEvents,
  type ReadOptions,
  type WriteOptions,
  type WriterEvents,
} from "./blob_store.ts";
import type { FarSide, NearDisk, NearDiskHost, NearSide } from "./store_sides.ts";
import {
  createReaderLine,
  createWriterLine,
  type Line,
  type Outlet,
  type Spare,
} from "./store_line.ts";

/** So much memory of each kind is kept to be used again: what one upload has under way at the most, and more. */
const SPARES_MAX = 8;

/** What a proxy is made with. */
export interface StoreProxyOptions {
  /** Makes a far side. */
  readonly connect: (near: NearSide) => FarSide;
  /** Runs something soon; what is asked until then is sent together. */
  readonly defer: (run: () => void) => void;
  /** Makes what is done on the near side. */
  readonly near?: (host: NearDiskHost) => NearDisk;
}

/** A store that is elsewhere. */
export interface StoreProxy extends BlobStore {
  /** Calls when the far side works, or is broken. */
  ready(done: () => void): void;
  /** Forgets everything: nothing is told any more, and calls do nothing. */
  abandon(): void;
}

/** A question that waits for its answer. */
interface Pending {
  readonly question: BlobQuestion;
  readonly done: (answer: BlobAnswer) => void;
  /** Whether it was asked of a far side that broke. */
  readonly again: boolean;
}

class DistantStore implements StoreProxy {
  readonly #options: StoreProxyOptions;
  readonly #lines = new Map<number, Line>();
  readonly #questions = new Map<number, Pending>();
  readonly #outlet: Outlet;
  readonly #near: NearDisk | undefined;
  #far: FarSide | undefined;
  #requests: BlobRequest[] = [];
  #buffers: ArrayBuffer[] = [];
  #lastId = 0;
  #closing: Promise<void> | undefined;
  #abandoned = false;
  /** Memory that was used and can be used again: making it anew costs more than filling it. */
  readonly #spares: Record<Spare, ArrayBuffer[]> = { batch: [], block: [] };

  constructor(options: StoreProxyOptions) {
    this.#options = options;
    this.#outlet = {
      send: (request, buffer) => {
        if (!this.#near?.take(request)) this.#send(request, buffer);
      },
      forget: (id) => {
        this.#lines.delete(id);
        this.#near?.forget(id);
      },
      spare: (kind, buffer) => this.#keepSpare(kind, buffer),
      reuse: (kind) => this.#spares[kind].pop(),
    };
    this.#near = options.near?.({
      defer: options.defer,
      hear: (reply) => this.#hear(reply),
      send: (request) => {
        const spare = request.op === "pull" ? request.spare : undefined;
        this.#send(request, spare);
      },
    });
  }

  write(upload: number, options: WriteOptions, events: WriterEvents): BlobWriter {
    const { size, from = "kept", packed = false } = options;
    needCount("an upload's number", upload, Number.MAX_SAFE_INTEGER);
    needCount("a size", size, BLOB_BYTES_MAX);
    const id = this.#nextId();
    const line = createWriterLine({ id, packed, events }, this.#outlet);
    this.#lines.set(id, line);
    this.#outlet.send({ op: "open-writer", id, upload, size, scratch: from === "scratch", packed });
    return line;
  }

  read(sha256: string, { offset, deflate }: ReadOptions, events: ReaderEvents): BlobReader {
    needDigest(sha256);
    needCount("an offset", offset, Number.MAX_SAFE_INTEGER);
    const id = this.#nextId();
    const line = createReaderLine(id, events, this.#outlet);
    this.#lines.set(id, line);
    this.#outlet.send({ op: "open-reader", id, sha256, offset, deflate });
    return line;
  }

  batch(): Uint8Array<ArrayBuffer> {
    const spare = this.#spares.batch.pop();
    return spare === undefined ? new Uint8Array(BATCH_BYTES) : new Uint8Array(spare);
  }

  #keepSpare(kind: Spare, buffer: ArrayBuffer): void {
    const size = kind === "batch" ? BATCH_BYTES : BLOCK_BYTES;
    const spares = this.#spares[kind];
    if (buffer.byteLength === size && spares.length < SPARES_MAX) spares.push(buffer);
    // Otherwise hundreds of megabytes would wait for the garbage collector.
    else if (buffer.byteLength > 0) buffer.transfer(0);
  }

  has(sha256: string, done: (size: number | undefined) => void): void {
    needDigest(sha256);
    this.#ask({ about: "has", sha256 }, done);
  }

  remove(sha256: string, done: (fault?: BlobFault) => void): void {
    needDigest(sha256);
    const wanted = [...this.#lines.values()].some(({ finishing }) => finishing === sha256);
    // Whoever finishes it may have been told already that it is kept: it must not go behind their back.
    if (wanted) this.#ask({ about: "has", sha256 }, () => done());
    else this.#ask({ about: "remove", sha256 }, done);
  }

  discard(upload: number, done: (fault?: BlobFault) => void): void {
    needCount("an upload's number", upload, Number.MAX_SAFE_INTEGER);
    this.#ask({ about: "discard", upload }, done);
  }

  uploads(done: (numbers: number[]) => void): void {
    this.#ask({ about: "uploads" }, done);
  }

  contents(after: string, count: number, done: (list: KeptContent[]) => void): void {
    if (after !== "") needDigest(after);
    needCount("a count", count, Number.MAX_SAFE_INTEGER);
    this.#ask({ about: "contents", after, count }, done);
  }

  ready(done: () => void): void {
    this.#ask({ about: "ready" }, done);
  }

  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    for (const line of this.#lines.values()) if (line.finishing === undefined) line.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => {
      this.#far?.end();
      this.#far = undefined;
      resolve();
    };
    if (this.#far === undefined || this.#abandoned) end();
    else this.#ask({ about: "settle" }, end);
    return this.#closing = promise;
  }

  abandon(): void {
    this.#abandoned = true;
    this.#near?.clear();
    this.#lines.clear();
    this.#questions.clear();
    this.#far?.end();
    this.#far = undefined;
  }

  #nextId(): number {
    if (this.#closing !== undefined) throw new Error("The store is closed.");
    return ++this.#lastId;
  }

  #ask<About extends keyof BlobAnswers>(
    question: Extract<BlobQuestion, { about: About }>,
    done: (answer: BlobAnswers[About]) => void,
  ): void {
    const id = this.#nextId();
    this.#questions.set(id, { question, done: done as Pending["done"], again: false });
    this.#outlet.send({ op: "ask", id, question });
  }

  #send(request: BlobRequest, buffer?: ArrayBuffer): void {
    if (this.#abandoned) return;
    this.#far ??= this.#connect();
    if (buffer !== undefined) this.#buffers.push(buffer);
    if (this.#requests.push(request) > 1) return;
    this.#options.defer(() => this.#flush());
  }

  #flush(): void {
    const requests = this.#requests;
    const buffers = this.#buffers;
    this.#requests = [];
    this.#buffers = [];
    if (requests.length > 0) this.#far?.send(requests, buffers);
  }

  #connect(): FarSide {
    const far: FarSide = this.#options.connect({
      hear: (replies) => {
        for (const reply of replies) if (this.#far === far) this.#hear(reply);
      },
      broken: (why) => {
        if (this.#far === far) this.#break(why);
      },
    });
    return far;
  }

  #hear(reply: BlobReply): void {
    if (reply.told !== "answer") {
      this.#lines.get(reply.id)?.hear(reply);
      return;
    }
    const pending = this.#questions.get(reply.id);
    this.#questions.delete(reply.id);
    pending?.done(reply.answer);
  }

  #break(cause: string): void {
    const fault = storageFailed(cause);
    const lines = [...this.#lines.values()];
    const questions = [...this.#questions.values()];
    this.#far = undefined;
    this.#near?.clear();
    this.#requests = [];
    this.#buffers = [];
    this.#lines.clear();
    this.#questions.clear();
    for (const line of lines) line.hear({ id: 0, told: "failed", fault });
    for (const { question, done, again } of questions) {
      if (again || this.#closing !== undefined || question.about === "ready") {
        done(giveUp(question, fault));
      } else {
        const id = ++this.#lastId;
        this.#questions.set(id, { question, done, again: true });
        this.#send({ op: "ask", id, question });
      }
    }
  }
}

/** The answer when there is none. */
function giveUp({ about }: BlobQuestion, fault: BlobFault): BlobAnswer {
  switch (about) {
    case "remove":
    case "discard":
      return fault;
    case "uploads":
    case "contents":
      return [];
    default:
      return undefined;
  }
}

function needDigest(text: string): void {
  if (!isDigest(text)) throw new TypeError(`Not a SHA-256 in hex: ${JSON.stringify(text)}`);
}

function needCount(what: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return;
  throw new RangeError(`${value} is not ${what}: whole numbers from 0 to ${most} are.`);
}

/** Makes the near side of a store. */
export function createStoreProxy(options: StoreProxyOptions): StoreProxy {
  return new DistantStore(options);
}
