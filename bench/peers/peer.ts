/**
 * What a system under load looks like to the works: a program that can be started, and a wire on which the
 * load generator speaks to it. The wire is made from plain data, so that a worker can have its own.
 *
 * @module
 */

import type { Framing } from "./framing.ts";
import type { Installer, Process } from "./process.ts";

/** Where a started server is, and how one signs in there. */
export interface Access {
  readonly port: number;
  readonly secret?: Uint8Array;
}

/** A server that was started. */
export interface Started {
  readonly process: Process;
  readonly access: Access;
}

/** What a connection is for. */
export type Part =
  /** Gets every message. */
  | "subscriber"
  /** Sends messages. */
  | "publisher"
  /** Only stays. */
  | "idle";

/** What is read and written. */
export type Stream = Pick<Deno.TcpConn, "read" | "write" | "close">;

/** A connection that has signed in and does its part. */
export interface Member {
  readonly conn: Stream;
  /** Counts what arrives: messages for a subscriber, acknowledgements for a publisher. */
  readonly framing: Framing;
}

/** How the load generator speaks to a server. */
export interface Wire {
  /** Connects and signs in. */
  join(part: Part): Promise<Member>;
  /**
   * The bytes that publish so many messages, each with a body of `bodyBytes`; `client` tells the publishers
   * of one wire from each other, where there are several.
   */
  encode(count: number, client?: number): Uint8Array<ArrayBuffer>;
}

/** What a wire is made for. */
export interface WireOptions {
  readonly access: Access;
  readonly bodyBytes: number;
  /** Tells the wires of one server from each other. */
  readonly name: string;
}

/** A system that people talk through. */
export interface ChatPeer {
  readonly name: string;
  /** Starts it with its data in this folder. Rejects with Missing if it is not here. */
  start(folder: string, installer: Installer): Promise<Started>;
  wire(options: WireOptions): Wire;
}

/** How posts are kept: so many clients, each with so many posts in flight. */
export interface DurableLoad {
  readonly clients: number;
  readonly inFlight: number;
  readonly warmupMs: number;
  readonly ms: number;
}

/** What keeping posts has cost. */
export interface DurableOutcome {
  /** Posts a second. */
  readonly rate: number;
  /** From sending to acknowledgement, in ms. */
  readonly p99: number;
  /** The server's time on a processor, µs a post. */
  readonly cpu: number;
}

/** A system that keeps posts. */
export interface DurablePeer {
  readonly name: string;
  start(folder: string, installer: Installer): Promise<DurableStore>;
}

/** One that was started. */
export interface DurableStore {
  run(load: DurableLoad): Promise<DurableOutcome>;
  stop(): Promise<void>;
}

/** Bytes of a post's body where nothing else is said (FACTS §8). */
export const BODY_BYTES = 128;
/** Bytes of a body where posts are kept. */
export const DURABLE_BODY_BYTES = 256;
