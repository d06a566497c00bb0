/**
 * Finding a path between two peers behind their NATs (DATAGRAM §4): both send PUNCH to each address that the
 * other may have, at nearly the same time, and answer with PONG. The first path that answers wins; the
 * own network has a little grace.
 *
 * @module
 */

import { equalBytes } from "../scram.ts";
import { encodeAddress } from "./address.ts";
import type { OfferPeer } from "./handshake.ts";
import type { Role } from "./noise.ts";
import { ADDRESS_BYTES, encodePunch, type Mac, MAC_BYTES, type PunchPacket } from "./packet.ts";
import { concatenate, type Env, type Suite } from "./suite.ts";

/** When PUNCH goes to a candidate, in ms after its turn has begun. */
export const PUNCH_AT: readonly number[] = [0, 40, 80, 180, 280, 380, 480];
/** If nothing has answered so long after the last candidate's turn has begun, nothing will, in ms. */
export const PUNCH_MS = 1500;
/** How long an answer on the own network is waited for, once another path has answered, in ms. */
export const OWN_NETWORK_GRACE_MS = 50;
/** The most paths that are tried, those included from which the peer turns out to come. */
export const CANDIDATES_MAX = 16;
/** PONGs that are given for one offer. */
export const PONGS_MAX = 64;

/** An address that the peer may have. */
export interface Candidate {
  /** The address. */
  readonly path: string;
  /** When its turn begins, in ms after the start. */
  readonly delay: number;
  /** Whether it is in the own network. */
  readonly own: boolean;
}

/** What is looked for. */
export interface PunchOptions {
  /** Who is looked for, and by which offer. */
  readonly peer: OfferPeer;
  /** Who of the two will call. */
  readonly role: Role;
  /** Where the peer may be. */
  readonly candidates: readonly Candidate[];
}

/** A search for a path. */
export interface Punch {
  /** What has come of it so far. */
  readonly state: "punching" | "reached" | "failed" | "stopped";
  /** Ends it: from now on the peer's PUNCH is not answered either. */
  stop(): void;
}

/** What came of a search. */
export type PunchTransition =
  | {
    readonly kind: "reached";
    readonly punch: Punch;
    readonly offer: Uint8Array;
    readonly path: string;
    readonly own: boolean;
    /** As the peer sees us: 18 bytes, for decodeAddress. */
    readonly seen: Uint8Array;
  }
  | { readonly kind: "unreached"; readonly punch: Punch; readonly offer: Uint8Array };

interface Target {
  readonly path: string;
  readonly begin: number;
  readonly own: boolean;
  sent: number;
}

function punchMac(suite: Suite, secret: Uint8Array, role: Role): Mac {
  const key = suite.hmac(secret, concatenate(`dfp2 punch ${role}`));
  return (authenticated) => suite.hmac(key, authenticated);
}

/** A search, as the endpoint sees it. */
export class PunchMachine implements Punch {
  readonly #offer: Uint8Array;
  readonly #own: Mac;
  readonly #theirs: Mac;
  readonly #nonce = new Uint8Array(8);
  readonly #targets: Target[];
  readonly #until: number;
  #winner: { readonly path: string; readonly own: boolean; readonly seen: Uint8Array } | undefined;
  #decideAt: number | undefined;
  #pongs = 0;
  readonly #answers: { readonly path: string; readonly packet: Uint8Array }[] = [];
  state: Punch["state"] = "punching";

  constructor(env: Env, { peer, role, candidates }: PunchOptions, now: number) {
    if (candidates.length > CANDIDATES_MAX) {
      throw new RangeError(
        `${candidates.length} candidates are too many: ${CANDIDATES_MAX} at most`,
      );
    }
    this.#offer = peer.offer;
    this.#own = punchMac(env.suite, peer.secret, role);
    this.#theirs = punchMac(
      env.suite,
      peer.secret,
      role === "initiator" ? "responder" : "initiator",
    );
    env.random(this.#nonce);
    this.#targets = candidates.map(({ path, delay, own }) => ({
      path,
      own,
      begin: now + delay,
      sent: 0,
    }));
    const last = this.#targets.reduce((last, { begin }) => Math.max(last, begin), now);
    this.#until = last + PUNCH_MS;
  }

  get offer(): Uint8Array {
    return this.#offer;
  }

  stop(): void {
    this.state = "stopped";
    this.#answers.length = 0;
  }

  /** A PUNCH or PONG with the name of this offer. */
  receive(path: string, packet: PunchPacket, now: number): void {
    if (this.state === "stopped") return;
    const mac = this.#theirs(packet.authenticated).subarray(0, MAC_BYTES);
    // Our own, thrown back at us, bears the code of our own role.
    if (!equalBytes(mac, packet.mac)) return;
    if (packet.type === "punch") this.#answer(path, packet, now);
    else if (equalBytes(packet.nonce, this.#nonce)) this.#take(path, packet, now);
  }

  #answer(path: string, { nonce }: PunchPacket, now: number): void {
    if (this.#pongs >= PONGS_MAX) return;
    this.#pongs++;
    const seen = encodeAddress(path);
    const about = { type: "pong", offer: this.#offer, nonce: nonce.slice(), seen } as const;
    this.#answers.push({ path, packet: encodePunch(about, this.#own) });
    if (this.state !== "punching" || this.#targets.length >= CANDIDATES_MAX) return;
    // The peer comes from where nobody has thought of: its NAT has chosen so.
    if (this.#targets.some((target) => target.path === path)) return;
    this.#targets.push({ path, begin: now, own: false, sent: 0 });
  }

  #take(path: string, { seen }: PunchPacket, now: number): void {
    if (this.state !== "punching") return;
    const own = this.#targets.some((target) => target.path === path && target.own);
    if (this.#winner === undefined || (own && !this.#winner.own)) {
      this.#winner = { path, own, seen: seen.slice() };
    }
    const hope = this.#targets.some((target) => target.own);
    const grace = this.#winner.own || !hope ? 0 : OWN_NETWORK_GRACE_MS;
    this.#decideAt = Math.min(this.#decideAt ?? Infinity, now + grace);
  }

  /** The next datagram to send. */
  transmit(now: number): { readonly path: string; readonly packet: Uint8Array } | undefined {
    const answer = this.#answers.shift();
    if (answer !== undefined || this.state !== "punching") return answer;
    const target = this.#targets.find((target) => now >= dueOf(target));
    if (target === undefined) return undefined;
    target.sent++;
    const seen = new Uint8Array(ADDRESS_BYTES);
    const about = { type: "punch", offer: this.#offer, nonce: this.#nonce, seen } as const;
    return { path: target.path, packet: encodePunch(about, this.#own) };
  }

  /** When something is to be sent or decided. */
  timeout(): number | undefined {
    if (this.state !== "punching") return undefined;
    let due = Math.min(this.#until, this.#decideAt ?? Infinity);
    for (const target of this.#targets) due = Math.min(due, dueOf(target));
    return due;
  }

  /** What has come of it by now. */
  handleTimeout(now: number): PunchTransition | undefined {
    if (this.state !== "punching") return undefined;
    const about = { punch: this, offer: this.#offer };
    if (this.#winner !== undefined && now >= this.#decideAt!) {
      this.state = "reached";
      return { kind: "reached", ...about, ...this.#winner };
    }
    if (now < this.#until) return undefined;
    this.state = "failed";
    return { kind: "unreached", ...about };
  }
}

/** When the next PUNCH goes to a target. */
function dueOf({ begin, sent }: Target): number {
  return sent < PUNCH_AT.length ? begin + PUNCH_AT[sent] : Infinity;
}
