/**
 * The receiver's end of one transfer: it allows as many bytes as it can bear, and no byte comes beyond
 * (DESIGN §7).
 *
 * Bytes that come in are handed to the owner, who says when they are stored; as they are, the sender is
 * allowed to go on. So what is under way for one file is never more than one window, however large the
 * file and however slow the disk.
 *
 * @module
 */

import type { Credit } from "../body.ts";
import { CHUNK_MAX } from "../catalogue.ts";
import { RECEIVER_TABLE, type ReceiverInput, type ReceiverState } from "./transfer_table.ts";

/** Bytes that may be under way, where nothing else is said. */
export const WINDOW_BYTES: number = 32 * CHUNK_MAX;

/** What a receiver is made with. */
export interface Expected {
  /** The size of the whole file, in bytes. */
  readonly size: number;
  /** Where the bytes begin: what stands before is there already. */
  readonly offset: number;
  /** Bytes that may be under way. */
  readonly window: number;
}

/** One end of a transfer that receives. */
export interface Receiver {
  /** Where it stands. */
  readonly state: ReceiverState;
  /** The offset of the byte that comes next. */
  readonly position: number;
  /** What the sender may know at the beginning. */
  readonly upto: number;
  /** So many bytes have come; false if they must not have. */
  data(count: number): boolean;
  /** So many more bytes are stored; gives what the sender should be told, if it is worth a word. */
  stored(count: number): Credit | undefined;
  /** Whether all bytes have come. */
  readonly whole: boolean;
  /** Whether the table knows the input here; moves if so. */
  step(input: ReceiverInput): boolean;
}

class IncomingFile implements Receiver {
  readonly #size: number;
  readonly #window: number;
  state: ReceiverState = "receiving";
  position: number;
  upto: number;
  #stored: number;

  constructor({ size, offset, window }: Expected) {
    this.#size = size;
    this.#window = window;
    this.position = this.#stored = offset;
    this.upto = Math.min(size, offset + window);
  }

  get whole(): boolean {
    return this.position === this.#size;
  }

  step(input: ReceiverInput): boolean {
    const row = RECEIVER_TABLE[this.state][input];
    if (row === undefined) return false;
    this.state = row[1];
    return true;
  }

  data(count: number): boolean {
    if (this.position + count > this.upto) return false;
    this.position += count;
    return true;
  }

  stored(count: number): Credit | undefined {
    if (this.#stored + count > this.position) {
      throw new RangeError(`${count} bytes are stored that have not come`);
    }
    this.#stored += count;
    const upto = Math.min(this.#size, this.#stored + this.#window);
    if (upto === this.upto) return undefined;
    // A word for each chunk would be wasted, but whoever may not send a whole one waits for a word, and the
    // last one may be the last that the owner has cause for, until the rest comes.
    const due = this.upto - this.position < CHUNK_MAX || upto === this.#size;
    if (!due && upto - this.upto < this.#window / 4) return undefined;
    this.upto = upto;
    return { at: this.#stored, upto };
  }
}

/**
 * Makes the receiver of a transfer.
 *
 * @throws RangeError for a window in which nothing could be sent.
 */
export function createReceiver(expected: Expected): Receiver {
  if (!(expected.window > 0)) throw new RangeError("a window must hold at least one byte");
  return new IncomingFile(expected);
}
