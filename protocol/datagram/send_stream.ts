/**
 * The sending end of the byte stream: what was written and is not yet acknowledged is kept in blocks, and
 * what was lost is sent again from there, in whatever pieces fit.
 *
 * @module
 */

import { createRangeSet } from "./ranges.ts";

const BLOCK_BYTES = 16 * 1024;
/** Blocks that are kept for use again, so that a long transfer does not make garbage. */
const SPARE_BLOCKS_MAX = 32;

/** Bytes that were written and not sent yet, where nothing else is said: no more are taken while there are so many. */
export const UNSENT_BYTES_MAX: number = 1024 * 1024;

/** What goes into a packet. */
export interface Chunk {
  start: number;
  end: number;
  fin: boolean;
}

/** The sending end. */
export interface SendStream {
  /** How many bytes were written. */
  readonly length: number;
  /** How many bytes {@linkcode SendStream.write} would take. */
  readonly room: number;
  /** How many bytes are kept. */
  readonly kept: number;
  /** Where bytes begin that were never sent. */
  readonly sentTo: number;
  /** Whether `finish` was called. */
  readonly finished: boolean;
  /** Whether everything has arrived, the end as well. */
  readonly delivered: boolean;
  /** Whether there is something to send below a limit. */
  wants(limit: number): boolean;
  /** Whether there are bytes that only the limit holds back. */
  isBlocked(limit: number): boolean;
  /** Takes bytes, as many as there is room for. */
  write(bytes: Uint8Array): number;
  /** No more will be written. */
  finish(): void;
  /**
   * What to send next, at most `length` bytes and not beyond the limit: what was lost first. It counts as
   * sent. `undefined` if there is nothing.
   */
  take(length: number, limit: number): Chunk | undefined;
  /** Where the next piece would begin, for its header. */
  nextStart(): number;
  /** Copies bytes of the stream. */
  copy(start: number, end: number, into: Uint8Array, at: number): void;
  /** Bytes, and perhaps the end, have arrived. */
  acknowledge(start: number, end: number, fin: boolean): void;
  /** They were lost, so far as they have not arrived in another packet. */
  lose(start: number, end: number, fin: boolean): void;
  /** The oldest bytes that have not arrived are to be sent again, at most so many. */
  repeat(length: number): void;
  /** Forgets everything. */
  clear(): void;
}

class Outgoing implements SendStream {
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #spare: Uint8Array[] = [];
  readonly #acked = createRangeSet();
  readonly #lost = createRangeSet();
  readonly #unsentMax: number;
  /** Everything before it has arrived. */
  #ackedTo = 0;
  #finSent = false;
  #finAcked = false;
  length = 0;
  sentTo = 0;
  finished = false;

  constructor(unsentMax: number) {
    this.#unsentMax = unsentMax;
  }

  get room(): number {
    return this.finished ? 0 : Math.max(0, this.#unsentMax - (this.length - this.sentTo));
  }

  get kept(): number {
    return this.#blocks.size * BLOCK_BYTES;
  }

  get delivered(): boolean {
    return this.#finAcked && this.#ackedTo === this.length;
  }

  get #owesFin(): boolean {
    return this.finished && !this.#finSent && this.sentTo === this.length;
  }

  wants(limit: number): boolean {
    return this.#lost.count > 0 || this.sentTo < Math.min(this.length, limit) || this.#owesFin;
  }

  isBlocked(limit: number): boolean {
    return this.#lost.count === 0 && this.sentTo < this.length && this.sentTo >= limit;
  }

  write(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    for (let done = 0; done < count;) {
      const inBlock = this.length % BLOCK_BYTES;
      const part = Math.min(count - done, BLOCK_BYTES - inBlock);
      this.#block(this.length).set(bytes.subarray(done, done + part), inBlock);
      this.length += part;
      done += part;
    }
    return count;
  }

