/**
 * The links on which transports are compared, and what ours must show on each (DATAGRAM §6).
 *
 * @module
 */

import type { DatagramLinkFaults } from "../../tests/simulation/datagram_link.ts";
import type { Condition } from "../peers/figure.ts";

/** A link, in both directions. */
export interface BenchLink {
  readonly name: string;
  readonly faults: Partial<DatagramLinkFaults>;
  /** Bytes to transfer, and when it must be quick. */
  readonly bytes: number;
  readonly quickBytes: number;
  /** What the rate must be, in MB/s. */
  readonly goal: readonly Condition[];
  /** Of the bytes that ours sends, how many may go beyond the data and the loss, as a share. */
  readonly beyond?: number;
}

const MB = 1_000_000;
/** 100 Mbit/s in bytes a ms. */
const RATE = 12_500;

function link(
  name: string,
  faults: Partial<DatagramLinkFaults>,
  bytes: number,
  goal: readonly Condition[],
): BenchLink {
  return { name, faults, bytes, quickBytes: bytes / 4, goal, beyond: 0.03 };
}

const beside = (value: number, ...peers: string[]): Condition[] =>
  peers.map((peer) => ({ ours: "at least", value, peer }));

/** By chance losses: what comes through, and what goes by losses or asks for each block beside it. */
const lossy: readonly Condition[] = [
  { ours: "at least", value: 8 },
  ...beside(1, "Deno QUIC", "TCP bbr", "udx-native"),
  ...beside(100, "TFTP"),
];

/** The links. Delays are one way; queues hold one round trip, and 20 ms at least. */
export const LINKS: readonly BenchLink[] = [
  link(
    "100 Mbit/s, 0.2 ms",
    { rate: RATE, queue: 250_000 },
    40 * MB,
    beside(0.95, "TCP cubic", "Deno QUIC"),
  ),
  link(
    "100 Mbit/s, 20 ms",
    { rate: RATE, queue: 250_000, delay: 10 },
    40 * MB,
    beside(0.95, "TCP cubic", "Deno QUIC"),
  ),
  link(
    "100 Mbit/s, 100 ms",
    { rate: RATE, queue: 1_250_000, delay: 50 },
    80 * MB,
    beside(0.85, "TCP cubic", "Deno QUIC"),
  ),
  link(
    "100 Mbit/s, 20 ms, 1 % loss",
    { rate: RATE, queue: 250_000, delay: 10, loss: 0.01 },
    60 * MB,
    lossy,
  ),
  link(
    "100 Mbit/s, 20 ms, 5 % loss",
    { rate: RATE, queue: 250_000, delay: 10, loss: 0.05 },
    40 * MB,
    lossy,
  ),
  link(
    "100 Mbit/s, 20 ms, reordered",
    { rate: RATE, queue: 250_000, delay: 10, reorder: 0.05, reorderDelay: 10 },
    40 * MB,
    [],
  ),
];
