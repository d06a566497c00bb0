import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeFrame } from "../protocol/frame.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { createTransmitBuffer } from "../protocol/transmit_buffer.ts";
import { join } from "./cuts.ts";
import { runs } from "./runs.ts";

/** A number that is often near a size at which a buffer grows or gives memory back. */
const amount = fc.oneof(
  fc.nat(20),
  fc.constantFrom(0, 1, 255, 256, 511, 512, 513, 1024, 4095, 4096, 4097, 8192),
  fc.nat(5000),
);

/** A position, as a part of what there is. */
const part = fc.double({ min: 0, max: 1, noNaN: true });

type ReceiveOp =
  | { op: "append" | "bring" | "read"; length: number }
  | { op: "skip" | "view" | "look"; from: number; to: number }
  | { op: "clear" | "skipTooMuch" };

const receiveOp: fc.Arbitrary<ReceiveOp> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("append" as const), length: amount }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom("bring" as const, "read" as const),
      length: amount,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom("skip" as const, "view" as const, "look" as const),
      from: part,
      to: fc.oneof(part, fc.constant(1)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("clear", "skipTooMuch") }) },
);

/** Equal bytes; a difference of many kilobytes would take for ever to print. */
function assertSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  const same = actual.length === expected.length && actual.every((byte, i) => byte === expected[i]);
  assert(same, `${what}: ${actual.length} and ${expected.length} bytes`);
}

/** Bytes that tell where in the stream they stand. */
function numbered(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + i) * 7 + ((from + i) >> 8));
}

Deno.test("a receive buffer is an array with a position; views stay until the next append, in memory that was brought for ever", () => {
  fc.assert(
    fc.property(fc.array(receiveOp, { maxLength: 40, size: "max" }), (ops) => {
      const buffer = createReceiveBuffer();
      let model = new Uint8Array(0);
      let offset = 0;
      let views: { view: Uint8Array; copy: Uint8Array }[] = [];
      /** Those of memory that was brought. */
      const lasting: typeof views = [];
      let brought = false;
      for (const given of ops) {
        const at = "from" in given ? Math.floor(given.from * model.length) : 0;
        const end = "to" in given ? Math.floor(given.to * model.length) : 0;
        switch (given.op) {
          case "append": {
            const chunk = numbered(offset + model.length, given.length);
            model = join([model, chunk]);
            buffer.append(chunk);
            chunk.fill(0x99);
            views = [];
            brought = false;
            break;
          }
          case "bring":
            buffer.moveTo(new Uint8Array(model.length + given.length));
            assertEquals(buffer.tail.length, given.length);
            views = [];
            brought = true;
            break;
          case "read": {
            const into = buffer.tail.subarray(0, given.length);
            if (!brought) assertEquals(into.length, 0);
            if (into.length === 0) break;
            into.set(numbered(offset + model.length, into.length));
            model = join([model, into]);
            buffer.append(into);
            break;
          }
          case "skip":
            buffer.skip(end);
            model = model.slice(end);
            offset += end;
            break;
          case "view": {
            const length = Math.max(0, end - at);
            const view = buffer.view(at, length);
            assertSame(view, model.slice(at, at + length), "a view shows something else");
            (brought ? lasting : views).push({ view, copy: view.slice() });
            break;
          }
          case "look":
            if (at < model.length) assertEquals(buffer.at(at), model[at]);
            if (at + 4 <= model.length) {
              assertEquals(buffer.uint32(at), new DataView(model.buffer).getUint32(at));
            }
            for (const byte of [model[at] ?? 0, 0x0a]) {
              assertEquals(buffer.indexOf(byte, end), model.subarray(0, end).indexOf(byte));
              assertEquals(buffer.indexOf(byte, model.length + 9), model.indexOf(byte));
            }
            break;
          case "clear":
            buffer.clear();
            offset += model.length;
            model = new Uint8Array(0);
            brought = false;
            break;
          case "skipTooMuch":
            assertThrows(() => buffer.skip(model.length + 1), RangeError);
            break;
        }
        assertEquals([buffer.length, buffer.offset], [model.length, offset]);
        assertSame(buffer.view(0, model.length), model, "what waits is not what came");
        for (const { view, copy } of [...views, ...lasting]) {
          assertSame(view, copy, "a view has changed");
        }
      }
    }),
    { numRuns: runs(200) },
  );
});

