/**
 * How long a client waits before it dials again: longer with each failure, and not all clients alike, so that
 * a server that comes back is not overrun.
 *
 * @module
 */

/** The first wait before dialling again, in ms; it doubles with each failure. */
export const RETRY_FIRST = 100;
/** The longest wait before dialling again, in ms. */
export const RETRY_MAX = 1500;
/** More failures change nothing. */
const FAILURES_MAX = 16;

/** The waits of one client. */
export interface ReconnectBackoff {
  /** The next wait, in ms; `byte` is a random one. */
  next(byte: number): number;
  /** It has succeeded: the next wait is a first one. */
  reset(): void;
}

/** Makes the waits of a client that has not failed yet. */
export function createReconnectBackoff(): ReconnectBackoff {
  let failures = 0;
  return {
    next(byte) {
      const spread = 0.5 + byte / 512;
      const wait = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** failures) * spread;
      failures = Math.min(failures + 1, FAILURES_MAX);
      return Math.ceil(wait);
    },
    reset() {
      failures = 0;
    },
  };
}
