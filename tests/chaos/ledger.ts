/**
 * The ledger: every change that somebody wanted, and what they were told of it; at the end it is held
 * against the log (DESIGN §11, law 6).
 *
 * What was acknowledged must be there once and as it was asked for, what was refused must not, and what
 * was never answered may be there once. One client's messages in a thread stand in the order in which
 * they were given.
 *
 * @module
 */

import { type ForumClient, ForumError } from "../../client/mod.ts";
import type { Change } from "../../protocol/forum/command.ts";
import { type ForumEvent, threadScope } from "../../protocol/forum/event.ts";
import { fold } from "../../protocol/text.ts";
import type { History } from "./history.ts";

/** Somebody who changes things: one client of one user. */
export interface Doer {
  readonly user: string;
  /** No two clients have the same. */
  readonly session: number;
  readonly client: ForumClient;
}

/** What a change was answered. */
export interface Answer {
  readonly thread?: number;
  readonly seq?: number;
  readonly upto?: number;
}

interface Deed {
  readonly user: string;
  readonly session: number;
  readonly command: Change;
  /** What no other deed has: the first word of its text, its title, its reaction. */
  readonly mark: string | undefined;
  outcome: "unknown" | "done" | "refused";
  answer: Answer;
}

/** Remembers deeds. */
export interface Ledger {
  readonly acknowledged: number;
  /** How many of them were files. */
  readonly files: number;
  /** Refusals by status name, in the order of their coming. */
  readonly refusals: ReadonlyMap<string, number>;
  /** A word that no other deed has. */
  mark(): string;
  /**
   * Asks for a change and remembers the answer. `undefined` if it was refused, or never answered because
   * the client was closed.
   */
  change(doer: Doer, command: Change): Promise<Answer | undefined>;
  /** The same for a change that takes more than a command: an upload. */
  attempt(
    doer: Doer,
    command: Change,
    act: () => Promise<Answer>,
  ): Promise<Answer | undefined>;
  /** A change that is asked for by other means; call what it returns when the answer has come. */
  given(
    doer: Omit<Doer, "client">,
    command: Change,
  ): (outcome: "done" | "refused", answer?: Answer) => void;
  /** What does not fit to the log. */
  faults(history: History): string[];
}

class Kept implements Ledger {
  readonly #deeds: Deed[] = [];
  readonly refusals = new Map<string, number>();
  #marks = 0;
  acknowledged = 0;
  files = 0;

  mark(): string {
    return `m${++this.#marks}`;
  }

  given({ user, session }: Omit<Doer, "client">, command: Change) {
    const mark = markOf(command);
    const deed: Deed = { user, session, command, mark, outcome: "unknown", answer: {} };
    this.#deeds.push(deed);
    return (outcome: "done" | "refused", answer: Answer = {}) => {
      deed.outcome = outcome;
      deed.answer = answer;
      if (outcome !== "done") return;
      this.acknowledged++;
      if (command.op === "upload") this.files++;
    };
  }

  change(doer: Doer, command: Change): Promise<Answer | undefined> {
    return this.attempt(doer, command, async () => await doer.client.command(command) as Answer);
  }

  async attempt(
    doer: Doer,
    command: Change,
    act: () => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const answered = this.given(doer, command);
    try {
      const answer = await act();
      answered("done", answer);
      return answer;
    } catch (error) {
      if (!(error instanceof ForumError)) throw error;
      // A client that was closed does not know whether it was done.
      if (doer.client.state !== "closed") {
        answered("refused");
        this.refusals.set(error.name, (this.refusals.get(error.name) ?? 0) + 1);
      }
      return undefined;
    }
  }

