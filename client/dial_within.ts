/**
 * Dialling with a time limit. What is given up is told so, and closed if it comes all the same.
 *
 * @module
 */

import type { ByteStream, Dial } from "./byte_stream.ts";

/**
 * Dials, but waits no longer than so many ms, and no longer than nobody gives it up. Rejects with the
 * dial's own error, the one of being late, or the signal's reason.
 *
 * @example
 * ```ts
 * import { dialWithin } from "./dial_within.ts";
 * import { assertRejects } from "@std/assert";
 *
 * const never = () => new Promise<never>(() => {});
 * await assertRejects(() => dialWithin(1, never), Error, "no answer");
 * ```
 */
export async function dialWithin(
  ms: number,
  dial: Dial,
  givenUp?: AbortSignal,
): Promise<ByteStream> {
  const over = new AbortController();
  const late = new Error(`no answer within ${ms / 1000} s`);
  const giveUp = () => over.abort(givenUp?.reason);
  const timer = setTimeout(() => over.abort(late), ms);
  givenUp?.addEventListener("abort", giveUp);
  if (givenUp?.aborted) giveUp();
  try {
    return await unlessAborted(over.signal, dial);
  } finally {
    clearTimeout(timer);
    givenUp?.removeEventListener("abort", giveUp);
  }
}

function unlessAborted(signal: AbortSignal, dial: Dial): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    if (signal.aborted) return reject(signal.reason);
    // A dial may throw at once, where it should reject.
    Promise.try(dial, signal).then((stream) => {
      if (signal.aborted) stream.close();
      resolve(stream);
    }, reject);
  });
}
