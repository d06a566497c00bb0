/**
 * JetStream on file, one replica, through its own JavaScript client. It acknowledges before the disk has it.
 *
 * @module
 */

import { NATS_CREDENTIALS, startNats } from "./nats.ts";
import { DURABLE_BODY_BYTES, type DurableLoad, type DurablePeer } from "./peer.ts";
import { Missing, type Process } from "./process.ts";
import { percentile } from "./statistics.ts";

const SUBJECT = "posts";

async function clients() {
  try {
    const [{ connect }, { jetstream, jetstreamManager, StorageType }] = await Promise.all([
      import("npm:@nats-io/transport-node@3.4.0"),
      import("npm:@nats-io/jetstream@3.4.0"),
    ]);
    return { connect, jetstream, jetstreamManager, StorageType };
  } catch (error) {
    throw new Missing(`JetStream's client cannot be had from npm: ${(error as Error).message}`);
  }
}

/** The peer. */
export const jetStream: DurablePeer = {
  name: "JetStream",
  async start(folder, installer) {
    const client = await clients();
    const { process, access } = await startNats(folder, installer, ["-js", "-sd", `${folder}/js`]);
    const dial = () => client.connect({ port: access.port, ...NATS_CREDENTIALS });
    const own = await dial();
    const manager = await client.jetstreamManager(own);
    const storage = client.StorageType.File;
    await manager.streams.add({ name: SUBJECT, subjects: [SUBJECT], storage, num_replicas: 1 });
    return {
      async run(load) {
        const connections = await Promise.all(Array.from({ length: load.clients }, dial));
        const senders = connections.map((connection) => client.jetstream(connection));
        try {
          return await publish(senders, process, load);
        } finally {
          await Promise.all(connections.map((connection) => connection.close()));
        }
      },
      async stop() {
        await own.close();
        await process.stop();
      },
    };
  },
};

interface Sender {
  publish(subject: string, body: Uint8Array): Promise<unknown>;
}

async function publish(senders: readonly Sender[], process: Process, load: DurableLoad) {
  const body = new Uint8Array(DURABLE_BODY_BYTES).fill(0x78);
  const latencies: number[] = [];
  const begin = performance.now();
  const from = begin + load.warmupMs;
  const to = from + load.ms;
  let cpu = 0;
  const warm = setTimeout(() => cpu = process.cpuSeconds(), load.warmupMs);
  const lane = async (sender: Sender) => {
    for (let sent = performance.now(); sent < to;) {
      await sender.publish(SUBJECT, body);
      const now = performance.now();
      if (now >= from && now < to) latencies.push(now - sent);
      sent = now;
    }
  };
  await Promise.all(
    senders.flatMap((sender) => Array.from({ length: load.inFlight }, () => lane(sender))),
  );
  clearTimeout(warm);
  return {
    rate: latencies.length / load.ms * 1000,
    p99: percentile(latencies, 0.99),
    cpu: (process.cpuSeconds() - cpu) * 1e6 / latencies.length,
  };
}
