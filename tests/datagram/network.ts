/**
 * A network of endpoints under virtual time: each has a socket that holds 92 datagrams, as Deno's does, and
 * between each two addresses is a link in each direction. All chance comes from the seed.
 *
 * @module
 */

import { createEndpoint, type Endpoint } from "../../protocol/datagram/endpoint.ts";
import type { EndpointOptions } from "../../protocol/datagram/endpoint_options.ts";
import type { EndpointTransition } from "../../protocol/datagram/endpoint.ts";
import type { Env, Suite } from "../../protocol/datagram/suite.ts";
import {
  createDatagramLink,
  type DatagramLink,
  type DatagramLinkFaults,
} from "../simulation/datagram_link.ts";
import { createRandom, type Random } from "../simulation/random.ts";
import { createScheduler, type Scheduler } from "../simulation/scheduler.ts";
import { createTranscript, type Transcript } from "../simulation/transcript.ts";
import { toySuite } from "./toy_suite.ts";

/** Datagrams that a socket holds for its reader. */
const SOCKET_DATAGRAMS = 92;
/** So many turns without time going on are a live-lock. */
const TURNS_MAX = 20_000;

/** What is done with a datagram before the link has it: others may be sent instead. */
export type Tap = (
  datagram: Uint8Array,
  from: string,
  to: string,
) => readonly { datagram: Uint8Array; from: string; to: string }[] | undefined;

/** An endpoint in the network. */
export interface Node {
  /** Its address; it may be changed, as a NAT does. */
  path: string;
  readonly endpoint: Endpoint;
  /** What its endpoint has told and nobody has looked at. */
  readonly transitions: EndpointTransition[];
  /** Called with each transition, if set. */
  onTransition: ((transition: EndpointTransition) => void) | undefined;
  /** Called after each turn. */
  onTurn: (() => void) | undefined;
  /** Its event loop stands still until then. */
  pausedUntil: number;
  /** How far its clock is off, in ms. */
  clock: number;
  /** Datagrams that its socket had no room for. */
  overflowed: number;
  readonly inbox: { readonly datagram: Uint8Array; readonly from: string }[];
}

/** The network. */
export interface Network {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly transcript: Transcript;
  readonly now: number;
  tap: Tap | undefined;
  /** Adds an endpoint. */
  add(path: string, options?: Partial<EndpointOptions>): Node;
  /** The link from one address to another; it is made with these faults if it is new. */
  link(from: string, to: string, faults?: Partial<DatagramLinkFaults>): DatagramLink;
  /** Links in both directions. */
  connect(one: string, other: string, faults?: Partial<DatagramLinkFaults>): void;
  /** Gives a node another address besides its own. */
  alias(path: string, node: Node): void;
  /** Puts a datagram on its way. */
  send(datagram: Uint8Array, from: string, to: string): void;
  /** Lets everything happen until then, or until `done` says so. */
  run(until: number, done?: () => boolean): void;
}

class Virtual implements Network {
  readonly random: Random;
  readonly scheduler = createScheduler();
  readonly transcript: Transcript;
  readonly #suite: Suite;
  readonly #nodes: Node[] = [];
  readonly #aliases = new Map<string, Node>();
  readonly #links = new Map<string, DatagramLink>();
  readonly #out = new Uint8Array(1472);
  tap: Tap | undefined;

  constructor(seed: number, suite: Suite) {
    this.random = createRandom(seed);
    this.#suite = suite;
    this.transcript = createTranscript(() => this.scheduler.now);
  }

  get now(): number {
    return this.scheduler.now;
  }

  add(path: string, options: Partial<EndpointOptions> = {}): Node {
    const env: Env = { random: this.random.fork().fill, suite: this.#suite };
    const node: Node = {
      path,
      endpoint: createEndpoint({ env, now: this.now, ...options }),
      transitions: [],
      onTransition: undefined,
      onTurn: undefined,
      pausedUntil: 0,
      clock: 0,
      overflowed: 0,
      inbox: [],
    };
    this.#nodes.push(node);
    return node;
  }

  link(from: string, to: string, faults: Partial<DatagramLinkFaults> = {}): DatagramLink {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      this.#links.set(name, link = createDatagramLink(this.random.fork(), faults));
    }
    return link;
  }

