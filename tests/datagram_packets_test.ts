/**
 * Packets, frames, parameters, numbers and addresses: what is encoded is decoded, and nothing else is.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeAddress, encodeAddress } from "../protocol/datagram/address.ts";
import { createDeadlines } from "../protocol/datagram/deadlines.ts";
import { Reader, readUint64, varintBytes, writeVarint } from "../protocol/datagram/integer.ts";
import { writeUint64 } from "../protocol/datagram/integer.ts";
import {
  ACK_RANGES_MAX,
  ackBytes,
  type FrameHandler,
  readFrames,
  writeAck,
} from "../protocol/datagram/packet_frame.ts";
import { expandNumber } from "../protocol/datagram/packet_number.ts";
import {
  COOKIE_BYTES,
  DATA_OVERHEAD,
  dataCid,
  DATAGRAM_BYTES_MIN,
  encodeAsk,
  encodeHere,
  encodeInit,
  encodeKey,
  encodePunch,
  encodeReset,
  encodeResp,
  encodeRetry,
  encodeWhere,
  isDataPacket,
  NOISE_MESSAGE_BYTES,
  parseHandshakePacket,
  phaseOf,
  writeDataHeader,
} from "../protocol/datagram/packet.ts";
import { encodeParams, parseParams } from "../protocol/datagram/params.ts";
import { createRangeSet } from "../protocol/datagram/ranges.ts";
import { runs } from "./runs.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const number = fc.oneof(
  fc.nat({ max: 100 }),
  fc.maxSafeNat(),
  fc.constantFrom(63, 64, 16_383, 16_384, 2 ** 30 - 1, 2 ** 30, Number.MAX_SAFE_INTEGER),
);
const mac = () => new Uint8Array(32).fill(9);

Deno.test("a whole number is read as it was written, in as few bytes as there are", () => {
  fc.assert(
    fc.property(number, (value) => {
      const into = new Uint8Array(10);
      const end = writeVarint(into, 1, value);
      assertEquals(end - 1, varintBytes(value));
      const reader = new Reader();
      reader.open(into, 1, end);
      assertEquals([reader.varint(), reader.done, reader.failed], [value, true, false]);
      reader.open(into, 1, end - 1);
      reader.varint();
      assert(reader.failed);
      writeUint64(into, 0, value);
      assertEquals(readUint64(into, 0), value);
    }),
    { numRuns: runs() },
  );
  for (const wrong of [-1, NaN, 2 ** 53]) {
    assertThrows(() => writeVarint(new Uint8Array(8), 0, wrong), RangeError);
  }
  assertEquals(readUint64(new Uint8Array([0, 0x20, 0, 0, 0, 0, 0, 0]), 0), -1);
});

Deno.test("handshake packets are parsed as they were encoded", () => {
  fc.assert(
    fc.property(
      number,
      number,
      bytes(16),
      fc.constantFrom(0, COOKIE_BYTES).chain(bytes),
      bytes(NOISE_MESSAGE_BYTES),
      bytes(8),
      bytes(18),
      bytes(32),
      (dcid, scid, offer, cookie, noise, nonce, seen, key) => {
        const init = parseHandshakePacket(encodeInit({ dcid, scid, offer, cookie, noise }, mac));
        assert(init?.type === "init");
        assertEquals([init.dcid, init.scid, init.offer], [dcid, scid, offer]);
        assertEquals([init.cookie, init.noise], [cookie, noise]);
        assertEquals(init.mac, new Uint8Array(16).fill(9));
        const resp = parseHandshakePacket(encodeResp({ dcid, scid, noise }));
        assertEquals(resp, { type: "resp", dcid, scid, noise });
        const retry = parseHandshakePacket(encodeRetry({ dcid, scid, cookie: key }, mac));
        assert(retry?.type === "retry");
        assertEquals([retry.dcid, retry.scid, retry.cookie], [dcid, scid, key]);
        const punch = parseHandshakePacket(encodePunch({ type: "pong", offer, nonce, seen }, mac));
        assert(punch?.type === "pong");
        assertEquals([punch.offer, punch.nonce, punch.seen], [offer, nonce, seen]);
        assertEquals(parseHandshakePacket(encodeAsk(nonce)), { type: "ask", nonce });
        assertEquals(parseHandshakePacket(encodeKey({ nonce, key })), { type: "key", nonce, key });
        assertEquals(parseHandshakePacket(encodeWhere(nonce)), { type: "where", nonce });
        const here = { nonce, seen };
        assertEquals(parseHandshakePacket(encodeHere(here)), { type: "here", ...here });
        const reset = { cid: dcid, token: scid };
        assertEquals(parseHandshakePacket(encodeReset(reset)), { type: "reset", ...reset });
      },
    ),
    { numRuns: runs() },
  );
});

Deno.test("no answer to a stranger is larger than what asks for it, and INIT and ASK are full", () => {
  const noise = new Uint8Array(NOISE_MESSAGE_BYTES);
  const about = { dcid: 1, scid: 2, noise };
  const init = encodeInit(
    { ...about, offer: new Uint8Array(16), cookie: new Uint8Array(0) },
    mac,
  );
  const cookie = new Uint8Array(COOKIE_BYTES);
  assertEquals([init.length, encodeAsk(new Uint8Array(8)).length], [1200, 1200]);
  assertEquals(DATAGRAM_BYTES_MIN, 1200);
  assert(encodeResp(about).length < init.length);
  assert(encodeRetry({ ...about, cookie }, mac).length < init.length);
  const here = { nonce: new Uint8Array(8), seen: new Uint8Array(18) };
  assertEquals(encodeHere(here).length, encodeWhere(here.nonce).length);
  // The smallest DATA has a byte of frames.
  assert(encodeReset({ cid: 1, token: 2 }).length < DATA_OVERHEAD + 1);
});

Deno.test("a DATA header is read as it was written", () => {
  fc.assert(
    fc.property(number, number, fc.constantFrom(0 as const, 1 as const), (dcid, pn, phase) => {
      const packet = new Uint8Array(40);
      writeDataHeader(packet, { phase, dcid, number: pn });
      assertEquals([isDataPacket(packet), dataCid(packet), phaseOf(packet)], [true, dcid, phase]);
      assertEquals(isDataPacket(packet.subarray(0, 29)), false);
      assertEquals(parseHandshakePacket(packet), undefined);
    }),
    { numRuns: runs() },
  );
});

Deno.test("parameters are parsed as they were encoded, and unknown ones passed over", () => {
  const params = fc.record({
    cid: fc.maxSafeNat(),
    idle: fc.integer({ min: 1000, max: 3_600_000 }),
    window: fc.maxSafeNat(),
    ackDelay: fc.integer({ min: 0, max: 1000 }),
    datagram: fc.integer({ min: 1200, max: 65_527 }),
    reset: fc.maxSafeNat(),
  });
  fc.assert(
    fc.property(params, fc.integer({ min: 7, max: 255 }), bytes(5), (params, id, value) => {
      const encoded = encodeParams(params);
      assertEquals(parseParams(encoded), params);
      assertEquals(parseParams(Uint8Array.of(id, 5, ...value, ...encoded)), params);
      // Twice the same, or cut off within a value.
      assertEquals(parseParams(Uint8Array.of(2, 2, 4, 0, ...encoded)), undefined);
      assertEquals(parseParams(Uint8Array.of(id, 200, ...encoded)), undefined);
    }),
    { numRuns: runs() },
  );
  const small = { cid: 1, idle: 1000, window: 0, ackDelay: 0, datagram: 1200, reset: 0 };
  assertEquals(parseParams(encodeParams(small)), small);
  assertThrows(() => encodeParams({ ...small, idle: 999 }), RangeError, "idle is 999");
  assertEquals(parseParams(new Uint8Array(128)), undefined);
});

Deno.test("parameters of garbage are none, or within their bounds", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), (garbage) => {
      const params = parseParams(garbage);
      if (params !== undefined) encodeParams(params);
    }),
    { numRuns: runs() },
  );
});

Deno.test("a packet number is found from its low 32 bits, across the 32-bit wrap", () => {
  const around = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 52 }), around, (expected, distance) => {
      const whole = expected + distance;
      fc.pre(whole >= 0);
      assertEquals(expandNumber(whole % 2 ** 32, expected), whole);
    }),
    { numRuns: runs() },
  );
  assertEquals(expandNumber(0, 2 ** 32 - 1), 2 ** 32);
  assertEquals(expandNumber(2 ** 32 - 1, 2 ** 33), 2 ** 33 - 1);
});

/** Takes the ranges of an ACK. */
function handler(ranges: number[][]): FrameHandler {
  const nothing = () => {};
  return {
    onAck: (found) => void ranges.push([...found]),
    onData: nothing,
    onMaxData: nothing,
    onDataBlocked: nothing,
    onNewCid: nothing,
    onRetireCid: nothing,
    onPathChallenge: nothing,
    onPathResponse: nothing,
    onClose: nothing,
    onConfirmed: nothing,
  };
}

