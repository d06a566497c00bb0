/**
 * Transfers between two ends in memory: whatever is cut, delayed, cancelled or given at whatever pace, the bytes come out
 * as they went in or the transfer ends, and nothing exceeds what was allowed.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CHUNK_MAX } from "../protocol/catalogue.ts";
import { FRAME_HEADER_BYTES, readFrame } from "../protocol/frame.ts";
import { encodeMessage, type Message, parseMessage } from "../protocol/message.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { STATUS, statusName } from "../protocol/status.ts";
import { createReceiver, WINDOW_BYTES } from "../protocol/transfer/receiver.ts";
import { PACKED_MIN } from "../protocol/transfer/shrinking.ts";
import { AHEAD_BYTES, createSender } from "../protocol/transfer/sender.ts";
import {
  createTransfers,
  LEND_BYTES,
  type TransferEvent,
  type TransferMessage,
  type Transfers,
} from "../protocol/transfer/transfers.ts";
import { runs } from "./runs.ts";

const SHA = "0123456789abcdef".repeat(4);

/** The byte of a file at an offset: a pattern that no chunk repeats. */
const byteAt = (offset: number) => (offset * 31 + (offset >>> 8) * 7 + (offset >>> 16)) & 0xff;

/** A frame with room for its header that holds bytes of the file. */
function frameAt(offset: number, count: number, room = FRAME_HEADER_BYTES): Uint8Array {
  const frame = new Uint8Array(room + count);
  for (let i = 0; i < count; i++) frame[room + i] = byteAt(offset + i);
  return frame;
}

/** One end, with what it has to say. */
class End {
  readonly talk: Message[] = [];
  readonly transfers: Transfers = createTransfers((message) => this.talk.push(message));

  /** The next message that leaves: talk first. */
  leave(): TransferMessage | undefined {
    const message = this.talk.shift();
    if (message !== undefined) return message as TransferMessage;
    const frame = this.transfers.pull();
    return frame && read(frame);
  }

  drain(): TransferEvent[] {
    const events: TransferEvent[] = [];
    for (let event = this.transfers.next(); event !== undefined; event = this.transfers.next()) {
      events.push(event);
      assert(events.length < 1000, "next() does not end");
    }
    return events;
  }
}

/** How many bytes of the file a message stands for. */
function sizeOf(message: TransferMessage): number {
  if (message.kind === "packed") return message.body.raw;
  return message.kind === "data" ? message.body.bytes.length : 0;
}

function read(bytes: Uint8Array): TransferMessage {
  const buffer = createReceiveBuffer();
  buffer.append(bytes);
  const frame = readFrame(buffer, () => 1 << 20);
  assert(frame !== undefined && !("tooLarge" in frame) && buffer.length === 0);
  return parseMessage(frame, "client") as TransferMessage;
}

/** A file on its way, and what the test knows of it. */
interface Way {
  /** Bytes of frames that have left. */
  left: number;
  readonly size: number;
  readonly offset: number;
  readonly window: number;
  given: number;
  /** What the sender was asked for and has not given. */
  wanted: number;
  received: number;
  stored: number;
  finished: boolean;
  /** Whether the sender has told all, and knows that it is kept. */
  told: boolean;
  kept: boolean;
}

/** What may happen next, by chance. */
interface Step {
  readonly what: "carry" | "carryBack" | "give" | "store";
  readonly id: number;
  readonly amount: number;
}

/** Sender and receiver of some files. */
class Couple {
  readonly from = new End();
  readonly to = new End();
  readonly ways = new Map<number, Way>();

  begin(id: number, { size, offset, window }: Pick<Way, "size" | "offset" | "window">): void {
    const { upto } = this.to.transfers.receive(id, { size, offset, window });
    this.from.transfers.send(id, { size, offset, upto });
    this.ways.set(id, {
      size,
      offset,
      window,
      left: offset,
      given: offset,
      wanted: 0,
      received: offset,
      stored: offset,
      finished: false,
      told: false,
      kept: false,
    });
    this.look();
  }

  /** Notes what happened on both sides. */
  look(): void {
    for (const event of this.from.drain()) {
      const way = this.ways.get(event.id)!;
      switch (event.what) {
        case "wanted":
          way.wanted += event.bytes;
          assert(event.written <= way.left, "what has left may be used again, and nothing else");
          assert(event.written >= way.left - CHUNK_MAX, "all that has left but the last frame");
          assert(way.wanted + way.given - way.stored <= way.window + AHEAD_BYTES);
          break;
        case "stored":
          assert(event.at <= way.stored);
          break;
        case "finish":
          assert(way.kept);
          assertEquals(event.finish, { sha256: SHA, file: 7, at: 1 });
          this.ways.delete(event.id);
          break;
        default:
          throw new Error(`${event.what} has come to the sender`);
      }
    }
    for (const event of this.to.drain()) {
      const way = this.ways.get(event.id)!;
      if (event.what === "finish") {
        assertEquals(way.received, way.size);
        way.finished = true;
        continue;
      }
      assert(event.what === "data", event.what);
      assertEquals(event.offset, way.received);
      const count = event.raw ?? event.bytes.length;
      if (event.raw === undefined) {
        for (let i = 0; i < count; i += 97) assertEquals(event.bytes[i], byteAt(event.offset + i));
      } else assertEquals(event.bytes, new Uint8Array([1, 2, 3]));
      way.received += count;
      assert(way.received - way.stored <= way.window, "more came than was allowed");
    }
  }

