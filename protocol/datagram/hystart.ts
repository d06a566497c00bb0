/**
 * HyStart++ (RFC 9406): slow start ends before it overflows the path, when the smallest round trip of a
 * round has grown. Whether it has is looked at once more, at a quarter of the growth, before it counts.
 *
 * @module
 */

const RTT_THRESHOLD_MIN = 4;
const RTT_THRESHOLD_MAX = 16;
const RTT_DIVISOR = 8;
const SAMPLES = 8;
const GROWTH_DIVISOR = 4;
/** Rounds of slower growth, the one in which it began included. */
const ROUNDS = 5;

/** The search for the end of slow start. */
export interface HyStart {
  /** By what the window's growth is divided. */
  readonly divisor: number;
  /** Takes the round trip of an acknowledgement; true when slow start is over. */
  onAck(largest: number, next: number, rtt: number | undefined): boolean;
}

class Search implements HyStart {
  #roundEnd = 0;
  #last = Infinity;
  #current = Infinity;
  #samples = 0;
  /** The smallest round trip when conservative slow start began. */
  #baseline: number | undefined;
  #rounds = 0;

  get divisor(): number {
    return this.#baseline === undefined ? 1 : GROWTH_DIVISOR;
  }

  onAck(largest: number, next: number, rtt: number | undefined): boolean {
    if (rtt !== undefined) {
      this.#current = Math.min(this.#current, rtt);
      this.#samples++;
    }
    if (this.#samples >= SAMPLES) this.#judge();
    if (largest < this.#roundEnd) return false;
    this.#roundEnd = next;
    this.#last = this.#current;
    this.#current = Infinity;
    this.#samples = 0;
    return this.#baseline !== undefined && ++this.#rounds >= ROUNDS;
  }

  #judge(): void {
    if (this.#baseline !== undefined) {
      // It was noise: the round trip is what it was.
      if (this.#current < this.#baseline) this.#baseline = undefined;
      return;
    }
    if (this.#last === Infinity) return;
    const threshold = Math.max(
      RTT_THRESHOLD_MIN,
      Math.min(this.#last / RTT_DIVISOR, RTT_THRESHOLD_MAX),
    );
    if (this.#current < this.#last + threshold) return;
    this.#baseline = this.#current;
    this.#rounds = 0;
  }
}

/** Begins to look. */
export function createHyStart(): HyStart {
  return new Search();
}
