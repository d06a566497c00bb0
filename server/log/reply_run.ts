/**
 * Runs of replies as one text: replies to commands that follow each other mostly differ only in their
 * numbers, and each number by as much as from the reply before.
 *
 * The first reply stands there, and what is added to its numbers from one reply to the next, a line each.
 * So a run of any length takes little more room than its first reply.
 *
 * @module
 */

/** JSON as it is stringified has none in it. */
const LINE_END = "\n";
const NUMBER = /\d+/;
const NUMBERS = /\d+/g;

/** Replies that follow each other, as JSON texts. */
export interface ReplyRun {
  /** How many there are. */
  readonly count: number;
  /** Adds a reply, or tells by `false` that it does not follow. */
  add(json: string): boolean;
  /** The reply at a place, from 0. */
  at(index: number): string;
  /** The whole run; {@linkcode readReplyRun} reads it. */
  text(): string;
}

class SteppedRun implements ReplyRun {
  readonly #first: string;
  /** What stands around the numbers of the first reply. */
  readonly #around: string[];
  readonly #numbers: number[];
  #steps: number[] | undefined;
  count: number;

  constructor(first: string, count: number, steps?: number[]) {
    this.#first = first;
    this.#around = first.split(NUMBER);
    this.#numbers = numbersOf(first);
    this.#steps = steps;
    this.count = count;
  }

  add(json: string): boolean {
    if (this.#steps === undefined) {
      const numbers = numbersOf(json);
      if (numbers.length !== this.#numbers.length) return false;
      this.#steps = numbers.map((number, i) => number - this.#numbers[i]);
      // Whatever this reply is, it follows only if it comes out again.
      if (this.at(this.count) !== json) {
        this.#steps = undefined;
        return false;
      }
    } else if (this.at(this.count) !== json) return false;
    this.count++;
    return true;
  }

  at(index: number): string {
    if (index === 0) return this.#first;
    let json = this.#around[0];
    for (let i = 0; i < this.#numbers.length; i++) {
      json += this.#numbers[i] + index * this.#steps![i] + this.#around[i + 1];
    }
    return json;
  }

  text(): string {
    return this.#steps === undefined ? this.#first : [this.#first, ...this.#steps].join(LINE_END);
  }
}

function numbersOf(json: string): number[] {
  return (json.match(NUMBERS) ?? []).map(Number);
}

/**
 * Begins a run.
 *
 * @example
 * ```ts
 * import { beginReplyRun, readReplyRun } from "./reply_run.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const run = beginReplyRun('{"seq":7,"at":99}');
 * assertEquals(run.add('{"seq":8,"at":99}') && run.add('{"seq":9,"at":99}'), true);
 * assertEquals(run.add('{"seq":9,"at":99}'), false);
 * assertEquals(run.text(), '{"seq":7,"at":99}\n1\n0');
 * assertEquals(readReplyRun(run.text(), run.count).at(2), '{"seq":9,"at":99}');
 * ```
 */
export function beginReplyRun(first: string): ReplyRun {
  return new SteppedRun(first, 1);
}

/** Reads a run of so many replies. */
export function readReplyRun(text: string, count: number): ReplyRun {
  const [first, ...steps] = text.split(LINE_END);
  return new SteppedRun(first, count, count > 1 ? steps.map(Number) : undefined);
}
