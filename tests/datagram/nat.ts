/**
 * NATs for the simulated network: what leaves a node gets another address, and what comes gets in only if the NAT
 * knows whom it is for.
 *
 * @module
 */

import type { DatagramLinkFaults } from "../simulation/datagram_link.ts";
import type { Network } from "./network.ts";

/** How a NAT behaves (RFC 4787). */
export interface NatOptions {
  /** The address that its datagrams come from, without the port. */
  readonly host: string;
  /** Whether each destination gets a port of its own; otherwise one port is for all. */
  readonly symmetric?: boolean;
  /** Who may answer: anybody, whoever has the address, or whoever has the address and port that was written to. */
  readonly lets?: "all" | "address" | "port";
}

/** One NAT. */
export interface Nat {
  /** Where datagrams to this address come from; `undefined` before one was sent. */
  outside(to: string): string | undefined;
  /** Forgets everything: what leaves from now on has another port. */
  forget(): void;
}

const hostOf = (path: string) => path.slice(0, path.lastIndexOf(":"));

interface Mapping {
  readonly outside: string;
  readonly written: Set<string>;
}

class Box implements Nat {
  readonly inside: string;
  readonly #options: NatOptions;
  readonly #mappings = new Map<string, Mapping>();
  #port = 40_000;

  constructor(inside: string, options: NatOptions) {
    this.inside = inside;
    this.#options = options;
  }

  #key(to: string): string {
    return this.#options.symmetric ? to : "";
  }

  outside(to: string): string | undefined {
    return this.#mappings.get(this.#key(to))?.outside;
  }

  forget(): void {
    this.#mappings.clear();
  }

  /** Where a datagram to this address comes from, which it does now. */
  leave(to: string): string {
    const key = this.#key(to);
    const mapping = this.#mappings.get(key) ??
      { outside: `${this.#options.host}:${this.#port++}`, written: new Set() };
    this.#mappings.set(key, mapping);
    mapping.written.add(to);
    return mapping.outside;
  }

  /** Whether a datagram to one of its addresses gets in. */
  admits(from: string, to: string): boolean {
    const { lets = "port" } = this.#options;
    for (const { outside, written } of this.#mappings.values()) {
      if (outside !== to) continue;
      if (lets === "all" || written.has(from)) return true;
      if (lets === "address") return [...written].some((one) => hostOf(one) === hostOf(from));
    }
    return false;
  }

  owns(path: string): boolean {
    return hostOf(path) === this.#options.host;
  }
}

/** Puts NATs before nodes, by their addresses; all links between addresses get these faults. */
export function putBehindNats(
  network: Network,
  nats: Readonly<Record<string, NatOptions>>,
  faults: Partial<DatagramLinkFaults>,
): Record<string, Nat> {
  const boxes = Object.entries(nats).map(([inside, options]) => new Box(inside, options));
  network.tap = (datagram, from, to) => {
    const source = boxes.find(({ inside }) => inside === from)?.leave(to) ?? from;
    const target = boxes.find((box) => box.owns(to));
    if (target !== undefined && !target.admits(source, to)) return [];
    const destination = target?.inside ?? to;
    // A link is made at its first use, and goes to the node itself.
    network.link(source, destination, faults);
    return [{ datagram, from: source, to: destination }];
  };
  return Object.fromEntries(boxes.map((box) => [box.inside, box]));
}
