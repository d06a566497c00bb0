/**
 * A worker that publishes on a schedule of its own, whatever comes back (an open loop): it sleeps on its own
 * thread, so that reading a hundred subscribers elsewhere does not delay it.
 *
 * @module
 */

import { CHAT_PEERS } from "./chat_peers.ts";
import { drain } from "./crowd.ts";
import { writeAll } from "./dialogue.ts";
import type { Access } from "./peer.ts";

/** What the worker is told. */
export interface Schedule {
  readonly peer: string;
  readonly access: Access;
  readonly bodyBytes: number;
  /** Messages a second. */
  readonly rate: number;
  readonly count: number;
  /** One Float64 a message: when it was due, in ms of {@linkcode sharedClock}. */
  readonly due: SharedArrayBuffer;
}

/** A clock that is the same in all threads of this process, in ms. */
export function sharedClock(): number {
  return performance.timeOrigin + performance.now();
}

/** Sending begins so long after signing in, in ms. */
const LEAD = 50;

async function pace(schedule: Schedule): Promise<void> {
  const { peer: name, access, bodyBytes, rate, count } = schedule;
  const peer = CHAT_PEERS.find((peer) => peer.name === name)!;
  const wire = peer.wire({ access, bodyBytes, name: "pace" });
  const member = await wire.join("publisher");
  drain(member);
  const due = new Float64Array(schedule.due);
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const begin = sharedClock() + LEAD;
  for (let i = 0; i < count; i++) {
    due[i] = begin + i * 1000 / rate;
    const wait = due[i] - sharedClock();
    if (wait > 0) Atomics.wait(nap, 0, 0, wait);
    await writeAll(member.conn, wire.encode(1));
  }
}

/** What the worker answers when it has sent everything, or failed. */
export interface Paced {
  readonly fault?: string;
}

interface WorkerScope {
  onmessage: ((event: MessageEvent<Schedule>) => void) | null;
  postMessage(message: Paced): void;
}

// This module is also imported for its types and its clock; only a worker has this.
if ("WorkerGlobalScope" in globalThis) {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = ({ data }) => {
    pace(data).then(
      () => scope.postMessage({}),
      (error) => scope.postMessage({ fault: String(error) }),
    );
  };
}
