/**
 * The machine of one connection over datagrams (DATAGRAM §1 to §5): packets and time go in, packets and
 * transitions come out. The endpoint gives it what is meant for it.
 *
 * @module
 */

import { type Acknowledgement, createAcknowledgement } from "./acknowledgement.ts";
import { OwnCids, PeerCids } from "./cids.ts";
import {
  CLOSE_CODES,
  type CloseName,
  type DatagramEnding,
  FIRST_APPLICATION_CODE,
} from "./close_code.ts";
import { type Congestion, WINDOW_MAX } from "./congestion.ts";
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
import { createReceiveFlow, type ReceiveFlow, type Window } from "./flow.ts";
import type { Handshaken, Initiator } from "./handshake.ts";
import { createMtu, type Mtu } from "./mtu.ts";
import { createPacer, type Pacer } from "./pacer.ts";
import { CLOSE_CODE_MAX, type FrameHandler, readFrames, REASON_BYTES_MAX } from "./packet_frame.ts";
import { FORGERIES_MAX, OpeningKey, type RekeyLimits, SealingKey } from "./packet_keys.ts";
import { expandNumber } from "./packet_number.ts";
import {
  DATA_OVERHEAD,
  DATAGRAM_BYTES_MAX,
  DATAGRAM_BYTES_MIN,
  phaseOf,
  type RespPacket,
  type RetryPacket,
  writeDataHeader,
} from "./packet.ts";
import { PacketWriter } from "./packet_writer.ts";
import type { Params } from "./params.ts";
import { allowance, isSameHost, Paths, type PathState } from "./paths.ts";
import { Recovery, type RecoveryHandler } from "./recovery.ts";
import { createReceiveStream } from "./receive_stream.ts";
import { createRtt, type Rtt } from "./rtt.ts";
import { createSendStream, UNSENT_BYTES_MAX } from "./send_stream.ts";
import { CONTROL, type SentPacket } from "./sent_packets.ts";
import { readUint32 } from "./integer.ts";
import type { Suite } from "./suite.ts";

/** INIT is sent anew after so long, in ms, and then after twice that. */
export const INIT_RETRY_MS = 300;
/** A handshake that has not come through by then never will, in ms. */
export const HANDSHAKE_MS = 10_000;
/** How long a responder waits for proof, in ms: well beyond the moment when an initiator may get its answer. */
export const HALF_OPEN_MS = 30_000;
/** So many PTOs a closed connection still answers. */
const CLOSING_PTOS = 3;
/** After so many PTOs without a word a path is taken for dead, if there is another. */
const DEAD_PTOS = 3;
/** How long packets of an old key may be late, in PTOs. */
const KEY_PTOS = 3;
/** Late packets are told apart from repeated ones as far back as this. */
const LATE_PACKETS = 512;
/** A receiver that only acknowledges asks for an acknowledgement after so many packets, to forget what it acknowledged. */
const PING_EVERY = 32;
/** A number is left out every so many packets, at least and in addition at most. */
const SKIP_MIN = 128;
const SKIP_SPREAD = 2048;

/** Room is told of when there is so much. */
const ROOM_BYTES_MIN = UNSENT_BYTES_MAX / 4;

/** What a connection needs of its endpoint. */
export interface ConnectionHost {
  readonly suite: Suite;
  readonly now: number;
  readonly window: Window;
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

/** Packets are opened into it: one at a time, so all connections share it. */
const opened = new Uint8Array(65_536);
const encoder = new TextEncoder();

/** A connection as its endpoint knows it. */
export class Connection implements DatagramConnection, FrameHandler, RecoveryHandler {
  readonly #host: ConnectionHost;
  readonly #initiator: Initiator | undefined;
  readonly #resp: Uint8Array | undefined;
  readonly role: "initiator" | "responder";
  readonly offer: Uint8Array | undefined;
  #state: DatagramState;
  #handshakeHash: Uint8Array | undefined;
  // The handshake.
  #initDue: number | undefined;
  #initsSent = 0;
  #initSentAt = 0;
  #respDue = false;
  #lateAt: number | undefined;
  // Keys and numbers.
  #sealing!: SealingKey;
  #opening!: OpeningKey;
  #ownCids: OwnCids;
  #peerCids!: PeerCids;
  #skipAt = Infinity;
  // The path.
  readonly #paths: Paths;
  #rtt: Rtt = createRtt();
  readonly #recovery = new Recovery(this.#rtt, this);
  readonly #acks: Acknowledgement = createAcknowledgement();
  #congestion: Congestion;
  #pacer: Pacer = createPacer();
  #mtu: Mtu;
  #pacedUntil: number | undefined;
  /** Packets below this number went out while the window was full. */
  #fullUntil = 0;
  #elicited = 0;
  #moves = 0;
  #blackHoles = 0;
  #probesSent = 0;
  // The streams.
  readonly #sending = createSendStream();
  readonly #receiving = createReceiveStream();
  readonly #flow: ReceiveFlow;
  #peerLimit = 0;
  #blockedTold = -1;
  #readableTold = false;
  #wantsRoom = false;
  #endTold = false;
  #deliveryTold = false;
  // Small frames that wait.
  #control = 0;
  // The end.
  #idle: number;
  #idleFrom: number;
  #elicitedSinceHeard = false;
  /** When something was heard last, or asked. */
  #quietFrom: number;
  #ending: DatagramEnding | undefined;
  #closeCode = 0;
  #closeReason: Uint8Array = new Uint8Array(0);
  #closeDue = false;
  #closeHeard = 0;
  #closeEvery = 1;
  #overAt: number | undefined;
  #stopped = false;
  readonly #isStopped = (): boolean => this.#stopped;
  // Figures.
  #datagramsSent = 0;
  #bytesSent = 0;
  #datagramsReceived = 0;
  #bytesReceived = 0;
  /** While a packet is read: where it came from, and whether its data had no room. */
  #from: PathState | undefined;
  #noRoom = false;

