/**
 * The searches for paths to peers that are under way on one endpoint, by the offers that they belong to.
 *
 * @module
 */

import { expectOffer } from "./handshake.ts";
import type { PunchPacket } from "./packet.ts";
import { type Punch, PunchMachine, type PunchOptions, type PunchTransition } from "./punch.ts";
import type { Env } from "./suite.ts";

/** The searches of an endpoint. */
export class Punches {
  readonly #env: Env;
  readonly #most: number;
  readonly #tell: (transition: PunchTransition) => void;
  readonly #punches = new Map<string, PunchMachine>();

  /** At most so many at once; what comes of them goes to `tell`. */
  constructor(env: Env, most: number, tell: (transition: PunchTransition) => void) {
    this.#env = env;
    this.#most = most;
    this.#tell = tell;
  }

  /** Looks for a path to a peer. */
  begin(options: PunchOptions, now: number): Punch {
    expectOffer(options.peer);
    for (const [key, { state }] of this.#punches) {
      if (state === "stopped" || state === "failed") this.#punches.delete(key);
    }
    if (this.#punches.size >= this.#most) {
      throw new Error(`there are ${this.#punches.size} searches already: stop one first`);
    }
    const punch = new PunchMachine(this.#env, options, now);
    this.#punches.set(options.peer.offer.toString(), punch);
    return punch;
  }

  /** Takes a PUNCH or PONG; false if it belongs to no search. */
  receive(path: string, packet: PunchPacket, now: number): boolean {
    const punch = this.#punches.get(packet.offer.toString());
    punch?.receive(path, packet, now);
    return punch !== undefined;
  }

  /** The next packet that one of them sends. */
  transmit(now: number): { readonly path: string; readonly packet: Uint8Array } | undefined {
    for (const punch of this.#punches.values()) {
      const packet = punch.transmit(now);
      if (packet !== undefined) return packet;
    }
    return undefined;
  }

  /** When the first of them has something to do. */
  timeout(): number | undefined {
    let due: number | undefined;
    for (const punch of this.#punches.values()) {
      const time = punch.timeout();
      if (time !== undefined && (due === undefined || time < due)) due = time;
    }
    return due;
  }

  /** Lets time pass. */
  handleTimeout(now: number): void {
    for (const punch of this.#punches.values()) {
      const transition = punch.handleTimeout(now);
      if (transition !== undefined) this.#tell(transition);
    }
  }
}
