/**
 * Somebody who signs in in text mode: the name and the password that were typed, and what is known of the account.
 *
 * @module
 */

import { equalBytes } from "../scram.ts";
import type { Refusal } from "../status.ts";
import { createVerifier, type Verifier } from "../verifier.ts";
import { newSalting, type Random, type Salting } from "./secrets.ts";
import type { Typed } from "./unsigned_line.ts";

/** What a salted password turns out to be. */
export type Judgement =
  | { readonly input: "new-password"; readonly verifier: Verifier }
  | { readonly input: "right-password" | "wrong-password" };

/** One attempt to sign in. */
export class TextSignIn {
  user = "";
  /** A new one, which is to be repeated. */
  password = "";
  /** What the account's password is looked at by; without it there is no account yet. */
  verifier: Verifier | undefined;
  /** Why this user is not let in, whatever the password. */
  barred: Refusal | undefined;

  /** A password was typed: it does not matter which one, if this user is not let in. */
  unlessBarred(typed: Typed): Typed {
    if (typed.input !== "password" || this.barred === undefined) return typed;
    return { input: "barred-password", refusal: this.barred };
  }

  /** The salting of a password that belongs to the account, or makes it. */
  saltingOf(password: string, random: Random): Salting {
    if (this.verifier === undefined) return newSalting(password, random);
    const { salt, iterations } = this.verifier;
    return { password, salt, iterations };
  }

  /** Whether the password fits, if there is anything that it must fit. */
  judge(salted: Uint8Array, { salt, iterations }: Salting): Judgement {
    const made = createVerifier(salted, salt, iterations);
    if (this.verifier === undefined) return { input: "new-password", verifier: made };
    return equalBytes(made.storedKey, this.verifier.storedKey)
      ? { input: "right-password" }
      : { input: "wrong-password" };
  }

  /** Forgets all of it. */
  forget(): void {
    this.user = this.password = "";
    this.verifier = this.barred = undefined;
  }
}
