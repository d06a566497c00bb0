/**
 * What takes a password, in text mode: it is asked for on a line of its own, salted outside, and proved as
 * any client proves it, so that the server's rules about wrong passwords hold here too (DESIGN §5, §9).
 *
 * @module
 */

import { encodeBase64 } from "../base64.ts";
import type { Command } from "../forum/command.ts";
import { SCRAM_LIMITS } from "../scram.ts";
import { createScramClient } from "../scram_client.ts";
import { ask, type Asking, type SecretRequest } from "../terminal/asking.ts";
import { Refusing } from "../terminal/outcome.ts";
import { checkPassword } from "../text.ts";
import { createVerifier, type Verifier } from "../verifier.ts";

/** PBKDF2 rounds of a new password. */
const ITERATIONS = 600_000;

/** A password to be salted by PBKDF2, which is slow by design and left to the outside. */
export interface Salting {
  /** As `checkPassword` gives it. */
  readonly password: string;
  /** At least one byte. */
  readonly salt: Uint8Array;
  /** The number of rounds. */
  readonly iterations: number;
}

/** Something that the person is asked for, on a line of its own. */
export interface Question {
  /** A sentence for them. */
  readonly question: string;
}

/** What lines in text mode need: answered with a reply, with `{ line }` and with `{ salted }`. */
export type TextRequest = Command | Question | Salting;

/** Requests, one after another, and what comes of them in the end. */
export type TextAsking<T> = Generator<TextRequest, T, object>;

/** Fills an array with random bytes. */
export type Random = (out: Uint8Array) => void;

/** The salting of a new password, with a fresh salt. */
export function newSalting(password: string, random: Random): Salting {
  const salt = new Uint8Array(SCRAM_LIMITS.saltBytes);
  random(salt);
  return { password, salt, iterations: ITERATIONS };
}

/** What the server keeps of a password, as commands carry it. */
export function credentialOf({ salt, iterations, storedKey, serverKey }: Verifier): {
  salt: string;
  iterations: number;
  storedKey: string;
  serverKey: string;
} {
  return {
    salt: encodeBase64(salt),
    iterations,
    storedKey: encodeBase64(storedKey),
    serverKey: encodeBase64(serverKey),
  };
}

/** Does what a verb asks for, with the person's help where it takes a password. */
export function* withSecrets<T>(asking: Asking<T>, random: Random): TextAsking<T> {
  let step = asking.next();
  while (!step.done) {
    let reply: object;
    try {
      reply = "secret" in step.value ? yield* serve(step.value, random) : yield step.value;
    } catch (error) {
      step = asking.throw(error);
      continue;
    }
    step = asking.next(reply);
  }
  return step.value;
}

function serve({ secret }: SecretRequest, random: Random): TextAsking<object> {
  return secret === "password" ? changePassword(random) : proveAdmin(secret, random);
}

function* askPassword(question: string): TextAsking<string> {
  const { line } = (yield { question }) as { line?: string };
  if (line === undefined) throw new Refusing("bad-field", "No password was given.");
  const password = checkPassword(line);
  if (typeof password !== "string") throw new Refusing("bad-text", password.complaint);
  return password;
}

function* salt(salting: Salting): TextAsking<Uint8Array> {
  return ((yield salting) as { salted: Uint8Array }).salted;
}

function* proveAdmin(action: "shutdown" | "promote", random: Random): TextAsking<object> {
  const password = yield* askPassword(
    "Type the admin password; it can be seen as you type it. A blank line leaves it.",
  );
  const nonce = new Uint8Array(18);
  random(nonce);
  const scram = createScramClient({ user: "admin", nonce: encodeBase64(nonce) });
  const { scram: first } = yield* ask<"prove">({ op: "prove", scram: scram.first() });
  const challenge = scram.readServerFirst(first);
  if ("fault" in challenge) throw new Refusing("internal", challenge.text);
  const salted = yield* salt({ password, ...challenge });
  yield* ask<"admin">({ op: "admin", scram: scram.final(salted), action });
  return {};
}

function* changePassword(random: Random): TextAsking<object> {
  const password = yield* askPassword(
    "Type the new password; it can be seen as you type it. A blank line leaves the old one.",
  );
  if (password !== (yield* askPassword("Type the same password again."))) {
    throw new Refusing("bad-text", "The two passwords are not the same.");
  }
  const salting = newSalting(password, random);
  const verifier = createVerifier(yield* salt(salting), salting.salt, salting.iterations);
  yield* ask<"credential">({ op: "credential", ...credentialOf(verifier) });
  return {};
}
