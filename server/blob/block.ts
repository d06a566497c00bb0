/**
 * Blocks: the next bytes of a file, laid out so that they can be sent without being copied again, and
 * deflated where that pays.
 *
 * @module
 */

import { deflateRawSync } from "node:zlib";
import {
  type BlobChunk,
  type Block,
  BLOCK_CHUNKS,
  CHUNK_BYTES,
  HEADER_ROOM,
  RAW_LENGTH_BYTES,
} from "./blob_store.ts";
import { createShrinking, PACKED_MIN, SHRUNK_MOST } from "../../protocol/transfer/shrinking.ts";

/** A level that keeps up with a disk; the higher ones take several times as long for little. */
const LEVEL = 1;

/** Cuts a file into blocks, from one place on. */
export interface BlockCutter {
  /**
   * The next block, of a file that has `left` bytes left, at least one. `fill` is called with arrays to
   * be filled with the next bytes, in order. `spare` is memory for a block, if there is some at hand.
   */
  next(left: number, fill: (into: Uint8Array) => void, spare?: ArrayBuffer): Block;
}

class ChunkedBlocks implements BlockCutter {
  readonly #deflate: boolean;
  readonly #shrinking = createShrinking();

  constructor(deflate: boolean) {
    this.#deflate = deflate;
  }

  next(left: number, fill: (into: Uint8Array) => void, spare?: ArrayBuffer): Block {
    const count = Math.min(left, BLOCK_CHUNKS * CHUNK_BYTES);
    const size = count + HEADER_ROOM * Math.ceil(count / CHUNK_BYTES);
    const bytes = spare === undefined ? new Uint8Array(size) : new Uint8Array(spare, 0, size);
    const chunks: BlobChunk[] = [];
    let end = 0;
    for (let rest = count; rest > 0; rest -= CHUNK_BYTES) {
      const start = end + HEADER_ROOM;
      const plain = bytes.subarray(start, start + Math.min(rest, CHUNK_BYTES));
      fill(plain);
      const packed = this.#deflate ? this.#pack(plain) : undefined;
      if (packed === undefined) {
        chunks.push({ start, length: plain.length });
      } else {
        new DataView(bytes.buffer).setUint32(start, plain.length);
        bytes.set(packed, start + RAW_LENGTH_BYTES);
        chunks.push({ start, length: RAW_LENGTH_BYTES + packed.length, raw: plain.length });
      }
      end = start + chunks.at(-1)!.length;
    }
    return { bytes: bytes.subarray(0, end), chunks };
  }

  /** The bytes deflated, if that pays. */
  #pack(plain: Uint8Array): Uint8Array | undefined {
    if (plain.length < PACKED_MIN || !this.#shrinking.worthwhile()) return undefined;
    const packed = deflateRawSync(plain, { level: LEVEL });
    const shrank = RAW_LENGTH_BYTES + packed.length < SHRUNK_MOST * plain.length;
    this.#shrinking.note(shrank);
    return shrank ? packed : undefined;
  }
}

/**
 * Makes a cutter; with `deflate`, chunks that shrink come deflated.
 *
 * @example
 * ```ts
 * import { createBlockCutter } from "./block.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const { bytes, chunks } = createBlockCutter(false).next(3, (into) => into.set([7, 8, 9]));
 * assertEquals(chunks, [{ start: 8, length: 3 }]);
 * assertEquals(bytes, new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9]));
 * ```
 */
export function createBlockCutter(deflate: boolean): BlockCutter {
  return new ChunkedBlocks(deflate);
}
