/**
 * A unit of work on the database: BEGIN, the work, COMMIT; or nothing of it.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { primaryCode } from "./sqlite_schema.ts";

/** Runs units of work. */
export interface Unit {
  /**
   * Runs the work and makes it durable; a unit that writes nothing costs no flush to the disk.
   *
   * @throws What the work or SQLite threw; then nothing was kept.
   */
  run(work: () => void): void;
}

/** Prepares the statements of a unit. BEGIN and COMMIT are prepared, since only then their errors carry a code. */
export function createUnit(db: DatabaseSync): Unit {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  return {
    run(work) {
      begin.run();
      try {
        work();
        commit.run();
      } catch (error) {
        // On a full disk SQLite has rolled back by itself.
        if (db.isTransaction) rollback.run();
        throw error;
      }
    },
  };
}

/** READONLY, IOERR, FULL, CANTOPEN. */
const STORAGE_CODES: readonly number[] = [8, 10, 13, 14];

/** Whether the storage below is the trouble, and not the program. */
export function isStorageFault(error: unknown): boolean {
  return STORAGE_CODES.includes(primaryCode(error)) || error instanceof LogFull;
}

/** The log has reached a limit of its own. */
export class LogFull extends Error {}
