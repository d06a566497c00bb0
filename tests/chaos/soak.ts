/**
 * The soak: a real server under mixed load and all kinds of trouble for as long as one likes; at the end
 * everything is healed, and nothing may be lost, doubled, out of order or unexplained.
 *
 * `deno task soak --minutes 20 [--seed 7]`. Ctrl-C ends it early, with all checks.
 *
 * In its first third the server is killed and restarted all the time. Then one server process lives through
 * all other trouble, and its memory is watched. At last it is killed once more.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { createRandom } from "../simulation/random.ts";
import { openScene, type Scene } from "./soak_scene.ts";
import { trendOf } from "./memory.ts";
import { pause } from "./stranger.ts";

/** How long healing may take, in ms. */
const HEAL = 60_000;
/** How long it is waited for what is closed at the end, in ms. */
const CLOSING = 10_000;
/** Part of the time in which the server is restarted, and part of the rest in which its memory settles. */
const RESTARTING = 1 / 3;
const SETTLING = 1 / 2;
/** What the line through the memory samples may rise, in MiB: that of a heap that has not settled yet. */
const RISE_MAX = 48;

const USAGE = "Usage: deno task soak [--minutes N] [--seed S]";

/** Waits, but no longer than until something has happened. */
async function waitFor(ms: number, unless: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const time = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([time, unless]);
  clearTimeout(timer);
}

/** Runs it, and says what is wrong; nothing is, if the list is empty. */
async function soak(minutes: number, seed: number): Promise<string[]> {
  const random = createRandom(seed);
  const scene = await openScene(random);
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGINT", interrupt);
  const stop = Promise.race([interrupted, scene.broken]);
  const begun = performance.now();
  let minute = 0;
  const report = setInterval(() => console.log(`minute ${++minute}: ${scene.describe()}`), 60_000);
  try {
    scene.begin();
    const whole = minutes * 60_000;
    const restarts = scene.restartAgainAndAgain(random.fork());
    await waitFor(whole * RESTARTING, stop);
    await restarts.end();
    await scene.warm();
    const steady = whole * (1 - RESTARTING);
    await waitFor(steady * SETTLING, stop);
    const memory = scene.watchMemory();
    await waitFor(steady * (1 - SETTLING), stop);
    const trend = trendOf(memory.end());
    const lasted = (performance.now() - begun) / 60_000;
    const faults = await heal(scene);
    if (trend.rise > RISE_MAX) {
      faults.push(`memory rose by ${trend.rise.toFixed(1)} MiB, which is more than ${RISE_MAX}`);
    }
    console.log(
      `${lasted.toFixed(1)} minutes: ${scene.describe()}; memory rose by ` +
        `${trend.rise.toFixed(1)} MiB, ${trend.slope.toFixed(2)} a minute`,
    );
    return faults;
  } finally {
    clearInterval(report);
    Deno.removeSignalListener("SIGINT", interrupt);
    await waitFor(CLOSING, scene.close());
  }
}

async function heal(scene: Scene): Promise<string[]> {
  const healed = scene.heal().then(() => [] as string[], (error) => [String(error)]);
  const late = pause(HEAL).then(() => [`not healed after ${HEAL / 1000} s: ${scene.missing()}`]);
  const faults = await Promise.race([healed, late]);
  return faults.length > 0 ? [...scene.faults, ...faults] : [...scene.faults, ...scene.reckon()];
}

if (import.meta.main) {
  const given = parseArgs(Deno.args, { string: ["minutes", "seed"] });
  const minutes = Number(given.minutes ?? 20);
  const seed = Number(given.seed ?? Math.floor(Math.random() * 2 ** 32));
  if (!(minutes > 0 && minutes <= 10_000) || !Number.isSafeInteger(seed) || seed < 0) {
    console.error(USAGE);
    Deno.exit(2);
  }
  console.log(`soak of ${minutes} minutes with seed ${seed}`);
  const faults = await soak(minutes, seed).catch((error) => [String(error)]);
  for (const fault of faults) console.error(`WRONG: ${fault}`);
  console.log(faults.length === 0 ? "all is well" : `FAILED with --seed ${seed}`);
  Deno.exit(faults.length === 0 ? 0 : 1);
}
