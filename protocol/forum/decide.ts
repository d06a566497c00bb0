/**
 * Decide: a command becomes events, or a refusal (DESIGN §6).
 *
 * This is the only place that says what a change does: here who asks and what they ask of are looked up,
 * and the command goes to decide_thread.ts, decide_message.ts, decide_file.ts or decide_account.ts.
 * Deciding looks at a {@linkcode View}, writes nothing, and gives complete entries: scope, sequence number
 * and time are in them. Whoever calls it stores the events and applies them with evolve before the next command is decided.
 *
 * @module
 */

import { type Refusal, refuse } from "../status.ts";
import type { Change } from "./command.ts";
import { changeCredential, moderate } from "./decide_account.ts";
import { upload, withdraw } from "./decide_file.ts";
import { edit, erase, post, react, tell } from "./decide_message.ts";
import { create, expel, invite, mark, remove } from "./decide_thread.ts";
import type { Context, Decision, Scene } from "./decision.ts";
import { createPen } from "./pen.ts";
import { type Actor, maySee } from "./policy.ts";
import type { View } from "./state.ts";

export { decidePromotion, decideRegistration, type Registration } from "./decide_account.ts";
export { FILES_MAX } from "./decide_file.ts";
export { EMOJIS_MAX } from "./decide_message.ts";
export { decideOpening, MEMBERS_MAX, THREADS_MAX } from "./decide_thread.ts";
export { type Content, type Context, type Decision, isRefusal, type Quota } from "./decision.ts";

/**
 * Decides a command. What it refuses, it refuses with a status and a sentence; it never throws.
 *
 * @example
 * ```ts
 * import { decide, isRefusal } from "./decide.ts";
 * import { createMemoryState } from "./memory_state.ts";
 * import { evolve } from "./evolve.ts";
 * import { fold } from "../text.ts";
 * import { assert } from "@std/assert";
 *
 * const state = createMemoryState(fold);
 * evolve(state, { kind: "user.registered", scope: "accounts", seq: 1, at: 0, by: "", user: "Yoda" });
 * const outcome = decide(state, { op: "create", title: "The Force" }, { user: "yoda", at: 5 });
 * assert(!isRefusal(outcome));
 * for (const event of outcome.events) evolve(state, event);
 * assert(state.thread(1)?.title === "The Force");
 * ```
 */
export function decide(view: View, command: Change, context: Context): Decision | Refusal {
  const user = view.user(context.user);
  if (user === undefined) return refuse("unknown-user");
  if (user.banned) return refuse("banned");
  const actor: Actor = { name: context.user, user };
  switch (command.op) {
    case "create":
      return create(view, command, { actor, at: context.at });
    case "tell":
      return tell(view, command, { actor, at: context.at });
    case "role":
    case "ban":
      return moderate(view, command, { actor, at: context.at });
    case "credential":
      return changeCredential(view, command, { actor, at: context.at });
  }
  const thread = view.thread(command.thread);
  if (thread === undefined || !maySee(actor.name, thread)) return refuse("no-thread");
  const pen = createPen(view, context.at, user.name);
  const scene: Scene = { view, actor, thread, pen };
  switch (command.op) {
    case "post":
      return post(scene, command);
    case "remove":
      return remove(scene, command.why);
    case "invite":
      return invite(scene, command.user);
    case "expel":
      return expel(scene, command.user, command.why);
    case "mark":
      return mark(scene, command.upto);
    case "upload":
      return upload(scene, command, context);
    case "withdraw":
      return withdraw(scene, command);
    default: {
      const message = view.message(thread.number, command.message);
      if (message === undefined) return refuse("no-message");
      switch (command.op) {
        case "edit":
          return edit(scene, message, command.text);
        case "delete":
          return erase(scene, message, command.why);
        case "react":
          return react(scene, message, command);
      }
    }
  }
}
