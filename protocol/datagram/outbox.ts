/**
 * What goes out of a connection whose bytes flow: which packet is next, what stands in it, and what is remembered
 * of it. Probes first, then tries of larger packets, then data as window and pace allow, then bare
 * acknowledgements.
 *
 * @module
 */

import type { Acknowledgement } from "./acknowledgement.ts";
import type { Goodbye } from "./goodbye.ts";
import {
  DATA_OVERHEAD,
  DATAGRAM_BYTES_MAX,
  DATAGRAM_BYTES_MIN,
  writeDataHeader,
} from "./packet.ts";
import type { SealingKey } from "./packet_keys.ts";
import { PacketWriter } from "./packet_writer.ts";
import { allowance, type Paths, type PathState } from "./paths.ts";
import type { Recovery } from "./recovery.ts";
import type { Route } from "./route.ts";
import type { SentPacket } from "./sent_packets.ts";
import type { SmallFrames } from "./small_frames.ts";
import type { StreamPair } from "./stream_pair.ts";

/** The shortest wait for the answer to a challenge, in ms. */
const CHALLENGE_MS = 100;
/** A receiver that only acknowledges asks for an acknowledgement after so many packets, to forget what it acknowledged. */
const PING_EVERY = 32;
/** A window of fewer packets is small. */
const SMALL_WINDOW_PACKETS = 32;
/** A number is left out every so many packets, at least and in addition at most. */
const SKIP_MIN = 128;
const SKIP_SPREAD = 2048;

/** Frames are written by one writer, one packet at a time: all connections share it. */
const writer = new PacketWriter();
const NO_STREAM: readonly number[] = [];
const NO_FRAMES = { control: 0, limit: 0, sequence: 0, stream: NO_STREAM, fin: false } as const;

/** What a packet that is remembered has carried. */
type Carried = Pick<
  SentPacket,
  "control" | "limit" | "sequence" | "stream" | "fin" | "acked" | "mtuProbe"
>;

/** The parts of a connection that have something to send, or a say in it. */
export interface OutboxParts {
  readonly recovery: Recovery;
  readonly acks: Acknowledgement;
  readonly streams: StreamPair;
  readonly small: SmallFrames;
  /** A random number below 2⁵³. */
  readonly randomNumber: () => number;
  /** A packet has gone out that must be acknowledged. */
  readonly onAsked: (now: number) => void;
}

/** What goes out of one connection. */
export class Outbox {
  readonly #parts: OutboxParts;
  #sealing!: SealingKey;
  /** The next number that is left out. */
  #skipAt = Infinity;
  /** The path in use. */
  route: Route;
  /** Whether larger packets may be tried: the peer must be known to be there. */
  triesLarger = false;
  /** Packets that came since we sent one that is acknowledged. */
  unasked = 0;
  datagrams = 0;
  bytes = 0;
  probes = 0;

  constructor(parts: OutboxParts, route: Route) {
    this.#parts = parts;
    this.route = route;
  }

  /** The handshake has given the key. */
  begin(sealing: SealingKey): void {
    this.#sealing = sealing;
    this.#chooseSkip();
  }

  /** How often the key was replaced. */
  get turns(): number {
    return this.#sealing?.turns ?? 0;
  }

  /** Counts a datagram of so many bytes; none where there are none. */
  count(length: number): number {
    if (length > 0) this.datagrams++;
    this.bytes += length;
    return length;
  }

