/**
 * The path in use, as a sender knows it: its round trip, how much may be under way, how fast, in how large
 * datagrams. Another path is another route.
 *
 * @module
 */

import { type AckSample, type Congestion, WINDOW_MAX } from "./congestion.ts";
import { createMtu, type Mtu } from "./mtu.ts";
import { CATCH_UP_MS, createPacer } from "./pacer.ts";
import { createRtt, type Rtt } from "./rtt.ts";

/** No round trip is taken to be shorter when a rate is computed, in ms. */
const RTT_MIN = 0.05;

/** The path in use. */
export class Route {
  readonly rtt: Rtt = createRtt();
  readonly congestion: Congestion;
  readonly mtu: Mtu;
  readonly #pacer = createPacer();
  #pacedUntil: number | undefined;
  /** Packets below this number went out while the window was full. */
  #fullUntil = 0;

  constructor(congestion: Congestion, datagram: number) {
    this.congestion = congestion;
    this.mtu = createMtu(datagram);
    this.pace();
  }

  /** When the pace lets the next packet go, if that is what holds it back. */
  get pacedUntil(): number | undefined {
    return this.#pacedUntil;
  }

  /** Sets the pace by window and round trip. */
  pace(): void {
    const rate = this.congestion.rate(Math.max(this.rtt.smoothed, RTT_MIN));
    this.#pacer.setRate(rate, this.mtu.size, this.congestion.paced ? CATCH_UP_MS : undefined);
    this.#pacedUntil = undefined;
  }

  /** Whether window and pace let a packet of a size go, which would have the number `next`. */
  mayGo(size: number, inFlight: number, next: number, now: number): boolean {
    if (inFlight + size > Math.min(this.congestion.window, WINDOW_MAX)) {
      this.#fullUntil = next;
      return false;
    }
    const waits = this.#pacedUntil !== undefined && now < this.#pacedUntil;
    if (!waits && this.#pacer.mayGo(now)) return true;
    if (this.congestion.paced) this.#fullUntil = next;
    if (waits) return false;
    this.#pacedUntil = this.#pacer.nextAt(now);
    return false;
  }

  /** A packet has gone. */
  gone(bytes: number, now: number): void {
    this.#pacer.gone(bytes, now);
  }

  /** Packets were acknowledged, before which so many bytes were under way. */
  onAck(
    sample: Omit<AckSample, "limited" | "rtt" | "smoothed" | "smallest">,
    sampled: boolean,
    before: number,
  ) {
    const { congestion, rtt } = this;
    congestion.onAck({
      ...sample,
      rtt: sampled ? rtt.adjusted : undefined,
      smoothed: rtt.smoothed,
      smallest: rtt.min,
      limited: sample.largest < this.#fullUntil ||
        (congestion.searching && 2 * before >= congestion.window),
    });
    this.pace();
  }

  /** The size of datagrams has changed. */
  resize(): void {
    this.congestion.resize(this.mtu.size);
  }

  handleTimeout(now: number): void {
    if (this.#pacedUntil !== undefined && now >= this.#pacedUntil) this.#pacedUntil = undefined;
  }
}
