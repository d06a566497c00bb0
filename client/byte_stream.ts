/**
 * What a client needs of a transport: a reliable, ordered stream of bytes. The files in connect/ make
 * them from TCP and the others; an embedder can bring its own.
 *
 * @module
 */

import type { ChannelBinding } from "../protocol/scram.ts";

/** An open stream. */
export interface ByteStream {
  /** Reads some bytes into the array; `null` is the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Closes it; what is pending fails. Closing twice does nothing. */
  close(): void;
  /** What the sign-in over this stream is bound to, if there is something. */
  readonly binding?: ChannelBinding;
}

/**
 * Opens a stream to the server; rejects when it cannot be reached. Where the signal is given and aborted,
 * nobody waits any more: what has been begun should be closed. A stream that is opened all the same is. After an
 * error whose `forGood` is true it is not tried again.
 */
export type Dial = (signal?: AbortSignal) => Promise<ByteStream>;
