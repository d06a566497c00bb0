/**
 * One way to feed bytes to a link in every cut (DESIGN §11, law 1).
 *
 * {@linkcode listen} gives chunks to a link and collects what comes out; {@linkcode inEveryCut} does
 * something with the same bytes whole, in two at every place, byte by byte, and compares the outcomes.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Side } from "../protocol/catalogue.ts";
import { createLink, type Link, type LinkInput } from "../protocol/link.ts";

/** More pulls than this without an end are taken for a hang. */
const PULLS_MAX = 1_000_000;

/**
 * Pulls until nothing more comes. What waits to be written is taken, so that it holds nothing back, and
 * given to `written`. After a fault or silence one pulls no more: the connection ends there.
 */
export function pullAll(link: Link, written: (bytes: Uint8Array) => void = () => {}): LinkInput[] {
  const inputs: LinkInput[] = [];
  for (let pulls = 0; pulls < PULLS_MAX; pulls++) {
    const input = link.pull();
    if (input !== undefined) inputs.push(lasting(input));
    else if (link.pendingTransmit === 0) return inputs;
    for (let bytes = link.peekTransmit(); bytes.length > 0; bytes = link.peekTransmit()) {
      written(bytes.slice());
      link.consumeTransmit(bytes.length);
    }
    if (input !== undefined && stops(input)) return inputs;
  }
  throw new Error("pulling does not end");
}

/** The same, with bytes of its own where they would be overwritten by what comes next. */
function lasting(input: LinkInput): LinkInput {
  if (input.input !== "message") return input;
  const { message } = input;
  if (message.kind !== "data" && message.kind !== "packed" && message.kind !== "relay") {
    return input;
  }
  const body = { ...message.body, bytes: message.body.bytes.slice() };
  return { ...input, message: { ...message, body } as typeof message };
}

/** Whether a link is good for nothing more after this. */
export function stops({ input }: LinkInput): boolean {
  return input === "fault" || input === "silent" || input === "finished";
}

/** What came out of a link. */
export interface Heard {
  readonly inputs: LinkInput[];
  /** What the link wrote of its own accord: PONGs. */
  readonly written: number[];
}

/** How to feed a link. */
export interface Listening {
  readonly side: Side;
  /** The largest payload; by default 4 KiB. */
  readonly frame?: number;
  /** Pull only when no more chunks can be given, instead of after each. */
  readonly lazy?: boolean;
  /** Leave the stream open behind the last chunk. */
  readonly open?: boolean;
}

/** Feeds the chunks to a new link, and collects what comes out. Each chunk is spoiled after it is given. */
export function listen(chunks: readonly Uint8Array[], options: Listening): Heard {
  const { side, frame = 4096, lazy = false, open = false } = options;
  const link = createLink({ side, frame, heartbeat: 0, now: 0 });
  const inputs: LinkInput[] = [];
  const written: number[] = [];
  const pull = () => {
    inputs.push(...pullAll(link, (bytes) => written.push(...bytes)));
    return inputs.length === 0 || !stops(inputs[inputs.length - 1]);
  };
  for (const chunk of chunks) {
    if (!link.wantsRead && !pull()) return { inputs, written };
    assert(link.wantsRead, "all that came out was taken, and still nothing more may come in");
    const given = chunk.slice();
    link.receive(given, 0);
    given.fill(0xa5);
    if (!lazy && !pull()) return { inputs, written };
  }
  if (!open) link.receiveEnd(0);
  pull();
  return { inputs, written };
}

/** The bytes in pieces that begin at 0 and at each of the places. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const starts = [0, ...places.filter((place) => place > 0 && place < bytes.length)]
    .sort((a, b) => a - b);
  return starts.map((start, i) => bytes.subarray(start, starts[i + 1] ?? bytes.length));
}

/** The bytes one by one. */
export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

/**
 * Does the same with the bytes whole, byte by byte, and in two at every place, or at `places` if they are
 * given; all outcomes must equal the first, which is returned.
 */
export function inEveryCut<T>(
  bytes: Uint8Array,
  run: (chunks: Uint8Array[]) => T,
  places: Iterable<number> = bytes.keys(),
): T {
  const whole = run([bytes]);
  assertEquals(run(byteByByte(bytes)), whole, "byte by byte");
  for (const place of places) {
    // Comparing text first is faster, and nearly always enough.
    const cut = run(cutAt(bytes, [place]));
    if (JSON.stringify(cut) !== JSON.stringify(whole)) assertEquals(cut, whole, `cut at ${place}`);
  }
  return whole;
}

/** Places to cut at, anywhere in a stream; those outside of it do nothing. */
export const anyPlaces: fc.Arbitrary<number[]> = fc.oneof(
  fc.array(fc.nat(200), { maxLength: 20 }),
  fc.array(fc.nat(5000), { maxLength: 60 }),
);

/** The arrays as one. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
