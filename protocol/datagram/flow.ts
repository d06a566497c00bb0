/**
 * Flow control of the stream: the receiver says how far the sender may go, and goes ahead of what it has
 * read by a window. The window grows to twice what the path carries in a round trip (DATAGRAM §3).
 *
 * @module
 */

/** How large the window is at first, and at most, in bytes. */
export interface Window {
  /** At first. */
  readonly initial: number;
  /** At most. */
  readonly max: number;
}

/** What is used where nothing else is said. */
export const WINDOW_DEFAULT: Window = { initial: 1024 * 1024, max: 32 * 1024 * 1024 };

/** The receiver's half. */
export interface ReceiveFlow {
  /** Bytes before this offset may come. */
  readonly limit: number;
  /** How far ahead of the reader the sender may go. */
  readonly window: number;
  /** The reader has got so far; true if the limit was moved and should be told. */
  read(readTo: number, now: number, srtt: number): boolean;
}

class Receiver implements ReceiveFlow {
  readonly #max: number;
  #movedAt: number | undefined;
  window: number;
  limit: number;

  constructor({ initial, max }: Window) {
    this.window = this.limit = Math.min(initial, max);
    this.#max = max;
  }

  read(readTo: number, now: number, srtt: number): boolean {
    // Half a window is told at once: a sender never stands still while its window is read.
    if (readTo + this.window - this.limit < this.window / 2) return false;
    // Half a window in less than a round trip: it is what holds the sender up.
    if (this.#movedAt !== undefined && now - this.#movedAt < 2 * srtt) {
      this.window = Math.min(this.#max, this.window * 2);
    }
    this.#movedAt = now;
    const limit = readTo + this.window;
    if (limit <= this.limit) return false;
    this.limit = limit;
    return true;
  }
}

/** Makes the receiver's half. */
export function createReceiveFlow(window: Window): ReceiveFlow {
  return new Receiver(window);
}
