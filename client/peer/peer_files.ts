/**
 * The files that go straight between this client and those of other users: those that it offers, and those that it is
 * offered (docs/PROTOCOL.md, "Peer to peer").
 *
 * @module
 */

import type { Notice, OfferNotice, Refused } from "../../protocol/body.ts";
import { createKeyPair, type KeyPair } from "../../protocol/datagram/suite.ts";
import { encodeBase64 } from "../../protocol/base64.ts";
import { equalBytes } from "../../protocol/scram.ts";
import { STATUS } from "../../protocol/status.ts";
import { type FileSource, sourceOf } from "../files/file_source.ts";
import { hashOf } from "../files/hash_of.ts";
import { ForumError } from "../forum_error.ts";
import { Offering, type PeerSent } from "./offering.ts";
import type { PeerForum, PeerHost, PeerOptions, Via } from "./peer_host.ts";
import type { PeerLink } from "./peer_link.ts";
import { type PeerIncoming, type TakeOptions, Taking } from "./taking.ts";

/** A file that somebody offers. */
export interface PeerOffer extends Omit<OfferNotice, "kind"> {
  /** Whether it was accepted before and cut off. */
  readonly again: boolean;
}

/** What is sent to another user. */
export interface SendOptions {
  /** The other user's name, in any case. */
  readonly user: string;
  /** What the file is called there. */
  readonly name: string;
  /** The bytes. They are read twice: at first for their hash, and once more from wherever the other side has got to. */
  readonly content: FileSource | Blob;
  /** Its media type. */
  readonly type?: string;
  /** SHA-256 of all bytes, where it is known: then they are read once. */
  readonly sha256?: string;
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** Told, each time it has got further, how many bytes the other side has stored. */
  readonly onProgress?: (bytes: number) => void;
  /** Told how it travels, when it begins and when that changes. */
  readonly onVia?: (via: Via) => void;
  /** Told when it waits for the other side: for an answer, or after a break. */
  readonly onWaiting?: () => void;
}

/**
 * Files straight between users.
 *
 * @example
 * ```ts ignore
 * import { connectForum, dialTcp, nodeEnv, peerPorts } from "@dfp/dfp/client";
 *
 * const hostname = "127.0.0.1";
 * const forum = await connectForum({
 *   dial: dialTcp({ hostname, port: 5000 }),
 *   user: "Yoda",
 *   password: "do or do not",
 *   peers: { env: nodeEnv, openPort: peerPorts(hostname) },
 * });
 * const content = new Blob(["Do or do not. There is no try."]);
 * const { via } = await forum.peers!.send({ user: "Obi-Wan", name: "try.txt", content });
 * for await (const what of forum.events()) {
 *   if (what.type !== "offer") continue;
 *   const file = await forum.peers!.accept(what.offer.offer);
 *   await file.stream.pipeTo((await Deno.open("taken", { write: true, create: true })).writable);
 *   await file.keep();
 * }
 * ```
 */
export interface PeerFiles {
  /** What is offered to us and not answered, oldest first. */
  readonly offers: readonly PeerOffer[];
  /**
   * Offers a file to a user, and sends it if they want it; goes on by itself after a break on either side. Resolves
   * when they have stored it and found its hash right.
   *
   * @throws ForumError if it is refused, declined or cancelled there; whatever the content throws; the signal's reason.
   */
  send(options: SendOptions): Promise<PeerSent>;
  /**
   * Takes an offer, by its name. The stream goes on by itself after a break on either side.
   *
   * @throws ForumError if it is over; the signal's reason.
   */
  accept(offer: string, options?: TakeOptions): Promise<PeerIncoming>;
  /** Declines an offer, by its name; one that is over already is let be. */
  decline(offer: string): void;
}

/** What is told of offers to us. */
export interface PeerEvents {
  /** Somebody offers a file. */
  offered(offer: PeerOffer): void;
  /** A user's client has another key than those under which the user was met before. */
  strange(user: string, key: Uint8Array): void;
  /** An offer that was not answered is over. */
  ended(offer: PeerOffer, refused: Refused): void;
}

/** So many files that were cut off are remembered. */
const CUT_OFF_MAX = 100;

/** The files between clients, as the forum client sees them. */
export class Peers implements PeerFiles {
  readonly #forum: PeerForum;
  readonly #events: PeerEvents;
  readonly #options: PeerOptions;
  readonly #host: PeerHost;
  readonly #keys: KeyPair;
  readonly #offerings = new Set<Offering>();
  readonly #byOffer = new Map<string, Offering>();
  readonly #takings = new Map<string, Taking>();
  readonly #cutOff = new Set<string>();
  #udp: readonly number[] = [];
  #rtt = 0;

