import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  binaryFrame,
  CLOSE,
  closeFrame,
  createFrameReader,
  FRAGMENTS_MAX,
  MESSAGE_MAX,
  type PeerClose,
  PINGS_MAX,
  pongFrame,
} from "../server/web/websocket_frame.ts";
import { joined } from "./end_to_end/raw_peer.ts";
import { runs } from "./runs.ts";
import { BINARY, CONTINUE, maskedFrame, PING, PONG, TEXT } from "./websocket_peer.ts";

interface Read {
  readonly payload: number[];
  readonly pings: number[][];
  readonly closed: PeerClose | undefined;
}

/** Reads bytes cut at these places; pings are taken after each cut. */
function read(bytes: Uint8Array, cuts: readonly number[] = []): Read {
  const reader = createFrameReader();
  const payload: number[] = [];
  const pings: number[][] = [];
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...places, bytes.length]) {
    const chunk = bytes.slice(start, end);
    for (const byte of chunk.subarray(0, reader.read(chunk))) payload.push(byte);
    for (const ping of reader.takePings()) pings.push([...ping]);
    start = end;
  }
  return { payload, pings, closed: reader.closed };
}

function fault(...frames: Uint8Array[]): number | undefined {
  const { closed } = read(joined(frames));
  return closed?.fault === "" ? undefined : closed?.code;
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const cuts = fc.array(fc.nat(), { maxLength: 20 });

Deno.test("payload comes through whole, however messages are fragmented, mixed with pings and cut", () => {
  const message = fc.record({
    parts: fc.array(bytes(300), { minLength: 1, maxLength: 4 }),
    ping: fc.option(bytes(125), { nil: undefined }),
    mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), cuts, (messages, cuts) => {
      const frames = messages.flatMap(({ parts, ping, mask }) =>
        parts.flatMap((part, at) => [
          maskedFrame(at === 0 ? BINARY : CONTINUE, part, { fin: at === parts.length - 1, mask }),
          ...ping === undefined ? [] : [maskedFrame(PING, ping, { mask })],
        ])
      );
      const stream = joined(frames);
      const whole = read(stream);
      assertEquals(whole.payload, messages.flatMap(({ parts }) => parts.flatMap((p) => [...p])));
      assertEquals(whole.closed, undefined);
      const pinged = messages.flatMap(({ parts, ping }) =>
        ping === undefined ? [] : parts.map(() => [...ping])
      );
      assertEquals(whole.pings, pinged.slice(-PINGS_MAX), "the last ones count");
      const cut = read(stream, cuts);
      assertEquals(cut.payload, whole.payload);
      assertEquals(cut.pings.slice(-PINGS_MAX), whole.pings);
    }),
    { numRuns: runs() },
  );
});

Deno.test("garbage gives payload or a fault, the same however it was cut, and never throws", () => {
  const frameLike = fc.tuple(fc.constantFrom(0x00, 0x02, 0x80, 0x82, 0x88, 0x89), bytes(200))
    .map(([first, rest]) => {
      return joined([Uint8Array.of(first, 0x80 | (rest.length % 126)), rest]);
    });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(bytes(300), frameLike), { maxLength: 5 }),
      cuts,
      (parts, cuts) => {
        const stream = joined(parts);
        const whole = read(stream);
        const cut = read(stream, cuts);
        assertEquals([cut.payload, cut.closed], [whole.payload, whole.closed]);
      },
    ),
    { numRuns: runs() },
  );
});

Deno.test("lengths of one, two and eight bytes are read, up to the largest message", () => {
  for (const length of [0, 1, 125, 126, 127, 128, 65_535, 65_536, MESSAGE_MAX]) {
    const { payload, closed } = read(maskedFrame(BINARY, new Uint8Array(length).fill(7)));
    assertEquals([payload.length, closed], [length, undefined]);
    assert(payload.every((byte) => byte === 7));
  }
});

