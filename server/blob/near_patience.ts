/**
 * How long the near side of a store waits for a disk. What the system has at hand, or takes at once, is done fastest
 * on the spot; but everybody waits with whoever waits there, so a disk that was slow is left to the far side for a
 * while.
 *
 * @module
 */

/** What takes more ms was not at hand; two of them in a row are too much. */
const SLOW_MS = 5;
const SLOW_MAX = 2;
/** How long nothing is begun on the near side then, in ms. */
const REST_MS = 60_000;

/** The patience with one disk. */
export interface NearPatience {
  /** Whether it has been too slow of late. */
  readonly over: boolean;
  /** The patience with one file on it. */
  open(): FilePatience;
}

/** The patience with one file. */
export interface FilePatience {
  /** Runs something that may wait; whether more of this file may be done here. */
  run(work: () => void): boolean;
}

class DiskPatience implements NearPatience {
  readonly #slow: number;
  #restUntil = -Infinity;

  constructor(slow: number) {
    this.#slow = slow;
  }

  get over(): boolean {
    return performance.now() < this.#restUntil;
  }

  open(): FilePatience {
    let slow = 0;
    return {
      run: (work) => {
        const begun = performance.now();
        work();
        const now = performance.now();
        slow = now - begun < this.#slow ? 0 : slow + 1;
        if (slow < SLOW_MAX) return true;
        this.#restUntil = now + REST_MS;
        return false;
      },
    };
  }
}

/** Has patience with what takes less than `slow` ms; less than 5 by default. */
export function createNearPatience(slow: number = SLOW_MS): NearPatience {
  return new DiskPatience(slow);
}
