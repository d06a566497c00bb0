/**
 * The link: what both ends of a connection share (DESIGN §4 and §5).
 *
 * Bytes and time go in; lines, messages, faults and the passing of time come out of {@linkcode Link.pull},
 * one at a time, in the order of the stream. Inputs only queue: nothing is parsed and no state moves
 * until somebody pulls, so it does not matter how the bytes were cut or how often one looks.
 *
 * The link itself answers PING, asks for a sign of life after one heartbeat of silence, gives up after
 * three, and sees an ending through: BYE is written, what still arrives is thrown away, and
 * `finished` comes once the peer has ended too, or after a second; at once if its BYE came first.
 *
 * @module
 */

import { CATALOGUE, CHUNK_MAX, type Kind, type Side } from "./catalogue.ts";
import { FRAME_HEADER_BYTES, readFrame } from "./frame.ts";
import { type Message, type MessageFault, parseMessage, payloadOf, PREFACE } from "./message.ts";
import { createReceiveBuffer, type ReceiveBuffer } from "./receive_buffer.ts";
import { STATUS, type StatusName } from "./status.ts";
import { createTransmitBuffer, type TransmitBuffer } from "./transmit_buffer.ts";

/** The longest opening line, in bytes, with its end. */
export const OPENING_LINE_MAX = 1024;
/** With so many outgoing bytes waiting, a server pulls no further message, and PING is not answered. */
export const TRANSMIT_HIGH_WATER = 64 * 1024;
/** While messages are held back, so many incoming bytes may wait. */
export const HELD_BYTES_MAX = 16 * 1024;
/** How long an ending waits for the peer, in ms. */
export const LINGER = 1000;
/** Heartbeats of silence after which the peer is taken for dead. */
export const SILENT_HEARTBEATS = 3;

/** What comes out of a link. */
export type LinkInput =
  /** The peer's first line, without its end. */
  | { readonly input: "line"; readonly line: string }
  /** The peer begins with something else than the preface. Nothing of it was taken: hand the stream over. */
  | { readonly input: "other" }
  /** A message, and the offset of its frame in the peer's stream. */
  | { readonly input: "message"; readonly message: Message; readonly offset: number }
  /** A command that cannot be understood, and can be refused by its number; and the offset of its frame. */
  | {
    readonly input: "bad-command";
    readonly request: number;
    readonly fault: MessageFault;
    readonly offset: number;
  }
  /** What the peer sent is no DFP/2 from `offset` on; nothing after it is read. */
  | {
    readonly input: "fault";
    readonly status: StatusName;
    readonly text: string;
    readonly offset: number;
  }
  /** The peer's bytes have ended. */
  | { readonly input: "end" }
  /** Nothing was heard for three heartbeats. */
  | { readonly input: "silent" }
  /** The ending is complete: the caller closes the stream. */
  | { readonly input: "finished" };

/** What a link is made with. */
export interface LinkOptions {
  /** Which side this is. */
  readonly side: Side;
  /** The largest payload that the peer may send, in bytes. */
  readonly frame: number;
  /** Silence after which the peer is asked for a sign of life, in ms; 0 is never. */
  readonly heartbeat: number;
  /** The time now, in ms. */
  readonly now: number;
  /** Gives a frame to write when nothing else waits: what is told after all talk, as files are. */
  readonly bulk?: () => Uint8Array | undefined;
  /** Who may lend memory for what comes. */
  readonly lender?: Lender;
  /** Whether a peer that does not begin with the preface is left to {@linkcode Link.handOver}. */
  readonly others?: boolean;
}

/** Whoever expects much may lend memory for it, so that it need not be copied. */
export interface Lender {
  /** Whether it does so: otherwise even what was lent before is not read into any more. */
  readonly lending: boolean;
  /** Memory with room for all that may wait and much more, each given once; `undefined` if none is left. */
  takeLent(): Uint8Array | undefined;
}

