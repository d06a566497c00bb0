/**
 * Both streams of a connection with their flow control, and what their owner is to be told of them.
 *
 * @module
 */

import type { CloseName } from "./close_code.ts";
import type { DatagramEvent } from "./connection.ts";
import { createReceiveFlow, type ReceiveFlow, type Window } from "./flow.ts";
import { createReceiveStream, type ReceiveStream } from "./receive_stream.ts";
import { createSendStream, type SendStream, UNSENT_BYTES_MAX } from "./send_stream.ts";

/** Room is told of when there is so much of what there can be. */
const ROOM_SHARE_MIN = 1 / 4;

/** What there is to tell of the streams, with its cause. */
export type StreamNews =
  | readonly ["readable", DatagramEvent & "data"]
  | readonly ["ended", DatagramEvent & "end"]
  | readonly ["writable", DatagramEvent & "room"]
  | readonly ["delivered", DatagramEvent & "delivery"];

/** The streams of both directions. */
export class StreamPair {
  readonly sending: SendStream;
  readonly receiving: ReceiveStream = createReceiveStream();
  readonly #flow: ReceiveFlow;
  readonly #roomMin: number;
  #toldReadable = false;
  #toldEnded = false;
  #wantsRoom = false;
  /** Whether the owner was told that all has arrived. */
  delivered = false;
  /** How far the peer lets us send. */
  peerLimit = 0;

  constructor(window: Window, unsentMax: number = UNSENT_BYTES_MAX) {
    this.#flow = createReceiveFlow(window);
    this.sending = createSendStream(unsentMax);
    this.#roomMin = unsentMax * ROOM_SHARE_MIN;
  }

  /** How far the peer may send. */
  get limit(): number {
    return this.#flow.limit;
  }

  /** Whether there is something to send, and the peer lets us. */
  get wants(): boolean {
    return this.sending.wants(this.peerLimit);
  }

  /** Whether only the peer's limit holds bytes back. */
  get isBlocked(): boolean {
    return this.sending.isBlocked(this.peerLimit);
  }

  /** Bytes of memory in use. */
  get kept(): number {
    return this.sending.kept + this.receiving.kept;
  }

  /** Takes a piece of the peer's stream: what is wrong with it, or `full` if there is no room. */
  take(
    offset: number,
    packet: Uint8Array,
    start: number,
    end: number,
    fin: boolean,
  ): "ok" | "full" | CloseName {
    if (offset + end - start > this.#flow.limit) return "flow";
    return this.receiving.take(offset, packet, start, end, fin);
  }

  write(bytes: Uint8Array): number {
    const count = this.sending.write(bytes);
    if (count < bytes.length) this.#wantsRoom = true;
    return count;
  }

  /** The next bytes, at most so many. */
  read(max: number): Uint8Array | undefined {
    const bytes = this.receiving.read(max);
    if (this.receiving.readable === 0) this.#toldReadable = false;
    return bytes;
  }

  /** Lets the peer send further, as far as was read; true if that is to be told. */
  advance(now: number, srtt: number): boolean {
    const moved = this.#flow.read(this.receiving.readTo, now, srtt);
    return moved && !this.receiving.complete;
  }

  /** What is to be told next, once. */
  news(): StreamNews | undefined {
    const { receiving, sending } = this;
    if (receiving.readable > 0 && !this.#toldReadable) {
      this.#toldReadable = true;
      return ["readable", "data"];
    }
    if (receiving.ended && !this.#toldEnded) {
      this.#toldEnded = true;
      return ["ended", "end"];
    }
    if (this.#wantsRoom && sending.room >= this.#roomMin) {
      this.#wantsRoom = false;
      return ["writable", "room"];
    }
    if (sending.delivered && !this.delivered) {
      this.delivered = true;
      return ["delivered", "delivery"];
    }
    return undefined;
  }

  /** Gives all memory back. */
  clear(): void {
    this.sending.clear();
    this.receiving.clear();
  }
}
