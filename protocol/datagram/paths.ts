/**
 * The paths of a connection: the one that is used, and others that are looked at or were used before
 * (DATAGRAM §4, RFC 9000 §8 and §9).
 *
 * A path is a name that the adapter gives, as `192.0.2.1:5000` or `relay`. A peer is never followed to a path
 * before it has answered there; until then no more than three times what came from there goes to it. So
 * whoever copies packets and is faster gains nothing, and a peer whose address has changed loses one round trip.
 *
 * @module
 */

/** Paths that are known besides the one in use. */
export const OTHER_PATHS_MAX = 3;
/** A challenge is sent so often before the path is given up. */
export const CHALLENGES_MAX = 3;
/** To a path that has not answered goes at most so many times what came from it. */
export const AMPLIFICATION = 3;

/** A path. */
export interface PathState {
  readonly name: string;
  /** Whether the peer has answered there. */
  validated: boolean;
  /** Bytes from and to it, while it is not validated. */
  received: number;
  sent: number;
  /** The challenge that it must answer. */
  challenge: number | undefined;
  challengedAt: number;
  challenges: number;
  /** When the next challenge is due; while `undefined` none is. */
  challengeDue: number | undefined;
  /** Whether we want to move there as soon as it has answered. */
  wanted: boolean;
  /** Whether we want to move there if nothing is heard on the path in use any more. */
  rescue: boolean;
  /** The challenge that is to be answered there. */
  response: number | undefined;
}

/** Whether two paths lead to the same host, and only the port has changed. */
export function isSameHost(one: string, other: string): boolean {
  return one.includes(":") && hostOf(one) === hostOf(other);
}

/** A path without its port. */
export function hostOf(path: string): string {
  return path.slice(0, path.lastIndexOf(":"));
}

/** The paths. */
export class Paths {
  readonly #others: PathState[] = [];
  /** The path of the latest packet that was no mere look at a path. */
  latest: PathState;
  current: PathState;

  constructor(name: string, validated: boolean) {
    this.current = this.latest = makePath(name, validated);
  }

  /** The path of a name, if it is known. */
  find(name: string): PathState | undefined {
    if (this.current.name === name) return this.current;
    return this.#others.find((path) => path.name === name);
  }

  /** Takes a new path in; the one that matters least makes room. */
  add(name: string): PathState {
    const path = makePath(name, false);
    if (this.#others.length >= OTHER_PATHS_MAX) {
      const idle = this.#others.findIndex(({ validated, wanted }) => !validated && !wanted);
      this.#others.splice(Math.max(idle, 0), 1);
    }
    this.#others.push(path);
    return path;
  }

  /** Begins to use a path; the one before stays known. */
  use(path: PathState): void {
    const at = this.#others.indexOf(path);
    if (at >= 0) this.#others.splice(at, 1);
    this.#others.push(this.current);
    if (this.#others.length > OTHER_PATHS_MAX) this.#others.shift();
    this.current = path;
    path.wanted = path.rescue = false;
  }

  /** The last path that worked, apart from the one in use. */
  get fallback(): PathState | undefined {
    return this.#others.findLast(({ validated }) => validated);
  }

  /** Asks a path for an answer from now on. */
  challenge(path: PathState, data: number, now: number): void {
    path.challenge = data;
    path.challenges = 0;
    path.challengeDue = now;
  }

  /** Takes an answer: the path that it is for. */
  answered(data: number): PathState | undefined {
    const path = [this.current, ...this.#others].find(({ challenge }) => challenge === data);
    if (path === undefined || path.challenges === 0) return undefined;
    path.challenge = path.challengeDue = undefined;
    path.validated = true;
    return path;
  }

  /** A path that has something to send now: a challenge or an answer. */
  busy(now: number): PathState | undefined {
    if (isBusy(this.current, now)) return this.current;
    return this.#others.find((path) => isBusy(path, now));
  }

  /** The challenge went out; `wait` is how long its answer may take. */
  challenged(path: PathState, now: number, wait: number): void {
    path.challengedAt = now;
    path.challengeDue = now + wait * 2 ** path.challenges;
    path.challenges++;
  }

  /** Gives up what has not answered in time. */
  handleTimeout(now: number): void {
    for (const path of [this.current, ...this.#others]) {
      if (path.challenges < CHALLENGES_MAX || path.challengeDue === undefined) continue;
      if (now < path.challengeDue) continue;
      path.challenge = path.challengeDue = undefined;
      path.wanted = false;
      if (path.validated) continue;
      const at = this.#others.indexOf(path);
      if (at >= 0) this.#others.splice(at, 1);
    }
  }

  /** When something is to be sent or given up. */
  due(): number | undefined {
    let due: number | undefined;
    for (const path of [this.current, ...this.#others]) {
      if (path.challengeDue === undefined || (isBlocked(path) && !isLast(path))) continue;
      if (due === undefined || path.challengeDue < due) due = path.challengeDue;
    }
    return due;
  }
}

const isLast = ({ challenges }: PathState) => challenges >= CHALLENGES_MAX;

/** The fewest bytes of a packet with a challenge. */
const SMALLEST = 40;

/** Whether nothing may go to a path until more has come from it. */
function isBlocked(path: PathState): boolean {
  return allowance(path) < SMALLEST;
}

function isBusy(path: PathState, now: number): boolean {
  const due = path.challengeDue !== undefined && now >= path.challengeDue && !isLast(path);
  return (due || path.response !== undefined) && !isBlocked(path);
}

/** How many bytes may go to a path. */
export function allowance({ validated, wanted, received, sent }: PathState): number {
  // A path that we have chosen ourselves is not one that somebody else could aim us at.
  return validated || wanted ? Infinity : AMPLIFICATION * received - sent;
}

function makePath(name: string, validated: boolean): PathState {
  return {
    name,
    validated,
    received: 0,
    sent: 0,
    challenge: undefined,
    challengedAt: 0,
    challenges: 0,
    challengeDue: undefined,
    wanted: false,
    rescue: false,
    response: undefined,
  };
}
