/**
 * The transfers of one connection: which frames belong to which, and whose turn it is (DESIGN §7).
 *
 * A transfer has the number of the command that opened it. What comes for a number that is not (or no
 * longer) known is thrown away, since an end that was told crosses what was still under way. Transfers take turns, a
 * frame each, and only when nothing else waits to be written: talk never stands behind more than the
 * frame that is being written.
 *
 * @module
 */

import type { Abort, Finish } from "../body.ts";
import { CHUNK_MAX } from "../catalogue.ts";
import { FRAME_HEADER_BYTES } from "../frame.ts";
import type { Message } from "../message.ts";
import { STATUS, type StatusName } from "../status.ts";
import { createReceiver, type Expected, type Receiver } from "./receiver.ts";
import { createSender, type Sender, type Stretch } from "./sender.ts";

/** The least memory that can be lent: a megabyte in frames, and one frame more. It holds more than can wait. */
export const LEND_BYTES: number = 17 * (FRAME_HEADER_BYTES + CHUNK_MAX);

/** The messages that transfers are made of. */
export type TransferMessage = Extract<
  Message,
  { readonly kind: "data" | "packed" | "credit" | "finish" | "abort" }
>;

/** What happened to a transfer. */
export type TransferEvent =
  /**
   * The owner of a file that is sent should give so many bytes more, with `provide`. Frames with bytes before
   * `written` have left, so what holds them may be used again.
   */
  | {
    readonly what: "wanted";
    readonly id: number;
    readonly bytes: number;
    readonly written: number;
  }
  /** The other end has stored everything before `at`. */
  | { readonly what: "stored"; readonly id: number; readonly at: number }
  /**
   * Bytes have come: those from `offset` on; with `raw` they are deflated and stand for so many. They
   * stay valid until more is received. Answer with `stored` once they are.
   */
  | {
    readonly what: "data";
    readonly id: number;
    readonly offset: number;
    readonly bytes: Uint8Array;
    readonly raw?: number;
  }
  /**
   * A receiver's owner: all has come, and should have this hash; answer with `kept` or `cancel`. A sender's: the
   * other end has kept the file, and the transfer is over.
   */
  | { readonly what: "finish"; readonly id: number; readonly finish: Finish }
  /** It is over without success. */
  | { readonly what: "abort"; readonly id: number; readonly abort: Abort };

/** The transfers of one connection. */
export interface Transfers {
  /** How many are under way. */
  readonly count: number;
  /** Whether a transfer with this number is under way. */
  has(id: number): boolean;
  /**
   * Begins to send a file.
   *
   * @throws Error if the number is taken.
   */
  send(id: number, stretch: Stretch): void;
  /**
   * Begins to receive a file, and says how far it may be sent at first.
   *
   * @throws Error if the number is taken.
   */
  receive(id: number, expected: Expected): { readonly upto: number };
  /**
   * Gives the next bytes of a file that is sent: a frame with room for its header before them, at most 65,536
   * bytes. With `raw` they are deflated, stand for so many bytes, 512 at least and more than they are, and have
   * 4 bytes more of room before them. The frame is kept until it is written, so it must not change.
   *
   * @throws RangeError if they are more than were asked for or than a frame carries.
   */
  provide(id: number, frame: Uint8Array, raw?: number): void;
  /**
   * All bytes of a file that is sent were given, and have this hash.
   *
   * @throws Error if they were not all.
   */
  end(id: number, finish: Finish): void;
  /**
   * Lends memory of {@linkcode LEND_BYTES} or more for what comes on the connection, where it is read by `readInto`.
   * At the first `data` event about bytes in it, lend another for what comes after, or `undefined` when not much
   * will. It is filled from front to back, with other frames between, and from the first `data` event about bytes
   * elsewhere it is yours again. Until then nobody else may write to it nor move it, as `transfer` does, even if the
   * transfer ends meanwhile; and then it is best left to the garbage collector.
   *
   * @throws RangeError if it is too little.
   */
  lend(id: number, memory: Uint8Array | undefined): void;
  /** Whether memory is lent for any of them. */
  readonly lending: boolean;
  /** Memory that was lent, each given once. */
  takeLent(): Uint8Array | undefined;
  /** So many more bytes of a file that is received are stored. */
  stored(id: number, count: number): void;
  /**
   * How many bytes of a file that is received may still come before its sender is allowed more. With less than
   * a chunk of room it may be waiting already: what has come must be stored soon, however little it is.
   */
  room(id: number): number;
  /** A file that was received is whole and kept: the other end is told. */
  kept(id: number, finish: Finish): void;
  /** Ends a transfer without success; the other end is told. */
  cancel(id: number, status: StatusName, reason?: string): void;
  /** Takes what has come for a transfer. */
  take(message: TransferMessage): void;
  /** What happened next. */
  next(): TransferEvent | undefined;
  /** The next frame to write, when nothing else waits. */
  pull(): Uint8Array | undefined;
  /** Forgets all of them: the connection ends. */
  clear(): void;
}