Deno.test("an emptied receive buffer lets go of a large array", () => {
  const buffer = createReceiveBuffer();
  buffer.append(new Uint8Array(1_000_000));
  buffer.skip(1_000_000);
  buffer.append(new Uint8Array(1));
  assert(buffer.view(0, 1).buffer.byteLength <= 4096);
});

Deno.test("a receive buffer lets go of memory that was brought when something else comes, or nothing is wanted", () => {
  for (const end of ["other", "clear"]) {
    const buffer = createReceiveBuffer();
    const memory = new Uint8Array(1_000_000);
    buffer.moveTo(memory);
    buffer.append(buffer.tail.subarray(0, 500_000));
    buffer.skip(500_000);
    assertEquals(buffer.tail.buffer, memory.buffer);
    if (end === "clear") buffer.clear();
    else buffer.append(new Uint8Array(1));
    assert(buffer.view(0, buffer.length).buffer !== memory.buffer, end);
    assertEquals(buffer.tail.length, 0);
  }
});

Deno.test("small chunks cost a receive buffer time in proportion to their number", () => {
  // Counted, not timed: each append may move the array at most when it has doubled or half of it is free.
  const buffer = createReceiveBuffer();
  const arrays = new Set<ArrayBufferLike>();
  for (let i = 0; i < 100_000; i++) {
    buffer.append(new Uint8Array(16));
    arrays.add(buffer.view(0, 0).buffer);
  }
  assert(arrays.size < 20, `${arrays.size} arrays`);
});

type TransmitOp =
  | { op: "frame"; type: number; id: number; payload: string }
  | { op: "text"; payload: string }
  | { op: "shared"; length: number }
  | { op: "consume"; share: number }
  | { op: "peek" | "clear" | "consumeTooMuch" };

const payload = fc.oneof(
  fc.constant(""),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.tuple(fc.constantFrom("x", "é", "漢", "😀"), amount).map(([unit, n]) => unit.repeat(n)),
  fc.constantFrom(65_535, 65_536, 70_000).map((n) => "x".repeat(n)),
);

const transmitOp: fc.Arbitrary<TransmitOp> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("frame" as const),
      type: fc.nat(255),
      id: fc.nat(0xffff_ffff),
      payload,
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("text" as const), payload }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("shared" as const), length: amount }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("consume" as const),
      share: fc.oneof(part, fc.constantFrom(0, 1)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("peek" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("clear", "consumeTooMuch") }) },
);

Deno.test("a transmit buffer gives what was put in, in order; what was peeked stays while more is put in", () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(fc.array(transmitOp, { maxLength: 30, size: "max" }), (ops) => {
      const queue = createTransmitBuffer();
      let model = new Uint8Array(0);
      let peeked: { view: Uint8Array; copy: Uint8Array } | undefined;
      for (const given of ops) {
        switch (given.op) {
          case "frame": {
            const { type, id, payload } = given;
            queue.frame(type, id, payload);
            model = join([model, encodeFrame(type, id, encoder.encode(payload))]);
            break;
          }
          case "text":
            queue.text(given.payload);
            model = join([model, encoder.encode(given.payload)]);
            break;
          case "shared": {
            const frames = numbered(model.length, given.length);
            const copy = frames.slice();
            queue.shared(frames);
            model = join([model, copy]);
            break;
          }
          case "peek": {
            const view = queue.peek();
            peeked = { view, copy: view.slice() };
            break;
          }
          case "consume": {
            // A write takes some of what was peeked, or more than one segment at once.
            const count = Math.floor(given.share * queue.pending);
            if (peeked !== undefined && count < peeked.view.length) {
              peeked = { view: peeked.view.subarray(count), copy: peeked.copy.subarray(count) };
            } else if (count > 0) peeked = undefined;
            queue.consume(count);
            model = model.slice(count);
            break;
          }
          case "clear":
            queue.clear();
            model = new Uint8Array(0);
            peeked = undefined;
            break;
          case "consumeTooMuch":
            assertThrows(() => queue.consume(queue.pending + 1), RangeError);
            break;
        }
        assertEquals(queue.pending, model.length);
        const next = queue.peek();
        assertEquals(next.length > 0, model.length > 0);
        assertSame(next, model.subarray(0, next.length), "what is peeked is not what was put in");
        if (peeked !== undefined) {
          assertSame(peeked.view, peeked.copy, "what was peeked has changed");
        }
      }
      const rest: Uint8Array[] = [];
      while (queue.peek().length > 0) {
        rest.push(queue.peek().slice());
        queue.consume(queue.peek().length);
      }
      assertSame(join(rest), model, "the rest");
      assertEquals(queue.pending, 0);
    }),
    { numRuns: runs(200) },
  );
});

