/**
 * Questions: commands that change nothing that lasts, answered from the log's read model, the hub and
 * presence (docs/PROTOCOL.md, "Commands").
 *
 * An answer is JSON text or a refusal. Where it must see what the same unit has made durable (following
 * begins at the last entry that really is there) it is a function, called once the unit has lasted.
 *
 * @module
 */

import type { Change, Command, Download, Keyed, PeerCommand } from "../protocol/forum/command.ts";
import { isRefusal } from "../protocol/forum/decide.ts";
import { scopeThread, userScope } from "../protocol/forum/event.ts";
import { maySee } from "../protocol/forum/policy.ts";
import type { ThreadRow } from "../protocol/forum/reply.ts";
import { type Refusal, refuse } from "../protocol/status.ts";
import { checkSearch, fold, utf8Length } from "../protocol/text.ts";
import { beginProof } from "./admin.ts";
import type { Hub } from "./hub.ts";
import type { Log, Transaction } from "./log/log.ts";
import type { Peers } from "./peers.ts";
import type { Presence } from "./presence.ts";
import type { ServiceSession } from "./session.ts";

/** Scopes that one session may follow. */
export const FOLLOWS_MAX = 1000;

const DEFAULT_LIMIT = 50;
/** Bytes that the rows of threads in one reply may take; one row takes at most a tenth of it. */
const THREAD_ROWS_BYTES = 96 * 1024;
const NOTHING = { json: "{}" };

/** What answering needs. */
export interface Asking {
  readonly tx: Transaction;
  readonly session: ServiceSession;
  readonly log: Log;
  readonly hub: Hub;
  readonly presence: Presence;
  readonly peers: Peers;
  /** Fresh randomness as text. */
  nonce(): string;
  /** Whether too many wrong admin passwords came from there. */
  adminLocked(): Refusal | undefined;
  adminFailed(): void;
  adminProved(): void;
  /** Makes the asking user an admin. */
  promote(): void;
  shutdown(): void;
  /** Ends the other sessions of the asking user. */
  endOthers(): void;
}

/** JSON text, or a refusal. */
export type Answer = { readonly json: string } | Refusal;

/** A command that is answered here: it is no change, and no file comes of it. */
export type QuestionCommand = Exclude<Command, (Change | Download) & Keyed>;

function json(value: object): { json: string } {
  return { json: JSON.stringify(value) };
}

/** As many of the first rows as fit into a reply beside a page of messages. */
function fitting(rows: readonly ThreadRow[]): ThreadRow[] {
  let room = THREAD_ROWS_BYTES;
  const past = rows.findIndex((row) => (room -= utf8Length(JSON.stringify(row)) + 1) < 0);
  return past < 0 ? [...rows] : rows.slice(0, past);
}

