/**
 * Keeping up: what happens keeps the directory, the numbers and the joined threads right.
 *
 * @module
 */

import { type ForumEvent, scopeThread } from "../forum/event.ts";
import type { Directory } from "./directory.ts";
import type { Joined } from "./joined.ts";
import type { Numbers } from "./numbers.ts";

/** What is kept right. */
export interface Kept {
  readonly directory: Directory;
  readonly numbers: Numbers;
  readonly joined: Joined;
}

/**
 * Takes an event in that was just shown, or was not. Gives the private thread that can be seen from now
 * on, if that is what happened: its members are to be asked for.
 */
export function keepUp(
  event: ForumEvent,
  shown: boolean,
  { directory, numbers, joined }: Kept,
): number | undefined {
  directory.meet(event.by);
  switch (event.kind) {
    case "message.posted":
      if (shown) numbers.shown(scopeThread(event.scope), event);
      return undefined;
    case "thread.created":
      directory.add({ thread: event.thread, title: event.title, direct: false });
      return undefined;
    case "thread.entered":
      directory.add({ thread: event.thread, title: event.title, direct: false });
      return event.thread;
    case "thread.left":
    case "thread.removed":
      directory.remove(event.thread);
      numbers.forget(event.thread);
      // The thread's own scope tells it too, and must still count as joined then.
      if (event.scope !== "directory") joined.dropped(event.thread);
      return undefined;
    case "user.registered":
      directory.meet(event.user);
      return undefined;
    default:
      return undefined;
  }
}
