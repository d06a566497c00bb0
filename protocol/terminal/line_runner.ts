/**
 * The line runner: runs one parsed line against the forum and says what became of it. What the verbs do
 * is in message_verbs.ts and forum_verbs.ts; which thread and message is meant, in resolve.ts.
 *
 * @module
 */

import { isBareText, isLineFault, type Line } from "../verb_line.ts";
import type { VerbCall } from "../verbs.ts";
import type { Asking } from "./asking.ts";
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

/** What a line runner works with. */
export type RunnerOptions = Omit<Workbench, "resolver">;

/** Runs lines. */
export interface LineRunner {
  /** Runs a line; run one after another. What the line asked for and did not get is data. */
  run(line: Line): Asking<Outcome>;
}

/**
 * Creates a line runner.
 *
 * @example
 * ```ts
 * import { createDirectory } from "./directory.ts";
 * import { createJoined } from "./joined.ts";
 * import { createNumbers } from "./numbers.ts";
 * import { createLineRunner } from "./line_runner.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const runner = createLineRunner({
 *   user: "Yoda",
 *   directory: createDirectory("Yoda"),
 *   numbers: createNumbers(),
 *   joined: createJoined(),
 *   attended: false,
 *   now: () => 0,
 *   lacking: {},
 * });
 * const running = runner.run({ verb: "CRT", title: "The Force" });
 * assertEquals(running.next().value, { op: "create", title: "The Force" });
 * const { value } = running.next({ thread: 3 });
 * assertEquals(value, { ok: true, command: "CRT", result: { thread: 3, title: "The Force" } });
 * ```
 */
export function createLineRunner(options: RunnerOptions): LineRunner {
  const bench: Workbench = { ...options, resolver: createResolver(options) };
  const { post, ...messages } = messageVerbs(bench);
  const handlers: Handlers = { ...messages, ...forumVerbs(bench) };

  function* attempt<V extends RunnableVerb>(
    command: V,
    action: () => Asking<Results[V]> | Results[V],
  ): Asking<Outcome> {
    try {
      const begun = action();
      const result = isAsking(begun) ? yield* begun : begun;
      return { ok: true, command, result } as Done;
    } catch (error) {
      return failure(command, error);
    }
  }

  function* run<V extends RunnableVerb>(call: VerbCall<V>): Asking<Outcome> {
    const lacking = options.lacking[call.verb];
    if (lacking !== undefined) return failed(call.verb, "not-allowed", lacking);
    const handler = handlers[call.verb as V] as Handlers[V] | undefined;
    if (handler === undefined) return failed(call.verb, "invalid-command");
    return yield* attempt(call.verb as V, () => handler(call));
  }

  return {
    *run(line) {
      if (isLineFault(line)) {
        const lacking = options.lacking[line.word as VerbCall["verb"]];
        return lacking === undefined
          ? failed(line.word, line.status, line.complaint)
          : failed(line.word, "not-allowed", lacking);
      }
      if (!isBareText(line)) return yield* run(line as VerbCall<RunnableVerb>);
      const thread = options.joined.current;
      return thread === undefined
        ? failed(line.word, "invalid-command", line.complaint)
        : yield* attempt("MSG", () => post(thread, line.text));
    },
  };
}

function isAsking<T>(begun: Asking<T> | T): begun is Asking<T> {
  return typeof begun === "object" && begun !== null && Symbol.iterator in begun;
}
