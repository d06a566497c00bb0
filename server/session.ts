/**
 * A session on the server: one connection, who is signed in on it, what it follows, and the work it
 * has asked for. A listener moves bytes between a socket and this; the service does the work.
 *
 * Replies wait in the connection; events do not: they stay in the feeds, and a run of them is taken
 * only when there is room to write it. So a reader that stops costs no memory but its place (DESIGN §11,
 * law 8), and what it misses is read from the log when it drains.
 *
 * @module
 */

import type { Notice } from "../protocol/body.ts";
import { type Handover, TRANSMIT_HIGH_WATER } from "../protocol/link.ts";
import type { ChannelBinding } from "../protocol/scram.ts";
import type { ServerConnection, ServerTransition } from "../protocol/server_connection.ts";
import type { TextConnection, TextTransition } from "../protocol/text_mode/text_connection.ts";
import type { Transfers } from "../protocol/transfer/transfers.ts";
import type { Verifier } from "../protocol/verifier.ts";
import type { AdminProof } from "./admin.ts";
import type { Feed, Subscriber } from "./feed.ts";
import type { Hub } from "./hub.ts";
import type { Job } from "./job.ts";
import type { PeerSession } from "./peers.ts";
import type { Present } from "./presence.ts";

/** What a listener sees of a session. */
export interface Session {
  /** Whether the socket should be read. */
  readonly wantsRead: boolean;
  /** Whether all is over and the socket is to be closed. */
  readonly over: boolean;
  /** Memory to read the next bytes of the client into; see {@linkcode ServerConnection.readInto}. */
  readInto(): Uint8Array | undefined;
  /** Takes bytes of the client in; the array is not kept. Only while `wantsRead`. */
  receive(chunk: Uint8Array, now: number): void;
  /** The client sends no more. */
  receiveEnd(now: number): void;
  /** The socket broke in both directions. */
  receiveBreak(now: number): void;
  /** The next bytes to write; empty if there are none. */
  peekTransmit(): Uint8Array;
  /** So many of the peeked bytes were written. */
  consumeTransmit(count: number): void;
  /** Lets time pass; the service does it for all sessions. */
  handleTimeout(now: number): void;
  /** When to call `handleTimeout`, or `undefined` if nothing waits for time. */
  timeout(): number | undefined;
}

/** What the service is told of either kind of connection. */
export type SessionTransition =
  | Exclude<ServerTransition, { readonly kind: "handed-over" }>
  | TextTransition;

/** What the service sees of it. */
export interface ServiceSession extends Session, Subscriber, Present, PeerSession {
  /** The kind changes once, when the first line shows that a person is there. */
  readonly connection: ServerConnection | TextConnection;
  /** What carries its files; nothing in text mode. */
  readonly transfers: Transfers | undefined;
  /** Where the client is, as an address; lock-outs count by it. */
  readonly source: string;
  /** Whether somebody on the way could read along, where that is known: no secret is taken there. */
  readonly exposed: boolean | undefined;
  /** The channel that proofs of passwords must be bound to, if there is one. */
  readonly binding: ChannelBinding | undefined;
  /** The higher, the later it was opened. */
  readonly order: number;
  /** The time of its last input, in ms. */
  readonly now: number;
  /** Commands that have no reply yet. */
  underWay: number;
  /** The folded name; `""` until somebody has signed in. */
  user: string;
  /** Whether presence counts it. */
  present: boolean;
  watching: boolean;
  /** The hash of the token that signs in again. */
  token: string;
  /** What the password is being proved against. */
  verifier: Verifier | undefined;
  /** A proof of the admin password under way. */
  proof: AdminProof | undefined;
  /** Work that waits for the next unit. */
  readonly jobs: Job[];
  /** Whether replies have to be written before more work is done for it. */
  readonly stalled: boolean;
  readonly followed: number;
  follow(feed: Feed, next: number): void;
  unfollow(scope: string): void;
  unfollowAll(): void;
}

/** What a session tells the service. */
export interface SessionEvents {
  readonly hub: Hub;
  /** Something happened on the connection. */
  transition(session: ServiceSession, transition: SessionTransition): void;
  /** Makes the connection in text mode that goes on with a stream. */
  goOn(session: ServiceSession, stream: Handover): TextConnection;
  /** Runs something soon, after what others have to do. */
  later(run: () => void): void;
  /** There is work again, or room for the replies to it. */
  ready(session: ServiceSession): void;
  /** The reader is too slow: it has to be caught up from the log, or misses a notice. */
  slow(how: "behind" | "notices"): void;
}

interface Following {
  readonly feed: Feed;
  /** The entry that the client gets next. */
  next: number;
  /** Whether it has kept up with the feed so far. */
  live: boolean;
}

/** So many runs of events of which nothing is said are taken before others have their turn. */
const SILENT_RUNS_MAX = 16;

/** Shared by all sessions that follow nothing, and never written to. */
const NOTHING_FOLLOWED = new Map<string, Following>();

class OpenSession implements ServiceSession {
  connection: ServerConnection | TextConnection;
  readonly source: string;
  readonly exposed: boolean | undefined;
  readonly binding: ChannelBinding | undefined;
  readonly order: number;
  readonly jobs: Job[] = [];
  readonly #events: SessionEvents;
  readonly #wake: () => void;
  /** By scope. */
  #follows: Map<string, Following> = NOTHING_FOLLOWED;
  user = "";
  present = false;
  watching = false;
  token = "";
  verifier: Verifier | undefined;
  proof: AdminProof | undefined;
  over = false;
  underWay = 0;
  now: number;

