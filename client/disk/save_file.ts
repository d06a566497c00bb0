/**
 * Saving a file of the forum in a folder of this machine: it goes on with what is there of it, and appears
 * under its name when it is whole. What the part does not write on the spot comes to it by the stream.
 *
 * @module
 */

import type { FileRow } from "../../protocol/forum/reply.ts";
import { STATUS } from "../../protocol/status.ts";
import type { FileSource } from "../files/file_source.ts";
import { safeName } from "../files/safe_name.ts";
import { type CarryOptions, type ForumClient, ForumError } from "../forum_client.ts";
import { openPart, type PartFile, type PartOptions } from "./part_file.ts";

/**
 * What is written at a time, at first and where little comes. What is less when a download ends early is fetched
 * again.
 */
export const PIECE_BYTES: number = 256 * 1024;
/** What is written at a time where so much comes in a moment, and each write costs a change of threads. */
const PIECE_BYTES_MAX = 4 * 1024 * 1024;
/** A moment, in ms. */
const MOMENT = 50;

/** What is saved, and where. */
export interface SaveOptions extends CarryOptions, PartOptions {
  readonly client: Pick<ForumClient, "download">;
  readonly file: FileRow;
  /** Made if it is not there. */
  readonly folder: string;
}

/**
 * Downloads a file into a folder and says its path there. Its name is made safe, and no file is written over.
 *
 * @throws ForumError if it is refused; DiskError if it cannot be written; the signal's reason.
 */
export async function saveFile(options: SaveOptions): Promise<string> {
  const { folder, file, quick } = options;
  for (;;) {
    const part = await openPart(folder, file, { ...quick !== undefined && { quick } });
    const had = part.size;
    try {
      await receive(part, options);
      return await part.keep(safeName(file.name));
    } catch (error) {
      const wrong = error instanceof ForumError && error.code === STATUS["bad-content"].code;
      if (wrong) await part.drop();
      // What was there from before was not of this file: without it, all of it comes.
      if (!wrong || had === 0) throw error;
    } finally {
      await part.close();
    }
  }
}

async function receive(part: PartFile, options: SaveOptions): Promise<void> {
  const { client, file, folder: _, quick: __, ...carrying } = options;
  const have: FileSource = { size: part.size, read: (offset, into) => part.read(offset, into) };
  const { stream } = await client.download({
    ...carrying,
    file: file.seq,
    take: (bytes, at) => part.writeNow(bytes, at),
    ...part.size > 0 && { have },
  });
  await writeDown(stream, part, file.size - part.size);
}

/** Writes what a stream of so many bytes gives to a part: a piece is written while the next ones come. */
async function writeDown(
  stream: ReadableStream<Uint8Array>,
  part: PartFile,
  size: number,
): Promise<void> {
  const reader = stream.getReader({ mode: "byob" });
  let most = Math.max(1, Math.min(PIECE_BYTES, size));
  let heard = performance.now();
  const read = (memory?: ArrayBuffer) => {
    const bytes = memory !== undefined && memory.byteLength >= most
      ? new Uint8Array(memory, 0, most)
      : new Uint8Array(most);
    // Once all that has come is written, the next bytes can be written on the spot.
    const reading = reader.read(bytes, { min: part.quick ? 1 : most });
    // The second of two that fail is not waited for any more.
    reading.catch(() => {});
    return reading;
  };
  // Two arrays are there to be filled, so that what comes at once need not wait for the other to be taken away.
  const reads = [read(), read()];
  let written: ArrayBuffer | undefined;
  let writing = Promise.resolve();
  try {
    for (;;) {
      const { value, done } = await reads.shift()!;
      await writing;
      if (value === undefined || value.length === 0) return;
      writing = part.write(value);
      if (done) return await writing;
      const now = performance.now();
      if (part.quick) most = PIECE_BYTES;
      else if (now - heard < MOMENT) most = Math.min(2 * most, PIECE_BYTES_MAX);
      else if (most > PIECE_BYTES) most /= 2;
      heard = now;
      reads.push(read(written));
      written = value.buffer;
    }
  } catch (error) {
    await reader.cancel(error);
    throw error;
  } finally {
    // What was taken is written, also if no more comes.
    await Promise.allSettled([writing, ...reads]);
  }
}
