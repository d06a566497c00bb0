/**
 * What becomes of a command that concerns a message: posting, telling, editing, deleting, reacting (see
 * decide.ts).
 *
 * @module
 */

import { type Refusal, refuse } from "../status.ts";
import { checkBody, checkReaction, fold, mentions } from "../text.ts";
import type { Post, React, Tell } from "./command.ts";
import { openThread } from "./decide_thread.ts";
import { type Asking, type Decision, isRefusal, NONE, reason, type Scene } from "./decision.ts";
import { type ForumEvent, threadScope } from "./event.ts";
import { createPen } from "./pen.ts";
import { policy } from "./policy.ts";
import type { Reply } from "./reply.ts";
import type { Message, View } from "./state.ts";

/** How many different emoji may be put on one message. */
export const EMOJIS_MAX = 20;

/** Posts a message. */
export function post(
  { view, thread, pen }: Scene,
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
  return { events: pen.events, reply: { seq, number, at: pen.at } };
}

/** Posts to the conversation of two, which the first message opens. */
export function tell(view: View, command: Tell, { actor, at }: Asking): Decision | Refusal {
  const other = fold(command.user);
  const user = view.user(other);
  if (user === undefined) return refuse("unknown-user", `There is no user ${command.user}.`);
  if (other === actor.name) return refuse("not-allowed", "You cannot tell yourself.");
  const there = view.direct(actor.name, other);
  if (there !== undefined) {
    const pen = createPen(view, at, actor.user.name);
    const posted = post({ view, actor, thread: there, pen }, command);
    if (isRefusal(posted)) return posted;
    return { events: posted.events, reply: { thread: there.number, ...posted.reply } };
  }
  const text = checkBody(command.text);
  if (typeof text !== "string") return refuse("bad-text", text.complaint);
  const members = [actor.name, other];
  const title = members.map((name) => view.user(name)?.name ?? name).sort().join(", ");
  const opened = openThread(view, { title, closed: true, members, direct: true }, { actor, at });
  if (isRefusal(opened)) return opened;
  const { thread } = opened.reply as Reply<"create">;
  // The thread's scope holds its opening only, so the first message is its second entry.
  const seq = 2;
  const now = opened.events[0].at;
  const message: ForumEvent = {
    kind: "message.posted",
    scope: threadScope(thread),
    seq,
    at: now,
    by: actor.user.name,
    text,
    number: 1,
    ...mentioned(view, text),
  };
  return { events: [...opened.events, message], reply: { thread, seq, number: 1, at: now } };
}

/** Whom a text mentions, of those who are there. */
function mentioned(view: View, text: string): { mentions?: string[] } {
  // Most texts name nobody, and this is the path of every message.
  if (!text.includes("@")) return {};
  const names = mentions(text).filter((name) => view.user(name) !== undefined);
  return names.length > 0 ? { mentions: names } : {};
}

/** Replaces the text of a message. */
export function edit(
  { view, actor, thread, pen }: Scene,
  message: Message,
  given: string,
): Decision | Refusal {
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
  return { events: pen.events, reply: { seq, at: pen.at } };
}

/** Deletes a message. */
export function erase(
  { actor, thread, pen }: Scene,
  message: Message,
  given: string | undefined,
): Decision | Refusal {
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

/** Puts a reaction on a message or takes it off. */
export function react(
  { view, actor, thread, pen }: Scene,
  message: Message,
  { emoji: given, on }: Pick<React, "emoji" | "on">,
): Decision | Refusal {
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
