/**
 * How far a connection's handshake has come, and when its packets go out: INIT again and again until there is an
 * answer, RESP whenever INIT comes.
 *
 * @module
 */

import type { Handshaken, Initiator } from "./handshake.ts";
import type { RespPacket, RetryPacket } from "./packet.ts";

/** INIT is sent anew after so long, in ms, and then after twice that, but never later than: */
export const INIT_RETRY_MS = 300;
/** The longest wait, in ms: a server that starts again is found soon. */
export const INIT_RETRY_MS_MAX = 1200;
/** A handshake that has not come through by then never will, in ms. */
export const HANDSHAKE_MS = 10_000;
/** How long a responder waits for proof, in ms: well beyond the moment when an initiator may get its answer. */
export const HALF_OPEN_MS = 30_000;

/** What an initiator's handshake has given. */
export interface Response {
  readonly result: Handshaken;
  /** The round trip, if it is clear which INIT was answered. */
  readonly rtt: number | undefined;
}

/** One side's handshake. */
export interface HandshakeProgress {
  /** When something is to be done; `undefined` once it is through. */
  readonly due: number | undefined;
  /** Whether it has taken too long. */
  isLate(now: number): boolean;
  /** Writes the packet that is due, and gives its length, or 0. */
  transmit(out: Uint8Array, now: number): number;
  /** It is through: nothing is due any more. */
  finish(): void;
}

/** The initiator's: INIT until RESP. */
export class Calling implements HandshakeProgress {
  readonly #initiator: Initiator;
  readonly #lateAt: number;
  #initAt: number;
  #sent = 0;
  #sentAt = 0;
  #isThrough = false;

  constructor(initiator: Initiator, now: number) {
    this.#initiator = initiator;
    this.#initAt = now;
    this.#lateAt = now + HANDSHAKE_MS;
  }

  get due(): number | undefined {
    return this.#isThrough ? undefined : Math.min(this.#initAt, this.#lateAt);
  }

  isLate(now: number): boolean {
    return !this.#isThrough && now >= this.#lateAt;
  }

  transmit(out: Uint8Array, now: number): number {
    if (this.#isThrough || now < this.#initAt) return 0;
    const packet = this.#initiator.init();
    out.set(packet);
    this.#initAt = now + Math.min(INIT_RETRY_MS_MAX, INIT_RETRY_MS * 2 ** this.#sent);
    this.#sent++;
    this.#sentAt = now;
    return packet.length;
  }

  /** Takes a RETRY; false where it is not genuine. */
  retry(packet: RetryPacket, now: number): boolean {
    if (!this.#initiator.retry(packet)) return false;
    // The path has answered, so another INIT need not wait.
    this.#initAt = now;
    this.#sent = 0;
    return true;
  }

  /** Takes a RESP. */
  response(packet: RespPacket, now: number): Response | undefined {
    const result = this.#initiator.response(packet);
    if (result === undefined) return undefined;
    return { result, rtt: this.#sent === 1 ? now - this.#sentAt : undefined };
  }

  finish(): void {
    this.#isThrough = true;
  }
}

/** The responder's: RESP for each INIT. */
export class Answering implements HandshakeProgress {
  readonly #resp: Uint8Array;
  #lateAt: number | undefined;
  #isDue = true;

  constructor(resp: Uint8Array, now: number) {
    this.#resp = resp;
    this.#lateAt = now + HALF_OPEN_MS;
  }

  get due(): number | undefined {
    return this.#lateAt;
  }

  isLate(now: number): boolean {
    return this.#lateAt !== undefined && now >= this.#lateAt;
  }

  /** INIT came again: so may its answer. */
  repeat(): void {
    this.#isDue = this.#lateAt !== undefined;
  }

  transmit(out: Uint8Array): number {
    if (!this.#isDue) return 0;
    this.#isDue = false;
    out.set(this.#resp);
    return this.#resp.length;
  }

  finish(): void {
    this.#lateAt = undefined;
    this.#isDue = false;
  }
}
