/**
 * The end of a connection: why it is over, when CLOSE goes out, and for how long it is told again to a peer who
 * has not heard it.
 *
 * @module
 */

import type { DatagramEnding } from "./close_code.ts";
import { type FrameHandler, readFrames, REASON_BYTES_MAX } from "./packet_frame.ts";
import type { PacketWriter } from "./packet_writer.ts";

const encoder = new TextEncoder();

/** Looks for CLOSE, and at nothing else. */
class CloseFinder implements FrameHandler {
  found = false;
  onAck(): void {}
  onData(): void {}
  onMaxData(): void {}
  onDataBlocked(): void {}
  onNewCid(): void {}
  onRetireCid(): void {}
  onPathChallenge(): void {}
  onPathResponse(): void {}
  onConfirmed(): void {}
  onClose(): void {
    this.found = true;
  }
}

const finder = new CloseFinder();

/** Whether there is a CLOSE among the frames of a packet. */
export function holdsClose(packet: Uint8Array, length: number): boolean {
  finder.found = false;
  readFrames(packet, length, finder, () => finder.found);
  return finder.found;
}

/** The end of a connection. */
export class Goodbye {
  #heard = 0;
  #every = 1;
  /** Why it is over. */
  ending: DatagramEnding | undefined;
  /** Whether CLOSE is to go out. */
  due = false;
  /** When nobody needs to be told any more. */
  overAt: number | undefined;

  /** Something came after the end: CLOSE is told again, ever more seldom. */
  heard(): void {
    if (++this.#heard < this.#every) return;
    this.#heard = 0;
    this.#every *= 2;
    this.due = true;
  }

  /** Writes CLOSE. */
  write(writer: PacketWriter): void {
    const { code, text } = this.ending!;
    this.due = false;
    writer.close(code, encoder.encode(text).subarray(0, REASON_BYTES_MAX));
  }
}
