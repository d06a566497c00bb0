/**
 * Presence: who is on, on how many connections, since when; and who wants to be told (DESIGN §5).
 *
 * @module
 */

import type { UserRow } from "../protocol/forum/reply.ts";
import type { View } from "../protocol/forum/state.ts";
import type { Notice } from "../protocol/body.ts";

/** A session as presence knows it. */
export interface Present {
  /** The folded name. */
  readonly user: string;
  /** Whether notices are wanted. */
  readonly watching: boolean;
  notify(notice: Notice): void;
}

/** Who is on. */
export interface Presence {
  /** The sessions of a user. */
  of(user: string): ReadonlySet<Present>;
  enter(session: Present, at: number): void;
  leave(session: Present, at: number): void;
  /** Who is on, the longest first; at most {@linkcode ROWS_MAX}. */
  rows(view: View): { users: UserRow[]; more: boolean };
  /** Tells all who watch, but not `except` himself. */
  tell(notice: Notice, may: (user: string) => boolean): void;
}

/** The most users that one reply lists. */
export const ROWS_MAX = 1000;

const NOBODY: ReadonlySet<Present> = new Set();

class Attendance implements Presence {
  readonly #present = new Map<string, { since: number; sessions: Set<Present> }>();
  readonly #name: (folded: string) => string;

  constructor(name: (folded: string) => string) {
    this.#name = name;
  }

  of(user: string): ReadonlySet<Present> {
    return this.#present.get(user)?.sessions ?? NOBODY;
  }

  enter(session: Present, at: number): void {
    const { user } = session;
    const there = this.#present.get(user);
    if (there !== undefined) {
      there.sessions.add(session);
      return;
    }
    this.#present.set(user, { since: at, sessions: new Set([session]) });
    this.#announce(user, true, at);
  }

  leave(session: Present, at: number): void {
    const { user } = session;
    const there = this.#present.get(user);
    if (there === undefined || !there.sessions.delete(session) || there.sessions.size > 0) return;
    this.#present.delete(user);
    this.#announce(user, false, at);
  }

  #announce(user: string, on: boolean, at: number): void {
    const notice = { kind: "presence", user: this.#name(user), on, at } as const;
    this.tell(notice, (other) => other !== user);
  }

  tell(notice: Notice, may: (user: string) => boolean): void {
    for (const [user, { sessions }] of this.#present) {
      if (!may(user)) continue;
      for (const session of sessions) if (session.watching) session.notify(notice);
    }
  }

  rows(view: View): { users: UserRow[]; more: boolean } {
    const rows: UserRow[] = [];
    for (const [folded, { since, sessions }] of this.#present) {
      const user = view.user(folded);
      if (user === undefined) continue;
      rows.push({ user: user.name, role: user.role, since, sessions: sessions.size });
    }
    rows.sort((a, b) => a.since - b.since || (a.user < b.user ? -1 : 1));
    return { users: rows.slice(0, ROWS_MAX), more: rows.length > ROWS_MAX };
  }
}

/** Makes an empty attendance; `name` gives the name for showing. */
export function createPresence(name: (folded: string) => string): Presence {
  return new Attendance(name);
}
