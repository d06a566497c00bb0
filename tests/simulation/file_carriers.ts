/**
 * Carriers in the simulation: what stands between a client's session and the files of a person, as client/files
 * does it, but in virtual time. A source is read late and from any place; a download is taken now and then.
 *
 * @module
 */

import { deflateRawSync } from "node:zlib";
import { CHUNK_MAX, PACKED_HEADER_BYTES } from "../../protocol/catalogue.ts";
import type { ClientSession } from "../../protocol/session.ts";
import type { DownloadOpened, UploadOpened } from "../../protocol/forum/reply.ts";
import { FRAME_HEADER_BYTES } from "../../protocol/frame.ts";
import { PACKED_MIN } from "../../protocol/transfer/shrinking.ts";
import type { TransferEvent } from "../../protocol/transfer/transfers.ts";
import { unpack } from "../../server/blob/unpack.ts";
import { type Content, contentOf } from "./contents.ts";
import type { Random } from "./random.ts";
import { hold, type World } from "./world.ts";

/** One file on its way. */
export interface Carrier {
  readonly id: number;
  opened(reply: UploadOpened | DownloadOpened): void;
  event(event: TransferEvent): void;
  /** It ended well: what the person has must be right. */
  done(): void;
  /** Whether it was ever opened. */
  readonly begun: boolean;
  /** Nothing more of it matters. */
  over: boolean;
}

/** What a carrier needs. */
export interface CarrierOptions {
  readonly id: number;
  readonly world: World;
  readonly random: Random;
  readonly session: ClientSession;
  /** Something was said to the session. */
  readonly after: () => void;
}

/** Reads a file and gives it as the server asks for it. */
class UploadCarrier implements Carrier {
  readonly id: number;
  readonly #options: CarrierOptions;
  readonly #content: Content;
  /** Whether it lies about what it has sent. */
  readonly #lies: boolean;
  #openings = 0;
  #deflates = false;
  #position = 0;
  #wanted = 0;
  #reading = false;
  #ended = true;
  over = false;

  constructor(options: CarrierOptions, { content, lies }: { content: Content; lies: boolean }) {
    this.id = options.id;
    this.#options = options;
    this.#content = content;
    this.#lies = lies;
  }