  constructor(forum: PeerForum, options: PeerOptions, events: PeerEvents) {
    this.#forum = forum;
    this.#options = options;
    this.#events = events;
    this.#keys = options.keys ?? createKeyPair(options.env);
    // deno-lint-ignore no-this-alias -- the host's getters look at what changes here
    const peers = this;
    this.#host = {
      env: options.env,
      keys: this.#keys,
      openPort: options.openPort,
      get udp() {
        return peers.#udp;
      },
      get rtt() {
        return peers.#rtt;
      },
      get user() {
        return forum.user;
      },
      get online() {
        return forum.online;
      },
      get relayBlocked() {
        return forum.relayBlocked;
      },
      proved: (user, key) => void this.#proved(user, key),
      ask: (command, answer) => forum.ask(command, answer),
      relay: (channel, datagram) => forum.relay(channel, datagram),
    };
  }

  async #proved(user: string, key: Uint8Array): Promise<void> {
    const { knownPeers } = this.#options;
    if (knownPeers === undefined) return;
    try {
      const known = await knownPeers.find(user);
      if (known.some((one) => equalBytes(one, key))) return;
      if (known.length > 0) this.#events.strange(user, key);
      await knownPeers.remember(user, key);
    } catch {
      // The file goes on: what cannot be remembered is new again the next time.
    }
  }

  get offers(): readonly PeerOffer[] {
    return [...this.#takings.values()]
      .filter(({ state }) => state === "offered")
      .map(({ notice }) => this.#offerOf(notice));
  }

  #offerOf({ kind: _, ...offer }: OfferNotice): PeerOffer {
    return { ...offer, again: this.#cutOff.has(sameFile(offer)) };
  }

  async send(options: SendOptions): Promise<PeerSent> {
    const { user, name, type, signal } = options;
    const source = sourceOf(options.content);
    const { onProgress = () => {}, onVia = () => {}, onWaiting = () => {} } = options;
    try {
      const sha256 = options.sha256 ?? await hashOf(source, signal);
      signal?.throwIfAborted();
      const offering = new Offering(
        this.#host,
        { user, name, type, source, sha256, onProgress, onVia, onWaiting },
        (offer, before) => {
          if (before !== undefined) this.#byOffer.delete(before);
          if (offer !== undefined) this.#byOffer.set(offer, offering);
        },
      );
      const aborted = () => offering.cancel(signal!.reason);
      signal?.addEventListener("abort", aborted);
      this.#offerings.add(offering);
      try {
        offering.start();
        return await offering.done;
      } finally {
        this.#offerings.delete(offering);
        signal?.removeEventListener("abort", aborted);
      }
    } finally {
      source.close?.();
    }
  }

  accept(offer: string, options: TakeOptions = {}): Promise<PeerIncoming> {
    const taking = this.#takings.get(offer);
    if (taking?.state === "offered") return taking.accept(options);
    const { code, text } = STATUS["no-offer"];
    return Promise.reject(new ForumError({ code, name: "no-offer", text }));
  }

  decline(offer: string): void {
    this.#takings.get(offer)?.decline();
  }

  // What the forum client tells.

  /** There is a connection to the server, and somebody is signed in on it. */
  online(): void {
    const began = performance.now();
    this.#forum.ask({
      op: "announce",
      publicKey: encodeBase64(this.#keys.public),
      offers: this.#options.offers ?? true,
    }, {
      done: ({ udp }) => {
        this.#rtt = Math.min(60_000, Math.round(performance.now() - began));
        this.#udp = udp;
        for (const offering of this.#offerings) offering.online();
      },
      // An older server has nobody to put in touch.
      refused() {},
    });
  }

  /** It is gone. */
  offline(): void {
    for (const offering of this.#offerings) offering.offline();
    for (const taking of this.#takings.values()) taking.offline();
  }

  /** The session is over. */
  closed(refused: Refused): void {
    for (const offering of this.#offerings) offering.closed(refused);
    for (const taking of this.#takings.values()) taking.closed(refused);
  }

  /** Takes a notice, if it is about offers. */
  heard(notice: Notice): boolean {
    switch (notice.kind) {
      case "offer":
        this.#offered(notice);
        return true;
      case "go":
      case "reach":
      case "concluded":
        this.#byOffer.get(notice.offer)?.heard(notice);
        this.#takings.get(notice.offer)?.heard(notice);
        return true;
      default:
        return false;
    }
  }

  #offered(notice: OfferNotice): void {
    const known = this.#takings.get(notice.offer);
    if (known !== undefined) return known.heard(notice);
    const file = sameFile(notice);
    for (const taking of this.#takings.values()) {
      if (!taking.mayBeFound || sameFile(taking.notice) !== file) continue;
      this.#takings.delete(taking.notice.offer);
      this.#takings.set(notice.offer, taking);
      return taking.found(notice);
    }
    const taking = new Taking(this.#host, notice, (taking, refused) => {
      this.#takings.delete(taking.notice.offer);
      if (taking.accepted && refused?.code === STATUS.lost.code) this.#remember(file);
      else this.#cutOff.delete(file);
      if (!taking.accepted && refused !== undefined) {
        this.#events.ended(this.#offerOf(notice), refused);
      }
    });
    this.#takings.set(notice.offer, taking);
    this.#events.offered(this.#offerOf(notice));
  }

  #remember(file: string): void {
    this.#cutOff.add(file);
    const [oldest] = this.#cutOff;
    if (this.#cutOff.size > CUT_OFF_MAX) this.#cutOff.delete(oldest);
  }

  /** A datagram has come through the server. */
  relayed(channel: number, datagram: Uint8Array): void {
    for (const link of this.#links()) {
      if (link.channel === channel) return link.relayed(datagram);
    }
  }

  /** What is relayed has room again. */
  drained(): void {
    for (const link of this.#links()) link.wake();
  }

  *#links(): Iterable<PeerLink> {
    for (const { link } of this.#offerings) if (link !== undefined) yield link;
    for (const { link } of this.#takings.values()) if (link !== undefined) yield link;
  }
}

/** What tells a file that was cut off from others. */
function sameFile({ by, name, size, sha256 }: Omit<OfferNotice, "kind">): string {
  return JSON.stringify([by, size, sha256, name]);
}
