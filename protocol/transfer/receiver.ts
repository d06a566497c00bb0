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
  /**
   * Bytes before `offset` that came on an earlier connection and are not stored yet: until they are, they take
   * up room in the window. None if it is not given.
   */
  readonly behind?: number;
}

/** One end of a transfer that receives. */
export interface Receiver {
  /** Where it stands. */
  readonly state: ReceiverState;
  /** The offset of the byte that comes next. */
  readonly position: number;
  /** How far the sender may go, as it was told. */
  readonly upto: number;
  /** Whether its owner lends memory for what comes. */
  lending: boolean;
  /** What of it is not taken. */
  lent: Uint8Array | undefined;
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
  readonly #offset: number;
  readonly #window: number;
  state: ReceiverState = "receiving";
  position: number;
  upto: number;
  lending = false;
  lent: Uint8Array | undefined;
  #stored: number;

  constructor({ size, offset, window, behind = 0 }: Expected) {
    this.#size = size;
    this.#window = window;
    this.position = this.#offset = offset;
    this.#stored = offset - behind;
    this.upto = Math.max(offset, Math.min(size, this.#stored + window));
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
    // A word for each chunk would be wasted, but whoever may not send a whole one waits for a word, and the
    // last one may be the last that the owner has cause for, until the rest comes.
    const waits = this.upto - this.position < CHUNK_MAX;
    const worth = waits || upto === this.#size || upto - this.upto >= this.#window / 4;
    if (upto <= this.upto || !worth) return undefined;
    this.upto = upto;
    // Of what came before, this connection's sender knows nothing.
    return { at: Math.max(this.#offset, this.#stored), upto };
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
