/**
 * Evolve: the only writer of the forum's state. One event in, a few records changed (DESIGN §6).
 *
 * @module
 */

import { fold } from "../text.ts";
import { type ForumEvent, scopeThread } from "./event.ts";
import type { State, Thread } from "./state.ts";

/**
 * Applies one event.
 *
 * The events of a scope must come in order; a gap or a repeat is the caller's mistake and throws.
 *
 * @example
 * ```ts
 * import { evolve } from "./evolve.ts";
 * import { createMemoryState } from "./memory_state.ts";
 * import { fold } from "../text.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const state = createMemoryState(fold);
 * evolve(state, { kind: "user.registered", scope: "accounts", seq: 1, at: 0, by: "", user: "Yoda" });
 * assertEquals(state.user("yoda")?.role, "member");
 * ```
 */
export function evolve(state: State, event: ForumEvent): void {
  const head = state.head(event.scope);
  if (event.seq !== head + 1) {
    throw new RangeError(`entry ${event.seq} of ${event.scope} cannot follow entry ${head}`);
  }
  state.advance(event.scope, event.seq, event.at);
  const thread = scopeThread(event.scope);
  if (thread > 0) evolveThread(state, thread, event);
  else evolveRest(state, event);
}

/** What happens in a thread's own scope. */
function evolveThread(state: State, number: number, event: ForumEvent): void {
  if (event.kind === "thread.opened") {
    state.putThread({
      number,
      title: event.title,
      owner: fold(event.by),
      private: event.private,
      direct: event.direct,
      members: event.members.map(fold),
      at: event.at,
      posts: 0,
      living: 0,
      lastAt: event.at,
    });
    return;
  }
  const thread = state.thread(number);
  if (thread === undefined) throw new RangeError(`thread ${number} is not open`);
  switch (event.kind) {
    case "thread.removed":
      state.dropThread(number);
      return;
    case "message.posted": {
      const ordinal = thread.posts + 1;
      state.putThread({ ...thread, posts: ordinal, living: thread.living + 1, lastAt: event.at });
      state.putMessage(number, {
        seq: event.seq,
        ordinal,
        author: fold(event.by),
        at: event.at,
        textSeq: event.seq,
        ...event.reply !== undefined && { reply: event.reply },
      }, event.text);
      if (event.mentions !== undefined) state.setMentions(number, event.seq, event.mentions);
      return;
    }
    case "message.edited": {
      const message = living(state, thread, event.message);
      state.erase(number, message.textSeq);
      state.putMessage(number, { ...message, textSeq: event.seq, editedAt: event.at }, event.text);
      state.setMentions(number, event.message, event.mentions ?? []);
      return;
    }
    case "message.deleted": {
      const message = living(state, thread, event.message);
      state.erase(number, message.textSeq);
      state.dropMessage(number, message);
      state.putThread({ ...thread, living: thread.living - 1 });
      return;
    }
    case "reaction.changed":
      state.setReaction(number, event.message, {
        emoji: event.emoji,
        user: fold(event.by),
        on: event.on,
      });
      return;
    case "file.shared": {
      const { seq, name, at, size, type, sha256 } = event;
      state.putFile(number, { seq, name, by: fold(event.by), at, size, type, sha256 });
      return;
    }
    case "file.removed": {
      const file = state.file(number, event.file);
      if (file === undefined) throw new RangeError(`thread ${number} has no file ${event.file}`);
      state.dropFile(number, file);
      return;
    }
    case "member.joined":
      state.putThread({ ...thread, members: [...thread.members, fold(event.user)] });
      return;
    case "member.left": {
      const gone = fold(event.user);
      state.putThread({ ...thread, members: thread.members.filter((name) => name !== gone) });
      return;
    }
  }
}

/** What happens in the other scopes. */
function evolveRest(state: State, event: ForumEvent): void {
  switch (event.kind) {
    case "user.registered":
      state.putUser(fold(event.user), {
        name: event.user,
        role: "member",
        banned: false,
        at: event.at,
      });
      return;
    case "user.role":
    case "user.banned": {
      const folded = fold(event.user);
      const user = state.user(folded);
      if (user === undefined) throw new RangeError(`there is no user ${event.user}`);
      state.putUser(
        folded,
        event.kind === "user.role" ? { ...user, role: event.role } : { ...user, banned: event.on },
      );
      return;
    }
    case "credential.set": {
      const { salt, iterations, storedKey, serverKey } = event;
      state.putCredential(fold(event.user), { salt, iterations, storedKey, serverKey });
      return;
    }
    case "thread.read":
      state.setMark(event.scope.slice("user/".length), event.thread, event.upto);
      return;
      // The others (thread.created, thread.removed, thread.entered, thread.left) tell followers of the
      // directory and of a user what the threads' own scopes have already done to the state.
  }
}

function living(state: State, thread: Thread, seq: number) {
  const message = state.message(thread.number, seq);
  if (message === undefined) throw new RangeError(`thread ${thread.number} has no message ${seq}`);
  return message;
}
