/**
 * Latency: 1,000 messages a second to 100 subscribers, on a schedule that waits for nobody. Each delivery counts, from
 * the moment when its message was due.
 *
 * @module
 */

import { type Bench, figureOf } from "../bench.ts";
import { CHAT_PEERS } from "../chat_peers.ts";
import { gatherCrowd } from "../crowd.ts";
import { type Paced, type Schedule, sharedClock } from "../pacer.ts";
import { BODY_BYTES, type ChatPeer, type Started } from "../peer.ts";
import { percentile } from "../statistics.ts";

const SUBSCRIBERS = 100;
const RATE = 1000;

/** Measures all systems. */
export async function latency(bench: Bench): Promise<void> {
  const seconds = bench.quick ? { warmup: 0.7, measured: 1.5 } : { warmup: 3, measured: 10 };
  const unit = "ms";
  const middle = new Map<string, number>();
  const high = new Map<string, number>();
  const costs = new Map<string, number>();
  for (const peer of CHAT_PEERS) {
    const started = await bench.start([peer], (peer) => peer.start(bench.folder(), bench));
    for (const { started: server } of started) {
      try {
        const { latencies, cpu } = await measure(peer, server, seconds);
        middle.set(peer.name, percentile(latencies, 0.5));
        high.set(peer.name, percentile(latencies, 0.99));
        costs.set(peer.name, cpu);
      } finally {
        await server.process.stop();
      }
    }
  }
  const work = `latency at ${RATE} messages/s to ${SUBSCRIBERS}`;
  bench.report(figureOf(middle, { work: `${work}, p50`, unit }));
  const goal = [{ ours: "at most", value: 1, peer: "ngircd" }] as const;
  bench.report(figureOf(high, { work: `${work}, p99`, unit, goal }));
  bench.report(figureOf(costs, { work: `${work}, server CPU`, unit: "µs a delivery" }));
}

async function measure(
  peer: ChatPeer,
  { process, access }: Started,
  { warmup, measured }: { warmup: number; measured: number },
): Promise<{ latencies: Float64Array; cpu: number }> {
  const wire = peer.wire({ access, bodyBytes: BODY_BYTES, name: "late" });
  const crowd = await gatherCrowd(wire, { part: "subscriber", size: SUBSCRIBERS });
  const cold = warmup * RATE;
  const count = cold + measured * RATE;
  const shared = new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT);
  const due = new Float64Array(shared);
  const latencies = new Float64Array(measured * RATE * SUBSCRIBERS);
  let taken = 0;
  crowd.watcher = (_member, before, arrived) => {
    const now = sharedClock();
    for (let i = Math.max(before, cold); i < before + arrived; i++) {
      latencies[taken++] = now - due[i];
    }
  };
  const before = process.cpuSeconds();
  await pace({ peer: peer.name, access, bodyBytes: BODY_BYTES, rate: RATE, count, due: shared });
  await crowd.all(count);
  const cpu = (process.cpuSeconds() - before) * 1e6 / (count * SUBSCRIBERS);
  crowd.close();
  return { latencies, cpu };
}

/** Lets a worker send, and waits until it has. */
async function pace(schedule: Schedule): Promise<void> {
  const worker = new Worker(new URL("../pacer.ts", import.meta.url), { type: "module" });
  try {
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data: { fault } }: MessageEvent<Paced>) => {
        if (fault === undefined) resolve();
        else reject(new Error(fault));
      };
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(schedule);
    });
  } finally {
    worker.terminate();
  }
}
