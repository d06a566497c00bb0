/**
 * The frame: eight bytes of header, then the payload (docs/PROTOCOL.md, "Frames").
 *
 * ```text
 * 0        3 4               8
 * +----------+-+---------------+----------
 * | length24 |t|     id32      | payload …      network byte order
 * +----------+-+---------------+----------
 * ```
 *
 * Bytes go into a {@linkcode ReceiveBuffer}; {@linkcode readFrame} splits whole frames off its front.
 * The length and the type are judged as soon as the header is there, before any payload is buffered,
 * so an absurd length costs nothing; the outcome is the same however the bytes were cut.
 *
 * @module
 */

import type { ReceiveBuffer } from "./receive_buffer.ts";

/** Bytes of header before the payload. */
export const FRAME_HEADER_BYTES = 8;

/** The largest payload that the 24-bit length can tell. */
export const FRAME_LENGTH_MAX = 0xff_ff_ff;

/** Types from here on may be skipped by a peer that does not know them. */
export const FIRST_SKIPPABLE_TYPE = 0x80;

/** What the eight bytes say. */
export interface FrameHeader {
  /** Bytes of payload, 0 to {@linkcode FRAME_LENGTH_MAX}. */
  readonly length: number;
  /** The message type, 0 to 255. */
  readonly type: number;
  /** Request, thread or transfer number, 0 to 2³²−1. */
  readonly id: number;
}

/** One frame. */
export interface Frame extends FrameHeader {
  /** The payload: a view into the receive buffer, valid until more bytes are appended to it. */
  readonly payload: Uint8Array;
}

/** A header that promises more than is allowed. */
export interface FrameTooLarge {
  /** Tells this from a {@linkcode Frame}. */
  readonly tooLarge: true;
  /** The length that the header names. */
  readonly length: number;
  /** The type that the header names. */
  readonly type: number;
}

/** Writes a header at `at`. The caller has made room. */
export function writeFrameHeader(into: Uint8Array, at: number, header: FrameHeader): void {
  const { length, type, id } = header;
  if (length > FRAME_LENGTH_MAX) throw new RangeError(`a frame cannot hold ${length} bytes`);
  into[at] = length >>> 16;
  into[at + 1] = length >>> 8;
  into[at + 2] = length;
  into[at + 3] = type;
  into[at + 4] = id >>> 24;
  into[at + 5] = id >>> 16;
  into[at + 6] = id >>> 8;
  into[at + 7] = id;
}

/**
 * Encodes one frame into an array of its own.
 *
 * @example
 * ```ts
 * import { encodeFrame } from "./frame.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(encodeFrame(0x41, 258, new Uint8Array([9])), new Uint8Array([0, 0, 1, 0x41, 0, 0, 1, 2, 9]));
 * ```
 */
export function encodeFrame(type: number, id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(bytes, 0, { length: payload.length, type, id });
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/**
 * Splits the next frame off the buffer.
 *
 * Returns `undefined` while it is not whole. `largest(type)` gives the most payload bytes allowed for
 * a type; a header above it gives {@linkcode FrameTooLarge}, takes nothing off the buffer, and will do so again.
 *
 * @example
 * ```ts
 * import { encodeFrame, readFrame } from "./frame.ts";
 * import { createReceiveBuffer } from "./receive_buffer.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const buffer = createReceiveBuffer();
 * buffer.append(encodeFrame(0x20, 3, new TextEncoder().encode("{}")));
 * const frame = readFrame(buffer, () => 1024);
 * assertEquals(frame, { type: 0x20, id: 3, length: 2, payload: new Uint8Array([123, 125]) });
 * ```
 */
export function readFrame(
  buffer: ReceiveBuffer,
  largest: (type: number) => number,
): Frame | FrameTooLarge | undefined {
  if (buffer.length < FRAME_HEADER_BYTES) return undefined;
  const word = buffer.uint32(0);
  const length = word >>> 8;
  const type = word & 0xff;
  if (length > largest(type)) return { tooLarge: true, length, type };
  if (buffer.length < FRAME_HEADER_BYTES + length) return undefined;
  const id = buffer.uint32(4);
  const payload = buffer.view(FRAME_HEADER_BYTES, length);
  buffer.skip(FRAME_HEADER_BYTES + length);
  return { length, type, id, payload };
}
