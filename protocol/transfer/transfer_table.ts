/**
 * The state tables of a transfer's two ends, as data (docs/PROTOCOL.md, "Transfers"): sender.ts and
 * receiver.ts do what they say. What the peer does and a state does not list ends the transfer, not the
 * connection.
 *
 * @module
 */

import type { StateTable } from "../connection.ts";

/** Where the sender of a file stands. */
export type SenderState =
  /** Bytes are given and sent. */
  | "sending"
  /** The owner has given all; the receiver's FINISH is awaited. */
  | "finishing"
  /** It is over, one way or the other. */
  | "over";

/** What a sender's table is asked about. */
export type SenderInput = "bytes" | "end" | "credit" | "finish" | "abort" | "cancel";

/** What a sender does about it. */
export type SenderAction = "queue" | "queueFinish" | "advance" | "tell" | "tellAbort" | "sendAbort";

/** The sender's table. */
export const SENDER_TABLE: StateTable<SenderState, SenderInput, SenderAction> = {
  sending: {
    bytes: ["queue", "sending"],
    end: ["queueFinish", "finishing"],
    credit: ["advance", "sending"],
    abort: ["tellAbort", "over"],
    cancel: ["sendAbort", "over"],
  },
  finishing: {
    credit: ["advance", "finishing"],
    finish: ["tell", "over"],
    abort: ["tellAbort", "over"],
    cancel: ["sendAbort", "over"],
  },
  over: {},
};

/** Where the receiver of a file stands. */
export type ReceiverState =
  /** Bytes come in. */
  | "receiving"
  /** All has come; the owner looks whether it is what its hash says. */
  | "verifying"
  | "over";

/** What a receiver's table is asked about. */
export type ReceiverInput = "data" | "stored" | "finish" | "kept" | "abort" | "cancel";

/** What a receiver does about it. */
export type ReceiverAction = "give" | "allow" | "tell" | "sendFinish" | "tellAbort" | "sendAbort";

/** The receiver's table. */
export const RECEIVER_TABLE: StateTable<ReceiverState, ReceiverInput, ReceiverAction> = {
  receiving: {
    data: ["give", "receiving"],
    stored: ["allow", "receiving"],
    finish: ["tell", "verifying"],
    abort: ["tellAbort", "over"],
    cancel: ["sendAbort", "over"],
  },
  verifying: {
    stored: ["allow", "verifying"],
    kept: ["sendFinish", "over"],
    abort: ["tellAbort", "over"],
    cancel: ["sendAbort", "over"],
  },
  over: {},
};
