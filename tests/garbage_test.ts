import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CATALOGUE, KINDS, type Side } from "../protocol/catalogue.ts";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import {
  createLink,
  HELD_BYTES_MAX,
  type LinkInput,
  OPENING_LINE_MAX,
  TRANSMIT_HIGH_WATER,
} from "../protocol/link.ts";
import { encodeMessage, type Message, parseMessage, PREFACE } from "../protocol/message.ts";
import { createNumbers, FRAME, garbage, type Numbers, PING, TOKENS } from "./garbage.ts";
import { runs } from "./runs.ts";

const encoder = new TextEncoder();

/** How the owner of the link behaves. */
const MANNERS = ["eager", "lazy", "held", "unwritten"] as const;

/** Feeds garbage to a link and checks all that can be seen from outside. */
function survive(from: Side, manner: typeof MANNERS[number], by: Numbers): void {
  const side = from === "client" ? "server" : "client";
  const link = createLink({ side, frame: FRAME, heartbeat: 1000, now: 0 });
  const bytes = garbage(from, by);
  let at = 0;
  let pulls = 0;
  let fault: LinkInput | undefined;
  let finished = 0;

  const drain = () => {
    if (manner !== "unwritten" || by.below(40) === 0) link.consumeTransmit(link.pendingTransmit);
  };
  const pull = () => {
    for (;;) {
      const input = link.pull();
      assert(++pulls <= 2 * bytes.length + 50, "pulling does not end");
      if (input === undefined) return;
      assertEquals(finished, 0, "something comes after `finished`");
      if (input.input === "finished") finished++;
      if (input.input === "message") checkMessage(input.message, from);
      if (input.input === "fault") {
        assert(input.offset >= 0 && input.offset <= at);
        fault = input;
        link.end(input.status);
        return;
      }
      if (manner === "held") link.held = by.below(2) === 0;
    }
  };

  let unpulled = 0;
  while (at < bytes.length && finished === 0) {
    if (!link.wantsRead) {
      link.held = false;
      link.consumeTransmit(link.pendingTransmit);
      pull();
      unpulled = 0;
      if (finished > 0) break;
      assert(link.wantsRead, "all was taken, and still nothing may come in");
    }
    const end = Math.min(bytes.length, at + 1 + by.below(by.pick([1, 9, 500])));
    link.receive(bytes.subarray(at, end), at);
    unpulled += end - at;
    at = end;
    const room = Math.max(HELD_BYTES_MAX, FRAME + FRAME_HEADER_BYTES, OPENING_LINE_MAX);
    if (fault === undefined) assert(unpulled <= room + 500, "more is taken in than the limit");
    if (manner !== "lazy" || by.below(30) === 0) {
      pull();
      if (!link.held) unpulled = 0;
    }
    drain();
    assert(
      link.pendingTransmit <= TRANSMIT_HIGH_WATER + 600,
      "more is to be written than the limit",
    );
  }
  link.held = false;
  link.consumeTransmit(link.pendingTransmit);
  link.receiveEnd(at);
  for (let i = 0; i < 4 && fault === undefined; i++) {
    pull();
    link.consumeTransmit(link.pendingTransmit);
  }
  if (!link.ending) link.end("goodbye");
  link.consumeTransmit(link.pendingTransmit);
  for (let i = 0; i < 3; i++) pull();
  assertEquals(finished, 1);
}

/** What was understood is a message like others: it can be said again. */
function checkMessage(message: Message, from: Side): void {
  const bytes = encodeMessage(message);
  const payload = bytes.subarray(FRAME_HEADER_BYTES);
  const { type } = CATALOGUE[message.kind];
  const again = parseMessage({ type, id: message.id, length: payload.length, payload }, from);
  if (JSON.stringify(again) !== JSON.stringify(message)) assertEquals(again, message);
}

// DFP_RUNS or CI decides: a hundred thousand inputs are made where CI is set.
Deno.test("law 3: any garbage gives an input or a fault: no throw, no hang, no memory beyond the limit", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Side>("client", "server"),
      fc.constantFrom(...MANNERS),
      fc.integer(),
      (from, manner, seed) => survive(from, manner, createNumbers(seed)),
    ),
    { numRuns: runs(20) * 100 },
  );
});