/** Answers a question. */
export function answer(command: QuestionCommand, asking: Asking): Answer | (() => Answer) {
  const { tx, session, log, presence } = asking;
  const { user } = session;
  switch (command.op) {
    case "threads": {
      const page = { skip: command.skip ?? 0, limit: command.limit ?? DEFAULT_LIMIT };
      const { threads, more } = log.threads(user, page);
      const rows = fitting(threads);
      return json({ threads: rows, more: more || rows.length < threads.length });
    }
    case "find": {
      const { title, user: other } = command;
      if ((title === undefined) === (other === undefined)) {
        return refuse("bad-field", "Name a title or a user, and not both.", { field: "title" });
      }
      const thread = title !== undefined
        ? tx.view.titled(fold(title.trim()))
        : tx.view.direct(user, fold(other!));
      if (thread === undefined || !visible(asking, thread.number)) return refuse("no-thread");
      return json({ thread: log.threadRow(user, thread.number) });
    }
    case "read":
      return visible(asking, command.thread) ? json(log.page(user, command)) : refuse("no-thread");
    case "since":
      if (command.thread !== undefined && !visible(asking, command.thread)) {
        return refuse("no-thread");
      }
      return json(log.since(user, command));
    case "search": {
      if (command.thread !== undefined && !visible(asking, command.thread)) {
        return refuse("no-thread");
      }
      const words = checkSearch(command.words);
      if (typeof words !== "string") return refuse("bad-text", words.complaint);
      // Searching writes first, to bring the index up to date: on a full disk it would take the unit down.
      return () => {
        const { threads, messages, more } = log.search(user, { ...command, words });
        const rows = fitting(threads);
        return json({ threads: rows, messages, more: more || rows.length < threads.length });
      };
    }
    case "files":
      if (command.thread !== undefined && !visible(asking, command.thread)) {
        return refuse("no-thread");
      }
      return json(log.files(user, command));
    case "users":
      return json(presence.rows(tx.view));
    case "follow":
      return () => follow(command, asking);
    case "unfollow":
      return () => {
        session.unfollow(command.scope);
        return NOTHING;
      };
    case "watch":
      return () => {
        session.watching = command.on;
        return json(presence.rows(log.view));
      };
    case "typing": {
      const thread = tx.view.thread(command.thread);
      if (thread === undefined || !maySee(user, thread)) return refuse("no-thread");
      const name = tx.view.user(user)!.name;
      return () => {
        presence.tell(
          { kind: "typing", user: name, thread: command.thread },
          (other) => other !== user && maySee(other, thread),
        );
        return NOTHING;
      };
    }
    case "logout":
      if (command.everywhere === true) {
        tx.dropTokens(user);
        return () => {
          asking.endOthers();
          return NOTHING;
        };
      }
      tx.dropToken(session.token);
      return NOTHING;
    case "prove":
      return prove(command.scram, asking);
    case "admin":
      return admin(command, asking);
    case "announce":
    case "offer":
    case "accept":
    case "reach":
    case "conclude":
      return () => mediate(command, asking);
  }
}

function visible({ tx, session }: Asking, number: number): boolean {
  const thread = tx.view.thread(number);
  return thread !== undefined && maySee(session.user, thread);
}

/** Whether this user may follow the scope. */
function mayFollow({ session, log }: Asking, scope: string): boolean {
  if (scope === "directory" || scope === "accounts") return true;
  if (scope === userScope(session.user)) return true;
  const thread = log.view.thread(scopeThread(scope));
  // A number can be written in many ways; a scope in one.
  return thread !== undefined && scope === `thread/${thread.number}` &&
    maySee(session.user, thread);
}

function follow(
  { scope, after }: { readonly scope: string; readonly after?: number },
  asking: Asking,
): Answer {
  const { session, log, hub } = asking;
  if (!session.present) return refuse("goodbye");
  if (!mayFollow(asking, scope)) return refuse("no-thread");
  const head = log.head(scope);
  if (after !== undefined && after > head) return refuse("bad-position", undefined, { head });
  session.unfollow(scope);
  if (session.followed >= FOLLOWS_MAX) {
    return refuse("full", `One session follows at most ${FOLLOWS_MAX} scopes.`);
  }
  session.follow(hub.join(scope, session), (after ?? head) + 1);
  return json({ head });
}

/** What concerns files that go straight from user to user. */
function mediate(command: PeerCommand, { session, peers }: Asking): Answer {
  if (!session.present) return refuse("goodbye");
  const reply = peers[command.op](session, command as never) ?? {};
  return isRefusal(reply) ? reply : json(reply);
}

function prove(scram: string, asking: Asking): Answer {
  const locked = asking.adminLocked();
  if (locked !== undefined) return locked;
  const begun = beginProof(asking.log, scram, {
    nonce: asking.nonce(),
    binding: asking.session.binding,
  });
  if ("status" in begun) return begun;
  asking.session.proof = begun;
  return json({ scram: begun.first });
}

function admin(
  { scram, action }: { readonly scram: string; readonly action: "shutdown" | "promote" },
  asking: Asking,
): Answer | (() => Answer) {
  const { session } = asking;
  const { proof } = session;
  if (proof === undefined) return refuse("not-allowed", "Begin with the command prove.");
  const locked = asking.adminLocked();
  if (locked !== undefined) return locked;
  const final = proof.judge(scram);
  if (final === undefined) asking.adminFailed();
  else asking.adminProved();
  if (final !== undefined && action === "promote") asking.promote();
  return () => {
    session.proof = undefined;
    if (final === undefined) return refuse("wrong-password", "The admin password is wrong.");
    if (action === "shutdown") asking.shutdown();
    return json({ scram: final });
  };
}
