/**
 * A storm of sign-ins: 500 at once. Ours proves passwords both ways (SCRAM-SHA-256, the password salted beforehand); the
 * others take a plain password, or none.
 *
 * @module
 */

import { type Bench, figureOf } from "../bench.ts";
import { CHAT_PEERS } from "../chat_peers.ts";
import { soon } from "../dialogue.ts";
import { BODY_BYTES, type Wire } from "../peer.ts";
import { median } from "../statistics.ts";

const SIGN_INS = 500;
/** So long all of them together may take. */
const LATEST_MS = 5000;

/** Measures all systems. */
export async function signIn(bench: Bench): Promise<void> {
  const rounds = bench.quick ? 2 : 5;
  const times = new Map<string, number>();
  const costs = new Map<string, number>();
  const servers = await bench.start(CHAT_PEERS, (peer) => peer.start(bench.folder(), bench));
  for (const { peer, started: { process, access } } of servers) {
    try {
      const took: number[] = [];
      const wire = peer.wire({ access, bodyBytes: BODY_BYTES, name: "w" });
      const before = process.cpuSeconds();
      for (let round = 0; round < rounds; round++) took.push(await storm(wire));
      times.set(peer.name, median(took));
      costs.set(peer.name, (process.cpuSeconds() - before) * 1e6 / (rounds * SIGN_INS));
    } catch (error) {
      bench.note(`${peer.name} did not let everybody in: ${(error as Error).message}`);
    } finally {
      await process.stop();
    }
  }
  const work = `${SIGN_INS} sign-ins at once`;
  // That all of them get in is the goal; how long that may take is not said anywhere.
  bench.report(figureOf(times, { work, unit: "ms until all are in" }));
  bench.report(figureOf(costs, { work: `${work}, server CPU`, unit: "µs each" }));
}

/** Rejects if not all of them get in. */
async function storm(wire: Wire): Promise<number> {
  const begin = performance.now();
  const joining = Array.from({ length: SIGN_INS }, () => wire.join("idle"));
  try {
    await soon(Promise.all(joining), { what: "signing in", ms: LATEST_MS });
    return performance.now() - begin;
  } finally {
    for (const member of joining) member.then(({ conn }) => conn.close(), () => {});
  }
}
