/**
 * How a connection changes its path (RFC 9000 §9): it follows the peer, goes where the owner wants it, and leaves
 * a path that is dead; never before the new path has answered. What is known of each path is in paths.ts.
 *
 * @module
 */

import type { Outbox } from "./outbox.ts";
import { isSameHost, Paths, type PathState } from "./paths.ts";
import type { Retransmission } from "./retransmission.ts";
import type { Route } from "./route.ts";
import { CONTROL } from "./sent_packets.ts";
import type { SmallFrames } from "./small_frames.ts";

/** After so many PTOs without a word a path is taken for dead, if there is another. */
const DEAD_PTOS = 3;

/** The parts of a connection that a change of its path concerns. */
export interface MigrationParts {
  readonly sent: Retransmission;
  readonly outbox: Outbox;
  readonly small: SmallFrames;
  /** Whether the peer may move: a server does not, so what comes from elsewhere in its name was passed on by somebody. */
  readonly peerMoves: boolean;
  /** A random number below 2⁵³. */
  readonly randomNumber: () => number;
  /** Nothing is known of a path yet. */
  readonly newRoute: () => Route;
  /** There is another path in use. */
  readonly onMoved: (path: string, before: string) => void;
}

/** The path of a connection, and others that it may change to. */
export class Migration {
  readonly #parts: MigrationParts;
  readonly paths: Paths;
  /** The path that we have left of our own accord, until the peer has followed us from it. */
  #left: PathState | undefined;
  /** How often the path has changed. */
  moves = 0;
  /** What the paths before have swallowed; see {@linkcode Mtu.blackHoles}. */
  blackHoles = 0;

  constructor(path: string, parts: MigrationParts) {
    this.#parts = parts;
    this.paths = new Paths(path, false);
  }

  /** The path that a packet has come from, unless it is not to be listened to. */
  from(name: string): PathState | undefined {
    const { paths } = this;
    return paths.find(name) ?? (this.#parts.peerMoves ? paths.add(name) : undefined);
  }

  /** The peer sends from this path now. */
  follow(path: PathState, now: number): void {
    this.paths.latest = path;
    if (path === this.paths.current) {
      this.#left = undefined;
      return;
    }
    // The peer has yet to follow, or what it sent before it did was slower.
    if (path === this.#left) return;
    if (path.validated) this.#move(path, now);
    else if (path.challenge === undefined) this.#challenge(path, now);
  }

  /** The owner wants to go there. */
  lead(name: string, now: number): void {
    const path = this.paths.find(name) ?? this.paths.add(name);
    path.wanted = true;
    this.#challenge(path, now);
  }

  /** Nothing was heard for so many PTOs: another path may be alive. */
  rescue(ptos: number, now: number): void {
    const other = ptos >= DEAD_PTOS ? this.paths.fallback : undefined;
    if (other === undefined) return;
    other.rescue = true;
    if (other.challenge === undefined) this.#challenge(other, now);
  }

  /** A challenge was answered. */
  answered(data: number, now: number): void {
    const path = this.paths.answered(data);
    if (path === undefined || path === this.paths.current) return;
    const isRescue = path.rescue && this.#parts.sent.recovery.ptos >= DEAD_PTOS;
    path.rescue = false;
    if (path.wanted || isRescue) this.#move(path, now, true);
    else if (path === this.paths.latest) this.#move(path, now);
  }

  #challenge(path: PathState, now: number): void {
    this.paths.challenge(path, this.#parts.randomNumber(), now);
  }

  #move(path: PathState, now: number, leads = false): void {
    const { small, onMoved } = this.#parts;
    const before = this.paths.current.name;
    this.#left = leads ? this.paths.current : undefined;
    this.paths.use(path);
    this.moves++;
    small.peer.turn();
    // So that the peer follows, even if there is nothing to say.
    small.add(CONTROL.ping);
    if (!isSameHost(before, path.name)) this.#beginRoute(path, now);
    onMoved(path.name, before);
  }

  /** Nothing is known of the path in use but how long its answer took. */
  #beginRoute(path: PathState, now: number): void {
    const { outbox, sent, newRoute } = this.#parts;
    this.blackHoles += outbox.route.mtu.blackHoles;
    const route = outbox.route = newRoute();
    if (path.challenges > 0) route.rtt.sample(Math.max(0, now - path.challengedAt), 0, 0);
    route.pace();
    sent.move(route);
  }
}
