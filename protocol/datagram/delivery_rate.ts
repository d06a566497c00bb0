/**
 * How fast packets arrive at the peer, measured in each round trip: what was acknowledged in it, over the longer of
 * the time in which the acknowledgements came and the time in which the packets had gone out. So neither
 * acknowledgements that come in a heap nor a burst looks like a fast link.
 *
 * @module
 */

import type { AckSample } from "./congestion.ts";

/** The best of so many rounds counts. */
const ROUNDS = 10;
/** Round trips of so many rounds are recent. */
const RECENT_ROUNDS = 4;

/** The rate of arrival on a path. */
export interface DeliveryRate {
  /** The best of the last rounds, and that of the last one, in bytes a ms. */
  readonly best: number;
  readonly latest: number;
  /** The smallest round trip in the last round, in ms. */
  readonly roundTrip: number;
  /** The smallest in the last four rounds and the present one, in ms. */
  readonly recent: number;
  /** The share that was lost in the last round. */
  readonly loss: number;
  /** Whether the sender sent as much as it was let in the last round. */
  readonly limited: boolean;
  /** Packets were acknowledged; true when a round is over with that. */
  onAck(sample: AckSample): boolean;
  onLost(bytes: number): void;
}

class Measure implements DeliveryRate {
  readonly #rates: number[] = [];
  readonly #roundTrips: number[] = [];
  /** The round: where it ends, when it began, when what was acknowledged by then was sent. */
  #end = 0;
  #from = 0;
  #sentFrom = 0;
  #acked = 0;
  #lost = 0;
  #least = Infinity;
  #isLimited = false;
  limited = false;
  best = 0;
  latest = 0;
  roundTrip = Infinity;
  loss = 0;

  get recent(): number {
    return Math.min(this.#least, ...this.#roundTrips);
  }

  onAck({ now, bytes, sentAt, largest, next, rtt, limited }: AckSample): boolean {
    this.#acked += bytes;
    if (rtt !== undefined && rtt < this.#least) this.#least = rtt;
    if (limited) this.#isLimited = true;
    if (largest < this.#end) return false;
    this.#finish(Math.max(now - this.#from, sentAt - this.#sentFrom));
    this.#end = next;
    this.#from = now;
    this.#sentFrom = sentAt;
    return true;
  }

  #finish(elapsed: number): void {
    this.latest = elapsed > 0 ? this.#acked / elapsed : 0;
    this.loss = this.#lost / Math.max(1, this.#lost + this.#acked);
    this.roundTrip = this.#least;
    this.#roundTrips.push(this.#least);
    if (this.#roundTrips.length > RECENT_ROUNDS) this.#roundTrips.shift();
    // Who has sent less than the link would take learns nothing from little.
    this.limited = this.#isLimited;
    if (this.limited || this.latest > this.best) {
      this.#rates.push(this.latest);
      if (this.#rates.length > ROUNDS) this.#rates.shift();
      this.best = Math.max(...this.#rates);
    }
    this.#acked = this.#lost = 0;
    this.#least = Infinity;
    this.#isLimited = false;
  }

  onLost(bytes: number): void {
    this.#lost += bytes;
  }
}

/** Begins to measure. */
export function createDeliveryRate(): DeliveryRate {
  return new Measure();
}
