/**
 * The machine of one connection over datagrams (DATAGRAM §1 to §5): packets and time go in, packets and
 * transitions come out. The endpoint gives it what is meant for it.
 *
 * What it knows is elsewhere: how the handshake goes (handshake_progress), the streams (stream_pair), small frames
 * (small_frames), what was sent (recovery) and has come (acknowledgement), the path in use (route) and the others
 * (paths), what goes out (outbox), the end (goodbye). Here they are put together.
 *
 * @module
 */

import { type Acknowledgement, createAcknowledgement } from "./acknowledgement.ts";
import type { CidIndex } from "./cids.ts";
import {
  CLOSE_CODES,
  type CloseName,
  type DatagramEnding,
  FIRST_APPLICATION_CODE,
} from "./close_code.ts";
import type { Congestion } from "./congestion.ts";
import type {
  ConnectionTransition,
  DatagramConnection,
  DatagramEvent,
  DatagramStats,
} from "./connection.ts";
import {
  DATAGRAM_TABLE,
  type DatagramAction,
  type DatagramInput,
  type DatagramState,
} from "./datagram_table.ts";
import type { Window } from "./flow.ts";
import { Goodbye, holdsClose } from "./goodbye.ts";
import type { Handshaken, Initiator } from "./handshake.ts";
import { Answering, Calling } from "./handshake_progress.ts";
import { readUint32 } from "./integer.ts";
import { CLOSE_CODE_MAX, type FrameHandler, readFrames } from "./packet_frame.ts";
import { FORGERIES_MAX, OpeningKey, type RekeyLimits, SealingKey } from "./packet_keys.ts";
import { expandNumber } from "./packet_number.ts";
import {
  DATA_OVERHEAD,
  DATAGRAM_BYTES_MIN,
  phaseOf,
  type RespPacket,
  type RetryPacket,
} from "./packet.ts";
import { Outbox } from "./outbox.ts";
import { isSameHost, Paths, type PathState } from "./paths.ts";
import { Recovery, type RecoveryHandler } from "./recovery.ts";
import { Route } from "./route.ts";
import { CONTROL, type SentPacket } from "./sent_packets.ts";
import { SmallFrames } from "./small_frames.ts";
import { StreamPair } from "./stream_pair.ts";
import type { Suite } from "./suite.ts";

/** So many PTOs a closed connection still answers. */
const CLOSING_PTOS = 3;
/** After so many PTOs without a word a path is taken for dead, if there is another. */
const DEAD_PTOS = 3;
/** How long packets of an old key may be late, in PTOs. */
const KEY_PTOS = 3;
/** Late packets are told apart from repeated ones as far back as this. */
const LATE_PACKETS = 512;
/** What a connection needs of its endpoint. */
export interface ConnectionHost {
  readonly suite: Suite;
  readonly now: number;
  readonly window: Window;
  /** How many bytes are taken to be sent before they can be. */
  readonly unsent: number;
  readonly rekey: RekeyLimits;
  readonly idle: number;
  /** Silence after which the peer is asked for a sign of life, in ms; 0 is never. */
  readonly keepAlive: number;
  /** The largest datagram that is sent. */
  readonly datagram: number;
  createCongestion(packet: number): Congestion;
  /** Takes a connection id that no connection has. */
  claim(connection: Connection): number;
  release(cid: number): void;
  /** What RESET would show for an id of ours. */
  resetToken(cid: number): number;
  /** A RESET with this token is for this connection; or not any more. */
  heed(token: number, connection: Connection): void;
  ignore(token: number, connection: Connection): void;
  /** A random number below 2⁵³. */
  randomNumber(): number;
  /** Something may be due, or to be sent. */
  wake(connection: Connection): void;
  tell(transition: ConnectionTransition): void;
  /** It is closed. */
  remove(connection: Connection): void;
}

/** What a connection is made from. */
export interface ConnectionOrigin {
  readonly path: string;
  /** Our first connection id. */
  readonly cid: number;
  readonly offer: Uint8Array | undefined;
  /** The initiator's handshake. */
  readonly initiator?: Initiator;
  /** The responder's, which is through, and the RESP that tells. */
  readonly answer?: Handshaken & { readonly resp: Uint8Array };
}

