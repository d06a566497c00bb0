/**
 * The service: sessions on one side, the log on the other (DESIGN §2: transitions → commands → events →
 * log → fan-out).
 *
 * What sessions ask for gathers as jobs, which are done in units (units.ts): changes.ts and questions.ts
 * say what is done, and once a unit is durable events go to the feeds, replies to the askers, and
 * presence is told. The service reads no clock, opens no socket and starts no timer; all three are
 * handed in, so the simulator runs this very code.
 *
 * @module
 */

import { encodeBase64 } from "../protocol/base64.ts";
import type { Change, Command } from "../protocol/forum/command.ts";
import { isChange } from "../protocol/forum/command_schema.ts";
import { decideOpening, decidePromotion, isRefusal } from "../protocol/forum/decide.ts";
import { FRAME_PAYLOAD_MAX } from "../protocol/message.ts";
import { createServerConnection, type ServerTransition } from "../protocol/server_connection.ts";
import { type Refusal, refuse, STATUS, type StatusName } from "../protocol/status.ts";
import { fold, TEXT_LIMITS, utf8Length } from "../protocol/text.ts";
import type { ActivityLog } from "./activity.ts";
import { ADMIN } from "./admin.ts";
import { aboutOf, change } from "./changes.ts";
import { createHub, type Hub } from "./hub.ts";
import type { Job } from "./job.ts";
import type { Log, Published, Transaction } from "./log/log.ts";
import { createPresence, type Presence } from "./presence.ts";
import { answer } from "./questions.ts";
import { createSession, type ServiceSession, type Session } from "./session.ts";
import { type Admission, createSignIn, type SignIn, type SignInOptions } from "./sign_in.ts";
import { createUnits, type Task, type Unit, type Units } from "./units.ts";

/** The public thread that every forum begins with. */
export const LOBBY = "lobby";
/** Commands of one connection that may wait for replies; beyond it the server reads no further. */
export const COMMANDS_MAX = 256;

/** What a service is made with. */
export interface ServiceOptions extends SignInOptions {
  /** Program and version, for WELCOME. */
  readonly agent: string;
  /** Silence after which a client is asked for a sign of life, in ms. */
  readonly heartbeat: number;
  /** Ms without a command after which a session ends; 0 is never. */
  readonly idleTimeout: number;
  /** Is told who did what. */
  readonly activity: ActivityLog;
  /** Runs something soon, after what is being received now. */
  readonly defer: (run: () => void) => void;
  /** The admin has asked for it. */
  readonly onShutdown: () => void;
}

/** Who connects. */
export interface Visitor {
  /** The address; lock-outs count by it. */
  readonly source: string;
  /** Now, in ms of the same clock as all inputs of the session. */
  readonly now: number;
  /** Called when there may be something to write, or all is over. */
  readonly wake: () => void;
}

/** The service of one forum. */
export interface Service {
  /** Open connections. */
  readonly connections: number;
  /** How many units of work were done. */
  readonly units: number;
  /** Bytes of events that are kept at hand for those who follow them. */
  readonly feedBytes: number;
  /** Takes a new connection. */
  open(visitor: Visitor): Session;
  /** Lets time pass for all sessions. Call it a few times a second. */
  handleTimeouts(now: number): void;
  /** Tells everybody, finishes what is under way, and ends all sessions. */
  close(status: StatusName, now: number): void;
}

