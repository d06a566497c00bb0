/**
 * A queue between a session that brings events and one consumer that iterates over them. It says when
 * it is full, so that the session can have the server wait: nothing is dropped and nothing grows.
 *
 * @module
 */

/** A queue with one consumer. */
export interface EventQueue<T> extends AsyncIterableIterator<T> {
  /** Whether so much waits that no more should come. */
  readonly full: boolean;
  push(value: T): void;
  /** Nothing more will come; what waits can still be taken. */
  end(): void;
}

/** So many waiting values are enough; when half of them are taken, there is room again. */
const FULL = 10_000;

class Queue<T> implements EventQueue<T> {
  readonly #drained: () => void;
  #values: T[] = [];
  #taken = 0;
  #ended = false;
  full = false;
  #waiting: ((result: IteratorResult<T>) => void)[] = [];

  constructor(drained: () => void) {
    this.#drained = drained;
  }

  push(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting({ value, done: false });
    else if (!this.#ended) this.#values.push(value);
    if (this.#values.length - this.#taken >= FULL) this.full = true;
  }

  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#taken < this.#values.length) {
      const value = this.#values[this.#taken++];
      if (this.#taken === this.#values.length || this.#taken >= FULL) {
        this.#values = this.#values.slice(this.#taken);
        this.#taken = 0;
      }
      if (this.full && this.#values.length - this.#taken <= FULL / 2) {
        this.full = false;
        this.#drained();
      }
      return Promise.resolve({ value, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<T>> {
    this.end();
    this.#values = [];
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Makes a queue; `drained` is called when it is no longer full. */
export function createEventQueue<T>(drained: () => void): EventQueue<T> {
  return new Queue(drained);
}
