/**
 * What a connection over datagrams is to its owner: one ordered stream of bytes each way, and what happens to it
 * (DATAGRAM §5). The machine behind it is datagram_connection.ts.
 *
 * @module
 */

import type { Step } from "../connection.ts";
import type { DatagramEnding } from "./close_code.ts";
import type { DatagramInput, DatagramState } from "./datagram_table.ts";

/** Figures of a connection. Times are in ms, sizes in bytes. */
export interface DatagramStats {
  /** The round trip, smoothed. */
  readonly rtt: number;
  /** The smallest round trip. */
  readonly rttMin: number;
  /** What may be under way. */
  readonly window: number;
  /** What is. */
  readonly inFlight: number;
  /** Bytes of a datagram on this path. */
  readonly mtu: number;
  /** Datagrams that went out. */
  readonly datagramsSent: number;
  /** Their bytes. */
  readonly bytesSent: number;
  /** Genuine datagrams that came. */
  readonly datagramsReceived: number;
  /** Their bytes. */
  readonly bytesReceived: number;
  /** Packets called lost. */
  readonly lost: number;
  /** Those of them that were only late. */
  readonly late: number;
  /** How often the peer was asked because nothing was heard. */
  readonly probes: number;
  /** Moves to another path. */
  readonly moves: number;
  /** Packets that were not genuine. */
  readonly forgeries: number;
  /** How often we have turned to another key. */
  readonly keysSent: number;
  /** How often the peer has. */
  readonly keysReceived: number;
  /** How often the path has become narrower. */
  readonly blackHoles: number;
  /** Memory that the streams hold. */
  readonly memory: number;
}

/** One connection. */
export interface DatagramConnection {
  /** Where it stands. */
  readonly state: DatagramState;
  /** Who has called. */
  readonly role: "initiator" | "responder";
  /** The name of the offer by which it was made, if it was. */
  readonly offer: Uint8Array | undefined;
  /** The path in use. */
  readonly path: string;
  /** What stands for the handshake: what goes over the stream can be bound to it. From `established` on. */
  readonly handshakeHash: Uint8Array | undefined;
  /** How many bytes {@linkcode DatagramConnection.write} would take now. */
  readonly writable: number;
  /** How many bytes can be read now. */
  readonly readable: number;
  /** Whether the peer has finished, and everything was read. */
  readonly ended: boolean;
  /** Whether everything that was written, and the end, has arrived. */
  readonly delivered: boolean;
  /** Takes bytes to send, as many as there is room for, and says how many. */
  write(bytes: Uint8Array): number;
  /** No more will be written. */
  finish(): void;
  /** The next bytes, at most so many: a view, valid until the next call; `undefined` while there are none. */
  read(max: number): Uint8Array | undefined;
  /** Closes at once; what has not arrived is lost. The code is 0 or from 256 on. */
  close(now: number, code?: number, reason?: string): void;
  /** Moves to another path once the peer has answered there. */
  migrate(now: number, path: string): void;
  /** Its figures now. */
  stats(): DatagramStats;
}

/** What every transition of a connection says. */
export interface Happening extends Step<DatagramState, DatagramInput | DatagramEvent> {
  /** The connection that it happened to. */
  readonly connection: DatagramConnection;
}

/** What happens without a change of state. */
export type DatagramEvent = "data" | "room" | "end" | "delivery" | "move";

/** What happened to a connection. */
export type ConnectionTransition =
  | Happening & {
    /**
     * `established`: our handshake is through, and bytes flow. `accepted`: a peer's is, and the connection is new to
     * its owner. `confirmed`: the peer knows that it is through.
     */
    readonly kind: "established" | "accepted" | "confirmed";
    readonly handshakeHash: Uint8Array;
  }
  | Happening & {
    /**
     * `readable`: bytes can be read. `writable`: there is room again. `ended`: the peer has finished, and all is
     * read. `delivered`: all that was written has arrived, and the end. `closing`: CLOSE goes out.
     */
    readonly kind: "readable" | "writable" | "ended" | "delivered" | "closing";
  }
  | Happening & {
    /** The connection takes another path. */
    readonly kind: "moved";
    readonly path: string;
    readonly before: string;
  }
  | Happening & {
    /** Exactly once, and last. */
    readonly kind: "closed";
    readonly ending: DatagramEnding;
  };
