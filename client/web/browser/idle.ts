/**
 * Waiting until the browser has nothing better to do.
 *
 * @module
 */

/** It is waited no longer, in ms. */
const LONGEST = 2000;

/** Resolves when the browser is idle, or has not been for long. */
export function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in globalThis) {
      requestIdleCallback(() => resolve(), { timeout: LONGEST });
    } else setTimeout(resolve, LONGEST / 10);
  });
}
