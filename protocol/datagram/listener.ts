/**
 * Calls from outside: which INIT begins a connection, which has to show first that its address is its own (RFC 9000
 * §8.1), and which is nobody's business here.
 *
 * @module
 */

import { createCookieJar } from "./cookie.ts";
import type { EndpointCounters } from "./endpoint_counters.ts";
import type { EndpointLimits } from "./endpoint_options.ts";
import {
  expectOffer,
  isGenuine,
  offerMac,
  type OfferPeer,
  type Responder,
  retryFor,
  serverMac,
} from "./handshake.ts";
import type { InitPacket, Mac } from "./packet.ts";
import { Strangers } from "./strangers.ts";
import { type Env, KEY_BYTES, type KeyPair } from "./suite.ts";

/** What a listener needs of its endpoint. */
export interface ListenerHost<C> {
  readonly env: Env;
  readonly limits: EndpointLimits;
  readonly counters: EndpointCounters;
  /** Which paths share a limit. */
  readonly networkOf: (path: string) => string;
  /** How many connections there are. */
  readonly connections: () => number;
  /** Begins a connection; `undefined` where the INIT is no good. */
  readonly begin: (path: string, packet: InitPacket, responder: Responder) => C | undefined;
  /** The INIT of a connection has come again. */
  readonly repeat: (connection: C) => void;
  readonly answer: (path: string, packet: Uint8Array) => void;
}

/** As whom a call is answered. */
interface Expected {
  readonly responder: Responder;
  readonly mac: Mac;
}

/** Takes calls: of everybody who knows the server's key, and of peers with an offer. */
export class Listener<C> {
  readonly #host: ListenerHost<C>;
  readonly #server: Expected | undefined;
  readonly #offers = new Map<string, Expected>();
  readonly #cookies;
  readonly #strangers: Strangers<C>;

  constructor(host: ListenerHost<C>, own: KeyPair | undefined) {
    const { env, limits } = host;
    this.#host = host;
    this.#cookies = createCookieJar(env);
    this.#strangers = new Strangers(limits);
    if (own !== undefined) {
      this.#server = { responder: { static: own }, mac: serverMac(env.suite, own.public) };
    }
  }

  /** Connections whose handshake a stranger has begun and not shown to be no replay. */
  get halfOpen(): number {
    return this.#strangers.count;
  }

  /** The server's key, which everybody is told who asks. */
  get key(): Uint8Array | undefined {
    return this.#server?.responder.static.public;
  }

  /** Takes the call of a peer with this offer; gives what takes that back. */
  expect(peer: OfferPeer): () => void {
    expectOffer(peer);
    const { env, limits } = this.#host;
    if (this.#offers.size >= limits.offers) {
      throw new Error(`there are ${this.#offers.size} offers already: take one back first`);
    }
    const key = peer.offer.toString();
    this.#offers.set(key, {
      responder: { static: peer.static, offer: peer },
      mac: offerMac(env.suite, peer.secret),
    });
    return () => void this.#offers.delete(key);
  }

  /** The handshake of a call is through. */
  accepted(connection: C, offer: Uint8Array | undefined): void {
    this.#strangers.isKnown(connection);
    // An offer is for one connection.
    if (offer !== undefined) this.#offers.delete(offer.toString());
  }

  /** A connection is closed. */
  leave(connection: C): void {
    this.#strangers.leave(connection);
  }

  /** An INIT has come. */
  receive(path: string, packet: InitPacket, now: number): void {
    const { limits, counters, networkOf, connections, begin, repeat, answer } = this.#host;
    const isOffer = packet.offer.some((byte) => byte !== 0);
    const expected = isOffer ? this.#offers.get(packet.offer.toString()) : this.#server;
    if (expected === undefined) {
      counters.strange++;
      return;
    }
    if (!isGenuine(expected.mac, packet)) {
      counters.forged++;
      return;
    }
    const ephemeral = packet.noise.slice(0, KEY_BYTES);
    const begun = `${path} ${packet.scid} ${ephemeral}`;
    const known = this.#strangers.find(begun);
    if (known !== undefined) return repeat(known);
    const claim = { path, scid: packet.scid, ephemeral };
    const shown = packet.cookie.length > 0 && this.#cookies.check(packet.cookie, claim, now);
    if (!shown && this.#strangers.count >= limits.cookieFrom) {
      counters.retried++;
      return answer(path, retryFor(packet, this.#cookies.make(claim, now), expected.mac));
    }
    const network = networkOf(path);
    if (!this.#strangers.hasRoom(network) || connections() >= limits.connections) {
      counters.refused++;
      return;
    }
    const connection = begin(path, packet, expected.responder);
    if (connection !== undefined) this.#strangers.enter(connection, begun, network);
  }
}
