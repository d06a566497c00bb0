/**
 * What all parts of a simulated run share, and which faults it has.
 *
 * @module
 */

import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Transcript } from "./transcript.ts";

/** A law is broken: the run has failed. */
export class Broken extends Error {}

/** How often what goes wrong, each from 0 (never) to 1; drawn anew for every seed. */
export interface Faults {
  /** A link is reset, a second. */
  reset: number;
  /** A link falls silent without a word, a second. */
  vanish: number;
  /** A link stands still for a while, a second. */
  stall: number;
  /** A chunk is cut on its way. */
  cut: number;
  /** A write takes only part of what it was given. */
  partial: number;
  /** Bytes that may be under way in one direction. */
  window: number;
  /** Bytes a ms. */
  bandwidth: number;
  /** The longest way of a chunk, ms. */
  latency: number;
  /** A dial fails. */
  dial: number;
  /** The server dies, a second. */
  crash: number;
  /** The server dies in a unit of work. */
  unitCrash: number;
  /** The server is shut down in order, a second. */
  shutdown: number;
  /** The longest wait for the disk, ms; 0 is none at all. */
  disk: number;
  /** A unit of work fails for no reason. */
  poison: number;
  /** A unit of work is run twice, as when another node was first. */
  again: number;
  /** The disk becomes full for a while, a second. */
  full: number;
  /** When the server dies, its machine's power was cut: what nobody had flushed is lost, or spoiled. */
  power: number;
  /** The people's clock leaps ahead by more than a day, a second. */
  leap: number;
  /** A link is reset, whenever something happens to a file on it. */
  snap: number;
  /** A client gives up a file on its way, whenever it does something. */
  cancel: number;
  /** A client says another hash of a file than it has sent. */
  lie: number;
  /** A client dies and forgets, a second. */
  forget: number;
  /** A client stops reading for a while, a second. */
  slow: number;
  /** A client gives many commands at once. */
  burst: number;
  /** How many at most. */
  flood: number;
  /** A text is long. */
  long: number;
  /** How far the people's clock is wrong after a restart, at most, in ms. */
  clock: number;
  /** Somebody sends garbage, or guesses at passwords, a second. */
  stranger: number;
  /** Somebody is banned for a while just when a link to sign in on has opened. */
  ban: number;
}

/** What all parts share. */
export interface World {
  readonly scheduler: Scheduler;
  /** Of the network; the nodes have their own. */
  readonly random: Random;
  readonly transcript: Transcript;
  readonly faults: Faults;
  /** The people's clock, ms since 1970. */
  readonly clock: () => number;
  /** Sets that clock: so many ms from what is right. */
  setClock(off: number): void;
}

/** No faults at all, for the time of healing. */
export const CALM: Faults = {
  reset: 0,
  vanish: 0,
  stall: 0,
  cut: 0,
  partial: 0,
  window: 256 * 1024,
  bandwidth: 10_000,
  latency: 2,
  dial: 0,
  crash: 0,
  unitCrash: 0,
  shutdown: 0,
  disk: 0,
  poison: 0,
  again: 0,
  full: 0,
  power: 0,
  leap: 0,
  snap: 0,
  cancel: 0,
  lie: 0,
  forget: 0,
  slow: 0,
  burst: 0,
  flood: 5,
  long: 0,
  clock: 0,
  stranger: 0,
  ban: 0,
};

/** Draws the faults of a run: some kinds not at all, so that the others are not drowned. */
export function drawFaults(random: Random): Faults {
  const faults = drawAll(random);
  // Floods are slow to simulate, and only they fill what is between two ends in both directions.
  if (!random.chance(0.02)) return faults;
  return { ...faults, burst: 0.1, flood: 300, long: 0.15, window: 4096, bandwidth: 1024 };
}

function drawAll(random: Random): Faults {
  const some = (most: number) => random.chance(0.6) ? random.fraction() * most : 0;
  return {
    reset: some(0.2),
    vanish: some(0.04),
    stall: some(0.2),
    cut: some(1),
    partial: some(1),
    window: random.pick([512, 4096, 65_536, 262_144]),
    bandwidth: random.pick([8, 64, 1024, 10_000]),
    latency: random.pick([0, 2, 20, 200]),
    dial: some(0.3),
    crash: some(0.1),
    unitCrash: some(0.03),
    shutdown: some(0.04),
    disk: random.pick([0, 0, 5, 50]),
    poison: some(0.03),
    again: some(0.2),
    full: some(0.1),
    power: some(1),
    leap: some(0.03),
    snap: some(0.4),
    cancel: some(0.4),
    lie: some(0.1),
    forget: some(0.05),
    slow: some(0.15),
    burst: some(0.1),
    flood: 30,
    long: some(0.1),
    clock: random.pick([0, 0, 100, 20_000]),
    stranger: some(0.2),
    ban: some(0.8),
  };
}

/** Fails the run unless something holds. */
export function hold(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Broken(message());
}