  constructor(host: ConnectionHost, { path, cid, offer, initiator, answer }: ConnectionOrigin) {
    const { now } = host;
    this.#host = host;
    this.#initiator = initiator;
    this.#resp = answer?.resp;
    this.role = initiator !== undefined ? "initiator" : "responder";
    this.offer = offer;
    this.#paths = new Paths(path, false);
    this.#ownCids = new OwnCids(
      { claim: () => host.claim(this), release: (retired) => host.release(retired) },
      cid,
    );
    this.#congestion = host.createCongestion(DATAGRAM_BYTES_MIN);
    this.#mtu = createMtu(host.datagram);
    this.#flow = createReceiveFlow(host.window);
    this.#idle = host.idle;
    this.#idleFrom = this.#quietFrom = now;
    this.#lateAt = now + (initiator === undefined ? HALF_OPEN_MS : HANDSHAKE_MS);
    if (initiator !== undefined) {
      this.#state = "initiating";
      this.#initDue = now;
    } else {
      this.#state = "half-open";
      this.#respDue = true;
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
  get #flowing(): boolean {
    return this.#state === "established" || this.#state === "confirmed";
  }

  // The state table.

  /** Whether the state knows the input; does what the table says if so. */
  #step(cause: DatagramInput): boolean {
    const row = DATAGRAM_TABLE[this.#state][cause];
    if (row === undefined) return false;
    const from = this.#state;
    this.#state = row[1];
    this.#do(row[0], from, cause);
    this.#host.wake(this);
    return true;
  }

