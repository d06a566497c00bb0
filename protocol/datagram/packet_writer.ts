/**
 * Puts the frames of one packet together. What does not fit is the caller's mistake, except stream bytes,
 * of which as many are taken as fit.
 *
 * @module
 */

import { varintBytes } from "./integer.ts";
import {
  ackBytes,
  dataHeaderBytes,
  FRAME_TYPE,
  writeAck,
  writeClose,
  writeDataFrame,
  writeNewCid,
  writeNumberFrame,
  writePathFrame,
} from "./packet_frame.ts";
import { DATAGRAM_BYTES_MAX } from "./packet.ts";
import type { RangeSet } from "./ranges.ts";
import type { SendStream } from "./send_stream.ts";

/** The most pieces of the stream in one packet: what was lost may be in many. */
const PIECES_MAX = 8;
const PATH_FRAME_BYTES = 9;
/** A piece smaller than this is not worth its header, if it is not the last. */
const PIECE_BYTES_MIN = 16;

/** Writes the frames of one packet after another. */
export class PacketWriter {
  readonly #bytes = new Uint8Array(DATAGRAM_BYTES_MAX);
  #at = 0;
  #room = 0;
  /** The bytes of the stream that the packet has, as pairs of start and end. */
  streamed: number[] = [];

  /** Begins a packet whose frames have so many bytes at most. */
  begin(room: number): void {
    this.#at = 0;
    this.#room = room;
    this.streamed = [];
  }

  /** The frames so far: a view, valid until the next packet. */
  frames(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** An ACK, if it fits. */
  ack(received: RangeSet, delay: number): void {
    if (ackBytes(received, delay) > this.#room) return;
    this.#at = writeAck(this.#bytes, this.#at, received, delay);
  }

  ping(): void {
    if (this.#at < this.#room) this.#bytes[this.#at++] = FRAME_TYPE.ping;
  }

  confirmed(): void {
    this.#bytes[this.#at++] = FRAME_TYPE.confirmed;
  }

  maxData(limit: number): void {
    this.#at = writeNumberFrame(this.#bytes, this.#at, FRAME_TYPE.maxData, limit);
  }

  dataBlocked(limit: number): void {
    this.#at = writeNumberFrame(this.#bytes, this.#at, FRAME_TYPE.dataBlocked, limit);
  }

  newCid(told: { sequence: number; cid: number; reset: number }): void {
    this.#at = writeNewCid(this.#bytes, this.#at, told);
  }

  retireCid(sequence: number): void {
    this.#at = writeNumberFrame(this.#bytes, this.#at, FRAME_TYPE.retireCid, sequence);
  }

  /** False where it does not fit: to an address that has not answered only so much may go. */
  pathChallenge(data: number): boolean {
    if (this.#room - this.#at < PATH_FRAME_BYTES) return false;
    this.#at = writePathFrame(this.#bytes, this.#at, FRAME_TYPE.pathChallenge, data);
    return true;
  }

  pathResponse(data: number): void {
    if (this.#room - this.#at < PATH_FRAME_BYTES) return;
    this.#at = writePathFrame(this.#bytes, this.#at, FRAME_TYPE.pathResponse, data);
  }

  close(code: number, reason: Uint8Array): void {
    this.#at = writeClose(this.#bytes, this.#at, { code, reason });
  }

  /** Fills the packet up. */
  pad(): void {
    this.#bytes.fill(FRAME_TYPE.padding, this.#at, this.#room);
    this.#at = Math.max(this.#at, this.#room);
  }

  /** As much of the stream as fits, and is to be sent; whether its end is among it. */
  stream(stream: SendStream, limit: number): boolean {
    for (let piece = 0; piece < PIECES_MAX && stream.wants(limit); piece++) {
      const room = this.#room - this.#at;
      if (piece > 0 && room < PIECE_BYTES_MIN) return false;
      const space = room - 1 - varintBytes(stream.nextStart()) - 2;
      if (space < 0) return false;
      const chunk = stream.take(space, limit);
      if (chunk === undefined) return false;
      const { start, end, fin } = chunk;
      const length = end - start;
      const at = this.#at + dataHeaderBytes(start, length);
      writeDataFrame(this.#bytes, this.#at, { offset: start, length, fin });
      stream.copy(start, end, this.#bytes, at);
      this.#at = at + length;
      this.streamed.push(start, end);
      if (fin) return true;
    }
    return false;
  }
}
