/**
 * HyStart++ (RFC 9406): slow start ends before it overflows the path, when round trips have grown. Whether they
 * have is looked at for some rounds more, at a quarter of the growth, before it counts.
 *
 * The RFC compares the smallest round trips of two rounds. A sender that paces leaves the queue empty at the
 * end of each round, and that hides it. So what counts here is the smallest of eight samples in a row, above the
 * smallest of all; and when it has grown by half there is no doubt left. The samples must span a quarter of a round
 * trip: what a process finds waiting after it stood still are many samples of one moment.
 *
 * @module
 */

const RTT_THRESHOLD_MIN = 4;
const RTT_THRESHOLD_MAX = 16;
const RTT_DIVISOR = 8;
const SAMPLES = 8;
/** The part of the smallest round trip that they span at least. */
const SPAN = 1 / 4;
const GROWTH_DIVISOR = 4;
/** Rounds of slower growth, the one in which it began included. */
const ROUNDS = 5;
/** So many times the smallest round trip, the queue is there for certain. */
const CERTAIN = 1.5;

/** The search for the end of slow start. */
export interface HyStart {
  /** By what the window's growth is divided. */
  readonly divisor: number;
  /** Takes the round trip of an acknowledgement; true when slow start is over. */
  onAck(largest: number, next: number, rtt: number | undefined, now: number): boolean;
}

class Search implements HyStart {
  #smallest = Infinity;
  readonly #last: { readonly rtt: number; readonly at: number }[] = [];
  #roundEnd = 0;
  /** Whether round trips have grown in this round. */
  #grown = false;
  /** Rounds of slower growth, or 0 while it is not slower. */
  #rounds = 0;

  get divisor(): number {
    return this.#rounds === 0 ? 1 : GROWTH_DIVISOR;
  }

  onAck(largest: number, next: number, rtt: number | undefined, now: number): boolean {
    if (rtt !== undefined && this.#isCertain(rtt, now)) return true;
    if (largest < this.#roundEnd) return false;
    this.#roundEnd = next;
    // A whole round without it: it was noise.
    if (!this.#grown) this.#rounds = 0;
    else if (++this.#rounds > ROUNDS) return true;
    this.#grown = false;
    return false;
  }

  #isCertain(rtt: number, now: number): boolean {
    this.#smallest = Math.min(this.#smallest, rtt);
    const last = this.#last;
    last.push({ rtt, at: now });
    const span = SPAN * this.#smallest;
    while (last.length > SAMPLES && now - last[1].at >= span) last.shift();
    if (last.length < SAMPLES || now - last[0].at < span) return false;
    const growth = last.reduce((least, { rtt }) => Math.min(least, rtt), Infinity) - this.#smallest;
    const threshold = Math.max(
      RTT_THRESHOLD_MIN,
      Math.min(this.#smallest / RTT_DIVISOR, RTT_THRESHOLD_MAX),
    );
    if (growth < threshold) return false;
    this.#grown = true;
    if (this.#rounds === 0) this.#rounds = 1;
    return growth >= (CERTAIN - 1) * this.#smallest;
  }
}

/** Begins to look. */
export function createHyStart(): HyStart {
  return new Search();
}