  faults(history: History): string[] {
    const faults: string[] = [];
    const marks = countMarks(history);
    const places = new Set<string>();
    const last = new Map<string, number>();
    for (const deed of this.#deeds) {
      const { mark, outcome, session } = deed;
      const times = mark === undefined ? 0 : marks.get(mark) ?? 0;
      const told = `${JSON.stringify(deed.command)} of ${deed.user}`.slice(0, 200);
      if (times > 1) faults.push(`${told} was done ${times} times`);
      if (outcome === "refused" && times > 0) faults.push(`${told} was refused, and done`);
      if (outcome !== "done") continue;
      if (!isMarked(history, deed)) faults.push(`${told} was acknowledged, and is lost`);
      const place = placeOf(deed);
      if (place === undefined) {
        if (mark !== undefined && times === 0) faults.push(`${told} was acknowledged, and is lost`);
        continue;
      }
      const event = history.scopes.get(threadScope(place.thread))?.[place.seq - 1];
      const at = `${place.thread} ${place.seq}`;
      if (!isDeed(event, deed)) {
        const there = JSON.stringify(event)?.slice(0, 200);
        faults.push(`${told} was acknowledged as ${at}, and there is ${there}`);
      }
      if (places.has(at)) faults.push(`${told} has the place of another, ${at}`);
      places.add(at);
      // A file has its turn when it has come.
      if (deed.command.op === "upload") continue;
      const turn = `${session} ${place.thread}`;
      if (place.seq <= (last.get(turn) ?? 0)) faults.push(`${told} came before one given earlier`);
      last.set(turn, place.seq);
    }
    return [...faults, ...this.#overdone(history)];
  }

  /** Users by whom there is more than they asked for: a text that was deleted has no mark any more. */
  *#overdone(history: History): Iterable<string> {
    const asked = new Map<string, number>();
    for (const { user, command, outcome } of this.#deeds) {
      if (outcome === "refused" || (command.op !== "post" && command.op !== "tell")) continue;
      asked.set(user, (asked.get(user) ?? 0) + 1);
    }
    const posted = new Map<string, number>();
    for (const entries of history.scopes.values()) {
      for (const { kind, by } of entries) {
        if (kind === "message.posted") posted.set(by, (posted.get(by) ?? 0) + 1);
      }
    }
    for (const [user, count] of posted) {
      const most = asked.get(user) ?? 0;
      if (count > most) yield `${user} asked for ${most} messages, and there are ${count}`;
    }
  }
}

/** Where a deed must stand: `undefined` for those whose answer names no place. */
function placeOf({ command, answer }: Deed): { thread: number; seq: number } | undefined {
  switch (command.op) {
    case "create":
      return { thread: answer.thread ?? 0, seq: 1 };
    case "tell":
      return { thread: answer.thread ?? 0, seq: answer.seq ?? 0 };
    case "post":
    case "edit":
    case "delete":
    case "upload":
      return { thread: command.thread, seq: answer.seq ?? 0 };
    default:
      return undefined;
  }
}

const KINDS: Readonly<Record<string, ForumEvent["kind"]>> = {
  create: "thread.opened",
  post: "message.posted",
  tell: "message.posted",
  edit: "message.edited",
  delete: "message.deleted",
  upload: "file.shared",
};

function isDeed(event: ForumEvent | undefined, { command, user, mark }: Deed): boolean {
  if (event === undefined || event.by !== user || event.kind !== KINDS[command.op]) return false;
  if (event.kind === "message.deleted") {
    return command.op === "delete" && event.message === command.message;
  }
  if (event.kind === "thread.opened") return event.title === mark;
  if (event.kind === "file.shared") return event.name === mark;
  if (event.kind === "message.edited" && command.op === "edit") {
    if (event.message !== command.message) return false;
  }
  // What was edited, deleted or removed since has no text any more.
  return "text" in event && (firstWord(event.text) === mark || event.erased === true);
}

/** Whether a read mark that was acknowledged is there, or its thread is not. */
function isMarked({ state }: History, { command, user, answer }: Deed): boolean {
  if (command.op !== "mark" || state.thread(command.thread) === undefined) return true;
  return state.mark(fold(user), command.thread) >= (answer.upto ?? 0);
}

function countMarks({ scopes }: History): Map<string, number> {
  const marks = new Map<string, number>();
  for (const [scope, entries] of scopes) {
    if (!scope.startsWith("thread/")) continue;
    for (const event of entries) {
      const mark = event.kind === "thread.opened"
        ? event.title
        : event.kind === "reaction.changed"
        ? event.emoji
        : event.kind === "file.shared"
        ? event.name
        : "text" in event
        ? firstWord(event.text)
        : "";
      if (mark !== "") marks.set(mark, (marks.get(mark) ?? 0) + 1);
    }
  }
  return marks;
}

function markOf(command: Change): string | undefined {
  switch (command.op) {
    case "post":
    case "edit":
    case "tell":
      return firstWord(command.text);
    case "create":
      return command.title;
    case "upload":
      return command.name;
    case "react":
      return command.emoji;
    default:
      return undefined;
  }
}

function firstWord(text: string): string {
  return text.split(" ", 1)[0];
}

/** Makes an empty ledger. */
export function createLedger(): Ledger {
  return new Kept();
}
