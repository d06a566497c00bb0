/**
 * The link of a connection in text mode: what link.ts is to frames. Lines come out of
 * {@linkcode TextLink.pull} in the order of the stream, lines of text go in, and an ending is seen through.
 *
 * @module
 */

import { type Handover, HELD_BYTES_MAX, LINGER, TRANSMIT_HIGH_WATER } from "../link.ts";
import type { ReceiveBuffer } from "../receive_buffer.ts";
import type { TransmitBuffer } from "../transmit_buffer.ts";
import { createLineReader, type LineInput, type LineReader } from "./line_reader.ts";

/** What comes out of the link. */
export type TextLinkInput =
  | LineInput
  /** The peer's lines have ended. */
  | { readonly kind: "end" }
  /** The stream broke. */
  | { readonly kind: "lost" }
  /** The ending is complete: the caller closes the stream. */
  | { readonly kind: "finished" };

/** A stream of lines. */
export interface TextLink {
  /** The time of the last input. */
  readonly now: number;
  /** When the peer was heard last. */
  readonly heardAt: number;
  readonly wantsRead: boolean;
  readonly pendingTransmit: number;
  /** Whether the ending has begun. */
  readonly ending: boolean;
  /** While true, lines stay in the buffer, and so does the end behind them. */
  held: boolean;
  receive(chunk: Uint8Array, now: number): void;
  receiveEnd(now: number): void;
  receiveBreak(now: number): void;
  /** Sets the clock, which never goes back, and returns it. */
  tick(now: number): number;
  handleTimeout(now: number): void;
  timeout(): number | undefined;
  /** Takes what comes next; a line has at most so many bytes. */
  pull(most: number): TextLinkInput | undefined;
  /** Queues lines, given without the last end. */
  say(text: string): void;
  peekTransmit(): Uint8Array;
  consumeTransmit(count: number): void;
  /** Begins the ending; `done` says that the peer is known to say nothing more. */
  end(done: boolean): void;
  /** Forgets all bytes: the connection is closed. */
  release(): void;
}

class LineLink implements TextLink {
  readonly #received: ReceiveBuffer;
  readonly #transmit: TransmitBuffer;
  readonly #reader: LineReader;
  #now: number;
  #heardAt: number;
  #ended: boolean;
  #severed: boolean;
  #lingerUntil: number | undefined;
  #finished = false;
  held = false;

  constructor({ received, transmit, now, ended, severed }: Handover) {
    this.#received = received;
    this.#transmit = transmit;
    this.#reader = createLineReader(received);
    this.#now = this.#heardAt = now;
    this.#ended = ended;
    this.#severed = severed;
  }

  get now(): number {
    return this.#now;
  }
  get heardAt(): number {
    return this.#heardAt;
  }
  get pendingTransmit(): number {
    return this.#transmit.pending;
  }
  get ending(): boolean {
    return this.#lingerUntil !== undefined;
  }

  get wantsRead(): boolean {
    if (this.#ended || this.#finished) return false;
    // What comes during an ending is thrown away, so that the last line can be read in peace.
    return this.ending || this.#received.length < HELD_BYTES_MAX;
  }

  tick(now: number): number {
    if (now > this.#now) this.#now = now;
    return this.#now;
  }

  receive(chunk: Uint8Array, now: number): void {
    if (!this.wantsRead) throw new Error("a chunk is given although wantsRead is false");
    this.#heardAt = this.tick(now);
    if (!this.ending) this.#received.append(chunk);
  }

  receiveEnd(now: number): void {
    this.tick(now);
    this.#ended = true;
  }

  receiveBreak(now: number): void {
    this.receiveEnd(now);
    this.#sever();
  }

  #sever(): void {
    this.#severed = true;
    this.#transmit.clear();
  }

  timeout(): number | undefined {
    return this.#finished ? undefined : this.#lingerUntil;
  }

  handleTimeout(now: number): void {
    this.tick(now);
    if (this.#lingerUntil === undefined || this.#now < this.#lingerUntil) return;
    this.#ended = true;
    this.#sever();
  }

  pull(most: number): TextLinkInput | undefined {
    if (this.#finished) return undefined;
    if (this.ending) {
      this.#received.clear();
      if (!this.#ended || this.#transmit.pending > 0) return undefined;
      this.#finished = true;
      return { kind: "finished" };
    }
    if (this.#severed) return { kind: "lost" };
    // Nothing is done for a reader that stops reading.
    if (this.held || this.#transmit.pending >= TRANSMIT_HIGH_WATER) return undefined;
    const line = this.#reader.pull(most);
    if (line !== undefined || !this.#ended) return line;
    return this.#reader.rest() ?? { kind: "end" };
  }

  say(text: string): void {
    if (this.#severed) return;
    for (const line of text.split("\n")) this.#transmit.text(`${line}\r\n`);
  }

  peekTransmit(): Uint8Array {
    return this.#transmit.peek();
  }

  consumeTransmit(count: number): void {
    // A write that was under way when the stream broke has nothing left to take.
    if (!this.#severed) this.#transmit.consume(count);
  }

  end(done: boolean): void {
    if (this.ending) return;
    this.#lingerUntil = this.#now + LINGER;
    if (done) this.#ended = true;
  }

  release(): void {
    this.#finished = true;
    this.#received.clear();
    this.#sever();
  }
}

/** Makes the link of a stream that was handed over. */
export function createTextLink(stream: Handover): TextLink {
  return new LineLink(stream);
}
