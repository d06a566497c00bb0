import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_LENGTH_MAX,
  readFrame,
  writeFrameHeader,
} from "../protocol/frame.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { frame, frameHeader } from "./arbitraries.ts";
import { runs } from "./runs.ts";

/** A buffer that holds these bytes behind `before` others, which were taken. */
function holding(bytes: Uint8Array, before = 0) {
  const buffer = createReceiveBuffer();
  buffer.append(new Uint8Array(before));
  buffer.append(bytes);
  buffer.skip(before);
  return buffer;
}

function headerBytes(header: { length: number; type: number; id: number }): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES);
  writeFrameHeader(bytes, 0, header);
  return bytes;
}

const anyLength = () => FRAME_LENGTH_MAX;

Deno.test("DESIGN §3: a header is length24, type8 and id32 in network order", () => {
  fc.assert(
    fc.property(frameHeader, fc.nat(20), ({ length, type, id }, at) => {
      const bytes = new Uint8Array(at + FRAME_HEADER_BYTES + 3).fill(0x55);
      writeFrameHeader(bytes, at, { length, type, id });
      const view = new DataView(bytes.buffer, at);
      assertEquals(view.getUint32(0), length * 256 + type);
      assertEquals(view.getUint32(4), id);
      assert(bytes.subarray(0, at).every((byte) => byte === 0x55));
      assert(bytes.subarray(at + FRAME_HEADER_BYTES).every((byte) => byte === 0x55));
    }),
    { numRuns: runs() },
  );
});

Deno.test("law 2: a header is read as it was written, to the ends of its numbers", () => {
  for (const length of [0, 1, 255, 256, 65_535, 65_536, FRAME_LENGTH_MAX - 1, FRAME_LENGTH_MAX]) {
    for (const type of [0, 1, 0x7f, 0x80, 255]) {
      const id = 0xffff_ffff - length;
      const read = readFrame(holding(headerBytes({ length, type, id })), () => length - 1);
      assertEquals(read, { tooLarge: true, length, type });
    }
  }
  for (const id of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]) {
    const read = readFrame(holding(encodeFrame(0x40, id, new Uint8Array(0))), anyLength);
    assertEquals(read, { length: 0, type: 0x40, id, payload: new Uint8Array(0) });
  }
});

Deno.test("law 2: frames are read as they were written, one after the other", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), fc.nat(600), (frames, before) => {
      const buffer = createReceiveBuffer();
      buffer.append(new Uint8Array(before));
      buffer.skip(before);
      let offset = before;
      for (const { type, id, payload } of frames) buffer.append(encodeFrame(type, id, payload));
      for (const { type, id, payload } of frames) {
        assertEquals(buffer.offset, offset);
        assertEquals(readFrame(buffer, anyLength), { type, id, payload, length: payload.length });
        offset += FRAME_HEADER_BYTES + payload.length;
      }
      assertEquals(readFrame(buffer, anyLength), undefined);
      assertEquals([buffer.length, buffer.offset], [0, offset]);
    }),
    { numRuns: runs() },
  );
});

Deno.test("law 2: the longest payload that a header can tell is carried whole", () => {
  const payload = new Uint8Array(FRAME_LENGTH_MAX);
  payload[0] = 1;
  payload[FRAME_LENGTH_MAX - 1] = 2;
  const read = readFrame(holding(encodeFrame(0x30, 5, payload)), anyLength);
  assert(read !== undefined && "payload" in read);
  assertEquals([read.length, read.payload[0], read.payload.at(-1)], [FRAME_LENGTH_MAX, 1, 2]);
});

Deno.test("a payload that no header can tell is the caller's mistake", () => {
  const payload = new Uint8Array(FRAME_LENGTH_MAX + 1);
  assertThrows(() => encodeFrame(0x30, 0, payload), RangeError, "16777216");
  assertThrows(
    () => headerBytes({ length: FRAME_LENGTH_MAX + 1, type: 0, id: 0 }),
    RangeError,
  );
});

Deno.test("law 1: a frame comes with its last byte and not before, and takes nothing else", () => {
  fc.assert(
    fc.property(frame, ({ type, id, payload }) => {
      const bytes = encodeFrame(type, id, payload);
      const buffer = createReceiveBuffer();
      for (let at = 0; at < bytes.length; at++) {
        assertEquals(readFrame(buffer, anyLength), undefined);
        assertEquals([buffer.length, buffer.offset], [at, 0]);
        buffer.append(bytes.subarray(at, at + 1));
      }
      buffer.append(new Uint8Array([1, 2, 3]));
      assertEquals(readFrame(buffer, anyLength), { type, id, payload, length: payload.length });
      assertEquals([buffer.length, buffer.offset], [3, bytes.length]);
    }),
    { numRuns: runs(40) },
  );
});

Deno.test("law 1: a length above the limit is told with the header, again and again, and takes nothing", () => {
  fc.assert(
    fc.property(frameHeader, fc.nat(FRAME_LENGTH_MAX), fc.nat(20), (header, limit, more) => {
      const { length, type } = header;
      const bytes = headerBytes(header);
      const asked: number[] = [];
      const largest = (of: number) => {
        asked.push(of);
        return limit;
      };
      for (let cut = 0; cut < FRAME_HEADER_BYTES; cut++) {
        assertEquals(readFrame(holding(bytes.subarray(0, cut)), largest), undefined);
      }
      assertEquals(asked, []);
      const buffer = holding(bytes, 3);
      for (let again = 0; again < 3; again++) {
        const outcome = readFrame(buffer, largest);
        if (length > limit) assertEquals(outcome, { tooLarge: true, length, type });
        else if (length > 0) assertEquals(outcome, undefined);
        else return;
        assertEquals([buffer.length, buffer.offset], [FRAME_HEADER_BYTES + more * again, 3]);
        if (length > limit) buffer.append(new Uint8Array(more));
        else return;
      }
      assertEquals(new Set(asked), new Set([type]));
    }),
    { numRuns: runs() },
  );
});

Deno.test("a limit is met exactly, and 0 means zero", () => {
  for (const limit of [0, 1, 100]) {
    for (const length of [limit, limit + 1]) {
      const read = readFrame(holding(encodeFrame(1, 0, new Uint8Array(length))), () => limit);
      assert(read !== undefined);
      assertEquals("tooLarge" in read, length > limit);
    }
  }
});
