/**
 * A trip wire on streams that are dialled: something is done in the very moment when so many bytes have passed.
 *
 * @module
 */

import type { Dial } from "../../client/mod.ts";

/** A trip wire. */
export interface Trip {
  /** Bytes that have passed so far. */
  readonly passed: number;
  /** Acts once, when so many more bytes have passed in either direction. */
  arm(bytes: number, act: () => void): void;
  /** Puts the wire over whatever is dialled. */
  over(dial: Dial): Dial;
}

/** In steps of so many bytes, so that also the moments between large frames are met. */
const STEP = 32_768;

/** Makes a wire that is not armed. */
export function createTrip(): Trip {
  let passed = 0;
  let left = Infinity;
  let act = () => {};
  function pass<T extends number | null>(count: T): T {
    passed += count ?? 0;
    if (left === Infinity) return count;
    left -= count ?? 0;
    if (left > 0) return count;
    left = Infinity;
    act();
    return count;
  }
  return {
    get passed() {
      return passed;
    },
    arm(bytes, then) {
      left = bytes;
      act = then;
    },
    over: (dial) => async () => {
      const stream = await dial();
      return {
        read: async (into) => pass(await stream.read(into)),
        write: async (bytes) => pass(await stream.write(bytes.subarray(0, STEP))),
        close: () => stream.close(),
      };
    },
  };
}
