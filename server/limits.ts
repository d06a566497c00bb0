/**
 * The limits of operation: how much a server takes on at once (docs/PROTOCOL.md, "Limits of operation").
 *
 * @module
 */

import type { Rate } from "../protocol/rate.ts";

/** How much a server takes on. 0 is no limit, where nothing else is said. */
export interface OperationLimits {
  /** Connections. */
  readonly connections: number;
  /**
   * Connections from one address. If it is not given it is {@linkcode CONNECTIONS_PER_ADDRESS}, and none for
   * this machine itself, where proxies stand.
   */
  readonly connectionsPerAddress?: number;
  /** Connections on which nobody has signed in yet. */
  readonly unsigned: number;
  /** Commands of one connection without a reply, 1 at least; then it is read no further. */
  readonly commands: number;
  /** Commands of all connections without a reply. */
  readonly commandsInAll: number;
  /** Changes of one user. */
  readonly changes: Rate;
  /** Sign-ins by password, and registrations. */
  readonly signIns: Rate;
  /**
   * The same from one address. If it is not given it is {@linkcode SIGN_INS_PER_ADDRESS}, and none for this
   * machine itself.
   */
  readonly signInsPerAddress?: Rate;
  /** Tokens of one user, 1 at least; the one that was used longest ago is forgotten for a new one. */
  readonly tokens: number;
  /** Lock-outs that are kept, 1 at least; those with the fewest failures are forgotten for new ones. */
  readonly lockouts: number;
}

/** What holds where nothing is said. */
export const LIMIT_DEFAULTS: OperationLimits = {
  connections: 10_000,
  unsigned: 1000,
  commands: 256,
  commandsInAll: 65_536,
  changes: { perSecond: 50, burst: 500 },
  signIns: { perSecond: 200, burst: 1000 },
  tokens: 100,
  lockouts: 10_000,
};

/** Connections from one address, where nothing is said; not from this machine itself. */
export const CONNECTIONS_PER_ADDRESS = 100;
/** Sign-ins from one address, where nothing is said; not from this machine itself. */
export const SIGN_INS_PER_ADDRESS: Rate = { perSecond: 20, burst: 600 };
/** A connection may take so long to sign in before it has to make room for a new one, in ms. */
export const UNSIGNED_GRACE = 2000;
/** So many commands of its own a connection may have under way however busy the others are. */
export const COMMANDS_SHARE = 16;
/** Refused connections that are told why at the same time; more are closed without a word. */
export const TURNED_AWAY_MAX = 256;