  opened(reply: UploadOpened | DownloadOpened): void {
    const { transcript } = this.#options.world;
    const { offset, deflate } = reply as UploadOpened;
    if (++this.#openings > 1) transcript.count("uploads that went on after a break");
    if (offset > 0) transcript.count("uploads resumed");
    hold(offset <= this.#content.bytes.length, () => `upload ${this.id} goes on at ${offset}`);
    this.#deflates = deflate;
    this.#position = offset;
    this.#wanted = 0;
    this.#ended = false;
    this.#go();
  }

  event(event: TransferEvent): void {
    if (event.what === "wanted") {
      this.#wanted += event.bytes;
      this.#go();
    } else hold(event.what === "stored", () => `an upload is told of ${event.what}`);
  }

  get begun(): boolean {
    return this.#openings > 0;
  }

  done(): void {
    const { transcript } = this.#options.world;
    transcript.count(this.begun ? "uploads whole" : "uploads of what was there already");
  }

  #go(): void {
    if (this.#reading || this.#ended || this.over) return;
    const { bytes } = this.#content;
    if (this.#position === bytes.length) return this.#end();
    if (this.#wanted === 0) return;
    const { random, world: { scheduler } } = this.#options;
    const most = Math.min(CHUNK_MAX, this.#wanted);
    // Small pieces at times, as a slow source has them.
    const count = random.chance(0.1) ? random.between(1, most) : most;
    const opening = this.#openings;
    const chunk = bytes.subarray(this.#position, this.#position + count);
    this.#reading = true;
    const read = () => {
      this.#reading = false;
      // What was read for a link that broke is worth nothing for the next.
      if (opening === this.#openings && !this.over) this.#give(chunk);
      this.#go();
    };
    if (random.chance(0.7)) read();
    else scheduler.after(random.between(0, 20), read);
  }

  #give(chunk: Uint8Array): void {
    const { session, after, world: { transcript } } = this.#options;
    this.#position += chunk.length;
    this.#wanted -= chunk.length;
    const packed = this.#deflates && chunk.length >= PACKED_MIN ? deflateRawSync(chunk) : undefined;
    if (packed !== undefined && packed.length < chunk.length) {
      transcript.count("chunks deflated");
      const room = FRAME_HEADER_BYTES + PACKED_HEADER_BYTES;
      const frame = new Uint8Array(room + packed.length);
      frame.set(packed, room);
      session.provide(this.id, frame, chunk.length);
    } else {
      const frame = new Uint8Array(FRAME_HEADER_BYTES + chunk.length);
      frame.set(chunk, FRAME_HEADER_BYTES);
      session.provide(this.id, frame);
    }
    after();
  }

  #end(): void {
    const { session, after } = this.#options;
    this.#ended = true;
    session.endUpload(this.id, this.#lies ? "0".repeat(64) : this.#content.sha256);
    after();
  }
}

/** What a download is about. */
export interface Wanted {
  /** What must be there of the file row that the server shows. */
  readonly check: (reply: DownloadOpened) => void;
  /** Where the client asked to begin. */
  readonly offset: number;
  /** Bytes that may have come and not been taken. */
  readonly window: number;
}

/** Compares what comes, byte by byte, and takes it when it likes to. */
class DownloadCarrier implements Carrier {
  readonly id: number;
  readonly #options: CarrierOptions;
  readonly #wanted: Wanted;
  readonly #chunks: number[] = [];
  #content: Content | undefined;
  #position: number;
  #untaken = 0;
  #taking = false;
  #finished = false;
  #openings = 0;
  over = false;

  constructor(options: CarrierOptions, wanted: Wanted) {
    this.id = options.id;
    this.#options = options;
    this.#wanted = wanted;
    this.#position = wanted.offset;
  }

  opened(reply: UploadOpened | DownloadOpened): void {
    const row = reply as DownloadOpened;
    const { transcript } = this.#options.world;
    if (++this.#openings > 1 && row.offset > 0) transcript.count("downloads resumed");
    this.#wanted.check(row);
    this.#content ??= contentOf(row.sha256);
    hold(
      row.offset === this.#position && row.size === this.#content?.bytes.length,
      () => `download ${this.id} goes on at ${row.offset}, and has come to ${this.#position}`,
    );
  }

  event(event: TransferEvent): void {
    switch (event.what) {
      case "data": {
        const plain = event.raw === undefined ? event.bytes : unpack(event.bytes, event.raw);
        hold(plain !== undefined, () => `download ${this.id} gets what is no deflate`);
        this.#take(event.offset, plain);
        return;
      }
      case "finish":
        hold(
          event.finish.sha256 === this.#content!.sha256 &&
            this.#position === this.#content!.bytes.length,
          () => `download ${this.id} ends at ${this.#position}`,
        );
        this.#finished = true;
        this.#look();
        return;
      default:
        hold(false, () => `a download is told of ${event.what}`);
    }
  }

  #take(offset: number, plain: Uint8Array): void {
    const { bytes } = this.#content!;
    hold(offset === this.#position, () => `download ${this.id}: ${offset}, not ${this.#position}`);
    hold(
      same(plain, bytes.subarray(offset, offset + plain.length)),
      () => `download ${this.id} gets other bytes at ${offset}`,
    );
    this.#position += plain.length;
    this.#untaken += plain.length;
    hold(
      this.#untaken <= this.#wanted.window,
      () => `law 8: ${this.#untaken} bytes of download ${this.id} wait to be taken`,
    );
    this.#options.world.transcript.count("law 8: downloads measured");
    this.#chunks.push(plain.length);
    this.#look();
  }

  /** Takes the next chunk, soon or, now and then, much later. */
  #look(): void {
    if (this.#taking || this.over) return;
    const { random, world: { scheduler, faults } } = this.#options;
    if (this.#chunks.length === 0 && !this.#finished) return;
    this.#taking = true;
    const wait = random.chance(faults.slow)
      ? random.between(500, 9000)
      : random.chance(0.6)
      ? 0
      : random.between(0, 30);
    scheduler.after(wait, () => {
      this.#taking = false;
      if (this.over) return;
      this.#takeOne();
      this.#look();
    });
  }

  #takeOne(): void {
    const { session, after } = this.#options;
    const count = this.#chunks.shift();
    if (count !== undefined) {
      this.#untaken -= count;
      session.stored(this.id, count);
    } else session.keepDownload(this.id, this.#content!.sha256);
    after();
  }

  get begun(): boolean {
    return this.#openings > 0;
  }

  done(): void {
    const { transcript } = this.#options.world;
    hold(
      this.#finished && this.#untaken === 0,
      () => `download ${this.id} is done at ${this.#position} with ${this.#untaken} bytes left`,
    );
    transcript.count("downloads whole");
  }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** Makes the carrier of an upload; with `lies` it says another hash at the end than what it has sent. */
export function createUploadCarrier(
  options: CarrierOptions,
  what: { content: Content; lies: boolean },
): Carrier {
  return new UploadCarrier(options, what);
}

/** Makes the carrier of a download. */
export function createDownloadCarrier(options: CarrierOptions, wanted: Wanted): Carrier {
  return new DownloadCarrier(options, wanted);
}
