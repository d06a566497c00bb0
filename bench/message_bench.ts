/**
 * Messages: frame, UTF-8, JSON and checks of every field, beside a bare decode and JSON.parse.
 *
 * @module
 */

import type { Command } from "../protocol/forum/command.ts";
import { createLink } from "../protocol/link.ts";
import { encodeMessage, type Message, PREFACE } from "../protocol/message.ts";
import { readFrame } from "../protocol/frame.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { report } from "./measure.ts";

const FRAMES = 1000;
const text = "Truly wonderful, the mind of a child is.";
const command: Command = { op: "post", thread: 7, text, key: "k3Jd8sLq0aZx-12345" };
const event: Message["body"] = {
  kind: "message.posted",
  scope: "thread/7",
  seq: 123_456,
  at: 1_795_000_000_000,
  by: "Yoda",
  text,
  number: 4711,
};

/** 1,000 copies of a message in chunks of 64 KiB. */
function stream(message: Message): Uint8Array[] {
  const frame = encodeMessage(message);
  const whole = new Uint8Array(frame.length * FRAMES);
  for (let i = 0; i < FRAMES; i++) whole.set(frame, i * frame.length);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += 65_536) chunks.push(whole.slice(at, at + 65_536));
  return chunks;
}

const samples = [
  { name: "post command", side: "server", message: { kind: "command", id: 9, body: command } },
  { name: "posted event", side: "client", message: { kind: "event", id: 7, body: event } },
] as { name: string; side: "server" | "client"; message: Message }[];

for (const { name, side, message } of samples) {
  const chunks = stream(message);
  const bytes = encodeMessage(message).length * FRAMES;
  const opening = new TextEncoder().encode(PREFACE);
  const parse = () => {
    const link = createLink({ side, frame: 256 * 1024, heartbeat: 0, now: 0 });
    link.receive(opening, 0);
    link.pull();
    let count = 0;
    for (const chunk of chunks) {
      link.receive(chunk, 0);
      while (link.pull() !== undefined) count++;
    }
    if (count !== FRAMES) throw new Error(`${count} messages were read, not ${FRAMES}`);
  };
  const decoder = new TextDecoder();
  const bare = () => {
    const buffer = createReceiveBuffer();
    for (const chunk of chunks) {
      buffer.append(chunk);
      for (;;) {
        const frame = readFrame(buffer, () => 1e6);
        if (frame === undefined || "tooLarge" in frame) break;
        JSON.parse(decoder.decode(frame.payload));
      }
    }
  };
  report(`read ${name} (${bytes / FRAMES} B)`, FRAMES, bytes, parse);
  report(`  bare split + decode + JSON.parse`, FRAMES, bytes, bare);
  Deno.bench({ name: `read ${name} (1,000)`, group: name, fn: parse });
  Deno.bench({ name: `bare decode + JSON.parse (1,000)`, group: name, baseline: true, fn: bare });
}
