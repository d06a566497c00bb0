/**
 * What a way to carry a file looks like to the bench: two processes, of which one sends and the other writes to a
 * file, each way.
 *
 * @module
 */

import type { Installer } from "./process.ts";

/** How a file is carried: `up` to the server, `down` from it. */
export type Way = "up" | "down";

/** What carrying a file has cost. */
export interface Carried {
  /** From the moment when it begins, with everybody connected where the program can wait so, to its end. */
  readonly seconds: number;
  /** Time on a processor, in seconds. */
  readonly serverCpu: number;
  readonly clientCpu: number;
}

/** A server that was started. */
export interface FileServer {
  /**
   * Carries the file of the place. What goes up first is kept, and comes down later; what comes after it, either way,
   * is a new file each time and removed before the next begins, so that nobody has to free one while time is taken.
   */
  carry(way: Way): Promise<Carried>;
  stop(): Promise<void>;
}

/** Where files are: on the same file system for all. */
export interface FilePlace {
  /** The file that is carried. */
  readonly source: string;
  /** The name of the file, without a folder. */
  readonly name: string;
  /** Bytes of it. */
  readonly size: number;
  /** A folder for whatever one server keeps, and its client gets. */
  readonly folder: string;
}

/** A way to carry files. */
export interface FilePeer {
  readonly name: string;
  /** Rejects with Missing if it is not here. */
  start(place: FilePlace, installer: Installer): Promise<FileServer>;
}

/** How long carrying a file may take, in ms. */
export const CARRY_MS = 120_000;

/** What has gone up is kept under another name if it is the first, else removed. */
export function keepFirst(arrived: string, kept: string): void {
  try {
    Deno.linkSync(arrived, kept);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  Deno.removeSync(arrived);
}
