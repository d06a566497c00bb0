/**
 * The machine of one connection over datagrams (DATAGRAM §1 to §5): packets and time go in, packets and
 * transitions come out. The endpoint gives it what is meant for it.
 *
 * What it knows is elsewhere: how the handshake goes (handshake_progress), the streams (stream_pair), small frames
 * (small_frames), what comes (received_frames) and was acknowledged (acknowledgement), what was sent (recovery,
 * retransmission), the path in use (route), the others and the way to them (paths, migration), what goes out (outbox),
 * silence (idle_timeout), the end (goodbye). Here they are put together.
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
import type { DatagramConnection, DatagramEvent, DatagramStats } from "./connection.ts";
import type { ConnectionHost, ConnectionOrigin, ConnectionPacket } from "./connection_host.ts";
import {
  DATAGRAM_TABLE,
  type DatagramAction,
  type DatagramInput,
  type DatagramState,
} from "./datagram_table.ts";
import { Goodbye, holdsClose } from "./goodbye.ts";
import type { Handshaken } from "./handshake.ts";
import { Answering, Calling } from "./handshake_progress.ts";
import { IdleTimeout } from "./idle_timeout.ts";
import { readUint32 } from "./integer.ts";
import { Migration } from "./migration.ts";
import { Outbox } from "./outbox.ts";
import {
  DATA_OVERHEAD,
  DATAGRAM_BYTES_MIN,
  phaseOf,
  type RespPacket,
  type RetryPacket,
} from "./packet.ts";
import { CLOSE_CODE_MAX } from "./packet_frame.ts";
import { FORGERIES_MAX, OpeningKey, SealingKey } from "./packet_keys.ts";
import { expandNumber } from "./packet_number.ts";
import { ReceivedFrames } from "./received_frames.ts";
import type { Recovery } from "./recovery.ts";
import { Retransmission } from "./retransmission.ts";
import { Route } from "./route.ts";
import { CONTROL } from "./sent_packets.ts";
import { SmallFrames } from "./small_frames.ts";
import { StreamPair } from "./stream_pair.ts";

/** So many PTOs a closed connection still answers. */
const CLOSING_PTOS = 3;
/** How long packets of an old key may be late, in PTOs. */
const KEY_PTOS = 3;

/** Packets are opened into it, one at a time: all connections share it. */
const opened = new Uint8Array(65_536);

/** A connection as its endpoint knows it. */
export class Connection implements DatagramConnection {
  readonly #host: ConnectionHost<Connection>;
  readonly role: "initiator" | "responder";
  readonly offer: Uint8Array | undefined;
  #state: DatagramState;
  readonly #handshake: Calling | Answering;
  #handshakeHash: Uint8Array | undefined;
  #opening!: OpeningKey;
  /** The largest datagram that both sides want. */
  #datagram: number;
  readonly #acks: Acknowledgement = createAcknowledgement();
  readonly #streams: StreamPair;
  readonly #small: SmallFrames;
  readonly #sent: Retransmission;
  readonly #outbox: Outbox;
  readonly #migration: Migration;
  readonly #frames: ReceivedFrames;
  readonly #idle: IdleTimeout;
  readonly #goodbye = new Goodbye();
  #datagramsReceived = 0;
  #bytesReceived = 0;

