/**
 * Deflate, a chunk at a time, by the runtime's own streams: they are in Deno, Node, Bun and browsers
 * (docs/PROTOCOL.md, "DATA and PACKED").
 *
 * @module
 */

/** What is inflated is given to the stream in pieces of so many bytes, so that a bomb goes off small. */
const INFLATE_STEP = 1024;

async function gather(
  stream: ReadableStream<Uint8Array>,
  most: number,
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    parts.push(part);
    length += part.length;
    if (length > most) return undefined;
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Raw deflate of some bytes, or `undefined` if that is not shorter than `most`. */
export async function deflate(bytes: Uint8Array, most: number): Promise<Uint8Array | undefined> {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  return await gather(source.pipeThrough(new CompressionStream("deflate-raw")), most);
}

/**
 * The bytes behind raw deflate, which must be exactly `raw`; `undefined` if they are not, or if it is no
 * deflate. It inflates hardly more than that.
 *
 * @example
 * ```ts
 * import { deflate, inflate } from "./deflate.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const zeros = new Uint8Array(1000);
 * const packed = await deflate(zeros, 100);
 * assertEquals(await inflate(packed!, 1000), zeros);
 * assertEquals(await inflate(packed!, 999), undefined);
 * ```
 */
export async function inflate(bytes: Uint8Array, raw: number): Promise<Uint8Array | undefined> {
  let at = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + INFLATE_STEP));
      at += INFLATE_STEP;
    },
  }, { highWaterMark: 0 });
  try {
    const all = await gather(source.pipeThrough(new DecompressionStream("deflate-raw")), raw);
    return all?.length === raw ? all : undefined;
  } catch {
    return undefined;
  }
}
