/**
 * Attempts to sign in: what a connection asks for before somebody is let in, and what each attempt costs
 * and counts (DESIGN §5; docs/PROTOCOL.md, "Limits of operation").
 *
 * An attempt that may be made becomes a job, which admission.ts does; one that may not is refused here.
 *
 * @module
 */

import type { Register } from "../protocol/body.ts";
import { type Refusal, refuse } from "../protocol/status.ts";
import { fold } from "../protocol/text.ts";
import type { Salting } from "../protocol/text_mode/secrets.ts";
import { isLoopback, networkOf } from "./address.ts";
import type { Counters } from "./counters.ts";
import type { Door } from "./door.ts";
import type { Job } from "./job.ts";
import type { Log } from "./log/log.ts";
import { type Salter, TYPED_ITERATIONS_MAX } from "./salter.ts";
import type { ServiceSession } from "./session.ts";
import type { SignIn } from "./sign_in.ts";

/** Why a password is not checked that would take the server long. */
const SLOW =
  "The password of this account takes too long to be checked here. Sign in with a client, " +
  "which does that itself.";
const CROWDED = "Too many passwords are being checked at the moment. Try again in a few seconds.";

/** What attempts need of the service. */
export interface AttemptsOptions {
  readonly log: Log;
  readonly signIn: SignIn;
  readonly door: Pick<Door<ServiceSession>, "signIn">;
  /** Salts what is typed; without it nothing is. */
  readonly salter: Salter | undefined;
  readonly counters: Counters;
  /** The sessions' clock, in ms. */
  readonly now: () => number;
  readonly queue: (session: ServiceSession, job: Job) => void;
  readonly record: (
    session: ServiceSession,
    did: string,
    about: Record<string, string | boolean>,
  ) => void;
}

/** Takes attempts, each on the connection that asks. */
export interface Attempts {
  /** Says what the password of a user is proved against, or that they may not try. */
  verifier(session: ServiceSession, user: string): void;
  /** Salts a password that was typed. */
  salt(session: ServiceSession, salting: Salting): void;
  /** A proof was wrong. */
  disproved(session: ServiceSession, user: string): void;
  /** Somebody comes back with a token. */
  resume(session: ServiceSession, token: string): void;
  /** Somebody wants an account. */
  register(session: ServiceSession, registration: Register): void;
}

class CountedAttempts implements Attempts {
  readonly #options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  verifier(session: ServiceSession, user: string): void {
    const { signIn, now } = this.#options;
    const { connection, source } = session;
    const refusal = this.#barred(session) ?? signIn.locked(user, source);
    if (connection.mode === "text") {
      if (signIn.free(user)) return connection.provideVerifier(undefined, now(), refusal);
      const verifier = signIn.verifier(user);
      session.verifier = verifier;
      const slow = verifier.iterations > TYPED_ITERATIONS_MAX
        ? refuse("not-allowed", SLOW)
        : undefined;
      return connection.provideVerifier(verifier, now(), refusal ?? slow);
    }
    if (refusal !== undefined) return connection.deny(refusal, now());
    session.verifier = signIn.verifier(user);
    connection.provideVerifier(session.verifier, now());
  }

  salt(session: ServiceSession, salting: Salting): void {
    const { salter, counters, now } = this.#options;
    const { connection, source } = session;
    if (connection.mode !== "text") return;
    // Who is signing in has been counted by name; each password that is typed after that counts too.
    const barred = session.present ? this.#barred(session) : undefined;
    if (barred !== undefined) return connection.deny(barred, now());
    const taken = salter?.salt({
      salting,
      // Those on this machine, or behind a proxy on it, are many.
      whose: isLoopback(source) ? undefined : networkOf(source),
      wanted: () => !session.over,
      done: (salted) => {
        if (salted === undefined) connection.deny(refuse("internal"), now());
        else connection.provideSaltedPassword(salted, now());
        session.wake();
      },
    });
    if (taken) return;
    counters.add("sign-in-rate");
    connection.deny(refuse("sign-in-rate", CROWDED), now());
  }

  disproved(session: ServiceSession, user: string): void {
    const { log, record, queue } = this.#options;
    // A name that nobody has may be a password in the wrong place.
    const known = log.view.user(fold(user)) !== undefined;
    record(session, "wrong-password", known ? { user } : { unknown: true });
    queue(session, { kind: "failed", user });
  }

  resume(session: ServiceSession, token: string): void {
    const { queue, now } = this.#options;
    if (session.exposed) session.connection.deny(refuse("insecure"), now());
    else queue(session, { kind: "resume", token });
  }

  register(session: ServiceSession, registration: Register): void {
    const { queue, now } = this.#options;
    const refusal = this.#barred(session);
    if (refusal !== undefined) session.connection.deny(refusal, now());
    else queue(session, { kind: "register", registration });
  }

  /** Why nobody may try to sign in on this connection now. */
  #barred({ source, exposed }: ServiceSession): Refusal | undefined {
    const { door, counters, now } = this.#options;
    if (exposed) return refuse("insecure");
    const refusal = door.signIn(source, now());
    if (refusal !== undefined) counters.add("sign-in-rate");
    return refusal;
  }
}

/** Makes what takes the attempts of a service. */
export function createAttempts(options: AttemptsOptions): Attempts {
  return new CountedAttempts(options);
}
