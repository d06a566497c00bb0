/**
 * What an endpoint is made with, how much it takes on, and what is used where nothing is said.
 *
 * @module
 */

import type { Congestion } from "./congestion.ts";
import type { Window } from "./flow.ts";
import type { RekeyLimits } from "./packet_keys.ts";
import type { StrangerLimits } from "./strangers.ts";
import type { Env, KeyPair } from "./suite.ts";

/** How much an endpoint takes on; of handshakes of strangers that are not through, too. */
export interface EndpointLimits extends StrangerLimits {
  /** Connections in all. */
  readonly connections: number;
  /** From so many of them on a stranger must show a cookie. */
  readonly cookieFrom: number;
  /** Searches for a path at a time. */
  readonly punches: number;
  /** Offers that are expected. */
  readonly offers: number;
}

/** What is used where nothing else is said. */
export const ENDPOINT_LIMITS: EndpointLimits = {
  connections: 10_000,
  halfOpen: 1024,
  halfOpenPerNetwork: 128,
  cookieFrom: 32,
  punches: 64,
  offers: 1024,
};

/** Silence after which a connection is given up, in ms. */
export const IDLE_MS = 60_000;
/** What an endpoint is made with. */
export interface EndpointOptions {
  /** Cryptography and chance. */
  readonly env: Env;
  /** The time now, in ms. */
  readonly now: number;
  /** A server's static keys: with them it takes clients. */
  readonly static?: KeyPair;
  /** Whether whoever asks is told the address that they are seen under; servers do so. */
  readonly observes?: boolean;
  /** How much is taken on; ENDPOINT_LIMITS where nothing is said. */
  readonly limits?: Partial<EndpointLimits>;
  /** What counts as one network; the address without its port if nothing is said. */
  readonly networkOf?: (path: string) => string;
  /** How far a peer's stream may be ahead of its reader. */
  readonly window?: Window;
  /** How many bytes are taken to be sent before they can be; a mebibyte if nothing is said. */
  readonly unsent?: number;
  /** Silence after which a connection is given up, in ms: 1,000 to 3,600,000. */
  readonly idle?: number;
  /** Silence after which a peer is asked for a sign of life, in ms; never if nothing is said. */
  readonly keepAlive?: number;
  /** The largest datagram to send and to take: 1200 to 1472. */
  readonly datagram?: number;
  /**
   * What RESET is proved with: 32 bytes that outlive a crash, and that no other socket has; chosen by chance if
   * nothing is said, and then it works for this endpoint's time only.
   */
  readonly reset?: Uint8Array;
  /** When keys are replaced. */
  readonly rekey?: RekeyLimits;
  /** Makes the congestion control of a path; CUBIC with its mode for lossy links if nothing is said. */
  readonly congestion?: (packet: number) => Congestion;
}
