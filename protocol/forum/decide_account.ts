/**
 * What becomes of a command that concerns an account: roles, bans, passwords; and how accounts are made (see
 * decide.ts).
 *
 * @module
 */

import { decodeBase64 } from "../base64.ts";
import { SCRAM_LIMITS } from "../scram.ts";
import { type Refusal, refuse } from "../status.ts";
import { checkName, fold } from "../text.ts";
import type { Ban, SetCredential, SetRole } from "./command.ts";
import { type Asking, type Decision, isRefusal, NONE, reason } from "./decision.ts";
import type { ForumEvent } from "./event.ts";
import { createPen } from "./pen.ts";
import { policy } from "./policy.ts";
import type { View } from "./state.ts";

/** Gives a role, bans, or lifts a ban. */
export function moderate(
  view: View,
  command: SetRole | Ban,
  { actor, at }: Asking,
): Decision | Refusal {
  const why = reason(command.why);
  if (isRefusal(why)) return why;
  const subject = view.user(fold(command.user));
  if (subject === undefined) {
    return refuse("unknown-user", `There is no user ${command.user}.`);
  }
  const refused = command.op === "role" ? policy.role(actor) : policy.ban(actor, subject);
  if (refused !== undefined) return refused;
  const pen = createPen(view, at, actor.user.name);
  if (command.op === "role") {
    if (subject.role === command.role) return refuse("no-change");
    pen.write("accounts", { kind: "user.role", user: subject.name, role: command.role, ...why });
  } else {
    if (subject.banned === command.on) return refuse("no-change");
    pen.write("accounts", { kind: "user.banned", user: subject.name, on: command.on, ...why });
  }
  return { events: pen.events, reply: NONE };
}

/** Whether keys and salt have the sizes that SCRAM-SHA-256 gives them here. */
function credentialFault({ salt, storedKey, serverKey }: Omit<SetCredential, "op">) {
  const sizes = [salt, storedKey, serverKey].map((text) => decodeBase64(text)?.length);
  // Salts of one length only: another would tell real accounts from the made-up ones.
  const { saltBytes, keyBytes } = SCRAM_LIMITS;
  return sizes[0] === saltBytes && sizes[1] === keyBytes && sizes[2] === keyBytes
    ? undefined
    : refuse(
      "bad-field",
      `The salt must have ${saltBytes} bytes and each key ${keyBytes}, in base64.`,
    );
}

/** Changes how the password of the one who asks is checked. */
export function changeCredential(
  view: View,
  command: SetCredential,
  { actor, at }: Asking,
): Decision | Refusal {
  const fault = credentialFault(command);
  if (fault !== undefined) return fault;
  const { salt, iterations, storedKey, serverKey } = command;
  const pen = createPen(view, at, actor.user.name);
  const user = actor.user.name;
  pen.write("secrets", { kind: "credential.set", user, salt, iterations, storedKey, serverKey });
  return { events: pen.events, reply: NONE };
}

/** A new account: its name and how its password will be checked. */
export interface Registration extends Omit<SetCredential, "op"> {
  /** The name as the user writes it. */
  readonly user: string;
}

/**
 * Decides a registration; it has no actor, since nobody is signed in yet.
 *
 * @example
 * ```ts
 * import { decideRegistration, isRefusal } from "./decide.ts";
 * import { createMemoryState } from "./memory_state.ts";
 * import { encodeBase64 } from "../base64.ts";
 * import { fold } from "../text.ts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const key = encodeBase64(new Uint8Array(32));
 * const outcome = decideRegistration(createMemoryState(fold), {
 *   user: "Yoda",
 *   salt: encodeBase64(new Uint8Array(16)),
 *   iterations: 600_000,
 *   storedKey: key,
 *   serverKey: key,
 * }, 5);
 * assert(!isRefusal(outcome));
 * assertEquals(outcome.events.map(({ kind }) => kind), ["user.registered", "credential.set"]);
 * ```
 */
export function decideRegistration(
  view: View,
  registration: Registration,
  at: number,
): { events: ForumEvent[]; user: string } | Refusal {
  const user = checkName(registration.user);
  if (typeof user !== "string") return refuse("bad-name", user.complaint);
  if (view.user(fold(user)) !== undefined) return refuse("user-exists");
  const fault = credentialFault(registration);
  if (fault !== undefined) return fault;
  const { salt, iterations, storedKey, serverKey } = registration;
  const pen = createPen(view, at, user);
  pen.write("accounts", { kind: "user.registered", user });
  pen.write("secrets", { kind: "credential.set", user, salt, iterations, storedKey, serverKey });
  return { events: pen.events, user };
}

/** Decides that somebody who has proved the admin password becomes an admin. */
export function decidePromotion(view: View, folded: string, at: number): ForumEvent[] {
  const user = view.user(folded);
  if (user === undefined || user.role === "admin") return [];
  const pen = createPen(view, at, user.name);
  pen.write("accounts", { kind: "user.role", user: user.name, role: "admin" });
  return pen.events;
}
