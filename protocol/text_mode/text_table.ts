/**
 * The state table of text mode, as data (docs/PROTOCOL.md, "Text mode"): text_connection.ts does what it
 * says. What a state does not list cannot happen in it.
 *
 * @module
 */

import type { StateTable } from "../connection.ts";

/** Where a connection in text mode stands. */
export type TextState =
  /** The first line is awaited, or is there. */
  | "opening"
  /** A user name is awaited. */
  | "naming"
  /** The outside looks up a verifier. */
  | "verifying"
  /** The password of an account is awaited. */
  | "password"
  /** The password of a new account is awaited. */
  | "choosing"
  /** The same password is awaited once more. */
  | "repeating"
  /** The outside salts the password. */
  | "salting"
  /** The outside decides whether to let the user in. */
  | "granting"
  /** Somebody is signed in. */
  | "ready"
  /** A command needs a password. */
  | "asking"
  /** The last line was said or the peer has ended: the rest is written. */
  | "closing"
  | "closed";

/** What the table is asked about. */
export type TextInput =
  | "line"
  | "bad-line"
  | "blank"
  | "foreign"
  | "open-line"
  | "name"
  | "bad-name"
  | "help"
  | "other-verb"
  | "leave"
  | "password"
  | "bad-password"
  | "other-password"
  | "barred-password"
  | "verifier"
  | "nobody"
  | "right-password"
  | "wrong-password"
  | "new-password"
  | "salted"
  | "grant"
  | "deny"
  | "command"
  | "salting"
  | "question"
  | "end"
  | "fault"
  | "late"
  | "idle"
  | "close"
  | "finished";

/** What the connection does about an input, before it tells what happened. */
export type TextAction =
  | "none"
  | "greet"
  | "prompt"
  | "help"
  | "askVerifier"
  | "askPassword"
  | "askNewPassword"
  | "askAgain"
  | "askSalting"
  | "askGrant"
  | "askDenial"
  | "askRegistration"
  | "grant"
  | "deny"
  | "refuse"
  | "run"
  | "command"
  | "question"
  | "resume"
  | "bye"
  | "part"
  | "finish";

/** From every state in which the peer is still heard. */
const ENDINGS = {
  end: ["part", "closing"],
  fault: ["bye", "closing"],
  late: ["bye", "closing"],
  close: ["bye", "closing"],
} as const;

/** Where a line is awaited that is a password. */
const SECRET = {
  ...ENDINGS,
  "blank": ["none", "password"],
  "bad-line": ["refuse", "password"],
} as const;

/** The table: `[what to do, next state]` for each input of each state. */
export const TEXT_TABLE: StateTable<TextState, TextInput, TextAction> = {
  opening: {
    ...ENDINGS,
    "foreign": ["bye", "closing"],
    "open-line": ["bye", "closing"],
    "line": ["greet", "naming"],
  },
  naming: {
    ...ENDINGS,
    "blank": ["prompt", "naming"],
    "bad-line": ["refuse", "naming"],
    "name": ["askVerifier", "verifying"],
    "bad-name": ["refuse", "naming"],
    "help": ["help", "naming"],
    "other-verb": ["refuse", "naming"],
    "leave": ["bye", "closing"],
  },
  verifying: {
    ...ENDINGS,
    verifier: ["askPassword", "password"],
    nobody: ["askNewPassword", "choosing"],
  },
  password: {
    ...SECRET,
    "password": ["askSalting", "salting"],
    "bad-password": ["refuse", "naming"],
    "barred-password": ["refuse", "naming"],
  },
  choosing: {
    ...SECRET,
    "blank": ["none", "choosing"],
    "bad-line": ["refuse", "choosing"],
    "password": ["askAgain", "repeating"],
    "bad-password": ["refuse", "choosing"],
  },
  repeating: {
    ...SECRET,
    "blank": ["none", "repeating"],
    "bad-line": ["refuse", "repeating"],
    "password": ["askSalting", "salting"],
    "other-password": ["refuse", "naming"],
    "barred-password": ["refuse", "naming"],
  },
  salting: {
    ...ENDINGS,
    "right-password": ["askGrant", "granting"],
    "wrong-password": ["askDenial", "granting"],
    "new-password": ["askRegistration", "granting"],
    "deny": ["deny", "naming"],
  },
  granting: {
    ...ENDINGS,
    grant: ["grant", "ready"],
    deny: ["deny", "naming"],
  },
  ready: {
    ...ENDINGS,
    "idle": ["bye", "closing"],
    "blank": ["none", "ready"],
    "bad-line": ["refuse", "ready"],
    "line": ["run", "ready"],
    "command": ["command", "ready"],
    "salting": ["askSalting", "ready"],
    "salted": ["resume", "ready"],
    "deny": ["resume", "ready"],
    "question": ["question", "asking"],
    "leave": ["bye", "closing"],
  },
  asking: {
    ...ENDINGS,
    "idle": ["bye", "closing"],
    "blank": ["resume", "ready"],
    "bad-line": ["refuse", "asking"],
    "password": ["resume", "ready"],
    "command": ["command", "asking"],
  },
  closing: { finished: ["finish", "closed"] },
  closed: {},
};