  constructor(options: SessionOptions) {
    const { connection, source, exposed, binding, order, now, events, wake } = options;
    this.connection = connection;
    this.source = source;
    this.exposed = exposed;
    this.binding = binding;
    this.order = order;
    this.now = now;
    this.#events = events;
    this.#wake = wake;
  }

  get transfers(): Transfers | undefined {
    return this.connection.mode === "frames" ? this.connection.transfers : undefined;
  }
  get wantsRead(): boolean {
    return this.connection.wantsRead;
  }
  get stalled(): boolean {
    return this.connection.pendingTransmit >= TRANSMIT_HIGH_WATER;
  }
  get followed(): number {
    return this.#follows.size;
  }

  readInto(): Uint8Array | undefined {
    return this.connection.mode === "frames" ? this.connection.readInto() : undefined;
  }
  receive(chunk: Uint8Array, now: number): void {
    this.now = now;
    this.connection.receive(chunk, now);
    this.#drain();
  }
  receiveEnd(now: number): void {
    this.connection.receiveEnd(now);
    this.#drain();
  }
  receiveBreak(now: number): void {
    this.connection.receiveBreak(now);
    this.#drain();
  }
  handleTimeout(now: number): void {
    this.connection.handleTimeout(now);
    this.#drain();
  }
  timeout(): number | undefined {
    return this.connection.timeout();
  }

  /** Hands on what happened. */
  #drain(): void {
    this.#handOn();
    this.#wake();
  }

  #handOn(): void {
    for (let what = this.connection.next(); what !== undefined; what = this.connection.next()) {
      if (what.kind === "handed-over") {
        this.connection = this.#events.goOn(this, what.stream);
        continue;
      }
      if (what.kind === "closed") this.over = true;
      this.#events.transition(this, what);
    }
  }

  peekTransmit(): Uint8Array {
    if (this.#follows.size > 0 && !this.stalled) this.#takeRuns();
    return this.connection.peekTransmit();
  }

  /** Queues one run of events that there is something to write of. */
  #takeRuns(): void {
    if (this.connection.mode === "frames") return void this.#takeRun();
    // In text mode not all that happens is said, and some of it leads to questions.
    for (let taken = 0; this.#takeRun() && this.connection.pendingTransmit === 0;) {
      if (++taken < SILENT_RUNS_MAX) continue;
      this.#events.later(this.#wake);
      break;
    }
    this.#handOn();
  }

  consumeTransmit(count: number): void {
    this.connection.consumeTransmit(count);
    // Room to write may be what held messages, an ending or work back.
    this.#drain();
    if (this.jobs.length > 0 && !this.stalled) this.#events.ready(this);
  }

  /** Queues one run of events, of the first followed scope that has any; false if none has. */
  #takeRun(): boolean {
    for (const [scope, following] of this.#follows) {
      const { feed, next } = following;
      if (next >= feed.next) {
        if (feed.closed) this.unfollow(scope);
        continue;
      }
      const run = this.#events.hub.take(feed, next);
      if (run === undefined) {
        // The thread is gone from the log as well: its removal was told in the directory.
        this.unfollow(scope);
        continue;
      }
      if (run.stored && following.live) this.#events.slow("behind");
      following.live = !run.stored;
      this.connection.sendEvents(run.frames);
      following.next = run.next;
      // Last in turn, so that a busy scope does not starve the others.
      this.#follows.delete(scope);
      this.#follows.set(scope, following);
      return true;
    }
    return false;
  }

  follow(feed: Feed, next: number): void {
    if (this.#follows === NOTHING_FOLLOWED) this.#follows = new Map();
    this.#follows.set(feed.scope, { feed, next, live: next >= feed.next });
  }

  unfollow(scope: string): void {
    const following = this.#follows.get(scope);
    if (following === undefined) return;
    this.#follows.delete(scope);
    this.#events.hub.leave(following.feed, this);
  }

  unfollowAll(): void {
    for (const scope of [...this.#follows.keys()]) this.unfollow(scope);
  }

  wake(): void {
    // The answer to one command can bring the next one, before there is anything to write.
    if (this.connection.mode === "text") this.#handOn();
    this.#wake();
  }

  tell(notice: Notice): void {
    this.connection.send({ kind: "notice", id: 0, body: notice });
    this.#wake();
  }

  relay(channel: number, datagram: Uint8Array): boolean {
    if (this.connection.mode !== "frames") return false;
    const goes = this.connection.relays.push(channel, datagram);
    if (goes) this.#wake();
    return goes;
  }

  notify(notice: Notice): void {
    // What passes is not worth a reader's memory: one that stalls misses it.
    if (this.stalled) return this.#events.slow("notices");
    this.tell(notice);
  }
}

/** What a session is made with. */
export interface SessionOptions {
  readonly connection: ServerConnection;
  readonly source: string;
  readonly exposed: boolean | undefined;
  readonly binding: ChannelBinding | undefined;
  /** The higher, the later it was opened. */
  readonly order: number;
  /** Now, in ms. */
  readonly now: number;
  readonly events: SessionEvents;
  /** Called when there may be something to write, or all is over. */
  readonly wake: () => void;
}

/** Makes a session. */
export function createSession(options: SessionOptions): ServiceSession {
  return new OpenSession(options);
}
