/**
 * Drives a session: moves bytes between it and one stream after the other, and tells it the time.
 *
 * @module
 */

import type { ChannelBinding } from "../protocol/scram.ts";
import type { ClientSession, SessionTransition } from "../protocol/session.ts";
import type { ByteStream, Dial } from "./byte_stream.ts";
import { dialWithin } from "./dial_within.ts";

const READ_BYTES = 256 * 1024;
/** How long opening a stream may take, in ms. */
const DIAL_TIMEOUT = 10_000;

/** The time of sessions, in ms. */
export function now(): number {
  return performance.now();
}

/** What happens to a session beside its streams, which are the driver's business. */
export type SessionNews = Exclude<SessionTransition, { kind: "dial" | "hang-up" }>;

/** Who is told. */
export interface SessionOwner {
  /** Something happened. When it is over, the stream is closed already. */
  happened(what: SessionNews): void;
  /** Some bytes were written. */
  written(): void;
}

/** Moves the bytes of a session. */
export class SessionDriver {
  readonly #session: ClientSession;
  readonly #dialStream: Dial;
  readonly #owner: SessionOwner;
  #stream: ByteStream | undefined;
  #writing = false;
  #readAgain: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #dialling = new AbortController();
  /** With what opening a stream has failed last. */
  dialError: unknown;

  constructor(session: ClientSession, dial: Dial, owner: SessionOwner) {
    this.#session = session;
    this.#dialStream = dial;
    this.#owner = owner;
  }

  /** What the present stream is bound to. */
  get binding(): ChannelBinding | undefined {
    return this.#stream?.binding;
  }

  /** Hands on what happened, writes what can be written, and sets the timer: after every input. */
  turn(): void {
    this.#drain();
    this.flush();
    if (this.#session.wantsRead) this.#readAgain?.();
    this.#arm();
  }

  /** A turn, but not within another one. */
  turnSoon(): void {
    queueMicrotask(() => this.turn());
  }

  /** Writes what waits, unless that is being done. */
  flush(): void {
    if (!this.#writing) this.#write();
  }

  /** Nobody waits for a stream any more. */
  abandonDial(): void {
    this.#dialling.abort(new Error("the client was closed"));
  }

  #drain(): void {
    let what = this.#session.next();
    while (what !== undefined) {
      this.#happened(what);
      what = this.#session.next();
    }
  }

  #happened(what: SessionTransition): void {
    switch (what.kind) {
      case "dial":
        this.#dial();
        return;
      case "hang-up":
        this.#hangUp();
        return;
      case "closed":
        clearTimeout(this.#timer);
        this.#timerAt = -Infinity;
        this.#hangUp();
    }
    this.#owner.happened(what);
  }

  #arm(): void {
    const due = this.#session.timeout() ?? Infinity;
    // A timer that comes too early does nothing, so only an earlier time needs a new one.
    if (due >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.#session.handleTimeout(now());
      this.turn();
    }, Math.max(0, due - now()));
  }

  async #dial(): Promise<void> {
    this.#dialling = new AbortController();
    try {
      this.#stream = await dialWithin(DIAL_TIMEOUT, this.#dialStream, this.#dialling.signal);
    } catch (error) {
      this.dialError = error;
      const text = error instanceof Error ? error.message : String(error);
      this.#session.dialFailed(
        now(),
        text,
        (error as { forGood?: unknown } | null)?.forGood === true,
      );
      this.turn();
      return;
    }
    this.#session.opened(now(), this.#stream.binding);
    this.#read(this.#stream);
    this.turn();
  }

  #hangUp(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#readAgain?.();
  }

  /** Resolves when there is room for what comes, or to `false` when the stream is given up. */
  async #wanted(stream: ByteStream): Promise<boolean> {
    while (this.#stream === stream && !this.#session.wantsRead) {
      await new Promise<void>((resolve) => this.#readAgain = resolve);
      this.#readAgain = undefined;
    }
    return this.#stream === stream;
  }

  async #read(stream: ByteStream): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      while (await this.#wanted(stream)) {
        const count = await stream.read(buffer);
        if (this.#stream !== stream) return;
        if (count === null) {
          this.#session.receiveEnd(now());
          this.turn();
          return;
        }
        // What has come while there is no room waits too: dropped, it would tear the stream.
        if (!await this.#wanted(stream)) return;
        this.#session.receive(buffer.subarray(0, count), now());
        this.turn();
      }
    } catch {
      if (this.#stream === stream) {
        this.#session.receiveBreak(now());
        this.turn();
      }
    }
  }

  async #write(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    let bytes = this.#session.peekTransmit();
    if (bytes.length === 0) return;
    this.#writing = true;
    try {
      while (bytes.length > 0 && this.#stream === stream) {
        const count = await stream.write(bytes);
        if (this.#stream !== stream) break;
        this.#session.consumeTransmit(count);
        this.#drain();
        this.#owner.written();
        bytes = this.#session.peekTransmit();
      }
    } catch {
      if (this.#stream === stream) this.#session.receiveBreak(now());
    }
    this.#writing = false;
    // A new stream may have come while the old one's write was failing.
    this.turn();
  }
}