  /** Seals what the writer has; gives the packet's length. */
  #seal(out: Uint8Array, number: number, now: number): number {
    const { recovery, small } = this.#parts;
    const sealing = this.#sealing;
    sealing.turn(number, recovery.largestAcked, now);
    writeDataHeader(out, { phase: sealing.phase, dcid: small.peer.current, number });
    return this.count(sealing.seal(out, writer.frames(), number));
  }

  /** A packet with CLOSE. */
  close(out: Uint8Array, goodbye: Goodbye, now: number): number {
    writer.begin(DATAGRAM_BYTES_MIN - DATA_OVERHEAD);
    goodbye.write(writer);
    return this.#seal(out, this.#parts.recovery.take(), now);
  }

  /** A packet that only looks at a path: a challenge, or the answer to one. */
  path(out: Uint8Array, path: PathState, paths: Paths, now: number): number {
    const { recovery } = this.#parts;
    // As large as the smallest path must carry, as far as that is allowed.
    writer.begin(Math.min(allowance(path), DATAGRAM_BYTES_MIN, out.length) - DATA_OVERHEAD);
    if (path.response !== undefined) {
      writer.pathResponse(path.response);
      path.response = undefined;
    }
    if (path.challengeDue !== undefined && now >= path.challengeDue) {
      if (writer.pathChallenge(path.challenge!)) {
        paths.challenged(path, now, Math.max(recovery.pto, CHALLENGE_MS));
      }
    }
    writer.pad();
    const length = this.#seal(out, recovery.take(), now);
    if (!path.validated) path.sent += length;
    return length;
  }

  /** The next packet for the path in use, if there is one. */
  data(out: Uint8Array, now: number): number {
    const { recovery, acks, small, streams } = this.#parts;
    if (recovery.next >= this.#skipAt) {
      recovery.skip();
      this.#chooseSkip();
    }
    const probing = recovery.probes > 0;
    if (!recovery.full) {
      // Before the data: they would never leave room for it in the window.
      const larger = probing ? undefined : this.#larger(out.length, now);
      if (larger !== undefined) return this.#tryLarger(out, larger, now);
      const size = Math.min(probing ? DATAGRAM_BYTES_MIN : this.route.mtu.size, out.length);
      const wants = probing || small.wants || streams.wants;
      if (wants && (probing || this.#mayGo(size, now))) {
        return this.#packet(out, size, now, probing);
      }
    }
    return acks.due ? this.#acknowledgement(out, now) : 0;
  }

  #mayGo(size: number, now: number): boolean {
    const { inFlight, next } = this.#parts.recovery;
    return this.route.mayGo(size, inFlight, next, now);
  }

  #packet(out: Uint8Array, size: number, now: number, probing: boolean): number {
    const { recovery, acks, small, streams } = this.#parts;
    writer.begin(size - DATA_OVERHEAD);
    const acked = acks.owed ? this.#writeAck(now) : -1;
    const { control, limit, sequence } = small.write(writer);
    if (this.#fills(size)) writer.ping();
    const fin = writer.stream(streams.sending, streams.peerLimit);
    const stream = writer.streamed;
    if (probing) {
      recovery.probes--;
      this.probes++;
      // The last of them asks for an answer at once.
      if (stream.length === 0 || recovery.probes === 0) writer.ping();
    }
    return this.#send(out, now, { control, limit, sequence, stream, fin, acked, mtuProbe: false });
  }

  /**
   * Whether a packet fills a small window, so that nothing goes out behind it until it is acknowledged: then
   * that is asked for at once. In a large window there is always another acknowledgement under way.
   */
  #fills(size: number): boolean {
    const { window } = this.route.congestion;
    return window < SMALL_WINDOW_PACKETS * size &&
      this.#parts.recovery.inFlight + 2 * size > window;
  }

  /** Sends what the writer has, and remembers it. */
  #send(out: Uint8Array, now: number, carried: Carried): number {
    const { recovery } = this.#parts;
    const number = recovery.next;
    const length = this.#seal(out, number, now);
    recovery.send({
      ...carried,
      number,
      time: now,
      bytes: length,
      path: recovery.path,
      inFlight: true,
      fate: "open",
      lostAt: 0,
      episode: 0,
      before: undefined,
      behind: undefined,
    });
    this.route.gone(length, now);
    this.unasked = 0;
    this.#parts.onAsked(now);
    return length;
  }

  /** Gives the largest number that it acknowledges. */
  #writeAck(now: number): number {
    const { acks } = this.#parts;
    writer.ack(acks.received, acks.delay(now));
    acks.sent();
    return acks.largest;
  }

  #acknowledgement(out: Uint8Array, now: number): number {
    const { recovery, acks } = this.#parts;
    writer.begin(Math.min(DATAGRAM_BYTES_MIN, out.length) - DATA_OVERHEAD);
    const acked = this.#writeAck(now);
    const isLong = acks.received.count > 1;
    if (this.unasked < PING_EVERY || !isLong || recovery.full) {
      return this.#seal(out, recovery.take(), now);
    }
    writer.ping();
    return this.#send(out, now, { ...NO_FRAMES, acked, mtuProbe: false });
  }

  /** The size of a packet that tries whether it arrives, if one is due and may go. */
  #larger(room: number, now: number): number | undefined {
    const { recovery, streams } = this.#parts;
    if (!this.triesLarger || recovery.ptos > 0) return undefined;
    // Without bytes under way nobody needs larger packets.
    if (streams.sending.sentTo < DATAGRAM_BYTES_MAX) return undefined;
    const size = this.route.mtu.probe(now);
    if (size === undefined || size > room) return undefined;
    return this.#mayGo(size, now) ? size : undefined;
  }

  #tryLarger(out: Uint8Array, size: number, now: number): number {
    writer.begin(size - DATA_OVERHEAD);
    writer.ping();
    writer.pad();
    this.route.mtu.probed(size);
    return this.#send(out, now, { ...NO_FRAMES, acked: -1, mtuProbe: true });
  }

  #chooseSkip(): void {
    const { recovery, randomNumber } = this.#parts;
    this.#skipAt = recovery.next + SKIP_MIN + randomNumber() % SKIP_SPREAD;
  }
}
