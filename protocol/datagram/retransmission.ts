/**
 * What becomes of what packets carried (RFC 9000 §13.3): what has arrived is done with, what was lost goes out again.
 * Window, pace and the size of datagrams learn from both.
 *
 * @module
 */

import type { Acknowledgement } from "./acknowledgement.ts";
import { Recovery, type RecoveryHandler } from "./recovery.ts";
import type { Route } from "./route.ts";
import type { SentPacket } from "./sent_packets.ts";
import type { SmallFrames } from "./small_frames.ts";
import type { StreamPair } from "./stream_pair.ts";

/** Late packets are told apart from repeated ones as far back as this. */
const LATE_PACKETS = 512;

/** The parts of a connection whose words packets carry. */
export interface RetransmissionParts {
  readonly acks: Acknowledgement;
  readonly streams: StreamPair;
  readonly small: SmallFrames;
  /** The path in use. */
  readonly route: () => Route;
}

/** What was sent on one connection. */
export class Retransmission implements RecoveryHandler {
  readonly #parts: RetransmissionParts;
  readonly recovery: Recovery;

  constructor(parts: RetransmissionParts, { rtt }: Route) {
    this.#parts = parts;
    this.recovery = new Recovery(rtt, this);
  }

  /** Takes an ACK; false if it acknowledges what was never sent. */
  acknowledge(ranges: readonly number[], delay: number, now: number): boolean {
    const before = this.recovery.inFlight;
    const outcome = this.recovery.acknowledge(ranges, delay, now);
    if (outcome.impossible) return false;
    this.detect(now);
    if (outcome.largest < 0) return true;
    const { bytes, sentAt, largest, sampled } = outcome;
    const { next } = this.recovery;
    this.#parts.route().onAck({ now, bytes, sentAt, largest, next }, sampled, before);
    return true;
  }

  /** Looks for what is lost by now. */
  detect(now: number): void {
    const route = this.#parts.route();
    const { congestion } = route;
    const { lostAt, persistent } = this.recovery.detect(now, (sentAt) => {
      if (!congestion.isNews(sentAt)) return false;
      congestion.onTrouble(now);
      return true;
    });
    if (persistent) congestion.onPersistent();
    if (lostAt >= 0) route.pace();
  }

  /** Nothing was heard: the oldest that is under way goes out again, whatever the window says. */
  probe(): void {
    const { oldest } = this.recovery;
    this.#requeue(oldest);
    this.#requeue(oldest?.behind);
  }

  /** What comes from here on takes another path, and the oldest that is under way goes there again. */
  move({ rtt }: Route): void {
    this.recovery.move(rtt);
    this.#requeue(this.recovery.oldest);
  }

  onAcked(packet: SentPacket): void {
    const { bytes, mtuProbe, time, path } = packet;
    this.#arrived(packet);
    if (path !== this.recovery.path) return;
    const route = this.#parts.route();
    route.mtu.onArrived(bytes, mtuProbe, time);
    if (mtuProbe) route.resize();
  }

  #arrived({ acked, stream, fin, control }: SentPacket): void {
    const { acks, streams, small } = this.#parts;
    if (acked >= LATE_PACKETS) acks.forgetBelow(acked - LATE_PACKETS);
    for (let at = 0; at < stream.length; at += 2) {
      const isLast = fin && at + 2 === stream.length;
      streams.sending.acknowledge(stream[at], stream[at + 1], isLast);
    }
    small.arrived(control);
  }

  onLost(packet: SentPacket): void {
    const { bytes, mtuProbe, time, path, lostAt } = packet;
    if (path === this.recovery.path) {
      const route = this.#parts.route();
      if (!mtuProbe) route.congestion.onLost(bytes);
      if (route.mtu.onLost(bytes, mtuProbe, time, lostAt)) route.resize();
    }
    this.#requeue(packet);
  }

  onLate(packet: SentPacket, undo: boolean): void {
    this.onAcked(packet);
    if (!undo) return;
    const route = this.#parts.route();
    route.congestion.undo();
    route.pace();
  }

  /** What a packet carried is to be sent again. */
  #requeue(packet: SentPacket | undefined): void {
    if (packet === undefined) return;
    const { streams, small } = this.#parts;
    const { stream, fin } = packet;
    for (let at = 0; at < stream.length; at += 2) {
      streams.sending.lose(stream[at], stream[at + 1], fin && at + 2 === stream.length);
    }
    small.requeue(packet);
  }
}