class ForumService implements Service {
  readonly #hub: Hub;
  readonly #options: ServiceOptions;
  readonly #log: Log;
  readonly #presence: Presence;
  readonly #signIn: SignIn;
  readonly #sessions = new Set<ServiceSession>();
  /** By the hash of their token. */
  readonly #holders = new Map<string, ServiceSession>();
  readonly #units: Units;
  #opened = 0;
  #closing = false;
  #now = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#hub = createHub(options.log);
    this.#presence = createPresence((folded) => this.#log.view.user(folded)?.name ?? folded);
    this.#signIn = createSignIn(options);
    this.#units = createUnits({
      log: options.log,
      defer: options.defer,
      perform: (tx, task, unit) => this.#perform(tx, task, unit),
      fail: (task, failure) => this.#fail(task, failure),
    });
    this.#log.onEntries = (entries) => this.#publish(entries);
    this.#openLobby();
  }

  get connections(): number {
    return this.#sessions.size;
  }
  get units(): number {
    return this.#units.count;
  }
  get feedBytes(): number {
    return this.#hub.bytes;
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

  open({ source, now, wake }: Visitor): Session {
    const { random, agent, heartbeat, idleTimeout, registration, clock } = this.#options;
    const connection = createServerConnection({
      random,
      now,
      time: clock(),
      idleTimeout,
      welcome: {
        server: agent,
        limits: { frame: FRAME_PAYLOAD_MAX, text: TEXT_LIMITS.bodyBytes, commands: COMMANDS_MAX },
        heartbeat,
        mechanisms: ["SCRAM-SHA-256"],
        registration,
      },
    });
    const events = {
      hub: this.#hub,
      transition: (session: ServiceSession, what: ServerTransition) =>
        this.#happened(session, what),
      ready: (session: ServiceSession) => this.#units.ready(session),
    };
    const session = createSession({ connection, source, order: ++this.#opened, events, wake });
    this.#sessions.add(session);
    if (this.#closing) connection.close("shutting-down", now);
    return session;
  }

  handleTimeouts(now: number): void {
    this.#now = now;
    for (const session of this.#sessions) {
      const due = session.timeout();
      if (due !== undefined && due <= now) session.handleTimeout(now);
    }
  }

  #happened(session: ServiceSession, what: ServerTransition): void {
    switch (what.kind) {
      case "greeted":
        return;
      case "verifier-wanted": {
        const verifier = this.#signIn.verifier(what.user, session.source);
        if (isRefusal(verifier)) session.connection.deny(verifier, this.#now);
        else {
          session.verifier = verifier;
          session.connection.provideVerifier(verifier, this.#now);
        }
        return;
      }
      case "denied":
        this.#record(session, "wrong-password", { user: what.user });
        return this.#queue(session, { kind: "failed", user: what.user });
      case "proved":
        return this.#queue(session, { kind: "enter", user: what.user });
      case "resume-wanted":
        return this.#queue(session, { kind: "resume", token: what.token });
      case "register-wanted":
        return this.#queue(session, { kind: "register", registration: what.registration });
      case "command":
        return this.#queue(session, { kind: "command", id: what.id, command: what.command });
      case "closing":
        return this.#part(session, what.ending.text);
      case "closed":
        this.#part(session, what.ending.text);
        this.#sessions.delete(session);
        return;
    }
  }

  /** The session takes part no longer. */
  #part(session: ServiceSession, why: string): void {
    session.unfollowAll();
    session.proof = undefined;
    if (this.#holders.get(session.token) === session) this.#holders.delete(session.token);
    if (!session.present) return;
    session.present = false;
    this.#presence.leave(session, this.#options.clock());
    this.#record(session, "leave", { why });
  }

  #record(
    session: ServiceSession,
    did: string,
    about?: Record<string, string | number | undefined>,
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
    if (job.kind === "command") connection.refuse(job.id, failure);
    else if (job.kind !== "failed") connection.deny(failure, this.#now);
    this.#record(session, "failed", { job: job.kind, why: failure.status });
    session.wake();
  }

  #perform(tx: Transaction, { session, job }: Task, unit: Unit): void {
    switch (job.kind) {
      case "command":
        return this.#command(tx, session, { ...job, unit });
      case "failed":
        return this.#signIn.failed(tx, job.user, session.source);
      case "enter": {
        const folded = fold(job.user);
        const occupied = this.#presence.of(folded).size > 0 || unit.entering.has(folded);
        const place = { source: session.source, occupied, verifier: session.verifier! };
        return this.#admit(session, this.#signIn.enter(tx, job.user, place), {
          unit,
          did: "sign-in",
        });
      }
      case "resume":
        return this.#admit(session, this.#resume(tx, job.token, unit), { unit, did: "resume" });
      case "register":
        return this.#admit(session, this.#signIn.register(tx, job.registration), {
          unit,
          did: "register",
        });
    }
  }

  /** A token signs in again; where one session an account is allowed, only in its own place. */
  #resume(tx: Transaction, token: string, unit: Unit): Admission | Refusal {
    const outcome = this.#signIn.resume(tx, token);
    if (isRefusal(outcome) || !this.#options.singleSession) return outcome;
    const { user, hash } = outcome;
    const own = this.#holders.get(hash)?.present ? 1 : 0;
    const occupied = this.#presence.of(user).size > own || unit.entering.has(user);
    return occupied ? refuse("already-logged-in") : outcome;
  }

  #admit(
    session: ServiceSession,
    outcome: Admission | Refusal,
    { unit, did }: { unit: Unit; did: string },
  ): void {
    const { aftermath } = unit;
    if (isRefusal(outcome)) {
      aftermath.push(() => {
        session.connection.deny(outcome, this.#now);
        this.#record(session, did, { refused: outcome.status });
        session.wake();
      });
      return;
    }
    unit.entering.add(outcome.user);
    aftermath.push(() => {
      const old = this.#holders.get(outcome.hash);
      // What a client sent before its link broke can arrive after its next link is in use.
      if (old !== undefined && old.order > session.order) return this.#end(session, "replaced");
      const { name, role } = this.#log.view.user(outcome.user)!;
      const { token } = outcome;
      session.connection.grant(
        { user: name, role, ...token !== undefined && { token } },
        this.#now,
      );
      if (session.connection.state !== "ready") return;
      session.user = outcome.user;
      session.token = outcome.hash;
      session.present = true;
      this.#holders.set(outcome.hash, session);
      this.#presence.enter(session, this.#options.clock());
      // The same token on a new link: the old link is dead, whether it knows it or not.
      if (old !== undefined) this.#end(old, "replaced");
      this.#record(session, did);
      session.wake();
    });
  }

  #command(
    tx: Transaction,
    session: ServiceSession,
    { id, command, unit }: { id: number; command: Command; unit: Unit },
  ): void {
    const outcome = isChange(command)
      ? change(tx, command, {
        user: session.user,
        at: this.#options.clock(),
        closing: this.#closing,
      })
      : this.#question(tx, session, { command, unit });
    if (command.op === "credential" && typeof outcome !== "function" && !isRefusal(outcome)) {
      // Whoever knew the old password may hold a token that it brought, or be here.
      this.#signIn.keepOnly(tx, session.user, session.token);
      unit.aftermath.push(() => this.#endOthers(session));
    }
    unit.aftermath.push(() => {
      const reply = typeof outcome === "function" ? outcome() : outcome;
      if (isRefusal(reply)) session.connection.refuse(id, reply);
      else session.connection.done(id, reply.json);
      if (isChange(command)) this.#record(session, command.op, aboutOf(command, reply));
      session.wake();
    });
    if (typeof outcome !== "function" && !isRefusal(outcome)) {
      unit.replyBytes.set(
        session,
        (unit.replyBytes.get(session) ?? 0) + utf8Length(outcome.json),
      );
    }
  }

  #question(
    tx: Transaction,
    session: ServiceSession,
    { command, unit }: { command: Exclude<Command, Change>; unit: Unit },
  ): { json: string } | Refusal | (() => { json: string } | Refusal) {
    return answer(command, {
      tx,
      session,
      log: this.#log,
      hub: this.#hub,
      presence: this.#presence,
      nonce: () => {
        const bytes = new Uint8Array(18);
        this.#options.random(bytes);
        return encodeBase64(bytes);
      },
      adminLocked: () => {
        return this.#signIn.locked(ADMIN, session.source);
      },
      adminFailed: () => {
        this.#signIn.failed(tx, ADMIN, session.source);
        unit.aftermath.push(() => this.#record(session, "wrong-admin-password"));
      },
      adminProved: () => this.#signIn.forgive(tx, ADMIN, session.source),
      promote: () => tx.append(decidePromotion(tx.view, session.user, this.#options.clock())),
      shutdown: () => {
        this.#record(session, "shutdown");
        this.#options.defer(this.#options.onShutdown);
      },
      endOthers: () => this.#endOthers(session),
    });
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
    this.#units.finish();
    for (const session of this.#sessions) {
      session.connection.close(status, now);
      session.wake();
    }
  }
}

/** Makes the service of a forum over a log. */
export function createService(options: ServiceOptions): Service {
  return new ForumService(options);
}
