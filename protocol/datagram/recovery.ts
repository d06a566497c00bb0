/**
 * What was lost, and when to ask (RFC 9002 §6; DATAGRAM §3).
 *
 * A packet is lost when enough later ones were acknowledged, or one later and enough time has passed. Both
 * thresholds grow when what was taken for lost turns out to have been late. Where nothing is heard at all, a
 * probe goes out after the PTO, and the wait doubles.
 *
 * {@linkcode Recovery.due} is the one expression of when something is to be done: the timer is set by it, and
 * the same expression decides when the timer fires. Two that differ by a rounding would spin.
 *
 * @module
 */

import type { Rtt } from "./rtt.ts";
import { createSentPackets, type SentPacket } from "./sent_packets.ts";

/** A packet is lost when one that was sent so many later is acknowledged, at first. */
export const PACKET_THRESHOLD = 3;
/** And at most, after packets that were only late. */
export const PACKET_THRESHOLD_MAX = 512;
/** A packet before an acknowledged one is lost after so many round trips, at first and at most. */
export const TIME_THRESHOLD = 9 / 8;
export const TIME_THRESHOLD_MAX = 2;
/** So many PTOs between two lost packets, with none acknowledged between, are persistent congestion. */
export const PERSISTENT_PTOS = 3;
/** The wait for a probe doubles up to this, in ms: then there are still some tries before all is given up. */
export const PROBE_WAIT_MAX = 5000;
/** Probes that go out at once. */
export const PROBES = 2;
/** So many PTOs after its loss a packet is forgotten; one that arrives later is not called late any more. */
const FORGET_PTOS = 3;
/** Numbers left out, to find out whether the peer acknowledges what it never saw: how many are remembered. */
const SKIPPED_MAX = 8;

/** Takes what becomes of packets. */
export interface RecoveryHandler {
  onAcked(packet: SentPacket): void;
  onLost(packet: SentPacket): void;
  /** What was lost has arrived after all. `undo`: so has everything that was lost together with it. */
  onLate(packet: SentPacket, undo: boolean): void;
}

/** What an acknowledgement has brought. */
export interface AckOutcome {
  /** It acknowledges what was never sent: the peer lies. */
  readonly impossible: boolean;
  /** Bytes in flight on this path that it acknowledges, and of those the ones sent after the last trouble. */
  readonly bytes: number;
  /** The send time of the latest packet that it newly acknowledges. */
  readonly sentAt: number;
  /** The highest number that it newly acknowledges, or −1. */
  readonly largest: number;
  /** Whether it gave a sample of the round trip. */
  readonly sampled: boolean;
}

/** What has become due. */
export interface LossOutcome {
  /** The send time of the last packet that was lost on this path, or −1. */
  readonly lostAt: number;
  /** Whether nothing has come through for long. */
  readonly persistent: boolean;
}

const IMPOSSIBLE: AckOutcome = {
  impossible: true,
  bytes: 0,
  sentAt: -1,
  largest: -1,
  sampled: false,
};
const NO_LOSS: LossOutcome = { lostAt: -1, persistent: false };

/** The recovery of one connection. */
export class Recovery {
  readonly #handler: RecoveryHandler;
  readonly #sent = createSentPackets();
  #rtt: Rtt;
  #path = 0;
  #delayMax = 0;
  #next = 0;
  readonly #skipped: number[] = [];
  #largestAcked = -1;
  /** When the first packet before an acknowledged one is to be called lost. */
  #lossAt: number | undefined;
  #lastSent = 0;
  #probedAt = 0;
  #ptos = 0;
  #sampledAt: number | undefined;
  #packetThreshold = PACKET_THRESHOLD;
  #timeThreshold = TIME_THRESHOLD;
  #episode = 0;
  #episodeLost = 0;
  #episodeLate = 0;
  #inFlight = 0;
  #lost = 0;
  #late = 0;
  probes = 0;

  constructor(rtt: Rtt, handler: RecoveryHandler) {
    this.#rtt = rtt;
    this.#handler = handler;
  }

