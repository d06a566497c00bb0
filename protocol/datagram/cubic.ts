/**
 * CUBIC (RFC 9438) with HyStart++: after a loss the window grows back quickly to where it was, lingers there,
 * and then looks for more; never slower than Reno would. What turns out to have been no loss is undone.
 *
 * @module
 */

import {
  type AckSample,
  type Congestion,
  INITIAL_PACKETS,
  MINIMUM_PACKETS,
  WINDOW_MAX,
} from "./congestion.ts";
import { createHyStart, type HyStart } from "./hystart.ts";

/** Windows grow by C·t³ packets, t in seconds. */
const C = 0.4;
/** What is left of the window after a loss. */
const BETA = 0.7;
/** How fast Reno would have to grow to be as fair with that beta. */
const ALPHA = 3 * (1 - BETA) / (1 + BETA);
/** How much faster than a window a round trip packets go out. */
const SEARCH_GAIN = 2;
const GAIN = 1.25;

/** All that a trouble changes, and undoing gives back. */
interface Memory {
  readonly window: number;
  readonly threshold: number;
  readonly peak: number;
  readonly prior: number;
  readonly reno: number;
  readonly epoch: number | undefined;
  readonly k: number;
  readonly hystart: HyStart | undefined;
}

class Cubic implements Congestion {
  #packet: number;
  #threshold = Infinity;
  #hystart: HyStart | undefined = createHyStart();
  /** Where the last loss was, the window before it, and what Reno would have, in bytes. */
  #peak = 0;
  #prior = 0;
  #reno = 0;
  /** When growing back began; how long it takes, in s. */
  #epoch: number | undefined;
  #k = 0;
  #troubleAt = -1;
  #memory: Memory | undefined;
  #lastAck = 0;
  window: number;

  constructor(packet: number, window: number | undefined) {
    this.#packet = packet;
    this.window = window ?? INITIAL_PACKETS * packet;
    if (window === undefined) return;
    // Where it begins is known already: nothing is looked for.
    this.#threshold = window;
    this.#hystart = undefined;
  }

  get searching(): boolean {
    return this.window < this.#threshold;
  }

  get paced(): boolean {
    return false;
  }

  rate(smoothed: number): number {
    return (this.searching ? SEARCH_GAIN : GAIN) * this.window / smoothed;
  }

  onLost(): void {}

  onAck(sample: AckSample): void {
    const { now, bytes, sentAt, largest, next, rtt, smoothed, limited } = sample;
    const searching = this.searching;
    if (searching && this.#hystart?.onAck(largest, next, rtt, now)) {
      this.#threshold = this.window;
      this.#hystart = undefined;
    }
    const pause = now - this.#lastAck;
    this.#lastAck = now;
    if (bytes === 0 || this.#isAnswered(sentAt)) return;
    if (!limited) {
      // Time in which the window was not made use of is not time in which it may grow.
      if (this.#epoch !== undefined) this.#epoch = Math.min(now, this.#epoch + pause);
      return;
    }
    if (searching) this.window += bytes / (this.#hystart?.divisor ?? 1);
    else this.#grow(bytes, now, smoothed);
    this.window = Math.min(this.window, WINDOW_MAX);
  }

  #isAnswered(sentAt: number): boolean {
    return this.#troubleAt >= 0 && sentAt <= this.#troubleAt;
  }

  #grow(bytes: number, now: number, rtt: number): void {
    if (this.#epoch === undefined) {
      this.#epoch = now;
      this.#reno = this.window;
      if (this.#peak < this.window) this.#peak = this.#prior = this.window;
      this.#k = Math.cbrt((this.#peak - this.window) / this.#packet / C);
    }
    // Once Reno has come to where it was before the loss, it is as it always was.
    const alpha = this.#reno < this.#prior ? ALPHA : 1;
    this.#reno += alpha * this.#packet * bytes / this.window;
    const seconds = (now - this.#epoch) / 1000;
    if (this.#at(seconds) < this.#reno) {
      this.window = Math.max(this.window, this.#reno);
      return;
    }
    const target = Math.min(
      Math.max(this.#at(seconds + rtt / 1000), this.window),
      1.5 * this.window,
    );
    this.window += (target - this.window) * bytes / this.window;
  }

  /** The cubic function, in bytes. */
  #at(seconds: number): number {
    return this.#peak + C * (seconds - this.#k) ** 3 * this.#packet;
  }

  isNews(sentAt: number): boolean {
    return !this.#isAnswered(sentAt);
  }

  onTrouble(now: number): void {
    this.#memory = {
      window: this.window,
      threshold: this.#threshold,
      peak: this.#peak,
      prior: this.#prior,
      reno: this.#reno,
      epoch: this.#epoch,
      k: this.#k,
      hystart: this.#hystart,
    };
    this.#troubleAt = now;
    this.#prior = this.window;
    // Fast convergence: who lost before it was back makes room for others.
    this.#peak = this.window < this.#peak ? this.window * (1 + BETA) / 2 : this.window;
    this.window = Math.max(this.window * BETA, MINIMUM_PACKETS * this.#packet);
    this.#threshold = this.window;
    this.#hystart = undefined;
    this.#epoch = undefined;
  }

  undo(): void {
    const memory = this.#memory;
    if (memory === undefined) return;
    this.#memory = undefined;
    this.#troubleAt = -1;
    if (memory.window < this.window) return;
    this.window = memory.window;
    this.#threshold = memory.threshold;
    this.#peak = memory.peak;
    this.#prior = memory.prior;
    this.#reno = memory.reno;
    this.#epoch = memory.epoch;
    this.#k = memory.k;
    this.#hystart = memory.hystart;
  }

  onPersistent(): void {
    this.window = MINIMUM_PACKETS * this.#packet;
    this.#troubleAt = -1;
    this.#epoch = undefined;
    this.#memory = undefined;
  }

  resize(packet: number): void {
    // What was allowed at first was a number of packets.
    if (this.window === INITIAL_PACKETS * this.#packet && packet > this.#packet) {
      this.window = INITIAL_PACKETS * packet;
    }
    this.#packet = packet;
    this.window = Math.max(this.window, MINIMUM_PACKETS * packet);
  }
}

/**
 * Makes CUBIC for a path with packets of so many bytes. With a window, in bytes, it begins there and looks for no
 * other by slow start.
 */
export function createCubic(packet: number, window?: number): Congestion {
  return new Cubic(packet, window);
}