Deno.test("law 3: the frames of any bytes become a message, a fault, or are skipped", () => {
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.constantFrom(0, 1, 0xffff_ffff),
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.json({ maxDepth: 3 }).map((text) => encoder.encode(text)),
        fc.array(fc.constantFrom(...TOKENS), { maxLength: 20 })
          .map((tokens) => encoder.encode(tokens.join(""))),
      ),
      fc.constantFrom<Side>("client", "server"),
      (type, id, payload, from) => {
        const outcome = parseMessage({ type, id, length: payload.length, payload }, from);
        if (outcome === undefined) assert(type >= 0x80);
        else if (outcome.kind === "fault") assert(outcome.text.length > 0);
        else checkMessage(outcome, from);
      },
    ),
    { numRuns: runs(1000) },
  );
});

Deno.test("law 3: JSON as deep as a frame allows is refused or taken, and nothing overflows", () => {
  const frame = 256 * 1024;
  for (const open of ["[", '{"a":', '{"op":', '[{"a":']) {
    const deep = Math.floor(frame / 2 / open.length);
    const close = [...open].reverse().map((c) => c === "[" ? "]" : c === "{" ? "}" : "").join("");
    for (const text of [open.repeat(deep), open.repeat(deep) + "1" + close.repeat(deep)]) {
      for (const kind of KINDS) {
        const { type, from, body } = CATALOGUE[kind];
        if (body === undefined) continue;
        const payload = encoder.encode(text);
        const peer = from === "both" ? "client" : from;
        const outcome = parseMessage({ type, id: 0, length: payload.length, payload }, peer);
        assert(outcome !== undefined);
        if (kind !== "done") assertEquals(outcome.kind, "fault");
      }
    }
  }
});

Deno.test("law 3: an absurd length costs nothing: it is a fault as soon as the header is there", () => {
  for (const length of [FRAME + 1, 0x10_0000, 0xff_ff_ff]) {
    const link = createLink({ side: "server", frame: FRAME, heartbeat: 0, now: 0 });
    link.receive(encoder.encode(PREFACE), 0);
    assertEquals(link.pull()?.input, "line");
    link.receive(new Uint8Array([length >>> 16, length >>> 8, length, 0x10, 0, 0, 0]), 0);
    assertEquals(link.pull(), undefined);
    link.receive(new Uint8Array(1), 0);
    const fault = link.pull();
    assert(fault?.input === "fault" && fault.status === "too-large");
    assertEquals(fault.offset, PREFACE.length);
  }
});

Deno.test("law 3: a line without an end is a fault at its 1,024th byte", () => {
  const link = createLink({ side: "server", frame: FRAME, heartbeat: 0, now: 0 });
  link.receive(new Uint8Array(OPENING_LINE_MAX - 1).fill(0x20), 0);
  assertEquals(link.pull(), undefined);
  assert(link.wantsRead);
  link.receive(new Uint8Array([0x20]), 0);
  const fault = link.pull();
  assert(fault?.input === "fault" && fault.status === "bad-opening");
});

Deno.test("law 3: after a fault, what goes on coming is thrown away and costs nothing", () => {
  const link = createLink({ side: "server", frame: FRAME, heartbeat: 0, now: 0 });
  link.receive(encoder.encode(PREFACE + "????????"), 0);
  assertEquals([link.pull()?.input, link.pull()?.input], ["line", "fault"]);
  for (let at = 0; link.wantsRead; at++) {
    assert(at < 10, "a link with a fault takes in more and more");
    link.receive(new Uint8Array(FRAME), 0);
    assertEquals(link.pull()?.input, "fault");
  }
  link.end("bad-message");
  const { pendingTransmit } = link;
  for (let at = 0; at < 10_000; at++) {
    assert(link.wantsRead);
    link.receive(PING, 0);
    assertEquals(link.pull(), undefined);
  }
  assertEquals(link.pendingTransmit, pendingTransmit);
});