  /** Bytes under way on this path. */
  get inFlight(): number {
    return this.#inFlight;
  }
  /** Whether anything waits for its acknowledgement. */
  get waiting(): boolean {
    return this.#sent.oldest !== undefined;
  }
  /** The oldest packet whose fate is open. */
  get oldest(): SentPacket | undefined {
    return this.#sent.oldest;
  }
  /** The number of the next packet. */
  get next(): number {
    return this.#next;
  }
  /** Whether no more packets can be remembered. */
  get full(): boolean {
    return this.#sent.full;
  }
  /** Packets called lost so far, and those of them that were only late. */
  get lost(): number {
    return this.#lost;
  }
  get late(): number {
    return this.#late;
  }
  /** How often the peer was asked in vain. */
  get ptos(): number {
    return this.#ptos;
  }
  /** Which path packets take now. */
  get path(): number {
    return this.#path;
  }
  get packetThreshold(): number {
    return this.#packetThreshold;
  }
  get largestAcked(): number {
    return this.#largestAcked;
  }

  /** The longest that the peer says to hold acknowledgements back, in ms. */
  set delayMax(delay: number) {
    this.#delayMax = delay;
  }

  /** The time after which a probe goes out, in ms, without doubling. */
  get pto(): number {
    return this.#rtt.base + this.#delayMax;
  }

  /** Takes the next number for a packet that is not remembered. */
  take(): number {
    const number = this.#next++;
    this.#sent.pass(this.#next);
    return number;
  }

