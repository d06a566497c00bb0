/**
 * Prints what `deno bench` cannot: nanoseconds a frame and gigabytes a second, the median of several
 * rounds.
 *
 * @module
 */

const ROUNDS = 7;
const ROUND_MS = 60;

/** Runs `work` for a while and gives the median time of one run, in ns. */
export function medianNs(work: () => void): number {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    let runs = 0;
    let end = begin;
    while (end - begin < ROUND_MS) {
      work();
      runs++;
      end = performance.now();
    }
    rounds.push((end - begin) * 1e6 / runs);
  }
  // The first round warms up.
  return rounds.slice(1).sort((a, b) => a - b)[Math.floor((ROUNDS - 1) / 2)];
}

/** Prints one line: `decode 128 B in 64 KiB chunks: 41 ns a frame, 3.3 GB/s`. */
export function report(name: string, frames: number, bytes: number, work: () => void): void {
  const ns = medianNs(work);
  const perFrame = (ns / frames).toFixed(0);
  const rate = (bytes / ns).toFixed(2);
  console.log(`${name}: ${perFrame} ns a frame, ${rate} GB/s`);
}
