/**
 * Tests that fail when they hang, and whose processes, connections and mounts always end.
 *
 * @module
 */

/** Takes what is to be done at the end; the last one comes first. */
export type Ending = (end: () => unknown) => void;

/** How long a test may take. */
export interface Bound {
  /** After so many seconds it is taken to hang. Nothing is measured by it. */
  readonly seconds: number;
  readonly ignore?: boolean;
}

/** How long one ending may take, in seconds. */
const ENDING_SECONDS = 30;

/** Waits for some work; rejects if it takes too long. */
async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, hangs]);
  } finally {
    clearTimeout(timer);
  }
}

/** Registers a test; whatever it hands to `ending` is done after it, also if it fails or hangs. */
export function bounded(
  name: string,
  { seconds, ignore = false }: Bound,
  play: (ending: Ending) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const ends: (() => unknown)[] = [];
      const faults: unknown[] = [];
      const attempt = (limit: number, work: () => unknown) =>
        within(limit, (async () => await work())()).catch((error) => faults.push(error));
      await attempt(seconds, () => play((end) => ends.push(end)));
      // What cannot be ended must not keep the rest from it.
      for (const end of ends.reverse()) await attempt(ENDING_SECONDS, end);
      if (faults.length > 0) throw faults[0];
    },
  });
}
