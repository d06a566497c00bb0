/**
 * Bytes that wait to be written.
 *
 * Small frames are encoded straight into one growing array, so that many of them leave in one write;
 * bytes that others own (a batch of events, the same for every subscriber) are queued by reference
 * and never copied. The caller peeks, writes what it can, and consumes what was written, because a
 * write can be partial (DESIGN §4).
 *
 * @module
 */

import { FRAME_HEADER_BYTES, writeFrameHeader } from "./frame.ts";

const SMALLEST = 256;
/** The largest array that small frames share; a fuller one is left behind and a new one begun. */
const SHARED = 64 * 1024;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** A queue of outgoing bytes. */
export interface TransmitBuffer {
  /** How many bytes wait. */
  readonly pending: number;
  /** Encodes a frame with a text payload at the end of the queue. */
  frame(type: number, id: number, payload: string): void;
  /** Queues plain text, as the banner and the preface. */
  text(line: string): void;
  /** Queues whole frames that somebody else has encoded; they must not change until written. */
  shared(frames: Uint8Array): void;
  /** A view of the next bytes to write (empty when none wait); it stays valid until consumed. */
  peek(): Uint8Array;
  /** Takes `count` bytes off the front: so many were written. */
  consume(count: number): void;
  /** Forgets all that waits. */
  clear(): void;
}

interface Segment {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Whether further frames may be encoded behind `end`. */
  open: boolean;
}

class Queue implements TransmitBuffer {
  #segments: Segment[] = [];
  #pending = 0;

  get pending(): number {
    return this.#pending;
  }

  frame(type: number, id: number, payload: string): void {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const tail = this.#room(FRAME_HEADER_BYTES + payload.length * 3);
    const body = tail.end + FRAME_HEADER_BYTES;
    const { written } = encoder.encodeInto(payload, tail.bytes.subarray(body));
    writeFrameHeader(tail.bytes, tail.end, { length: written, type, id });
    tail.end = body + written;
    this.#pending += FRAME_HEADER_BYTES + written;
  }

  text(line: string): void {
    const tail = this.#room(line.length * 3);
    const { written } = encoder.encodeInto(line, tail.bytes.subarray(tail.end));
    tail.end += written;
    this.#pending += written;
  }

  shared(frames: Uint8Array): void {
    if (frames.length === 0) return;
    this.#last();
    this.#segments.push({ bytes: frames, start: 0, end: frames.length, open: false });
    this.#pending += frames.length;
  }

  peek(): Uint8Array {
    const head = this.#segments[0];
    return head === undefined ? NOTHING : head.bytes.subarray(head.start, head.end);
  }

  consume(count: number): void {
    if (!(count >= 0 && count <= this.#pending)) {
      throw new RangeError(`${count} bytes are consumed, ${this.#pending} wait`);
    }
    this.#pending -= count;
    while (count > 0) {
      const head = this.#segments[0];
      const taken = Math.min(count, head.end - head.start);
      head.start += taken;
      count -= taken;
      if (head.start === head.end) this.#segments.shift();
    }
  }

  clear(): void {
    this.#segments = [];
    this.#pending = 0;
  }

  /** The segment at the end. An empty one is dropped: behind it, others could not be peeked. */
  #last(): Segment | undefined {
    const tail = this.#segments.at(-1);
    if (tail === undefined || tail.start < tail.end) return tail;
    this.#segments.pop();
    return undefined;
  }

  /** The open segment at the end, with room for `bytes` more. */
  #room(bytes: number): Segment {
    let tail = this.#last();
    if (tail === undefined || !tail.open || tail.end + bytes > SHARED) {
      if (tail !== undefined) tail.open = false;
      const size = Math.max(SMALLEST, bytes);
      tail = { bytes: new Uint8Array(size), start: 0, end: 0, open: true };
      this.#segments.push(tail);
    } else if (tail.end + bytes > tail.bytes.length) {
      // A write may still look at the old array: it is copied, never moved.
      const grown = new Uint8Array(
        Math.min(SHARED, Math.max(tail.bytes.length * 2, tail.end + bytes)),
      );
      grown.set(tail.bytes.subarray(0, tail.end));
      tail.bytes = grown;
    }
    return tail;
  }
}

/**
 * Makes an empty queue.
 *
 * @example
 * ```ts
 * import { createTransmitBuffer } from "./transmit_buffer.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = createTransmitBuffer();
 * queue.frame(0x40, 7, "");
 * assertEquals(queue.peek(), new Uint8Array([0, 0, 0, 0x40, 0, 0, 0, 7]));
 * queue.consume(8);
 * assertEquals(queue.pending, 0);
 * ```
 */
export function createTransmitBuffer(): TransmitBuffer {
  return new Queue();
}