  /** Leaves a number out. */
  skip(): void {
    this.#skipped.push(this.take());
    if (this.#skipped.length > SKIPPED_MAX) this.#skipped.shift();
  }

  /** A packet with the next number goes out and is remembered. */
  send(packet: SentPacket): void {
    this.#next = packet.number + 1;
    this.#sent.add(packet);
    if (packet.inFlight) this.#inFlight += packet.bytes;
    this.#lastSent = packet.time;
  }

  /** What comes from here on takes another path, whose round trip is not known. */
  move(rtt: Rtt): void {
    this.#path++;
    this.#rtt = rtt;
    this.#inFlight = 0;
    this.#ptos = 0;
    for (let packet = this.#sent.oldest; packet !== undefined; packet = packet.behind) {
      packet.inFlight = false;
    }
  }

  /** When to call {@linkcode Recovery.handleTimeout}. */
  due(): number | undefined {
    if (this.#lossAt !== undefined) return this.#lossAt;
    if (this.#sent.oldest === undefined) return undefined;
    // From the last packet, or from the last time that it was due: a timer that fired late fires once.
    const from = Math.max(this.#lastSent, this.#probedAt);
    const { pto } = this;
    return from + Math.min(pto * 2 ** this.#ptos, Math.max(pto, PROBE_WAIT_MAX));
  }

  /** Takes an ACK: pairs of first number and end, highest first. */
  acknowledge(ranges: readonly number[], delay: number, now: number): AckOutcome {
    if (ranges[1] > this.#next || this.#coversSkipped(ranges)) return IMPOSSIBLE;
    let largest: SentPacket | undefined;
    let bytes = 0;
    let sentAt = -1;
    for (let at = 0; at < ranges.length; at += 2) {
      const end = ranges[at + 1];
      for (let number = Math.max(ranges[at], this.#sent.base); number < end; number++) {
        const packet = this.#sent.get(number);
        if (packet === undefined) continue;
        if (packet.fate === "lost") {
          this.#arrivedLate(packet, now);
          continue;
        }
        if (packet.inFlight) {
          bytes += packet.bytes;
          this.#inFlight -= packet.bytes;
        }
        this.#sent.settle(packet, "acked");
        if (packet.time > sentAt) sentAt = packet.time;
        if (largest === undefined || packet.number > largest.number) largest = packet;
        this.#handler.onAcked(packet);
      }
    }
    let sampled = false;
    if (largest !== undefined) {
      // Only the largest one gives a sample: others may have waited at the peer for it.
      if (largest.number === ranges[1] - 1 && largest.path === this.#path) {
        this.#rtt.sample(Math.max(0, now - largest.time), delay, this.#delayMax);
        this.#sampledAt ??= now;
        sampled = true;
      }
      this.#ptos = 0;
      this.probes = 0;
    }
    if (ranges[1] - 1 > this.#largestAcked) this.#largestAcked = ranges[1] - 1;
    return { impossible: false, bytes, sentAt, largest: largest?.number ?? -1, sampled };
  }

  #coversSkipped(ranges: readonly number[]): boolean {
    for (const number of this.#skipped) {
      for (let at = 0; at < ranges.length; at += 2) {
        if (number >= ranges[at] && number < ranges[at + 1]) return true;
      }
    }
    return false;
  }

  #arrivedLate(packet: SentPacket, now: number): void {
    this.#late++;
    const distance = this.#largestAcked - packet.number + 1;
    this.#packetThreshold = Math.min(
      PACKET_THRESHOLD_MAX,
      Math.max(this.#packetThreshold, distance),
    );
    const trips = (now - packet.time) / Math.max(this.#rtt.smoothed, this.#rtt.latest);
    this.#timeThreshold = Math.min(TIME_THRESHOLD_MAX, Math.max(this.#timeThreshold, trips));
    let undo = false;
    if (packet.episode === this.#episode && packet.episode > 0) {
      this.#episodeLate++;
      undo = this.#episodeLate === this.#episodeLost;
    }
    this.#sent.settle(packet, "acked");
    this.#handler.onLate(packet, undo);
  }

  /** Begins another trouble: what is lost from now on belongs to it. */
  beginEpisode(): void {
    this.#episode++;
    this.#episodeLost = this.#episodeLate = 0;
  }

  /**
   * Calls lost what is lost by now. `trouble` is asked whether a loss at a send time begins another trouble,
   * before the packet is counted.
   */
  detect(now: number, trouble: (sentAt: number) => boolean): LossOutcome {
    this.#lossAt = undefined;
    this.#sent.expire(now - FORGET_PTOS * this.pto);
    let outcome = NO_LOSS;
    let runFrom: SentPacket | undefined;
    let runTo: SentPacket | undefined;
    const patience = this.#patience();
    for (let packet = this.#sent.oldest; packet !== undefined;) {
      if (packet.number >= this.#largestAcked) break;
      const far = this.#largestAcked - packet.number >= this.#packetThreshold;
      const deadline = packet.time + patience;
      if (!far && now < deadline) {
        this.#lossAt = deadline;
        break;
      }
      const { behind } = packet;
      const counts = packet.inFlight && !packet.mtuProbe;
      if (counts && trouble(packet.time)) this.beginEpisode();
      this.#lose(packet, now, counts);
      if (counts) {
        if (runTo === undefined || packet.number !== runTo.number + 1) runFrom = packet;
        runTo = packet;
        const persistent = outcome.persistent || this.#isPersistent(runFrom!, runTo);
        outcome = { lostAt: packet.time, persistent };
      }
      packet = behind;
    }
    return outcome;
  }

  #patience(): number {
    const { latest, smoothed } = this.#rtt;
    return Math.max(this.#timeThreshold * Math.max(latest, smoothed), 1);
  }

  /** Packets of an age before the first sample say nothing: the PTO was a guess then. */
  #isPersistent(from: SentPacket, to: SentPacket): boolean {
    return this.#sampledAt !== undefined && from.time > this.#sampledAt &&
      to.time - from.time > PERSISTENT_PTOS * this.pto;
  }

  #lose(packet: SentPacket, now: number, counts: boolean): void {
    if (packet.inFlight) this.#inFlight -= packet.bytes;
    packet.inFlight = false;
    packet.lostAt = now;
    packet.episode = counts ? this.#episode : 0;
    if (counts) this.#episodeLost++;
    this.#lost++;
    this.#sent.settle(packet, "lost");
    this.#handler.onLost(packet);
  }

  /** Whether the time of {@linkcode Recovery.due} has come, and it was for a probe: then they are owed. */
  handleTimeout(now: number): "loss" | "probe" | undefined {
    const due = this.due();
    if (due === undefined || now < due) return undefined;
    if (this.#lossAt !== undefined) return "loss";
    this.#ptos++;
    this.#probedAt = now;
    this.probes = PROBES;
    return "probe";
  }
}
