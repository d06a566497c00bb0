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
  /** Carries the file of the place; `ready` is called when everything is there for it, just before it begins. */
  carry(way: Way, ready?: () => void): Promise<Carried>;
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
