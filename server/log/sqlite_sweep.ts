/**
 * What can wait: the rows of removed threads, and tokens and lock-outs whose time is over. Each
 * call does a little, so that nobody waits for the removal of a thread of a million messages.
 *
 * The entries of a removed thread stay, without their texts: whoever is still catching up sees every
 * number, and no number is ever given twice.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { LOCKOUT_DEFAULTS } from "../../protocol/lockout.ts";
import type { Files } from "./sqlite_files.ts";
import { SPAN } from "./sqlite_schema.ts";
import { BLANKED } from "./sqlite_state.ts";

/** How many rows of a table one call takes at most. */
const SLICE = 256;

/** Sweeps a slice; both are called within a unit of work and say whether more waits. */
export interface Sweep {
  /** Rows of removed threads; nothing of one whose removal may not last yet. */
  removed(lasts: (thread: number) => boolean): boolean;
  /** Rows whose time is over at `now`, in ms since 1970. */
  expired(now: number): boolean;
}

/** Prepares the sweep. */
export function createSweep(db: DatabaseSync, files: Files): Sweep {
  const next = db.prepare("SELECT thread, scope, upto FROM sweeps LIMIT 1");
  const reach = db.prepare(
    `SELECT max(id) AS id FROM
       (SELECT id FROM events WHERE id > ? AND id < ? ORDER BY id LIMIT ${SLICE})`,
  );
  const parts = [
    `DELETE FROM texts WHERE rowid IN (SELECT id FROM messages WHERE id > ?1 AND id <= ?2)`,
    `DELETE FROM messages WHERE id > ?1 AND id <= ?2`,
    `DELETE FROM reactions WHERE message > ?1 AND message <= ?2`,
    `DELETE FROM mentions WHERE message > ?1 AND message <= ?2`,
    // An ordinal is less than the seq of its posting, so by the end all of these are reached.
    `DELETE FROM deletions WHERE id > ?1 AND id <= ?2`,
    `DELETE FROM starts WHERE (at, first) IN
       (SELECT json ->> '$.at', id FROM events WHERE id > ?1 AND id <= ?2)`,
    `UPDATE events SET json = ${BLANKED}
      WHERE id > ?1 AND id <= ?2 AND json ->> '$.text' IS NOT NULL AND json ->> '$.text' <> ''`,
  ].map((sql) => db.prepare(sql));
  const note = db.prepare("UPDATE sweeps SET upto = ? WHERE thread = ?");
  const marks = db.prepare(
    `DELETE FROM marks WHERE (thread, user) IN
       (SELECT thread, user FROM marks WHERE thread = ? LIMIT ${SLICE})`,
  );
  const counts = db.prepare(
    `DELETE FROM deletion_counts WHERE id IN
       (SELECT id FROM deletion_counts WHERE id >= ? AND id < ? LIMIT ${SLICE})`,
  );
  const done = db.prepare("DELETE FROM sweeps WHERE thread = ?");

  const tokens = db.prepare(
    `DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires <= ? LIMIT ${SLICE})`,
  );
  const lockouts = db.prepare(
    `DELETE FROM lockouts WHERE id IN
       (SELECT id FROM lockouts WHERE until <= ? - ${LOCKOUT_DEFAULTS.forgetMs} LIMIT ${SLICE})`,
  );
  return {
    removed(lasts) {
      const row = next.get();
      if (row === undefined) return false;
      const thread = row.thread as number;
      // Contents that are in use no more are freed, and that cannot be undone.
      if (!lasts(thread)) return false;
      const above = row.upto as number;
      const begin = row.scope as number * SPAN;
      const upto = reach.get(above, begin + SPAN)?.id as number | null;
      if (upto !== null) {
        for (const part of parts) part.run(above, upto);
        files.sweep(above, upto);
        note.run(upto, thread);
      } else {
        const gone = Number(marks.run(thread).changes) +
          Number(counts.run(begin, begin + SPAN).changes);
        if (gone === 0) {
          files.swept(begin);
          done.run(thread);
        }
      }
      return true;
    },

    expired(now) {
      let more = false;
      for (const sweep of [tokens, lockouts]) {
        if (Number(sweep.run(now).changes) === SLICE) more = true;
      }
      return more;
    },
  };
}
