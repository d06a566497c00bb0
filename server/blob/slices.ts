/**
 * Long work in slices, so that whatever else is asked meanwhile waits for one slice only: those who have
 * some take turns, and between two slices messages are heard.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** Does a little; whether more is left. */
export type Slice = () => boolean;

/** Work that is done slice by slice. */
export interface Slices {
  add(slice: Slice): void;
}

/** Makes a list of long work. */
export function createSlices(): Slices {
  const waiting: Slice[] = [];
  function step(): void {
    const slice = waiting.shift()!;
    if (slice()) waiting.push(slice);
    if (waiting.length > 0) setImmediate(step);
  }
  return {
    add(slice) {
      if (waiting.push(slice) === 1) setImmediate(step);
    },
  };
}
