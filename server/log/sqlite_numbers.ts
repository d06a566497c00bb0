/**
 * The numbers that people see: a message's place among the living messages of its thread.
 *
 * A message keeps its ordinal, the how-manieth posting it was; its number is that less the deleted
 * ordinals below it. Each deletion is a row, and each run of 1,024 ordinals has a count of them, so a
 * number costs the same in a long thread as in a short one, and a thread without deletions costs nothing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { ThreadRecord } from "./sqlite_records.ts";

/** A run is 2 to the power of this ordinals. */
const RUN_BITS = 10;
const RUN = 2 ** RUN_BITS;

/** Numbers and ordinals of a thread's messages. */
export interface Numbers {
  /** A message died. */
  delete(base: number, ordinal: number): void;
  /** The number of the living message with this ordinal. */
  number(record: ThreadRecord, ordinal: number): number;
  /** The ordinal of the living message with this number, from 1; there must be so many. */
  ordinal(record: ThreadRecord, number: number): number;
}

/** Prepares the questions. */
export function createNumbers(db: DatabaseSync): Numbers {
  const insert = db.prepare("INSERT INTO deletions VALUES (?)");
  const count = db.prepare(
    "INSERT INTO deletion_counts VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1",
  );
  const inRuns = db.prepare(
    "SELECT coalesce(sum(count), 0) AS count FROM deletion_counts WHERE id >= ? AND id < ?",
  );
  const between = db.prepare("SELECT count(*) AS count FROM deletions WHERE id >= ? AND id < ?");
  const runs = db.prepare(
    "SELECT id, count FROM deletion_counts WHERE id >= ? AND id <= ? ORDER BY id",
  );
  const rows = db.prepare("SELECT id FROM deletions WHERE id >= ? AND id < ? ORDER BY id");
  const runOf = (ordinal: number) => Math.floor(ordinal / RUN);
  return {
    delete(base, ordinal) {
      insert.run(base + ordinal);
      count.run(base + runOf(ordinal));
    },

    number({ thread, base }, ordinal) {
      if (thread.posts === thread.living) return ordinal;
      const run = runOf(ordinal);
      const before = inRuns.get(base, base + run)?.count as number;
      const here = between.get(base + run * RUN, base + ordinal)?.count as number;
      return ordinal - before - here;
    },

    ordinal({ thread, base }, number) {
      if (thread.posts === thread.living) return number;
      // Every deletion at or below the one that is looked for moves it up by one.
      let ordinal = number;
      for (const { id, count } of runs.iterate(base, base + runOf(thread.posts))) {
        const start = (id as number - base) * RUN;
        if (ordinal + (count as number) >= start + RUN) {
          ordinal += count as number;
          continue;
        }
        for (const row of rows.iterate(base + start, base + start + RUN)) {
          if (row.id as number - base > ordinal) break;
          ordinal++;
        }
        // It lies in this run or before it: no deletion of a later one is below it.
        break;
      }
      return ordinal;
    },
  };
}
