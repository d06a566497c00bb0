/**
 * The endpoint: everything that happens on one UDP socket (DATAGRAM §5). Datagrams, time and commands go in;
 * datagrams and transitions come out.
 *
 * After every input take what {@linkcode Endpoint.next} gives, send what {@linkcode Endpoint.transmit} gives, and
 * call {@linkcode Endpoint.handleTimeout} at the time that {@linkcode Endpoint.timeout} names. Times are
 * milliseconds of a clock that does not go back; one that does is held.
 *
 * @module
 */

import { ACK_DELAY_MAX } from "./acknowledgement.ts";
import { encodeAddress } from "./address.ts";
import { randomNumber } from "./cids.ts";
import type { Congestion } from "./congestion.ts";
import type { ConnectionTransition, DatagramConnection } from "./connection.ts";
import type { ConnectionHost } from "./connection_host.ts";
import { Connection } from "./datagram_connection.ts";
import { createDeadlines } from "./deadlines.ts";
import { createEndpointCounters, type EndpointCounters } from "./endpoint_counters.ts";
import {
  ENDPOINT_LIMITS,
  type EndpointLimits,
  type EndpointOptions,
  IDLE_MS,
} from "./endpoint_options.ts";
import { type Window, WINDOW_DEFAULT } from "./flow.ts";
import {
  answerInit,
  expectOffer,
  Initiator,
  type OfferPeer,
  type Peer,
  type Responder,
} from "./handshake.ts";
import { KeyQuestions } from "./key_questions.ts";
import { Listener } from "./listener.ts";
import { createLossy } from "./lossy.ts";
import {
  type AskPacket,
  dataCid,
  DATAGRAM_BYTES_MAX,
  DATAGRAM_BYTES_MIN,
  encodeHere,
  encodeKey,
  type InitPacket,
  isDataPacket,
  type KeyPacket,
  parseHandshakePacket,
  type WherePacket,
} from "./packet.ts";
import { REKEY_BYTES, REKEY_MS, type RekeyLimits } from "./packet_keys.ts";
import type { Params } from "./params.ts";
import { hostOf } from "./paths.ts";
import type { Punch, PunchOptions, PunchTransition } from "./punch.ts";
import { Punches } from "./punches.ts";
import { Resets } from "./resets.ts";
import { UNSENT_BYTES_MAX } from "./send_stream.ts";
import type { Env } from "./suite.ts";

export type { EndpointCounters } from "./endpoint_counters.ts";
export type { EndpointLimits, EndpointOptions } from "./endpoint_options.ts";

/** Answers to strangers that wait to be sent. */
const ANSWERS_MAX = 256;

/** What happened. */
export type EndpointTransition =
  | ConnectionTransition
  | PunchTransition
  /** A server has told its key, which is to be compared with what is remembered of it. */
  | { readonly kind: "key"; readonly path: string; readonly key: Uint8Array };

/** A datagram, or several of one size one behind the other, to be sent. */
export interface Transmit {
  /** Bytes that were written. */
  readonly length: number;
  /** Bytes of each datagram; the last may have fewer. */
  readonly segment: number;
  /** Where they go. */
  readonly path: string;
}

/** One UDP socket's worth of connections. */
export interface Endpoint {
  /** Connections that are not closed. */
  readonly connections: number;
  /** Those whose handshake a stranger has begun and not shown to be no replay. */
  readonly halfOpen: number;
  /** What was thrown away. */
  readonly counters: Readonly<EndpointCounters>;
  /** Calls a server or a peer. */
  connect(now: number, path: string, peer: Peer): DatagramConnection;
  /** Takes the call of a peer with this offer, once; gives what takes that back. */
  expect(peer: OfferPeer): () => void;
  /** Asks a server for its key, which is answered by a transition, or never: ask again then. */
  ask(now: number, path: string): void;
  /** Looks for a path to a peer. */
  punch(now: number, options: PunchOptions): Punch;
  /** A datagram came. It is not kept, and nothing in it makes this throw. */
  receive(now: number, path: string, datagram: Uint8Array): void;
  /**
   * Writes what is to be sent next; ask again until there is nothing.
   *
   * @param out 1472 bytes at least; with more, several datagrams for one path may come at once.
   */
  transmit(now: number, out: Uint8Array): Transmit | undefined;
  /** When to call `handleTimeout`, or `undefined` if nothing waits for time. */
  timeout(): number | undefined;
  /** Lets time pass; too early it does nothing. */
  handleTimeout(now: number): void;
  /** What happened next, or `undefined` if nothing more has. */
  next(): EndpointTransition | undefined;
}

