import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CATALOGUE, type Kind, KINDS, type Side } from "../protocol/catalogue.ts";
import { encodeFrame, FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import { createLink, type LinkInput, OPENING_LINE_MAX } from "../protocol/link.ts";
import {
  BANNER,
  encodeMessage,
  encodeText,
  type Message,
  type MessageOf,
  PREFACE,
} from "../protocol/message.ts";
import type { StatusName } from "../protocol/status.ts";
import { anyPlaces, cutAt, inEveryCut, join, listen, pullAll } from "./cuts.ts";
import {
  commandOf,
  eventOf,
  frameHeader,
  message,
  shortMessageFrom,
  shortMessageOf,
} from "./arbitraries.ts";
import { runs } from "./runs.ts";

const encoder = new TextEncoder();
const FRAME = 4096;

/** A stretch of a stream, and what a link must make of it. */
interface Piece {
  readonly bytes: Uint8Array;
  /** What comes out; offsets are counted from the piece's beginning. */
  readonly gives?: Partial<LinkInput> & { input: LinkInput["input"]; offset?: number };
  /** The PONG that goes out. */
  readonly writes?: Uint8Array;
  /** The end of the stream must come right after it. */
  readonly last?: boolean;
}

const other = (side: Side): Side => side === "client" ? "server" : "client";

/** Lines that a peer may open with, and some that no peer of ours would. */
const line: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(PREFACE, BANNER, "\n", "\r\n", "DFP/2\n", "GET / HTTP/1.1\r\n", "DFP/2\r\r\n"),
  fc.constantFrom(OPENING_LINE_MAX - 1, OPENING_LINE_MAX).map((n) => "x".repeat(n - 1) + "\n"),
  fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replaceAll("\n", "") + "\n"),
);

const opening: fc.Arbitrary<Piece> = line.map((text) => ({
  bytes: encoder.encode(text),
  gives: {
    input: "line",
    line: new TextDecoder().decode(encoder.encode(text.slice(0, -1))).replace(/\r$/, ""),
  },
}));

const badOpening: fc.Arbitrary<Piece> = fc.constantFrom(OPENING_LINE_MAX, OPENING_LINE_MAX + 99)
  .map((n) => ({
    bytes: encoder.encode("x".repeat(n)),
    gives: { input: "fault", status: "bad-opening", offset: 0 },
  }));

/** A message as the peer sends it. */
function spoken(peer: Side): fc.Arbitrary<Piece> {
  return shortMessageFrom(peer).filter((given) =>
    encodeMessage(given as Message).length <= FRAME + FRAME_HEADER_BYTES
  ).map((given): Piece => {
    const bytes = encodeMessage(given as Message);
    if (given.kind === "pong") return { bytes };
    if (given.kind === "ping") {
      return { bytes, writes: encodeMessage({ ...given, kind: "pong" } as Message) };
    }
    return { bytes, gives: { input: "message", message: given as Message } };
  });
}

/** A frame of a type that may be skipped. */
const skipped: fc.Arbitrary<Piece> = fc.tuple(
  fc.integer({ min: 0x80, max: 0xff }),
  frameHeader,
  fc.uint8Array({ maxLength: 30 }),
).map(([type, { id }, payload]) => ({ bytes: encodeFrame(type, id, payload) }));

const commandType = CATALOGUE.command.type;
const NOT_UTF8 = new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]);
/** An object of the byte FF where JSON would have a text; half a character; a pair in CESU-8. */
const notText = fc.constantFrom(
  NOT_UTF8,
  new Uint8Array([0xff]),
  new Uint8Array([...encoder.encode('{"op":"'), 0xe2, 0x82]),
  new Uint8Array([...encoder.encode('{"a":"'), 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80, 0x22, 0x7d]),
);
const notJson = fc.constantFrom("", "{", "{}}", "nul", "{'a':1}", '{"a":01}', "\ufeff{}", "{}\0");
const notObject = fc.constantFrom("null", "0", '"x"', "[]", "true", "1e999", "-0");

