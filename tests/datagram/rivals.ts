/**
 * Two connections through one narrow place, each with more to send than it carries: what each gets of it. They are
 * of one client and one server, so they have the same link, and differ in their congestion control only.
 *
 * @module
 */

import type { Congestion } from "../../protocol/datagram/congestion.ts";
import type { DatagramConnection } from "../../protocol/datagram/connection.ts";
import { createKeyPair } from "../../protocol/datagram/suite.ts";
import type { DatagramLinkFaults } from "../simulation/datagram_link.ts";
import { createNetwork, type Network, type Node } from "./network.ts";
import { toySuite } from "./toy_suite.ts";
import { CLIENT, SERVER } from "./transfer.ts";

/** Makes the congestion control of one of them. */
export type MakeCongestion = (packet: number) => Congestion;

/** A flow that has begun. */
export interface Flow {
  /** Bytes that have arrived so far. */
  readonly arrived: number;
}

/** Flows over one link. */
export interface Rivals {
  readonly network: Network;
  /** The client and the server. */
  readonly nodes: readonly Node[];
  /** Begins another flow, and lets time pass until it flows. */
  begin(congestion: MakeCongestion): Flow;
  /** Rates of all flows, in bytes a ms, over the next so many ms. */
  measure(ms: number): number[];
}

const chunk = new Uint8Array(64 * 1024);

/** Makes a link without a flow. */
export function createRivals(seed: number, faults: Partial<DatagramLinkFaults>): Rivals {
  const network = createNetwork(seed, toySuite);
  const key = createKeyPair({ random: network.random.fork().fill, suite: toySuite });
  let make: MakeCongestion;
  const server = network.add(SERVER, { static: key });
  const client = network.add(CLIENT, { congestion: (packet) => make(packet) });
  network.connect(CLIENT, SERVER, faults);
  const sending: DatagramConnection[] = [];
  const receiving: DatagramConnection[] = [];
  const arrived: number[] = [];
  client.onTransition = (what) => {
    if (what.kind === "established") sending.push(what.connection);
  };
  server.onTransition = (what) => {
    if (what.kind === "accepted") arrived[receiving.push(what.connection) - 1] = 0;
  };
  client.onTurn = () => {
    for (const connection of sending) while (connection.write(chunk) > 0);
  };
  server.onTurn = () => {
    for (const [at, connection] of receiving.entries()) {
      for (let bytes = connection.read(1e6); bytes !== undefined;) {
        arrived[at] += bytes.length;
        bytes = connection.read(1e6);
      }
    }
  };
  return {
    network,
    nodes: [client, server],
    begin(congestion) {
      make = congestion;
      const at = receiving.length;
      client.endpoint.connect(network.now, SERVER, { kind: "server", key: key.public });
      network.run(network.now + 60_000, () => receiving.length > at && sending.length > at);
      if (receiving.length === at) throw new Error("the flow has not begun");
      return {
        get arrived() {
          return arrived[at];
        },
      };
    },
    measure(ms) {
      const before = [...arrived];
      network.run(network.now + ms);
      return arrived.map((bytes, at) => (bytes - before[at]) / ms);
    },
  };
}