/** A packet to send. */
export interface ConnectionPacket {
  readonly length: number;
  readonly path: string;
  /** Whether what follows may go elsewhere. */
  readonly alone: boolean;
}

/** Packets are opened into it, one at a time: all connections share it. */
const opened = new Uint8Array(65_536);

/** A connection as its endpoint knows it. */
export class Connection implements DatagramConnection, FrameHandler, RecoveryHandler {
  readonly #host: ConnectionHost;
  readonly role: "initiator" | "responder";
  readonly offer: Uint8Array | undefined;
  #state: DatagramState;
  readonly #handshake: Calling | Answering;
  #handshakeHash: Uint8Array | undefined;
  #opening!: OpeningKey;
  readonly #paths: Paths;
  /** The largest datagram that both sides want. */
  #datagram: number;
  readonly #recovery: Recovery;
  readonly #acks: Acknowledgement = createAcknowledgement();
  readonly #streams: StreamPair;
  readonly #small: SmallFrames;
  readonly #goodbye = new Goodbye();
  readonly #outbox: Outbox;
  #idle: number;
  /** Silence counts from here; and whether we have sent something since that should have been answered. */
  #idleFrom: number;
  #hasAsked = false;
  /** When something was heard last, or asked. */
  #quietFrom: number;
  /** The path that we have left of our own accord, until the peer has followed us from it. */
  #left: PathState | undefined;
  /** While a packet is read: where it came from, and whether its data had no room; whether to stop reading. */
  #from: PathState | undefined;
  #noRoom = false;
  #stopped = false;
  readonly #isStopped = (): boolean => this.#stopped;
  readonly #figures = {
    datagramsReceived: 0,
    bytesReceived: 0,
    moves: 0,
    blackHoles: 0,
  };

  constructor(host: ConnectionHost, { path, cid, offer, initiator, answer }: ConnectionOrigin) {
    const { now } = host;
    this.#host = host;
    this.offer = offer;
    this.#paths = new Paths(path, false);
    this.#streams = new StreamPair(host.window, host.unsent);
    const index: CidIndex = {
      claim: () => host.claim(this),
      release: (old) => host.release(old),
      resetToken: (cid) => host.resetToken(cid),
      heed: (token) => host.heed(token, this),
      ignore: (token) => host.ignore(token, this),
    };
    this.#small = new SmallFrames(this.#streams, index, cid);
    this.#datagram = host.datagram;
    const route = this.#newRoute();
    this.#recovery = new Recovery(route.rtt, this);
    this.#outbox = new Outbox({
      recovery: this.#recovery,
      acks: this.#acks,
      streams: this.#streams,
      small: this.#small,
      randomNumber: () => host.randomNumber(),
      onAsked: (now) => this.#asked(now),
    }, route);
    this.#idle = host.idle;
    this.#idleFrom = this.#quietFrom = now;
    if (initiator !== undefined) {
      this.role = "initiator";
      this.#state = "initiating";
      this.#handshake = new Calling(initiator, now);
    } else {
      this.role = "responder";
      this.#state = "half-open";
      this.#handshake = new Answering(answer!.resp, now);
      this.#install(answer!);
    }
  }

  get state(): DatagramState {
    return this.#state;
  }
  get path(): string {
    return this.#paths.current.name;
  }
  get handshakeHash(): Uint8Array | undefined {
    return this.#state === "half-open" ? undefined : this.#handshakeHash;
  }
  get #route(): Route {
    return this.#outbox.route;
  }
  get #flowing(): boolean {
    return this.#state === "established" || this.#state === "confirmed";
  }

  #newRoute(): Route {
    return new Route(this.#host.createCongestion(DATAGRAM_BYTES_MIN), this.#datagram);
  }

  // The state table.

  /** Whether the state knows the input; does what the table says if so. */
  #step(cause: DatagramInput): void {
    const row = DATAGRAM_TABLE[this.#state][cause];
    if (row === undefined) return;
    const from = this.#state;
    this.#state = row[1];
    this.#do(row[0], from, cause);
    this.#host.wake(this);
  }

  #do(action: DatagramAction, from: DatagramState, cause: DatagramInput): void {
    switch (action) {
      case "none":
      case "sendCookie":
        return;
      case "install":
        this.#trust(CONTROL.ping);
        return this.#tellHandshake("established", from, cause);
      case "accept":
        this.#trust(CONTROL.confirmed);
        this.#outbox.triesLarger = true;
        this.#small.own.issue();
        return this.#tellHandshake("accepted", from, cause);
      case "confirm":
        this.#outbox.triesLarger = true;
        this.#small.own.issue();
        return this.#tellHandshake("confirmed", from, cause);
      case "sendClose":
        this.#goodbye.due = true;
        this.#part();
        return this.#tell(from, cause, "closing");
      case "drain":
        return this.#part();
      case "end":
      case "forget":
        this.#handshake.finish();
        this.#goodbye.overAt = undefined;
        this.#streams.clear();
        this.#small.release();
        // What was never told is not told to be over.
        if (action === "end") this.#tellClosed(from, cause);
        this.#host.remove(this);
    }
  }

  /** The handshake is through, so the path has answered. */
  #trust(control: number): void {
    this.#handshake.finish();
    this.#paths.current.validated = true;
    this.#small.add(control);
  }

  /** Nothing flows any more. */
  #part(): void {
    this.#goodbye.overAt = this.#host.now + CLOSING_PTOS * this.#recovery.pto;
    this.#streams.clear();
  }

  #tellHandshake(
    kind: "established" | "accepted" | "confirmed",
    from: DatagramState,
    cause: DatagramInput,
  ): void {
    const handshakeHash = this.#handshakeHash!;
    this.#host.tell({ kind, connection: this, from, to: this.#state, cause, handshakeHash });
  }

  #tellClosed(from: DatagramState, cause: DatagramInput): void {
    const ending = this.#goodbye.ending!;
    this.#host.tell({ kind: "closed", connection: this, from, to: this.#state, cause, ending });
  }

  #tell(
    from: DatagramState,
    cause: DatagramInput | DatagramEvent,
    kind: "readable" | "writable" | "ended" | "delivered" | "closing",
  ): void {
    this.#host.tell({ kind, connection: this, from, to: this.#state, cause });
  }

  #tellStreams(): void {
    while (this.#flowing) {
      const news = this.#streams.news();
      if (news === undefined) return;
      this.#tell(this.#state, news[1], news[0]);
    }
  }

  // The handshake.

  #install({ params, initiator, responder, hash }: Handshaken): void {
    const { now, suite, rekey } = this.#host;
    const isOurs = this.role === "initiator";
    this.#handshakeHash = hash;
    const sealing = new SealingKey(suite, isOurs ? initiator : responder, now, rekey);
    this.#opening = new OpeningKey(suite, isOurs ? responder : initiator);
    this.#small.begin(params);
    this.#idle = Math.min(this.#idle, params.idle);
    this.#streams.peerLimit = params.window;
    this.#datagram = Math.min(this.#datagram, params.datagram);
    this.#outbox.route = this.#newRoute();
    this.#recovery.move(this.#route.rtt);
    this.#recovery.delayMax = params.ackDelay;
    this.#outbox.begin(sealing);
  }

  /** A RETRY came for us. */
  receiveRetry(packet: RetryPacket): void {
    if (DATAGRAM_TABLE[this.#state].retry === undefined) return;
    if ((this.#handshake as Calling).retry(packet, this.#host.now)) this.#step("retry");
  }

  /** A RESP came for us. */
  receiveResponse(packet: RespPacket): void {
    if (DATAGRAM_TABLE[this.#state].response === undefined) return;
    const { now } = this.#host;
    const response = (this.#handshake as Calling).response(packet, now);
    if (response === undefined) return;
    this.#install(response.result);
    if (response.rtt !== undefined) this.#route.rtt.sample(response.rtt, 0, 0);
    this.#route.pace();
    this.#idleFrom = now;
    this.#step("response");
  }

  /** The INIT that we have answered came again. */
  repeatResponse(): void {
    if (this.#state !== "half-open") return;
    (this.#handshake as Answering).repeat();
    this.#host.wake(this);
  }

  // Packets in.

  /** A DATA packet for us. */
  receive(path: string, packet: Uint8Array): void {
    const { now } = this.#host;
    const state = this.#state;
    if (state === "initiating" || state === "retrying" || state === "closed") return;
    const number = expandNumber(readUint32(packet, 9), this.#acks.largest + 1);
    if (this.#acks.isKnown(number)) return;
    const length = packet.length - DATA_OVERHEAD;
    const frames = opened.subarray(0, length);
    const patience = KEY_PTOS * this.#recovery.pto;
    if (!this.#opening.open(packet, phaseOf(packet), number, frames, now, patience)) {
      if (this.#opening.forgeries > FORGERIES_MAX) this.#fault("forgeries");
      return;
    }
    this.#figures.datagramsReceived++;
    this.#figures.bytesReceived += packet.length;
    if (state === "closing" || state === "draining") return this.#receiveLast(number, length);
    if (state === "half-open") this.#step("proof");
    this.#idleFrom = this.#quietFrom = now;
    this.#hasAsked = false;
    this.#read(path, packet, number, length);
    this.#host.wake(this);
  }

  #read(name: string, packet: Uint8Array, number: number, length: number): void {
    const path = this.#paths.find(name) ?? this.#newPath(name);
    if (path === undefined) return;
    if (!path.validated) path.received += packet.length;
    this.#from = path;
    this.#noRoom = false;
    const { ok, eliciting, urgent, probing } = readFrames(opened, length, this, this.#isStopped);
    if (!ok) return this.#fault("malformed");
    if (this.#stopped || !this.#flowing) return;
    const isLatest = number > this.#acks.largest;
    // A packet whose data had no room has not come.
    if (!this.#noRoom) {
      const { now } = this.#host;
      this.#acks.take(number, eliciting, urgent, now, this.#route.rtt.smoothed);
    }
    if (eliciting) this.#outbox.unasked++;
    if (isLatest && !probing) this.#follow(path);
    this.#tellStreams();
  }

  /** What comes while we close: the answer to our CLOSE, or a peer who has not heard it. */
  #receiveLast(number: number, length: number): void {
    this.#acks.take(number, false, false, this.#host.now, this.#route.rtt.smoothed);
    if (this.#state !== "closing") return;
    if (holdsClose(opened, length)) return this.#step("peer-close");
    this.#goodbye.heard();
    this.#host.wake(this);
  }

  /** A RESET came with a token that the peer has told us; it should name the id in use, too. */
  receiveReset(cid: number): void {
    if (cid !== this.#small.peer.current) return;
    if (!this.#flowing) return this.#step("reset");
    const text = "The other side does not know the connection any more.";
    this.#end({ by: "reset", code: 0, text }, "reset");
  }

  #fault(name: CloseName): void {
    const { code, text } = CLOSE_CODES[name];
    this.#stopped = true;
    this.#end({ by: "fault", code, text }, "fault");
  }

  #end(ending: DatagramEnding, cause: DatagramInput): void {
    if (DATAGRAM_TABLE[this.#state][cause] === undefined) return;
    this.#goodbye.ending = ending;
    this.#step(cause);
  }

  // Paths.

  /** A server does not move: what comes from elsewhere in its name was passed on by somebody. */
  #newPath(name: string): PathState | undefined {
    const isServer = this.role === "initiator" && this.offer === undefined;
    return isServer ? undefined : this.#paths.add(name);
  }

  /** The peer sends from this path now. */
  #follow(path: PathState): void {
    this.#paths.latest = path;
    if (path === this.#paths.current) {
      this.#left = undefined;
      return;
    }
    // The peer has yet to follow, or what it sent before it did was slower.
    if (path === this.#left) return;
    if (path.validated) this.#move(path);
    else if (path.challenge === undefined) this.#challenge(path);
  }

  #challenge(path: PathState): void {
    this.#paths.challenge(path, this.#host.randomNumber(), this.#host.now);
  }

  #move(path: PathState, leads = false): void {
    const before = this.#paths.current.name;
    this.#left = leads ? this.#paths.current : undefined;
    this.#paths.use(path);
    this.#figures.moves++;
    this.#small.peer.turn();
    // So that the peer follows, even if there is nothing to say.
    this.#small.add(CONTROL.ping);
    if (!isSameHost(before, path.name)) this.#beginRoute(path);
    const state = this.#state;
    this.#host.tell({
      kind: "moved",
      connection: this,
      from: state,
      to: state,
      cause: "move",
      path: path.name,
      before,
    });
  }

  /** Nothing is known of the path in use but how long its answer took. */
  #beginRoute(path: PathState): void {
    this.#figures.blackHoles += this.#route.mtu.blackHoles;
    this.#outbox.route = this.#newRoute();
    const { rtt } = this.#route;
    if (path.challenges > 0) rtt.sample(Math.max(0, this.#host.now - path.challengedAt), 0, 0);
    this.#route.pace();
    this.#recovery.move(rtt);
    this.#requeue(this.#recovery.oldest);
  }

  migrate(_now: number, name: string): void {
    if (!this.#flowing || name === this.#paths.current.name) return;
    const path = this.#paths.find(name) ?? this.#paths.add(name);
    path.wanted = true;
    this.#challenge(path);
    this.#host.wake(this);
  }

  onPathChallenge(data: number): void {
    this.#from!.response = data;
  }

  onPathResponse(data: number): void {
    const path = this.#paths.answered(data);
    if (path === undefined || path === this.#paths.current) return;
    const isRescue = path.rescue && this.#recovery.ptos >= DEAD_PTOS;
    path.rescue = false;
    if (path.wanted || isRescue) this.#move(path, true);
    else if (path === this.#paths.latest) this.#move(path);
  }

  // What became of packets.

  onAck(ranges: readonly number[], delay: number): void {
    const { now } = this.#host;
    const before = this.#recovery.inFlight;
    const outcome = this.#recovery.acknowledge(ranges, delay, now);
    if (outcome.impossible) return this.#fault("impossible-ack");
    this.#detect();
    if (outcome.largest < 0) return;
    const { bytes, sentAt, largest, sampled } = outcome;
    const { next } = this.#recovery;
    this.#route.onAck({ now, bytes, sentAt, largest, next }, sampled, before);
  }

  #detect(): void {
    const { now } = this.#host;
    const { congestion } = this.#route;
    const { lostAt, persistent } = this.#recovery.detect(now, (sentAt) => {
      if (!congestion.isNews(sentAt)) return false;
      congestion.onTrouble(now);
      return true;
    });
    if (persistent) congestion.onPersistent();
    if (lostAt >= 0) this.#route.pace();
  }

  onAcked(packet: SentPacket): void {
    const { bytes, mtuProbe, time, path } = packet;
    this.#arrived(packet);
    if (path !== this.#recovery.path) return;
    this.#route.mtu.onArrived(bytes, mtuProbe, time);
    if (mtuProbe) this.#route.resize();
  }

  #arrived({ acked, stream, fin, control }: SentPacket): void {
    if (acked >= LATE_PACKETS) this.#acks.forgetBelow(acked - LATE_PACKETS);
    for (let at = 0; at < stream.length; at += 2) {
      const isLast = fin && at + 2 === stream.length;
      this.#streams.sending.acknowledge(stream[at], stream[at + 1], isLast);
    }
    this.#small.arrived(control);
  }

  onLost(packet: SentPacket): void {
    const { bytes, mtuProbe, time, path } = packet;
    const isHere = path === this.#recovery.path;
    if (isHere && !mtuProbe) this.#route.congestion.onLost(bytes);
    if (isHere && this.#route.mtu.onLost(bytes, mtuProbe, time, this.#host.now)) {
      this.#route.resize();
    }
    this.#requeue(packet);
  }

  onLate(packet: SentPacket, undo: boolean): void {
    this.onAcked(packet);
    if (!undo) return;
    this.#route.congestion.undo();
    this.#route.pace();
  }

  /** What a packet carried is to be sent again. */
  #requeue(packet: SentPacket | undefined): void {
    if (packet === undefined) return;
    const { stream, fin } = packet;
    for (let at = 0; at < stream.length; at += 2) {
      this.#streams.sending.lose(stream[at], stream[at + 1], fin && at + 2 === stream.length);
    }
    this.#small.requeue(packet);
  }

  // Other frames in.

  onData(offset: number, packet: Uint8Array, start: number, end: number, fin: boolean): void {
    const taken = this.#streams.take(offset, packet, start, end, fin);
    if (taken === "full") this.#noRoom = true;
    else if (taken !== "ok") this.#fault(taken);
  }

  onMaxData(limit: number): void {
    this.#streams.peerLimit = Math.max(this.#streams.peerLimit, limit);
  }

  onDataBlocked(limit: number): void {
    // What tells the new limit may have been lost; the present one is known to the peer already.
    if (limit < this.#streams.limit) this.#small.add(CONTROL.maxData);
  }

  onNewCid(sequence: number, cid: number, reset: number): void {
    if (!this.#small.peer.add(sequence, { cid, reset })) this.#fault("cids");
  }

  onRetireCid(sequence: number): void {
    if (!this.#small.own.retire(sequence)) this.#fault("cids");
  }

  onClose(code: number, reason: string): void {
    this.#stopped = true;
    this.#end({ by: "peer", code, text: reason }, "peer-close");
  }

  onConfirmed(): void {
    this.#step("confirmed");
  }

  // The owner.

  get #isOver(): boolean {
    return this.#state === "closing" || this.#state === "draining" || this.#state === "closed";
  }
  get writable(): number {
    return this.#isOver ? 0 : this.#streams.sending.room;
  }
  get readable(): number {
    return this.#streams.receiving.readable;
  }
  get ended(): boolean {
    return this.#streams.receiving.ended;
  }
  get delivered(): boolean {
    return this.#streams.delivered;
  }

  write(bytes: Uint8Array): number {
    if (this.#isOver) return 0;
    const count = this.#streams.write(bytes);
    if (count > 0) this.#host.wake(this);
    return count;
  }

  finish(): void {
    this.#streams.sending.finish();
    this.#host.wake(this);
  }

  read(max: number): Uint8Array | undefined {
    if (!(max > 0)) throw new RangeError(`${max} bytes cannot be read; ask for at least one`);
    const bytes = this.#streams.read(max);
    if (bytes === undefined || !this.#flowing) return bytes;
    if (this.#streams.advance(this.#host.now, this.#route.rtt.smoothed)) {
      this.#small.add(CONTROL.maxData);
      this.#host.wake(this);
    }
    if (this.ended) this.#tellStreams();
    return bytes;
  }

  close(_now: number, code = 0, reason: string = CLOSE_CODES.done.text): void {
    const isOurs = code === 0 || (code >= FIRST_APPLICATION_CODE && code <= CLOSE_CODE_MAX);
    if (!isOurs || !Number.isInteger(code)) {
      throw new RangeError(
        `${code} is no close code; give 0 or ${FIRST_APPLICATION_CODE} to ${CLOSE_CODE_MAX}`,
      );
    }
    this.#end({ by: "us", code, text: reason }, "close");
  }

  // Time.

  /** A packet has gone out that must be acknowledged. */
  #asked(now: number): void {
    this.#quietFrom = now;
    // Silence is counted from the first packet that should have been answered.
    if (!this.#hasAsked) this.#idleFrom = now;
    this.#hasAsked = true;
  }

  get #idleAt(): number {
    return this.#idleFrom + Math.max(this.#idle, 3 * this.#recovery.pto);
  }

  /**
   * When the peer is asked for a sign of life: if the owner wants that, and while the peer's reader holds us
   * up, who would otherwise be given up for saying nothing.
   */
  get #askAt(): number {
    if (this.#recovery.waiting) return Infinity;
    const { keepAlive } = this.#host;
    if (keepAlive > 0) return this.#quietFrom + keepAlive;
    return this.#streams.isBlocked ? this.#quietFrom + this.#idle / 3 : Infinity;
  }

  /** When {@linkcode Connection.handleTimeout} is to be called. */
  timeout(): number | undefined {
    if (this.#state === "closed") return undefined;
    if (this.#isOver) return this.#goodbye.overAt;
    if (!this.#flowing) return this.#handshake.due;
    const due = Math.min(
      this.#idleAt,
      this.#askAt,
      this.#recovery.due() ?? Infinity,
      this.#acks.dueAt ?? Infinity,
      this.#route.pacedUntil ?? Infinity,
      this.#paths.due() ?? Infinity,
    );
    return due;
  }

  /** Lets time pass. */
  handleTimeout(): void {
    const { now } = this.#host;
    const { overAt } = this.#goodbye;
    if (overAt !== undefined) {
      if (now >= overAt) this.#step("finished");
      return;
    }
    if (this.#handshake.isLate(now)) {
      return this.#end({ by: "unreachable", code: 0, text: "Nobody has answered." }, "late");
    }
    if (!this.#flowing) return;
    if (now >= this.#idleAt) {
      const text = "Nothing was heard for too long.";
      return this.#end({ by: "silence", code: 0, text }, "silence");
    }
    if (now >= this.#askAt) {
      this.#quietFrom = now;
      this.#small.add(CONTROL.ping | (this.#streams.isBlocked ? CONTROL.dataBlocked : 0));
    }
    this.#acks.handleTimeout(now);
    this.#paths.handleTimeout(now);
    this.#route.handleTimeout(now);
    // A timer that comes late may find both due.
    for (let due = this.#recovery.handleTimeout(now); due !== undefined;) {
      if (due === "loss") this.#detect();
      else this.#probe();
      due = this.#recovery.handleTimeout(now);
    }
    this.#tellStreams();
  }

  /** Nothing was heard: the oldest that is under way goes out again, whatever the window says. */
  #probe(): void {
    const { oldest, ptos } = this.#recovery;
    const other = ptos >= DEAD_PTOS ? this.#paths.fallback : undefined;
    if (other !== undefined) {
      other.rescue = true;
      if (other.challenge === undefined) this.#challenge(other);
    }
    this.#requeue(oldest);
    this.#requeue(oldest?.behind);
    if (this.#streams.isBlocked) this.#small.add(CONTROL.dataBlocked);
  }

  // Packets out.

  /** Writes the next packet into `out`, if there is one to send now. */
  transmit(out: Uint8Array): ConnectionPacket | undefined {
    const { now } = this.#host;
    let length = 0;
    switch (this.#state) {
      case "initiating":
      case "retrying":
      case "half-open":
        length = this.#outbox.count(this.#handshake.transmit(out, now));
        break;
      case "established":
      case "confirmed": {
        const path = this.#paths.busy(now);
        if (path !== undefined) {
          length = this.#outbox.path(out, path, this.#paths, now);
          return { length, path: path.name, alone: true };
        }
        length = this.#outbox.data(out, now);
        break;
      }
      case "closing":
        if (this.#goodbye.due) length = this.#outbox.close(out, this.#goodbye, now);
    }
    return length === 0 ? undefined : { length, path: this.path, alone: false };
  }

  stats(): DatagramStats {
    const { rtt, congestion, mtu } = this.#route;
    return {
      ...this.#figures,
      datagramsSent: this.#outbox.datagrams,
      bytesSent: this.#outbox.bytes,
      probes: this.#outbox.probes,
      rtt: rtt.smoothed,
      rttMin: rtt.min,
      window: congestion.window,
      inFlight: this.#recovery.inFlight,
      mtu: mtu.size,
      lost: this.#recovery.lost,
      late: this.#recovery.late,
      forgeries: this.#opening?.forgeries ?? 0,
      keysSent: this.#outbox.turns,
      keysReceived: this.#opening?.turns ?? 0,
      blackHoles: this.#figures.blackHoles + mtu.blackHoles,
      memory: this.#streams.kept,
    };
  }
}
