/**
 * Events as plain text: the one line that a person sees when something happens.
 *
 * @module
 */

import { type ForumEvent, scopeThread } from "../forum/event.ts";
import type { Notice } from "../body.ts";
import { fold } from "../text.ts";
import type { Joined } from "./joined.ts";
import type { RenderOptions } from "./render_outcome.ts";
import { messageText, nameText, reasonText, sizeText } from "./style.ts";
import { visibleLine, visibleText } from "./visible.ts";

/** What rendering events looks at. */
export interface EventRenderOptions extends RenderOptions {
  readonly joined: Joined;
  /** Whether the `directory` and `user/…` scopes are shown, which tell of removed threads too. */
  readonly everything: boolean;
}

/** Turns what happens into a line, or `undefined` for what needs none. */
export interface EventRenderer {
  event(event: ForumEvent): string | undefined;
  notice(notice: Notice): string | undefined;
}

/** Makes the functions that turn what happens into lines. */
export function eventRenderer(options: EventRenderOptions): EventRenderer {
  const { me, directory, numbers, paint } = options;
  const label = (thread: number) => visibleLine(directory.label(thread));
  const user = (name: string) => nameText(name, paint);
  const text = (body: string) => visibleText(body, options.indent);
  const isMe = (name: string) => fold(name) === fold(me);
  const titled = (thread: number, title: string) => `#${thread} "${visibleLine(title)}"`;

  function message(thread: number, seq: number): string {
    const number = numbers.numberOf(thread, seq);
    return number === undefined ? "an earlier message" : `message ${number}`;
  }

  /** What happened in a thread, without the thread's name. */
  function inThread(event: ForumEvent): string | undefined {
    const thread = scopeThread(event.scope);
    const by = user(event.by);
    // What one did oneself was confirmed then; but a joined thread shows its whole conversation.
    const talk = event.kind === "message.posted" && options.joined.all.includes(thread);
    if (isMe(event.by) && !talk) return undefined;
    switch (event.kind) {
      case "message.posted": {
        const answers = event.reply === undefined
          ? undefined
          : numbers.numberOf(thread, event.reply);
        return messageText(event, {
          mentionsMe: event.mentions?.includes(fold(me)) ?? false,
          ...answers !== undefined && { answers },
        }, options);
      }
      case "message.edited":
        return `${by} has edited ${message(thread, event.message)}: ${text(event.text)}`;
      case "message.deleted":
        return `${by} has deleted ${message(thread, event.message)}${reasonText(event.why)}`;
      case "reaction.changed": {
        const what = event.on ? "put" : "taken";
        const where = `${event.on ? "on" : "off"} ${message(thread, event.message)}`;
        return `${by} has ${what} ${visibleLine(event.emoji)} ${where}`;
      }
      case "file.shared":
        return `${by} has shared ${visibleLine(event.name)} (${sizeText(event.size)})`;
      case "file.removed":
        return `${by} has removed the file ${visibleLine(event.name)}${reasonText(event.why)}`;
      case "member.joined":
        return `${by} has let ${user(event.user)} in`;
      case "member.left":
        return event.by === event.user
          ? `${by} has left the thread`
          : `${by} has put ${user(event.user)} out${reasonText(event.why)}`;
      case "thread.removed":
        return options.everything
          ? undefined
          : `${by} has removed the thread${reasonText(event.why)}`;
      default:
        return undefined;
    }
  }

  /** What happened in the scopes that are no thread's; what one did oneself was confirmed then. */
  function elsewhere(event: ForumEvent): string | undefined {
    const by = user(event.by);
    switch (event.kind) {
      case "thread.created":
        if (isMe(event.by)) return undefined;
        return `${by} has created ${titled(event.thread, event.title)}`;
      case "thread.removed":
        if (isMe(event.by)) return undefined;
        return `${by} has removed ${titled(event.thread, event.title)}${reasonText(event.why)}`;
      case "user.registered":
        return isMe(event.user) ? undefined : `${user(event.user)} is new here`;
      case "user.role":
        if (isMe(event.by)) return undefined;
        return `${user(event.user)} is now ${event.role}${reasonText(event.why)}`;
      case "user.banned": {
        if (isMe(event.by)) return undefined;
        const what = event.on ? "has banned" : "has lifted the ban of";
        return `${by} ${what} ${user(event.user)}${reasonText(event.why)}`;
      }
      case "thread.entered":
        if (isMe(event.by)) return undefined;
        return `${by} lets you see ${titled(event.thread, event.title)}`;
      case "thread.left":
        return `You see ${label(event.thread)} no longer`;
      default:
        return undefined;
    }
  }

  function notice(given: Notice): string | undefined {
    switch (given.kind) {
      case "presence":
        if (isMe(given.user)) return undefined;
        return `${user(given.user)} has ${given.on ? "joined" : "left"}`;
      case "typing":
        return undefined;
      // Whoever carries files tells of those.
      case "offer":
      case "go":
      case "reach":
      case "concluded":
        return undefined;
      case "closing":
        return `The server is closing: ${visibleText(given.text)}`;
    }
  }

  function forumEvent(event: ForumEvent): string | undefined {
    const thread = scopeThread(event.scope);
    if (thread === 0) return quiet(elsewhere(event));
    const text = inThread(event);
    if (text === undefined) return undefined;
    const where = paint("quiet", `[${label(thread)}]`);
    return `${where} ${event.kind === "message.posted" ? text : quiet(text)}`;
  }

  function quiet(text: string | undefined): string | undefined {
    return text === undefined ? undefined : paint("quiet", text);
  }

  return { event: forumEvent, notice: (given) => quiet(notice(given)) };
}
