/**
 * The state table of a connection over datagrams, as data (docs/PROTOCOL.md, "Datagrams"): connection.ts does
 * what it says. What a state does not list changes nothing.
 *
 * @module
 */

import type { StateTable } from "../connection.ts";

/** Where a connection stands. */
export type DatagramState =
  /** INIT goes out; RESP is awaited. */
  | "initiating"
  /** INIT goes out with a cookie; RESP is awaited. */
  | "retrying"
  /** RESP has gone out; a first genuine packet is awaited, which shows that the INIT was no replay. */
  | "half-open"
  /** Bytes may flow; whether the peer knows is not known yet. */
  | "established"
  /** Both know. */
  | "confirmed"
  /** CLOSE has gone out; it is told again to whoever does not know. */
  | "closing"
  /** The peer has closed; nothing goes out any more. */
  | "draining"
  | "closed";

/** What the table is asked about. */
export type DatagramInput =
  /** A genuine RETRY came. */
  | "retry"
  /** A genuine RESP came. */
  | "response"
  /** The first genuine packet came. */
  | "proof"
  /** CONFIRMED came. */
  | "confirmed"
  /** The owner closes. */
  | "close"
  /** The peer broke a rule. */
  | "fault"
  /** CLOSE came. */
  | "peer-close"
  /** The handshake took too long. */
  | "late"
  /** Nothing was heard for too long. */
  | "silence"
  /** RESET came: the peer does not know the connection any more. */
  | "reset"
  /** Closing or draining has lasted long enough. */
  | "finished";

/** What the connection does about it. */
export type DatagramAction =
  | "sendCookie"
  | "install"
  | "accept"
  | "confirm"
  | "sendClose"
  | "drain"
  | "end"
  | "forget"
  | "none";

/** From every state in which bytes flow. */
const ENDINGS = {
  close: ["sendClose", "closing"],
  fault: ["sendClose", "closing"],
  "peer-close": ["drain", "draining"],
  silence: ["end", "closed"],
  reset: ["end", "closed"],
} as const;

/** The table: `[what to do, next state]` for each input of each state. */
export const DATAGRAM_TABLE: StateTable<DatagramState, DatagramInput, DatagramAction> = {
  initiating: {
    retry: ["sendCookie", "retrying"],
    response: ["install", "established"],
    close: ["end", "closed"],
    late: ["end", "closed"],
  },
  retrying: {
    retry: ["sendCookie", "retrying"],
    response: ["install", "established"],
    close: ["end", "closed"],
    late: ["end", "closed"],
  },
  "half-open": {
    proof: ["accept", "confirmed"],
    close: ["forget", "closed"],
    late: ["forget", "closed"],
  },
  established: {
    confirmed: ["confirm", "confirmed"],
    ...ENDINGS,
  },
  confirmed: {
    ...ENDINGS,
  },
  closing: {
    "peer-close": ["none", "draining"],
    reset: ["end", "closed"],
    finished: ["end", "closed"],
  },
  draining: {
    finished: ["end", "closed"],
  },
  closed: {},
};
