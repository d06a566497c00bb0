/**
 * Signing in, as the service sees it: verifiers, lock-outs, tokens, new accounts (DESIGN §5).
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64 } from "../protocol/base64.ts";
import { decideRegistration, isRefusal } from "../protocol/forum/decide.ts";
import type { View } from "../protocol/forum/state.ts";
import type { Register } from "../protocol/body.ts";
import { failed, lockedFor, type LockoutOptions } from "../protocol/lockout.ts";
import { equalBytes } from "../protocol/scram.ts";
import { type Refusal, refuse } from "../protocol/status.ts";
import { fold } from "../protocol/text.ts";
import { fakeVerifier, hmacSha256, type Verifier } from "../protocol/verifier.ts";
import { networkOf } from "./address.ts";
import type { OperationLimits } from "./limits.ts";
import type { Log, Transaction } from "./log/log.ts";

/** How long a token signs in after its last use, in ms: 30 days. */
export const TOKEN_LIFE = 30 * 24 * 60 * 60 * 1000;
/** PBKDF2 rounds for new passwords, and for the made-up verifiers of users who do not exist. */
export const ITERATIONS = 600_000;

/** What signing in needs. */
export interface SignInOptions {
  readonly log: Log;
  readonly random: (out: Uint8Array) => void;
  /** The people's clock, ms since 1970. */
  readonly clock: () => number;
  readonly registration: "open" | "closed";
  readonly lockout: LockoutOptions;
  /** Refuse a second session of an account. */
  readonly singleSession: boolean;
}

/** Somebody may come in. */
export interface Admission {
  /** The folded name. */
  readonly user: string;
  /** What the session is remembered by: the hash of its token; `""` where it has none. */
  readonly hash: string;
  /** The token, if it is new. */
  readonly token?: string;
  /** How many older tokens had to go for it. */
  readonly forgotten: number;
}

/** Signing in. */
export interface SignIn {
  /** The verifier of a user, or a made-up one. */
  verifier(user: string): Verifier;
  /** The refusal that somebody who is locked out gets, or `undefined`. */
  locked(user: string, source: string): Refusal | undefined;
  /** The password was proved. `occupied` says whether the account is in use. */
  enter(tx: Transaction, user: string, at: Place): Admission | Refusal;
  resume(tx: Transaction, token: string): Admission | Refusal;
  /** Makes an account; `lasting` as in {@linkcode Place}. */
  register(tx: Transaction, registration: Register, lasting: boolean): Admission | Refusal;
  /** A wrong password was tried. Says how many other lock-outs had to be forgotten for this one. */
  failed(tx: Transaction, user: string, source: string): number;
  /** The password was proved: failures from there are forgotten. */
  forgive(tx: Transaction, user: string, source: string): void;
  /** Whether nobody has this name, and somebody may take it. */
  free(user: string): boolean;
  /** Drops all tokens of a user but one, named by its hash. */
  keepOnly(tx: Transaction, user: string, hash: string): void;
}

/** Where somebody wants to come in. */
export interface Place {
  readonly source: string;
  readonly occupied: boolean;
  /** What the password was proved against. */
  readonly verifier: Verifier;
  /** Whether a token is wanted, to sign in again with. */
  readonly lasting: boolean;
}

class Gate implements SignIn {
  readonly #options: SignInOptions;
  readonly #limits: KeptLimits;
  readonly #secret: Uint8Array;

  constructor(options: SignInOptions, limits: KeptLimits, secret: Uint8Array) {
    this.#options = options;
    this.#limits = limits;
    this.#secret = secret;
  }

