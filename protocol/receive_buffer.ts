/**
 * Bytes that have arrived and are not yet understood.
 *
 * Chunks are copied in at the end and taken out at the front; a chunk itself is never kept, so the
 * caller may read into the same array again (DESIGN §4). A buffer that has become empty keeps its array for
 * what comes next, if that is much; the next little chunk gives it back, as the next sign of life is:
 * most connections are idle most of the time, and an idle one holds no memory.
 *
 * Whoever expects much can bring the memory for it. Then bytes are read straight into its tail, nothing of it is
 * ever written twice, and once the buffer has moved on it is left alone: what was viewed there stays as it is.
 *
 * @module
 */

const SMALLEST = 512;
const NOTHING = new Uint8Array(0);

/** A first-in, first-out buffer of bytes with a position in the whole stream. */
export interface ReceiveBuffer {
  /** How many bytes wait. */
  readonly length: number;
  /** How many bytes of the stream have been taken: the stream offset of the first waiting byte. */
  readonly offset: number;
  /** Copies the chunk in, if it was not read into the tail. */
  append(chunk: Uint8Array): void;
  /** Moves on to memory that somebody has brought, with what waits; the caller sees to it that this has room. */
  moveTo(memory: Uint8Array): void;
  /** The free end of such memory, to read into before the same bytes are appended; otherwise empty. */
  readonly tail: Uint8Array;
  /** The byte at `index` among those that wait; the caller checks `length` first. */
  at(index: number): number;
  /** The big-endian 32-bit number at `index`; the caller checks `length` first. */
  uint32(index: number): number;
  /** Where `byte` first stands among the first `limit` waiting bytes, or -1. */
  indexOf(byte: number, limit: number): number;
  /** A view of `length` waiting bytes from `start`. It is valid until the next call of `append`, even once they are taken. */
  view(start: number, length: number): Uint8Array;
  /** Takes `count` bytes off the front. */
  skip(count: number): void;
  /** Takes all that waits off the front. */
  clear(): void;
}

class Buffer implements ReceiveBuffer {
  #bytes: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;
  #taken = 0;
  /** Whether the array was brought: then nothing of it is written twice. */
  #brought = false;

  get length(): number {
    return this.#end - this.#start;
  }

  get offset(): number {
    return this.#taken;
  }

  moveTo(memory: Uint8Array): void {
    const waiting = this.length;
    memory.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = memory;
    this.#start = 0;
    this.#end = waiting;
    this.#brought = true;
  }

  get tail(): Uint8Array {
    return this.#brought ? this.#bytes.subarray(this.#end) : NOTHING;
  }

  append(chunk: Uint8Array): void {
    if (this.#brought) {
      const { buffer, byteOffset } = this.#bytes;
      if (chunk.buffer === buffer && chunk.byteOffset === byteOffset + this.#end) {
        this.#end += chunk.length;
        return;
      }
      this.#moveBack(chunk.length);
    }
    const needed = this.length + chunk.length;
    if (this.#end === 0 && needed < SMALLEST && this.#bytes.length > SMALLEST) {
      this.#bytes = NOTHING;
    }
    if (this.#end + chunk.length > this.#bytes.length) {
      if (needed <= this.#bytes.length) {
        this.#bytes.copyWithin(0, this.#start, this.#end);
      } else {
        // Doubling keeps many small chunks linear (FACTS §3: concatenating is quadratic).
        let size = Math.max(SMALLEST, this.#bytes.length);
        while (size < needed) size *= 2;
        const grown = new Uint8Array(size);
        grown.set(this.#bytes.subarray(this.#start, this.#end));
        this.#bytes = grown;
      }
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Goes back to an array of its own, with room for so many bytes more. */
  #moveBack(more: number): void {
    const waiting = this.#bytes.subarray(this.#start, this.#end);
    this.#brought = false;
    this.#bytes = waiting.length === 0 ? NOTHING : new Uint8Array(waiting.length + more);
    this.#bytes.set(waiting);
    this.#start = 0;
    this.#end = waiting.length;
  }

  at(index: number): number {
    return this.#bytes[this.#start + index];
  }

  uint32(index: number): number {
    const bytes = this.#bytes;
    const i = this.#start + index;
    return ((bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3]) >>> 0;
  }

  indexOf(byte: number, limit: number): number {
    const end = Math.min(this.#end, this.#start + limit);
    for (let i = this.#start; i < end; i++) if (this.#bytes[i] === byte) return i - this.#start;
    return -1;
  }

  view(start: number, length: number): Uint8Array {
    const from = this.#start + start;
    return this.#bytes.subarray(from, from + length);
  }

  skip(count: number): void {
    if (!(count >= 0 && count <= this.length)) {
      throw new RangeError(`${count} bytes are skipped, ${this.length} wait`);
    }
    this.#start += count;
    this.#taken += count;
    if (this.#start === this.#end && !this.#brought) {
      this.#start = this.#end = 0;
      // A small array is given back at once, and costs little to make anew.
      if (this.#bytes.length <= SMALLEST) this.#bytes = NOTHING;
    }
  }

  clear(): void {
    this.skip(this.length);
    if (this.#brought) this.#moveBack(0);
  }
}

/**
 * Makes an empty buffer.
 *
 * @example
 * ```ts
 * import { createReceiveBuffer } from "./receive_buffer.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const buffer = createReceiveBuffer();
 * buffer.append(new Uint8Array([1, 2, 3]));
 * buffer.skip(1);
 * assertEquals([buffer.length, buffer.offset, buffer.at(0)], [2, 1, 2]);
 * ```
 */
export function createReceiveBuffer(): ReceiveBuffer {
  return new Buffer();
}