Deno.test("what RFC 6455 forbids is a fault with its code", () => {
  const one = Uint8Array.of(1);
  const rsv = (bit: number) => maskedFrame(BINARY, one, { first: 0x82 | bit });
  assertEquals([fault(rsv(0x40)), fault(rsv(0x20)), fault(rsv(0x10))], [1002, 1002, 1002]);
  for (const opcode of [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf]) {
    assertEquals(fault(maskedFrame(opcode, one)), CLOSE.fault, `opcode ${opcode}`);
  }
  assertEquals(fault(Uint8Array.of(0x82, 0x01, 0x01)), CLOSE.fault, "not masked");
  assertEquals(fault(maskedFrame(PING, new Uint8Array(126))), CLOSE.fault, "a long ping");
  assertEquals(fault(maskedFrame(PING, one, { fin: false })), CLOSE.fault, "half a ping");
  assertEquals(fault(maskedFrame(CONTINUE, one)), CLOSE.fault, "nothing to continue");
  assertEquals(
    fault(maskedFrame(BINARY, one, { fin: false }), maskedFrame(BINARY, one)),
    CLOSE.fault,
    "a message in a message",
  );
  assertEquals(fault(maskedFrame(TEXT, new TextEncoder().encode("hi"))), CLOSE.text);
  const negative = Uint8Array.of(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4);
  assertEquals(fault(negative), CLOSE.fault, "a negative length");
  const longer = (...length: number[]) =>
    fault(Uint8Array.of(0x82, 0x80 | (length.length === 2 ? 126 : 127), ...length, 1, 2, 3, 4));
  assertEquals(longer(0, 0), CLOSE.fault, "nothing in two bytes");
  assertEquals(longer(0, 125), CLOSE.fault, "125 in two bytes");
  assertEquals(longer(0, 126), undefined);
  assertEquals(longer(0, 0, 0, 0, 0, 0, 0, 1), CLOSE.fault, "1 in eight bytes");
  assertEquals(longer(0, 0, 0, 0, 0, 0, 255, 255), CLOSE.fault, "65,535 in eight bytes");
  assertEquals(longer(0, 0, 0, 0, 0, 1, 0, 0), undefined);
});

Deno.test("a message that is too large, or in too many pieces, is a fault before it has come", () => {
  const declared = (length: bigint) => {
    const head = new Uint8Array(14);
    head.set([0x82, 0xff]);
    new DataView(head.buffer).setBigUint64(2, length);
    return head;
  };
  assertEquals(fault(declared(BigInt(MESSAGE_MAX) + 1n)), CLOSE.tooBig);
  assertEquals(fault(declared(1n << 40n)), CLOSE.tooBig);
  assertEquals(fault(declared(BigInt(MESSAGE_MAX))), undefined);
  const part = new Uint8Array(MESSAGE_MAX / 2 + 1);
  assertEquals(
    fault(
      maskedFrame(BINARY, part, { fin: false }),
      maskedFrame(CONTINUE, part, { fin: false }),
    ),
    CLOSE.tooBig,
    "fragments count together",
  );
  const empty = new Uint8Array(0);
  const pieces = (count: number) => [
    maskedFrame(BINARY, empty, { fin: false }),
    ...Array.from({ length: count - 1 }, () => maskedFrame(CONTINUE, empty, { fin: false })),
  ];
  assertEquals(fault(...pieces(FRAGMENTS_MAX)), undefined);
  assertEquals(fault(...pieces(FRAGMENTS_MAX + 1)), CLOSE.policy);
});

Deno.test("a Close tells how the peer ended, and what comes after it is not read", () => {
  const after = maskedFrame(BINARY, Uint8Array.of(1, 2, 3));
  const close = (payload: Uint8Array) => read(joined([maskedFrame(8, payload), after]));
  const coded = (code: number, reason = "") =>
    joined([Uint8Array.of(code >> 8, code & 255), new TextEncoder().encode(reason)]);
  assertEquals(close(new Uint8Array(0)), {
    payload: [],
    pings: [],
    closed: { code: undefined, fault: "" },
  });
  for (const code of [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999]) {
    assertEquals(close(coded(code, "grüß")).closed, { code, fault: "" });
  }
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535]) {
    assertEquals(close(coded(code)).closed?.code, CLOSE.fault, `${code} may not travel`);
    assert(close(coded(code)).closed?.fault !== "");
  }
  assertEquals(close(Uint8Array.of(3)).closed?.code, CLOSE.fault, "half a code");
  const bad = joined([coded(1000), Uint8Array.of(0xc0, 0xaf)]);
  assertEquals(close(bad).closed?.code, CLOSE.notUtf8);
});

Deno.test("what is written has the length in its shortest form, and no mask", () => {
  assertEquals([...binaryFrame(Uint8Array.of(9))], [0x82, 1, 9]);
  assertEquals([...binaryFrame(new Uint8Array(126)).subarray(0, 4)], [0x82, 126, 0, 126]);
  const large = binaryFrame(new Uint8Array(70_000));
  assertEquals([...large.subarray(0, 10)], [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
  assertEquals(large.length, 70_010);
  assertEquals([...pongFrame(Uint8Array.of(1, 2))], [0x8a, 2, 1, 2]);
  assertEquals([...closeFrame()], [0x88, 0]);
  assertEquals([...closeFrame(1002, "no")], [0x88, 4, 3, 0xea, 0x6e, 0x6f]);
  assertEquals(closeFrame(1002, "x".repeat(500)).length, 127);
  assertEquals([...maskedFrame(PONG, Uint8Array.of(5), { mask: new Uint8Array(4) })], [
    0x8a,
    0x81,
    0,
    0,
    0,
    0,
    5,
  ]);
});
