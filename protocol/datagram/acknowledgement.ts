/**
 * What was received and when it is acknowledged (DATAGRAM §3): every second packet for the first hundred,
 * then every tenth, or after an eighth of the round trip; at once where something is missing, at the end of
 * a stream, or on request.
 *
 * @module
 */

import { createRangeSet, type RangeSet } from "./ranges.ts";

/** The most ranges of received numbers that are remembered; what lies below them is taken for known. */
export const RECEIVED_RANGES_MAX = 256;
/** The longest that an acknowledgement is held back, in ms: told to the peer, who waits for it. */
export const ACK_DELAY_MAX = 25;
/** So many packets are acknowledged in twos. */
const EARLY_PACKETS = 100;
const EARLY_EVERY = 2;
const EVERY = 10;
/** Timers below this are not worth it, in ms. */
const DELAY_MIN = 2;

/** The packets that have come, and the acknowledgement that is owed for them. */
export interface Acknowledgement {
  /** The largest number that has come, or −1. */
  readonly largest: number;
  /** What has come, as far as it is remembered. */
  readonly received: RangeSet;
  /** Whether an acknowledgement is owed, whether or not it is due. */
  readonly owed: boolean;
  /** Whether one is due now. */
  readonly due: boolean;
  /** When the one that is owed becomes due. */
  readonly dueAt: number | undefined;
  /** Whether a number has come before, or is too old to tell. */
  isKnown(number: number): boolean;
  /** A packet has come. */
  take(number: number, eliciting: boolean, urgent: boolean, now: number, srtt: number): void;
  /** Makes the acknowledgement due whose time has come. */
  handleTimeout(now: number): void;
  /** How long ago the largest number came, in ms. */
  delay(now: number): number;
  /** An acknowledgement was sent. */
  sent(): void;
  /** The peer knows that everything below `number` is acknowledged. */
  forgetBelow(number: number): void;
}

class Received implements Acknowledgement {
  readonly received = createRangeSet();
  #floor = 0;
  #largestAt = 0;
  #seen = 0;
  #unacknowledged = 0;
  #changed = false;
  #due = false;
  #dueAt: number | undefined;
  largest = -1;

  get owed(): boolean {
    return this.#changed && this.received.count > 0;
  }

  get due(): boolean {
    return this.#due;
  }

  get dueAt(): number | undefined {
    return this.#due ? undefined : this.#dueAt;
  }

  isKnown(number: number): boolean {
    return number < this.#floor || (number <= this.largest && this.received.has(number));
  }

  take(number: number, eliciting: boolean, urgent: boolean, now: number, srtt: number): void {
    const inOrder = number === this.largest + 1;
    this.received.add(number, number + 1);
    if (this.received.count > RECEIVED_RANGES_MAX) {
      this.#floor = this.received.end(0);
      this.received.shift();
    }
    if (number > this.largest) {
      this.largest = number;
      this.#largestAt = now;
    }
    this.#changed = true;
    if (!eliciting) return;
    this.#unacknowledged++;
    const every = this.#seen++ < EARLY_PACKETS ? EARLY_EVERY : EVERY;
    if (urgent || !inOrder || this.#unacknowledged >= every) this.#due = true;
    const delay = Math.max(DELAY_MIN, Math.min(srtt / 8, ACK_DELAY_MAX));
    this.#dueAt ??= now + delay;
  }

  handleTimeout(now: number): void {
    if (this.#dueAt !== undefined && now >= this.#dueAt) this.#due = true;
  }

  delay(now: number): number {
    return now - this.#largestAt;
  }

  sent(): void {
    this.#unacknowledged = 0;
    this.#changed = this.#due = false;
    this.#dueAt = undefined;
  }

  forgetBelow(number: number): void {
    if (number <= this.#floor) return;
    this.#floor = number;
    this.received.remove(0, number);
  }
}

/** Makes the record of a direction in which nothing has come yet. */
export function createAcknowledgement(): Acknowledgement {
  return new Received();
}
