/**
 * The state in SQLite as lines, one a record, for the digest of state.ts (DESIGN §11, law 5).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { describe } from "../../protocol/forum/state.ts";
import { readFile } from "./sqlite_files.ts";
import type { Records } from "./sqlite_records.ts";
import { SPAN } from "./sqlite_schema.ts";
import { readMessage } from "./sqlite_state.ts";

/** The lines; what a removed thread has left is not there any more, even if it was not swept yet. */
export function* stateLines(db: DatabaseSync, records: Records): Iterable<string> {
  for (const [folded, user] of records.users()) yield describe.user(folded, user);
  for (const { thread } of records.recent()) yield describe.thread(thread);
  const messages = db.prepare(
    `SELECT m.*, e.json ->> '$.text' AS text
       FROM messages m JOIN events e ON e.id = coalesce(m.text_id, m.id)`,
  );
  for (const row of messages.iterate()) {
    const record = records.holding(row.id as number);
    if (record === undefined) continue;
    yield describe.message(record.thread.number, readMessage(row), row.text as string);
  }
  for (const row of db.prepare("SELECT * FROM reactions").iterate()) {
    const id = row.message as number;
    const record = records.holding(id);
    if (record === undefined) continue;
    const { number } = record.thread;
    yield describe.reaction(number, id % SPAN, row.emoji as string, row.user as string);
  }
  for (const row of db.prepare("SELECT * FROM mentions").iterate()) {
    const id = row.message as number;
    const record = records.holding(id);
    if (record === undefined) continue;
    yield describe.mention(row.user as string, record.thread.number, id % SPAN);
  }
  for (const row of db.prepare("SELECT * FROM files").iterate()) {
    const record = records.holding(row.id as number);
    if (record === undefined) continue;
    yield describe.file(record.thread.number, readFile(row));
  }
  for (const row of db.prepare("SELECT * FROM marks").iterate()) {
    const thread = row.thread as number;
    if (records.thread(thread) === undefined) continue;
    yield describe.mark(row.user as string, thread, row.upto as number);
  }
}