  connect(one: string, other: string, faults: Partial<DatagramLinkFaults> = {}): void {
    this.link(one, other, faults);
    this.link(other, one, faults);
  }

  alias(path: string, node: Node): void {
    this.#aliases.set(path, node);
  }

  send(datagram: Uint8Array, from: string, to: string): void {
    this.transcript.line(`${from} ${to} ${datagram.length} ${datagram[0]} ${datagram.at(-1)}`);
    this.link(from, to).push(this.now, datagram, from);
  }

  run(until: number, done: () => boolean = () => false): void {
    let turns = 0;
    let before = this.now;
    for (;;) {
      this.#turn();
      if (done()) return;
      const next = this.#next();
      if (next > until) {
        this.scheduler.runUntil(until);
        return;
      }
      turns = next > before ? 0 : turns + 1;
      before = Math.max(before, next);
      if (turns > TURNS_MAX) throw new Error(`time stands still at ${this.now}`);
      this.scheduler.runUntil(next);
      this.#deliver();
      for (const node of this.#nodes) {
        if (!this.#isAwake(node)) continue;
        const due = node.endpoint.timeout();
        if (due === undefined || due - node.clock > this.now) continue;
        // The sum of what was a difference may lack the last bit.
        const now = Math.max(due, this.now + node.clock);
        node.endpoint.handleTimeout(now);
        this.#serve(node);
        this.#expectProgress(node, now);
      }
    }
  }

  /** Once a time has come and all is sent, another is named (DESIGN §11, law 4). */
  #expectProgress({ endpoint, path }: Node, now: number): void {
    const due = endpoint.timeout();
    if (due === undefined || due > now) return;
    throw new Error(`${path} names ${due} as its time again, at ${now}`);
  }

  #isAwake({ pausedUntil }: Node): boolean {
    return this.now >= pausedUntil;
  }

  /** Everybody reads, says what happened, and sends. */
  #turn(): void {
    for (const node of this.#nodes) {
      if (!this.#isAwake(node)) continue;
      const { endpoint } = node;
      for (const { datagram, from } of node.inbox.splice(0)) {
        endpoint.receive(this.now + node.clock, from, datagram);
        // It may be read into again at once.
        datagram.fill(0xee);
      }
      this.#serve(node);
    }
  }

  #serve(node: Node): void {
    this.#listen(node);
    node.onTurn?.();
    for (;;) {
      const sent = node.endpoint.transmit(this.now + node.clock, this.#out);
      if (sent === undefined) break;
      this.#send(this.#out.slice(0, sent.length), node.path, sent.path);
    }
    this.#listen(node);
  }

  #listen(node: Node): void {
    for (let what = node.endpoint.next(); what !== undefined; what = node.endpoint.next()) {
      if (node.onTransition === undefined) node.transitions.push(what);
      else node.onTransition(what);
    }
  }

  #send(datagram: Uint8Array, from: string, to: string): void {
    const instead = this.tap?.(datagram, from, to);
    if (instead === undefined) this.send(datagram, from, to);
    else for (const { datagram, from, to } of instead) this.send(datagram, from, to);
  }

  #deliver(): void {
    for (const [name, link] of this.#links) {
      for (let came = link.pull(this.now); came !== undefined; came = link.pull(this.now)) {
        const to = name.slice(name.indexOf(">") + 1);
        const node = this.#nodes.find(({ path }) => path === to) ?? this.#aliases.get(to);
        if (node === undefined) continue;
        if (node.inbox.length >= SOCKET_DATAGRAMS) node.overflowed++;
        else node.inbox.push({ datagram: came.datagram, from: came.tag });
      }
    }
  }

  /** When something is next to happen. */
  #next(): number {
    let next = Infinity;
    for (const link of this.#links.values()) next = Math.min(next, link.due() ?? Infinity);
    for (const node of this.#nodes) {
      if (!this.#isAwake(node)) {
        next = Math.min(next, node.pausedUntil);
        continue;
      }
      const due = node.endpoint.timeout();
      if (due !== undefined) next = Math.min(next, Math.max(this.now, due - node.clock));
    }
    return Math.min(next, this.scheduler.next ?? Infinity);
  }
}

/** Makes a network without anybody in it. */
export function createNetwork(seed: number, suite: Suite = toySuite): Network {
  return new Virtual(seed, suite);
}
