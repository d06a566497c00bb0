/**
 * Measures the core beside the parsers of nats-core and ws, and beside bare loops; prints the figures as JSON.
 *
 * One work is 1,000 frames of 128 bytes in chunks of 64 KiB.
 *
 * @module
 */

import type { ForumEvent } from "../../../protocol/forum/event.ts";
import { encodeFrame, readFrame } from "../../../protocol/frame.ts";
import { createLink } from "../../../protocol/link.ts";
import { encodeMessage, PREFACE } from "../../../protocol/message.ts";
import { createReceiveBuffer } from "../../../protocol/receive_buffer.ts";
import { medianNs } from "../../measure.ts";
import type { Figure } from "../figure.ts";

const FRAMES = 1000;
const CHUNK = 64 * 1024;
const PAYLOAD = 128;
const encoder = new TextEncoder();

/** So many copies, cut into chunks. */
function cut(frame: Uint8Array): Uint8Array[] {
  const stream = new Uint8Array(frame.length * FRAMES);
  for (let i = 0; i < FRAMES; i++) stream.set(frame, i * frame.length);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += CHUNK) chunks.push(stream.slice(at, at + CHUNK));
  return chunks;
}

/** ns a frame; `read` gives how many frames it has found. */
function perFrame(read: () => number): number {
  const found = read();
  if (found !== FRAMES) throw new Error(`${found} frames were found, not ${FRAMES}`);
  return medianNs(read) / FRAMES;
}

function ownSplit(): number {
  const chunks = cut(encodeFrame(0x20, 1, new Uint8Array(PAYLOAD)));
  return perFrame(() => {
    const buffer = createReceiveBuffer();
    let count = 0;
    for (const chunk of chunks) {
      buffer.append(chunk);
      while (readFrame(buffer, () => CHUNK) !== undefined) count++;
    }
    return count;
  });
}

/** A loop over the headers that keeps nothing but where it is. */
function bareSplit(): number {
  const size = PAYLOAD + 8;
  const chunks = cut(encodeFrame(0x20, 1, new Uint8Array(PAYLOAD)));
  const rest = new Uint8Array(CHUNK + size);
  return perFrame(() => {
    let count = 0;
    let kept = 0;
    for (const chunk of chunks) {
      rest.set(chunk, kept);
      const end = kept + chunk.length;
      let at = 0;
      while (end - at >= 8) {
        const length = (rest[at] << 16) | (rest[at + 1] << 8) | rest[at + 2];
        if (end - at < 8 + length) break;
        at += 8 + length;
        count++;
      }
      rest.copyWithin(0, at, end);
      kept = end - at;
    }
    return count;
  });
}

async function natsParser(): Promise<number> {
  const { Kind, Parser } = await import("npm:@nats-io/nats-core@3.4.0/internal");
  const chunks = cut(encoder.encode(`MSG bench 1 ${PAYLOAD}\r\n${"x".repeat(PAYLOAD)}\r\n`));
  let count = 0;
  const parser = new Parser({
    push: (event) => "kind" in event && event.kind === Kind.MSG && count++,
  });
  return perFrame(() => {
    count = 0;
    for (const chunk of chunks) parser.parse(chunk);
    return count;
  });
}

async function wsReceiver(): Promise<number> {
  const { Receiver } = await import("npm:ws@8.23.0");
  const header = new Uint8Array([0x82, 126, PAYLOAD >> 8, PAYLOAD & 0xff]);
  const frame = new Uint8Array(header.length + PAYLOAD);
  frame.set(header);
  const { Buffer } = await import("node:buffer");
  const chunks = cut(frame).map((chunk) => Buffer.from(chunk));
  let count = 0;
  const receiver = new Receiver({ isServer: false });
  receiver.on("message", () => count++);
  return perFrame(() => {
    count = 0;
    for (const chunk of chunks) receiver.write(chunk);
    return count;
  });
}

const event: ForumEvent = {
  kind: "message.posted",
  scope: "thread/7",
  seq: 123_456,
  at: 1_795_000_000_000,
  by: "Yoda",
  text: "Truly wonderful, the mind of a child is.",
  number: 4711,
};

function ownMessages(): number {
  const chunks = cut(encodeMessage({ kind: "event", id: 7, body: event }));
  const opening = encoder.encode(PREFACE);
  return perFrame(() => {
    const link = createLink({ side: "client", frame: 256 * 1024, heartbeat: 0, now: 0 });
    link.receive(opening, 0);
    link.pull();
    let count = 0;
    for (const chunk of chunks) {
      link.receive(chunk, 0);
      while (link.pull() !== undefined) count++;
    }
    return count;
  });
}

function bareJson(): number {
  const decoder = new TextDecoder();
  const payload = encoder.encode(JSON.stringify(event));
  return perFrame(() => {
    let count = 0;
    for (; count < FRAMES; count++) JSON.parse(decoder.decode(payload));
    return count;
  });
}

const missing: string[] = [];

async function others(): Promise<Record<string, number>> {
  const peers: Record<string, number> = { "bare loop": bareSplit() };
  for (const [name, measure] of [["nats-core", natsParser], ["ws", wsReceiver]] as const) {
    try {
      peers[name] = await measure();
    } catch (error) {
      missing.push(`${name} is left out: ${(error as Error).message}`);
    }
  }
  return peers;
}

if (import.meta.main) {
  const figures: Figure[] = [{
    work: `splitting a frame of ${PAYLOAD} B off`,
    unit: "ns",
    ours: ownSplit(),
    peers: await others(),
    goal: [{ ours: "at most", value: 60 }],
  }, {
    work: "splitting, decoding and checking an event",
    unit: "ns",
    ours: ownMessages(),
    peers: { "bare decode + JSON.parse": bareJson() },
    goal: [{ ours: "at most", value: 600 }],
  }];
  console.log(JSON.stringify({ figures, missing }));
}
