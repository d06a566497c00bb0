/**
 * What becomes of a command that concerns a thread as a whole: opening and removing it, its members, how far
 * somebody has read (see decide.ts).
 *
 * @module
 */

import { type Refusal, refuse } from "../status.ts";
import { checkTitle, fold } from "../text.ts";
import type { Create } from "./command.ts";
import { type Asking, type Decision, isRefusal, NONE, reason, type Scene } from "./decision.ts";
import { type ForumEvent, threadScope, userScope } from "./event.ts";
import { createPen } from "./pen.ts";
import { policy } from "./policy.ts";
import type { View } from "./state.ts";

/** How many may be in a private thread. */
export const MEMBERS_MAX = 64;
/** How many private threads and public ones there may be over a forum's life. */
export const THREADS_MAX = 1_000_000;

/** Opens the thread that somebody asked for. */
export function create(view: View, command: Create, { actor, at }: Asking): Decision | Refusal {
  const title = checkTitle(command.title);
  if (typeof title !== "string") return refuse("bad-name", title.complaint);
  const closed = command.private ?? false;
  if (!closed && command.members !== undefined && command.members.length > 0) {
    return refuse("bad-field", "Only a private thread has members.");
  }
  if (!closed && view.titled(fold(title)) !== undefined) return refuse("thread-exists");
  const members = [actor.name];
  for (const name of command.members ?? []) {
    const folded = fold(name);
    if (view.user(folded) === undefined) return refuse("unknown-user", `There is no user ${name}.`);
    if (!members.includes(folded)) members.push(folded);
  }
  if (members.length > MEMBERS_MAX) {
    return refuse("full", `A private thread holds at most ${MEMBERS_MAX} members.`);
  }
  return openThread(view, { title, closed, members, direct: false }, { actor, at });
}

/** A thread to be opened. */
export interface Opening {
  readonly title: string;
  /** Whether it is private. */
  readonly closed: boolean;
  /** Folded names, the owner's first; of no account for a public thread. */
  readonly members: readonly string[];
  readonly direct: boolean;
}

/** Opens a thread of somebody who may: its members are told, or everybody. */
export function openThread(
  view: View,
  opening: Opening,
  { actor, at }: Asking,
): Decision | Refusal {
  const thread = view.lastThread + 1;
  if (thread > THREADS_MAX) return refuse("full", "The forum has used up its thread numbers.");
  const { title, closed, members, direct } = opening;
  const pen = createPen(view, at, actor.user.name);
  pen.write(threadScope(thread), {
    kind: "thread.opened",
    thread,
    title,
    private: closed,
    members: closed ? members.map((name) => view.user(name)?.name ?? name) : [],
    direct,
  });
  if (!closed) pen.write("directory", { kind: "thread.created", thread, title });
  else {
    for (const name of members) {
      pen.write(userScope(name), { kind: "thread.entered", thread, title });
    }
  }
  return { events: pen.events, reply: { thread } };
}

/** Decides that the server opens a public thread of its own, as the lobby. */
export function decideOpening(view: View, title: string, at: number): ForumEvent[] {
  const thread = view.lastThread + 1;
  const pen = createPen(view, at, "");
  pen.write(threadScope(thread), {
    kind: "thread.opened",
    thread,
    title,
    private: false,
    members: [],
    direct: false,
  });
  pen.write("directory", { kind: "thread.created", thread, title });
  return pen.events;
}

/** Removes a thread with all that it holds. */
export function remove(
  { actor, thread, pen }: Scene,
  given: string | undefined,
): Decision | Refusal {
  const why = reason(given);
  if (isRefusal(why)) return why;
  const refused = policy.remove(actor, thread);
  if (refused !== undefined) return refused;
  const { number, title } = thread;
  const removed = { kind: "thread.removed", thread: number, title, ...why } as const;
  pen.write(threadScope(number), removed);
  if (!thread.private) pen.write("directory", removed);
  else {
    for (const name of thread.members) {
      pen.write(userScope(name), { kind: "thread.left", thread: number });
    }
  }
  return { events: pen.events, reply: NONE };
}

/** Lets somebody into a private thread. */
export function invite({ view, actor, thread, pen }: Scene, name: string): Decision | Refusal {
  const refused = policy.invite(actor, thread);
  if (refused !== undefined) return refused;
  const folded = fold(name);
  const user = view.user(folded);
  if (user === undefined) return refuse("unknown-user", `There is no user ${name}.`);
  if (thread.members.includes(folded)) {
    return refuse("no-change", `${user.name} is a member already.`);
  }
  if (thread.members.length >= MEMBERS_MAX) {
    return refuse("full", `A private thread holds at most ${MEMBERS_MAX} members.`);
  }
  const { number, title } = thread;
  pen.write(threadScope(number), { kind: "member.joined", user: user.name });
  pen.write(userScope(folded), { kind: "thread.entered", thread: number, title });
  return { events: pen.events, reply: NONE };
}

/** Puts somebody out of a private thread, or lets them leave. */
export function expel(
  { view, actor, thread, pen }: Scene,
  name: string,
  given: string | undefined,
): Decision | Refusal {
  const why = reason(given);
  if (isRefusal(why)) return why;
  const folded = fold(name);
  const refused = policy.expel(actor, thread, folded);
  if (refused !== undefined) return refused;
  if (!thread.members.includes(folded)) return refuse("unknown-user", `${name} is not a member.`);
  const user = view.user(folded)?.name ?? name;
  pen.write(threadScope(thread.number), { kind: "member.left", user, ...why });
  pen.write(userScope(folded), { kind: "thread.left", thread: thread.number });
  return { events: pen.events, reply: NONE };
}

/** Notes that everything up to an entry has been read. */
export function mark({ view, actor, thread, pen }: Scene, given: number): Decision | Refusal {
  const upto = Math.min(given, view.head(threadScope(thread.number)));
  const now = view.mark(actor.name, thread.number);
  // Reading is told often and means little: only a step forward is worth an entry.
  if (upto <= now) return { events: [], reply: { upto: now } };
  pen.write(userScope(actor.name), { kind: "thread.read", thread: thread.number, upto });
  return { events: pen.events, reply: { upto } };
}
