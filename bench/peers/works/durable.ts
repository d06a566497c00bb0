/**
 * Durable posts: so many in flight, each acknowledged when it is kept.
 *
 * @module
 */

import { bareSqlite } from "../bare_sqlite.ts";
import { type Bench, figureOf } from "../bench.ts";
import { dfpStore } from "../dfp.ts";
import type { Condition } from "../figure.ts";
import { jetStream } from "../jetstream.ts";
import { DURABLE_BODY_BYTES } from "../peer.ts";
import { postgres } from "../postgres.ts";

const PEERS = [dfpStore, bareSqlite, postgres, jetStream];

const SQLITE: Condition = { ours: "at least", value: 0.4, peer: bareSqlite.name };

/** Clients, and posts that each has in flight. */
const LOADS: readonly { clients: number; inFlight: number; goal: Condition[] }[] = [
  { clients: 1, inFlight: 1, goal: [SQLITE] },
  { clients: 1, inFlight: 32, goal: [SQLITE] },
  {
    clients: 8,
    inFlight: 32,
    goal: [
      { ours: "at least", value: 100_000 },
      SQLITE,
      { ours: "at least", value: 1.5, peer: jetStream.name },
      { ours: "at least", value: 3, peer: postgres.name },
    ],
  },
];

/** Measures all loads. */
export async function durable(bench: Bench): Promise<void> {
  const span = bench.quick ? { warmupMs: 500, ms: 1000 } : { warmupMs: 2000, ms: 5000 };
  const stores = await bench.start(PEERS, (peer) => peer.start(bench.folder(), bench));
  try {
    for (const { goal, clients, inFlight } of LOADS) {
      const rates = new Map<string, number>();
      const high = new Map<string, number>();
      const costs = new Map<string, number>();
      for (const { peer, started } of stores) {
        const { rate, p99, cpu } = await started.run({ clients, inFlight, ...span });
        rates.set(peer.name, rate);
        high.set(peer.name, p99);
        costs.set(peer.name, cpu);
      }
      const flight = clients === 1 ? `${inFlight}` : `${clients} × ${inFlight}`;
      const work = `durable posts of ${DURABLE_BODY_BYTES} B, ${flight} in flight`;
      bench.report(figureOf(rates, { work, unit: "posts/s", goal }));
      bench.report(figureOf(high, { work: `${work}, p99`, unit: "ms" }));
      bench.report(figureOf(costs, { work: `${work}, server CPU`, unit: "µs a post" }));
    }
  } finally {
    for (const { started } of stores) await started.stop();
  }
}
