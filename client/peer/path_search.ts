/**
 * The search for a path between two clients that does not lead through the server: sockets of our own, what they are
 * seen as, and when to punch; again with fresh sockets where that was in vain, and anew when a path was lost
 * (docs/PROTOCOL.md, "Peer to peer").
 *
 * @module
 */

import type { ReachNotice } from "../../protocol/body.ts";
import { REACH_MAX } from "../../protocol/forum/command.ts";
import type { Candidate } from "../../protocol/datagram/punch.ts";
import type { PeerHost, PeerPort } from "./peer_host.ts";

/** So often one search tries, each time with fresh sockets. */
export const SEARCH_TRIES = 3;
/** How long a try may take, from when both know of each other, in ms. */
export const TRY_MS = 2500;
/** A lost path is looked for again after so long, in ms. */
export const AGAIN_MS = 1000;
/** So many searches a link makes. */
const SEARCHES_MAX = 5;

/** What a search works with. */
export interface PathSearchOptions {
  readonly host: PeerHost;
  /** The offer's name. */
  readonly offer: string;
  /** A datagram has come from somewhere. */
  readonly receive: (path: string, datagram: Uint8Array) => void;
  /** Looks for the other side there, by the present port. */
  readonly punch: (candidates: readonly Candidate[]) => void;
  /** Whether there is such a path by now. */
  readonly found: () => boolean;
}

/** A search. */
export interface PathSearch {
  /** The sockets in use. */
  readonly port: PeerPort | undefined;
  /** Begins, once a link. */
  begin(): void;
  /** The path is lost: begins anew. */
  again(): void;
  /** Where the other side may be. */
  reach(notice: ReachNotice): void;
  /** Ends it; the sockets are closed when what is on its way has gone. */
  stop(sent?: Promise<unknown>): void;
}

class SocketSearch implements PathSearch {
  readonly #options: PathSearchOptions;
  #port: PeerPort | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #searches = 0;
  #over = false;

  constructor(options: PathSearchOptions) {
    this.#options = options;
  }

  get port(): PeerPort | undefined {
    return this.#port;
  }

  begin(): void {
    this.#tries = 0;
    this.#searches++;
    void this.#try();
  }

  again(): void {
    if (this.#over || this.#searches >= SEARCHES_MAX) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.begin(), AGAIN_MS);
  }

  async #try(): Promise<void> {
    const { host, receive, found } = this.#options;
    const { openPort, udp } = host;
    if (openPort === undefined || this.#over || found()) return;
    const number = ++this.#tries;
    this.#port?.close();
    this.#port = undefined;
    let port: PeerPort;
    try {
      port = await openPort({ receive, udp });
    } catch {
      // Without a socket all goes through the server.
      return;
    }
    // Meanwhile it may have ended, or begun anew.
    if (this.#over || number !== this.#tries || this.#port !== undefined) return port.close();
    this.#port = port;
    if (!host.online) return;
    const { own, seen } = port;
    host.ask({
      op: "reach",
      offer: this.#options.offer,
      own: own.slice(0, REACH_MAX),
      seen: seen.slice(0, REACH_MAX),
      rtt: host.rtt,
    }, { done() {}, refused() {} });
  }

  reach({ own, seen, delay }: ReachNotice): void {
    if (this.#port === undefined || this.#over) return;
    const candidates = [
      ...own.map((path) => ({ path, delay, own: true })),
      ...seen.filter((path) => !own.includes(path)).map((path) => ({ path, delay, own: false })),
    ];
    if (candidates.length > 0) this.#options.punch(candidates);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#options.found() && this.#tries < SEARCH_TRIES) void this.#try();
    }, delay + TRY_MS);
  }

  stop(sent: Promise<unknown> = Promise.resolve()): void {
    this.#over = true;
    clearTimeout(this.#timer);
    const port = this.#port;
    if (port !== undefined) void sent.then(() => port.close(), () => port.close());
  }
}

/** Makes a search. */
export function createPathSearch(options: PathSearchOptions): PathSearch {
  return new SocketSearch(options);
}
