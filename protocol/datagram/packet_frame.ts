/**
 * Frames: what stands within a DATA packet, one behind the other (docs/PROTOCOL.md, "Datagrams").
 *
 * Reading gives the frames one by one to a {@linkcode FrameHandler}, without making objects of them: a
 * receiver has some microseconds for each packet. What is malformed ends the reading, and the connection.
 *
 * @module
 */

import { Reader, varintBytes, writeUint64, writeVarint } from "./integer.ts";
import type { RangeSet } from "./ranges.ts";

/** The first byte of each frame. */
export const FRAME_TYPE = {
  padding: 0x00,
  ping: 0x01,
  ack: 0x02,
  data: 0x08,
  dataFin: 0x09,
  maxData: 0x10,
  dataBlocked: 0x14,
  newCid: 0x18,
  retireCid: 0x19,
  pathChallenge: 0x1a,
  pathResponse: 0x1b,
  close: 0x1c,
  confirmed: 0x1e,
} as const;

/** The most ranges of one ACK. */
export const ACK_RANGES_MAX = 32;
/** The most bytes of a reason in CLOSE. */
export const REASON_BYTES_MAX = 128;
/** The largest close code. */
export const CLOSE_CODE_MAX = 0xffff_ffff;

/** Takes the frames of a packet. */
export interface FrameHandler {
  /** An ACK: the numbers from `first` to before `end` of each range, highest range first; delay in ms. */
  onAck(ranges: readonly number[], delay: number): void;
  onData(offset: number, packet: Uint8Array, start: number, end: number, fin: boolean): void;
  onMaxData(limit: number): void;
  onDataBlocked(limit: number): void;
  onNewCid(sequence: number, cid: number, reset: number): void;
  onRetireCid(sequence: number): void;
  onPathChallenge(data: number): void;
  onPathResponse(data: number): void;
  onClose(code: number, reason: string): void;
  onConfirmed(): void;
}

/** What a packet was. */
export interface FrameSummary {
  /** False where it was malformed. */
  ok: boolean;
  /** Whether it must be acknowledged: it holds more than ACK, PADDING and CLOSE. */
  eliciting: boolean;
  /** Whether it is to be acknowledged at once: it holds a PING or a FIN. */
  urgent: boolean;
  /** Whether it only looks at a path: it holds nothing but PATH frames, NEW_CID and PADDING. */
  probing: boolean;
}

const reader = new Reader();
const ranges: number[] = [];
const decoder = new TextDecoder();
const summary: FrameSummary = { ok: true, eliciting: false, urgent: false, probing: true };

/**
 * Reads the frames of a packet. The summary is valid until the next call.
 *
 * A handler may find a frame impossible; it says so with `stop`, and no further frame is read.
 */
export function readFrames(
  packet: Uint8Array,
  end: number,
  handler: FrameHandler,
  stop: () => boolean,
): FrameSummary {
  summary.ok = true;
  summary.eliciting = summary.urgent = false;
  summary.probing = true;
  reader.open(packet, 0, end);
  while (!reader.done && !stop()) {
    const type = reader.byte();
    if (type !== FRAME_TYPE.padding && !readFrame(type, packet, handler)) break;
  }
  if (reader.failed) summary.ok = false;
  return summary;
}

/** Reads one frame; false where it is none. */
function readFrame(type: number, packet: Uint8Array, handler: FrameHandler): boolean {
  switch (type) {
    case FRAME_TYPE.ack: {
      summary.probing = false;
      const delay = readAck();
      if (reader.failed) return false;
      handler.onAck(ranges, delay);
      return true;
    }
    case FRAME_TYPE.data:
    case FRAME_TYPE.dataFin: {
      const offset = reader.varint();
      const length = reader.varint();
      const start = reader.skip(length);
      const fin = type === FRAME_TYPE.dataFin;
      if (reader.failed || offset + length > Number.MAX_SAFE_INTEGER) return fail();
      summary.eliciting = true;
      summary.probing = false;
      if (fin) summary.urgent = true;
      handler.onData(offset, packet, start, start + length, fin);
      return true;
    }
    case FRAME_TYPE.close: {
      summary.probing = false;
      const code = reader.varint();
      const length = reader.varint();
      if (length > REASON_BYTES_MAX || code > CLOSE_CODE_MAX) return fail();
      const start = reader.skip(length);
      if (reader.failed) return false;
      handler.onClose(code, decoder.decode(packet.subarray(start, start + length)));
      return true;
    }
    default:
      summary.eliciting = true;
      return readControl(type, handler);
  }
}

