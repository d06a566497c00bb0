/**
 * The pen: writes the events of one command, and gives each its scope's next sequence number (DESIGN §6).
 *
 * @module
 */

import type { ForumEvent } from "./event.ts";
import type { View } from "./state.ts";

/** An event without what the pen knows. */
export type Draft = ForumEvent extends infer E
  ? E extends ForumEvent ? Omit<E, "scope" | "seq" | "at" | "by"> : never
  : never;

/** Collects the events of one command and numbers them. */
export interface Pen {
  /** The time of what it writes, in ms since 1970. */
  readonly at: number;
  /** What was written, in order. */
  readonly events: ForumEvent[];
  /** Writes an event into a scope and returns its sequence number there. */
  write(scope: string, draft: Draft): number;
}

/**
 * Makes a pen that writes in the name of `by`, behind what the view has, at the time `now`; but a clock
 * that was set back puts nothing before the last entry.
 */
export function createPen(view: View, now: number, by: string): Pen {
  const at = Math.max(now, view.lastAt);
  const events: ForumEvent[] = [];
  return {
    at,
    events,
    write(scope, draft) {
      let seq = view.head(scope) + 1;
      for (const event of events) if (event.scope === scope) seq++;
      events.push({ scope, seq, at, by, ...draft } as ForumEvent);
      return seq;
    },
  };
}
