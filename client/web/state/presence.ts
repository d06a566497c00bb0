/**
 * Presence: who is on, and who is typing where.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Notice } from "../../../protocol/body.ts";
import type { UserRow } from "../../../protocol/forum/reply.ts";

/** Who is typing in which thread, and until when that is believed. */
export interface Typing {
  readonly user: string;
  readonly thread: number;
  readonly until: number;
}

/** Who is there. */
export interface Presence {
  /** Names of those who are on, the longest first. */
  readonly on: { readonly value: readonly string[] };
  readonly typing: { readonly value: readonly Typing[] };
  /**
   * All of them anew, as the answer tells to a question that is just being asked. Who comes or goes until it is
   * taken in counts more than the answer does.
   */
  learn(answer: Promise<{ readonly users: readonly UserRow[] }>): Promise<void>;
  take(notice: Notice, now: number): void;
  /** Somebody has said something, and so is no longer typing it. */
  spoke(user: string, thread: number): void;
  /** Forgets what is too old. */
  pass(now: number): void;
}

/** How long somebody is taken to be typing after the last sign of it, in ms. */
export const TYPING_LASTS = 5000;

/** Nobody is there. */
export function createPresence(): Presence {
  const on = signal<readonly string[]>([]);
  const typing = signal<readonly Typing[]>([]);
  /** For each question without an answer yet: who has come or gone since it was asked. */
  const asked = new Set<Map<string, boolean>>();
  return {
    on,
    typing,
    async learn(answer) {
      const since = new Map<string, boolean>();
      asked.add(since);
      try {
        const { users } = await answer;
        const others = users.map(({ user }) => user).filter((user) => !since.has(user));
        const came = [...since].filter(([, here]) => here).map(([user]) => user);
        on.value = [...others, ...came];
        typing.value = [];
      } finally {
        asked.delete(since);
      }
    },
    take(notice, now) {
      if (notice.kind === "presence") {
        for (const since of asked) since.set(notice.user, notice.on);
        const others = on.value.filter((user) => user !== notice.user);
        on.value = notice.on ? [...others, notice.user] : others;
        if (!notice.on) typing.value = typing.value.filter(({ user }) => user !== notice.user);
      }
      if (notice.kind === "typing") {
        const { user, thread } = notice;
        const others = typing.value.filter((one) => one.user !== user || one.thread !== thread);
        typing.value = [...others, { user, thread, until: now + TYPING_LASTS }];
      }
    },
    spoke(user, thread) {
      const left = typing.value.filter((one) => one.user !== user || one.thread !== thread);
      if (left.length < typing.value.length) typing.value = left;
    },
    pass(now) {
      const left = typing.value.filter(({ until }) => until > now);
      if (left.length < typing.value.length) typing.value = left;
    },
  };
}
