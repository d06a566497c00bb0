/**
 * The state table of the server's end of a connection, as data (docs/PROTOCOL.md, "The session"): the
 * specification's tables are drawn from it, and server_connection.ts does what it says. What a state does
 * not list is a fault of the peer.
 *
 * @module
 */

import type { StateTable } from "./connection.ts";

/** Where a server's connection stands. */
export type ServerState =
  /** The client's first line is awaited. */
  | "opening"
  /** HELLO is awaited. */
  | "greeting"
  /** Nobody is signed in. */
  | "unsigned"
  /** The outside looks up a verifier. */
  | "verifying"
  /** The client's proof is awaited. */
  | "challenged"
  /** The outside decides whether to let the user in. */
  | "granting"
  /** Somebody is signed in. */
  | "ready"
  /** The client is no program of this protocol: its stream was given to a connection in text mode. */
  | "handed-over"
  /** BYE was sent or the peer ended: the rest is written. */
  | "closing"
  | "closed";

/** What the table is asked about. */
export type ServerInput =
  | "preface"
  | "stranger"
  | "other"
  | "hello"
  | "other-version"
  | "login"
  | "bad-login"
  | "verifier"
  | "right-proof"
  | "wrong-proof"
  | "register"
  | "resume"
  | "grant"
  | "deny"
  | "command"
  | "bad-command"
  | "transfer"
  | "relay"
  | "bye"
  | "end"
  | "fault"
  | "silent"
  | "late"
  | "idle"
  | "close"
  | "finished";

/** What the connection does about an input, before it tells what happened. */
export type ServerAction =
  | "none"
  | "begin"
  | "turnAway"
  | "handOver"
  | "welcome"
  | "refuseVersion"
  | "askVerifier"
  | "denyLogin"
  | "challenge"
  | "askGrant"
  | "askDenial"
  | "grant"
  | "deny"
  | "command"
  | "refuseUnsigned"
  | "refuseBad"
  | "transfer"
  | "relay"
  | "answerBye"
  | "part"
  | "fault"
  | "bye"
  | "finish";

/** From every state in which the peer is still heard. */
const ENDINGS = {
  bye: ["answerBye", "closing"],
  end: ["part", "closing"],
  fault: ["fault", "closing"],
  silent: ["bye", "closing"],
  late: ["bye", "closing"],
  close: ["bye", "closing"],
} as const;

/** The table: `[what to do, next state]` for each input of each state; the rest is a fault of the peer. */
export const SERVER_TABLE: StateTable<ServerState, ServerInput, ServerAction> = {
  opening: {
    ...ENDINGS,
    preface: ["begin", "greeting"],
    stranger: ["turnAway", "closing"],
    late: ["turnAway", "closing"],
    other: ["handOver", "handed-over"],
  },
  greeting: {
    ...ENDINGS,
    "hello": ["welcome", "unsigned"],
    "other-version": ["refuseVersion", "closing"],
  },
  unsigned: {
    ...ENDINGS,
    "login": ["askVerifier", "verifying"],
    "bad-login": ["denyLogin", "unsigned"],
    "register": ["askGrant", "granting"],
    "resume": ["askGrant", "granting"],
    "command": ["refuseUnsigned", "unsigned"],
    "bad-command": ["refuseUnsigned", "unsigned"],
  },
  verifying: {
    ...ENDINGS,
    verifier: ["challenge", "challenged"],
    deny: ["deny", "unsigned"],
  },
  challenged: {
    ...ENDINGS,
    "right-proof": ["askGrant", "granting"],
    "wrong-proof": ["askDenial", "granting"],
    "command": ["refuseUnsigned", "challenged"],
    "bad-command": ["refuseUnsigned", "challenged"],
  },
  granting: {
    ...ENDINGS,
    grant: ["grant", "ready"],
    deny: ["deny", "unsigned"],
  },
  ready: {
    ...ENDINGS,
    "command": ["command", "ready"],
    "bad-command": ["refuseBad", "ready"],
    "transfer": ["transfer", "ready"],
    "relay": ["relay", "ready"],
    "idle": ["bye", "closing"],
  },
  "handed-over": {},
  "closing": { finished: ["finish", "closed"] },
  "closed": {},
};
