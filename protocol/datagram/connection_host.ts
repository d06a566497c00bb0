/**
 * What a connection and its endpoint want of each other.
 *
 * @module
 */

import type { Congestion } from "./congestion.ts";
import type { ConnectionTransition } from "./connection.ts";
import type { Window } from "./flow.ts";
import type { Handshaken, Initiator } from "./handshake.ts";
import type { RekeyLimits } from "./packet_keys.ts";
import type { Suite } from "./suite.ts";

/** What a connection needs of its endpoint. */
export interface ConnectionHost<C> {
  readonly suite: Suite;
  readonly now: number;
  readonly window: Window;
  /** How many bytes are taken to be sent before they can be. */
  readonly unsent: number;
  readonly rekey: RekeyLimits;
  readonly idle: number;
  /** Silence after which the peer is asked for a sign of life, in ms; 0 is never. */
  readonly keepAlive: number;
  /** The largest datagram that is sent. */
  readonly datagram: number;
  createCongestion(packet: number): Congestion;
  /** Takes a connection id that no connection has. */
  claim(connection: C): number;
  release(cid: number): void;
  /** What RESET would show for an id of ours. */
  resetToken(cid: number): number;
  /** A RESET with this token is for this connection; or not any more. */
  heed(token: number, connection: C): void;
  ignore(token: number, connection: C): void;
  /** A random number below 2⁵³. */
  randomNumber(): number;
  /** Something may be due, or to be sent. */
  wake(connection: C): void;
  tell(transition: ConnectionTransition): void;
  /** It is closed. */
  remove(connection: C): void;
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
