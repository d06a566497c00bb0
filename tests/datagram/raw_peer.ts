/**
 * A peer that does what it likes: it makes the handshake as the protocol says, and then sends whatever
 * frames a test wants, under any number, and sees what comes back, frame by frame.
 *
 * @module
 */

import { assert } from "@std/assert";
import {
  createEndpoint,
  type Endpoint,
  type EndpointTransition,
} from "../../protocol/datagram/endpoint.ts";
import type { EndpointOptions } from "../../protocol/datagram/endpoint_options.ts";
import { Initiator } from "../../protocol/datagram/handshake.ts";
import { type FrameHandler, readFrames } from "../../protocol/datagram/packet_frame.ts";
import { OpeningKey, SealingKey } from "../../protocol/datagram/packet_keys.ts";
import {
  DATA_OVERHEAD,
  isDataPacket,
  parseHandshakePacket,
  phaseOf,
  type RespPacket,
  writeDataHeader,
} from "../../protocol/datagram/packet.ts";
import type { Params } from "../../protocol/datagram/params.ts";
import { readUint32, writeVarint } from "../../protocol/datagram/integer.ts";
import { createKeyPair } from "../../protocol/datagram/suite.ts";
import { createRandom } from "../simulation/random.ts";
import { toySuite } from "./toy_suite.ts";

/** The address of the raw peer, and of others that it can send from. */
export const RAW = "10.0.0.9:9";

/** One frame that came. */
export interface RawFrame {
  readonly frame: string;
  readonly values: readonly number[];
  /** The bytes of a DATA frame, or the reason of a CLOSE. */
  readonly bytes?: Uint8Array;
  readonly text?: string;
}

/** A packet that came. */
export interface RawPacket {
  readonly number: number;
  readonly bytes: number;
  readonly path: string;
  readonly frames: readonly RawFrame[];
}

