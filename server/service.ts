/**
 * The service: sessions on one side, the log on the other (DESIGN §2: transitions → commands → events →
 * log → fan-out).
 *
 * What sessions ask for gathers as jobs, which are done in units (units.ts): commands.ts and admission.ts
 * say what is done, and once a unit is durable events go to the feeds, replies to the askers, and
 * presence is told. The service reads no clock, opens no socket and starts no timer; all three are
 * handed in, so the simulator runs this very code.
 *
 * @module
 */

import { decideOpening } from "../protocol/forum/decide.ts";
import { type Refusal, STATUS, type StatusName } from "../protocol/status.ts";
import { fold } from "../protocol/text.ts";
import type { ActivityLog } from "./activity.ts";
import { type Admissions, createAdmissions } from "./admission.ts";
import { type Attempts, createAttempts } from "./attempts.ts";
import { type Commands, createCommands } from "./commands.ts";
import { type Counters, type Counts, createCounters } from "./counters.ts";
import { createDoor, type Door, type RefusedAtDoor } from "./door.ts";
import type { BlobStore } from "./blob/blob_store.ts";
import { FILE_LIMIT_DEFAULTS, type FileLimits } from "./files/file_limits.ts";
import { createFiles, type Files } from "./files/files.ts";
import { NO_GAUGE, type ServiceGauge } from "./gauges.ts";
import { createHub, type Hub } from "./hub.ts";
import type { Job } from "./job.ts";
import { LIMIT_DEFAULTS, type OperationLimits, TURNED_AWAY_MAX } from "./limits.ts";
import type { Log, Published, Transaction } from "./log/log.ts";
import { createPeers, type Peers, type Relayed } from "./peers.ts";
import { createPresence, type Presence } from "./presence.ts";
import {
  createReception,
  type Reception,
  type ReceptionOptions,
  type Visitor,
} from "./reception.ts";
import { createSalter } from "./salter.ts";
import {
  type ServiceSession,
  type Session,
  type SessionEvents,
  type SessionTransition,
} from "./session.ts";
import { createSignIn, type SignIn, type SignInOptions } from "./sign_in.ts";
import { createThrottle, type Throttle } from "./throttle.ts";
import { createUnits, type Task, type Unit, type Units } from "./units.ts";

/** The public thread that every forum begins with. */
export const LOBBY = "lobby";
/** How often it is told which limits were reached, in ms. */
const REPORT_EVERY = 10_000;

/** What a service is made with. */
export interface ServiceOptions extends SignInOptions, ReceptionOptions {
  /** How much is taken on; what is not given is as in {@linkcode LIMIT_DEFAULTS}. */
  readonly limits?: Partial<OperationLimits>;
  /** Where the bytes of files lie. */
  readonly blobs: BlobStore;
  /** How much of files is taken on; what is not given is as in {@linkcode FILE_LIMIT_DEFAULTS}. */
  readonly fileLimits?: Partial<FileLimits>;
  /** UDP ports that tell a client its address, two or none. */
  readonly udp?: readonly number[];
  /** Is told who did what. */
  readonly activity: ActivityLog;
  /** Counts what is done; nobody does if it is not given. */
  readonly gauge?: ServiceGauge;
  /** Runs something soon, after what is being received now. */
  readonly defer: (run: () => void) => void;
  /** The admin has asked for it. */
  readonly onShutdown: () => void;
}