  /** Does a step; false if there was nothing to do. */
  step({ what, id, amount }: Step): boolean {
    const way = this.ways.get(id);
    switch (what) {
      case "carry":
      case "carryBack": {
        const [from, to] = what === "carry" ? [this.from, this.to] : [this.to, this.from];
        const message = from.leave();
        if (message === undefined) return false;
        const left = this.ways.get(message.id);
        if (left !== undefined && what === "carry") left.left += sizeOf(message);
        to.transfers.take(message);
        this.look();
        return true;
      }
      case "give":
        return way !== undefined && this.#give(id, way, amount);
      case "store": {
        if (way === undefined || way.kept) return false;
        const count = Math.min(amount, way.received - way.stored);
        if (count > 0) {
          way.stored += count;
          this.to.transfers.stored(id, count);
        } else if (way.finished) {
          way.kept = true;
          this.to.transfers.kept(id, { sha256: SHA, file: 7, at: 1 });
        } else return false;
        this.look();
        return true;
      }
    }
  }

  #give(id: number, way: Way, amount: number): boolean {
    const { transfers } = this.from;
    if (way.given === way.size && !way.told) {
      way.told = true;
      transfers.end(id, { sha256: SHA });
      return true;
    }
    const count = Math.min(amount, way.wanted, CHUNK_MAX);
    if (count === 0) return false;
    if (amount % 5 === 0 && count >= PACKED_MIN) {
      const frame = new Uint8Array(FRAME_HEADER_BYTES + 4 + 3);
      frame.set([1, 2, 3], FRAME_HEADER_BYTES + 4);
      transfers.provide(id, frame, count);
    } else transfers.provide(id, frameAt(way.given, count));
    way.given += count;
    way.wanted -= count;
    this.look();
    return true;
  }

  /** Does all that can be done, until nothing is left. */
  settle(): void {
    for (let rounds = 0;; rounds++) {
      assert(rounds < 100_000, "it does not come to an end");
      let done = false;
      for (const id of [...this.ways.keys()]) {
        for (const what of ["give", "carry", "store", "carryBack"] as const) {
          done = this.step({ what, id, amount: CHUNK_MAX - 1 }) || done;
        }
      }
      if (!done) return;
    }
  }
}

const sizes = fc.oneof(
  fc.constantFrom(0, 1, CHUNK_MAX - 1, CHUNK_MAX, CHUNK_MAX + 1, 4 * CHUNK_MAX, 700_000),
  fc.nat(600_000),
);
const windows = fc.oneof(
  fc.constantFrom(1000, CHUNK_MAX - 1, CHUNK_MAX, CHUNK_MAX + 1, WINDOW_BYTES),
  fc.integer({ min: 500, max: 400_000 }),
);
const file = fc.record({
  size: sizes,
  part: fc.double({ min: 0, max: 1, noNaN: true }),
  window: windows,
});
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom("carry", "carry", "carryBack", "give", "give", "store"),
  id: fc.integer({ min: 1, max: 3 }),
  amount: fc.oneof(fc.constant(CHUNK_MAX), fc.integer({ min: 1, max: CHUNK_MAX })),
});

Deno.test("any interleaving ends with the exact bytes, and nothing exceeds its credit", () => {
  fc.assert(
    fc.property(
      fc.array(file, { minLength: 1, maxLength: 3 }),
      fc.array(step, { maxLength: 200 }),
      (files, steps) => {
        const couple = new Couple();
        for (const [at, { size, part, window }] of files.entries()) {
          couple.begin(at + 1, { size, offset: Math.floor(size * part), window });
        }
        for (const step of steps) couple.step(step);
        couple.settle();
        assertEquals(couple.ways.size, 0, "all are through");
        assertEquals([couple.from.transfers.count, couple.to.transfers.count], [0, 0]);
      },
    ),
    { numRuns: runs(100) },
  );
});