/** Varints one behind the other, with bytes in between where an array is given. */
export function frame(...parts: readonly (number | Uint8Array)[]): Uint8Array {
  const bytes = new Uint8Array(4096);
  let at = 0;
  for (const part of parts) {
    if (typeof part === "number") at = writeVarint(bytes, at, part);
    else {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return bytes.slice(0, at);
}

/** A server's endpoint, and a raw peer that talks to it. */
export class RawPeer {
  readonly endpoint: Endpoint;
  readonly packets: RawPacket[] = [];
  readonly transitions: EndpointTransition[] = [];
  #sealing!: SealingKey;
  #opening!: OpeningKey;
  #dcid = 0;
  #next = 0;
  readonly #out = new Uint8Array(1472);
  now = 1000;

  constructor(
    { params = {}, options = {}, seed = 1 }: {
      params?: Partial<Params>;
      options?: Partial<EndpointOptions>;
      seed?: number;
    } = {},
  ) {
    const random = createRandom(seed);
    const key = createKeyPair({ random: random.fork().fill, suite: toySuite });
    const env = { random: random.fork().fill, suite: toySuite };
    this.endpoint = createEndpoint({ env, now: this.now, static: key, ...options });
    const mine: Params = {
      cid: 5,
      idle: 60_000,
      window: 1_000_000,
      ackDelay: 25,
      datagram: 1472,
      reset: 6,
      ...params,
    };
    const peer = { kind: "server", key: key.public } as const;
    const initiator = new Initiator(
      { random: random.fork().fill, suite: toySuite },
      peer,
      { dcid: 77, scid: 5 },
      mine,
    );
    this.endpoint.receive(this.now, RAW, initiator.init());
    const sent = this.endpoint.transmit(this.now, this.#out)!;
    const packet = parseHandshakePacket(this.#out.slice(0, sent.length)) as RespPacket;
    const result = initiator.response(packet);
    assert(result !== undefined);
    this.#dcid = packet.scid;
    const limits = { bytes: Infinity, ms: Infinity };
    this.#sealing = new SealingKey(toySuite, result.initiator, this.now, limits);
    this.#opening = new OpeningKey(toySuite, result.responder);
  }

  /** The connection at the other end. */
  get connection() {
    const accepted = this.transitions.find(({ kind }) => kind === "accepted");
    assert(accepted?.kind === "accepted", "nothing was accepted");
    return accepted.connection;
  }

  /** A DATA packet with these frames. */
  packet(frames: Uint8Array, number: number = this.#next): Uint8Array {
    this.#next = Math.max(this.#next, number + 1);
    const packet = new Uint8Array(frames.length + DATA_OVERHEAD);
    writeDataHeader(packet, { phase: this.#sealing.phase, dcid: this.#dcid, number });
    this.#sealing.seal(packet, frames, number);
    return packet;
  }

  /** Sends frames, and takes what comes back. */
  send(frames: Uint8Array, { number, path = RAW }: { number?: number; path?: string } = {}): void {
    this.give(this.packet(frames, number), path);
  }

  /** Gives the endpoint a datagram, and takes what comes back. */
  give(datagram: Uint8Array, path: string = RAW): void {
    this.endpoint.receive(this.now, path, datagram);
    this.collect();
  }

  /** Lets time pass, with every timer in its turn. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (let turns = 0;; turns++) {
      assert(turns < 10_000, "time stands still");
      this.collect();
      const due = this.endpoint.timeout();
      if (due === undefined || due > until) break;
      this.now = Math.max(this.now, due);
      this.endpoint.handleTimeout(this.now);
    }
    this.now = until;
  }

  /** Takes what the endpoint sends. */
  collect(): void {
    for (let what = this.endpoint.next(); what !== undefined; what = this.endpoint.next()) {
      this.transitions.push(what);
    }
    for (;;) {
      const sent = this.endpoint.transmit(this.now, this.#out);
      if (sent === undefined) return;
      const packet = this.#out.slice(0, sent.length);
      if (isDataPacket(packet)) this.packets.push(this.#open(packet, sent.path));
      else {
        this.packets.push({ number: -1, bytes: sent.length, path: sent.path, frames: [] });
      }
    }
  }

  #open(packet: Uint8Array, path: string): RawPacket {
    const plain = new Uint8Array(packet.length - DATA_OVERHEAD);
    const number = readUint32(packet, 9);
    assert(this.#opening.open(packet, phaseOf(packet), number, plain, this.now, Infinity));
    const frames: RawFrame[] = [];
    const told = (frame: string) => (...values: number[]) => void frames.push({ frame, values });
    const handler: FrameHandler = {
      onAck: (ranges) => frames.push({ frame: "ack", values: [...ranges] }),
      onData: (offset, bytes, start, end, fin) =>
        frames.push({
          frame: fin ? "fin" : "data",
          values: [offset],
          bytes: bytes.slice(start, end),
        }),
      onMaxData: told("maxData"),
      onDataBlocked: told("dataBlocked"),
      onNewCid: told("newCid"),
      onRetireCid: told("retireCid"),
      onPathChallenge: told("pathChallenge"),
      onPathResponse: told("pathResponse"),
      onClose: (code, text) => frames.push({ frame: "close", values: [code], text }),
      onConfirmed: told("confirmed"),
    };
    const { ok } = readFrames(plain, plain.length, handler, () => false);
    assert(ok, "the endpoint sends what is malformed");
    return { number, bytes: packet.length, path, frames };
  }

  /** All frames of a kind that came, and are forgotten with this. */
  take(kind: string): RawFrame[] {
    const found = this.packets.flatMap(({ frames }) => frames)
      .filter(({ frame }) => frame === kind);
    this.packets.length = 0;
    return found;
  }

  /** The code with which the endpoint has closed, if it has. */
  get closeCode(): number | undefined {
    return this.packets.flatMap(({ frames }) => frames)
      .find(({ frame }) => frame === "close")?.values[0];
  }
}
