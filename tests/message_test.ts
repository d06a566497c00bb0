import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { command as commandSchema, isChange } from "../protocol/forum/command_schema.ts";
import { scopeThread, threadScope, userScope } from "../protocol/forum/event.ts";
import { forumEvent } from "../protocol/forum/event_schema.ts";
import { CATALOGUE, CHUNK_MAX, type Kind, KINDS, type Side } from "../protocol/catalogue.ts";
import {
  encodeFrame,
  FIRST_SKIPPABLE_TYPE,
  type Frame,
  FRAME_HEADER_BYTES,
  readFrame,
} from "../protocol/frame.ts";
import {
  BANNER,
  encodeMessage,
  encodeText,
  type Message,
  type MessageFault,
  type MessageOf,
  parseMessage,
  payloadOf,
  PREFACE,
} from "../protocol/message.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { STATUS } from "../protocol/status.ts";
import { commandOf, eventOf, frame as anyFrame, message, messageOf } from "./arbitraries.ts";
import { runs } from "./runs.ts";

const encoder = new TextEncoder();

function frameOf(bytes: Uint8Array): Frame {
  const buffer = createReceiveBuffer();
  buffer.append(bytes);
  const frame = readFrame(buffer, () => 0xff_ff_ff);
  assert(frame !== undefined && !("tooLarge" in frame));
  assertEquals(buffer.length, 0);
  return frame;
}

/** A side that may send this kind. */
function senderOf(kind: Kind): Side {
  const { from } = CATALOGUE[kind];
  return from === "both" ? "client" : from;
}

function parse(kind: Kind, payload: string | Uint8Array, id = 0) {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  return parseMessage(frameOf(encodeFrame(CATALOGUE[kind].type, id, bytes)), senderOf(kind));
}

function faultOf(outcome: Message | MessageFault | undefined): MessageFault {
  assert(outcome?.kind === "fault", `expected a fault, got ${outcome?.kind}`);
  assertMatch(outcome.text, /^[A-Z].*\.$/s);
  return outcome;
}

/** The same value with a field in every object that no schema names. */
function withMore(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMore);
  if (typeof value !== "object" || value === null) return value;
  const grown = Object.entries(value).map(([name, inner]) => [name, withMore(inner)]);
  return Object.fromEntries([["zFirst", { a: [null] }], ...grown, ["zLast", "?"]]);
}

Deno.test("DESIGN §3: the catalogue's types, senders and ids", () => {
  const rows = KINDS.map((kind) => {
    const { type, from, id } = CATALOGUE[kind];
    return `${type.toString(16).padStart(2, "0")} ${kind} ${from} ${id}`;
  });
  assertEquals(rows, [
    "01 hello client none",
    "02 welcome server none",
    "03 login client none",
    "04 challenge server none",
    "05 proof client none",
    "06 granted server none",
    "07 register client none",
    "08 resume client none",
    "10 command client request",
    "11 done server request",
    "12 refused server request",
    "20 event server thread",
    "21 notice server none",
    "30 data both transfer",
    "31 credit both transfer",
    "32 finish both transfer",
    "33 abort both transfer",
    "34 packed both transfer",
    "35 relay both channel",
    "40 ping both nonce",
    "41 pong both nonce",
    "42 bye both none",
  ]);
  assertEquals(BANNER, "DFP 2024 INTERACTION WITH FORUM BEGINS\r\n");
  assertEquals(PREFACE, "DFP/2\r\n");
});

for (const kind of KINDS) {
  Deno.test(`law 2: what is encoded is parsed again: ${kind}`, () => {
    const anyOfKind: fc.Arbitrary<MessageOf<Kind>> = messageOf[kind];
    fc.assert(
      fc.property(anyOfKind, (given) => {
        const message = given as Message;
        assertEquals(parseMessage(frameOf(encodeMessage(message)), senderOf(kind)), message);
      }),
      { numRuns: runs(60) },
    );
  });
}

