/**
 * The pure parts of files from user to user: the stream of one file, however it is cut and wherever it begins; garbage on
 * it; the queue of what is relayed; and the tables of an offer.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CHUNK_MAX, RELAY_MAX } from "../protocol/catalogue.ts";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import {
  createReceivingStream,
  createSendingStream,
  PEER_TRANSFER,
  type PeerStream,
  type PeerStreamEvent,
} from "../protocol/peer/peer_stream.ts";
import { OFFERER_TABLE, TAKER_TABLE } from "../protocol/peer/peer_table.ts";
import { createRelayQueue, RELAY_CHUNK_BYTES } from "../protocol/peer/relay_queue.ts";
import { RTT_MAX, startDelays } from "../protocol/peer/start_delays.ts";
import { runs } from "./runs.ts";

const SHA256 = "0123456789abcdef".repeat(4);

function drain(stream: PeerStream): PeerStreamEvent[] {
  const events: PeerStreamEvent[] = [];
  for (let event = stream.next(); event !== undefined; event = stream.next()) {
    events.push(event.what === "data" ? { ...event, bytes: event.bytes.slice() } : event);
  }
  return events;
}

Deno.test("law 1: however the streams are cut, the file comes from where it is wanted, and its end is the receiver's", () => {
  fc.assert(
    fc.property(
      fc.nat(300_000),
      fc.nat(100),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 3 * CHUNK_MAX }),
      (size, share, cuts, window) => {
        const offset = Math.floor(size * share / 100);
        const file = Uint8Array.from({ length: size }, (_, at) => at * 7);
        const sender = createSendingStream(size);
        const receiver = createReceivingStream({ size, offset, window });
        let position = offset;
        let given = offset;
        let cut = 0;
        const got: number[] = [];
        let kept = false;
        const give = (bytes: number) => {
          for (let rest = bytes; rest > 0;) {
            const count = Math.min(rest, CHUNK_MAX);
            const frame = new Uint8Array(FRAME_HEADER_BYTES + count);
            frame.set(file.subarray(given, given + count), FRAME_HEADER_BYTES);
            sender.transfers.provide(PEER_TRANSFER, frame);
            given += count;
            rest -= count;
          }
          if (given === size) sender.transfers.end(PEER_TRANSFER, { sha256: SHA256 });
        };
        for (let quiet = 0; quiet < 3;) {
          quiet++;
          for (const [from, to] of [[receiver, sender], [sender, receiver]]) {
            const bytes = from.peekTransmit();
            const count = Math.min(bytes.length, cuts[cut++ % cuts.length]);
            if (count === 0) continue;
            quiet = 0;
            to.receive(bytes.subarray(0, count));
            from.consumeTransmit(count);
          }
          for (const event of drain(sender)) {
            if (event.what === "opened") {
              assertEquals(event.offset, offset);
              if (offset === size) sender.transfers.end(PEER_TRANSFER, { sha256: SHA256 });
            } else if (event.what === "wanted") give(event.bytes);
            else if (event.what === "finish") kept = true;
            else assertEquals(event.what, "stored");
          }
          for (const event of drain(receiver)) {
            if (event.what === "data") {
              assertEquals(event.offset, position);
              assertEquals(event.bytes, file.subarray(position, position + event.bytes.length));
              position += event.bytes.length;
              got.push(event.bytes.length);
              receiver.transfers.stored(PEER_TRANSFER, event.bytes.length);
            } else {
              assertEquals(event.what, "finish");
              assertEquals([position, kept], [size, false]);
              receiver.transfers.kept(PEER_TRANSFER, { sha256: SHA256 });
            }
          }
        }
        assertEquals([position, kept], [size, true]);
      },
    ),
    { numRuns: runs(60, 300) },
  );
});

Deno.test("law 3: garbage on the stream is a fault at most, once, and nothing behind it is read", () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc.tuple(
            fc.constantFrom(0x10, 0x21, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x90),
            fc.nat(2),
            fc.string(),
          )
            .map(([type, id, text]) => {
              const payload = new TextEncoder().encode(text);
              return Uint8Array.of(0, 0, payload.length, type, 0, 0, 0, id, ...payload);
            }),
        ),
        { maxLength: 20 },
      ),
      (sends, chunks) => {
        const stream = sends
          ? createSendingStream(1000)
          : createReceivingStream({ size: 1000, offset: 0, window: 500 });
        let faults = 0;
        for (const chunk of chunks) {
          stream.receive(chunk);
          for (const { what } of drain(stream)) {
            assertEquals(faults, 0, "nothing comes after a fault");
            if (what === "fault") faults++;
          }
          stream.peekTransmit();
        }
        assert(faults <= 1);
      },
    ),
    { numRuns: runs(300) },
  );
});

Deno.test("a CREDIT that wants what the file has not is a fault", () => {
  for (const credit of [{ at: 11, upto: 11 }, { at: 5, upto: 11 }, { at: 5, upto: 4 }]) {
    const stream = createSendingStream(10);
    const text = new TextEncoder().encode(JSON.stringify(credit));
    stream.receive(Uint8Array.of(0, 0, text.length, 0x31, 0, 0, 0, PEER_TRANSFER, ...text));
    assertEquals(drain(stream).map(({ what }) => what), ["fault"]);
  }
});

Deno.test("law 8: what is relayed waits as far as there is room, and is dropped beyond, and leaves whole and in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 0, max: RELAY_MAX + 1 }), fc.constant(-1)), {
        maxLength: 300,
      }),
      fc.integer({ min: 2000, max: 100_000 }),
      (steps, max) => {
        const queue = createRelayQueue(max);
        const wanted: number[] = [];
        const left: number[] = [];
        const take = () => {
          const chunk = queue.pull();
          if (chunk === undefined) return false;
          assert(chunk.length <= RELAY_CHUNK_BYTES);
          for (let at = 0; at < chunk.length;) {
            const length = chunk[at + 1] << 8 | chunk[at + 2];
            assertEquals([chunk[at + 3], chunk[at + 7]], [0x35, 9]);
            left.push(length);
            at += FRAME_HEADER_BYTES + length;
          }
          return true;
        };
        for (const step of steps) {
          if (step < 0) take();
          else {
            const room = queue.hasRoom;
            const pushed = queue.push(9, new Uint8Array(step));
            const fits = step > 0 && step <= RELAY_MAX;
            if (room) assertEquals(pushed, fits);
            if (pushed) wanted.push(step);
          }
          assert(queue.bytes <= max);
        }
        while (take());
        assertEquals([left, queue.bytes], [wanted, 0]);
      },
    ),
    { numRuns: runs(200) },
  );
});

Deno.test("every state of an offer can be reached, and all but the last can be left for the end", () => {
  for (
    const [table, first] of [[OFFERER_TABLE, "asking"], [TAKER_TABLE, "offered"]] as const
  ) {
    const rows = table as Record<string, Record<string, readonly [string, string]>>;
    const reached = new Set<string>([first]);
    for (const state of reached) {
      for (const [, next] of Object.values(rows[state])) reached.add(next);
    }
    assertEquals([...reached].sort(), Object.keys(rows).sort());
    for (const [state, inputs] of Object.entries(rows)) {
      const ends = Object.values(inputs).some(([, next]) => next === "over");
      assertEquals(ends, state !== "over", state);
    }
  }
});

Deno.test("both sides begin at one time, whatever their round trips, and one is ahead by turns in later rounds", () => {
  fc.assert(fc.property(fc.nat(10_000), fc.nat(10_000), fc.nat(20), (one, other, round) => {
    const [first, second] = startDelays(round, one, other);
    assert(first >= 0 && second >= 0 && Math.max(first, second) <= RTT_MAX / 2 + 100);
    const at = [first + Math.min(one, RTT_MAX) / 2, second + Math.min(other, RTT_MAX) / 2];
    const ahead = [0, 100, -100][round % 3];
    assert(Math.abs(at[0] - at[1] - ahead) <= 1, `${at}`);
  }));
});

Deno.test("what an owner does wrong with a stream is told at once", () => {
  const stream = createReceivingStream({ size: 3, offset: 0, window: 10 });
  assertThrows(() => stream.transfers.kept(PEER_TRANSFER, { sha256: SHA256 }));
  assertThrows(() => createReceivingStream({ size: 3, offset: 0, window: 0 }), RangeError);
});
