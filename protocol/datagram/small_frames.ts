/**
 * Small frames that must arrive: limits, ids, CONFIRMED, PING. They wait here until a packet takes them, and come
 * back when it is lost, as far as they still say something.
 *
 * @module
 */

import { type CidIndex, OwnCids, type PeerCid, PeerCids } from "./cids.ts";
import type { PacketWriter } from "./packet_writer.ts";
import { CONTROL, type SentPacket } from "./sent_packets.ts";
import type { StreamPair } from "./stream_pair.ts";

/** What of them a packet has. */
export type SmallFramesSent = Pick<SentPacket, "control" | "limit" | "sequence">;

/** Small frames that wait. */
export class SmallFrames {
  readonly #streams: StreamPair;
  readonly #index: CidIndex;
  readonly own: OwnCids;
  /** Set by the handshake. */
  peer!: PeerCids;
  #waiting = 0;
  /** The limit of the peer at which we have said last that it holds us up. */
  #blockedAt = -1;

  constructor(streams: StreamPair, index: CidIndex, cid: number) {
    this.#streams = streams;
    this.#index = index;
    this.own = new OwnCids(index, cid);
  }

  /** The peer's first id is known. */
  begin(first: PeerCid): void {
    this.peer = new PeerCids(this.#index, first);
  }

  /** Gives all ids up. */
  release(): void {
    this.own.release();
    this.peer?.release();
  }

  /** Some frames wait, as bits of CONTROL. */
  add(control: number): void {
    this.#waiting |= control;
  }

  /** Whether any wait. */
  get wants(): boolean {
    const { isBlocked, peerLimit } = this.#streams;
    // Once for each limit.
    if (isBlocked && this.#blockedAt !== peerLimit) this.#waiting |= CONTROL.dataBlocked;
    return this.#waiting !== 0 || this.own.told.length > 0 || this.peer.retired.length > 0;
  }

  /** Writes those that wait: one limit and one id a packet; what is not said now is said in the next. */
  write(writer: PacketWriter): SmallFramesSent {
    let control = this.#waiting;
    this.#waiting = 0;
    let limit = 0;
    let sequence = 0;
    if ((control & CONTROL.confirmed) !== 0) writer.confirmed();
    if ((control & CONTROL.maxData) !== 0) {
      writer.maxData(limit = this.#streams.limit);
      this.#waiting = control & CONTROL.dataBlocked;
      control &= ~CONTROL.dataBlocked;
    } else if ((control & CONTROL.dataBlocked) !== 0) {
      writer.dataBlocked(limit = this.#blockedAt = this.#streams.peerLimit);
    }
    const retired = this.peer.retired.shift();
    const told = retired === undefined ? this.own.told.shift() : undefined;
    if (retired !== undefined) {
      writer.retireCid(sequence = retired);
      control |= CONTROL.retireCid;
    } else if (told !== undefined) {
      writer.newCid(this.own.telling(sequence = told));
      control |= CONTROL.newCid;
    }
    if ((control & CONTROL.ping) !== 0) writer.ping();
    return { control, limit, sequence };
  }

  /** A packet has arrived that had some of them. */
  arrived(control: number): void {
    this.#waiting &= ~(control & CONTROL.confirmed);
  }

  /** A packet may be lost that had some of them. */
  requeue({ control, limit, sequence }: SmallFramesSent): void {
    if (control === 0) return;
    this.#waiting |= control & CONTROL.confirmed;
    // A limit that was told since, or is no limit any more, need not be told again.
    if ((control & CONTROL.maxData) !== 0 && limit === this.#streams.limit) {
      this.#waiting |= CONTROL.maxData;
    }
    if ((control & CONTROL.dataBlocked) !== 0 && limit === this.#streams.peerLimit) {
      this.#waiting |= CONTROL.dataBlocked;
    }
    const { own, peer } = this;
    if ((control & CONTROL.newCid) !== 0 && own.get(sequence) !== undefined) {
      if (!own.told.includes(sequence)) own.told.push(sequence);
    }
    if ((control & CONTROL.retireCid) !== 0 && !peer.retired.includes(sequence)) {
      peer.retired.push(sequence);
    }
  }
}
