/**
 * Two endpoints in a simulated network, and bytes that go both ways between them: each side writes a stream whose
 * bytes follow from their place, reads the other's, and finishes.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { DatagramEnding } from "../../protocol/datagram/close_code.ts";
import type { DatagramConnection } from "../../protocol/datagram/connection.ts";
import type { EndpointTransition } from "../../protocol/datagram/endpoint.ts";
import type { EndpointOptions } from "../../protocol/datagram/endpoint_options.ts";
import type { Peer } from "../../protocol/datagram/handshake.ts";
import { createKeyPair, type KeyPair, type Suite } from "../../protocol/datagram/suite.ts";
import type { DatagramLinkFaults } from "../simulation/datagram_link.ts";
import { createNetwork, type Network, type Node } from "./network.ts";
import { toySuite } from "./toy_suite.ts";

/** Where the two are. */
export const CLIENT = "10.0.0.1:1";
export const SERVER = "10.0.0.2:2";

/** The byte at a place of a stream. */
export function byteAt(offset: number, salt: number): number {
  return (offset * 31 + (offset >>> 8) + salt) & 0xff;
}

/** One side of a transfer. */
export interface Half {
  readonly node: Node;
  connection: DatagramConnection | undefined;
  /** How many bytes it writes, and has written; how many it has read. */
  size: number;
  written: number;
  read: number;
  /** Whether it reads what comes. */
  reads: boolean;
  /** Bytes that it reads in a turn at most. */
  appetite: number;
  /** Whether it ends its stream when all is written. */
  finishes: boolean;
  ended: boolean;
  delivered: boolean;
  ending: DatagramEnding | undefined;
  readonly kinds: string[];
  /** The most memory that its streams held. */
  memory: number;
}

/** A transfer between two endpoints. */
export interface Transfer {
  readonly network: Network;
  readonly key: KeyPair;
  readonly client: Half;
  readonly server: Half;
  /** Whether all bytes have arrived both ways. */
  readonly done: boolean;
  /** Whether one side is closed. */
  readonly over: boolean;
  /** Runs until all has arrived or one side is closed, and fails if that takes longer. */
  finish(within?: number): void;
}

/** How a transfer is made. */
export interface TransferOptions {
  readonly seed?: number;
  readonly faults?: Partial<DatagramLinkFaults>;
  /** Bytes from client to server, and back. */
  readonly up?: number;
  readonly down?: number;
  readonly suite?: Suite;
  readonly client?: Partial<EndpointOptions>;
  readonly server?: Partial<EndpointOptions>;
  /** Whom the client calls, given the server's key. */
  readonly peer?: (key: KeyPair) => Peer;
}

const SALT = { up: 7, down: 101 } as const;
const chunk = new Uint8Array(16 * 1024);

function write(half: Half, salt: number): void {
  const connection = half.connection!;
  while (half.written < half.size) {
    const count = Math.min(chunk.length, half.size - half.written, connection.writable);
    if (count === 0) {
      // So that it tells when there is room.
      connection.write(chunk);
      return;
    }
    for (let at = 0; at < count; at++) chunk[at] = byteAt(half.written + at, salt);
    half.written += connection.write(chunk.subarray(0, count));
  }
  if (half.finishes) {
    half.finishes = false;
    connection.finish();
  }
}

function read(half: Half, salt: number): void {
  if (!half.reads) return;
  for (let left = half.appetite; left > 0;) {
    const bytes = half.connection!.read(left);
    if (bytes === undefined) return;
    left -= bytes.length;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] !== byteAt(half.read + at, salt)) {
        throw new Error(`byte ${half.read + at} is wrong`);
      }
    }
    half.read += bytes.length;
  }
}

function hear(half: Half, transition: EndpointTransition): void {
  half.kinds.push(transition.kind);
  assert(half.ending === undefined, `${transition.kind} comes after closed`);
  switch (transition.kind) {
    case "accepted":
      half.connection ??= transition.connection;
      return;
    case "ended":
      half.ended = true;
      return;
    case "delivered":
      half.delivered = true;
      return;
    case "closed":
      half.ending = transition.ending;
  }
}

/** Makes a transfer, which has not begun. */
export function createTransfer(options: TransferOptions = {}): Transfer {
  const { seed = 1, faults = {}, up = 0, down = 0, suite = toySuite } = options;
  const network = createNetwork(seed, suite);
  const key = createKeyPair({ random: network.random.fork().fill, suite });
  const half = (node: Node, size: number): Half => ({
    node,
    connection: undefined,
    size,
    written: 0,
    read: 0,
    reads: true,
    appetite: Infinity,
    finishes: true,
    ended: false,
    delivered: false,
    ending: undefined,
    kinds: [],
    memory: 0,
  });
  const server = half(network.add(SERVER, { static: key, ...options.server }), down);
  const client = half(network.add(CLIENT, options.client), up);
  network.connect(CLIENT, SERVER, faults);
  const peer = options.peer?.(key) ?? { kind: "server", key: key.public } as const;
  client.connection = client.node.endpoint.connect(network.now, SERVER, peer);
  for (const [one, own, theirs] of [[client, "up", "down"], [server, "down", "up"]] as const) {
    one.node.onTransition = (transition) => hear(one, transition);
    one.node.onTurn = () => {
      const { connection } = one;
      if (connection === undefined) return;
      if (connection.state !== "established" && connection.state !== "confirmed") return;
      read(one, SALT[theirs]);
      // What is left is read in a turn of its own.
      if (one.reads && connection.readable > 0) network.scheduler.after(5, () => {});
      write(one, SALT[own]);
      one.memory = Math.max(one.memory, connection.stats().memory);
    };
  }
  return {
    network,
    key,
    client,
    server,
    get done() {
      return [client, server].every(({ ended, delivered }) => ended && delivered);
    },
    get over() {
      return client.ending !== undefined || server.ending !== undefined;
    },
    finish(within = 600_000) {
      const until = network.now + within;
      network.run(until, () => this.done || this.over);
      const { read: up } = server;
      const { read: down } = client;
      assert(
        this.done,
        `after ${network.now} ms: ${up} of ${client.size} bytes up, ${down} of ${server.size} down, ` +
          `client ${
            client.connection!.state
          } ${client.ending?.text}, server ${server.connection?.state}`,
      );
      assert(up === client.size && down === server.size);
    },
  };
}
