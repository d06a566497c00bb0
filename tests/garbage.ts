/**
 * Garbage: bytes that no honest peer sends, or seldom, made cheaply, since a hundred thousand inputs must be made
 * (DESIGN §11, law 3).
 *
 * @module
 */

import fc from "fast-check";
import { CATALOGUE, KINDS, type Side } from "../protocol/catalogue.ts";
import { encodeFrame } from "../protocol/frame.ts";
import { OPENING_LINE_MAX } from "../protocol/link.ts";
import { BANNER, encodeMessage, type Message, PREFACE } from "../protocol/message.ts";
import { shortMessageFrom } from "./arbitraries.ts";
import { join } from "./cuts.ts";

const encoder = new TextEncoder();
/** The largest payload that who gets the garbage should take, in bytes. */
export const FRAME = 4096;
/** Both sides. */
export const SIDES: readonly Side[] = ["client", "server"];

/** A cheap stream of numbers below 2³² (mulberry32). */
export function createNumbers(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  };
  return {
    next,
    /** A whole number below `limit`. */
    below: (limit: number) => next() % limit,
    pick: <T>(from: readonly T[]): T => from[next() % from.length],
    bytes: (length: number) => Uint8Array.from({ length }, next),
  };
}
/** A stream of numbers. */
export type Numbers = ReturnType<typeof createNumbers>;

const corpus = Object.fromEntries(SIDES.map((side) => [
  side,
  fc.sample(shortMessageFrom(side), { numRuns: 400, seed: 2024 })
    .map((message) => encodeMessage(message as Message)),
])) as Record<Side, Uint8Array[]>;

const TYPES = KINDS.map((kind) => CATALOGUE[kind].type);
/** What JSON is made of, and what looks like it. */
export const TOKENS: readonly string[] = [
  ...'{}[]:,"\\0-1.5eE+truefalsn \t\n',
  ...["null", "true", '"op"', '"post"', '"thread"', '"text"', '"kind"', '"scope"', "1e999", "-0"],
  ...[
    '{"op":"post","thread":1,"text":"',
    '"__proto__"',
    '"\\ud800"',
    '"\\u0000"',
    '"key":',
    "\x00",
  ],
  ...['{"code":1,"reason":"', "\ufeff", "\ufffd", "é", "😀", '{"scram":"'],
];

/** Each makes bytes that no honest peer sends, or seldom. */
const SHAPES = {
  bytes: (by: Numbers) => by.bytes(by.below(300)),
  line: (by: Numbers) => {
    const bytes = by.bytes(OPENING_LINE_MAX - 3 + by.below(40));
    return bytes.map((byte) => byte === 0x0a ? 0x0b : byte);
  },
  header: (by: Numbers) => {
    const type = by.below(2) === 0 ? by.pick(TYPES) : by.below(256);
    const frame = encodeFrame(type, by.next(), by.bytes(by.below(30)));
    const length = by.pick([0, 1, FRAME - 1, FRAME, FRAME + 1, 0xff_ff_ff, by.below(0x100_0000)]);
    frame.set([length >>> 16, length >>> 8, length]);
    return frame;
  },
  payload: (by: Numbers) =>
    encodeFrame(by.pick(TYPES), by.below(2) * by.next(), by.bytes(by.below(60))),
  json: (by: Numbers) => {
    const text = Array.from({ length: by.below(25) }, () => by.pick(TOKENS)).join("");
    return encodeFrame(by.pick(TYPES), by.below(2) * by.next(), encoder.encode(text));
  },
  nesting: (by: Numbers) => {
    const open = by.pick(["[", '{"a":', "[[", '{"op":{"op":', "[{},", '"']);
    const deep = by.below(by.pick([10, 100, FRAME]) / open.length);
    const close = by.pick(["", "]".repeat(deep), "}".repeat(deep), "1" + "}".repeat(deep)]);
    return encodeFrame(
      by.pick(TYPES),
      0,
      encoder.encode((open.repeat(deep) + close).slice(0, FRAME)),
    );
  },
  pings: (by: Numbers) => join(Array.from({ length: by.below(60) }, () => PING)),
} as const;
const SHAPE_NAMES = Object.keys(SHAPES) as (keyof typeof SHAPES)[];
/** The bytes of a PING. */
export const PING: Uint8Array = encodeFrame(0x40, 1, new Uint8Array(0));

/** Bytes written over, left out, put in, said twice, or cut off. */
export function mutate(bytes: Uint8Array, by: Numbers): Uint8Array {
  let out = bytes;
  for (let times = 1 + by.below(4); times > 0; times--) {
    const at = by.below(out.length + 1);
    const to = Math.min(out.length, at + by.below(12));
    const before = out.subarray(0, at);
    switch (by.below(5)) {
      case 0:
        out = out.slice();
        if (at < out.length) out[at] ^= 1 << by.below(8);
        break;
      case 1:
        out = join([before, out.subarray(to)]);
        break;
      case 2:
        out = join([before, by.bytes(by.below(9)), out.subarray(at)]);
        break;
      case 3:
        out = join([out.subarray(0, to), out.subarray(at)]);
        break;
      case 4:
        if (by.below(3) === 0) out = before;
    }
  }
  return out;
}

/** A whole stream from one side. */
export function garbage(from: Side, by: Numbers): Uint8Array {
  const parts: Uint8Array[] = [];
  if (by.below(8) > 0) parts.push(encoder.encode(from === "client" ? PREFACE : BANNER));
  for (let n = by.below(5); n > 0; n--) parts.push(by.pick(corpus[from]));
  if (by.below(3) > 0) parts.push(SHAPES[by.pick(SHAPE_NAMES)](by));
  for (let n = by.below(3); n > 0; n--) parts.push(by.pick(corpus[by.pick(SIDES)]));
  const whole = join(parts);
  return by.below(2) === 0 ? mutate(whole, by) : whole;
}
