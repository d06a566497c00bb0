/**
 * What every work is given: how long to measure, where to put things, and where figures go.
 *
 * @module
 */

import type { Figure } from "./figure.ts";
import { type Installer, makeFolder, Missing } from "./process.ts";

/** One run of the works. */
export interface Bench extends Installer {
  readonly quick: boolean;
  /** Prints a figure. */
  readonly report: (figure: Figure) => void;
  /** A new folder, removed at the end of the run. */
  folder(): string;
  /** Does this at the end of the run, before the folders are removed; it must not wait. */
  ending(end: () => void): void;
  /** Starts those that are here; says once which are missing, and why. */
  start<P extends { readonly name: string }, S>(
    peers: readonly P[],
    start: (peer: P) => Promise<S>,
  ): Promise<{ peer: P; started: S }[]>;
}

/** What a run is made with. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly install: boolean;
  readonly root: string;
  readonly report: (figure: Figure) => void;
  readonly note: (text: string) => void;
  readonly ending: (end: () => void) => void;
}

/** Makes a run. */
export function createBench(options: BenchOptions): Bench {
  const { quick, install, root, report, note, ending } = options;
  let folders = 0;
  const missing = new Set<string>();
  return {
    quick,
    install,
    report,
    note,
    ending,
    folder: () => makeFolder(`${root}/${++folders}`),
    async start(peers, start) {
      const started = [];
      for (const peer of peers) {
        try {
          started.push({ peer, started: await start(peer) });
        } catch (error) {
          if (!(error instanceof Missing)) throw error;
          if (!missing.has(peer.name)) note(`${peer.name} is left out: ${error.message}`);
          missing.add(peer.name);
        }
      }
      return started;
    },
  };
}

/** Gathers one value a system and makes the figure: `"ours"` is ours, all others are peers. */
export function figureOf(
  values: ReadonlyMap<string, number>,
  about: Pick<Figure, "work" | "unit"> & { goal?: Figure["goal"] },
): Figure {
  const peers = Object.fromEntries([...values].filter(([name]) => name !== "ours"));
  return { ...about, goal: about.goal ?? [], ours: values.get("ours"), peers };
}