/** A stream for somebody else to go on with. */
export interface Handover {
  /** What has come and was not taken. */
  readonly received: ReceiveBuffer;
  /** What waits to be written. */
  readonly transmit: TransmitBuffer;
  /** The time of the last input. */
  readonly now: number;
  /** Whether the peer sends no more. */
  readonly ended: boolean;
  /** Whether nothing can be written any more. */
  readonly severed: boolean;
}

/** One side of a byte stream. */
export interface Link {
  /** The time of the last input. */
  readonly now: number;
  /** Whether another chunk may be given to {@linkcode Link.receive}. */
  readonly wantsRead: boolean;
  /** Outgoing bytes that wait, without those of bulk. */
  readonly pendingTransmit: number;
  /** Whether the ending has begun. */
  readonly ending: boolean;
  /** While true, messages stay in the buffer, and so does the end behind them. */
  held: boolean;
  /** While true, the peer's end is not told: replies are still owed to what it has asked. */
  owing: boolean;
  /** The heartbeat, in ms; a client learns it from WELCOME. */
  heartbeat: number;
  /** Lent memory to read the next bytes into before they are given to {@linkcode Link.receive}. */
  readInto(): Uint8Array | undefined;
  receive(chunk: Uint8Array, now: number): void;
  receiveEnd(now: number): void;
  /** The stream broke: nothing can be read or written any more. */
  receiveBreak(now: number): void;
  /** Sets the clock, which never goes back, and returns it. */
  tick(now: number): number;
  handleTimeout(now: number): void;
  timeout(): number | undefined;
  pull(): LinkInput | undefined;
  /** Queues a message. */
  send(message: Message): void;
  /** Queues a message whose payload is JSON text already. */
  sendFrame(kind: Kind, id: number, payload: string): void;
  /** Queues plain text. */
  sendText(line: string): void;
  /** Queues whole frames by reference. */
  sendShared(frames: Uint8Array): void;
  peekTransmit(): Uint8Array;
  consumeTransmit(count: number): void;
  /** Begins the ending; with a status a BYE goes out. */
  end(status?: StatusName, reason?: string): void;
  /** Forgets all bytes: the connection is closed. */
  release(): void;
  /** Gives the stream away, with all that waits in it: this link has ended without a word. */
  handOver(): Handover;
}

/** Into less it is not worth reading. */
const READ_MIN = CHUNK_MAX;
const LINE_FEED = 0x0a;
const decoder = new TextDecoder();

class ByteLink implements Link {
  readonly #side: Side;
  readonly #peer: Side;
  readonly #frame: number;
  readonly #others: boolean;
  #received = createReceiveBuffer();
  #transmit = createTransmitBuffer();
  readonly #largest: () => number;
  readonly #bulk: () => Uint8Array | undefined;
  readonly #lender: Lender | undefined;
  /** What is left of the frame of bulk that is being written: it stands at the front. */
  #bulkLeft = 0;
  #now: number;
  /** When the peer was heard last, or asked for a sign of life. */
  #beatAt: number;
  #asked = 0;
  #opened = false;
  #ended = false;
  #endTold = false;
  #silentDue = false;
  #lingerUntil: number | undefined;
  #finished = false;
  /** The peer has said its last word, so there is nothing to wait for. */
  #byeHeard = false;
  /** Nothing can be written any more. */
  #severed = false;
  #faulted: LinkInput | undefined;
  #nonce = 0;
  held = false;
  owing = false;
  heartbeat: number;

  constructor(
    { side, frame, heartbeat, now, lender, others = false, bulk = () => undefined }: LinkOptions,
  ) {
    this.#others = others;
    this.#side = side;
    this.#bulk = bulk;
    this.#lender = lender;
    this.#peer = side === "server" ? "client" : "server";
    this.#frame = frame;
    this.#largest = () => frame;
    this.heartbeat = heartbeat;
    this.#now = this.#beatAt = now;
  }

