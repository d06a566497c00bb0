/**
 * The round-trip time of a path (RFC 9002 §5).
 *
 * @module
 */

/** What is taken for the round trip before one was measured, in ms. */
export const RTT_INITIAL = 333;
/** How finely time is measured, in ms. */
export const GRANULARITY = 3;

/** What is known of the round trip, in ms. */
export interface Rtt {
  /** The last sample. */
  readonly latest: number;
  /** The last sample, without what the peer has held its acknowledgement back. */
  readonly adjusted: number;
  /** The smallest sample. */
  readonly min: number;
  readonly smoothed: number;
  readonly variation: number;
  /** Whether there was a sample. */
  readonly measured: boolean;
  /**
   * Takes a sample. `delay` is how long the peer says that it held its acknowledgement back, and is believed
   * up to `delayMax`, and only as far as the round trip stays above the smallest one.
   */
  sample(rtt: number, delay: number, delayMax: number): void;
  /** Without the peer's holding back, how long to wait for an acknowledgement. */
  readonly base: number;
}

class RoundTrip implements Rtt {
  latest = RTT_INITIAL;
  adjusted = RTT_INITIAL;
  min = Infinity;
  smoothed = RTT_INITIAL;
  variation = RTT_INITIAL / 2;
  measured = false;

  sample(rtt: number, delay: number, delayMax: number): void {
    this.latest = this.adjusted = rtt;
    this.min = Math.min(this.min, rtt);
    if (!this.measured) {
      this.measured = true;
      this.smoothed = rtt;
      this.variation = rtt / 2;
      return;
    }
    const believed = Math.min(Math.max(0, delay), delayMax);
    const adjusted = rtt - believed >= this.min ? rtt - believed : rtt;
    this.adjusted = adjusted;
    this.variation += (Math.abs(this.smoothed - adjusted) - this.variation) / 4;
    this.smoothed += (adjusted - this.smoothed) / 8;
  }

  get base(): number {
    return this.smoothed + Math.max(4 * this.variation, GRANULARITY);
  }
}

/** Makes the estimate of a path that nothing is known of. */
export function createRtt(): Rtt {
  return new RoundTrip();
}
