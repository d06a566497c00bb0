/**
 * Peers: files that go straight from user to user, with this server as go-between (docs/PROTOCOL.md, "Peer to peer").
 *
 * It vouches for whose key is whose, gives both sides of an accepted offer a secret, passes on where they may be
 * reached, and relays their datagrams, which it can neither read nor change. Offers live in memory, for as long as
 * the connection that made them: who comes back offers anew. A taker that is gone can come back; until then its
 * offer is open again.
 *
 * @module
 */

import type { Notice } from "../protocol/body.ts";
import { decodeBase64, encodeBase64 } from "../protocol/base64.ts";
import type { Accept, Announce, Conclude, Offer, Reach } from "../protocol/forum/command.ts";
import { type Refusal, refuse, STATUS, type StatusName } from "../protocol/status.ts";
import { checkFileName, checkMediaType, fold } from "../protocol/text.ts";
import { startDelays } from "../protocol/peer/start_delays.ts";

/** Offers of one user that are not over. */
export const OFFERS_MADE_MAX = 32;
/** Offers to one user that are not over. */
export const OFFERS_OPEN_MAX = 64;
/** How long an offer waits for an answer, or for a taker that is gone to come back, in ms. */
export const OFFER_LIFE: number = 10 * 60_000;
/** How often the two sides of an accepted offer may look for a path. */
export const REACHES_MAX = 16;
/** Bytes of an X25519 key and of a secret. */
const KEY_BYTES = 32;
/** Bytes of an offer's name. */
const NAME_BYTES = 16;
const DEFAULT_TYPE = "application/octet-stream";
const REASON_MAX = 300;

/** A session as a go-between knows it. */
export interface PeerSession {
  /** The folded name. */
  readonly user: string;
  /** Whether it does not read what waits for it. */
  readonly stalled: boolean;
  /** Sends a notice that must not be lost. */
  tell(notice: Notice): void;
  /** Sends a datagram; false where it is dropped. */
  relay(channel: number, datagram: Uint8Array): boolean;
}

/** What was relayed since the start. */
export interface Relayed {
  /** Bytes of datagrams that were passed on. */
  readonly passed: number;
  /** Bytes of datagrams that were dropped: there was no room for them, or nobody any more to take them. */
  readonly dropped: number;
}

/** The go-between. */
export interface Peers {
  /** Offers that are not over. */
  readonly count: number;
  /** Those of them that are accepted, so that datagrams between the two sides are relayed. */
  readonly relays: number;
  readonly relayed: Relayed;
  announce(session: PeerSession, command: Announce): { readonly udp: number[] } | Refusal;
  offer(
    session: PeerSession,
    command: Offer,
  ): { readonly offer: string; readonly user: string; readonly until: number } | Refusal;
  accept(session: PeerSession, command: Accept): Refusal | undefined;
  reach(session: PeerSession, command: Reach): Refusal | undefined;
  conclude(session: PeerSession, command: Conclude): Refusal | undefined;
  /** A datagram has come. It is not kept. */
  relay(session: PeerSession, channel: number, datagram: Uint8Array): void;
  /** A session takes part no longer. */
  part(session: PeerSession): void;
  /** Ends offers that nobody has answered. */
  handleTimeouts(now: number): void;
}

/** What a go-between works with. */
export interface PeersOptions {
  readonly random: (out: Uint8Array) => void;
  /** The time of day, in ms since 1970. */
  readonly clock: () => number;
  /** A clock that never goes back, in ms. */
  readonly now: () => number;
  /** A user's name as it was registered, by its folded form. */
  readonly name: (folded: string) => string | undefined;
  /** UDP ports that tell a client its address. */
  readonly udp: readonly number[];
}

interface Announced {
  readonly publicKey: string;
  readonly offers: boolean;
  /** What is relayed on this connection, by channel. */
  readonly channels: Map<number, Offered>;
  lastChannel: number;
}

/** One of an offer's two sides. */
interface End {
  readonly session: PeerSession;
  channel: number;
  reach: Reach | undefined;
}

interface Offered {
  readonly id: string;
  /** The folded name of whom it is for. */
  readonly user: string;
  readonly notice: Extract<Notice, { kind: "offer" }>;
  readonly from: End;
  taker: End | undefined;
  /** When it is given up, in ms of the clock that never goes back; while it is taken, never. */
  endsAt: number;
  reaches: number;
}

