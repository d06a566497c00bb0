/**
 * Bare node:sqlite (WAL, synchronous=FULL) in a process of its own: what SQLite could keep if there were no
 * server around it. The posts of a transaction are as many as are in flight elsewhere.
 *
 * Run by itself: `bare_sqlite.ts FILE BATCH WARM_UP_MS MS`.
 *
 * @module
 */

import { cpuUsage } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { DURABLE_BODY_BYTES, type DurableOutcome, type DurablePeer } from "./peer.ts";
import { runModule } from "./process.ts";
import { percentile } from "./statistics.ts";

/** The peer. */
export const bareSqlite: DurablePeer = {
  name: "node:sqlite",
  start(folder) {
    let runs = 0;
    return Promise.resolve({
      run({ clients, inFlight, warmupMs, ms }) {
        const numbers = [clients * inFlight, warmupMs, ms].map(String);
        const url = new URL(import.meta.url);
        return runModule<DurableOutcome>(url, [`${folder}/posts${runs++}.sqlite`, ...numbers]);
      },
      stop: () => Promise.resolve(),
    });
  },
};

function measure(path: string, [batch, warmupMs, ms]: readonly number[]): DurableOutcome {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec(
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, thread INTEGER NOT NULL, author TEXT NOT NULL, " +
      "at INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
  );
  const begin = db.prepare("BEGIN IMMEDIATE");
  const insert = db.prepare(
    "INSERT INTO posts (thread, author, at, body) VALUES (1, 'bench', ?, ?)",
  );
  const commit = db.prepare("COMMIT");
  const body = "x".repeat(DURABLE_BODY_BYTES);
  const transact = () => {
    begin.run();
    for (let i = 0; i < batch; i++) insert.run(1_795_000_000_000, body);
    commit.run();
  };
  const warm = performance.now() + warmupMs;
  while (performance.now() < warm) transact();
  const latencies: number[] = [];
  const cpu = ownCpuSeconds();
  const from = performance.now();
  let at = from;
  while (at - from < ms) {
    transact();
    const now = performance.now();
    latencies.push(now - at);
    at = now;
  }
  db.close();
  const posts = latencies.length * batch;
  return {
    rate: posts / (at - from) * 1000,
    p99: percentile(latencies, 0.99),
    cpu: (ownCpuSeconds() - cpu) * 1e6 / posts,
  };
}

function ownCpuSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}

if (import.meta.main) {
  const [path, ...numbers] = Deno.args;
  console.log(JSON.stringify(measure(path, numbers.map(Number))));
}
