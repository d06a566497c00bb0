/**
 * How much of files a server takes on (docs/PROTOCOL.md, "Limits of operation").
 *
 * @module
 */

import { WINDOW_BYTES } from "../../protocol/transfer/receiver.ts";

/** Limits of files; 0 is no limit, where nothing else is said. */
export interface FileLimits {
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Bytes of all files that one user shares. */
  readonly userBytes: number;
  /** Bytes of all different contents. */
  readonly allBytes: number;
  /** Transfers at the same time. */
  readonly transfers: number;
  /** Transfers of one connection at the same time. */
  readonly transfersOfOne: number;
  /** Uploads of one user that were begun and not finished, 1 at least. */
  readonly unfinished: number;
  /**
   * How long a transfer may stand still, in ms: when there is no room for another one, it has to make room.
   * With 0 it never has to.
   */
  readonly stall: number;
  /** Bytes of one upload that may have come and not been stored, 1 at least. */
  readonly window: number;
}

/** What holds where nothing is said. */
export const FILE_LIMIT_DEFAULTS: FileLimits = {
  fileBytes: 0,
  userBytes: 0,
  allBytes: 0,
  transfers: 100,
  transfersOfOne: 8,
  unfinished: 100,
  stall: 30_000,
  // So much is under way that the threads at work need not wait for each other's turns on few processors.
  window: 2 * WINDOW_BYTES,
};