Deno.test("whoever gathers half a window before storing it gets all of a file, however slow the store is", () => {
  const CHUNKS = WINDOW_BYTES / CHUNK_MAX;
  const sizes = fc.integer({ min: 1, max: 3 * WINDOW_BYTES });
  // Whether the store answers, or else a chunk comes, where both could happen.
  const turns = fc.array(fc.boolean(), { maxLength: 6 * CHUNKS });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: CHUNKS / 2 }), turns, (size, batch, turns) => {
      const receiver = createReceiver({ size, offset: 0, window: WINDOW_BYTES });
      const sender = createSender(1, { size, offset: 0, upto: receiver.upto });
      const storing: number[] = [];
      let underWay = 0;
      let gathered = 0;
      let given = 0;
      const flush = () => {
        if (gathered > 0) storing.push(gathered);
        gathered = 0;
      };
      const answer = () => {
        const count = storing.shift()!;
        underWay -= count;
        const credit = receiver.stored(count);
        if (credit !== undefined) assert(sender.credit(credit));
      };
      while (!receiver.whole) {
        given += sender.ask();
        const count = Math.min(CHUNK_MAX, given);
        const answers = storing.length > 0 && (turns.shift() ?? count === 0);
        if (answers || count === 0) {
          assert(storing.length > 0, `it stands still at ${receiver.position} of ${size}`);
          answer();
          continue;
        }
        sender.provide(new Uint8Array(FRAME_HEADER_BYTES + count));
        sender.pull();
        given -= count;
        assert(receiver.data(count));
        underWay += count;
        gathered += count;
        if (gathered >= batch * CHUNK_MAX || underWay >= WINDOW_BYTES / 2) flush();
      }
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("a cancel from either side ends it on both, whatever is under way, and the others go on", () => {
  fc.assert(
    fc.property(
      fc.array(file, { minLength: 2, maxLength: 3 }),
      fc.array(step, { maxLength: 60 }),
      fc.boolean(),
      (files, steps, bySender) => {
        const couple = new Couple();
        for (const [at, { size, window }] of files.entries()) {
          couple.begin(at + 1, { size, offset: 0, window });
        }
        for (const step of steps) couple.step(step);
        if (!couple.ways.delete(1)) return;
        const [one, other] = bySender ? [couple.from, couple.to] : [couple.to, couple.from];
        one.transfers.cancel(1, "cancelled");
        // Until it hears of it, the other side goes on.
        for (let message = one.leave(); message !== undefined; message = one.leave()) {
          // A receiver that has kept the file has nothing more to hear.
          const over = !other.transfers.has(1);
          other.transfers.take(message);
          const told = other.drain().filter(({ id }) => id === 1);
          if (message.kind !== "abort") continue;
          if (over) break;
          const code = STATUS.cancelled.code;
          assertEquals(told.at(-1), {
            what: "abort",
            id: 1,
            abort: { code, reason: STATUS.cancelled.text },
          });
          break;
        }
        assert(!couple.from.transfers.has(1) && !couple.to.transfers.has(1));
        for (let late = other.leave(); late !== undefined && late.id === 1; late = other.leave()) {
          one.transfers.take(late);
        }
        assertEquals(one.drain().filter(({ id }) => id === 1), []);
      },
    ),
    { numRuns: runs(100) },
  );
});

/** A receiver of the file 5, which has `size` bytes, of which 1,000 may come. */
function receiver(size = 3000): End {
  const end = new End();
  end.transfers.receive(5, { size, offset: 0, window: 1000 });
  return end;
}

/** A sender of the file 5 that has given 1,000 bytes of 3,000. */
function sender(): End {
  const end = new End();
  end.transfers.send(5, { size: 3000, offset: 0, upto: 1000 });
  assertEquals(end.drain(), [{ what: "wanted", id: 5, bytes: 1000, written: 0 }]);
  end.transfers.provide(5, frameAt(0, 1000));
  return end;
}

Deno.test("memory is lent while its owner says so, each piece once, and not too little of it", () => {
  const { transfers } = receiver();
  assertEquals([transfers.lending, transfers.takeLent()], [false, undefined]);
  const memory = new Uint8Array(LEND_BYTES);
  assertThrows(() => transfers.lend(5, memory.subarray(1)), RangeError, `lend ${LEND_BYTES}`);
  transfers.lend(5, memory);
  assert(transfers.takeLent() === memory);
  assertEquals([transfers.lending, transfers.takeLent()], [true, undefined]);
  transfers.lend(5, undefined);
  assert(!transfers.lending);
  transfers.lend(5, memory);
  transfers.cancel(5, "cancelled");
  assertEquals([transfers.lending, transfers.takeLent()], [false, undefined]);
});

const data = (count: number): TransferMessage => ({
  kind: "data",
  id: 5,
  body: { bytes: new Uint8Array(count) },
});
const credit = (at: number, upto: number): TransferMessage => ({
  kind: "credit",
  id: 5,
  body: { at, upto },
});
const finish: TransferMessage = { kind: "finish", id: 5, body: { sha256: SHA } };

for (
  const [name, end, messages, status] of [
    ["a byte more than was allowed", receiver, [data(1000), data(1)], "overrun"],
    ["a CREDIT to a receiver", receiver, [credit(0, 1000)], "overrun"],
    ["a FINISH before all bytes", receiver, [data(1000), finish], "bad-content"],
    ["a second FINISH", () => receiver(3), [data(3), finish, finish], "overrun"],
    ["bytes after FINISH", () => receiver(3), [data(3), finish, data(1)], "overrun"],
    ["DATA to a sender", sender, [data(1)], "overrun"],
    ["a CREDIT that takes back what was stored", sender, [credit(500, 1500), credit(400, 1600)]],
    ["a CREDIT that takes back what was allowed", sender, [credit(500, 999)]],
    ["a CREDIT for bytes that were not sent", sender, [credit(1001, 2000)]],
    ["a CREDIT beyond the end of the file", sender, [credit(500, 3001)]],
    ["a FINISH before the sender's own", sender, [finish]],
  ] as [string, () => End, TransferMessage[], ("overrun" | "bad-content")?][]
) {
  Deno.test(`what does not belong there ends the transfer, and no more: ${name}`, () => {
    const subject = end();
    for (const message of messages.slice(0, -1)) subject.transfers.take(message);
    assert(subject.transfers.has(5));
    subject.drain();
    while (subject.talk.length > 0) subject.talk.shift();
    subject.transfers.take(messages.at(-1)!);
    assert(!subject.transfers.has(5));
    const told = subject.drain().at(-1);
    assert(told?.what === "abort");
    assertEquals(statusName(told.abort.code), status ?? "overrun");
    const [said] = subject.talk;
    assert(said.kind === "abort" && said.body.code === told.abort.code);
    // What was given is not sent any more, and what comes late is thrown away.
    assertEquals(subject.transfers.pull(), undefined);
    for (const message of messages) subject.transfers.take(message);
    assertEquals(subject.drain(), []);
  });
}

Deno.test("transfers take turns, a frame each", () => {
  const couple = new Couple();
  for (const id of [1, 2, 3]) couple.begin(id, { size: 300_000, offset: 0, window: WINDOW_BYTES });
  for (const id of [1, 2, 3]) {
    for (let i = 0; i < 3; i++) couple.step({ what: "give", id, amount: CHUNK_MAX - 1 });
  }
  const order = Array.from({ length: 9 }, () => couple.from.leave()!.id);
  assertEquals(order, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
});

Deno.test("a caller's mistakes throw, and change nothing", () => {
  const { transfers } = sender();
  assertThrows(() => transfers.send(5, { size: 1, offset: 0, upto: 1 }), Error, "under way");
  assertThrows(() => transfers.receive(5, { size: 1, offset: 0, window: 1 }), Error, "under way");
  assertThrows(() => transfers.receive(6, { size: 1, offset: 0, window: 0 }), RangeError);
  assertThrows(() => transfers.provide(5, frameAt(0, 1)), RangeError, "were asked for");
  assertThrows(() => transfers.provide(5, frameAt(0, 0)), RangeError);
  const packed = (count: number) => new Uint8Array(FRAME_HEADER_BYTES + 4 + count);
  const fresh = new End();
  fresh.transfers.send(6, { size: 3000, offset: 0, upto: 1000 });
  fresh.drain();
  for (const [raw, count] of [[511, 3], [600, 600], [600, 0]]) {
    assertThrows(() => fresh.transfers.provide(6, packed(count), raw), RangeError, "cannot carry");
  }
  fresh.transfers.provide(6, packed(599), 600);
  assertThrows(() => transfers.end(5, { sha256: SHA }), Error, "the file has 3000");
  assertThrows(() => receiver().transfers.kept(5, { sha256: SHA }), Error, "its end");
  assertThrows(() => receiver().transfers.stored(5, 1), RangeError);
  const frame = transfers.pull()!;
  assertEquals(
    frame,
    encodeMessage({
      kind: "data",
      id: 5,
      body: { bytes: frameAt(0, 1000).subarray(FRAME_HEADER_BYTES) },
    }),
  );
});

Deno.test("whatever is said about a transfer that is not there is nothing", () => {
  const end = new End();
  for (const message of [data(1), credit(0, 1), finish]) end.transfers.take(message);
  end.transfers.provide(5, frameAt(0, 1));
  end.transfers.stored(5, 1);
  end.transfers.kept(5, { sha256: SHA });
  end.transfers.end(5, { sha256: SHA });
  end.transfers.cancel(5, "cancelled");
  assertEquals([end.drain(), end.talk], [[], []]);
});
