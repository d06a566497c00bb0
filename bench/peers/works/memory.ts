/**
 * Memory: what idle connections that have signed in add to the server's resident memory.
 *
 * @module
 */

import { type Bench, figureOf } from "../bench.ts";
import { CHAT_PEERS } from "../chat_peers.ts";
import { gatherCrowd } from "../crowd.ts";
import { BODY_BYTES } from "../peer.ts";

/** What comes and goes with signing in is over by then. */
const SETTLE_MS = 1500;
/** The first connections make the server load what it needs once. */
const FIRST = 50;

/** Measures all systems. */
export async function memory(bench: Bench): Promise<void> {
  const size = bench.quick ? 1000 : 5000;
  const bytes = new Map<string, number>();
  const servers = await bench.start(CHAT_PEERS, (peer) => peer.start(bench.folder(), bench));
  for (const { peer, started: { process, access } } of servers) {
    try {
      const wire = peer.wire({ access, bodyBytes: BODY_BYTES, name: "i" });
      const first = await gatherCrowd(wire, { part: "idle", size: FIRST });
      const before = process.residentBytes();
      const crowd = await gatherCrowd(wire, { part: "idle", size });
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      bytes.set(peer.name, (process.residentBytes() - before) / size / 1024);
      first.close();
      crowd.close();
    } finally {
      await process.stop();
    }
  }
  bench.report(figureOf(bytes, {
    work: `memory of ${size} idle connections`,
    unit: "KiB each",
    goal: [{ ours: "at most", value: 12 }],
  }));
}
