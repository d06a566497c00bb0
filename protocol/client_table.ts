/**
 * The state table of the client's end of a connection, as data (docs/PROTOCOL.md, "The session"): the
 * specification's tables are drawn from it, and client_connection.ts does what it says. What a state does
 * not list is a fault of the peer.
 *
 * @module
 */

import type { StateTable } from "./connection.ts";

/** Where a client's connection stands. */
export type ClientState =
  /** The banner is awaited. */
  | "opening"
  /** WELCOME is awaited. */
  | "greeting"
  /** Nobody is signed in and nothing is under way. */
  | "unsigned"
  /** CHALLENGE is awaited. */
  | "challenging"
  /** The outside salts the password. */
  | "hashing"
  /** GRANTED is awaited, with the server's own proof. */
  | "proving"
  /** GRANTED is awaited. */
  | "granting"
  | "ready"
  | "closing"
  | "closed";

/** What the table is asked about. */
export type ClientInput =
  | "banner"
  | "stranger"
  | "welcome"
  | "welcome-login"
  | "welcome-grant"
  | "other-version"
  | "login"
  | "ask"
  | "challenge"
  | "bad-challenge"
  | "salted"
  | "granted"
  | "proved"
  | "impostor"
  | "denied"
  | "done"
  | "refused"
  | "event"
  | "notice"
  | "transfer"
  | "relay"
  | "bye"
  | "end"
  | "fault"
  | "silent"
  | "late"
  | "close"
  | "finished";

/** What the connection does about an input, before it tells what happened. */
export type ClientAction =
  | "none"
  | "welcome"
  | "askPassword"
  | "sendProof"
  | "granted"
  | "denied"
  | "done"
  | "refused"
  | "event"
  | "notice"
  | "transfer"
  | "relay"
  | "part"
  | "answerBye"
  | "bye"
  | "finish";

/** From every state in which the server is still heard. */
const ENDINGS = {
  bye: ["answerBye", "closing"],
  end: ["part", "closing"],
  fault: ["bye", "closing"],
  silent: ["bye", "closing"],
  close: ["bye", "closing"],
} as const;

/** The table: `[what to do, next state]` for each input of each state; the rest is a fault of the server. */
export const CLIENT_TABLE: StateTable<ClientState, ClientInput, ClientAction> = {
  opening: {
    ...ENDINGS,
    banner: ["none", "greeting"],
    stranger: ["bye", "closing"],
    late: ["bye", "closing"],
  },
  greeting: {
    ...ENDINGS,
    "welcome": ["welcome", "unsigned"],
    "welcome-login": ["welcome", "challenging"],
    "welcome-grant": ["welcome", "granting"],
    "other-version": ["bye", "closing"],
    "late": ["bye", "closing"],
  },
  // Where commands were sent right behind a `resume` that is refused, so are they, even if signing in
  // has begun again by then.
  unsigned: {
    ...ENDINGS,
    refused: ["refused", "unsigned"],
    login: ["none", "challenging"],
    ask: ["none", "granting"],
  },
  challenging: {
    ...ENDINGS,
    "challenge": ["askPassword", "hashing"],
    "bad-challenge": ["bye", "closing"],
    "denied": ["denied", "unsigned"],
    "refused": ["refused", "challenging"],
  },
  hashing: { ...ENDINGS, salted: ["sendProof", "proving"] },
  proving: {
    ...ENDINGS,
    proved: ["granted", "ready"],
    impostor: ["bye", "closing"],
    denied: ["denied", "unsigned"],
  },
  granting: {
    ...ENDINGS,
    granted: ["granted", "ready"],
    denied: ["denied", "unsigned"],
    refused: ["refused", "granting"],
  },
  ready: {
    ...ENDINGS,
    done: ["done", "ready"],
    refused: ["refused", "ready"],
    event: ["event", "ready"],
    notice: ["notice", "ready"],
    transfer: ["transfer", "ready"],
    relay: ["relay", "ready"],
  },
  closing: { finished: ["finish", "closed"] },
  closed: {},
};
