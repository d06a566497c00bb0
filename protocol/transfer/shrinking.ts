/**
 * Whether deflating is worth trying: what did not shrink so far will hardly shrink later, and trying costs
 * more than sending (DESIGN §7).
 *
 * @module
 */

/** A chunk goes deflated only if that leaves at most this part of it. */
export const SHRUNK_MOST = 0.95;
/** The fewest bytes that may travel deflated: to inflate fewer costs the receiver more than it saves the network. */
export const PACKED_MIN = 512;
/** After so many chunks in a row that did not shrink, so many are not tried. */
const GIVE_UP_AFTER = 8;
const REST = 64;

/** The memory of what shrank. */
export interface Shrinking {
  /** Whether the next chunk should be tried; each call is one chunk. */
  worthwhile(): boolean;
  /** What came of trying it. */
  note(shrank: boolean): void;
}

/**
 * Begins hopefully.
 *
 * @example
 * ```ts
 * import { createShrinking } from "./shrinking.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const shrinking = createShrinking();
 * for (let chunk = 0; chunk < 8; chunk++) if (shrinking.worthwhile()) shrinking.note(false);
 * assertEquals(shrinking.worthwhile(), false);
 * ```
 */
export function createShrinking(): Shrinking {
  let failures = 0;
  let resting = 0;
  return {
    worthwhile() {
      if (resting === 0) return true;
      resting--;
      return false;
    },
    note(shrank) {
      failures = shrank ? 0 : failures + 1;
      if (failures < GIVE_UP_AFTER) return;
      failures = 0;
      resting = REST;
    },
  };
}
