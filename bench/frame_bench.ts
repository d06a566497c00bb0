/**
 * Frames: splitting and encoding, with nothing done to the payload, and through a whole link.
 *
 * One iteration is 1,000 frames, so microseconds an iteration are nanoseconds a frame.
 *
 * @module
 */

import { encodeFrame, readFrame } from "../protocol/frame.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { createTransmitBuffer } from "../protocol/transmit_buffer.ts";
import { report } from "./measure.ts";

const FRAMES = 1000;
const largest = () => 256 * 1024;

/** A stream of equal frames of `size` bytes each, header and all, cut into chunks. */
function cutStream(size: number, chunk: number): Uint8Array[] {
  const frame = encodeFrame(0x20, 1, new Uint8Array(size - 8).fill(0x20));
  const stream = new Uint8Array(size * FRAMES);
  for (let i = 0; i < FRAMES; i++) stream.set(frame, i * size);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += chunk) chunks.push(stream.slice(at, at + chunk));
  return chunks;
}

for (const size of [64, 128, 4096]) {
  for (const [name, chunk] of [["64 KiB", 65_536], ["1,400 B", 1400]] as const) {
    const chunks = cutStream(size, chunk);
    const split = () => {
      const buffer = createReceiveBuffer();
      let count = 0;
      for (const piece of chunks) {
        buffer.append(piece);
        while (readFrame(buffer, largest) !== undefined) count++;
      }
      if (count !== FRAMES) throw new Error(`${count} frames were split off, not ${FRAMES}`);
    };
    const title = `split ${size} B in ${name} chunks`;
    report(title, FRAMES, size * FRAMES, split);
    Deno.bench({ name: `${title} (1,000 frames)`, group: "split", fn: split });
  }
  const payload = "x".repeat(size - 8);
  const encode = () => {
    const queue = createTransmitBuffer();
    for (let i = 0; i < FRAMES; i++) {
      queue.frame(0x20, i, payload);
      if (queue.pending > 60_000) queue.consume(queue.peek().length);
    }
  };
  report(`encode ${size} B`, FRAMES, size * FRAMES, encode);
  Deno.bench({ name: `encode ${size} B (1,000 frames)`, group: "encode", fn: encode });
}
