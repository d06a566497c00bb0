/**
 * Asking: how the verbs talk to a forum without knowing who carries what they ask. A verb is a generator
 * that gives out one request after another and is resumed with the reply; a refusal is thrown into it.
 * The terminal client answers over its connection, text mode within the server.
 *
 * @module
 */

import type { Command, Op } from "../forum/command.ts";
import type { Reply } from "../forum/reply.ts";

/** What takes a password that the person is asked for: to shut the server down, to be an admin, to have a new one. */
export interface SecretRequest {
  /** What it is for. It is answered with an object without fields. */
  readonly secret: "shutdown" | "promote" | "password";
}

/** What a verb asks for: a command of the protocol, or something that takes a password. */
export type Request = Command | SecretRequest;

/** Requests, one after another, and what comes of them in the end. */
export type Asking<T> = Generator<Request, T, object>;

/**
 * Asks for one command.
 *
 * @example
 * ```ts
 * import { ask } from "./asking.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const asking = ask({ op: "create", title: "The Force" });
 * assertEquals(asking.next().value, { op: "create", title: "The Force" });
 * assertEquals(asking.next({ thread: 3 }), { done: true, value: { thread: 3 } });
 * ```
 */
export function* ask<O extends Op>(
  command: Extract<Command, { op: O }>,
): Generator<Command, Reply<O>, object> {
  return (yield command) as Reply<O>;
}

/** Asks for what takes a password. */
export function* askSecret(secret: SecretRequest["secret"]): Asking<void> {
  yield { secret };
}