Deno.test("many small frames leave in one write", () => {
  const queue = createTransmitBuffer();
  for (let i = 0; i < 500; i++) queue.frame(0x11, i, "{}");
  assertEquals(queue.peek().length, queue.pending);
});

Deno.test("shared frames are not copied, and an empty batch is nothing", () => {
  const queue = createTransmitBuffer();
  const frames = encodeFrame(0x20, 1, new Uint8Array(300));
  queue.shared(frames);
  queue.shared(new Uint8Array(0));
  assert(queue.peek().buffer === frames.buffer);
  queue.consume(10);
  assertEquals([queue.peek().byteOffset, queue.pending], [10, 298]);
  queue.frame(0x40, 1, "");
  queue.consume(298);
  assertEquals(queue.peek(), encodeFrame(0x40, 1, new Uint8Array(0)));
});

Deno.test("an empty text hides nothing that is put in behind it", () => {
  const queue = createTransmitBuffer();
  queue.text("");
  assertEquals([queue.pending, queue.peek().length], [0, 0]);
  queue.shared(new Uint8Array([7]));
  assertEquals(queue.peek(), new Uint8Array([7]));
});

Deno.test("a slow reader's queue holds little more than its bytes", () => {
  const queue = createTransmitBuffer();
  for (let i = 0; i < 20_000; i++) {
    queue.frame(0x11, i, "{}");
    queue.consume(10);
    assert(queue.pending === 0);
  }
  for (let i = 0; i < 20_000; i++) {
    queue.frame(0x11, i, "{}");
    queue.frame(0x11, i, "{}");
    queue.consume(10);
  }
  const arrays = new Set<ArrayBufferLike>();
  const pending = queue.pending;
  while (queue.pending > 0) {
    arrays.add(queue.peek().buffer);
    queue.consume(queue.peek().length);
  }
  const held = [...arrays].reduce((sum, array) => sum + array.byteLength, 0);
  assert(held < pending * 2 + 200_000, `${held} bytes are held for ${pending}`);
});

Deno.test("counts that are no counts are the caller's mistake", () => {
  for (const count of [-1, NaN, Infinity]) {
    const received = createReceiveBuffer();
    received.append(new Uint8Array(3));
    assertThrows(() => received.skip(count), RangeError);
    assertEquals([received.length, received.offset], [3, 0]);
    const queue = createTransmitBuffer();
    queue.text("abc");
    assertThrows(() => queue.consume(count), RangeError);
    assertEquals(queue.pending, 3);
  }
});

Deno.test("a payload that no frame can hold is the caller's mistake, and leaves the queue as it was", () => {
  const queue = createTransmitBuffer();
  queue.text("abc");
  assertThrows(() => queue.frame(1, 0, "x".repeat(0x100_0000)), RangeError);
  assertEquals(queue.pending, 3);
  queue.frame(0x40, 1, "");
  assertEquals(queue.pending, 11);
  assertEquals(queue.peek(), new TextEncoder().encode("abc"));
  queue.consume(3);
  assertEquals(queue.peek(), encodeFrame(0x40, 1, new Uint8Array(0)));
  queue.consume(8);
  assertThrows(() => queue.frame(1, 0, "x".repeat(0x100_0000)), RangeError);
  queue.shared(new Uint8Array([7]));
  assertEquals(queue.peek(), new Uint8Array([7]));
});