  #block(offset: number): Uint8Array {
    const index = Math.floor(offset / BLOCK_BYTES);
    let block = this.#blocks.get(index);
    if (block === undefined) {
      block = this.#spare.pop() ?? new Uint8Array(BLOCK_BYTES);
      this.#blocks.set(index, block);
    }
    return block;
  }

  finish(): void {
    this.finished = true;
  }

  nextStart(): number {
    return this.#lost.count > 0 ? this.#lost.start(0) : this.sentTo;
  }

  take(length: number, limit: number): Chunk | undefined {
    if (this.#lost.count > 0) {
      const start = this.#lost.start(0);
      const end = Math.min(this.#lost.end(0), start + length);
      if (end <= start) return undefined;
      this.#lost.remove(start, end);
      // The end may go with its last bytes again, if it is lost as well.
      const fin = this.finished && !this.#finSent && end === this.length;
      if (fin) this.#finSent = true;
      return { start, end, fin };
    }
    const start = this.sentTo;
    const end = Math.min(this.length, limit, start + length);
    const fin = this.finished && !this.#finSent && end === this.length;
    if (end <= start && !fin) return undefined;
    this.sentTo = Math.max(end, start);
    if (fin) this.#finSent = true;
    return { start, end: this.sentTo, fin };
  }

  copy(start: number, end: number, into: Uint8Array, at: number): void {
    for (let from = start; from < end;) {
      const inBlock = from % BLOCK_BYTES;
      const part = Math.min(end - from, BLOCK_BYTES - inBlock);
      const block = this.#blocks.get(Math.floor(from / BLOCK_BYTES))!;
      into.set(block.subarray(inBlock, inBlock + part), at);
      at += part;
      from += part;
    }
  }

  acknowledge(start: number, end: number, fin: boolean): void {
    if (fin) this.#finAcked = this.#finSent = true;
    if (this.#lost.count > 0) this.#lost.remove(start, end);
    if (end <= this.#ackedTo) return;
    if (start > this.#ackedTo) {
      this.#acked.add(start, end);
      return;
    }
    const before = this.#ackedTo;
    this.#ackedTo = end;
    while (this.#acked.count > 0 && this.#acked.start(0) <= this.#ackedTo) {
      this.#ackedTo = Math.max(this.#ackedTo, this.#acked.end(0));
      this.#acked.shift();
    }
    if (this.#ackedTo === this.length) this.#rest();
    else this.#release(before);
  }

  /** A stream that rests holds no memory. */
  #rest(): void {
    this.#blocks.clear();
    this.#spare.length = 0;
  }

  /** Blocks that have arrived as a whole are not needed any more. */
  #release(before: number): void {
    const done = Math.floor(this.#ackedTo / BLOCK_BYTES);
    for (let index = Math.floor(before / BLOCK_BYTES); index < done; index++) {
      const block = this.#blocks.get(index);
      this.#blocks.delete(index);
      if (block !== undefined && this.#spare.length < SPARE_BLOCKS_MAX) this.#spare.push(block);
    }
  }

  lose(start: number, end: number, fin: boolean): void {
    if (fin && !this.#finAcked) this.#finSent = false;
    const from = Math.max(start, this.#ackedTo);
    if (from >= end) return;
    this.#lost.add(from, end);
    if (this.#acked.missing(from, end) === end - from) return;
    for (let index = 0; index < this.#acked.count; index++) {
      if (this.#acked.start(index) >= end) break;
      this.#lost.remove(this.#acked.start(index), this.#acked.end(index));
    }
  }

  repeat(length: number): void {
    if (this.#lost.count > 0) return;
    const end = this.#acked.count > 0 ? this.#acked.start(0) : this.sentTo;
    if (this.#ackedTo < end) {
      this.lose(this.#ackedTo, Math.min(end, this.#ackedTo + length), false);
    } else if (this.#finSent && !this.#finAcked) this.#finSent = false;
  }

  clear(): void {
    this.#blocks.clear();
    this.#spare.length = 0;
    this.#lost.clear();
    this.#acked.clear();
    this.length = this.sentTo = this.#ackedTo;
    this.#finSent = this.finished = true;
  }
}

/** Makes the sending end of an empty stream. */
export function createSendStream(unsentMax: number = UNSENT_BYTES_MAX): SendStream {
  return new Outgoing(unsentMax);
}
