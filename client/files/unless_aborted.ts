/**
 * Waiting for something that cannot be cancelled, until it is not worth waiting for.
 *
 * @module
 */

/**
 * What comes of a promise, unless the signal fires first: then its reason is thrown, and what comes later is
 * nobody's business.
 *
 * @example
 * ```ts
 * import { unlessAborted } from "./unless_aborted.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await unlessAborted(new AbortController().signal, Promise.resolve(3)), 3);
 * ```
 */
export async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  promise: Promise<T>,
): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