/** A command that is refused alone: the stream goes on behind it. */
const badCommand: fc.Arbitrary<Piece> = fc.tuple(
  frameHeader.filter(({ id }) => id > 0),
  fc.oneof(
    notText.map((bytes): [Uint8Array, StatusName] => [bytes, "bad-message"]),
    notJson.map((text): [Uint8Array, StatusName] => [encoder.encode(text), "bad-message"]),
    notObject.map((text): [Uint8Array, StatusName] => [encoder.encode(text), "bad-field"]),
    fc.constantFrom("{}", '{"op":"constructor"}', '{"op":7}', '{"op":"__proto__"}')
      .map((text): [Uint8Array, StatusName] => [encoder.encode(text), "invalid-command"]),
    fc.constantFrom('{"op":"post"}', '{"op":"post","thread":0,"text":""}')
      .map((text): [Uint8Array, StatusName] => [encoder.encode(text), "bad-field"]),
  ),
).map(([{ id }, [payload, status]]): Piece => ({
  bytes: encodeFrame(commandType, id, payload),
  gives: { input: "bad-command", request: id, fault: { status } as never },
}));

/** What ends the reading of a stream. */
function fault(peer: Side): fc.Arbitrary<Piece> {
  const at = (status: StatusName, bytes: Uint8Array): Piece => ({
    bytes,
    gives: { input: "fault", status, offset: 0 },
  });
  const mine = KINDS.filter((kind) => CATALOGUE[kind].from === other(peer));
  const theirs = KINDS.filter((kind) =>
    ["both", peer].includes(CATALOGUE[kind].from) && CATALOGUE[kind].body !== undefined &&
    kind !== "command"
  );
  const known = new Set(KINDS.map((kind) => CATALOGUE[kind].type));
  const frameOf = (kind: Kind, payload: Uint8Array) =>
    encodeFrame(CATALOGUE[kind].type, 0, payload);
  const idLess = theirs.filter((kind) => CATALOGUE[kind].id === "none");
  return fc.oneof(
    fc.tuple(frameHeader, fc.constantFrom(FRAME + 1, FRAME + 256, 0xff_ff_ff)).map(
      ([{ type, id }, length]) => {
        const header = encodeFrame(type, id, new Uint8Array(0));
        header.set([length >>> 16, length >>> 8, length]);
        return at("too-large", header);
      },
    ),
    fc.tuple(fc.integer({ min: 0, max: 0x7f }), fc.uint8Array({ maxLength: 9 }))
      .filter(([type]) => !known.has(type))
      .map(([type, payload]) => at("unknown-type", encodeFrame(type, 7, payload))),
    fc.oneof(...mine.map((kind) => shortMessageOf[kind] as fc.Arbitrary<MessageOf<Kind>>))
      .filter((given) => encodeMessage(given as Message).length <= FRAME + FRAME_HEADER_BYTES)
      .map((given) => at("unexpected", encodeMessage(given as Message))),
    fc.tuple(fc.constantFrom(...theirs), notText)
      .map(([kind, bytes]) => at("bad-message", frameOf(kind, bytes))),
    fc.tuple(fc.constantFrom(...theirs), fc.oneof(notJson, notObject))
      .map(([kind, text]) => at("bad-message", frameOf(kind, encoder.encode(text)))),
    fc.constantFrom(...theirs.filter((kind) => kind !== "done"))
      .map((kind) => at("bad-message", frameOf(kind, encoder.encode('{"a":1}')))),
    fc.constantFrom(...idLess).map((kind) =>
      at("bad-message", encodeText(CATALOGUE[kind].type, 1, "{}"))
    ),
    fc.constantFrom<Kind>("ping", "pong")
      .map((kind) => at("bad-message", frameOf(kind, new Uint8Array(1)))),
  );
}

/** A frame without its end. */
function shortened(peer: Side): fc.Arbitrary<Piece> {
  return fc.tuple(spoken(peer), fc.nat()).map(([{ bytes }, n]) => ({
    bytes: bytes.subarray(0, 1 + n % (bytes.length - 1)),
    gives: { input: "fault", status: "cut-short", offset: 0 },
    last: true,
  }));
}

interface Stream {
  readonly side: Side;
  readonly bytes: Uint8Array;
  readonly expected: { inputs: unknown[]; written: number[] };
}