/** Reads one of the small frames that are acknowledged. */
function readControl(type: number, handler: FrameHandler): boolean {
  switch (type) {
    case FRAME_TYPE.pathChallenge:
    case FRAME_TYPE.pathResponse: {
      const data = reader.uint64();
      if (reader.failed) return false;
      if (type === FRAME_TYPE.pathChallenge) handler.onPathChallenge(data);
      else handler.onPathResponse(data);
      return true;
    }
    case FRAME_TYPE.newCid: {
      const sequence = reader.varint();
      const cid = reader.uint64();
      const reset = reader.uint64();
      if (reader.failed) return false;
      handler.onNewCid(sequence, cid, reset);
      return true;
    }
  }
  summary.probing = false;
  switch (type) {
    case FRAME_TYPE.ping:
      summary.urgent = true;
      return true;
    case FRAME_TYPE.maxData:
    case FRAME_TYPE.dataBlocked:
    case FRAME_TYPE.retireCid: {
      const value = reader.varint();
      if (reader.failed) return false;
      if (type === FRAME_TYPE.maxData) handler.onMaxData(value);
      else if (type === FRAME_TYPE.dataBlocked) handler.onDataBlocked(value);
      else handler.onRetireCid(value);
      return true;
    }
    case FRAME_TYPE.confirmed:
      handler.onConfirmed();
      return true;
    default:
      return fail();
  }
}

function fail(): false {
  summary.ok = false;
  return false;
}

/** Reads the rest of an ACK into `ranges`, as pairs of first and end; gives the delay in ms. */
function readAck(): number {
  const largest = reader.varint();
  const delay = reader.varint();
  const count = reader.varint();
  if (count >= ACK_RANGES_MAX) reader.skip(Infinity);
  ranges.length = 0;
  let end = largest + 1;
  for (let index = 0; index <= count && !reader.failed; index++) {
    // Behind the first range each begins with the gap above it.
    if (index > 0) end -= reader.varint() + 1;
    const first = end - 1 - reader.varint();
    if (first < 0) reader.skip(Infinity);
    ranges.push(first, end);
    end = first;
  }
  return delay / 1000;
}

/** The most bytes that an ACK of these ranges takes. */
export function ackBytes(received: RangeSet, delay: number): number {
  const count = Math.min(received.count, ACK_RANGES_MAX);
  let bytes = 2 + varintBytes(received.end(received.count - 1) - 1) +
    varintBytes(Math.max(0, Math.round(delay * 1000)));
  for (let index = received.count - 1, left = count; left > 0; index--, left--) {
    bytes += varintBytes(received.end(index) - received.start(index) - 1);
    if (left > 1) bytes += varintBytes(received.start(index) - received.end(index - 1) - 1);
  }
  return bytes;
}

/** Writes an ACK of the highest ranges; the caller has made room. */
export function writeAck(
  into: Uint8Array,
  at: number,
  received: RangeSet,
  delay: number,
): number {
  const count = Math.min(received.count, ACK_RANGES_MAX);
  const top = received.count - 1;
  into[at++] = FRAME_TYPE.ack;
  at = writeVarint(into, at, received.end(top) - 1);
  at = writeVarint(into, at, Math.max(0, Math.round(delay * 1000)));
  at = writeVarint(into, at, count - 1);
  for (let index = top; index > top - count; index--) {
    // Ranges never touch, so a gap has one number at least and is told less one.
    if (index < top) {
      at = writeVarint(into, at, received.start(index + 1) - received.end(index) - 1);
    }
    at = writeVarint(into, at, received.end(index) - received.start(index) - 1);
  }
  return at;
}

/** The most bytes of a DATA frame before its bytes. */
export function dataHeaderBytes(offset: number, length: number): number {
  return 1 + varintBytes(offset) + varintBytes(length);
}

/** Writes what stands before the bytes of a DATA frame. */
export function writeDataFrame(
  into: Uint8Array,
  at: number,
  { offset, length, fin }: { offset: number; length: number; fin: boolean },
): number {
  into[at] = fin ? FRAME_TYPE.dataFin : FRAME_TYPE.data;
  return writeVarint(into, writeVarint(into, at + 1, offset), length);
}

/** Writes a frame that is its type and one variable integer. */
export function writeNumberFrame(
  into: Uint8Array,
  at: number,
  type: number,
  value: number,
): number {
  into[at] = type;
  return writeVarint(into, at + 1, value);
}

/** Writes PATH_CHALLENGE or PATH_RESPONSE. */
export function writePathFrame(into: Uint8Array, at: number, type: number, data: number): number {
  into[at] = type;
  writeUint64(into, at + 1, data);
  return at + 9;
}

/** Writes NEW_CID. */
export function writeNewCid(
  into: Uint8Array,
  at: number,
  { sequence, cid, reset }: { sequence: number; cid: number; reset: number },
): number {
  const place = writeNumberFrame(into, at, FRAME_TYPE.newCid, sequence);
  writeUint64(into, place, cid);
  writeUint64(into, place + 8, reset);
  return place + 16;
}

/** Writes CLOSE. */
export function writeClose(
  into: Uint8Array,
  at: number,
  { code, reason }: { code: number; reason: Uint8Array },
): number {
  const place = writeVarint(
    into,
    writeNumberFrame(into, at, FRAME_TYPE.close, code),
    reason.length,
  );
  into.set(reason, place);
  return place + reason.length;
}
