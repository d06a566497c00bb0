/**
 * The bench beside other systems: its command line, its figures and its counting. What it measures is not tested here.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { readArguments, WORKS } from "../bench/peers/arguments.ts";
import { type Figure, goalMet, jsonLine, textLines } from "../bench/peers/figure.ts";
import { fixedFraming, type Framing, headerFraming, lineFraming } from "../bench/peers/framing.ts";
import { median, percentile } from "../bench/peers/statistics.ts";
import { encodeFrame } from "../protocol/frame.ts";
import { runs } from "./runs.ts";

Deno.test("without arguments the bench does every work, at length, for people", () => {
  assertEquals(readArguments([]), { works: WORKS, quick: false, json: false, install: true });
});

Deno.test("the bench does the works that are named", () => {
  const request = readArguments([
    "--quick",
    "--json",
    "--no-install",
    "--only",
    "latency",
    "--only=core",
  ]);
  assertEquals(request, { works: ["latency", "core"], quick: true, json: true, install: false });
});

Deno.test("the bench complains of works and options that it does not know", () => {
  assertEquals("complaint" in readArguments(["--only", "tea"]), true);
  assertEquals(readArguments(["--fast"]), { complaint: "--fast is not known" });
  assertEquals(readArguments(["latency"]), { complaint: "latency is not known" });
});

const figure: Figure = {
  work: "fan-out to 1000, 256 in flight",
  unit: "deliveries/s",
  ours: 8_123_456,
  peers: { "nats-server": 5_400_000, ngircd: 3_900_000 },
  goal: [{ ours: "at least", value: 1.5, peer: "nats-server" }],
};

Deno.test("a figure is one JSON object a line", () => {
  assertEquals(JSON.parse(jsonLine(figure)), {
    work: "fan-out to 1000, 256 in flight",
    unit: "deliveries/s",
    ours: 8_123_000,
    peers: { "nats-server": 5_400_000, ngircd: 3_900_000 },
    goal: "≥ 1.5 × nats-server",
    met: true,
  });
  assertEquals(jsonLine(figure).includes("\n"), false);
});

Deno.test("a figure for people has each ratio ours/theirs and the goal", () => {
  const lines = textLines(figure).split("\n");
  assertEquals(lines.length, 4);
  assertEquals(/nats-server +5.4 M +ours\/theirs 1.50$/.test(lines[1]), true);
  assertEquals(lines[3], "    goal ≥ 1.5 × nats-server: met");
});

Deno.test("a goal is met when all its conditions are, and unknown where a peer is missing", () => {
  assertEquals(goalMet({ ...figure, ours: 8_000_000 }), false);
  assertEquals(goalMet({ ...figure, peers: {} }), null);
  assertEquals(goalMet({ ...figure, goal: [] }), null);
  assertEquals(goalMet({ ...figure, ours: undefined }), null);
  const both = [...figure.goal, { ours: "at least", value: 9e6 } as const];
  assertEquals(goalMet({ ...figure, goal: both }), false);
  assertEquals(goalMet({ ...figure, goal: both, peers: {} }), false);
  assertEquals(goalMet({ ...figure, goal: [{ ours: "at most", value: 12 }], ours: 12 }), true);
});

Deno.test("a percentile is a value with at least that share at or below it, and fewer below", () => {
  const values = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 });
  const shares = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);
  fc.assert(
    fc.property(values, shares, (values, share) => {
      const value = percentile(values, share);
      const atOrBelow = values.filter((other) => other <= value).length;
      const below = values.filter((other) => other < value).length;
      return values.includes(value) && atOrBelow >= values.length * share &&
        below < values.length * share;
    }),
    { numRuns: runs() },
  );
});

Deno.test("the median is in the middle", () => {
  assertEquals([median([3]), median([9, 1, 5]), median([4, 1, 2, 9])], [3, 5, 3]);
  assertEquals(median([]), NaN);
  assertThrows(() => percentile([1], 0), RangeError);
});

/** Counts a stream that is cut at the given places. */
function countCut(framing: Framing, stream: Uint8Array, cuts: readonly number[]): number {
  const places = [...cuts.map((cut) => cut % (stream.length + 1)), 0, stream.length].sort((a, b) =>
    a - b
  );
  let count = 0;
  for (let i = 1; i < places.length; i++) {
    const chunk = stream.slice(places[i - 1], places[i]);
    count += framing.count(chunk, chunk.length);
  }
  return count;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const cuts = fc.array(fc.nat(5000), { maxLength: 30 });

Deno.test("frames are counted by type, however the stream is cut", () => {
  const frames = fc.array(fc.record({ counts: fc.boolean(), size: fc.nat(40) }), { maxLength: 30 });
  fc.assert(
    fc.property(frames, cuts, (frames, cuts) => {
      const stream = concatenate(
        frames.map(({ counts, size }) =>
          encodeFrame(counts ? 0x20 : 0x21, 1, new Uint8Array(size))
        ),
      );
      const framing = headerFraming({ counted: 0x20, judge: () => ({ counts: false }) });
      return countCut(framing, stream, cuts) === frames.filter(({ counts }) => counts).length;
    }),
    { numRuns: runs() },
  );
});

Deno.test("lines and lines with bodies are counted, and pings answered, however the stream is cut", () => {
  const encoder = new TextEncoder();
  const messages = fc.array(fc.boolean(), { maxLength: 30 });
  fc.assert(
    fc.property(messages, fc.boolean(), cuts, (messages, bodies, cuts) => {
      const message = bodies ? "MSG a 1 6\r\nab\r\ncd\r\n" : "MSG abcdef\r\n";
      const text = messages.map((counts) => counts ? message : "PING\r\n").join("");
      const framing = lineFraming({
        lead: "MSG ",
        size: message.length,
        body: bodies ? 8 : 0,
        judge: (line) => line.replace("PING", "PONG"),
      });
      const count = countCut(framing, encoder.encode(text), cuts);
      const answer = new TextDecoder().decode(framing.answer());
      const pings = messages.filter((counts) => !counts).length;
      return count === messages.length - pings && answer === "PONG\r\n".repeat(pings);
    }),
    { numRuns: runs() },
  );
});

Deno.test("messages of one size are counted by their bytes, however the stream is cut", () => {
  fc.assert(
    fc.property(fc.nat(30), cuts, (messages, cuts) => {
      return countCut(fixedFraming(7), new Uint8Array(messages * 7), cuts) === messages;
    }),
    { numRuns: runs() },
  );
});
