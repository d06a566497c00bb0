/**
 * The receiving end of the byte stream: pieces come in any order and overlap, and leave in order, each byte
 * once. Memory is bounded by the window and by the number of holes (DATAGRAM §7).
 *
 * @module
 */

import { createRangeSet } from "./ranges.ts";

const BLOCK_BYTES = 16 * 1024;
/** Blocks that are kept for use again, so that a long transfer does not make garbage. */
const SPARE_BLOCKS_MAX = 8;
/** The most pieces that may lie apart; a packet that would make more is taken for lost. */
export const PIECES_MAX = 8192;

/** What came of a piece. */
export type Taken =
  /** It was taken, or was known. */
  | "ok"
  /** There is no room for another hole: the packet counts as not received. */
  | "full"
  /** It ends the stream where it did not end, or goes beyond its end. */
  | "final-size"
  /** It says something else than an earlier one. */
  | "contradiction";

/** The receiving end. */
export interface ReceiveStream {
  /** Bytes that were read. */
  readonly readTo: number;
  /** The end of the highest piece. */
  readonly highest: number;
  /** How many bytes can be read now. */
  readonly readable: number;
  /** Whether the peer's end is known and everything before it was read. */
  readonly ended: boolean;
  /** Whether the peer's end is known, and everything before it is here. */
  readonly complete: boolean;
  /** Bytes of memory in use. */
  readonly kept: number;
  /** How many pieces lie apart. */
  readonly pieces: number;
  /** Takes a piece, `packet` from `from` to `to`, as the stream's bytes from `offset` on. */
  take(offset: number, packet: Uint8Array, from: number, to: number, fin: boolean): Taken;
  /** The next bytes, at most so many: a view, valid until the next call. `undefined` while there are none. */
  read(max: number): Uint8Array | undefined;
  /** Forgets everything. */
  clear(): void;
}

class Incoming implements ReceiveStream {
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #spare: Uint8Array[] = [];
  /** The block that the reader may still look at, though nothing else is in it. */
  #lent: Uint8Array | undefined;
  /** All that is here, where it came in one piece that has been waiting alone: nearly always, if the reader is quick. */
  #alone: Uint8Array | undefined;
  /** Pieces behind the first hole. */
  readonly #apart = createRangeSet();
  /** Everything before it is here. */
  #here = 0;
  #size: number | undefined;
  readTo = 0;
  highest = 0;

  get readable(): number {
    return this.#here - this.readTo;
  }

  get ended(): boolean {
    return this.#size !== undefined && this.readTo === this.#size;
  }

  get complete(): boolean {
    return this.#size !== undefined && this.#here === this.#size;
  }

  get kept(): number {
    return this.#blocks.size * BLOCK_BYTES + (this.#alone?.length ?? 0);
  }

  get pieces(): number {
    return this.#apart.count;
  }

  take(offset: number, packet: Uint8Array, from: number, to: number, fin: boolean): Taken {
    const end = offset + to - from;
    if (this.#size !== undefined && (end > this.#size || (fin && end !== this.#size))) {
      return "final-size";
    }
    if (fin && end < this.highest) return "final-size";
    if (this.#apart.count >= PIECES_MAX && offset > this.#here) return "full";
    if (fin) this.#size = end;
    if (this.readTo === this.highest && offset === this.highest && end > offset) {
      // A copy of its own size is cheaper than a block, and is gone when it was read.
      this.#alone = packet.slice(from, to);
      this.#here = this.highest = end;
      return "ok";
    }
    this.#settle();
    if (end > this.highest) this.highest = end;
    else if (!this.#agrees(offset, end, packet, from)) return "contradiction";
    const start = Math.max(offset, this.#here);
    if (start >= end) return "ok";
    this.#copy(start, end, packet, from + start - offset);
    if (start > this.#here) {
      this.#apart.add(start, end);
      return "ok";
    }
    this.#here = end;
    while (this.#apart.count > 0 && this.#apart.start(0) <= this.#here) {
      this.#here = Math.max(this.#here, this.#apart.end(0));
      this.#apart.shift();
    }
    return "ok";
  }

  /** What waited alone gets company. */
  #settle(): void {
    const alone = this.#alone;
    if (alone === undefined) return;
    this.#alone = undefined;
    this.#copy(this.readTo, this.#here, alone, 0);
  }

  /** Whether a piece says the same as what is here of it and not read yet. */
  #agrees(offset: number, end: number, packet: Uint8Array, from: number): boolean {
    const upto = Math.min(end, this.#here);
    if (!this.#isSame(Math.max(offset, this.readTo), upto, packet, from - offset)) return false;
    for (let index = 0; index < this.#apart.count; index++) {
      if (this.#apart.start(index) >= end) break;
      const start = Math.max(offset, this.#apart.start(index));
      const stop = Math.min(end, this.#apart.end(index));
      if (!this.#isSame(start, stop, packet, from - offset)) return false;
    }
    return true;
  }

  #isSame(start: number, end: number, packet: Uint8Array, shift: number): boolean {
    for (let at = start; at < end; at++) {
      const block = this.#blocks.get(Math.floor(at / BLOCK_BYTES));
      if (block !== undefined && block[at % BLOCK_BYTES] !== packet[at + shift]) return false;
    }
    return true;
  }

  #copy(start: number, end: number, packet: Uint8Array, from: number): void {
    for (let at = start; at < end;) {
      const index = Math.floor(at / BLOCK_BYTES);
      let block = this.#blocks.get(index);
      if (block === undefined) {
        this.#blocks.set(index, block = this.#spare.pop() ?? new Uint8Array(BLOCK_BYTES));
      }
      const part = Math.min(end - at, BLOCK_BYTES - at % BLOCK_BYTES);
      block.set(packet.subarray(from, from + part), at % BLOCK_BYTES);
      from += part;
      at += part;
    }
  }

  read(max: number): Uint8Array | undefined {
    this.#takeBack();
    if (this.#alone !== undefined) return this.#readAlone(this.#alone, max);
    const inBlock = this.readTo % BLOCK_BYTES;
    const count = Math.min(max, this.readable, BLOCK_BYTES - inBlock);
    if (count <= 0) return undefined;
    const index = Math.floor(this.readTo / BLOCK_BYTES);
    const block = this.#blocks.get(index)!;
    this.readTo += count;
    if (inBlock + count === BLOCK_BYTES || this.readTo === this.highest) {
      this.#blocks.delete(index);
      this.#lent = block;
    }
    return block.subarray(inBlock, inBlock + count);
  }

  #readAlone(alone: Uint8Array, max: number): Uint8Array {
    const count = Math.min(max, alone.length);
    this.readTo += count;
    this.#alone = count < alone.length ? alone.subarray(count) : undefined;
    return alone.subarray(0, count);
  }

  /** The reader is done with what it was given last. */
  #takeBack(): void {
    if (this.#lent === undefined) return;
    // A stream that rests holds no memory.
    if (this.#blocks.size === 0) this.#spare.length = 0;
    else if (this.#spare.length < SPARE_BLOCKS_MAX) this.#spare.push(this.#lent);
    this.#lent = undefined;
  }

  clear(): void {
    this.#blocks.clear();
    this.#spare.length = 0;
    this.#lent = this.#alone = undefined;
    this.#apart.clear();
    this.readTo = this.highest = this.#here;
  }
}

/** Makes the receiving end of an empty stream. */
export function createReceiveStream(): ReceiveStream {
  return new Incoming();
}
