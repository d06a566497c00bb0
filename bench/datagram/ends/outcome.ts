/**
 * What a receiving end prints when all has come, as one line of JSON.
 *
 * @module
 */

/** What a transfer was. */
export interface Outcome {
  readonly bytes: number;
  /** From the first connection to the last byte, in s. */
  readonly seconds: number;
  /** The receiver's time on a processor during it, in s. */
  readonly cpu: number;
  /** Datagrams that the receiver got, where that is known. */
  readonly datagrams?: number;
  /** Bytes that the sender has sent, where that is known. */
  readonly sent?: number;
  readonly lost?: number;
}

/** Time on a processor so far, in s. */
export function cpuSeconds(): number {
  const fields = Deno.readTextFileSync("/proc/self/stat").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Prints the outcome. */
export function report(outcome: Outcome): void {
  console.log(`outcome ${JSON.stringify(outcome)}`);
}

const COUNT_MS = 100;

/** Prints every tenth of a second how much has come, so that two transfers can be compared while both run. */
export function sayCount(count: () => number): { stop(): void } {
  const timer = setInterval(() => console.log(`count ${count()}`), COUNT_MS);
  return { stop: () => clearInterval(timer) };
}

/** Bytes that are written at a time. */
export const CHUNK_BYTES = 64 * 1024;

/** Chunks of so many bytes in all. */
export function* chunks(bytes: number): Generator<Uint8Array<ArrayBuffer>> {
  const chunk = new Uint8Array(CHUNK_BYTES).map((_, at) => at * 31);
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    yield left < CHUNK_BYTES ? chunk.subarray(0, left) : chunk;
  }
}