  verifier(user: string): Verifier {
    const folded = fold(user);
    const { log } = this.#options;
    // Made for everybody: how long it takes must not tell who exists.
    const fake = fakeVerifier(this.#secret, folded, ITERATIONS);
    const credential = log.credential(folded);
    if (credential === undefined) return fake;
    const { salt, iterations, storedKey, serverKey } = credential;
    return {
      salt: decodeBase64(salt)!,
      iterations,
      storedKey: decodeBase64(storedKey)!,
      serverKey: decodeBase64(serverKey)!,
    };
  }

  free(user: string): boolean {
    const { log, registration } = this.#options;
    return registration === "open" && log.view.user(fold(user)) === undefined;
  }

  locked(user: string, source: string): Refusal | undefined {
    const { log, clock, lockout } = this.#options;
    const record = log.lockout(lockoutId(this.#secret, user, source));
    const wait = record === undefined ? 0 : lockedFor(record, clock(), lockout);
    if (wait <= 0) return undefined;
    const text = `Too many wrong passwords. Try again in ${Math.ceil(wait / 1000)} s.`;
    return refuse("locked-out", text, { wait });
  }

  enter(tx: Transaction, user: string, place: Place): Admission | Refusal {
    const { source, occupied, verifier, lasting } = place;
    const folded = fold(user);
    // Asked again: many proofs can be under way at once.
    const locked = this.locked(folded, source);
    if (locked !== undefined) return locked;
    const barred = barredFrom(tx.view, folded);
    if (barred !== undefined) return barred;
    // A proof can be slow, and the password may have been changed since, because the old one got about.
    const kept = this.#options.log.credential(folded)?.storedKey ?? "";
    if (!equalBytes(decodeBase64(kept)!, verifier.storedKey)) return refuse("wrong-password");
    if (occupied && this.#options.singleSession) return refuse("already-logged-in");
    this.forgive(tx, folded, source);
    return this.#admit(tx, folded, lasting);
  }

  resume(tx: Transaction, token: string): Admission | Refusal {
    const { log, clock } = this.#options;
    const hash = tokenHash(token);
    const kept = log.token(hash);
    const now = clock();
    if (kept === undefined || kept.expires <= now) return refuse("expired");
    const barred = barredFrom(tx.view, kept.user);
    if (barred !== undefined) return barred;
    // Each use prolongs it, but writing that down once a day is enough.
    if (kept.expires - now < TOKEN_LIFE - 24 * 60 * 60 * 1000) {
      tx.putToken(hash, { user: kept.user, expires: now + TOKEN_LIFE });
    }
    return { user: kept.user, hash, forgotten: 0 };
  }

  register(tx: Transaction, registration: Register, lasting: boolean): Admission | Refusal {
    if (this.#options.registration === "closed") return refuse("registration-closed");
    const decided = decideRegistration(tx.view, registration, this.#options.clock());
    if (isRefusal(decided)) return decided;
    tx.append(decided.events);
    return this.#admit(tx, fold(decided.user), lasting);
  }

  #admit(tx: Transaction, user: string, lasting: boolean): Admission {
    if (!lasting) return { user, hash: "", forgotten: 0 };
    const bytes = new Uint8Array(32);
    this.#options.random(bytes);
    const token = encodeBase64(bytes);
    const hash = tokenHash(token);
    // Before the new one comes: it is not to be among them.
    const forgotten = tx.trimTokens(user, this.#limits.tokens - 1);
    tx.putToken(hash, { user, expires: this.#options.clock() + TOKEN_LIFE });
    return { user, hash, token, forgotten };
  }

  forgive(tx: Transaction, user: string, source: string): void {
    const id = lockoutId(this.#secret, user, source);
    if (this.#options.log.lockout(id) !== undefined) tx.putLockout(id, undefined);
  }

  failed(tx: Transaction, user: string, source: string): number {
    const { log, clock, lockout } = this.#options;
    const id = lockoutId(this.#secret, user, source);
    const kept = log.lockout(id);
    // Names that nobody has can be tried for ever: they must not fill the disk.
    const forgotten = kept === undefined ? tx.trimLockouts(this.#limits.lockouts - 1) : 0;
    tx.putLockout(id, failed(kept, clock(), lockout));
    return forgotten;
  }

  keepOnly(tx: Transaction, user: string, hash: string): void {
    tx.dropTokens(user);
    if (hash === "") return;
    tx.putToken(hash, { user, expires: this.#options.clock() + TOKEN_LIFE });
  }
}

function barredFrom(view: View, folded: string): Refusal | undefined {
  const user = view.user(folded);
  if (user === undefined) return refuse("wrong-password");
  return user.banned ? refuse("banned") : undefined;
}

/**
 * Failures count for a user from one network, so that a stranger elsewhere cannot lock the owner out, and
 * one with many addresses gets no more attempts by them. Only a hash is kept: a name that nobody has may be
 * a password that was typed in the wrong place.
 */
export function lockoutId(secret: Uint8Array, user: string, source: string): string {
  return encodeBase64(hmacSha256(secret, `lock-out ${fold(user)} ${networkOf(source)}`));
}

/** What is stored of a token: who reads the store cannot sign in with it. */
function tokenHash(token: string): string {
  return encodeBase64(sha256(new TextEncoder().encode(token)));
}

/** How much is kept. */
type KeptLimits = Pick<OperationLimits, "tokens" | "lockouts">;

/** Makes the gate. The secret behind made-up salts is made once and kept. */
export function createSignIn(options: SignInOptions, limits: KeptLimits): SignIn {
  const { log, random } = options;
  let secret = decodeBase64(log.setting("fake-salt-secret") ?? "");
  if (secret === undefined || secret.length === 0) {
    const made = new Uint8Array(32);
    random(made);
    secret = made;
    log.transact((tx) => tx.putSetting("fake-salt-secret", encodeBase64(made)), () => {});
  }
  return new Gate(options, limits, secret);
}
