/**
 * The relay queue: datagrams that wait to be written on a connection, each in a RELAY frame (docs/PROTOCOL.md,
 * "Peer to peer").
 *
 * It is bounded and drops what has no room, as a router does: whoever sends datagrams counts on that, and sends
 * them again, slower. So nobody waits for a reader that is slow, and its memory is bounded. They leave in small
 * chunks, and only when nothing else waits: talk never stands behind more than one of them.
 *
 * @module
 */

import { CATALOGUE, RELAY_MAX } from "../catalogue.ts";
import { FRAME_HEADER_BYTES, writeFrameHeader } from "../frame.ts";

/** Bytes of frames that may wait on one connection. */
export const RELAY_BYTES_MAX: number = 256 * 1024;
/** Frames leave in chunks of at most so many bytes. */
export const RELAY_CHUNK_BYTES: number = 16 * 1024;

/** A queue of datagrams. */
export interface RelayQueue {
  /** Bytes of frames that wait. */
  readonly bytes: number;
  /** Whether there is room for another datagram of any size. */
  readonly hasRoom: boolean;
  /** Takes a datagram, which is copied; false where it is dropped, for want of room or because it fits no frame. */
  push(channel: number, datagram: Uint8Array): boolean;
  /** The next frames to write, when nothing else waits. */
  pull(): Uint8Array | undefined;
  /** Forgets all that waits. */
  clear(): void;
}

/** Room for one frame. */
const SMALL_CHUNK_BYTES = FRAME_HEADER_BYTES + RELAY_MAX;

interface Chunk {
  memory: Uint8Array;
  length: number;
}

class Datagrams implements RelayQueue {
  readonly #max: number;
  readonly #chunks: Chunk[] = [];
  bytes = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get hasRoom(): boolean {
    return this.bytes + FRAME_HEADER_BYTES + RELAY_MAX <= this.#max;
  }

  push(channel: number, datagram: Uint8Array): boolean {
    const length = datagram.length;
    const size = FRAME_HEADER_BYTES + length;
    if (length === 0 || length > RELAY_MAX || this.bytes + size > this.#max) return false;
    const chunk = this.#chunkFor(size);
    writeFrameHeader(chunk.memory, chunk.length, {
      length,
      type: CATALOGUE.relay.type,
      id: channel,
    });
    chunk.memory.set(datagram, chunk.length + FRAME_HEADER_BYTES);
    chunk.length += size;
    this.bytes += size;
    return true;
  }

  /** The last chunk, or another one, with room for a frame. */
  #chunkFor(size: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + size <= RELAY_CHUNK_BYTES) {
      if (last.length + size > last.memory.length) {
        // A word now and then is not worth a whole chunk, so it grows.
        const grown = new Uint8Array(RELAY_CHUNK_BYTES);
        grown.set(last.memory.subarray(0, last.length));
        last.memory = grown;
      }
      return last;
    }
    const chunk = { memory: new Uint8Array(SMALL_CHUNK_BYTES), length: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  pull(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.bytes -= chunk.length;
    return chunk.memory.subarray(0, chunk.length);
  }

  clear(): void {
    this.#chunks.length = 0;
    this.bytes = 0;
  }
}

/**
 * Makes an empty queue.
 *
 * @example
 * ```ts
 * import { createRelayQueue } from "./relay_queue.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = createRelayQueue();
 * queue.push(5, new Uint8Array([0xc4, 7]));
 * assertEquals(queue.pull(), new Uint8Array([0, 0, 2, 0x35, 0, 0, 0, 5, 0xc4, 7]));
 * ```
 */
export function createRelayQueue(max: number = RELAY_BYTES_MAX): RelayQueue {
  return new Datagrams(max);
}