class Socket implements Endpoint, ConnectionHost<Connection> {
  readonly #env: Env;
  readonly #observes: boolean;
  readonly #limits: EndpointLimits;
  readonly #listener: Listener<Connection>;
  readonly #resets: Resets<Connection>;
  readonly #byCid = new Map<number, Connection | undefined>();
  readonly #open = new Set<Connection>();
  readonly #punches: Punches;
  readonly #questions: KeyQuestions;
  readonly #answers: { readonly path: string; readonly packet: Uint8Array }[] = [];
  readonly #ready = new Set<Connection>();
  readonly #stale = new Set<Connection>();
  readonly #deadlines = createDeadlines<Connection>();
  readonly #told: EndpointTransition[] = [];
  #toldFrom = 0;
  readonly createCongestion: (packet: number) => Congestion;
  readonly window: Window;
  readonly unsent: number;
  readonly rekey: RekeyLimits;
  readonly idle: number;
  readonly keepAlive: number;
  readonly datagram: number;
  readonly counters: EndpointCounters = createEndpointCounters();
  now: number;

  constructor(options: EndpointOptions) {
    const { env, now, static: own, idle = IDLE_MS, datagram = DATAGRAM_BYTES_MAX } = options;
    if (!(datagram >= DATAGRAM_BYTES_MIN && datagram <= DATAGRAM_BYTES_MAX)) {
      throw new RangeError(
        `datagram is ${datagram}; give ${DATAGRAM_BYTES_MIN} to ${DATAGRAM_BYTES_MAX}`,
      );
    }
    this.#env = env;
    this.#observes = options.observes ?? own !== undefined;
    this.now = now;
    this.#limits = { ...ENDPOINT_LIMITS, ...options.limits };
    this.#listener = new Listener({
      env,
      limits: this.#limits,
      counters: this.counters,
      networkOf: options.networkOf ?? hostOf,
      connections: () => this.#open.size,
      begin: (path, packet, responder) => this.#accept(path, packet, responder),
      repeat: (connection) => connection.repeatResponse(),
      answer: (path, packet) => this.#answer(path, packet),
    }, own);
    this.#punches = new Punches(env, this.#limits.punches, (what) => void this.#told.push(what));
    this.#questions = new KeyQuestions(env);
    this.#resets = new Resets(env, options.reset, now);
    this.window = options.window ?? WINDOW_DEFAULT;
    this.unsent = options.unsent ?? UNSENT_BYTES_MAX;
    this.rekey = options.rekey ?? { bytes: REKEY_BYTES, ms: REKEY_MS };
    this.createCongestion = options.congestion ?? createLossy;
    this.idle = idle;
    this.keepAlive = options.keepAlive ?? 0;
    this.datagram = datagram;
  }

  get suite() {
    return this.#env.suite;
  }
  get connections(): number {
    return this.#open.size;
  }
  get halfOpen(): number {
    return this.#listener.halfOpen;
  }

  #tick(now: number): void {
    if (now > this.now) this.now = now;
  }

  // What connections ask for.

  randomNumber(): number {
    return randomNumber(this.#env);
  }

  claim(connection?: Connection): number {
    let cid = this.randomNumber();
    while (this.#byCid.has(cid)) cid = this.randomNumber();
    this.#byCid.set(cid, connection);
    return cid;
  }

  release(cid: number): void {
    this.#byCid.delete(cid);
  }

  resetToken(cid: number): number {
    return this.#resets.token(cid);
  }

  heed(token: number, connection: Connection): void {
    this.#resets.heed(token, connection);
  }

  ignore(token: number, connection: Connection): void {
    this.#resets.ignore(token, connection);
  }

  wake(connection: Connection): void {
    if (!this.#open.has(connection)) return;
    this.#ready.add(connection);
    this.#stale.add(connection);
  }

  tell(transition: ConnectionTransition): void {
    if (transition.kind === "accepted") {
      const { connection } = transition;
      this.#listener.accepted(connection as Connection, connection.offer);
    }
    this.#told.push(transition);
  }

  remove(connection: Connection): void {
    this.#open.delete(connection);
    this.#listener.leave(connection);
    this.#ready.delete(connection);
    this.#stale.delete(connection);
    this.#deadlines.set(connection, undefined);
  }

  #params(cid: number): Params {
    const { idle, window, datagram } = this;
    return {
      cid,
      idle,
      window: Math.min(window.initial, window.max),
      ackDelay: ACK_DELAY_MAX,
      datagram,
      reset: this.resetToken(cid),
    };
  }

  // Commands.

  connect(now: number, path: string, peer: Peer): DatagramConnection {
    this.#tick(now);
    if (this.#open.size >= this.#limits.connections) {
      throw new Error(`there are ${this.#open.size} connections already: close one first`);
    }
    if (peer.kind === "offer") expectOffer(peer);
    const cid = this.claim();
    const ids = { dcid: this.randomNumber(), scid: cid };
    const initiator = new Initiator(this.#env, peer, ids, this.#params(cid));
    const offer = peer.kind === "offer" ? peer.offer : undefined;
    return this.#add(new Connection(this, { path, cid, offer, initiator }), cid);
  }

  #add(connection: Connection, cid: number): Connection {
    this.#byCid.set(cid, connection);
    this.#open.add(connection);
    this.wake(connection);
    return connection;
  }

  expect(peer: OfferPeer): () => void {
    return this.#listener.expect(peer);
  }

  ask(now: number, path: string): void {
    this.#tick(now);
    this.#answer(path, this.#questions.ask(path));
  }

  punch(now: number, options: PunchOptions): Punch {
    this.#tick(now);
    return this.#punches.begin(options, this.now);
  }

  #answer(path: string, packet: Uint8Array): void {
    if (this.#answers.length < ANSWERS_MAX) this.#answers.push({ path, packet });
  }

  // Datagrams in.

  receive(now: number, path: string, datagram: Uint8Array): void {
    this.#tick(now);
    if (isDataPacket(datagram)) {
      const cid = dataCid(datagram);
      const connection = this.#byCid.get(cid);
      if (connection === undefined) this.#receiveStrange(path, cid);
      else connection.receive(path, datagram);
      return;
    }
    const packet = parseHandshakePacket(datagram);
    switch (packet?.type) {
      case "init":
        return this.#listener.receive(path, packet, this.now);
      case "resp":
        return this.#byCid.get(packet.dcid)?.receiveResponse(packet);
      case "retry":
        return this.#byCid.get(packet.dcid)?.receiveRetry(packet);
      case "punch":
      case "pong":
        if (!this.#punches.receive(path, packet, this.now)) this.counters.strange++;
        return;
      case "ask":
        return this.#receiveAsk(path, packet);
      case "key":
        return this.#receiveKey(path, packet);
      case "reset":
        return this.#resets.find(packet.token)?.receiveReset(packet.cid);
      case "where":
        return this.#receiveWhere(path, packet);
      default:
        this.counters.strange++;
    }
  }

  #accept(path: string, packet: InitPacket, responder: Responder): Connection | undefined {
    const cid = this.claim();
    const answer = answerInit(this.#env, responder, packet, this.#params(cid));
    if (answer === undefined) {
      this.counters.forged++;
      this.release(cid);
      return undefined;
    }
    const offer = responder.offer?.offer;
    return this.#add(new Connection(this, { path, cid, offer, answer }), cid);
  }

  /** DATA for a connection that is not known: its sender is told, in fewer bytes than it has sent. */
  #receiveStrange(path: string, cid: number): void {
    this.counters.strange++;
    // An id that was only claimed is a connection's in a moment.
    if (cid < 0 || this.#byCid.has(cid)) return;
    const reset = this.#resets.answer(cid, this.now);
    if (reset === undefined) return;
    this.counters.reset++;
    this.#answer(path, reset);
  }

  #receiveAsk(path: string, { nonce }: AskPacket): void {
    const { key } = this.#listener;
    if (key !== undefined) this.#answer(path, encodeKey({ nonce, key }));
  }

  #receiveWhere(path: string, { nonce }: WherePacket): void {
    if (!this.#observes) return;
    this.#answer(path, encodeHere({ nonce, seen: encodeAddress(path) }));
  }

  #receiveKey(path: string, packet: KeyPacket): void {
    const key = this.#questions.answered(path, packet);
    if (key !== undefined) this.#told.push({ kind: "key", path, key });
  }

  // Datagrams out.

  transmit(now: number, out: Uint8Array): Transmit | undefined {
    this.#tick(now);
    if (out.length < DATAGRAM_BYTES_MAX) {
      throw new RangeError(`out has ${out.length} bytes; give ${DATAGRAM_BYTES_MAX} or more`);
    }
    const answer = this.#answers.shift() ?? this.#punches.transmit(this.now);
    if (answer !== undefined) {
      const { path, packet } = answer;
      out.set(packet);
      return { length: packet.length, segment: packet.length, path };
    }
    for (const connection of this.#ready) {
      const sent = this.#transmitFrom(connection, out);
      this.#ready.delete(connection);
      if (sent === undefined) continue;
      // Behind the others: everybody has a turn.
      this.wake(connection);
      return sent;
    }
    return undefined;
  }

  #transmitFrom(connection: Connection, out: Uint8Array): Transmit | undefined {
    this.#stale.add(connection);
    const first = connection.transmit(out);
    if (first === undefined) return undefined;
    const segment = first.length;
    let length = segment;
    // What only looks at a path goes alone; small packets too, since nothing larger may follow.
    const alone = first.alone || segment < DATAGRAM_BYTES_MIN;
    while (!alone && out.length - length >= segment) {
      const more = connection.transmit(out.subarray(length, length + segment));
      if (more === undefined) break;
      length += more.length;
      if (more.length < segment) break;
    }
    return { length, segment, path: first.path };
  }

  // Time.

  timeout(): number | undefined {
    for (const connection of this.#stale) this.#deadlines.set(connection, connection.timeout());
    this.#stale.clear();
    const due = this.#deadlines.first;
    const punch = this.#punches.timeout();
    return due === undefined || (punch !== undefined && punch < due) ? punch : due;
  }

  handleTimeout(now: number): void {
    this.#tick(now);
    this.timeout();
    this.#punches.handleTimeout(this.now);
    const due: Connection[] = [];
    for (;;) {
      const connection = this.#deadlines.pop(this.now);
      if (connection === undefined) break;
      due.push(connection);
    }
    for (const connection of due) {
      connection.handleTimeout();
      this.wake(connection);
    }
  }

  next(): EndpointTransition | undefined {
    if (this.#toldFrom === this.#told.length) return undefined;
    const transition = this.#told[this.#toldFrom++];
    if (this.#toldFrom === this.#told.length) this.#told.length = this.#toldFrom = 0;
    return transition;
  }
}

/**
 * Makes an endpoint.
 *
 * @throws RangeError for options that mean nothing.
 */
export function createEndpoint(options: EndpointOptions): Endpoint {
  return new Socket(options);
}
