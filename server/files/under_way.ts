/**
 * The transfers under way on a server: how many there are, whose they are, and which of them make room when
 * others want to begin (docs/PROTOCOL.md, "Limits of operation").
 *
 * A transfer that stands still is left in peace for as long as there is room. When there is none, it makes
 * room: whoever stalls cannot keep others from their files, and can go on later.
 *
 * @module
 */

import { type Refusal, refuse } from "../../protocol/status.ts";
import type { ServiceSession } from "../session.ts";
import type { FileLimits } from "./file_limits.ts";

/** How long to wait before a transfer is asked for again, in ms. */
const BUSY_WAIT = 500;
/** Who moves fewer bytes than this in the time that {@linkcode FileLimits.stall} gives stands still. */
export const STALL_BYTES = 64 * 1024;

/** Transfers of the kind `A`. */
export interface UnderWay<A> {
  readonly count: number;
  /** Why another transfer cannot begin now under this number, if it cannot. */
  refusal(session: ServiceSession, id: number): Refusal | undefined;
  /** The transfer that must end for another to begin, if one must. */
  hindrance(): Owned<A> | undefined;
  get(session: ServiceSession, id: number): A | undefined;
  of(session: ServiceSession): Owned<A>[];
  /** Those of all sessions of a user. */
  ofUser(user: string): Owned<A>[];
  begin(session: ServiceSession, id: number, active: A): void;
  /** Forgets it, and gives it back if it was there. */
  end(session: ServiceSession, id: number): A | undefined;
  /** So many bytes of it have moved. */
  moved(session: ServiceSession, id: number, bytes: number): void;
  /** Looks at all of them once in a while. */
  look(now: number): void;
}

/** A transfer, whose it is, and under which number. */
export interface Owned<A> {
  readonly session: ServiceSession;
  readonly id: number;
  readonly active: A;
}

interface Entry<A> extends Owned<A> {
  /** Bytes that have moved since it was looked at. */
  moved: number;
  /** Whether it had moved by then. */
  stalled: boolean;
  lookedAt: number;
}

class Table<A> implements UnderWay<A> {
  readonly #limits: FileLimits;
  readonly #mayEnd: (active: A) => boolean;
  readonly #bySession = new Map<ServiceSession, Map<number, Entry<A>>>();
  #now = 0;
  count = 0;

  constructor(limits: FileLimits, mayEnd: (active: A) => boolean) {
    this.#limits = limits;
    this.#mayEnd = mayEnd;
  }

  refusal(session: ServiceSession, id: number): Refusal | undefined {
    const { transfersOfOne } = this.#limits;
    const own = this.#bySession.get(session);
    if (own?.has(id)) {
      return refuse("bad-field", "A transfer with the number of this command is under way.");
    }
    const busy = (transfersOfOne > 0 && (own?.size ?? 0) >= transfersOfOne) ||
      (this.#full && this.hindrance() === undefined);
    return busy ? refuse("transfer-busy", undefined, { wait: BUSY_WAIT }) : undefined;
  }

  get #full(): boolean {
    const { transfers } = this.#limits;
    return transfers > 0 && this.count >= transfers;
  }

  hindrance(): Owned<A> | undefined {
    if (!this.#full) return undefined;
    for (const entry of this.#all()) {
      if (entry.stalled && this.#mayEnd(entry.active)) return entry;
    }
    return undefined;
  }

  *#all(): Iterable<Entry<A>> {
    for (const own of this.#bySession.values()) yield* own.values();
  }

  get(session: ServiceSession, id: number): A | undefined {
    return this.#bySession.get(session)?.get(id)?.active;
  }

  of(session: ServiceSession): Owned<A>[] {
    return [...this.#bySession.get(session)?.values() ?? []];
  }

  ofUser(user: string): Owned<A>[] {
    return [...this.#all()].filter(({ session }) => session.user === user);
  }

  begin(session: ServiceSession, id: number, active: A): void {
    let own = this.#bySession.get(session);
    if (own === undefined) this.#bySession.set(session, own = new Map());
    own.set(id, { session, id, active, moved: 0, stalled: false, lookedAt: this.#now });
    this.count++;
  }

  end(session: ServiceSession, id: number): A | undefined {
    const own = this.#bySession.get(session);
    const entry = own?.get(id);
    if (own === undefined || entry === undefined) return undefined;
    own.delete(id);
    if (own.size === 0) this.#bySession.delete(session);
    this.count--;
    return entry.active;
  }

  moved(session: ServiceSession, id: number, bytes: number): void {
    const entry = this.#bySession.get(session)?.get(id);
    if (entry !== undefined) entry.moved += bytes;
  }

  look(now: number): void {
    this.#now = now;
    const { stall } = this.#limits;
    if (stall === 0) return;
    for (const entry of this.#all()) {
      if (now - entry.lookedAt < stall) continue;
      entry.stalled = entry.moved < STALL_BYTES;
      entry.moved = 0;
      entry.lookedAt = now;
    }
  }
}

/** Makes an empty table; `mayEnd` says whether a transfer can be made to end now. */
export function createUnderWay<A>(
  limits: FileLimits,
  mayEnd: (active: A) => boolean,
): UnderWay<A> {
  return new Table<A>(limits, mayEnd);
}
