/**
 * Replies by key against a plain map: whatever the keys look like, whatever fails, and after a restart.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type KeptReply, KEY_RETENTION, type Log } from "../server/log/log.ts";
import { openSqliteLog } from "../server/log/sqlite_log.ts";
import { runs } from "./runs.ts";

const user = fc.constantFrom("ada", "bob");
const key = fc.oneof(
  fc.tuple(fc.constantFrom("a", "b", "a-1", "-"), fc.nat({ max: 12 })).map(([s, n]) => `${s}-${n}`),
  fc.constantFrom("a-01", "a-", "-1", "a", "a-16777215", "a-16777216", "a-1x", "ä-3", "a-99999999"),
  fc.string({ minLength: 1, maxLength: 8 }),
);
/** Keys that follow each other, as a client's commands do. */
const row = fc.record({ user, first: fc.nat({ max: 12 }), count: fc.nat({ max: 5 }) }).map(
  ({ user, first, count }) =>
    Array.from({ length: count }, (_, i): [string, string] => [user, `a-${first + i}`]),
);
/** A unit of work: keys that are kept, and whether it fails. */
const unit = fc.record({
  keys: fc.array(fc.oneof(fc.tuple(user, key).map((one) => [one]), row), { maxLength: 6 })
    .map((rows) => rows.flat()),
  fails: fc.boolean(),
  reopens: fc.boolean(),
});

Deno.test("law 6: a kept reply is found under its key and no other, after failures and restarts", () => {
  const folder = Deno.makeTempDirSync();
  let file = 0;
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
      const path = `${folder}/${file++}.sqlite`;
      let log = open(path, () => 0);
      const model = new Map<string, string>();
      units.forEach(({ keys, fails, reopens }, number) => {
        const now = new Map(model);
        log.transact((tx) => {
          for (const [user, key] of keys) {
            const id = `${user} ${key}`;
            assertEquals(tx.recall(user, key)?.json, now.get(id), id);
            if (now.has(id)) continue;
            const json = JSON.stringify([number, id]);
            tx.remember(user, key, { fingerprint: id, json });
            now.set(id, json);
          }
          if (fails) throw new Error("as it was meant");
        }, (failure) => assertEquals(failure !== undefined, fails));
        if (!fails) { for (const [id, json] of now) model.set(id, json); }
        if (reopens) {
          log.close();
          log = open(path, () => 0);
        }
      });
      const all = units.flatMap(({ keys }) => keys);
      for (const [user, key] of all) {
        assertEquals(recalled(log, user, key)?.json, model.get(`${user} ${key}`));
      }
      log.close();
    }),
    { numRuns: runs(50, 300) },
  );
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("keys are forgotten after a week, a few at a time, and a series goes on", () => {
  let now = 0;
  const log = open(":memory:", () => now);
  const keep = (key: string) =>
    log.transact(
      (tx) => tx.remember("ada", key, { fingerprint: "", json: `"${key}"` }),
      assertKept,
    );
  for (let n = 1; n <= 600; n++) keep(`old-${n}`);
  keep("word");
  now = KEY_RETENTION / 2;
  keep("old-601");
  now = KEY_RETENTION + 1;
  let rounds = 0;
  while (log.tidy(now)) assert(++rounds < 50, "tidying does not end");
  assertEquals(recalled(log, "ada", "old-1"), undefined);
  assertEquals(recalled(log, "ada", "old-600"), undefined);
  assertEquals(recalled(log, "ada", "word"), undefined);
  assertEquals(recalled(log, "ada", "old-601")?.json, '"old-601"');
  keep("old-602");
  assertEquals(recalled(log, "ada", "old-602")?.json, '"old-602"');
  log.close();
});

Deno.test("replies of one unit are forgotten together, and their keys can be kept again", () => {
  let now = 0;
  const log = open(":memory:", () => now);
  const keep = (first: number, last: number, mark: string) =>
    log.transact((tx) => {
      for (let n = first; n <= last; n++) {
        tx.remember("ada", `s-${n}`, { fingerprint: mark, json: `"${mark} ${n}"` });
      }
    }, assertKept);
  keep(1, 40, "first");
  now = KEY_RETENTION / 2;
  keep(41, 50, "second");
  now = KEY_RETENTION + 1;
  while (log.tidy(now));
  assertEquals(recalled(log, "ada", "s-40"), undefined);
  assertEquals(recalled(log, "ada", "s-45"), { fingerprint: "second", json: '"second 45"' });
  keep(7, 9, "again");
  assertEquals(recalled(log, "ada", "s-8")?.json, '"again 8"');
  assertEquals(recalled(log, "ada", "s-10"), undefined);
  assertEquals(recalled(log, "ada", "s-50")?.json, '"second 50"');
  log.close();
});

function open(path: string, now: () => number): Log {
  return openSqliteLog({ path, now, onFault: () => {} });
}

function assertKept(failure: unknown): void {
  assertEquals(failure, undefined);
}

function recalled(log: Log, user: string, key: string): KeptReply | undefined {
  let found: KeptReply | undefined;
  log.transact((tx) => found = tx.recall(user, key), assertKept);
  return found;
}