/** The service of one forum. */
export interface Service {
  /** Open connections. */
  readonly connections: number;
  /** How many units of work were done. */
  readonly units: number;
  /** Files on their way. */
  readonly transfers: number;
  /** Files that users offer to users. */
  readonly offers: number;
  /** Those of them that are accepted, so that datagrams between the two sides are relayed. */
  readonly relays: number;
  /** Datagrams that were relayed. */
  readonly relayed: Relayed;
  /** Bytes of events that are kept at hand for those who follow them. */
  readonly feedBytes: number;
  /** How often each limit was reached. */
  readonly counts: Counts;
  /** Connections on which somebody is signed in. */
  readonly signedIn: number;
  /** Bytes that wait to be written on all connections, and how many of these are stalled by them. */
  queued(): { bytes: number; stalled: number };
  /** Takes a new connection. */
  open(visitor: Visitor): Session;
  /** Lets time pass for all sessions. Call it a few times a second. */
  handleTimeouts(now: number): void;
  /** Frees the room of files that nobody wants any more, a little at a time. Call it about once a second. */
  tidyFiles(): void;
  /** Tells everybody, finishes what is under way, and ends all sessions. */
  close(status: StatusName, now: number): void;
}

class ForumService implements Service {
  readonly #hub: Hub;
  readonly #options: ServiceOptions;
  readonly #log: Log;
  readonly #presence: Presence;
  readonly #signIn: SignIn;
  readonly #attempts: Attempts;
  readonly #limits: OperationLimits;
  readonly #door: Door<ServiceSession>;
  readonly #throttle: Throttle;
  readonly #counters: Counters = createCounters();
  readonly #sessions = new Set<ServiceSession>();
  /** Sessions that were not let in and are still being told. */
  readonly #turnedAway = new Set<ServiceSession>();
  readonly #admissions: Admissions;
  readonly #units: Units;
  readonly #files: Files;
  readonly #peers: Peers;
  readonly #commands: Commands;
  readonly #reception: Reception;
  readonly #events: SessionEvents;
  #closing = false;
  #now = 0;
  #reportAt = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#hub = createHub(options.log);
    this.#presence = createPresence((folded) => this.#log.view.user(folded)?.name ?? folded);
    this.#limits = { ...LIMIT_DEFAULTS, ...options.limits };
    this.#signIn = createSignIn(options, this.#limits);
    this.#door = createDoor(this.#limits, (session) => {
      this.#counters.add("too-many-unsigned");
      this.#end(session, "too-many-unsigned");
    });
    this.#attempts = createAttempts({
      log: options.log,
      signIn: this.#signIn,
      door: this.#door,
      salter: options.text && createSalter(options.text.salt),
      counters: this.#counters,
      now: () => this.#now,
      queue: (session, job) => this.#queue(session, job),
      record: (session, did, about) => this.#record(session, did, about),
    });
    this.#throttle = createThrottle(this.#limits);
    const gauge = options.gauge ?? NO_GAUGE;
    this.#units = createUnits({
      log: options.log,
      gauge,
      defer: options.defer,
      perform: (tx, task, unit) => this.#perform(tx, task, unit),
      fail: (task, failure) => this.#fail(task, failure),
    });
    this.#admissions = createAdmissions({
      log: options.log,
      signIn: this.#signIn,
      presence: this.#presence,
      counters: this.#counters,
      singleSession: options.singleSession,
      now: () => this.#now,
      clock: options.clock,
      entering: (user) => this.#units.entering(user),
      signedIn: (session) => this.#door.signedIn(session),
      end: (session, status) => this.#end(session, status),
      record: (session, did, about) => this.#record(session, did, about),
    });
    this.#files = createFiles({
      log: options.log,
      blobs: options.blobs,
      limits: { ...FILE_LIMIT_DEFAULTS, ...options.fileLimits },
      clock: options.clock,
      answer: (session, job, reply) => this.#commands.answer(session, job, reply),
      count: (what) => this.#counters.add(what),
      record: (session, did, about) => this.#record(session, did, about),
    });
    this.#peers = createPeers({
      random: options.random,
      clock: options.clock,
      now: () => this.#now,
      name: (folded) => this.#log.view.user(folded)?.name,
      udp: options.udp ?? [],
    });
    this.#commands = createCommands({
      log: options.log,
      hub: this.#hub,
      presence: this.#presence,
      peers: this.#peers,
      signIn: this.#signIn,
      admissions: this.#admissions,
      files: this.#files,
      throttle: this.#throttle,
      counters: this.#counters,
      gauge,
      random: options.random,
      now: () => this.#now,
      clock: options.clock,
      closing: () => this.#closing,
      queue: (session, job) => this.#queue(session, job),
      record: (session, did, about) => this.#record(session, did, about),
      endOthers: (session) => this.#endOthers(session),
      shutdown: () => options.defer(options.onShutdown),
    });
    this.#reception = createReception(options, this.#limits.commands);
    this.#events = {
      hub: this.#hub,
      transition: (session, what) => this.#happened(session, what),
      goOn: (session, stream) => this.#reception.goOn(session, stream),
      later: options.defer,
      ready: (session) => this.#units.ready(session),
      slow: (how) => this.#counters.add(how),
    };
    this.#log.onEntries = (entries) => this.#publish(entries);
    this.#openLobby();
  }

  get connections(): number {
    return this.#sessions.size;
  }
  get units(): number {
    return this.#units.count;
  }
  get transfers(): number {
    return this.#files.count;
  }
  get offers(): number {
    return this.#peers.count;
  }
  get relays(): number {
    return this.#peers.relays;
  }
  get relayed(): Relayed {
    return this.#peers.relayed;
  }
  get feedBytes(): number {
    return this.#hub.bytes;
  }
  get counts(): Counts {
    return this.#counters.counts;
  }
  get signedIn(): number {
    let count = 0;
    for (const { present } of this.#sessions) if (present) count++;
    return count;
  }
  queued(): { bytes: number; stalled: number } {
    const queued = { bytes: 0, stalled: 0 };
    for (const { connection, stalled } of this.#sessions) {
      queued.bytes += connection.pendingTransmit;
      if (stalled) queued.stalled++;
    }
    return queued;
  }

  #openLobby(): void {
    if (this.#log.view.lastThread > 0) return;
    this.#log.transact(
      (tx) => tx.append(decideOpening(tx.view, LOBBY, this.#options.clock())),
      (failure) => {
        if (failure !== undefined) throw new Error(`the lobby cannot be opened: ${failure.status}`);
      },
    );
  }

  open(visitor: Visitor): Session {
    const { now } = visitor;
    const session = this.#reception.receive(visitor, this.#events);
    this.#tick(now);
    const refused = this.#door.enter(session, now);
    if (refused !== undefined) this.#turnAway(session, refused);
    else {
      this.#sessions.add(session);
      if (this.#closing) session.connection.close("shutting-down", now);
    }
    return session;
  }

  /** Says why there is no room; but not to a crowd, which would take more room than it is refused. */
  #turnAway(session: ServiceSession, status: RefusedAtDoor): void {
    this.#counters.add(status);
    session.connection.close(status, this.#now);
    if (this.#turnedAway.size < TURNED_AWAY_MAX) this.#turnedAway.add(session);
    else {
      this.#counters.add("turned-away");
      session.receiveBreak(this.#now);
    }
  }

  #tick(now: number): void {
    if (now > this.#now) this.#now = now;
  }

  handleTimeouts(now: number): void {
    this.#now = now;
    for (const sessions of [this.#sessions, this.#turnedAway]) {
      for (const session of sessions) {
        const due = session.timeout();
        if (due !== undefined && due <= now) session.handleTimeout(now);
      }
    }
    this.#peers.handleTimeouts(now);
    if (now < this.#reportAt) return;
    this.#reportAt = now + REPORT_EVERY;
    this.#door.tidy(now);
    this.#throttle.tidy(now);
    this.#report();
  }

  tidyFiles(): void {
    this.#files.tidy(this.#now);
  }

  /** Tells which limits were reached since the last time. */
  #report(): void {
    const about = this.#counters.news();
    if (about === undefined) return;
    const at = this.#options.clock();
    this.#options.activity.record({ at, user: "", source: "-", did: "limits", about });
  }

  #happened(session: ServiceSession, what: SessionTransition): void {
    this.#tick(session.now);
    switch (what.kind) {
      case "greeted":
        return;
      case "verifier-wanted":
        return this.#attempts.verifier(session, what.user);
      case "salting-wanted":
        return this.#attempts.salt(session, what.salting);
      case "disproved":
        return this.#attempts.disproved(session, what.user);
      case "proved":
        return this.#queue(session, { kind: "enter", user: what.user });
      case "resume-wanted":
        return this.#attempts.resume(session, what.token);
      case "register-wanted":
        return this.#attempts.register(session, what.registration);
      case "command":
        return this.#commands.takeOn(session, what.id, what.command);
      case "transfer":
        return this.#files.event(session, what.event);
      case "relay":
        return this.#peers.relay(session, what.channel, what.bytes);
      case "closing":
        return this.#part(session, what.ending.text);
      case "closed":
        this.#part(session, what.ending.text);
        this.#throttle.leave(session);
        if (this.#sessions.delete(session)) this.#door.leave(session);
        this.#turnedAway.delete(session);
        return;
    }
  }

  /** The session takes part no longer. */
  #part(session: ServiceSession, why: string): void {
    session.unfollowAll();
    session.proof = undefined;
    this.#admissions.part(session);
    this.#files.part(session);
    this.#peers.part(session);
    if (!session.present) return;
    session.present = false;
    this.#presence.leave(session, this.#options.clock());
    this.#record(session, "leave", { why });
  }

  #record(
    session: ServiceSession,
    did: string,
    about?: Record<string, string | number | boolean | undefined>,
  ) {
    const user = session.user === "" ? "" : this.#log.view.user(session.user)?.name ?? session.user;
    this.#options.activity.record({
      at: this.#options.clock(),
      user,
      source: session.source,
      did,
      ...about !== undefined && { about },
    });
  }

  #queue(session: ServiceSession, job: Job): void {
    session.jobs.push(job);
    this.#units.ready(session);
  }

  #fail({ session, job }: Task, failure: Refusal): void {
    const { connection } = session;
    if (job.kind === "command") this.#commands.answer(session, job, failure);
    else connection.deny(failure, this.#now);
    this.#record(session, "failed", { job: job.kind, why: failure.status });
    session.wake();
  }

  #perform(tx: Transaction, { session, job }: Task, unit: Unit): void {
    if (job.kind === "command") this.#commands.perform(tx, { session, job, unit });
    else this.#admissions.perform(tx, { session, job, unit });
  }

  /** Ends all other sessions of the user of this one. */
  #endOthers(session: ServiceSession): void {
    for (const other of this.#sessionsOf(session.user)) {
      if (other !== session) this.#end(other, "replaced");
    }
  }

  /** Ends a session; its goodbye is still written. */
  #end(session: ServiceSession, status: StatusName): void {
    session.connection.close(status, this.#now);
    this.#part(session, STATUS[status].text);
    session.wake();
  }

  #publish(entries: readonly Published[]): void {
    this.#hub.publish(entries);
    for (const { event } of entries) {
      if (event.kind === "member.left") {
        for (const session of this.#sessionsOf(event.user)) session.unfollow(event.scope);
        this.#files.shutOut(fold(event.user), event.scope);
      } else if (event.kind === "user.banned" && event.on) {
        for (const session of this.#sessionsOf(event.user)) this.#end(session, "banned");
      }
    }
  }

  #sessionsOf(name: string): ServiceSession[] {
    const user = fold(name);
    return [...this.#sessions].filter((session) => session.present && session.user === user);
  }

  close(status: StatusName, now: number): void {
    this.#now = now;
    this.#closing = true;
    for (const session of this.#sessions) {
      if (session.present) {
        session.notify({ kind: "closing", text: "The server is shutting down." });
      }
    }
    // What has arrived is finished; what arrives now is refused.
    this.#units.finish(() => {
      for (const session of this.#sessions) {
        session.connection.close(status, this.#now);
        session.wake();
      }
      this.#report();
    });
  }
}

/** Makes the service of a forum over a log. */
export function createService(options: ServiceOptions): Service {
  return new ForumService(options);
}