for (const [op, anyOfOp] of Object.entries(commandOf)) {
  Deno.test(`law 2: what is encoded is parsed again: the command ${op}`, () => {
    const any: fc.Arbitrary<object> = anyOfOp;
    fc.assert(
      fc.property(any, (given) => {
        assertEquals<unknown>(commandSchema.parse(JSON.parse(JSON.stringify(given))), given);
      }),
      { numRuns: runs(40) },
    );
  });
}

for (const [kind, anyOfKind] of Object.entries(eventOf)) {
  Deno.test(`law 2: what is encoded is parsed again: the event ${kind}`, () => {
    const any: fc.Arbitrary<object> = anyOfKind;
    fc.assert(
      fc.property(any, (given) => {
        assertEquals<unknown>(forumEvent.parse(JSON.parse(JSON.stringify(given))), given);
      }),
      { numRuns: runs(40) },
    );
  });
}

Deno.test("law 2: fields that nobody knows are dropped, wherever they stand, except in a result", () => {
  fc.assert(
    fc.property(message, (given) => {
      const { kind, id, body } = given as Message;
      if (CATALOGUE[kind].body === undefined) return;
      const payload = JSON.stringify(withMore(body));
      const outcome = parse(kind, payload, id);
      assertEquals<unknown>(outcome, {
        kind,
        id,
        body: kind === "done" ? JSON.parse(payload) : body,
      });
    }),
    { numRuns: runs(300) },
  );
});

Deno.test("DESIGN §6: an event's bytes are the same for every subscriber", () => {
  fc.assert(
    fc.property(messageOf.event, (given) => {
      const payload = payloadOf("event", given.body);
      assertEquals(encodeText(CATALOGUE.event.type, given.id, payload), encodeMessage(given));
    }),
    { numRuns: runs() },
  );
});

