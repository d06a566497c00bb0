/**
 * Connection ids: by them a packet finds its connection, whatever address it comes from. Each side gives the
 * other some in reserve, so that a connection that moves to another path can take another one. With each goes a
 * token, which comes back in RESET if the id is not known any more, as after a restart.
 *
 * @module
 */

import { readUint32 } from "./integer.ts";
import type { Env } from "./suite.ts";

/** Ids of ours that the peer may use at a time. */
export const CIDS_ACTIVE = 4;
/** Ids of the peer's that we keep. */
export const CIDS_KEPT_MAX = 8;

/** A random number below 2⁵³. */
export function randomNumber({ random }: Env): number {
  const bytes = new Uint8Array(8);
  random(bytes);
  return number53(bytes);
}

/** The low 53 bits of eight bytes. */
export function number53(bytes: Uint8Array): number {
  return (readUint32(bytes, 0) >>> 11) * 2 ** 32 + readUint32(bytes, 4);
}

/** What keeps the index from id to connection. */
export interface CidIndex {
  /** Takes an id that no connection has. */
  claim(): number;
  release(cid: number): void;
  /** What RESET would show for an id. */
  resetToken(cid: number): number;
  /** From now on a RESET with this token may be for the connection. */
  heed(token: number): void;
  /** From now on it is not. */
  ignore(token: number): void;
}

/** The ids that the peer uses for us. */
export class OwnCids {
  readonly #index: CidIndex;
  readonly #active = new Map<number, number>();
  #next = 1;
  /** Sequence numbers to tell in NEW_CID. */
  readonly told: number[] = [];

  constructor(index: CidIndex, first: number) {
    this.#index = index;
    this.#active.set(0, first);
  }

  /** The id of a sequence number, while it is in use. */
  get(sequence: number): number | undefined {
    return this.#active.get(sequence);
  }

  /** What NEW_CID tells of an id that is in use. */
  telling(sequence: number): { sequence: number; cid: number; reset: number } {
    const cid = this.#active.get(sequence)!;
    return { sequence, cid, reset: this.#index.resetToken(cid) };
  }

  /** Fills the reserve up. */
  issue(): void {
    while (this.#active.size < CIDS_ACTIVE) {
      this.#active.set(this.#next, this.#index.claim());
      this.told.push(this.#next++);
    }
  }

  /** The peer gives one up; false if it never had it. */
  retire(sequence: number): boolean {
    if (sequence >= this.#next) return false;
    const cid = this.#active.get(sequence);
    if (cid === undefined) return true;
    // One that was retired before it was told need not be told.
    const told = this.told.indexOf(sequence);
    if (told >= 0) this.told.splice(told, 1);
    this.#active.delete(sequence);
    this.#index.release(cid);
    this.issue();
    return true;
  }

  /** Gives all of them up. */
  release(): void {
    for (const cid of this.#active.values()) this.#index.release(cid);
    this.#active.clear();
  }
}

/** An id of the peer's, with its token. */
export interface PeerCid {
  readonly cid: number;
  readonly reset: number;
}

/** The peer's ids that we use. */
export class PeerCids {
  readonly #index: CidIndex;
  #current: PeerCid;
  #sequence = 0;
  readonly #spare = new Map<number, PeerCid>();
  #highest = 0;
  /** Sequence numbers to tell in RETIRE_CID. */
  readonly retired: number[] = [];

  constructor(index: CidIndex, first: PeerCid) {
    this.#index = index;
    this.#current = first;
    index.heed(first.reset);
  }

  /** The one in use. */
  get current(): number {
    return this.#current.cid;
  }

  /** Takes a NEW_CID; false where it breaks the rules. */
  add(sequence: number, told: PeerCid): boolean {
    if (sequence === this.#sequence) return isSame(told, this.#current);
    const known = this.#spare.get(sequence);
    if (known !== undefined) return isSame(told, known);
    // What comes late was used and given up already.
    if (sequence < this.#sequence) return true;
    if (this.#spare.size >= CIDS_KEPT_MAX || this.retired.length >= CIDS_KEPT_MAX) return false;
    if (sequence > this.#highest + CIDS_KEPT_MAX) return false;
    this.#highest = Math.max(this.#highest, sequence);
    this.#spare.set(sequence, told);
    return true;
  }

  /** Takes the next one into use, if there is one, and gives the present one up. */
  turn(): void {
    for (const [sequence, next] of this.#spare) {
      if (sequence < this.#sequence) continue;
      this.#spare.delete(sequence);
      this.retired.push(this.#sequence);
      this.#sequence = sequence;
      // The peer may have forgotten the one before by the time that a late packet comes for it.
      this.#index.ignore(this.#current.reset);
      this.#current = next;
      this.#index.heed(next.reset);
      return;
    }
  }

  /** Gives all of them up. */
  release(): void {
    this.#index.ignore(this.#current.reset);
  }
}

function isSame(one: PeerCid, other: PeerCid): boolean {
  return one.cid === other.cid && one.reset === other.reset;
}
