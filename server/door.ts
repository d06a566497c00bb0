/**
 * The door: how many may connect, how many may stand there without signing in, and how often somebody
 * may try to sign in, in all and from one address (docs/PROTOCOL.md, "Limits of operation").
 *
 * @module
 */

import { createTokenBucket, type TokenBucket } from "../protocol/rate.ts";
import { type Refusal, refuse, type StatusName } from "../protocol/status.ts";
import { isLoopback, networkOf } from "./address.ts";
import {
  CONNECTIONS_PER_ADDRESS,
  type OperationLimits,
  SIGN_INS_PER_ADDRESS,
  UNSIGNED_GRACE,
} from "./limits.ts";
import { createRates, type Rates } from "./rates.ts";

/** Somebody who connects. */
export interface Guest {
  /** The address. */
  readonly source: string;
}

/** Why somebody does not come in. */
export type RefusedAtDoor = Extract<
  StatusName,
  "too-many-connections" | "too-many-from-address" | "too-many-unsigned"
>;

/** Who comes in. */
export interface Door<G extends Guest> {
  /** Lets a guest in, or says why not. */
  enter(guest: G, now: number): RefusedAtDoor | undefined;
  /** A guest who came in has signed in. */
  signedIn(guest: G): void;
  /** A guest who came in has left. */
  leave(guest: G): void;
  /** Whether somebody at this address may try to sign in now; if so, it counts. */
  signIn(source: string, now: number): Refusal | undefined;
  /** Forgets what does not matter any more. */
  tidy(now: number): void;
}

class CountingDoor<G extends Guest> implements Door<G> {
  readonly #limits: OperationLimits;
  readonly #evict: (guest: G) => void;
  readonly #networks = new Map<string, number>();
  /** Who has not signed in, and since when; the oldest first. */
  readonly #unsigned = new Map<G, number>();
  readonly #signIns: TokenBucket;
  readonly #signInsByNetwork: Rates;
  #inside = 0;

  constructor(limits: OperationLimits, evict: (guest: G) => void) {
    this.#limits = limits;
    this.#evict = evict;
    this.#signIns = createTokenBucket(limits.signIns, 0);
    this.#signInsByNetwork = createRates(limits.signInsPerAddress ?? SIGN_INS_PER_ADDRESS);
  }

  enter(guest: G, now: number): RefusedAtDoor | undefined {
    const { connections, connectionsPerAddress } = this.#limits;
    const { source } = guest;
    if (connections > 0 && this.#inside >= connections) return "too-many-connections";
    const network = networkOf(source);
    const here = this.#networks.get(network) ?? 0;
    const most = connectionsPerAddress ?? (isLoopback(source) ? 0 : CONNECTIONS_PER_ADDRESS);
    if (most > 0 && here >= most) return "too-many-from-address";
    if (!this.#roomToSignIn(now)) return "too-many-unsigned";
    this.#networks.set(network, here + 1);
    this.#unsigned.set(guest, now);
    this.#inside++;
    return undefined;
  }

  /**
   * Whoever only holds a connection open makes room, so that they cannot shut others out; but not those
   * who may be busy with their password, so that many who come at once do not push each other out.
   */
  #roomToSignIn(now: number): boolean {
    const { unsigned } = this.#limits;
    if (unsigned === 0 || this.#unsigned.size < unsigned) return true;
    const [[oldest, since]] = this.#unsigned;
    if (now - since < UNSIGNED_GRACE) return false;
    this.#unsigned.delete(oldest);
    this.#evict(oldest);
    return true;
  }

  signedIn(guest: G): void {
    this.#unsigned.delete(guest);
  }

  leave(guest: G): void {
    this.#unsigned.delete(guest);
    const network = networkOf(guest.source);
    const here = this.#networks.get(network)!;
    if (here > 1) this.#networks.set(network, here - 1);
    else this.#networks.delete(network);
    this.#inside--;
  }

  signIn(source: string, now: number): Refusal | undefined {
    const exempt = this.#limits.signInsPerAddress === undefined && isLoopback(source);
    const network = networkOf(source);
    const own = exempt ? 0 : this.#signInsByNetwork.wait(network, now);
    // Whoever is refused for their own address takes nothing from all others.
    const wait = own > 0 ? own : this.#signIns.take(now);
    if (wait > 0) {
      const whose = own > 0 ? " from your address" : "";
      return refuse("sign-in-rate", `Too many sign-ins${whose} at the moment. ${again(wait)}`, {
        wait,
      });
    }
    if (!exempt) this.#signInsByNetwork.take(network, now);
    return undefined;
  }

  tidy(now: number): void {
    this.#signInsByNetwork.tidy(now);
  }
}

/** When to try again, as a sentence. */
export function again(wait: number): string {
  return `Try again in ${Math.ceil(wait / 1000)} s.`;
}

/**
 * Makes a door. `evict` is called with a guest who has to make room for another.
 *
 * @example
 * ```ts
 * import { createDoor } from "./door.ts";
 * import { LIMIT_DEFAULTS } from "./limits.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const door = createDoor({ ...LIMIT_DEFAULTS, connections: 1 }, () => {});
 * const ann = { source: "192.0.2.1" };
 * assertEquals(door.enter(ann, 0), undefined);
 * assertEquals(door.enter({ source: "192.0.2.2" }, 0), "too-many-connections");
 * door.leave(ann);
 * assertEquals(door.enter({ source: "192.0.2.2" }, 0), undefined);
 * ```
 */
export function createDoor<G extends Guest>(
  limits: OperationLimits,
  evict: (guest: G) => void,
): Door<G> {
  return new CountingDoor(limits, evict);
}