Deno.test("an unknown type below 80 hex is a fault, at or above it is skipped", () => {
  const known = new Set(KINDS.map((kind) => CATALOGUE[kind].type));
  fc.assert(
    fc.property(anyFrame, fc.constantFrom<Side>("client", "server"), (given, side) => {
      const { type, id, payload } = given;
      const outcome = parseMessage(frameOf(encodeFrame(type, id, payload)), side);
      if (known.has(type)) assert(outcome !== undefined);
      else if (type >= FIRST_SKIPPABLE_TYPE) assertEquals(outcome, undefined);
      else assertEquals(faultOf(outcome).status, "unknown-type");
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("what only one side sends is a fault from the other, before its payload is looked at", () => {
  for (const kind of KINDS) {
    const { type, from } = CATALOGUE[kind];
    if (from === "both") continue;
    const wrong: Side = from === "client" ? "server" : "client";
    for (const payload of ["", "{", "{}"]) {
      const outcome = faultOf(parseMessage(frameOf(encodeText(type, 9, payload)), wrong));
      assertEquals([outcome.status, outcome.request], ["unexpected", undefined]);
    }
  }
});

Deno.test("an id where there is none is a fault", () => {
  fc.assert(
    fc.property(message, fc.constantFrom(1, 0x8000_0000, 0xffff_ffff), (given, id) => {
      const { kind, body } = given as Message;
      const payload = encodeMessage(given as Message).subarray(FRAME_HEADER_BYTES);
      const outcome = parse(kind, payload, id);
      if (CATALOGUE[kind].id === "none") assertEquals(faultOf(outcome).status, "bad-message");
      else assertEquals<unknown>(outcome, { kind, id, body });
    }),
    { numRuns: runs() },
  );
});

Deno.test("DATA carries from one byte to a chunk, PACKED fewer than it stands for, and never little", () => {
  const bytes = (count: number) => new Uint8Array(count).fill(1);
  assertEquals(parse("data", bytes(1), 7), { kind: "data", id: 7, body: { bytes: bytes(1) } });
  assertEquals(parse("data", bytes(CHUNK_MAX), 7)?.kind, "data");
  for (const payload of [bytes(0), bytes(CHUNK_MAX + 1)]) {
    assertEquals(faultOf(parse("data", payload, 7)).status, "bad-message");
  }
  const packed = (raw: number, count: number) => {
    const payload = bytes(4 + count);
    new DataView(payload.buffer).setUint32(0, raw);
    return parse("packed", payload, 7);
  };
  assertEquals(packed(512, 2), { kind: "packed", id: 7, body: { raw: 512, bytes: bytes(2) } });
  for (const [raw, count] of [[512, 511], [CHUNK_MAX, 1], [CHUNK_MAX, CHUNK_MAX - 1]]) {
    assertEquals(packed(raw, count)?.kind, "packed");
  }
  const wrong = [
    ...[[0, 2], [1, 2], [511, 2], [CHUNK_MAX + 1, 2], [0xffff_ffff, 2]],
    ...[[600, 0], [600, 600], [600, CHUNK_MAX], [CHUNK_MAX, CHUNK_MAX]],
  ];
  for (const [raw, count] of wrong) assertEquals(faultOf(packed(raw, count)).status, "bad-message");
});

Deno.test("PING and PONG carry nothing", () => {
  for (const kind of ["ping", "pong"] as const) {
    assertEquals(parse(kind, "", 7), { kind, id: 7, body: {} });
    for (const payload of ["{}", " ", "\0"]) {
      assertEquals(faultOf(parse(kind, payload, 7)).status, "bad-message");
    }
  }
});

Deno.test("a command that cannot be understood is a fault of that command alone", () => {
  const cases: [payload: string | Uint8Array, status: string, field?: string][] = [
    [new Uint8Array([0xff]), "bad-message"],
    [new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), "bad-message"],
    ["", "bad-message"],
    ["{", "bad-message"],
    ["{} {}", "bad-message"],
    ["[]", "bad-field", ""],
    ["null", "bad-field", ""],
    ["{}", "invalid-command", "op"],
    ['{"op":null}', "invalid-command", "op"],
    ['{"op":"POST"}', "invalid-command", "op"],
    ['{"op":"constructor"}', "invalid-command", "op"],
    ['{"op":"__proto__"}', "invalid-command", "op"],
    ['{"__proto__":{"op":"users"}}', "invalid-command", "op"],
    ['{"op":"post","thread":1}', "bad-field", "text"],
    ['{"op":"post","thread":"1","text":""}', "bad-field", "thread"],
    ['{"op":"post","thread":0,"text":""}', "bad-field", "thread"],
    ['{"op":"post","thread":4294967296,"text":""}', "bad-field", "thread"],
    ['{"op":"post","thread":1,"text":"\\ud83d"}', "bad-field", "text"],
    ['{"op":"post","thread":1,"text":"","key":""}', "bad-field", "key"],
    ['{"op":"create","title":"a","members":["b",""]}', "bad-field", "members.1"],
    ['{"op":"read","thread":1,"limit":501}', "bad-field", "limit"],
    ['{"op":"mark","thread":1,"upto":1e400}', "bad-field", "upto"],
  ];
  for (const [payload, status, field] of cases) {
    for (const id of [1, 0xffff_ffff]) {
      const outcome = faultOf(parse("command", payload, id));
      assertEquals(
        [outcome.status, outcome.request, outcome.field],
        [status as keyof typeof STATUS, id, field],
        String(payload),
      );
    }
  }
  assertEquals(faultOf(parse("command", "{}", 1)).text, STATUS["invalid-command"].text);
});

Deno.test("a command without a number is a fault of the stream: nobody could tell its refusal", () => {
  const outcome = faultOf(parse("command", '{"op":"users"}', 0));
  assertEquals([outcome.status, outcome.request], ["bad-message", undefined]);
});

Deno.test("events and notices of kinds that a later edition brings are passed over", () => {
  const base = { scope: "thread/3", seq: 7, at: 5, by: "Yoda" };
  assertEquals(parse("event", JSON.stringify({ ...base, kind: "poll.opened", size: 3 }), 3), {
    kind: "event",
    id: 3,
    body: { ...base, kind: "unknown" },
  });
  assertEquals(parse("notice", '{"kind":"weather","sun":true}'), {
    kind: "notice",
    id: 0,
    body: { kind: "unknown" },
  });
  assertEquals(faultOf(parse("event", '{"kind":"poll.opened"}', 3)).status, "bad-message");
  assertEquals(faultOf(parse("notice", '{"kind":7}')).status, "bad-message");
});

Deno.test("every other payload that cannot be understood is a fault of the stream", () => {
  for (const kind of KINDS) {
    if (kind === "command" || CATALOGUE[kind].body === undefined) continue;
    for (const payload of ["", "{", "[]", "null", '"{}"', new Uint8Array([0x7b, 0xff, 0x7d])]) {
      const outcome = faultOf(parse(kind, payload));
      assertEquals([outcome.status, outcome.request], ["bad-message", undefined]);
    }
  }
});

Deno.test("U+FFFD in a text is a character like others; bytes that are not UTF-8 never become one", () => {
  const given: Message = { kind: "bye", id: 0, body: { code: 1, reason: "a\ufffdb" } };
  const bytes = encodeMessage(given);
  assertEquals(parseMessage(frameOf(bytes), "client"), given);
  bytes[bytes.indexOf(0xef)] = 0xff;
  assertEquals(faultOf(parseMessage(frameOf(bytes), "client")).status, "bad-message");
});

Deno.test("a payload is not kept: the message stays when its bytes are written over", () => {
  const given: Message = { kind: "bye", id: 0, body: { code: 1, reason: "é".repeat(50) } };
  const bytes = encodeMessage(given);
  const frame = { type: 0x42, id: 0, length: bytes.length - 8, payload: bytes.subarray(8) };
  const parsed = parseMessage(frame, "client");
  bytes.fill(0);
  assertEquals(parsed, given);
});

Deno.test("the limits of a post: SEQ_MAX and 100,000 units exactly, and not one more", () => {
  const post = (thread: number, units: number) =>
    parse("command", JSON.stringify({ op: "post", thread, text: "x".repeat(units) }), 1)?.kind;
  assertEquals(post(0xffff_ffff, 100_000), "command");
  assertEquals(post(0x1_0000_0000, 100_000), "fault");
  assertEquals(post(0xffff_ffff, 100_001), "fault");
});

Deno.test("the limits of an upload: 2⁵⁰ bytes exactly, and a hash of 64 digits", () => {
  const upload = (size: number, sha256: string) =>
    parse("command", JSON.stringify({ op: "upload", thread: 1, name: "f", size, sha256 }), 1)?.kind;
  assertEquals(upload(2 ** 50, "0".repeat(64)), "command");
  assertEquals(upload(2 ** 50 + 1, "0".repeat(64)), "fault");
  for (const sha256 of ["0".repeat(63), "0".repeat(65), "F".repeat(64), `../${"0".repeat(61)}`]) {
    assertEquals(upload(0, sha256), "fault");
  }
});

Deno.test("what changes the forum and what only asks", () => {
  const changes = new Set([
    ..."create remove post edit delete react tell invite expel mark".split(" "),
    ..."upload withdraw role ban credential".split(" "),
  ]);
  for (const [op, anyOfOp] of Object.entries(commandOf)) {
    const any: fc.Arbitrary<Parameters<typeof isChange>[0]> = anyOfOp;
    fc.assert(
      fc.property(any, (given) => assertEquals(isChange(given), changes.has(op))),
      { numRuns: 3 },
    );
  }
});

Deno.test("a thread's scope leads to its number and no other text does", () => {
  const strange = fc.constantFrom(
    ...["", "/", "-1", "0", "01", "1.0", "1.5", " 1", "1 ", "1e3", "0x10", "NaN", "Infinity", "+1"],
    ...["4294967296", "9007199254740993", "1/2", "../1", "１", "__proto__"],
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 0xffff_ffff }),
      strange,
      fc.string(),
      (number, tail, name) => {
        assertEquals(scopeThread(threadScope(number)), number);
        assertEquals(scopeThread(`thread/${tail}`), 0);
        assertEquals(scopeThread(userScope(name)), 0);
        assertEquals(scopeThread(`Thread/${number}`), 0);
        assertEquals(scopeThread(` thread/${number}`), 0);
      },
    ),
    { numRuns: runs() },
  );
  for (const scope of ["directory", "accounts", "secrets", "thread", "thread/", ""]) {
    assertEquals(scopeThread(scope), 0, scope);
  }
});
