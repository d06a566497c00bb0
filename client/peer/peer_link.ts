/**
 * The link between two clients for one file: an endpoint of their own, whose datagrams go through the server as one
 * path, and through sockets as others. It begins by way of the server and moves to a path of its own as soon as there
 * is one, and back when that is dead. It moves bytes and keeps time; all else is the endpoint's.
 *
 * @module
 */

import type { ReachNotice } from "../../protocol/body.ts";
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
import type { Candidate, Punch } from "../../protocol/datagram/punch.ts";
import type { PeerStream, PeerStreamEvent } from "../../protocol/peer/peer_stream.ts";
import { createPathSearch, type PathSearch } from "./path_search.ts";
import type { PeerHost, Via } from "./peer_host.ts";

/** The path through the server. */
const RELAY = "relay";
/** Silence after which a link is given up, in ms. */
const IDLE_MS = 20_000;
/** Silence after which the other side is asked for a sign of life, in ms; it keeps NATs open too. */
const KEEP_ALIVE_MS = 2000;
/** What may leave in one go. */
const SEND_BYTES = 16 * DATAGRAM_BYTES_MAX;
const READ_BYTES = 64 * 1024;
/** Datagrams of a farewell. */
const LAST_MAX = 64;

/** What a link is made with. */
export interface PeerLinkOptions {
  readonly host: PeerHost;
  /** The offer's name. */
  readonly offer: string;
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
  /** The server tells where the other side may be reached. */
  reach(notice: ReachNotice): void;
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
  readonly #search: PathSearch;
  readonly #out = new Uint8Array(SEND_BYTES);
  #connection: DatagramConnection | undefined;
  #punch: Punch | undefined;
  /** A path that has answered, to be moved to. */
  #reached: string | undefined;
  #wasDirect = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #awake = false;
  #sending = false;
  #over = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    const { host, offer, role, peer } = options;
    this.#endpoint = createEndpoint({
      env: host.env,
      now: now(),
      idle: IDLE_MS,
      keepAlive: KEEP_ALIVE_MS,
    });
    this.#search = createPathSearch({
      host,
      offer,
      receive: (path, datagram) => this.#receive(path, datagram),
      punch: (candidates) => this.#look(candidates),
      found: () => this.via === "direct",
    });
    if (role === "initiator") this.#endpoint.connect(now(), RELAY, peer);
    else this.#endpoint.expect(peer);
    this.#search.begin();
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

  reach(notice: ReachNotice): void {
    this.#search.reach(notice);
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
        this.#options.onVia(this.via!);
        return this.#migrate();
      case "reached":
        this.#reached = what.path;
        return this.#migrate();
      case "moved":
        return this.#moved();
      case "closed":
        return this.#end(what.ending);
    }
  }

  /** Looks for the other side at these places. */
  #look(candidates: readonly Candidate[]): void {
    const { role, peer } = this.#options;
    this.#punch?.stop();
    this.#punch = this.#endpoint.punch(now(), { peer, role, candidates });
    this.wake();
  }

  /** Who has called moves, and the other side follows. */
  #migrate(): void {
    const path = this.#reached;
    if (path === undefined || this.#options.role === "responder") return;
    if (this.#connection === undefined) return;
    this.#reached = undefined;
    this.#connection.migrate(now(), path);
  }

  #moved(): void {
    const via = this.via!;
    this.#options.onVia(via);
    if (via === "direct") this.#wasDirect = true;
    else if (this.#wasDirect) {
      this.#wasDirect = false;
      this.#search.again();
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
    while (!this.#over) {
      // What the server's connection has no room for would be lost for nothing.
      if (this.via !== "direct" && this.#options.host.relayBlocked) break;
      const sent = this.#endpoint.transmit(now(), this.#out);
      if (sent === undefined) break;
      const { path, length, segment } = sent;
      const bytes = this.#out.subarray(0, length);
      if (path === RELAY) this.#relay(bytes, segment);
      // What a closed socket should have sent is lost like anything else.
      else await this.#search.port?.send(path, bytes, segment);
    }
    this.#sending = false;
    this.#arm();
  }

  #relay(bytes: Uint8Array, segment: number): void {
    const { host, channel } = this.#options;
    for (let at = 0; at < bytes.length; at += segment) {
      host.relay(channel, bytes.subarray(at, Math.min(bytes.length, at + segment)));
    }
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
    const words = this.#last();
    this.#connection?.close(now());
    this.#leave(Promise.all([...words, ...this.#last()]));
  }

  /** Sends what can be sent at once; it may be the last chance. */
  #last(): Promise<void>[] {
    const sending: Promise<void>[] = [];
    while (sending.length < LAST_MAX) {
      const out = new Uint8Array(DATAGRAM_BYTES_MAX);
      const sent = this.#endpoint.transmit(now(), out);
      if (sent === undefined) break;
      const bytes = out.subarray(0, sent.length);
      if (sent.path === RELAY) this.#relay(bytes, sent.segment);
      else {sending.push(
          this.#search.port?.send(sent.path, bytes, sent.segment) ?? Promise.resolve(),
        );}
    }
    return sending;
  }

  stop(): void {
    this.#leave(Promise.resolve());
  }

  #leave(sent: Promise<unknown>): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#search.stop(sent);
  }
}

function now(): number {
  return performance.now();
}

/** Makes a link. The taker calls; the offerer waits for the call. */
export function createPeerLink(options: PeerLinkOptions): PeerLink {
  return new Link(options);
}
