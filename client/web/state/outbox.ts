/**
 * The outbox: messages that were sent and have no answer yet. Each has a key, and the server does nothing
 * twice under one key; so they can be kept over a reload of the page and sent again, whatever has happened
 * to them before.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { ForumClient } from "../../forum_client.ts";
import { keep, kept, type Store } from "./keeping.ts";

/** Where a message goes: to a thread, or to somebody with whom there is no conversation yet. */
export type Destination = { readonly thread: number } | { readonly user: string };

/** A message on its way. */
export interface Outgoing {
  readonly key: string;
  readonly to: Destination;
  readonly text: string;
  readonly reply?: number;
  /** When it was sent, in ms since 1970. */
  readonly at: number;
  /** Why it was refused; absent while it is on its way. */
  readonly fault?: string;
}

/** What became of a message. */
export interface Posted {
  readonly thread: number;
  readonly seq: number;
  readonly number: number;
  readonly at: number;
}

/** Messages on their way. */
export interface Outbox {
  /** In the order in which they were sent. */
  readonly waiting: { readonly value: readonly Outgoing[] };
  send(message: Pick<Outgoing, "to" | "text" | "reply">): void;
  /** Sends a message that was refused once more. */
  retry(key: string): void;
  /** Gives a message that was refused up. */
  discard(key: string): void;
  /** Sends what an earlier page has left. */
  resume(): void;
}

/** What an outbox works with. */
export interface OutboxOptions {
  readonly client: Pick<ForumClient, "command">;
  readonly store: Store;
  readonly user: string;
  readonly clock: () => number;
  /** Makes a key that no other message has. */
  readonly newKey: () => string;
  /** Calls back after so many ms. */
  readonly after: (ms: number, act: () => void) => void;
  readonly posted: (message: Outgoing, posted: Posted) => void;
}

/** Refusals that only say that it was too early. */
const LATER: ReadonlySet<string> = new Set(["rate", "busy"]);
/** The session has ended: what was not answered stays for the next. */
const ENDED: ReadonlySet<string> = new Set(["goodbye", "lost", "shutting-down", "replaced"]);
const LATER_WAIT = 1000;

/** Makes the outbox of a user. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { client, store, user, posted } = options;
  const place = `dfp.outbox.${user}`;
  const waiting = signal<readonly Outgoing[]>([]);

  function put(next: readonly Outgoing[]): void {
    waiting.value = next;
    keep(store, place, next.length === 0 ? undefined : next);
  }

  function change(key: string, fault: string | undefined): void {
    put(waiting.value.map((message) => {
      if (message.key !== key) return message;
      const { fault: _, ...rest } = message;
      return fault === undefined ? rest : { ...rest, fault };
    }));
  }

  const discard = (key: string) => put(waiting.value.filter((message) => message.key !== key));

  async function deliver(message: Outgoing): Promise<void> {
    const { key, to, text, reply } = message;
    try {
      const done = "thread" in to
        ? {
          thread: to.thread,
          ...await client.command<"post">({
            op: "post",
            key,
            thread: to.thread,
            text,
            ...reply !== undefined && { reply },
          }),
        }
        : await client.command<"tell">({ op: "tell", key, user: to.user, text });
      posted(message, done);
      discard(key);
    } catch (error) {
      const { name = "", message: fault = String(error), detail } = error as {
        name?: string;
        message?: string;
        detail?: { wait?: number };
      };
      if (LATER.has(name)) {
        options.after(detail?.wait ?? LATER_WAIT, () => void deliver(message));
      } else if (!ENDED.has(name)) change(key, fault);
    }
  }

  return {
    waiting,
    send({ to, text, reply }) {
      const message: Outgoing = {
        key: options.newKey(),
        to,
        text,
        at: options.clock(),
        ...reply !== undefined && { reply },
      };
      put([...waiting.value, message]);
      void deliver(message);
    },
    retry(key) {
      const message = waiting.value.find((message) => message.key === key);
      if (message === undefined) return;
      change(key, undefined);
      void deliver(message);
    },
    discard,
    resume() {
      const left = kept(store, place);
      if (!Array.isArray(left)) return;
      const messages = left.filter(isOutgoing);
      put(messages);
      for (const message of messages) if (message.fault === undefined) void deliver(message);
    },
  };
}

function isOutgoing(value: unknown): value is Outgoing {
  const { key, to, text, at } = (value ?? {}) as Record<string, unknown>;
  const { thread, user } = (to ?? {}) as Record<string, unknown>;
  return typeof key === "string" && typeof text === "string" && typeof at === "number" &&
    (typeof thread === "number" || typeof user === "string");
}
