/**
 * The console's session: runs one parsed line against the forum and says what became of it. What the
 * verbs do is in message_verbs.ts and forum_verbs.ts; which thread and message is meant, in resolve.ts.
 *
 * @module
 */

import { isBareText, isLineFault, type Line } from "../../protocol/verb_line.ts";
import type { VerbCall } from "../../protocol/verbs.ts";
import { forumVerbs } from "./forum_verbs.ts";
import { messageVerbs } from "./message_verbs.ts";
import {
  type Done,
  failed,
  failure,
  type Outcome,
  type Results,
  type RunnableVerb,
} from "./outcome.ts";
import { createResolver } from "./resolve.ts";
import type { Handlers, Workbench } from "./verb_handler.ts";

/** What a session works with. */
export type SessionOptions = Omit<Workbench, "resolver">;

/** Runs lines. */
export interface Session {
  /** Runs a line; run one after another. What the line asked for and did not get is data. */
  run(line: Line): Promise<Outcome>;
}

/**
 * Creates a session.
 *
 * @example
 * ```ts
 * import { createDirectory } from "./directory.ts";
 * import { createJoined } from "./joined.ts";
 * import { createNumbers } from "./numbers.ts";
 * import { createSession, type SessionOptions } from "./session.ts";
 * import { assert } from "@std/assert";
 *
 * const client = { user: "Yoda", command: () => Promise.resolve({ thread: 3 }) };
 * const session = createSession({
 *   client: client as unknown as SessionOptions["client"],
 *   directory: createDirectory("Yoda"),
 *   numbers: createNumbers(),
 *   joined: createJoined(client as unknown as SessionOptions["client"]),
 *   secrets: { adminPassword: async () => undefined, newPassword: async () => undefined },
 *   attended: false,
 *   now: () => 0,
 * });
 * const outcome = await session.run({ verb: "CRT", title: "The Force" });
 * assert(outcome.ok && outcome.command === "CRT" && outcome.result.thread === 3);
 * ```
 */
export function createSession(options: SessionOptions): Session {
  const bench: Workbench = { ...options, resolver: createResolver(options) };
  const { post, ...messages } = messageVerbs(bench);
  const handlers: Handlers = { ...messages, ...forumVerbs(bench) };

  async function attempt<V extends RunnableVerb>(
    command: V,
    action: () => Promise<Results[V]> | Results[V],
  ): Promise<Outcome> {
    try {
      return { ok: true, command, result: await action() } as Done;
    } catch (error) {
      return failure(command, error);
    }
  }

  function run<V extends RunnableVerb>(call: VerbCall<V>): Promise<Outcome> {
    const handler = (handlers as Partial<Handlers<RunnableVerb>>)[call.verb as V];
    if (handler === undefined) return Promise.resolve(failed(call.verb, "invalid-command"));
    return attempt(call.verb as V, () => handler(call));
  }

  return {
    run(line) {
      if (isLineFault(line)) return Promise.resolve(failed(line.word, line.status, line.complaint));
      if (!isBareText(line)) return run(line as VerbCall<RunnableVerb>);
      const thread = options.joined.current;
      return thread === undefined
        ? Promise.resolve(failed(line.word, "invalid-command", line.complaint))
        : attempt("MSG", () => post(thread, line.text));
    },
  };
}
