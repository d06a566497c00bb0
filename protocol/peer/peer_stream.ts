/**
 * The peer stream: one file between two clients, on the stream of their connection (docs/PROTOCOL.md, "Peer to
 * peer"). The frames and their rules are those of "Transfers", under the id 1; nothing else may come.
 *
 * The receiver begins: its first CREDIT says from where it wants the file, since some of it may be there from before.
 * The end is the receiver's too: its FINISH says that the file is whole and kept.
 *
 * @module
 */

import { CATALOGUE, CHUNK_MAX, PACKED_HEADER_BYTES } from "../catalogue.ts";
import { readFrame } from "../frame.ts";
import { encodeMessage, parseMessage, payloadOf } from "../message.ts";
import { createReceiveBuffer, type ReceiveBuffer } from "../receive_buffer.ts";
import { STATUS, type StatusName } from "../status.ts";
import type { Expected } from "../transfer/receiver.ts";
import {
  createTransfers,
  type TransferEvent,
  type TransferMessage,
  type Transfers,
} from "../transfer/transfers.ts";
import { createTransmitBuffer } from "../transmit_buffer.ts";

/** The id of the frames. */
export const PEER_TRANSFER = 1;
/** Bytes that may be under way to a disk. */
export const PEER_WINDOW_BYTES: number = 64 * CHUNK_MAX;
/** The largest payload. */
const PAYLOAD_MAX = PACKED_HEADER_BYTES + CHUNK_MAX;

/** What happened on the stream. */
export type PeerStreamEvent =
  | TransferEvent
  /** The sender's: the receiver wants the bytes from here on. */
  | { readonly what: "opened"; readonly offset: number; readonly upto: number }
  /** The other side breaks a rule; nothing after it is read. */
  | { readonly what: "fault"; readonly status: StatusName; readonly text: string };

/** One side of the stream. */
export interface PeerStream {
  /** Takes bytes in; the array is not kept. */
  receive(bytes: Uint8Array): void;
  /** What happened next. Bytes of a file are valid until more are received. */
  next(): PeerStreamEvent | undefined;
  /** The next bytes to write; empty if none wait. */
  peekTransmit(): Uint8Array;
  /** So many of them were written. */
  consumeTransmit(count: number): void;
  /** Gives the file up; the other side is told. */
  cancel(status: StatusName): void;
  /** What carries the file, under {@linkcode PEER_TRANSFER}. */
  readonly transfers: Transfers;
}

class FileStream implements PeerStream {
  readonly #received: ReceiveBuffer = createReceiveBuffer();
  readonly #transmit = createTransmitBuffer();
  readonly transfers: Transfers;
  /** Of a sender that has not been told where to begin: the size of its file. */
  #size: number | undefined;
  #events: PeerStreamEvent[] = [];
  #faulted = false;

  constructor() {
    this.transfers = createTransfers(({ kind, id, body }) =>
      this.#transmit.frame(CATALOGUE[kind].type, id, payloadOf(kind, body as never))
    );
  }

  send(size: number): this {
    this.#size = size;
    return this;
  }

  take(expected: Expected): this {
    const { upto } = this.transfers.receive(PEER_TRANSFER, expected);
    const credit = { at: expected.offset, upto };
    this.#transmit.frame(CATALOGUE.credit.type, PEER_TRANSFER, payloadOf("credit", credit));
    return this;
  }

  receive(bytes: Uint8Array): void {
    if (!this.#faulted) this.#received.append(bytes);
  }

  next(): PeerStreamEvent | undefined {
    for (;;) {
      const event = this.#events.shift() ?? this.transfers.next();
      if (event !== undefined || this.#faulted) return event;
      const frame = readFrame(this.#received, () => PAYLOAD_MAX);
      if (frame === undefined) return undefined;
      if ("tooLarge" in frame) {
        this.#fault("too-large");
        continue;
      }
      const message = parseMessage(frame, "server");
      if (message === undefined) continue;
      if (message.kind === "fault") this.#fault(message.status, message.text);
      else if (isTransferMessage(message) && message.id === PEER_TRANSFER) this.#take(message);
      else this.#fault("unexpected");
    }
  }

  #take(message: TransferMessage): void {
    if (this.#size === undefined) return this.transfers.take(message);
    if (message.kind === "abort") {
      // It was given up before it began.
      this.#events.push({ what: "abort", id: message.id, abort: message.body });
      return;
    }
    if (message.kind !== "credit") return this.#fault("unexpected");
    const { at, upto } = message.body;
    if (at > this.#size || upto > this.#size || upto < at) return this.#fault("bad-message");
    this.transfers.send(PEER_TRANSFER, { size: this.#size, offset: at, upto });
    this.#size = undefined;
    this.#events.push({ what: "opened", offset: at, upto });
  }

  #fault(status: StatusName, text: string = STATUS[status].text): void {
    this.#faulted = true;
    this.#received.clear();
    this.transfers.clear();
    this.#events.push({ what: "fault", status, text });
  }

  cancel(status: StatusName): void {
    if (this.transfers.has(PEER_TRANSFER)) return this.transfers.cancel(PEER_TRANSFER, status);
    const { code, text: reason } = STATUS[status];
    this.#transmit.shared(
      encodeMessage({ kind: "abort", id: PEER_TRANSFER, body: { code, reason } }),
    );
  }

  peekTransmit(): Uint8Array {
    if (this.#transmit.pending === 0) {
      const frame = this.transfers.pull();
      if (frame !== undefined) this.#transmit.shared(frame);
    }
    return this.#transmit.peek();
  }

  consumeTransmit(count: number): void {
    this.#transmit.consume(count);
  }
}

const TRANSFER_KINDS: ReadonlySet<string> = new Set<TransferMessage["kind"]>([
  "data",
  "packed",
  "credit",
  "finish",
  "abort",
]);

function isTransferMessage(message: { readonly kind: string }): message is TransferMessage {
  return TRANSFER_KINDS.has(message.kind);
}

/** The stream of who sends a file of a size. */
export function createSendingStream(size: number): PeerStream {
  return new FileStream().send(size);
}

/**
 * The stream of who receives a file, from an offset on.
 *
 * @example
 * ```ts
 * import { createReceivingStream, createSendingStream } from "./peer_stream.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const receiver = createReceivingStream({ size: 9, offset: 4, window: 100 });
 * const sender = createSendingStream(9);
 * sender.receive(receiver.peekTransmit());
 * assertEquals(sender.next(), { what: "opened", offset: 4, upto: 9 });
 * ```
 */
export function createReceivingStream(expected: Expected): PeerStream {
  return new FileStream().take(expected);
}