Deno.test("an ACK tells the highest 32 ranges, exactly", () => {
  const parts = fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat(3)), {
    minLength: 1,
    maxLength: 80,
  });
  fc.assert(
    fc.property(number.filter((value) => value < 2 ** 52), parts, (from, parts) => {
      const received = createRangeSet();
      const all: [number, number][] = [];
      let at = from;
      for (const [length, gap] of parts) {
        received.add(at, at + length);
        // Without a gap before it, a range grows.
        if (all.at(-1)?.[1] === at) all.at(-1)![1] = at + length;
        else all.push([at, at + length]);
        at += length + gap;
      }
      const into = new Uint8Array(1200);
      const end = writeAck(into, 0, received, 12.345);
      assertEquals(end, ackBytes(received, 12.345));
      const found: number[][] = [];
      assert(readFrames(into, end, handler(found), () => false).ok);
      assertEquals(found[0], all.slice(-ACK_RANGES_MAX).reverse().flat());
    }),
    { numRuns: runs() },
  );
});

Deno.test("frames of garbage are read to the end or called malformed, and never read twice", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (garbage) => {
      let frames = 0;
      const counting = new Proxy(handler([]), { get: () => () => void frames++ });
      readFrames(garbage, garbage.length, counting, () => false);
      assert(frames <= garbage.length);
    }),
    { numRuns: runs() },
  );
});