class GoBetween implements Peers {
  readonly #options: PeersOptions;
  readonly #announced = new Map<PeerSession, Announced>();
  readonly #offers = new Map<string, Offered>();
  readonly #made = new Map<string, Set<Offered>>();
  readonly #open = new Map<string, Set<Offered>>();
  readonly relayed = { passed: 0, dropped: 0 };

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#offers.size;
  }

  get relays(): number {
    let count = 0;
    for (const { taker } of this.#offers.values()) if (taker !== undefined) count++;
    return count;
  }

  announce(session: PeerSession, { publicKey, offers }: Announce) {
    if (decodeBase64(publicKey)?.length !== KEY_BYTES) {
      return refuse("bad-field", `publicKey must be ${KEY_BYTES} bytes in base64.`, {
        field: "publicKey",
      });
    }
    const before = this.#announced.get(session);
    const { channels = new Map(), lastChannel = 0 } = before ?? {};
    this.#announced.set(session, { publicKey, offers, channels, lastChannel });
    // What was offered before is told too, also what somebody who is gone had accepted.
    if (offers && before?.offers !== true) {
      for (const offered of this.#open.get(session.user) ?? []) {
        if (offered.taker === undefined) session.tell(offered.notice);
      }
    }
    return { udp: [...this.#options.udp] };
  }

  offer(session: PeerSession, command: Offer) {
    const announced = this.#announced.get(session);
    if (announced === undefined) return refuse("not-allowed", "Begin with the command announce.");
    const name = checkFileName(command.name);
    if (typeof name !== "string") return refuse("bad-name", name.complaint);
    const type = checkMediaType(command.type ?? DEFAULT_TYPE);
    if (typeof type !== "string") return refuse("bad-text", type.complaint);
    const user = fold(command.user);
    const shown = this.#options.name(user);
    if (shown === undefined) return refuse("unknown-user");
    if (user === session.user) return refuse("bad-field", "That is yourself.", { field: "user" });
    if ((this.#made.get(session.user)?.size ?? 0) >= OFFERS_MADE_MAX) {
      return refuse("full", `You have ${OFFERS_MADE_MAX} offers open. Wait for an answer.`);
    }
    if ((this.#open.get(user)?.size ?? 0) >= OFFERS_OPEN_MAX) {
      return refuse("full", `${shown} has ${OFFERS_OPEN_MAX} offers open. Try again later.`);
    }
    const takers = this.#takers(user);
    if (takers.length === 0) return refuse("away");
    const id = this.#hex(NAME_BYTES);
    const { size, sha256 } = command;
    const until = this.#options.clock() + OFFER_LIFE;
    const by = this.#options.name(session.user) ?? session.user;
    const offered: Offered = {
      id,
      user,
      notice: { kind: "offer", offer: id, by, name, size, type, sha256, until },
      from: { session, channel: 0, reach: undefined },
      taker: undefined,
      endsAt: this.#options.now() + OFFER_LIFE,
      reaches: 0,
    };
    this.#offers.set(id, offered);
    add(this.#made, session.user, offered);
    add(this.#open, user, offered);
    for (const taker of takers) taker.tell(offered.notice);
    return { offer: id, user: shown, until };
  }

  /** Sessions of a user that take offers and read what they are sent. */
  #takers(user: string): PeerSession[] {
    return [...this.#announced]
      .filter(([session, { offers }]) => session.user === user && offers && !session.stalled)
      .map(([session]) => session);
  }

  #hex(count: number): string {
    const bytes = this.#bytes(count);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  #bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    this.#options.random(bytes);
    return bytes;
  }

  accept(session: PeerSession, { offer }: Accept): Refusal | undefined {
    const announced = this.#announced.get(session);
    if (announced === undefined) return refuse("not-allowed", "Begin with the command announce.");
    const offered = this.#offers.get(offer);
    if (offered === undefined || offered.user !== session.user) return refuse("no-offer");
    const { taker, from } = offered;
    if (taker !== undefined && taker.session !== session) {
      return refuse("no-offer", "Another of your clients has taken it.");
    }
    const isFirst = taker === undefined;
    const end: End = taker ?? { session, channel: 0, reach: undefined };
    offered.taker = end;
    offered.endsAt = Infinity;
    offered.reaches = 0;
    // Once more is anew: with another secret, and other channels, so that nothing old gets in.
    const secret = encodeBase64(this.#bytes(KEY_BYTES));
    this.#connect(offered, from, { secret, other: announced });
    this.#connect(offered, end, { secret, other: this.#announced.get(from.session)! });
    if (isFirst) {
      for (const other of this.#takers(session.user)) {
        if (other !== session) this.#tellConcluded(other, offered, "replaced");
      }
    }
    return undefined;
  }

  #connect(
    offered: Offered,
    end: End,
    { secret, other }: { secret: string; other: Announced },
  ): void {
    const announced = this.#announced.get(end.session)!;
    this.#disconnect(end);
    end.channel = ++announced.lastChannel;
    end.reach = undefined;
    announced.channels.set(end.channel, offered);
    const { channel } = end;
    const { publicKey } = other;
    end.session.tell({ kind: "go", offer: offered.id, channel, secret, publicKey });
  }

  #disconnect(end: End): void {
    this.#announced.get(end.session)?.channels.delete(end.channel);
  }

  reach(session: PeerSession, command: Reach): Refusal | undefined {
    const offered = this.#offers.get(command.offer);
    const end = offered && endOf(offered, session);
    if (offered?.taker === undefined || end === undefined) return refuse("no-offer");
    if (offered.reaches >= REACHES_MAX) return refuse("full", "There were enough tries.");
    end.reach = command;
    const { from, taker } = offered;
    if (from.reach === undefined || taker.reach === undefined) return undefined;
    const delays = startDelays(offered.reaches++, from.reach.rtt, taker.reach.rtt);
    this.#tellReach(from, taker.reach, delays[0]);
    this.#tellReach(taker, from.reach, delays[1]);
    from.reach = taker.reach = undefined;
    return undefined;
  }

  #tellReach({ session }: End, { offer, own, seen }: Reach, delay: number): void {
    session.tell({ kind: "reach", offer, own, seen, delay });
  }

  conclude(session: PeerSession, { offer, code, reason }: Conclude): Refusal | undefined {
    const offered = this.#offers.get(offer);
    if (offered === undefined) return refuse("no-offer");
    const mine = endOf(offered, session);
    // Before it is taken, any of the user's clients may decline it.
    const mayDecline = offered.taker === undefined && offered.user === session.user;
    if (mine === undefined && !mayDecline) return refuse("no-offer");
    const text = (reason ?? "").slice(0, REASON_MAX);
    this.#end(offered, session, { code, reason: text });
    return undefined;
  }

  /** Ends an offer, and tells all who know of it but one. */
  #end(
    offered: Offered,
    except: PeerSession | undefined,
    { code, reason }: { code: number; reason: string },
  ): void {
    this.#forget(offered);
    const { from, taker, id: offer, user } = offered;
    const told = new Set(taker === undefined ? this.#takers(user) : [taker.session]);
    told.add(from.session);
    if (except !== undefined) told.delete(except);
    for (const session of told) session.tell({ kind: "concluded", offer, code, reason });
  }

  #forget(offered: Offered): void {
    this.#offers.delete(offered.id);
    remove(this.#made, offered.from.session.user, offered);
    remove(this.#open, offered.user, offered);
    this.#disconnect(offered.from);
    if (offered.taker !== undefined) this.#disconnect(offered.taker);
  }

  #tellConcluded(session: PeerSession, { id }: Offered, status: StatusName): void {
    const { code, text } = STATUS[status];
    session.tell({ kind: "concluded", offer: id, code, reason: text });
  }

  relay(session: PeerSession, channel: number, datagram: Uint8Array): void {
    const offered = this.#announced.get(session)?.channels.get(channel);
    const other = offered?.from.session === session ? offered.taker : offered?.from;
    const goes = other !== undefined && other.session.relay(other.channel, datagram);
    this.relayed[goes ? "passed" : "dropped"] += datagram.length;
  }

  part(session: PeerSession): void {
    if (!this.#announced.delete(session)) return;
    for (const offered of this.#offers.values()) {
      if (offered.from.session === session) {
        this.#end(offered, session, statusOf("lost"));
      } else if (offered.taker?.session === session) this.#reopen(offered);
    }
  }

  /** Who had taken it is gone, and may come back. */
  #reopen(offered: Offered): void {
    this.#disconnect(offered.from);
    offered.taker = undefined;
    offered.from.reach = undefined;
    offered.endsAt = this.#options.now() + OFFER_LIFE;
    for (const taker of this.#takers(offered.user)) taker.tell(offered.notice);
  }

  handleTimeouts(now: number): void {
    for (const offered of this.#offers.values()) {
      if (now >= offered.endsAt) this.#end(offered, undefined, statusOf("unanswered"));
    }
  }
}

function statusOf(status: StatusName): { code: number; reason: string } {
  const { code, text } = STATUS[status];
  return { code, reason: text };
}

function endOf({ from, taker }: Offered, session: PeerSession): End | undefined {
  if (from.session === session) return from;
  return taker?.session === session ? taker : undefined;
}

function add<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

function remove<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}

/** Makes a go-between. */
export function createPeers(options: PeersOptions): Peers {
  return new GoBetween(options);
}
