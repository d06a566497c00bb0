/**
 * Pacing: packets go out spread over the round trip instead of all at once (DATAGRAM §3). A token bucket holds what
 * 2.5 ms may carry (10 ms where the pace alone decides), from 10 to 64 packets: a receiver's socket holds about 92 datagrams. Nobody is asked
 * to wait for less than 2 ms, since timers are not finer.
 *
 * @module
 */

/** How much time a burst stands for, in ms. */
const BURST_MS = 2.5;
/** Where the pace alone decides, a process that stood still for so long makes up for it, in ms. */
export const CATCH_UP_MS = 10;
const BURST_PACKETS_MIN = 10;
const BURST_PACKETS_MAX = 64;
/** Timers below this are not asked for, in ms. */
export const PACE_MS = 2;

/** When packets may go out. */
export interface Pacer {
  /** Sets the rate, in bytes a ms, the size of packets, and the time that a burst stands for. */
  setRate(rate: number, packet: number, burst?: number): void;
  /** Whether a packet may go out. */
  mayGo(now: number): boolean;
  /** A packet has gone out. */
  gone(bytes: number, now: number): void;
  /** When the next may go, once none may now. */
  nextAt(now: number): number;
}

class Bucket implements Pacer {
  #rate = 0;
  #burst = Infinity;
  #tokens = Infinity;
  #at = 0;

  setRate(rate: number, packet: number, burst: number = BURST_MS): void {
    this.#rate = rate;
    this.#burst = Math.min(
      Math.max(rate * burst, BURST_PACKETS_MIN * packet),
      BURST_PACKETS_MAX * packet,
    );
    this.#tokens = Math.min(this.#tokens, this.#burst);
  }

  #refill(now: number): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#rate);
    this.#at = now;
  }

  mayGo(now: number): boolean {
    this.#refill(now);
    return this.#tokens > 0;
  }

  gone(bytes: number, now: number): void {
    this.#refill(now);
    this.#tokens -= bytes;
  }

  nextAt(now: number): number {
    return now + Math.max(PACE_MS, (1 - this.#tokens) / this.#rate);
  }
}

/** Makes a bucket that is full. */
export function createPacer(): Pacer {
  return new Bucket();
}
