/**
 * Admission: the jobs of signing in, and who holds which token (DESIGN §5).
 *
 * sign_in.ts says whether somebody may come in; here that becomes an answer on the connection, presence,
 * and the end of an older link of the same client, once the unit of work is durable.
 *
 * @module
 */

import { isRefusal } from "../protocol/forum/decide.ts";
import { type Refusal, refuse, type StatusName } from "../protocol/status.ts";
import { fold } from "../protocol/text.ts";
import type { Counters } from "./counters.ts";
import type { Job } from "./job.ts";
import type { Log, Transaction } from "./log/log.ts";
import type { Presence } from "./presence.ts";
import type { ServiceSession } from "./session.ts";
import type { Admission, SignIn } from "./sign_in.ts";
import type { Unit } from "./units.ts";

/** What admission needs of the service. */
export interface AdmissionOptions {
  readonly log: Log;
  readonly signIn: SignIn;
  readonly presence: Presence;
  readonly counters: Counters;
  /** One session an account. */
  readonly singleSession: boolean;
  /** The sessions' clock, in ms. */
  readonly now: () => number;
  /** The people's clock, in ms since 1970. */
  readonly clock: () => number;
  /** Whether a unit that is under way lets this user in. */
  readonly entering: (user: string) => boolean;
  readonly signedIn: (session: ServiceSession) => void;
  readonly end: (session: ServiceSession, status: StatusName) => void;
  readonly record: (
    session: ServiceSession,
    did: string,
    about?: Record<string, string | undefined>,
  ) => void;
}

/** A job of signing in. */
export interface AdmissionTask {
  readonly session: ServiceSession;
  readonly job: Exclude<Job, { kind: "command" }>;
  readonly unit: Unit;
}

/** Lets users in. */
export interface Admissions {
  /** Does a job within a unit of work. */
  perform(tx: Transaction, task: AdmissionTask): void;
  /** A wrong password was tried. */
  failed(tx: Transaction, user: string, at: { source: string; unit: Unit }): void;
  /** The session takes part no longer. */
  part(session: ServiceSession): void;
}

class Porter implements Admissions {
  readonly #options: AdmissionOptions;
  /** By the hash of their token. */
  readonly #holders = new Map<string, ServiceSession>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  part(session: ServiceSession): void {
    if (this.#holders.get(session.token) === session) this.#holders.delete(session.token);
  }

  perform(tx: Transaction, { session, job, unit }: AdmissionTask): void {
    const { signIn, presence, entering } = this.#options;
    switch (job.kind) {
      case "failed":
        return this.#disproved(tx, job.user, { session, unit });
      case "enter": {
        const folded = fold(job.user);
        const occupied = presence.of(folded).size > 0 || entering(folded);
        const place = {
          source: session.source,
          occupied,
          verifier: session.verifier!,
          lasting: isLasting(session),
        };
        const outcome = signIn.enter(tx, job.user, place);
        return this.#admit(session, outcome, { unit, did: "sign-in" });
      }
      case "resume":
        return this.#admit(session, this.#resume(tx, job.token), { unit, did: "resume" });
      case "register": {
        const outcome = signIn.register(tx, job.registration, isLasting(session));
        return this.#admit(session, outcome, { unit, did: "register" });
      }
    }
  }

  #disproved(
    tx: Transaction,
    user: string,
    { session, unit }: { session: ServiceSession; unit: Unit },
  ): void {
    const { signIn, now } = this.#options;
    // While locked out, a wrong proof is answered like a right one: neither tells which it was.
    const locked = signIn.locked(user, session.source);
    if (locked === undefined) this.failed(tx, user, { source: session.source, unit });
    unit.aftermath.push(() => {
      session.connection.deny(locked ?? refuse("wrong-password"), now());
      session.wake();
    });
  }

  failed(tx: Transaction, user: string, { source, unit }: { source: string; unit: Unit }): void {
    const { signIn, counters } = this.#options;
    const forgotten = signIn.failed(tx, user, source);
    if (forgotten > 0) unit.aftermath.push(() => counters.add("lockouts", forgotten));
  }

  /** A token signs in again; where one session an account is allowed, only in its own place. */
  #resume(tx: Transaction, token: string): Admission | Refusal {
    const { signIn, presence, entering, singleSession } = this.#options;
    const outcome = signIn.resume(tx, token);
    if (isRefusal(outcome) || !singleSession) return outcome;
    const { user, hash } = outcome;
    const own = this.#holders.get(hash)?.present ? 1 : 0;
    const occupied = presence.of(user).size > own || entering(user);
    return occupied ? refuse("already-logged-in") : outcome;
  }

  #admit(
    session: ServiceSession,
    outcome: Admission | Refusal,
    { unit, did }: { unit: Unit; did: string },
  ): void {
    if (isRefusal(outcome)) {
      unit.aftermath.push(() => {
        session.connection.deny(outcome, this.#options.now());
        this.#options.record(session, did, { refused: outcome.status });
        session.wake();
      });
      return;
    }
    unit.entering.add(outcome.user);
    unit.aftermath.push(() => this.#enter(session, outcome, did));
  }

  /** The unit is durable: the user comes in. */
  #enter(session: ServiceSession, { user, hash, token, forgotten }: Admission, did: string): void {
    const { log, presence, counters, now, clock, signedIn, end, record } = this.#options;
    counters.add("tokens", forgotten);
    const old = this.#holders.get(hash);
    // What a client sent before its link broke can arrive after its next link is in use.
    if (old !== undefined && old.order > session.order) return end(session, "replaced");
    const { name, role, banned } = log.view.user(user)!;
    // The ban can stand in the same unit, behind the sign-in.
    if (banned) {
      session.connection.deny(refuse("banned"), now());
      return session.wake();
    }
    session.connection.grant({ user: name, role, ...token !== undefined && { token } }, now());
    if (session.connection.state !== "ready") return;
    session.verifier = undefined;
    session.user = user;
    session.token = hash;
    session.present = true;
    signedIn(session);
    if (hash !== "") this.#holders.set(hash, session);
    presence.enter(session, clock());
    // The same token on a new link: the old link is dead, whether it knows it or not.
    if (old !== undefined) end(old, "replaced");
    record(session, did, session.connection.mode === "text" ? { by: "text" } : undefined);
    session.wake();
  }
}

/** Whether a token is of any use: a person at a terminal types the password each time. */
function isLasting(session: ServiceSession): boolean {
  return session.connection.mode === "frames";
}

/** Makes the admission of a service. */
export function createAdmissions(options: AdmissionOptions): Admissions {
  return new Porter(options);
}