  #do(action: DatagramAction, from: DatagramState, cause: DatagramInput): void {
    const { now } = this.#host;
    switch (action) {
      case "none":
        return;
      case "sendCookie":
        // The path has answered, so another INIT need not wait.
        this.#initDue = now;
        this.#initsSent = 0;
        return;
      case "install":
        this.#initDue = this.#lateAt = undefined;
        this.#paths.current.validated = true;
        this.#control |= CONTROL.ping;
        return this.#tellHandshake("established", from, cause);
      case "accept":
        this.#respDue = false;
        this.#lateAt = undefined;
        this.#paths.current.validated = true;
        this.#control |= CONTROL.confirmed;
        this.#ownCids.issue();
        return this.#tellHandshake("accepted", from, cause);
      case "confirm":
        this.#ownCids.issue();
        return this.#tellHandshake("confirmed", from, cause);
      case "sendClose":
        this.#closeDue = true;
        this.#overAt = now + CLOSING_PTOS * this.#recovery.pto;
        this.#rest();
        return this.#tell(from, cause, "closing");
      case "drain":
        this.#overAt = now + CLOSING_PTOS * this.#recovery.pto;
        this.#rest();
        return;
      case "end":
      case "forget":
        this.#overAt = this.#initDue = this.#lateAt = undefined;
        this.#rest();
        this.#ownCids.release();
        // What was never told is not told to be over.
        if (action === "end") {
          this.#host.tell({
            kind: "closed",
            connection: this,
            from,
            to: this.#state,
            cause,
            ending: this.#ending!,
          });
        }
        this.#host.remove(this);
    }
  }

  /** Nothing flows any more: the streams' memory is given back. */
  #rest(): void {
    this.#sending.clear();
    this.#receiving.clear();
  }

  #tellHandshake(
    kind: "established" | "accepted" | "confirmed",
    from: DatagramState,
    cause: DatagramInput,
  ): void {
    this.#host.tell({
      kind,
      connection: this,
      from,
      to: this.#state,
      cause,
      handshakeHash: this.#handshakeHash!,
    });
  }

  #tell(
    from: DatagramState,
    cause: DatagramInput | DatagramEvent,
    kind: "readable" | "writable" | "ended" | "delivered" | "closing",
  ): void {
    this.#host.tell({ kind, connection: this, from, to: this.#state, cause });
  }

  // The handshake.

  #install({ params, initiator, responder, hash }: Handshaken): void {
    const { now, suite, rekey } = this.#host;
    const [own, theirs] = this.role === "initiator"
      ? [initiator, responder]
      : [responder, initiator];
    this.#handshakeHash = hash;
    this.#sealing = new SealingKey(suite, own, now, rekey);
    this.#opening = new OpeningKey(suite, theirs);
    this.#peerCids = new PeerCids(params.cid);
    this.#learn(params);
    this.#chooseSkip();
    this.#pace();
  }

  #learn({ idle, window, ackDelay, datagram }: Params): void {
    this.#idle = Math.min(this.#idle, idle);
    this.#peerLimit = window;
    this.#recovery.delayMax = ackDelay;
    this.#mtu = createMtu(Math.min(this.#host.datagram, datagram));
  }

  /** A RETRY came for us. */
  receiveRetry(packet: RetryPacket): void {
    if (DATAGRAM_TABLE[this.#state].retry === undefined) return;
    if (this.#initiator!.retry(packet)) this.#step("retry");
  }

  /** A RESP came for us. */
  receiveResponse(packet: RespPacket): void {
    if (DATAGRAM_TABLE[this.#state].response === undefined) return;
    const result = this.#initiator!.response(packet);
    if (result === undefined) return;
    const { now } = this.#host;
    // Only if it is clear which INIT was answered.
    if (this.#initsSent === 1) this.#rtt.sample(now - this.#initSentAt, 0, 0);
    this.#install(result);
    this.#idleFrom = now;
    this.#step("response");
  }

  /** The INIT that we have answered came again: so may its answer. */
  repeatResponse(): void {
    if (this.#state !== "half-open") return;
    this.#respDue = true;
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
    this.#datagramsReceived++;
    this.#bytesReceived += packet.length;
    if (state === "closing" || state === "draining") return this.#receiveLast(number, length);
    if (state === "half-open") this.#step("proof");
    this.#idleFrom = this.#quietFrom = now;
    this.#elicitedSinceHeard = false;
    this.#read(path, packet, number, length);
    this.#host.wake(this);
  }

  #read(name: string, packet: Uint8Array, number: number, length: number): void {
    const { now } = this.#host;
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
    if (!this.#noRoom) this.#acks.take(number, eliciting, urgent, now, this.#rtt.smoothed);
    if (eliciting) this.#elicited++;
    if (isLatest && !probing) this.#follow(path);
    this.#tellStreams();
  }

  /** A server does not move: what comes from elsewhere in its name was passed on by somebody. */
  #newPath(name: string): PathState | undefined {
    const isServer = this.role === "initiator" && this.offer === undefined;
    return isServer ? undefined : this.#paths.add(name);
  }

  /** What comes while we close: the answer to our CLOSE, or a peer who has not heard it. */
  #receiveLast(number: number, length: number): void {
    const { now } = this.#host;
    this.#acks.take(number, false, false, now, this.#rtt.smoothed);
    if (this.#state !== "closing") return;
    readFrames(opened, length, LAST_FRAMES, NEVER);
    if (closeSeen) {
      closeSeen = false;
      this.#step("peer-close");
      return;
    }
    // Told again, but ever more seldom.
    if (++this.#closeHeard < this.#closeEvery) return;
    this.#closeHeard = 0;
    this.#closeEvery *= 2;
    this.#closeDue = true;
    this.#host.wake(this);
  }

  /** The peer sends from this path now. */
  #follow(path: PathState): void {
    this.#paths.latest = path;
    if (path === this.#paths.current) return;
    if (path.validated) this.#move(path);
    else if (path.challenge === undefined) this.#challenge(path);
  }

  #challenge(path: PathState): void {
    this.#paths.challenge(path, this.#host.randomNumber(), this.#host.now);
  }

  #move(path: PathState): void {
    const { current } = this.#paths;
    this.#paths.use(path);
    this.#moves++;
    this.#peerCids.turn();
    if (!isSameHost(current.name, path.name)) this.#begin(path);
    this.#host.tell({
      kind: "moved",
      connection: this,
      from: this.#state,
      to: this.#state,
      cause: "move",
      path: path.name,
      before: current.name,
    });
    // So that the peer follows, even if there is nothing to say.
    this.#control |= CONTROL.ping;
  }

  /** Nothing is known of the path in use. */
  #begin(path: PathState): void {
    const { now } = this.#host;
    const trip = now - path.challengedAt;
    this.#rtt = createRtt();
    if (path.challenges > 0) this.#rtt.sample(Math.max(0, trip), 0, 0);
    this.#recovery.move(this.#rtt);
    this.#congestion = this.#host.createCongestion(DATAGRAM_BYTES_MIN);
    this.#pacer = createPacer();
    this.#blackHoles += this.#mtu.blackHoles;
    this.#mtu = createMtu(this.#host.datagram);
    this.#fullUntil = 0;
    this.#pacedUntil = undefined;
    this.#requeue(this.#recovery.oldest);
  }

  #fault(name: CloseName): void {
    const { code, text } = CLOSE_CODES[name];
    this.#stopped = true;
    this.#end({ by: "fault", code, text }, "fault");
  }

  #end(ending: DatagramEnding, cause: DatagramInput): void {
    if (DATAGRAM_TABLE[this.#state][cause] === undefined) return;
    this.#ending = ending;
    this.#closeCode = ending.code;
    this.#closeReason = encoder.encode(ending.text).subarray(0, REASON_BYTES_MAX);
    this.#step(cause);
  }

  // Frames in.

  onAck(ranges: readonly number[], delay: number): void {
    const { now } = this.#host;
    const before = this.#recovery.inFlight;
    const outcome = this.#recovery.acknowledge(ranges, delay, now);
    if (outcome.impossible) return this.#fault("impossible-ack");
    this.#detect();
    if (outcome.largest < 0) return;
    const congestion = this.#congestion;
    congestion.onAck({
      now,
      bytes: outcome.bytes,
      sentAt: outcome.sentAt,
      largest: outcome.largest,
      next: this.#recovery.next,
      rtt: outcome.sampled ? this.#rtt.latest : undefined,
      smoothed: this.#rtt.smoothed,
      limited: outcome.largest < this.#fullUntil ||
        (congestion.searching && 2 * before >= congestion.window),
    });
    this.#pace();
  }

  #pace(): void {
    const { window, pacingGain } = this.#congestion;
    this.#pacer.setRate(pacingGain * window / Math.max(this.#rtt.smoothed, 0.05), this.#mtu.size);
    this.#pacedUntil = undefined;
  }

  #detect(): void {
    const { now } = this.#host;
    const { lostAt, persistent } = this.#recovery.detect(now, (sentAt) => {
      if (!this.#congestion.isNews(sentAt)) return false;
      this.#congestion.onTrouble(now);
      return true;
    });
    if (persistent) this.#congestion.onPersistent();
    if (lostAt >= 0) this.#pace();
  }

  onAcked(packet: SentPacket): void {
    this.#arrived(packet);
    this.#mtu.onArrived(packet.bytes, packet.mtuProbe, packet.time);
    if (packet.mtuProbe && packet.path === this.#recovery.path) {
      this.#congestion.resize(this.#mtu.size);
    }
  }

  #arrived({ acked, stream, fin, control }: SentPacket): void {
    if (acked >= LATE_PACKETS) this.#acks.forgetBelow(acked - LATE_PACKETS);
    for (let at = 0; at < stream.length; at += 2) {
      this.#sending.acknowledge(stream[at], stream[at + 1], fin && at + 2 === stream.length);
    }
    if (control !== 0) this.#control &= ~(control & CONTROL.confirmed);
  }

  onLost(packet: SentPacket): void {
    const { now } = this.#host;
    const { bytes, mtuProbe, time } = packet;
    if (packet.path === this.#recovery.path && this.#mtu.onLost(bytes, mtuProbe, time, now)) {
      this.#congestion.resize(this.#mtu.size);
    }
    if (!mtuProbe) this.#requeue(packet);
  }

  onLate(packet: SentPacket, undo: boolean): void {
    this.#arrived(packet);
    this.#mtu.onArrived(packet.bytes, packet.mtuProbe, packet.time);
    if (!undo) return;
    this.#congestion.undo();
    this.#pace();
  }

  /** What a packet carried is to be sent again. */
  #requeue(packet: SentPacket | undefined): void {
    if (packet === undefined) return;
    const { stream, fin, control, sequence, limit } = packet;
    for (let at = 0; at < stream.length; at += 2) {
      this.#sending.lose(stream[at], stream[at + 1], fin && at + 2 === stream.length);
    }
    if (control === 0) return;
    // A limit that was told since, or is no limit any more, need not be told again.
    this.#control |= control & CONTROL.confirmed;
    if ((control & CONTROL.maxData) !== 0 && limit === this.#flow.limit) {
      this.#control |= CONTROL.maxData;
    }
    if ((control & CONTROL.dataBlocked) !== 0 && limit === this.#peerLimit) {
      this.#control |= CONTROL.dataBlocked;
    }
    if ((control & CONTROL.newCid) !== 0 && this.#ownCids.get(sequence) !== undefined) {
      if (!this.#ownCids.told.includes(sequence)) this.#ownCids.told.push(sequence);
    }
    if ((control & CONTROL.retireCid) !== 0 && !this.#peerCids.retired.includes(sequence)) {
      this.#peerCids.retired.push(sequence);
    }
  }

  onData(offset: number, packet: Uint8Array, start: number, end: number, fin: boolean): void {
    if (offset + end - start > this.#flow.limit) return this.#fault("flow");
    const taken = this.#receiving.take(offset, packet, start, end, fin);
    if (taken === "full") this.#noRoom = true;
    else if (taken !== "ok") this.#fault(taken);
  }

  onMaxData(limit: number): void {
    if (limit > this.#peerLimit) this.#peerLimit = limit;
  }

  onDataBlocked(limit: number): void {
    // What tells a new limit may have been lost; what tells the present one has not helped.
    if (limit < this.#flow.limit) this.#control |= CONTROL.maxData;
  }

  onNewCid(sequence: number, cid: number): void {
    if (!this.#peerCids.add(sequence, cid)) this.#fault("cids");
  }

  onRetireCid(sequence: number): void {
    if (!this.#ownCids.retire(sequence)) this.#fault("cids");
  }

  onPathChallenge(data: number): void {
    this.#from!.response = data;
  }

  onPathResponse(data: number): void {
    const path = this.#paths.answered(data);
    if (path === undefined || path === this.#paths.current) return;
    const rescued = path.rescue && this.#recovery.ptos >= DEAD_PTOS;
    path.rescue = false;
    if (path.wanted || rescued || path === this.#paths.latest) this.#move(path);
  }

  onClose(code: number, reason: string): void {
    this.#stopped = true;
    this.#end({ by: "peer", code, text: reason }, "peer-close");
  }

  onConfirmed(): void {
    this.#step("confirmed");
  }

  // The streams.

  get writable(): number {
    return this.#state === "closing" || this.#overAt !== undefined || this.#state === "closed"
      ? 0
      : this.#sending.room;
  }
  get readable(): number {
    return this.#receiving.readable;
  }
  get ended(): boolean {
    return this.#receiving.ended;
  }
  get delivered(): boolean {
    return this.#deliveryTold;
  }

  write(bytes: Uint8Array): number {
    const count = this.writable === 0 ? 0 : this.#sending.write(bytes);
    if (count < bytes.length) this.#wantsRoom = true;
    if (count > 0) this.#host.wake(this);
    return count;
  }

  finish(): void {
    this.#sending.finish();
    this.#host.wake(this);
  }

  read(max: number): Uint8Array | undefined {
    if (!(max > 0)) throw new RangeError(`${max} bytes cannot be read; ask for at least one`);
    const bytes = this.#receiving.read(max);
    if (this.#receiving.readable === 0) this.#readableTold = false;
    if (bytes === undefined) return undefined;
    const { readTo } = this.#receiving;
    if (this.#flow.read(readTo, this.#host.now, this.#rtt.smoothed) && this.#flowing) {
      if (!this.#receiving.complete) this.#control |= CONTROL.maxData;
      this.#host.wake(this);
    }
    if (this.#receiving.ended) this.#tellStreams();
    return bytes;
  }

  #tellStreams(): void {
    const state = this.#state;
    if (!this.#flowing) return;
    if (this.#receiving.readable > 0 && !this.#readableTold) {
      this.#readableTold = true;
      this.#tell(state, "data", "readable");
    }
    if (this.#receiving.ended && !this.#endTold) {
      this.#endTold = true;
      this.#tell(state, "end", "ended");
    }
    if (this.#wantsRoom && this.#sending.room >= ROOM_BYTES_MIN) {
      this.#wantsRoom = false;
      this.#tell(state, "room", "writable");
    }
    if (this.#sending.delivered && !this.#deliveryTold) {
      this.#deliveryTold = true;
      this.#tell(state, "delivery", "delivered");
    }
  }

  close(now: number, code = 0, reason: string = CLOSE_CODES.done.text): void {
    const isOurs = code === 0 || (code >= FIRST_APPLICATION_CODE && code <= CLOSE_CODE_MAX);
    if (!isOurs || !Number.isInteger(code)) {
      throw new RangeError(
        `${code} is no close code; give 0 or ${FIRST_APPLICATION_CODE} to ${CLOSE_CODE_MAX}`,
      );
    }
    this.#host.wake(this);
    void now;
    this.#end({ by: "us", code, text: reason }, "close");
  }

  migrate(now: number, name: string): void {
    void now;
    if (!this.#flowing || name === this.#paths.current.name) return;
    const path = this.#paths.find(name) ?? this.#paths.add(name);
    path.wanted = true;
    this.#challenge(path);
    this.#host.wake(this);
  }

  // Time.

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
    return this.#sending.isBlocked(this.#peerLimit) ? this.#quietFrom + this.#idle / 3 : Infinity;
  }

  /** When {@linkcode Connection.handleTimeout} is to be called. */
  timeout(): number | undefined {
    switch (this.#state) {
      case "closed":
        return undefined;
      case "closing":
      case "draining":
        return this.#overAt;
      case "initiating":
      case "retrying":
        return Math.min(this.#initDue!, this.#lateAt!);
      case "half-open":
        return this.#lateAt;
    }
    let due = Math.min(this.#idleAt, this.#askAt);
    const recovery = this.#recovery.due();
    if (recovery !== undefined && recovery < due) due = recovery;
    const ack = this.#acks.dueAt;
    if (ack !== undefined && ack < due) due = ack;
    if (this.#pacedUntil !== undefined && this.#pacedUntil < due) due = this.#pacedUntil;
    const path = this.#paths.due();
    return path !== undefined && path < due ? path : due;
  }

  /** Lets time pass. */
  handleTimeout(): void {
    const { now } = this.#host;
    if (this.#overAt !== undefined) {
      if (now >= this.#overAt) this.#step("finished");
      return;
    }
    if (this.#lateAt !== undefined) {
      if (now >= this.#lateAt) {
        const text = "Nobody has answered.";
        this.#end({ by: "unreachable", code: 0, text }, "late");
      }
      return;
    }
    if (!this.#flowing) return;
    if (now >= this.#idleAt) {
      this.#end({ by: "silence", code: 0, text: "Nothing was heard for too long." }, "silence");
      return;
    }
    if (now >= this.#askAt) {
      this.#quietFrom = now;
      this.#control |= CONTROL.ping;
      if (this.#sending.isBlocked(this.#peerLimit)) this.#control |= CONTROL.dataBlocked;
    }
    this.#acks.handleTimeout(now);
    this.#paths.handleTimeout(now);
    if (this.#pacedUntil !== undefined && now >= this.#pacedUntil) this.#pacedUntil = undefined;
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
    if (this.#recovery.ptos >= DEAD_PTOS) {
      const other = this.#paths.fallback;
      if (other !== undefined) {
        other.rescue = true;
        if (other.challenge === undefined) this.#challenge(other);
      }
    }
    const { oldest } = this.#recovery;
    this.#requeue(oldest);
    this.#requeue(oldest?.behind);
    if (this.#sending.isBlocked(this.#peerLimit)) this.#control |= CONTROL.dataBlocked;
  }

  // Packets out.

  /** Writes the next packet into `out`, if there is one to send now. */
  transmit(out: Uint8Array): ConnectionPacket | undefined {
    const { now } = this.#host;
    const { current } = this.#paths;
    let length = 0;
    switch (this.#state) {
      case "initiating":
      case "retrying":
        length = this.#transmitInit(out, now);
        break;
      case "half-open":
        length = this.#transmitResponse(out);
        break;
      case "established":
      case "confirmed": {
        const path = this.#paths.busy(now);
        if (path !== undefined) {
          length = this.#transmitPath(out, path, now);
          return { length, path: path.name, alone: true };
        }
        length = this.#transmitData(out, now);
        break;
      }
      case "closing":
        length = this.#transmitClose(out);
    }
    return length === 0 ? undefined : { length, path: current.name, alone: false };
  }

  #count(length: number): number {
    this.#datagramsSent++;
    this.#bytesSent += length;
    return length;
  }

  #transmitInit(out: Uint8Array, now: number): number {
    if (this.#initDue === undefined || now < this.#initDue) return 0;
    const packet = this.#initiator!.init();
    out.set(packet);
    this.#initDue = now + INIT_RETRY_MS * 2 ** this.#initsSent;
    this.#initsSent++;
    this.#initSentAt = now;
    return this.#count(packet.length);
  }

  #transmitResponse(out: Uint8Array): number {
    if (!this.#respDue) return 0;
    this.#respDue = false;
    out.set(this.#resp!);
    return this.#count(this.#resp!.length);
  }

  #transmitClose(out: Uint8Array): number {
    if (!this.#closeDue) return 0;
    this.#closeDue = false;
    writer.begin(DATAGRAM_BYTES_MIN - DATA_OVERHEAD);
    writer.close(this.#closeCode, this.#closeReason);
    return this.#seal(out, this.#recovery.take());
  }

  /** Seals what the writer has; gives the packet's length. */
  #seal(out: Uint8Array, number: number): number {
    const sealing = this.#sealing;
    sealing.turn(number, this.#recovery.largestAcked, this.#host.now);
    writeDataHeader(out, { phase: sealing.phase, dcid: this.#peerCids.current, number });
    const length = sealing.seal(out, writer.frames(), number);
    const path = this.#paths.current;
    if (!path.validated) path.sent += length;
    return this.#count(length);
  }

  /** A packet that only looks at a path: a challenge, or the answer to one. */
  #transmitPath(out: Uint8Array, path: PathState, now: number): number {
    const room = Math.min(allowance(path), DATAGRAM_BYTES_MIN, out.length);
    writer.begin(room - DATA_OVERHEAD);
    if (path.response !== undefined) {
      writer.pathResponse(path.response);
      path.response = undefined;
    }
    if (path.challengeDue !== undefined && now >= path.challengeDue) {
      writer.pathChallenge(path.challenge!);
      this.#paths.challenged(path, now, Math.max(this.#recovery.pto, 100));
    }
    // As large as the smallest path must carry, as far as that is allowed.
    writer.pad();
    const before = this.#paths.current;
    const length = this.#seal(out, this.#recovery.take());
    if (!path.validated && path !== before) path.sent += length;
    return length;
  }

  #transmitData(out: Uint8Array, now: number): number {
    const recovery = this.#recovery;
    if (recovery.next >= this.#skipAt) this.#skip();
    const probing = recovery.probes > 0;
    const size = Math.min(probing ? DATAGRAM_BYTES_MIN : this.#mtu.size, out.length);
    if (!recovery.full) {
      // Before the data: they would never leave room for it in the window.
      const probe = probing ? undefined : this.#probeSize(out.length, now);
      if (probe !== undefined) return this.#transmitProbe(out, probe, now);
      const wants = probing || this.#wantsPacket();
      if (wants && (probing || this.#mayGo(size, now))) {
        return this.#transmitPacket(out, size, now, probing);
      }
    }
    return this.#acks.due ? this.#transmitAck(out, now) : 0;
  }

  #wantsPacket(): boolean {
    if (this.#sending.isBlocked(this.#peerLimit) && this.#blockedTold !== this.#peerLimit) {
      this.#control |= CONTROL.dataBlocked;
    }
    return this.#control !== 0 || this.#sending.wants(this.#peerLimit) ||
      this.#ownCids.told.length > 0 || this.#peerCids.retired.length > 0;
  }

  /** Whether window and pace let a packet go. */
  #mayGo(size: number, now: number): boolean {
    if (this.#recovery.inFlight + size > Math.min(this.#congestion.window, WINDOW_MAX)) {
      this.#fullUntil = this.#recovery.next;
      return false;
    }
    if (this.#pacedUntil !== undefined && now < this.#pacedUntil) return false;
    if (this.#pacer.mayGo(now)) return true;
    this.#pacedUntil = this.#pacer.nextAt(now);
    return false;
  }

  #transmitPacket(out: Uint8Array, size: number, now: number, probing: boolean): number {
    const number = this.#recovery.next;
    writer.begin(size - DATA_OVERHEAD);
    const acked = this.#acks.owed ? this.#writeAck(now) : -1;
    let control = this.#control;
    this.#control = 0;
    let limit = 0;
    let sequence = 0;
    if ((control & CONTROL.confirmed) !== 0) writer.confirmed();
    if ((control & CONTROL.maxData) !== 0) writer.maxData(limit = this.#flow.limit);
    else if ((control & CONTROL.dataBlocked) !== 0) {
      writer.dataBlocked(limit = this.#blockedTold = this.#peerLimit);
    }
    // One limit a packet: what is not said now is said in the next.
    if ((control & CONTROL.maxData) !== 0 && (control & CONTROL.dataBlocked) !== 0) {
      control &= ~CONTROL.dataBlocked;
      this.#control |= CONTROL.dataBlocked;
    }
    const retired = this.#peerCids.retired.shift();
    if (retired !== undefined) {
      writer.retireCid(sequence = retired);
      control |= CONTROL.retireCid;
    } else {
      const told = this.#ownCids.told.shift();
      if (told !== undefined) {
        writer.newCid(sequence = told, this.#ownCids.get(told)!);
        control |= CONTROL.newCid;
      }
    }
    const fin = writer.stream(this.#sending, this.#peerLimit);
    if (probing) {
      this.#recovery.probes--;
      this.#probesSent++;
      if (writer.streamed.length === 0 || this.#recovery.probes === 0) control |= CONTROL.ping;
    }
    if ((control & CONTROL.ping) !== 0) writer.ping();
    return this.#send(out, {
      number,
      now,
      control,
      limit,
      sequence,
      stream: writer.streamed,
      fin,
      acked,
      mtuProbe: false,
    });
  }

  #send(
    out: Uint8Array,
    { now, ...about }:
      & { readonly now: number }
      & Pick<
        SentPacket,
        "number" | "control" | "limit" | "sequence" | "stream" | "fin" | "acked" | "mtuProbe"
      >,
  ): number {
    const length = this.#seal(out, about.number);
    this.#recovery.send({
      ...about,
      time: now,
      bytes: length,
      path: this.#recovery.path,
      inFlight: true,
      fate: "open",
      lostAt: 0,
      episode: 0,
      before: undefined,
      behind: undefined,
    });
    this.#pacer.gone(length, now);
    this.#elicited = 0;
    this.#quietFrom = now;
    // Silence is counted from the first packet that should have been answered.
    if (!this.#elicitedSinceHeard) {
      this.#elicitedSinceHeard = true;
      this.#idleFrom = now;
    }
    return length;
  }

  #writeAck(now: number): number {
    writer.ack(this.#acks.received, this.#acks.delay(now));
    this.#acks.sent();
    return this.#acks.largest;
  }

  #transmitAck(out: Uint8Array, now: number): number {
    writer.begin(Math.min(DATAGRAM_BYTES_MIN, out.length) - DATA_OVERHEAD);
    const number = this.#recovery.next;
    const acked = this.#writeAck(now);
    if (this.#elicited >= PING_EVERY && this.#acks.received.count > 1 && !this.#recovery.full) {
      writer.ping();
      return this.#send(out, {
        number,
        now,
        control: CONTROL.ping,
        limit: 0,
        sequence: 0,
        stream: NO_STREAM,
        fin: false,
        acked,
        mtuProbe: false,
      });
    }
    return this.#seal(out, this.#recovery.take());
  }

  /** The size of a packet that tries whether it arrives, if one is due and may go. */
  #probeSize(room: number, now: number): number | undefined {
    // Without bytes under way nobody needs larger packets.
    if (this.#state !== "confirmed" || this.#recovery.ptos > 0) return undefined;
    if (this.#sending.sentTo < DATAGRAM_BYTES_MAX) return undefined;
    const size = this.#mtu.probe(now);
    if (size === undefined || size > room) return undefined;
    return this.#mayGo(size, now) ? size : undefined;
  }

  #transmitProbe(out: Uint8Array, size: number, now: number): number {
    writer.begin(size - DATA_OVERHEAD);
    writer.ping();
    writer.pad();
    this.#mtu.probed(size);
    return this.#send(out, {
      number: this.#recovery.next,
      now,
      control: 0,
      limit: 0,
      sequence: 0,
      stream: NO_STREAM,
      fin: false,
      acked: -1,
      mtuProbe: true,
    });
  }

  #skip(): void {
    this.#recovery.skip();
    this.#chooseSkip();
  }

  #chooseSkip(): void {
    this.#skipAt = this.#recovery.next + SKIP_MIN + this.#host.randomNumber() % SKIP_SPREAD;
  }

  stats(): DatagramStats {
    return {
      rtt: this.#rtt.smoothed,
      rttMin: this.#rtt.min,
      window: this.#congestion.window,
      inFlight: this.#recovery.inFlight,
      mtu: this.#mtu.size,
      datagramsSent: this.#datagramsSent,
      bytesSent: this.#bytesSent,
      datagramsReceived: this.#datagramsReceived,
      bytesReceived: this.#bytesReceived,
      lost: this.#recovery.lost,
      late: this.#recovery.late,
      probes: this.#probesSent,
      moves: this.#moves,
      forgeries: this.#opening?.forgeries ?? 0,
      keysSent: this.#sealing?.turns ?? 0,
      keysReceived: this.#opening?.turns ?? 0,
      blackHoles: this.#blackHoles + this.#mtu.blackHoles,
      memory: this.#sending.kept + this.#receiving.kept,
    };
  }
}

/** Frames are written into it: one packet at a time, so all connections share it. */
const writer = new PacketWriter();
const NO_STREAM: readonly number[] = [];

/** Looks for a CLOSE, and at nothing else. */
let closeSeen = false;
const NEVER = () => false;
const nothing = () => {};
const LAST_FRAMES: FrameHandler = {
  onAck: nothing,
  onData: nothing,
  onMaxData: nothing,
  onDataBlocked: nothing,
  onNewCid: nothing,
  onRetireCid: nothing,
  onPathChallenge: nothing,
  onPathResponse: nothing,
  onClose: () => closeSeen = true,
  onConfirmed: nothing,
};
