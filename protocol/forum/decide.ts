/**
 * Decide: a command becomes events, or a refusal (DESIGN §6).
 *
 * This is the only place that says what a change does. It looks at a {@linkcode View}, writes nothing,
 * and gives complete entries: scope, sequence number and time are in them. Whoever calls it stores the
 * events and applies them with evolve before the next command is decided.
 *
 * @module
 */

import { decodeBase64 } from "../base64.ts";
import { SCRAM_LIMITS } from "../scram.ts";
import { type Refusal, refuse } from "../status.ts";
import {
  checkBody,
  checkName,
  checkReaction,
  checkTitle,
  checkWhy,
  fold,
  mentions,
} from "../text.ts";
import type { Change, Create, Post, SetCredential, Tell } from "./command.ts";
import { type ForumEvent, threadScope, userScope } from "./event.ts";
import { type Actor, maySee, policy } from "./policy.ts";
import type { Reply } from "./reply.ts";
import type { Message, Thread, View } from "./state.ts";

/** How many may be in a private thread. */
export const MEMBERS_MAX = 64;
/** How many different emoji may be put on one message. */
export const EMOJIS_MAX = 20;
/** How many private threads and public ones there may be over a forum's life. */
export const THREADS_MAX = 1_000_000;

/** Who asks, and when. */
export interface Context {
  /** The folded name of a signed-in user. */
  readonly user: string;
  /** Now, in ms since 1970. Entries never go back in time: an earlier one is taken for the last entry's. */
  readonly at: number;
}

/** What happens: events in order, and the reply. Without events nothing changes. */
export interface Decision {
  readonly events: readonly ForumEvent[];
  readonly reply: Reply<Change["op"]>;
}

type Draft = ForumEvent extends infer E
  ? E extends ForumEvent ? Omit<E, "scope" | "seq" | "at" | "by"> : never
  : never;

/** Collects the events of one command and numbers them. */
interface Pen {
  readonly events: ForumEvent[];
  write(scope: string, draft: Draft): number;
}

function createPen(view: View, at: number, by: string): Pen {
  const events: ForumEvent[] = [];
  return {
    events,
    write(scope, draft) {
      let seq = view.head(scope) + 1;
      for (const event of events) if (event.scope === scope) seq++;
      events.push({ scope, seq, at, by, ...draft } as ForumEvent);
      return seq;
    },
  };
}

/** Whether a decision is a refusal. */
export function isRefusal(outcome: object): outcome is Refusal {
  return "status" in outcome;
}

const NONE: Record<string, never> = {};

/**
 * Decides a command.
 *
 * @example
 * ```ts
 * import { decide, isRefusal } from "./decide.ts";
 * import { createMemoryState } from "./state.ts";
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
      return account(view, command, { actor, at: context.at });
    case "credential":
      return credential(view, command, { actor, at: context.at });
  }
  const thread = view.thread(command.thread);
  if (thread === undefined || !maySee(actor.name, thread)) return refuse("no-thread");
  // A clock that was set back must not put entries before those that are there.
  const at = Math.max(context.at, thread.lastAt);
  const scene: Scene = { view, actor, thread, at, pen: createPen(view, at, user.name) };
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

/** What deciding within a thread needs. */
interface Scene {
  readonly view: View;
  readonly actor: Actor;
  readonly thread: Thread;
  readonly at: number;
  readonly pen: Pen;
}

interface Asking {
  readonly actor: Actor;
  readonly at: number;
}

function create(view: View, command: Create, { actor, at }: Asking): Decision | Refusal {
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
  return open(view, { title, closed, members, direct: false }, { actor, at });
}

interface Opening {
  readonly title: string;
  readonly closed: boolean;
  readonly members: readonly string[];
  readonly direct: boolean;
}

