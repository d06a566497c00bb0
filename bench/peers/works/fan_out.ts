/**
 * Fan-out: one publisher, many subscribers, so many messages in flight.
 *
 * A message is in flight until the subscriber that joined last has it; then the publisher may send the next.
 * That is the same for all systems, and ours commits each message to the disk first.
 *
 * @module
 */

import { cpuUsage } from "node:process";
import { type Bench, figureOf } from "../bench.ts";
import { CHAT_PEERS } from "../chat_peers.ts";
import { dfp } from "../dfp.ts";
import { dfpWebSocket } from "../dfp_websocket.ts";
import { type Crowd, drain, gatherCrowd } from "../crowd.ts";
import { writeAll } from "../dialogue.ts";
import type { Condition } from "../figure.ts";
import { BODY_BYTES, type ChatPeer, type Member, type Wire } from "../peer.ts";
import type { Process } from "../process.ts";

const SUBSCRIBERS = [10, 100, 1000];
const IN_FLIGHT = [1, 256];
/** From so much of one processor on, the load generator may be what is measured. */
const BUSY = 0.85;

function goal(subscribers: number, inFlight: number): Condition[] {
  if (inFlight === 1 || subscribers === 10) return [];
  return [{ ours: "at least", value: subscribers === 1000 ? 1.5 : 1, peer: "nats-server" }];
}

function busyText(
  name: string,
  { size, inFlight, load }: { size: number; inFlight: number; load: number },
): string {
  return `${name}, to ${size}, ${inFlight} in flight: the load generator took ` +
    `${Math.round(load * 100)} % of a processor, so it may be the bound`;
}

interface Outcome {
  /** Deliveries a second. */
  readonly rate: number;
  /** The server's time on a processor, µs a delivery. */
  readonly cpu: number;
  /** How much of one processor the load generator took. */
  readonly load: number;
}

/** Measures all sizes. */
export function fanOut(bench: Bench): Promise<void> {
  return measure(bench, { name: "fan-out", peers: CHAT_PEERS, goal });
}

/** Ours by TCP beside ours by WebSocket: the same work, and what the second one costs more. */
export function fanOutWebSocket(bench: Bench): Promise<void> {
  return measure(bench, { name: "fan-out-ws", peers: [dfp, dfpWebSocket], goal: webSocketGoal });
}

/** WebSockets bring at least half of what TCP does. */
function webSocketGoal(_subscribers: number, inFlight: number): Condition[] {
  return inFlight === 1 ? [] : [{ ours: "at most", value: 2, peer: dfpWebSocket.name }];
}

interface Comparison {
  readonly name: string;
  readonly peers: readonly ChatPeer[];
  readonly goal: typeof goal;
}

async function measure(bench: Bench, { name, peers, goal }: Comparison): Promise<void> {
  const span = bench.quick ? { warmupMs: 350, ms: 500 } : { warmupMs: 2000, ms: 4000 };
  const servers = await bench.start(peers, (peer) => peer.start(bench.folder(), bench));
  try {
    for (const size of SUBSCRIBERS) {
      const rates = IN_FLIGHT.map(() => new Map<string, number>());
      const costs = IN_FLIGHT.map(() => new Map<string, number>());
      for (const { peer, started: { process, access } } of servers) {
        const wire = peer.wire({ access, bodyBytes: BODY_BYTES, name: `f${size}x` });
        const publisher = await wire.join("publisher");
        drain(publisher);
        const crowd = await gatherCrowd(wire, { part: "subscriber", size });
        for (const [i, inFlight] of IN_FLIGHT.entries()) {
          const flow = { wire, publisher, crowd, process, inFlight, ...span };
          const { rate, cpu, load } = await flood(flow);
          if (load > BUSY) bench.note(busyText(peer.name, { size, inFlight, load }));
          rates[i].set(peer.name, rate);
          costs[i].set(peer.name, cpu);
        }
        crowd.close();
        publisher.conn.close();
      }
      for (const [i, inFlight] of IN_FLIGHT.entries()) {
        const work = `${name} to ${size}, ${inFlight} in flight`;
        bench.report(
          figureOf(rates[i], { work, unit: "deliveries/s", goal: goal(size, inFlight) }),
        );
        bench.report(figureOf(costs[i], { work: `${work}, server CPU`, unit: "µs a delivery" }));
      }
    }
  } finally {
    for (const { started } of servers) await started.process.stop();
  }
}

interface Flood {
  readonly wire: Wire;
  readonly publisher: Member;
  readonly crowd: Crowd;
  readonly process: Process;
  readonly inFlight: number;
  readonly warmupMs: number;
  readonly ms: number;
}

async function flood(options: Flood): Promise<Outcome> {
  const { wire, publisher, crowd, process, inFlight, warmupMs, ms } = options;
  crowd.reset();
  let published = 0;
  let returned = 0;
  let writing = false;
  let stopped = false;
  const fault = Promise.withResolvers<never>();

  async function publish(): Promise<void> {
    writing = true;
    while (!stopped && published < returned + inFlight) {
      const count = returned + inFlight - published;
      published += count;
      await writeAll(publisher.conn, wire.encode(count));
    }
    writing = false;
  }

  crowd.watcher = (member, before, count) => {
    if (member !== crowd.size - 1) return;
    returned = before + count;
    if (!writing) publish().catch(fault.reject);
  };
  publish().catch(fault.reject);
  await Promise.race([sleep(warmupMs), fault.promise]);
  const begin = { at: performance.now(), delivered: crowd.delivered, cpu: process.cpuSeconds() };
  const own = cpuUsage();
  await Promise.race([sleep(ms), fault.promise]);
  const took = performance.now() - begin.at;
  const delivered = crowd.delivered - begin.delivered;
  const cpu = process.cpuSeconds() - begin.cpu;
  const { user, system } = cpuUsage(own);
  stopped = true;
  crowd.watcher = undefined;
  await crowd.all(published);
  const load = (user + system) / 1000 / took;
  return { rate: delivered / took * 1000, cpu: cpu * 1e6 / delivered, load };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
