/**
 * The SHA-256 of a source, a piece at a time: what tells whether a file is there already.
 *
 * @module
 */

import type { FileSource } from "./file_source.ts";
import { createSha256 } from "./sha256.ts";

/** What is read at a time to be hashed. */
const HASH_BYTES = 256 * 1024;

/**
 * Reads a source to its end, and gives its SHA-256 as hexadecimal digits.
 *
 * @throws Error if the source ends before its size.
 */
export async function hashOf(source: FileSource, signal: AbortSignal | undefined): Promise<string> {
  const hash = createSha256();
  const piece = new Uint8Array(Math.min(HASH_BYTES, source.size));
  for (let at = 0; at < source.size;) {
    signal?.throwIfAborted();
    const count = await source.read(at, piece);
    if (count === 0) throw new Error("a source ended before its size");
    hash.update(piece.subarray(0, count));
    at += count;
  }
  return hash.hex();
}
