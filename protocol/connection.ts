/**
 * What a server's and a client's connection have in common, seen from outside (DESIGN §4).
 *
 * Four families of methods, used in this order:
 *
 * 1. **inputs**: `receive`, `receiveEnd`, `receiveBreak`, `handleTimeout`: bytes and time. They only queue.
 * 2. **outputs**: `next()` until it gives `undefined`: what happened, one transition at a time. Each
 *    stands alone: it can be handled without looking at the connection again.
 * 3. **commands**: `send`, `close` and the answers that a transition asked for. They act at once.
 * 4. **then** write what `peekTransmit()` gives and tell `consumeTransmit` how much of it was written,
 *    read more only while `wantsRead`, and call `handleTimeout` at the time that `timeout()` names.
 *
 * Times are milliseconds of any clock that the caller likes, as long as it is one clock; it is clamped
 * so that it never goes back. A timeout that comes early does nothing.
 *
 * @module
 */

import type { StatusName } from "./status.ts";

/** What every transition says: where the connection was, where it is, and by what. */
export interface Step<State extends string, Input extends string> {
  /** The state before. */
  readonly from: State;
  /** The state after. */
  readonly to: State;
  /** The input of the state table that caused it. */
  readonly cause: Input;
}

/** Why a connection ended or is about to. */
export interface Ending {
  /** What a peer is told in BYE; whether another link may help is in its `retry`. */
  readonly status: StatusName;
  /** A sentence for people. */
  readonly text: string;
  /** After a fault of the peer: the offset in its stream of what could not be read. */
  readonly offset?: number;
}

/** A row of a state table: what to do, and the state after it. */
export type Row<Action extends string, State extends string> = readonly [Action, State];

/** A state table: what each state makes of each input. What is not in it does not belong there. */
export type StateTable<State extends string, Input extends string, Action extends string> = {
  readonly [S in State]: { readonly [I in Input]?: Row<Action, State> };
};

/** The common face of both connections. */
export interface Connection<Transition, State extends string> {
  /** Where the connection stands. */
  readonly state: State;
  /** Whether more bytes may be given to `receive`; while false the caller does not read. */
  readonly wantsRead: boolean;
  /** How many bytes wait to be written. */
  readonly pendingTransmit: number;

  /**
   * Takes bytes in; the array is not kept.
   *
   * @throws Error if `wantsRead` is false.
   */
  receive(chunk: Uint8Array, now: number): void;
  /** The peer sends no more. */
  receiveEnd(now: number): void;
  /** The stream broke in both directions. */
  receiveBreak(now: number): void;
  /** Lets time pass; call it at {@linkcode Connection.timeout}. */
  handleTimeout(now: number): void;
  /** When to call `handleTimeout`, or `undefined` if nothing waits for time. */
  timeout(): number | undefined;

  /** What happened next, or `undefined` if nothing more has. */
  next(): Transition | undefined;

  /** The next bytes to write; empty if none wait. They stay valid until consumed. */
  peekTransmit(): Uint8Array;
  /** So many of the peeked bytes were written. */
  consumeTransmit(count: number): void;

  /** Ends the connection: BYE with this status, then the rest is seen through. */
  close(status: StatusName, now: number): void;
}