Deno.test("a set of ranges is a set", () => {
  const step = fc.tuple(
    fc.constantFrom("add", "remove", "shift" as const),
    fc.nat(60),
    fc.nat(12),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const set = createRangeSet();
      const model = new Set<number>();
      for (const [what, start, length] of steps) {
        const numbers = Array.from({ length }, (_, at) => start + at);
        if (what === "add") {
          set.add(start, start + length);
          numbers.forEach((value) => model.add(value));
        } else if (what === "remove") {
          set.remove(start, start + length);
          numbers.forEach((value) => model.delete(value));
        } else if (set.count > 0) {
          for (let value = set.start(0); value < set.end(0); value++) model.delete(value);
          set.shift();
        }
        const missing = numbers.filter((value) => !model.has(value)).length;
        assertEquals(set.missing(start, start + length), missing);
        let end = -1;
        let count = 0;
        for (let index = 0; index < set.count; index++) {
          assert(set.start(index) > end && set.end(index) > set.start(index));
          end = set.end(index);
          count += end - set.start(index);
        }
        assertEquals(count, model.size);
        for (let value = 0; value < 75; value++) assertEquals(set.has(value), model.has(value));
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("deadlines come in order, each once", () => {
  const step = fc.tuple(fc.nat(12), fc.option(fc.nat(50), { nil: undefined }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, now) => {
      const deadlines = createDeadlines<number>();
      const model = new Map<number, number>();
      for (const [item, time] of steps) {
        deadlines.set(item, time);
        if (time === undefined) model.delete(item);
        else model.set(item, time);
        const first = model.size === 0 ? undefined : Math.min(...model.values());
        assertEquals(deadlines.first, first);
      }
      const due: number[] = [];
      for (let item = deadlines.pop(now); item !== undefined; item = deadlines.pop(now)) {
        due.push(item);
      }
      const wanted = [...model].filter(([, time]) => time <= now).map(([item]) => item);
      assertEquals(due.toSorted(), wanted.toSorted());
      assertEquals(
        due.map((item) => model.get(item)!),
        due.map((i) => model.get(i)!).toSorted((a, b) => a - b),
      );
    }),
    { numRuns: runs() },
  );
});

Deno.test("addresses are read as they were written", () => {
  const four = fc.tuple(fc.ipV4(), fc.nat(65_535)).map(([host, port]) => `${host}:${port}`);
  fc.assert(
    fc.property(four, (path) => assertEquals(decodeAddress(encodeAddress(path)), path)),
    { numRuns: runs() },
  );
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
  const groups = fc.array(group, { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, fc.nat(65_535), (groups, port) => {
      const long = groups.map((value) => value.toString(16)).join(":");
      const bytes = encodeAddress(`[${long}]:${port}`);
      const path = decodeAddress(bytes);
      fc.pre(path !== undefined);
      assertEquals(encodeAddress(path!), bytes, path);
    }),
    { numRuns: runs() },
  );
  for (
    const path of ["relay", "1.2.3:5", "256.1.1.1:5", "[::1:2", "[1::2::3]:4", "1.2.3.4:70000"]
  ) assertEquals(encodeAddress(path), new Uint8Array(18), path);
  assertEquals(decodeAddress(encodeAddress("[::1]:5000")), "[::1]:5000");
});
