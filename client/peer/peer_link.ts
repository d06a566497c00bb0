/**
 * The link between two clients for one file: an endpoint of their own, whose datagrams go through the server as one
 * path, and through sockets as others. It moves bytes and keeps time; all else is the endpoint's.
 *
 * @module
 */

import type { DatagramConnection } from "../../protocol/datagram/connection.ts";
import type { DatagramEnding } from "../../protocol/datagram/close_code.ts";
import {
  createEndpoint,
  type Endpoint,
  type EndpointTransition,
} from "../../protocol/datagram/endpoint.ts";
import type { OfferPeer } from "../../protocol/datagram/handshake.ts";
import type { Role } from "../../protocol/datagram/noise.ts";
import { DATAGRAM_BYTES_MAX } from "../../protocol/datagram/packet.ts";
import type { PeerStream, PeerStreamEvent } from "../../protocol/peer/peer_stream.ts";
import type { PeerHost, Via } from "./peer_host.ts";

/** The path through the server. */
const RELAY = "relay";
/** Silence after which a link is given up, in ms. */
const IDLE_MS = 20_000;
/** Silence after which the other side is asked for a sign of life, in ms; it keeps NATs open too. */
const KEEP_ALIVE_MS = 5000;
/** What may leave in one go. */
const SEND_BYTES = 16 * DATAGRAM_BYTES_MAX;
const READ_BYTES = 64 * 1024;

/** What a link is made with. */
export interface PeerLinkOptions {
  readonly host: PeerHost;
  /** Who calls: the taker is the initiator. */
  readonly role: Role;
  readonly peer: OfferPeer;
  /** The id of RELAY frames. */
  readonly channel: number;
  readonly stream: PeerStream;
  /** Something has happened on the stream. */
  readonly onEvent: (event: PeerStreamEvent) => void;
  /** The link is there, or takes another path. */
  readonly onVia: (via: Via) => void;
  /** It is over. */
  readonly onEnd: (ending: DatagramEnding) => void;
}

/** A link. */
export interface PeerLink {
  readonly channel: number;
  /** How the file travels now; `undefined` while there is no connection. */
  readonly via: Via | undefined;
  readonly stream: PeerStream;
  /** A datagram has come through the server. */
  relayed(datagram: Uint8Array): void;
  /** Something was done with the stream, or there is room again. */
  wake(): void;
  /** Ends it, and says so to the other side. */
  close(): void;
  /** Lets go of it without a word. */
  stop(): void;
}

class Link implements PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #endpoint: Endpoint;
  readonly #out = new Uint8Array(SEND_BYTES);
  #connection: DatagramConnection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #awake = false;
  #sending = false;
  #over = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    const { host, role, peer } = options;
    this.#endpoint = createEndpoint({
      env: host.env,
      now: now(),
      idle: IDLE_MS,
      keepAlive: KEEP_ALIVE_MS,
    });
    if (role === "initiator") this.#endpoint.connect(now(), RELAY, peer);
    else this.#endpoint.expect(peer);
    this.wake();
  }

  get channel(): number {
    return this.#options.channel;
  }
  get stream(): PeerStream {
    return this.#options.stream;
  }
  get via(): Via | undefined {
    if (this.#connection === undefined) return undefined;
    return this.#connection.path === RELAY ? "relayed" : "direct";
  }

  relayed(datagram: Uint8Array): void {
    this.#receive(RELAY, datagram);
  }

  #receive(path: string, datagram: Uint8Array): void {
    if (this.#over) return;
    this.#endpoint.receive(now(), path, datagram);
    this.wake();
  }

  wake(): void {
    if (this.#awake || this.#over) return;
    this.#awake = true;
    // All that this turn brings is dealt with at once.
    queueMicrotask(() => {
      this.#awake = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#over) return;
    const due = this.#endpoint.timeout();
    if (due !== undefined && due <= now()) this.#endpoint.handleTimeout(now());
    this.#listen();
    this.#pump();
    void this.#send();
  }

  #listen(): void {
    while (!this.#over) {
      const what = this.#endpoint.next();
      if (what === undefined) return;
      this.#hear(what);
    }
  }

  #hear(what: EndpointTransition): void {
    switch (what.kind) {
      case "established":
      case "accepted":
        this.#connection = what.connection;
        return this.#options.onVia(this.via!);
      case "moved":
        return this.#options.onVia(this.via!);
      case "closed":
        return this.#end(what.ending);
    }
  }

  #end(ending: DatagramEnding): void {
    this.stop();
    this.#options.onEnd(ending);
  }

  /** Moves bytes between the file's stream and the connection's. */
  #pump(): void {
    const { stream } = this.#options;
    const connection = this.#connection;
    if (connection === undefined) return;
    for (;;) {
      const bytes = this.#over ? undefined : connection.read(READ_BYTES);
      if (bytes === undefined) break;
      stream.receive(bytes);
      this.#tell();
    }
    this.#tell();
    while (!this.#over) {
      const bytes = stream.peekTransmit();
      if (bytes.length === 0) break;
      const count = connection.write(bytes);
      stream.consumeTransmit(count);
      this.#tell();
      if (count === 0) break;
    }
    this.#listen();
  }

  #tell(): void {
    while (!this.#over) {
      const event = this.#options.stream.next();
      if (event === undefined) return;
      this.#options.onEvent(event);
    }
  }

  /** Sends what there is to send, and sees to the timer. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    const { host, channel } = this.#options;
    while (!this.#over) {
      // What the server's connection has no room for would be lost for nothing.
      if (this.via !== "direct" && host.relayBlocked) break;
      const sent = this.#endpoint.transmit(now(), this.#out);
      if (sent === undefined) break;
      const { path, length, segment } = sent;
      if (path === RELAY) {
        for (let at = 0; at < length; at += segment) {
          host.relay(channel, this.#out.subarray(at, Math.min(length, at + segment)));
        }
      }
    }
    this.#sending = false;
    this.#arm();
    await Promise.resolve();
  }

  #arm(): void {
    const due = this.#over ? undefined : this.#endpoint.timeout();
    // A timer that fires too early is cheaper than one that is set anew for every packet.
    if (due === undefined || due >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.#turn();
    }, Math.max(0, due - now()));
  }

  close(): void {
    if (this.#over) return;
    // What waits, as the word that ends the file, goes first.
    this.#pump();
    void this.#send();
    this.#connection?.close(now());
    void this.#send();
    this.stop();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}

function now(): number {
  return performance.now();
}

/** Makes a link. The taker calls; the offerer waits for the call. */
export function createPeerLink(options: PeerLinkOptions): PeerLink {
  return new Link(options);
}
