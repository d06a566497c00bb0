/**
 * The numbers that people see: a message's place among the living messages of its thread.
 *
 * A message keeps its ordinal, the how-manieth posting it was; its number is that less the deleted
 * ordinals below it. Each deletion is a row, and blocks of 32, 1,024, 32,768 and 1,048,576 ordinals have a
 * count of them, so that a few dozen rows are read for a number in a thread of any length, and none in a
 * thread without deletions.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { ThreadRecord } from "./sqlite_records.ts";

/** Ordinals in a block of each kind, the largest first. */
const SIZES = [2 ** 20, 2 ** 15, 2 ** 10, 2 ** 5];
/** Counts of one kind lie so far from those of the next: more than there can be blocks of the smallest. */
const STRIDE = 2 ** 28;

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
  const counted = db.prepare(
    "SELECT coalesce(sum(count), 0) AS count FROM deletion_counts WHERE id >= ? AND id < ?",
  );
  const between = db.prepare("SELECT count(*) AS count FROM deletions WHERE id >= ? AND id < ?");
  const counts = db.prepare(
    "SELECT id, count FROM deletion_counts WHERE id >= ? AND id < ? ORDER BY id",
  );
  const rows = db.prepare("SELECT id FROM deletions WHERE id >= ? AND id < ? ORDER BY id");
  return {
    delete(base, ordinal) {
      insert.run(base + ordinal);
      for (const [kind, size] of SIZES.entries()) {
        count.run(base + kind * STRIDE + Math.floor(ordinal / size));
      }
    },

    number({ thread, base }, ordinal) {
      if (thread.posts === thread.living) return ordinal;
      let deleted = 0;
      // All whole blocks below the ordinal: the largest first, and each smaller kind from where they end.
      let start = 0;
      for (const [kind, size] of SIZES.entries()) {
        const first = base + kind * STRIDE;
        const end = Math.floor(ordinal / size);
        deleted += counted.get(first + start / size, first + end)?.count as number;
        start = end * size;
      }
      return ordinal - deleted - (between.get(base + start, base + ordinal)?.count as number);
    },

    ordinal({ thread, base }, number) {
      if (thread.posts === thread.living) return number;
      // Every deletion at or below the message that is looked for moves it up by one.
      let ordinal = number;
      let start = 0;
      let end = thread.posts + 1;
      for (const [kind, size] of SIZES.entries()) {
        const first = base + kind * STRIDE;
        const range = [first + start / size, first + Math.ceil(end / size)];
        for (const { id, count } of counts.iterate(...range)) {
          const block = (id as number - first) * size;
          if (ordinal + (count as number) < block + size) {
            // It lies in this block or before it: no deletion of a later one is below it.
            end = block + size;
            break;
          }
          ordinal += count as number;
          start = block + size;
        }
      }
      for (const { id } of rows.iterate(base + start, base + end)) {
        if (id as number - base > ordinal) break;
        ordinal++;
      }
      return ordinal;
    },
  };
}
