/**
 * The service: sessions on one side, the log on the other (DESIGN §2: transitions → commands → events →
 * log → fan-out).
 *
 * What sessions ask for gathers as jobs. A unit takes the jobs of all sessions that arrived together, in
 * each session's order, decides and stores them in one transaction, and only when that is durable
 * comes the aftermath: events to the feeds, replies to the askers, presence. The service reads no clock,
 * opens no socket and starts no timer; all three are handed in, so the simulator runs this very code.
 *
 * @module
 */

import { encodeBase64 } from "../protocol/base64.ts";
import type { Change, Command, Keyed } from "../protocol/forum/command.ts";
import { isChange } from "../protocol/forum/command_schema.ts";
import { decide, decideOpening, decidePromotion, isRefusal } from "../protocol/forum/decide.ts";
import { FRAME_PAYLOAD_MAX } from "../protocol/message.ts";
import { createServerConnection, type ServerTransition } from "../protocol/server_connection.ts";
import { type Refusal, refuse, STATUS, type StatusName } from "../protocol/status.ts";
import { fold, TEXT_LIMITS, utf8Length } from "../protocol/text.ts";
import type { ActivityLog } from "./activity.ts";
import { ADMIN } from "./admin.ts";
import { createHub, type Hub } from "./hub.ts";
import type { Aftermath, Job } from "./job.ts";
import type { Log, Published, Transaction } from "./log/log.ts";
import { createPresence, type Presence } from "./presence.ts";
import { answer } from "./questions.ts";
import { createSession, type ServiceSession, type Session } from "./session.ts";
import { type Admission, createSignIn, type SignIn, type SignInOptions } from "./sign_in.ts";