  get now(): number {
    return this.#now;
  }

  get pendingTransmit(): number {
    return this.#transmit.pending - this.#bulkLeft;
  }

  get ending(): boolean {
    return this.#lingerUntil !== undefined;
  }

  get wantsRead(): boolean {
    if (this.#ended || this.#finished) return false;
    // What comes during an ending is thrown away, so that the peer can read our BYE in peace.
    if (this.ending) return true;
    if (!this.#opened) return this.#received.length < OPENING_LINE_MAX;
    const room = this.#stopped ? HELD_BYTES_MAX : this.#frame + FRAME_HEADER_BYTES;
    return this.#received.length < room;
  }

  /**
   * Whether messages stay in the buffer for now. A server does no work for a client that does not read;
   * if the client did the same, two that have much to say would wait for each other.
   */
  get #stopped(): boolean {
    return this.held || (this.#side === "server" && this.#muchToWrite);
  }

  get #muchToWrite(): boolean {
    return this.pendingTransmit >= TRANSMIT_HIGH_WATER;
  }

  tick(now: number): number {
    if (now > this.#now) this.#now = now;
    return this.#now;
  }

  readInto(): Uint8Array | undefined {
    if (!this.#lender?.lending) return undefined;
    const received = this.#received;
    if (received.tail.length < READ_MIN) {
      const memory = this.#lender.takeLent();
      if (memory === undefined) return undefined;
      received.moveTo(memory);
    }
    return received.tail;
  }

  receive(chunk: Uint8Array, now: number): void {
    if (!this.wantsRead) throw new Error("a chunk is given although wantsRead is false");
    this.tick(now);
    this.#heard();
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
    this.#bulkLeft = 0;
  }

  #heard(): void {
    this.#beatAt = this.#now;
    this.#asked = 0;
    this.#silentDue = false;
  }

  timeout(): number | undefined {
    if (this.#finished) return undefined;
    if (this.#lingerUntil !== undefined) return this.#lingerUntil;
    // A peer that has ended its side and reads no more is given up like one that is silent.
    if (this.heartbeat <= 0 || this.#endTold || this.#silentDue) return undefined;
    return this.#beatAt + this.heartbeat;
  }

  handleTimeout(now: number): void {
    this.tick(now);
    const due = this.timeout();
    if (due === undefined || this.#now < due) return;
    if (this.#lingerUntil !== undefined) {
      this.#ended = true;
      this.#sever();
      return;
    }
    // Counted from now: a machine that slept gives its peer the time to answer.
    this.#beatAt = this.#now;
    this.#asked++;
    if (this.#asked >= SILENT_HEARTBEATS) this.#silentDue = true;
    else this.send({ kind: "ping", id: this.#nonce = (this.#nonce + 1) >>> 0, body: {} });
  }

  pull(): LinkInput | undefined {
    if (this.#finished) return undefined;
    if (this.ending) {
      this.#received.clear();
      if (this.#transmit.pending > 0 || !(this.#ended || this.#byeHeard)) return undefined;
      this.#finished = true;
      return { input: "finished" };
    }
    if (this.#silentDue) return { input: "silent" };
    if (this.#faulted !== undefined) return this.#faulted;
    const input = this.#opened ? this.#pullMessage() : this.#pullLine();
    if (input !== undefined) return input;
    if (!this.#ended || this.#endTold) return undefined;
    // What is held back or owed does not matter any more when nobody is there.
    if (!this.#severed && (this.#stopped || this.owing)) return undefined;
    this.#endTold = true;
    const cutShort = this.#received.length > 0 && !this.#stopped;
    return cutShort ? this.#fault("cut-short") : { input: "end" };
  }

  #pullLine(): LinkInput | undefined {
    if (this.#others && !mayBePreface(this.#received)) return { input: "other" };
    const end = this.#received.indexOf(LINE_FEED, OPENING_LINE_MAX);
    if (end < 0) {
      return this.#received.length < OPENING_LINE_MAX ? undefined : this.#fault("bad-opening");
    }
    const line = decoder.decode(this.#received.view(0, end)).replace(/\r$/, "");
    this.#received.skip(end + 1);
    this.#opened = true;
    return { input: "line", line };
  }

  #pullMessage(): LinkInput | undefined {
    while (!this.#stopped) {
      const offset = this.#received.offset;
      const frame = readFrame(this.#received, this.#largest);
      if (frame === undefined) return undefined;
      if ("tooLarge" in frame) {
        return this.#fault(
          "too-large",
          `A frame of ${frame.length} bytes is above the limit of ${this.#frame}.`,
        );
      }
      const message = parseMessage(frame, this.#peer);
      if (message === undefined || message.kind === "pong") continue;
      if (message.kind === "ping") {
        // What waits to be written is a sign of life as well.
        if (!this.#muchToWrite) this.send({ kind: "pong", id: message.id, body: {} });
        continue;
      }
      if (message.kind === "bye") this.#byeHeard = true;
      if (message.kind !== "fault") return { input: "message", message, offset };
      const { request, status, text } = message;
      if (request !== undefined) return { input: "bad-command", request, fault: message, offset };
      return this.#fault(status, text, offset);
    }
    return undefined;
  }

  /** A fault is sticky: whatever stands behind it is never read. */
  #fault(
    status: StatusName,
    text: string = STATUS[status].text,
    offset: number = this.#received.offset,
  ): LinkInput {
    this.#faulted = { input: "fault", status, text, offset };
    return this.#faulted;
  }

  send(message: Message): void {
    this.sendFrame(message.kind, message.id, payloadOf(message.kind, message.body));
  }

  sendFrame(kind: Kind, id: number, payload: string): void {
    if (this.#severed) return;
    this.#transmit.frame(CATALOGUE[kind].type, id, payload);
  }

  sendText(line: string): void {
    if (!this.#severed) this.#transmit.text(line);
  }

  sendShared(frames: Uint8Array): void {
    if (!this.#severed) this.#transmit.shared(frames);
  }

  peekTransmit(): Uint8Array {
    if (this.#transmit.pending === 0 && !this.#severed && !this.ending) {
      const frame = this.#bulk();
      if (frame !== undefined) {
        this.#bulkLeft = frame.length;
        this.#transmit.shared(frame);
      }
    }
    return this.#transmit.peek();
  }

  consumeTransmit(count: number): void {
    // A write that was under way when the stream broke has nothing left to take.
    if (this.#severed) return;
    this.#transmit.consume(count);
    this.#bulkLeft -= Math.min(count, this.#bulkLeft);
  }

  end(status?: StatusName, reason?: string): void {
    if (this.ending) return;
    this.#lingerUntil = this.#now + LINGER;
    this.#received.clear();
    if (status === undefined) return;
    this.send({
      kind: "bye",
      id: 0,
      body: { code: STATUS[status].code, reason: reason ?? STATUS[status].text },
    });
  }

  release(): void {
    this.#finished = true;
    this.#received.clear();
    this.#sever();
  }

  handOver(): Handover {
    const stream = {
      received: this.#received,
      transmit: this.#transmit,
      now: this.#now,
      ended: this.#ended,
      severed: this.#severed,
    };
    this.#received = createReceiveBuffer();
    this.#transmit = createTransmitBuffer();
    this.release();
    return stream;
  }
}

/** Whether these bytes are the preface, or its beginning. */
function mayBePreface(received: ReceiveBuffer): boolean {
  for (let at = 0; at < received.length && at < PREFACE.length; at++) {
    const byte = received.at(at);
    if (byte === LINE_FEED && at === PREFACE.length - 2) return true;
    if (byte !== PREFACE.charCodeAt(at)) return false;
  }
  return true;
}

/** Makes a link. */
export function createLink(options: LinkOptions): Link {
  return new ByteLink(options);
}