class ConnectionTransfers implements Transfers {
  readonly #send: (message: Message) => void;
  readonly #senders = new Map<number, Sender>();
  readonly #receivers = new Map<number, Receiver>();
  readonly #events: TransferEvent[] = [];
  /** Senders that may have to ask their owners for more. */
  readonly #hungry = new Set<number>();

  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  get count(): number {
    return this.#senders.size + this.#receivers.size;
  }

  has(id: number): boolean {
    return this.#senders.has(id) || this.#receivers.has(id);
  }

  send(id: number, stretch: Stretch): void {
    this.#expectFree(id);
    this.#senders.set(id, createSender(id, stretch));
    this.#hungry.add(id);
  }

  receive(id: number, expected: Expected): { readonly upto: number } {
    this.#expectFree(id);
    const receiver = createReceiver(expected);
    this.#receivers.set(id, receiver);
    return { upto: receiver.upto };
  }

  #expectFree(id: number): void {
    if (this.has(id)) throw new Error(`transfer ${id} is under way; choose another number`);
  }

  provide(id: number, frame: Uint8Array, raw?: number): void {
    this.#senders.get(id)?.provide(frame, raw);
  }

  end(id: number, finish: Finish): void {
    this.#senders.get(id)?.end(finish);
  }

  lend(id: number, memory: Uint8Array | undefined): void {
    if (memory !== undefined && memory.length < LEND_BYTES) {
      throw new RangeError(`${memory.length} bytes are lent; lend ${LEND_BYTES} or more`);
    }
    const receiver = this.#receivers.get(id);
    if (receiver === undefined) return;
    receiver.lent = memory;
    receiver.lending = memory !== undefined;
  }

  get lending(): boolean {
    for (const { lending } of this.#receivers.values()) if (lending) return true;
    return false;
  }

  takeLent(): Uint8Array | undefined {
    for (const receiver of this.#receivers.values()) {
      const { lent } = receiver;
      if (lent === undefined) continue;
      receiver.lent = undefined;
      return lent;
    }
    return undefined;
  }

  stored(id: number, count: number): void {
    const receiver = this.#receivers.get(id);
    if (receiver === undefined || !receiver.step("stored")) return;
    const credit = receiver.stored(count);
    if (credit !== undefined) this.#send({ kind: "credit", id, body: credit });
  }

  room(id: number): number {
    const receiver = this.#receivers.get(id);
    return receiver === undefined ? 0 : receiver.upto - receiver.position;
  }

  kept(id: number, finish: Finish): void {
    const receiver = this.#receivers.get(id);
    if (receiver === undefined) return;
    if (!receiver.step("kept")) throw new Error(`transfer ${id} has not come to its end`);
    this.#receivers.delete(id);
    this.#send({ kind: "finish", id, body: finish });
  }

  cancel(id: number, status: StatusName, reason: string = STATUS[status].text): void {
    if (!this.#remove(id)) return;
    this.#send({ kind: "abort", id, body: { code: STATUS[status].code, reason } });
  }

  #remove(id: number): boolean {
    this.#senders.get(id)?.clear();
    this.#hungry.delete(id);
    return this.#senders.delete(id) || this.#receivers.delete(id);
  }

  take(message: TransferMessage): void {
    const { id } = message;
    const sender = this.#senders.get(id);
    const receiver = this.#receivers.get(id);
    if (sender !== undefined) this.#takeForSender(sender, message);
    else if (receiver !== undefined) this.#takeForReceiver(receiver, message);
  }

  #takeForSender(sender: Sender, message: TransferMessage): void {
    const { id, kind } = message;
    if (kind === "data" || kind === "packed" || !sender.step(kind)) return this.#fault(id);
    switch (message.kind) {
      case "credit":
        if (!sender.credit(message.body)) return this.#fault(id);
        this.#hungry.add(id);
        this.#events.push({ what: "stored", id, at: message.body.at });
        return;
      case "finish":
        this.#remove(id);
        this.#events.push({ what: "finish", id, finish: message.body });
        return;
      case "abort":
        this.#remove(id);
        this.#events.push({ what: "abort", id, abort: message.body });
    }
  }

  #takeForReceiver(receiver: Receiver, message: TransferMessage): void {
    const { id, kind } = message;
    const input = kind === "packed" ? "data" : kind;
    if (input === "credit" || !receiver.step(input)) return this.#fault(id);
    switch (message.kind) {
      case "data":
      case "packed": {
        const { bytes } = message.body;
        const raw = message.kind === "packed" ? message.body.raw : undefined;
        const offset = receiver.position;
        if (!receiver.data(raw ?? bytes.length)) return this.#fault(id);
        this.#events.push({ what: "data", id, offset, bytes, ...raw !== undefined && { raw } });
        return;
      }
      case "finish":
        if (!receiver.whole) return this.#fault(id, "bad-content");
        this.#events.push({ what: "finish", id, finish: message.body });
        return;
      case "abort":
        this.#remove(id);
        this.#events.push({ what: "abort", id, abort: message.body });
    }
  }

  /** The other end did what does not belong there: this transfer ends, the connection goes on. */
  #fault(id: number, status: StatusName = "overrun"): void {
    const { code, text } = STATUS[status];
    this.cancel(id, status);
    this.#events.push({ what: "abort", id, abort: { code, reason: text } });
  }

  next(): TransferEvent | undefined {
    const event = this.#events.shift();
    if (event !== undefined) return event;
    for (const id of this.#hungry) {
      this.#hungry.delete(id);
      const sender = this.#senders.get(id);
      const bytes = sender?.ask() ?? 0;
      if (bytes > 0) return { what: "wanted", id, bytes, written: sender!.written };
    }
    return undefined;
  }

  pull(): Uint8Array | undefined {
    for (const [id, sender] of this.#senders) {
      const frame = sender.pull();
      if (frame === undefined) continue;
      // Last in turn, so that all get on alike.
      this.#senders.delete(id);
      this.#senders.set(id, sender);
      this.#hungry.add(id);
      return frame;
    }
    return undefined;
  }

  clear(): void {
    for (const id of [...this.#senders.keys(), ...this.#receivers.keys()]) this.#remove(id);
    this.#events.length = 0;
  }
}

/**
 * Makes the transfers of a connection; `send` queues a message on it.
 *
 * @example
 * ```ts
 * import { createTransfers } from "./transfers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const transfers = createTransfers(() => {});
 * transfers.send(5, { size: 3, offset: 0, upto: 3 });
 * assertEquals(transfers.next(), { what: "wanted", id: 5, bytes: 3, written: 0 });
 * transfers.provide(5, new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9]));
 * assertEquals(transfers.pull(), new Uint8Array([0, 0, 3, 0x30, 0, 0, 0, 5, 7, 8, 9]));
 * ```
 */
export function createTransfers(send: (message: Message) => void): Transfers {
  return new ConnectionTransfers(send);
}
