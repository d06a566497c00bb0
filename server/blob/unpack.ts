/**
 * Inflating what a stranger has deflated, without trusting a word of it.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { inflateRawSync } from "node:zlib";
import { CHUNK_BYTES } from "./blob_store.ts";

/** The smallest piece in which zlib puts out anything. */
const PIECE_MIN = 64;

/**
 * Inflates raw deflate that must give exactly `raw` bytes, 1 to 65,536, and must end where the array
 * does; `undefined` if it does not. Never more than one byte beyond `raw` (or 64 in all) is inflated.
 *
 * @example
 * ```ts
 * import { unpack } from "./unpack.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const packed = new Uint8Array([0x4b, 0x4c, 0x4c, 0x04, 0x00]);
 * assertEquals(unpack(packed, 3), new TextEncoder().encode("aaa"));
 * assertEquals(unpack(packed, 2), undefined);
 * ```
 */
export function unpack(bytes: Uint8Array, raw: number): Uint8Array | undefined {
  if (!(raw >= 1 && raw <= CHUNK_BYTES)) return undefined;
  // One piece has room for all that is wanted and a byte more, so a bomb is seen after the first.
  const chunkSize = Math.max(raw + 1, PIECE_MIN);
  const options = { info: true, maxOutputLength: raw, chunkSize };
  try {
    // With `info`, zlib also tells how much it has read.
    const { buffer, engine } = inflateRawSync(bytes, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (buffer.length !== raw || engine.bytesWritten !== bytes.length) return undefined;
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  } catch (error) {
    if (/^(Z_|ERR_BUFFER_TOO_LARGE$)/.test((error as { code?: string }).code ?? "")) {
      return undefined;
    }
    throw error;
  }
}