/** The pieces as one stream, and what must come of it. */
function streamOf(side: Side, pieces: Piece[], trailing: Uint8Array): Stream {
  const inputs: unknown[] = [];
  const written: number[] = [];
  let offset = 0;
  let faulty = false;
  for (const { bytes, gives, writes } of pieces) {
    if (gives?.input === "fault") {
      inputs.push({ ...gives, offset });
      faulty = true;
    } else if (gives?.input === "message" || gives?.input === "bad-command") {
      inputs.push({ ...gives, offset });
    } else if (gives !== undefined) inputs.push(gives);
    written.push(...writes ?? []);
    offset += bytes.length;
  }
  if (!faulty) inputs.push({ input: "end" });
  const bytes = join([...pieces.map((piece) => piece.bytes), trailing]);
  return { side, bytes, expected: { inputs, written } };
}

/** Streams, most of them with a fault somewhere. */
function stream(side: Side, most: number): fc.Arbitrary<Stream> {
  const peer = other(side);
  const good = fc.oneof(
    { weight: 6, arbitrary: spoken(peer) },
    { weight: 1, arbitrary: skipped },
    ...peer === "client" ? [{ weight: 2, arbitrary: badCommand }] : [],
  );
  const trailing = fc.oneof(
    fc.constant(new Uint8Array(0)),
    fc.uint8Array({ maxLength: 60 }),
    fc.array(good, { maxLength: 3 }).map((pieces) => join(pieces.map((piece) => piece.bytes))),
  );
  const begun = fc.tuple(opening, fc.array(good, { maxLength: most }));
  const nothing = new Uint8Array(0);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: begun.map(([first, rest]) => streamOf(side, [first, ...rest], nothing)),
    },
    {
      weight: 6,
      arbitrary: fc.tuple(begun, fc.oneof(fault(peer), shortened(peer)), trailing).map((
        [[first, rest], wrong, after],
      ) => streamOf(side, [first, ...rest, wrong], wrong.last === true ? nothing : after)),
    },
    { weight: 1, arbitrary: badOpening.map((wrong) => streamOf(side, [wrong], nothing)) },
    {
      weight: 1,
      arbitrary: line.map((text) =>
        streamOf(side, [{
          bytes: encoder.encode(text.replaceAll("\n", "x").slice(0, 500)),
          gives: { input: "fault", status: "cut-short", offset: 0 },
        }], nothing)
      ),
    },
  );
}

/** What a link says, without the sentences, which are for people. */
function said({ inputs, written }: { inputs: LinkInput[]; written: number[] }) {
  return {
    inputs: inputs.map((input): unknown => {
      if (input.input === "fault") {
        const { text, ...rest } = input;
        assert(text.length > 10);
        return rest;
      }
      if (input.input === "bad-command") {
        return { ...input, fault: { status: input.fault.status } };
      }
      return input;
    }),
    written,
  };
}

for (const side of ["server", "client"] as const) {
  Deno.test(`law 1: what a ${side} hears, and the offset of a fault, do not depend on the cuts`, () => {
    fc.assert(
      fc.property(stream(side, 6), anyPlaces, fc.boolean(), ({ bytes, expected }, cuts, lazy) => {
        const run = (chunks: Uint8Array[]) => said(listen(chunks, { side, frame: FRAME, lazy }));
        assertEquals(run([bytes]), expected, "whole");
        assertEquals(run(cutAt(bytes, cuts)), expected, "random cuts");
        assertEquals(run(Array.from(bytes, (byte) => new Uint8Array([byte]))), expected, "bytes");
      }),
      { numRuns: runs(100) },
    );
  });

  Deno.test(`law 1: a ${side}'s stream can be cut in two at every place`, () => {
    fc.assert(
      fc.property(
        stream(side, 2).filter(({ bytes }) => bytes.length < 800),
        fc.boolean(),
        ({ bytes, expected }, lazy) => {
          const outcome = inEveryCut(
            bytes,
            (chunks) => said(listen(chunks, { side, frame: FRAME, lazy })),
          );
          assertEquals(outcome, expected);
        },
      ),
      { numRuns: runs(20) },
    );
  });
}

