/**
 * Where an offer stands for one of its two ends, by the table of that end (protocol/peer/peer_table.ts).
 *
 * @module
 */

import type { Notice, Refused } from "../../protocol/body.ts";
import type { StateTable } from "../../protocol/connection.ts";

/** The server tells that both want the file, and how they find each other. */
export type GoNotice = Extract<Notice, { kind: "go" }>;

/** What an input brings with it. */
export interface OfferFact {
  readonly refused?: Refused;
  readonly error?: unknown;
  readonly go?: GoNotice;
}

/** The steps of one end. */
export class OfferSteps<State extends string, Input extends string, Action extends string> {
  readonly #table: StateTable<State, Input, Action>;
  state: State;
  readonly #act: (action: Action, fact: OfferFact) => void;

  constructor(
    table: StateTable<State, Input, Action>,
    state: State,
    act: (action: Action, fact: OfferFact) => void,
  ) {
    this.#table = table;
    this.state = state;
    this.#act = act;
  }

  /** Whether an input would change anything. */
  knows(input: Input): boolean {
    return this.#table[this.state][input] !== undefined;
  }

  /** Does what the table says; what it does not list changes nothing. */
  take(input: Input, fact: OfferFact = {}): void {
    const row = this.#table[this.state][input];
    if (row === undefined) return;
    this.state = row[1];
    this.#act(row[0], fact);
  }
}
