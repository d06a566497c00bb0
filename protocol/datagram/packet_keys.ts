/**
 * The keys of a connection's packets: one in each direction, used with the packet number as nonce, and
 * replaced by the next one of a chain after 1 GiB or ten minutes (DATAGRAM §1). The phase bit tells which.
 *
 * Each direction turns on its own: a sender turns when it likes, once a packet under its present key was
 * acknowledged; the receiver follows the first genuine packet of the other phase, and keeps the old key for a
 * while for packets that are late.
 *
 * @module
 */

import { DATA_HEADER_BYTES, DATA_OVERHEAD } from "./packet.ts";
import { type Aead, hkdfExpand, KEY_BYTES, NONCE_BYTES, type Suite } from "./suite.ts";

/** A key is used for so many bytes, and for so long, in ms. */
export const REKEY_BYTES: number = 1024 ** 3;
export const REKEY_MS: number = 10 * 60_000;
/** After so many packets that were not genuine the key is not safe any more (RFC 9001 §6.6). */
export const FORGERIES_MAX: number = 2 ** 36;

interface Generation {
  readonly aead: Aead;
  readonly iv: Uint8Array;
  readonly secret: Uint8Array;
}

function generation(suite: Suite, secret: Uint8Array): Generation {
  return {
    secret,
    aead: suite.aead(hkdfExpand(suite, secret, "dfp2 key", KEY_BYTES)),
    iv: hkdfExpand(suite, secret, "dfp2 iv", NONCE_BYTES),
  };
}

function nextGeneration(suite: Suite, { secret }: Generation): Generation {
  return generation(suite, hkdfExpand(suite, secret, "dfp2 next", KEY_BYTES));
}

/** The IV combined with the packet number. */
function writeNonce(into: Uint8Array, iv: Uint8Array, number: number): void {
  into.set(iv);
  const high = Math.floor(number / 2 ** 32);
  into[4] ^= high >>> 24;
  into[5] ^= high >>> 16;
  into[6] ^= high >>> 8;
  into[7] ^= high;
  into[8] ^= number >>> 24;
  into[9] ^= number >>> 16;
  into[10] ^= number >>> 8;
  into[11] ^= number;
}

/** When a sender turns to its next key. */
export interface RekeyLimits {
  /** After so many bytes. */
  readonly bytes: number;
  /** Or after so long, in ms. */
  readonly ms: number;
}

/** The key of what is sent. */
export class SealingKey {
  readonly #suite: Suite;
  readonly #limits: RekeyLimits;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  #now: Generation;
  #bytes = 0;
  #since: number;
  /** The first number under the present key. */
  #first = 0;
  phase: 0 | 1 = 0;
  /** How often the key was replaced. */
  turns = 0;

  constructor(suite: Suite, secret: Uint8Array, now: number, limits: RekeyLimits) {
    this.#suite = suite;
    this.#limits = limits;
    this.#now = generation(suite, secret);
    this.#since = now;
  }

  /** Turns to the next key if it is time; `largestAcked` shows whether the peer has the present one. */
  turn(next: number, largestAcked: number, now: number): void {
    const due = this.#bytes >= this.#limits.bytes || now - this.#since >= this.#limits.ms;
    if (!due || largestAcked < this.#first) return;
    this.#now = nextGeneration(this.#suite, this.#now);
    this.#bytes = 0;
    this.#since = now;
    this.#first = next;
    this.phase = this.phase === 0 ? 1 : 0;
    this.turns++;
  }

  /** Seals `frames` behind the header that stands in `packet` already; gives the packet's length. */
  seal(packet: Uint8Array, frames: Uint8Array, number: number): number {
    writeNonce(this.#nonce, this.#now.iv, number);
    const length = frames.length + DATA_OVERHEAD;
    this.#now.aead.seal(
      this.#nonce,
      packet.subarray(0, DATA_HEADER_BYTES),
      frames,
      packet.subarray(DATA_HEADER_BYTES, length),
    );
    this.#bytes += frames.length;
    return length;
  }
}

/** The key of what is received. */
export class OpeningKey {
  readonly #suite: Suite;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  #now: Generation;
  #next: Generation | undefined;
  #old: Generation | undefined;
  #oldUntil = 0;
  #phase: 0 | 1 = 0;
  /** The lowest number that came under the present key. */
  #first = 0;
  forgeries = 0;
  /** How often the peer has turned to another key. */
  turns = 0;

  constructor(suite: Suite, secret: Uint8Array) {
    this.#suite = suite;
    this.#now = generation(suite, secret);
  }

  /**
   * Opens a packet into `frames`; false if it is not genuine. `patience` is how long packets under the key
   * before may be late, in ms.
   */
  open(
    packet: Uint8Array,
    phase: 0 | 1,
    number: number,
    frames: Uint8Array,
    now: number,
    patience: number,
  ): boolean {
    if (phase === this.#phase) {
      if (!this.#try(this.#now, packet, number, frames)) return false;
      if (number < this.#first) this.#first = number;
      return true;
    }
    if (this.#old !== undefined && number < this.#first) {
      return now <= this.#oldUntil && this.#try(this.#old, packet, number, frames);
    }
    if (number < this.#first) return false;
    this.#next ??= nextGeneration(this.#suite, this.#now);
    if (!this.#try(this.#next, packet, number, frames)) return false;
    this.#old = this.#now;
    this.#oldUntil = now + patience;
    this.#now = this.#next;
    this.#next = undefined;
    this.#phase = phase;
    this.#first = number;
    this.turns++;
    return true;
  }

  #try(
    { aead, iv }: Generation,
    packet: Uint8Array,
    number: number,
    frames: Uint8Array,
  ): boolean {
    writeNonce(this.#nonce, iv, number);
    const genuine = aead.open(
      this.#nonce,
      packet.subarray(0, DATA_HEADER_BYTES),
      packet.subarray(DATA_HEADER_BYTES),
      frames,
    );
    if (!genuine) this.forgeries++;
    return genuine;
  }
}