Deno.test("law 1: every kind of message is understood however it was cut", () => {
  for (const kind of KINDS) {
    const peer = CATALOGUE[kind].from === "server" ? "server" : "client";
    const anyOfKind: fc.Arbitrary<MessageOf<Kind>> = shortMessageOf[kind];
    fc.assert(
      fc.property(anyOfKind, (given) => {
        const bytes = join([
          encoder.encode(PREFACE),
          encodeMessage(given as Message),
          encodeMessage({ kind: "bye", id: 0, body: { code: 2025, reason: "" } }),
        ]);
        const places = Array.from(bytes.keys()).slice(0, 600);
        const { inputs } = inEveryCut(
          bytes,
          (chunks) => listen(chunks, { side: other(peer), frame: 100_000, open: true }),
          places,
        );
        const heard = inputs.flatMap((input) => input.input === "message" ? [input.message] : []);
        assertEquals(heard.length, kind === "ping" || kind === "pong" ? 1 : 2);
        assertEquals(heard.at(-1)?.kind, "bye");
        if (heard.length === 2) assertEquals(heard[0], given as Message);
      }),
      { numRuns: Math.ceil(runs(32) / KINDS.length) },
    );
  }
});

Deno.test("law 1: long messages too", () => {
  const longest: fc.Arbitrary<MessageOf<Kind>> = fc.oneof(
    fc.record({
      kind: fc.constant("command" as const),
      id: fc.integer({ min: 1 }),
      body: commandOf.post,
    }),
    fc.record({
      kind: fc.constant("event" as const),
      id: fc.nat(),
      body: eventOf["message.posted"],
    }),
  );
  fc.assert(
    fc.property(fc.oneof(message, longest), anyPlaces, (given, cuts) => {
      const peer = CATALOGUE[given.kind].from === "server" ? "server" : "client";
      const bytes = join([encoder.encode(PREFACE), encodeMessage(given as Message)]);
      const options = { side: other(peer), frame: 1_000_000 };
      const whole = listen([bytes], options);
      assertEquals(whole.inputs.at(-1), { input: "end" });
      assertEquals(listen(cutAt(bytes, cuts), options), whole);
    }),
    { numRuns: runs(50) },
  );
});

Deno.test("DESIGN §13: commands sent together do not run into one", () => {
  const texts = ["first", "second\r\nthird", "", '{"op":"post"}'];
  const commands = texts.map((text, i): Message => ({
    kind: "command",
    id: i + 1,
    body: { op: "post", thread: 1, text },
  }));
  const bytes = join([encoder.encode(PREFACE), ...commands.map(encodeMessage)]);
  const { inputs } = inEveryCut(bytes, (chunks) => listen(chunks, { side: "server" }));
  assertEquals(
    inputs.flatMap((input) => input.input === "message" ? [input.message] : []),
    commands,
  );
});

Deno.test("law 1: an opening line is heard whatever the largest frame is", () => {
  for (const frame of [0, 1, 100, OPENING_LINE_MAX, 100_000]) {
    for (
      const length of [1, 9, 110, OPENING_LINE_MAX - 1, OPENING_LINE_MAX, OPENING_LINE_MAX + 1]
    ) {
      const bytes = encoder.encode("x".repeat(length - 1) + "\n");
      const { inputs } = inEveryCut(
        bytes,
        (chunks) => listen(chunks, { side: "server", frame }),
        [0, 8, length - 2, length - 1],
      );
      assertEquals(inputs[0].input, length > OPENING_LINE_MAX ? "fault" : "line");
    }
  }
});

Deno.test("a fault is sticky: nothing behind it is read, however often one asks", () => {
  for (const side of ["server", "client"] as const) {
    fc.assert(
      fc.property(fault(other(side)), spoken(other(side)), (wrong, after) => {
        const link = createLink({ side, frame: FRAME, heartbeat: 0, now: 0 });
        link.receive(join([encoder.encode(PREFACE), wrong.bytes, after.bytes]), 0);
        assertEquals(pullAll(link).map((input) => input.input), ["line", "fault"]);
        for (let i = 0; i < 3; i++) {
          const again = link.pull();
          assert(again === undefined || again.input === "fault", `then came a ${again?.input}`);
        }
        link.end("bad-message");
        link.consumeTransmit(link.pendingTransmit);
        link.receiveEnd(0);
        assertEquals(pullAll(link), [{ input: "finished" }]);
      }),
      { numRuns: runs(50) },
    );
  }
});