  constructor(
    host: ConnectionHost<Connection>,
    { path, cid, offer, initiator, answer }: ConnectionOrigin,
  ) {
    const { now } = host;
    this.#host = host;
    this.offer = offer;
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
    const parts = { acks: this.#acks, streams: this.#streams, small: this.#small };
    this.#sent = new Retransmission({ ...parts, route: () => this.#route }, route);
    this.#idle = new IdleTimeout(host.idle, host.keepAlive, now);
    const randomNumber = () => host.randomNumber();
    this.#outbox = new Outbox({
      ...parts,
      recovery: this.#recovery,
      randomNumber,
      onAsked: (now) => this.#idle.asked(now),
    }, route);
    this.#migration = new Migration(path, {
      sent: this.#sent,
      outbox: this.#outbox,
      small: this.#small,
      peerMoves: initiator === undefined || offer !== undefined,
      randomNumber,
      newRoute: () => this.#newRoute(),
      onMoved: (path, before) => this.#tellMoved(path, before),
    });
    this.#frames = new ReceivedFrames({
      streams: this.#streams,
      small: this.#small,
      sent: this.#sent,
      migration: this.#migration,
      onFault: (name) => this.#fault(name),
      onClose: (code, text) => this.#end({ by: "peer", code, text }, "peer-close"),
      onConfirmed: () => this.#step("confirmed"),
    });
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
    return this.#migration.paths.current.name;
  }
  get handshakeHash(): Uint8Array | undefined {
    return this.#state === "half-open" ? undefined : this.#handshakeHash;
  }
  get #route(): Route {
    return this.#outbox.route;
  }
  get #recovery(): Recovery {
    return this.#sent.recovery;
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
    this.#migration.paths.current.validated = true;
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

  #tellMoved(path: string, before: string): void {
    const state = this.#state;
    this.#host.tell({
      kind: "moved",
      connection: this,
      from: state,
      to: state,
      cause: "move",
      path,
      before,
    });
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
    this.#idle.agree(params.idle);
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
    this.#idle.restart(now);
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
    this.#datagramsReceived++;
    this.#bytesReceived += packet.length;
    if (state === "closing" || state === "draining") return this.#receiveLast(number, length);
    if (state === "half-open") this.#step("proof");
    this.#idle.heard(now);
    this.#read(path, packet, number, length);
    this.#host.wake(this);
  }

  #read(name: string, packet: Uint8Array, number: number, length: number): void {
    const path = this.#migration.from(name);
    if (path === undefined) return;
    if (!path.validated) path.received += packet.length;
    const { now } = this.#host;
    const { ok, eliciting, urgent, probing } = this.#frames.read(opened, length, path, now);
    if (!ok) return this.#fault("malformed");
    if (this.#frames.stopped || !this.#flowing) return;
    const isLatest = number > this.#acks.largest;
    // A packet whose data had no room has not come.
    if (!this.#frames.noRoom) {
      this.#acks.take(number, eliciting, urgent, now, this.#route.rtt.smoothed);
    }
    if (eliciting) this.#outbox.unasked++;
    if (isLatest && !probing) this.#migration.follow(path, now);
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
    this.#frames.stopped = true;
    this.#end({ by: "fault", code, text }, "fault");
  }

  #end(ending: DatagramEnding, cause: DatagramInput): void {
    if (DATAGRAM_TABLE[this.#state][cause] === undefined) return;
    this.#goodbye.ending = ending;
    this.#step(cause);
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

  migrate(_now: number, name: string): void {
    if (!this.#flowing || name === this.path) return;
    this.#migration.lead(name, this.#host.now);
    this.#host.wake(this);
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

  /** When the peer is asked for a sign of life, unless it owes us an acknowledgement. */
  get #askAt(): number {
    return this.#recovery.waiting ? Infinity : this.#idle.askAt(this.#streams.isBlocked);
  }

  /** When {@linkcode Connection.handleTimeout} is to be called. */
  timeout(): number | undefined {
    if (this.#state === "closed") return undefined;
    if (this.#isOver) return this.#goodbye.overAt;
    if (!this.#flowing) return this.#handshake.due;
    return Math.min(
      this.#idle.lateAt(this.#recovery.pto),
      this.#askAt,
      this.#recovery.due() ?? Infinity,
      this.#acks.dueAt ?? Infinity,
      this.#route.pacedUntil ?? Infinity,
      this.#migration.paths.due() ?? Infinity,
    );
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
    if (now >= this.#idle.lateAt(this.#recovery.pto)) {
      const text = "Nothing was heard for too long.";
      return this.#end({ by: "silence", code: 0, text }, "silence");
    }
    if (now >= this.#askAt) {
      this.#idle.asking(now);
      this.#small.add(CONTROL.ping | (this.#streams.isBlocked ? CONTROL.dataBlocked : 0));
    }
    this.#acks.handleTimeout(now);
    this.#migration.paths.handleTimeout(now);
    this.#route.handleTimeout(now);
    // A timer that comes late may find both due.
    for (let due = this.#recovery.handleTimeout(now); due !== undefined;) {
      if (due === "loss") this.#sent.detect(now);
      else this.#probe(now);
      due = this.#recovery.handleTimeout(now);
    }
    this.#tellStreams();
  }

  #probe(now: number): void {
    this.#migration.rescue(this.#recovery.ptos, now);
    this.#sent.probe();
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
        const { paths } = this.#migration;
        const path = paths.busy(now);
        if (path !== undefined) {
          length = this.#outbox.path(out, path, paths, now);
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
      datagramsReceived: this.#datagramsReceived,
      bytesReceived: this.#bytesReceived,
      moves: this.#migration.moves,
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
      blackHoles: this.#migration.blackHoles + mtu.blackHoles,
      memory: this.#streams.kept,
    };
  }
}
