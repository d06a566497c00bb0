/**
 * The state tables of an offer, as each of the two clients sees it, as data (docs/PROTOCOL.md, "Peer to peer"):
 * client/peer does what they say. What a state does not list changes nothing.
 *
 * A connection between the two can break and be made anew as often as need be: the transfer goes on where its
 * receiver has got to.
 *
 * @module
 */

import type { StateTable } from "../connection.ts";

/** Where an offer stands for who has made it. */
export type OffererState =
  /** The server is being told. */
  | "asking"
  /** The other side's answer is awaited: the first one, or after a break. */
  | "waiting"
  /** There is a connection, or one is being made. */
  | "linked"
  /** The server knows nothing of it any more: it is told anew after a while. */
  | "resting"
  | "over";

/** What the table is asked about. */
export type OffererInput =
  /** The server has taken it. */
  | "taken"
  /** The server has not taken it, and will not. */
  | "refused"
  /** It has not taken it now, and may later. */
  | "put-off"
  /** The other side has accepted. */
  | "go"
  /** The connection between the two is gone. */
  | "cut"
  /** The connection to the server is gone, and what went through it. */
  | "offline"
  /** It has rested long enough. */
  | "rested"
  /** The other side has kept the file. */
  | "kept"
  /** The other side has ended it, or the server. */
  | "concluded"
  /** The owner has. */
  | "cancel";

/** What is done about it. */
export type OffererAction =
  | "none"
  | "offer"
  | "connect"
  | "disconnect"
  | "rest"
  | "succeed"
  | "fail"
  | "withdraw";

/** From every state but the last. */
const OFFERER_ENDINGS = {
  concluded: ["fail", "over"],
  cancel: ["withdraw", "over"],
} as const;

/** The offerer's table. */
export const OFFERER_TABLE: StateTable<OffererState, OffererInput, OffererAction> = {
  asking: {
    ...OFFERER_ENDINGS,
    "taken": ["none", "waiting"],
    "refused": ["fail", "over"],
    "put-off": ["rest", "resting"],
    "offline": ["rest", "resting"],
  },
  waiting: {
    ...OFFERER_ENDINGS,
    go: ["connect", "linked"],
    offline: ["rest", "resting"],
  },
  linked: {
    ...OFFERER_ENDINGS,
    go: ["connect", "linked"],
    cut: ["disconnect", "waiting"],
    offline: ["rest", "resting"],
    kept: ["succeed", "over"],
  },
  resting: {
    ...OFFERER_ENDINGS,
    rested: ["offer", "asking"],
  },
  over: {},
};

/** Where an offer stands for whom it was made to. */
export type TakerState =
  /** A person decides. */
  | "offered"
  /** The server is being told. */
  | "accepting"
  /** There is a connection, or one is being made. */
  | "linked"
  /** The connection is gone: the offer is accepted anew after a while. */
  | "resting"
  /** Whoever made the offer is gone, and with them the offer: they may come back and make it anew. */
  | "forsaken"
  | "over";

/** What the table is asked about. */
export type TakerInput =
  /** It is wanted. */
  | "accept"
  /** It is not. */
  | "decline"
  /** The server has told both. */
  | "go"
  /** The server has refused it. */
  | "refused"
  /** The server has not heard it, or may take it later. */
  | "put-off"
  /** The connection between the two is gone. */
  | "cut"
  /** It has rested long enough. */
  | "rested"
  /** Whoever has made the offer is gone. */
  | "lost"
  /** The same file is offered anew. */
  | "found"
  /** That was waited for in vain. */
  | "given-up"
  /** The file is kept, and the other side knows. */
  | "kept"
  /** The other side has ended it, or the server, or the connection to the server is gone. */
  | "concluded"
  /** The owner has. */
  | "cancel";

/** What is done about it. */
export type TakerAction =
  | "accept"
  | "decline"
  | "connect"
  | "rest"
  | "await"
  | "succeed"
  | "fail"
  | "withdraw";

/** From every state in which it was accepted. */
const TAKER_ENDINGS = {
  concluded: ["fail", "over"],
  cancel: ["withdraw", "over"],
} as const;

/** The taker's table. */
export const TAKER_TABLE: StateTable<TakerState, TakerInput, TakerAction> = {
  offered: {
    accept: ["accept", "accepting"],
    decline: ["decline", "over"],
    concluded: ["fail", "over"],
  },
  accepting: {
    ...TAKER_ENDINGS,
    "go": ["connect", "linked"],
    "refused": ["fail", "over"],
    "put-off": ["rest", "resting"],
    "lost": ["await", "forsaken"],
    "found": ["accept", "accepting"],
  },
  linked: {
    ...TAKER_ENDINGS,
    go: ["connect", "linked"],
    cut: ["rest", "resting"],
    lost: ["await", "forsaken"],
    kept: ["succeed", "over"],
  },
  resting: {
    ...TAKER_ENDINGS,
    go: ["connect", "linked"],
    rested: ["accept", "accepting"],
    lost: ["await", "forsaken"],
    found: ["accept", "accepting"],
  },
  forsaken: {
    ...TAKER_ENDINGS,
    "found": ["accept", "accepting"],
    "given-up": ["fail", "over"],
  },
  over: {},
};
