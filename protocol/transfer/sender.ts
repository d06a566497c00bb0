/**
 * The sender's end of one transfer: bytes of a file go out as far as the receiver allows (DESIGN §7).
 *
 * The owner is asked for bytes a little ahead of what can be written, gives them as frames that have room
 * for their header, and says at the end what the hash of all is. Nothing is copied here and nothing kept
 * once it is written: after a break the owner begins anew from where the receiver has got to.
 *
 * @module
 */

import type { Credit, Finish } from "../body.ts";
import { CATALOGUE, CHUNK_MAX, PACKED_HEADER_BYTES } from "../catalogue.ts";
import { FRAME_HEADER_BYTES, writeFrameHeader } from "../frame.ts";
import { encodeMessage } from "../message.ts";
import { PACKED_MIN } from "./shrinking.ts";
import { SENDER_TABLE, type SenderInput, type SenderState } from "./transfer_table.ts";

/** So many bytes are given and asked for ahead of what is written. */
export const AHEAD_BYTES: number = 4 * CHUNK_MAX;

/** Where a transfer begins, and how far it goes. */
export interface Stretch {
  /** The size of the whole file, in bytes. */
  readonly size: number;
  /** Where sending begins: what stands before it is there already. */
  readonly offset: number;
  /** Bytes before this offset may be sent. */
  readonly upto: number;
}

/** One end of a transfer that sends. */
export interface Sender {
  /** Where it stands. */
  readonly state: SenderState;
  /** Everything before this offset is stored at the other end. */
  readonly stored: number;
  /** Everything before this offset has been written, or never had to be. */
  readonly written: number;
  /** How many bytes the owner should give now; each is asked for once. */
  ask(): number;
  /** See {@linkcode Transfers.provide}. */
  provide(frame: Uint8Array, raw?: number): void;
  /** All bytes were given, and this is what they are. */
  end(finish: Finish): void;
  /** The receiver has got further; false if it says what cannot be. */
  credit(credit: Credit): boolean;
  /** Whether the table knows the input here; moves if so. */
  step(input: SenderInput): boolean;
  /** The next frame to write, if there is one; the one before must be written by then. */
  pull(): Uint8Array | undefined;
  /** Forgets what waits. */
  clear(): void;
}

class OutgoingFile implements Sender {
  readonly #id: number;
  readonly #size: number;
  readonly #frames: Uint8Array[] = [];
  state: SenderState = "sending";
  stored: number;
  written: number;
  /** The end of the frame that is being written. */
  #pulled: number;
  /** What the owner has given, and been asked for; and how far the receiver lets it go. */
  #given: number;
  #asked: number;
  #upto: number;
  /** Bytes of the file that were given and not yet written. */
  #waiting = 0;

  constructor(id: number, { size, offset, upto }: Stretch) {
    this.#id = id;
    this.#size = size;
    this.stored =
      this.written =
      this.#pulled =
      this.#given =
      this.#asked =
        offset;
    this.#upto = Math.min(upto, size);
  }

  step(input: SenderInput): boolean {
    const row = SENDER_TABLE[this.state][input];
    if (row === undefined) return false;
    this.state = row[1];
    return true;
  }

  ask(): number {
    if (this.state !== "sending") return 0;
    const ahead = this.#waiting + this.#asked - this.#given;
    const count = Math.min(AHEAD_BYTES - ahead, this.#upto - this.#asked);
    // Small frames cost as much as large ones: they are sent only where there is nothing else to wait for.
    const whole = count >= CHUNK_MAX || this.#asked + count === this.#size;
    if (count <= 0 || !(whole || this.stored === this.#asked)) return 0;
    const take = whole && this.#asked + count < this.#size ? count - count % CHUNK_MAX : count;
    this.#asked += take;
    return take;
  }

  provide(frame: Uint8Array, raw?: number): void {
    const payload = frame.length - FRAME_HEADER_BYTES;
    const bytes = raw ?? payload;
    const kind = raw === undefined ? "data" : "packed";
    const { min, max } = CATALOGUE[kind].bytes!;
    const shrank = raw === undefined || (raw >= PACKED_MIN && payload - PACKED_HEADER_BYTES < raw);
    if (payload < min || payload > max || bytes > CHUNK_MAX || !shrank) {
      throw new RangeError(`a frame cannot carry ${payload} bytes for ${bytes}`);
    }
    if (bytes > this.#asked - this.#given) {
      throw new RangeError(`${bytes} bytes are given, ${this.#asked - this.#given} were asked for`);
    }
    if (!this.step("bytes")) throw new Error(`no bytes are taken in state ${this.state}`);
    writeFrameHeader(frame, 0, { length: payload, type: CATALOGUE[kind].type, id: this.#id });
    if (raw !== undefined) writePackedLength(frame, raw);
    this.#given += bytes;
    this.#waiting += bytes;
    this.#frames.push(frame);
  }

  end(finish: Finish): void {
    if (this.#given !== this.#size) {
      throw new Error(`${this.#given} bytes were given, and the file has ${this.#size}`);
    }
    if (!this.step("end")) throw new Error(`nothing can end in state ${this.state}`);
    this.#frames.push(encodeMessage({ kind: "finish", id: this.#id, body: finish }));
  }

  credit({ at, upto }: Credit): boolean {
    const backwards = at < this.stored || upto < this.#upto;
    if (backwards || at > this.#given || upto > this.#size) return false;
    this.stored = at;
    this.#upto = upto;
    return true;
  }

  pull(): Uint8Array | undefined {
    const frame = this.#frames.shift();
    if (frame === undefined) return undefined;
    // Whoever asks for another frame has written the one before.
    this.written = this.#pulled;
    const bytes = bytesOf(frame);
    this.#pulled += bytes;
    this.#waiting -= bytes;
    return frame;
  }

  clear(): void {
    this.#frames.length = 0;
  }
}

function writePackedLength(frame: Uint8Array, raw: number): void {
  frame[FRAME_HEADER_BYTES] = raw >>> 24;
  frame[FRAME_HEADER_BYTES + 1] = raw >>> 16;
  frame[FRAME_HEADER_BYTES + 2] = raw >>> 8;
  frame[FRAME_HEADER_BYTES + 3] = raw;
}

/** How many bytes of the file a frame stands for. */
function bytesOf(frame: Uint8Array): number {
  switch (frame[3]) {
    case CATALOGUE.data.type:
      return frame.length - FRAME_HEADER_BYTES;
    case CATALOGUE.packed.type: {
      const at = FRAME_HEADER_BYTES + PACKED_HEADER_BYTES - 3;
      // At most 65,536: three bytes are enough.
      return (frame[at] << 16) | (frame[at + 1] << 8) | frame[at + 2];
    }
    default:
      return 0;
  }
}

/** Makes the sender of a transfer. */
export function createSender(id: number, stretch: Stretch): Sender {
  return new OutgoingFile(id, stretch);
}