/** The public thread that every forum begins with. */
export const LOBBY = "lobby";
/** The most jobs of one unit. */
export const UNIT_JOBS = 1024;
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
  /** Sessions with jobs, in the order of their coming. */
  readonly #ready = new Set<ServiceSession>();
  readonly #holders = new Map<string, ServiceSession>();
  units = 0;
  #scheduled = false;
  #busy = false;
  /** So many jobs are done one by one: they were in a unit that failed. */
  #alone = 0;
  #opened = 0;
  #closing = false;
  #now = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#hub = createHub(options.log);
    this.#presence = createPresence((folded) => this.#log.view.user(folded)?.name ?? folded);
    this.#signIn = createSignIn(options);
    this.#log.onEntries = (entries) => this.#publish(entries);
    this.#openLobby();
  }

  get connections(): number {
    return this.#sessions.size;
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
      ready: (session: ServiceSession) => this.#makeReady(session),
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
    this.#makeReady(session);
  }

  #makeReady(session: ServiceSession): void {
    this.#ready.add(session);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy || this.#ready.size === 0) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      this.#runUnit(this.#gather());
    });
  }

  /** The jobs of the next unit. */
  #gather(): Task[] {
    const tasks: Task[] = [];
    const most = this.#alone > 0 ? 1 : UNIT_JOBS;
    if (this.#alone > 0) this.#alone--;
    for (const session of this.#ready) {
      if (tasks.length >= most) break;
      this.#ready.delete(session);
      // A reader that stalls gets no more replies; its work waits until it drains.
      if (session.stalled) continue;
      const room = most - tasks.length;
      for (const job of session.jobs.splice(0, room)) tasks.push({ session, job });
      if (session.jobs.length > 0) this.#ready.add(session);
    }
    return tasks;
  }

  #runUnit(tasks: Task[]): void {
    if (tasks.length === 0) return;
    const aftermath: Aftermath = [];
    const unit: Unit = { aftermath, entering: new Set(), replyBytes: new Map() };
    let undone: Task[] = [];
    this.#busy = true;
    this.units++;
    this.#log.transact((tx) => {
      // The log may run this again, when another node was first.
      aftermath.length = 0;
      unit.entering.clear();
      unit.replyBytes.clear();
      undone = [];
      for (const task of tasks) {
        if (this.#overfull(unit, task.session)) undone.push(task);
        else this.#do(tx, task, unit);
      }
    }, (failure) => {
      this.#busy = false;
      if (failure === undefined) {
        this.#putBack(undone);
        for (const act of aftermath) act();
      } else if (tasks.length > 1) {
        // One of them is poison, or only those that write need the room that is not there: each
        // alone harms nobody else.
        this.#putBack(tasks);
        this.#alone = tasks.length;
      } else {
        for (const task of tasks) this.#fail(task, failure);
      }
      this.#schedule();
    });
  }

  /** Whether the replies of this unit fill what may wait for this session's reader. */
  #overfull(unit: Unit, session: ServiceSession): boolean {
    return (unit.replyBytes.get(session) ?? 0) >= FRAME_PAYLOAD_MAX;
  }

  #putBack(tasks: Task[]): void {
    for (const { session, job } of tasks.reverse()) {
      session.jobs.unshift(job);
      this.#ready.add(session);
    }
  }

  #fail({ session, job }: Task, failure: Refusal): void {
    const { connection } = session;
    if (job.kind === "command") connection.refuse(job.id, failure);
    else if (job.kind !== "failed") connection.deny(failure, this.#now);
    this.#record(session, "failed", { job: job.kind, why: failure.status });
    session.wake();
  }

  #do(tx: Transaction, { session, job }: Task, unit: Unit): void {
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
      ? this.#change(tx, session, { command, unit })
      : this.#question(tx, session, { command, unit });
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

  #change(
    tx: Transaction,
    session: ServiceSession,
    { command, unit }: { command: Change & Keyed; unit: Unit },
  ): { json: string } | Refusal {
    const { user, token } = session;
    const { key } = command;
    if (key === undefined) {
      return refuse("bad-field", "This command needs a key, so that it can be repeated safely.", {
        field: "key",
      });
    }
    const print = fingerprint(command);
    const kept = tx.recall(user, key);
    if (kept !== undefined) return kept.fingerprint === print ? kept : refuse("key-reused");
    if (this.#closing) return refuse("shutting-down");
    const outcome = decide(tx.view, command, { user, at: this.#options.clock() });
    if (isRefusal(outcome)) return outcome;
    tx.append(outcome.events);
    if (command.op === "credential") {
      // Whoever knew the old password may hold a token that it brought, or be here.
      this.#signIn.keepOnly(tx, user, token);
      unit.aftermath.push(() => this.#endOthers(session));
    }
    const json = JSON.stringify(outcome.reply);
    tx.remember(user, key, { fingerprint: print, json });
    return { json };
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
    while (this.#ready.size > 0 && !this.#busy) {
      const tasks = this.#gather();
      if (tasks.length === 0) break;
      this.#runUnit(tasks);
    }
    for (const session of this.#sessions) {
      session.connection.close(status, now);
      session.wake();
    }
  }
}

/** One job of one session. */
interface Task {
  readonly session: ServiceSession;
  readonly job: Job;
}

/** What belongs to a unit of work while it is done. */
interface Unit {
  readonly aftermath: Aftermath;
  /** Users that come in with this unit. */
  readonly entering: Set<string>;
  readonly replyBytes: Map<ServiceSession, number>;
}

/** What tells a command from another under the same key. */
function fingerprint(command: Change): string {
  return `${command.op} ${hash(JSON.stringify(command))}`;
}

/** FNV-1a, 32 bits: it only has to notice a careless client, not to withstand a clever one. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** What the activity log says of a change. */
function aboutOf(command: Change, reply: { json: string } | Refusal) {
  const about: Record<string, string | number | undefined> = {};
  if ("thread" in command) about.thread = command.thread;
  if ("message" in command) about.message = command.message;
  if ("user" in command) about.subject = command.user;
  if ("title" in command) about.title = command.title;
  if (isRefusal(reply)) about.refused = reply.status;
  return about;
}

/** Makes the service of a forum over a log. */
export function createService(options: ServiceOptions): Service {
  return new ForumService(options);
}
