/**
 * What the frames of a packet that has come do to the parts of a connection.
 *
 * @module
 */

import type { CloseName } from "./close_code.ts";
import type { Migration } from "./migration.ts";
import { type FrameHandler, type FrameSummary, readFrames } from "./packet_frame.ts";
import type { PathState } from "./paths.ts";
import type { Retransmission } from "./retransmission.ts";
import { CONTROL } from "./sent_packets.ts";
import type { SmallFrames } from "./small_frames.ts";
import type { StreamPair } from "./stream_pair.ts";

/** The parts of a connection that frames are for. */
export interface FrameParts {
  readonly streams: StreamPair;
  readonly small: SmallFrames;
  readonly sent: Retransmission;
  readonly migration: Migration;
  /** The peer has done what it must not. */
  readonly onFault: (name: CloseName) => void;
  /** The peer has closed the connection. */
  readonly onClose: (code: number, reason: string) => void;
  /** The peer knows that the handshake is through. */
  readonly onConfirmed: () => void;
}

/** Reads the packets of one connection. */
export class ReceivedFrames implements FrameHandler {
  readonly #parts: FrameParts;
  /** Where the packet came from, and when. */
  #path: PathState | undefined;
  #now = 0;
  /** Whether the data of the packet had no room. */
  noRoom = false;
  /** Whether no more frames are read: the connection is over. */
  stopped = false;
  readonly #isStopped = (): boolean => this.stopped;

  constructor(parts: FrameParts) {
    this.#parts = parts;
  }

  /** Reads the frames of a packet; see {@linkcode readFrames}. */
  read(packet: Uint8Array, length: number, path: PathState, now: number): FrameSummary {
    this.#path = path;
    this.#now = now;
    this.noRoom = false;
    return readFrames(packet, length, this, this.#isStopped);
  }

  onAck(ranges: readonly number[], delay: number): void {
    const { sent, onFault } = this.#parts;
    if (!sent.acknowledge(ranges, delay, this.#now)) onFault("impossible-ack");
  }

  onData(offset: number, packet: Uint8Array, start: number, end: number, fin: boolean): void {
    const taken = this.#parts.streams.take(offset, packet, start, end, fin);
    if (taken === "full") this.noRoom = true;
    else if (taken !== "ok") this.#parts.onFault(taken);
  }

  onMaxData(limit: number): void {
    const { streams } = this.#parts;
    streams.peerLimit = Math.max(streams.peerLimit, limit);
  }

  onDataBlocked(limit: number): void {
    const { streams, small } = this.#parts;
    // What tells the new limit may have been lost; the present one is known to the peer already.
    if (limit < streams.limit) small.add(CONTROL.maxData);
  }

  onNewCid(sequence: number, cid: number, reset: number): void {
    if (!this.#parts.small.peer.add(sequence, { cid, reset })) this.#parts.onFault("cids");
  }

  onRetireCid(sequence: number): void {
    if (!this.#parts.small.own.retire(sequence)) this.#parts.onFault("cids");
  }

  onPathChallenge(data: number): void {
    this.#path!.response = data;
  }

  onPathResponse(data: number): void {
    this.#parts.migration.answered(data, this.#now);
  }

  onClose(code: number, reason: string): void {
    this.stopped = true;
    this.#parts.onClose(code, reason);
  }

  onConfirmed(): void {
    this.#parts.onConfirmed();
  }
}