function open(view: View, opening: Opening, { actor, at }: Asking): Decision | Refusal {
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

function tell(view: View, command: Tell, { actor, at }: Asking): Decision | Refusal {
  const other = fold(command.user);
  const user = view.user(other);
  if (user === undefined) return refuse("unknown-user", `There is no user ${command.user}.`);
  if (other === actor.name) return refuse("not-allowed", "You cannot tell yourself.");
  const there = view.direct(actor.name, other);
  if (there !== undefined) {
    const now = Math.max(at, there.lastAt);
    const scene = {
      view,
      actor,
      thread: there,
      at: now,
      pen: createPen(view, now, actor.user.name),
    };
    const posted = post(scene, command);
    if (isRefusal(posted)) return posted;
    return { events: posted.events, reply: { thread: there.number, ...posted.reply } };
  }
  const text = checkBody(command.text);
  if (typeof text !== "string") return refuse("bad-text", text.complaint);
  const members = [actor.name, other];
  const title = members.map((name) => view.user(name)?.name ?? name).sort().join(", ");
  const opened = open(view, { title, closed: true, members, direct: true }, { actor, at });
  if (isRefusal(opened)) return opened;
  const { thread } = opened.reply as Reply<"create">;
  // The thread's scope holds its opening only, so the first message is its second entry.
  const seq = 2;
  const message: ForumEvent = {
    kind: "message.posted",
    scope: threadScope(thread),
    seq,
    at,
    by: actor.user.name,
    text,
    number: 1,
    ...mentioned(view, text),
  };
  return { events: [...opened.events, message], reply: { thread, seq, number: 1, at } };
}

function mentioned(view: View, text: string): { mentions?: string[] } {
  // Most texts name nobody, and this is the path of every message.
  if (!text.includes("@")) return {};
  const names = mentions(text).filter((name) => view.user(name) !== undefined);
  return names.length > 0 ? { mentions: names } : {};
}

function post(
  { view, thread, at, pen }: Scene,
  command: Pick<Post, "text" | "reply">,
): { events: ForumEvent[]; reply: Reply<"post"> } | Refusal {
  const text = checkBody(command.text);
  if (typeof text !== "string") return refuse("bad-text", text.complaint);
  const { reply } = command;
  if (reply !== undefined && view.message(thread.number, reply) === undefined) {
    return refuse("no-message", "The message that you answer is not there.");
  }
  const number = thread.living + 1;
  const seq = pen.write(threadScope(thread.number), {
    kind: "message.posted",
    text,
    number,
    ...reply !== undefined && { reply },
    ...mentioned(view, text),
  });
  return { events: pen.events, reply: { seq, number, at } };
}

function edit({ view, actor, thread, at, pen }: Scene, message: Message, given: string) {
  const refused = policy.edit(actor, message);
  if (refused !== undefined) return refused;
  const text = checkBody(given);
  if (typeof text !== "string") return refuse("bad-text", text.complaint);
  const seq = pen.write(threadScope(thread.number), {
    kind: "message.edited",
    message: message.seq,
    text,
    ...mentioned(view, text),
  });
  return { events: pen.events, reply: { seq, at } };
}

/** The optional reason of a moderation, checked. */
function reason(why: string | undefined): { why?: string } | Refusal {
  if (why === undefined) return {};
  const checked = checkWhy(why);
  return typeof checked !== "string" ? refuse("bad-text", checked.complaint) : { why: checked };
}

function erase({ actor, thread, pen }: Scene, message: Message, given: string | undefined) {
  const why = reason(given);
  if (isRefusal(why)) return why;
  const refused = policy.delete(actor, message, thread);
  if (refused !== undefined) return refused;
  const seq = pen.write(threadScope(thread.number), {
    kind: "message.deleted",
    message: message.seq,
    ...why,
  });
  return { events: pen.events, reply: { seq } };
}

function react(
  { view, actor, thread, pen }: Scene,
  message: Message,
  { emoji: given, on }: { emoji: string; on: boolean },
) {
  const emoji = checkReaction(given);
  if (typeof emoji !== "string") return refuse("bad-text", emoji.complaint);
  const has = view.reacted(thread.number, message.seq, { emoji, user: actor.name });
  if (has === on) return { events: [], reply: NONE };
  if (on) {
    const there = view.emojis(thread.number, message.seq);
    if (!there.includes(emoji) && there.length >= EMOJIS_MAX) {
      return refuse("full", `A message carries at most ${EMOJIS_MAX} different reactions.`);
    }
  }
  pen.write(threadScope(thread.number), {
    kind: "reaction.changed",
    message: message.seq,
    emoji,
    on,
  });
  return { events: pen.events, reply: NONE };
}

function remove({ actor, thread, pen }: Scene, given: string | undefined) {
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

function invite({ view, actor, thread, pen }: Scene, name: string) {
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

function expel({ view, actor, thread, pen }: Scene, name: string, given: string | undefined) {
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

function mark({ view, actor, thread, pen }: Scene, given: number) {
  const upto = Math.min(given, view.head(threadScope(thread.number)));
  const now = view.mark(actor.name, thread.number);
  // Reading is told often and means little: only a step forward is worth an entry.
  if (upto <= now) return { events: [], reply: { upto: now } };
  pen.write(userScope(actor.name), { kind: "thread.read", thread: thread.number, upto });
  return { events: pen.events, reply: { upto } };
}

function account(
  view: View,
  command: Extract<Change, { op: "role" | "ban" }>,
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

function credential(view: View, command: SetCredential, { actor, at }: Asking): Decision | Refusal {
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
  readonly user: string;
}

/** Decides a registration; it has no actor, since nobody is signed in yet. */
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

/** Decides that somebody who has proved the admin password becomes an admin. */
export function decidePromotion(view: View, folded: string, at: number): ForumEvent[] {
  const user = view.user(folded);
  if (user === undefined || user.role === "admin") return [];
  const pen = createPen(view, at, user.name);
  pen.write("accounts", { kind: "user.role", user: user.name, role: "admin" });
  return pen.events;
}
