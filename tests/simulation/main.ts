/**
 * Runs the simulator: `deno task simulate --seeds 1000 [--from 1]`, or `--seed N` for one run with its
 * transcript. The first seed that fails is printed, and the exit status is 1.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { type Report, simulate, SimulationFailure } from "./simulation.ts";

const USAGE = "use --seeds N [--from S] [--duration MS], or --seed N for a transcript";

function main(given: readonly string[]): number {
  const args = parseArgs([...given], {
    string: ["seed", "seeds", "from", "duration"],
    unknown: (name) => {
      throw new RangeError(`${name} is not known: ${USAGE}`);
    },
  });
  const duration = number("duration", args.duration, 8000);
  if (args.seed !== undefined) {
    const seed = number("seed", args.seed, 0);
    return attempt(() => print([simulate(seed, { duration, print: console.log })]), duration);
  }
  const from = number("from", args.from, 1);
  const seeds = number("seeds", args.seeds, 100);
  const reports: Report[] = [];
  return attempt(() => {
    for (let seed = from; seed < from + seeds; seed++) reports.push(simulate(seed, { duration }));
    print(reports);
  }, duration);
}

function number(name: string, given: string | undefined, otherwise: number): number {
  const value = given === undefined ? otherwise : Number(given);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`--${name} must be a whole number, not "${given}": ${USAGE}`);
}

function attempt(run: () => void, duration: number): number {
  try {
    run();
    return 0;
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    console.error(error);
    console.error(`replay it with: deno task simulate --seed ${error.seed} --duration ${duration}`);
    return 1;
  }
}

function print(reports: readonly Report[]): void {
  const sums = new Map<string, number>();
  for (const { counts } of reports) {
    for (const [what, count] of counts) sums.set(what, (sums.get(what) ?? 0) + count);
  }
  for (const what of [...sums.keys()].sort()) console.log(`${what.padEnd(36)} ${sums.get(what)}`);
  const most = reports.reduce((most, { mostPending }) => Math.max(most, mostPending), 0);
  console.log(`${"most bytes waiting for a reader".padEnd(36)} ${most}`);
  if (reports.length === 1) console.log(`${"hash".padEnd(36)} ${reports[0].hash}`);
  else console.log(`${"seeds".padEnd(36)} ${reports.length}`);
}

try {
  Deno.exit(main(Deno.args));
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  console.error(error.message);
  Deno.exit(2);
}
