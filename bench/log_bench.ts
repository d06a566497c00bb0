/**
 * The log in SQLite: durable posts a second, in units of 1, 32 and 256, beside bare inserts of the same
 * JSON; and pages of a short and of a very long thread. Time is for a whole unit, not for a post.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { decideOpening, decideRegistration, isRefusal } from "../protocol/forum/decide.ts";
import type { ForumEvent } from "../protocol/forum/event.ts";
import type { Transaction } from "../server/log/log.ts";
import { openSqliteLog } from "../server/log/sqlite_log.ts";

const folder = Deno.makeTempDirSync({ prefix: "dfp-bench-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const text = "x".repeat(128);
const log = openSqliteLog({ path: `${folder}/forum.sqlite` });

function keep(events: (tx: Transaction) => readonly ForumEvent[]): void {
  log.transact((tx) => tx.append(events(tx)), (failure) => {
    if (failure !== undefined) throw new Error(failure.status);
  });
}

function posting({ view }: Transaction, thread: number): ForumEvent {
  const scope = `thread/${thread}`;
  const number = view.thread(thread)!.living + 1;
  const seq = view.head(scope) + 1;
  return { scope, seq, at: 1_700_000_000_000, by: "Ada", kind: "message.posted", text, number };
}

keep(({ view }) => {
  const key = btoa("k".repeat(32));
  const verifier = {
    salt: btoa("s".repeat(16)),
    iterations: 600_000,
    storedKey: key,
    serverKey: key,
  };
  const outcome = decideRegistration(view, { user: "Ada", ...verifier }, 1);
  if (isRefusal(outcome)) throw new Error(outcome.status);
  return outcome.events;
});
for (const title of ["lobby", "short", "long"]) keep(({ view }) => decideOpening(view, title, 1));

const bare = new DatabaseSync(`${folder}/bare.sqlite`);
for (const pragma of ["locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"]) {
  bare.prepare(`PRAGMA ${pragma}`).get();
}
bare.exec("CREATE TABLE events (id INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT");
const begin = bare.prepare("BEGIN IMMEDIATE");
const commit = bare.prepare("COMMIT");
const insert = bare.prepare("INSERT INTO events (json) VALUES (?)");
let sample = "";
log.transact((tx) => sample = JSON.stringify(posting(tx, 1)), () => {});

let key = 0;
for (const size of [1, 32, 256]) {
  const group = `${size} posts made durable`;
  Deno.bench(`${group}: bare inserts`, { group, baseline: true }, () => {
    begin.run();
    for (let i = 0; i < size; i++) insert.run(sample);
    commit.run();
  });
  Deno.bench(`${group}: log`, { group }, () => {
    log.transact((tx) => {
      for (let i = 0; i < size; i++) tx.append([posting(tx, 1)]);
    }, () => {});
  });
  Deno.bench(`${group}: log, with keys`, { group }, () => {
    log.transact((tx) => {
      for (let i = 0; i < size; i++) {
        tx.append([posting(tx, 1)]);
        const json = '{"seq":123456,"number":123456,"at":1700000000000}';
        tx.remember("ada", `abcdefgh-${++key}`, { fingerprint: "0123456789abcdef", json });
      }
    }, () => {});
  });
}

const threads = [{ thread: 2, size: 1_000 }, { thread: 3, size: 1_000_000 }];
for (const { thread, size } of threads) {
  for (let left = size; left > 0; left -= 1000) {
    keep((tx) => {
      const first = posting(tx, thread);
      return Array.from({ length: 1000 }, (_, i) => ({ ...first, seq: first.seq + i }));
    });
  }
  // Numbers cost nothing where nothing was deleted.
  keep(({ view }) => {
    const head = view.head(`thread/${thread}`);
    return Array.from({ length: size / 10 }, (_, i): ForumEvent => ({
      scope: `thread/${thread}`,
      seq: head + 1 + i,
      at: 1_700_000_000_000,
      by: "Ada",
      kind: "message.deleted",
      message: 10 * i + 2,
    }));
  });
}
for (const { thread, size } of threads) {
  const middle = size / 2;
  const places = { last: {}, after: { after: middle }, before: { before: middle } };
  for (const [name, place] of Object.entries({ ...places, number: { number: middle } })) {
    const group = `a page: ${name}`;
    Deno.bench(`${group}, of ${size} messages`, { group, baseline: thread === 2 }, () => {
      log.page("bob", { op: "read", thread, ...place });
    });
  }
}
