/**
 * What stands behind a connection in text mode once somebody is signed in: it runs their lines, one after
 * another, and tells what happens in the threads that they have joined and in their conversations.
 *
 * Lines are said as they come about; what it needs from outside, commands and passwords, comes out of
 * {@linkcode TextSession.next}, one at a time.
 *
 * @module
 */

import type { Notice } from "../body.ts";
import type { Command } from "../forum/command.ts";
import { isChange } from "../forum/command_schema.ts";
import { type ForumEvent, scopeThread, userScope } from "../forum/event.ts";
import type { ThreadRow } from "../forum/reply.ts";
import { type Refusal, STATUS } from "../status.ts";
import { ask } from "../terminal/asking.ts";
import { createDirectory, type Directory } from "../terminal/directory.ts";
import { greeting } from "../terminal/greeting.ts";
import { createJoined, type Joined } from "../terminal/joined.ts";
import { keepUp } from "../terminal/keep.ts";
import { createLineRunner, type LineRunner } from "../terminal/line_runner.ts";
import type { Zone } from "../terminal/moment.ts";
import { createNumbers, type Numbers } from "../terminal/numbers.ts";
import type { Outcome } from "../terminal/outcome.ts";
import { type EventRenderer, eventRenderer } from "../terminal/render_event.ts";
import { outcomeRenderer } from "../terminal/render_outcome.ts";
import { createPaint } from "../terminal/style.ts";
import type { Lacking } from "../terminal/verb_handler.ts";
import { fold } from "../text.ts";
import { isBareText, type Line, parseLine } from "../verb_line.ts";
import {
  type Question,
  type Random,
  type Salting,
  type TextAsking,
  withSecrets,
} from "./secrets.ts";
import { DONE, formatStatus } from "./status_line.ts";

/** What it needs. */
export type TextWish =
  /** Answer with `done` or `refuse` under the same id. */
  | { readonly input: "command"; readonly id: number; readonly command: Command }
  /** Answer with `resume({ salted })`, or `fail`. */
  | { readonly input: "salting"; readonly salting: Salting }
  /** Answer with `resume({ line })`. */
  | { readonly input: "question"; readonly question: string }
  /** They want to leave. */
  | { readonly input: "leave" };

/** What a session is made with. */
export interface TextSessionOptions {
  /** The name as it was registered. */
  readonly user: string;
  readonly random: Random;
  /** The clock of the people, in ms since 1970. */
  readonly clock: () => number;
  readonly zone: Zone;
  /** Says lines, one or more, without the last end. */
  readonly say: (text: string) => void;
}

/** A signed-in person with a terminal. */
export interface TextSession {
  /** Whether a line is being run: the next one waits. */
  readonly busy: boolean;
  next(): TextWish | undefined;
  /** Begins with a greeting. */
  start(): void;
  /** Begins to run a line. */
  run(line: string): void;
  done(id: number, reply: object): void;
  refuse(id: number, refusal: Refusal): void;
  /** The answer to a salting, or to a question; without a line, it was left unanswered. */
  resume(answer: { readonly line?: string; readonly salted?: Uint8Array }): void;
  /** A salting was refused. */
  fail(refusal: Refusal): void;
  event(event: ForumEvent): void;
  notice(notice: Notice): void;
}

const NO_FILES = "Files are not carried in text mode; use the terminal client or the web page.";
/** Verbs that text mode cannot do. */
export const LACKING: Lacking = {
  UPD: NO_FILES,
  DWN: NO_FILES,
  "/transfers": NO_FILES,
  "/cancel": NO_FILES,
  "/offers": NO_FILES,
  "/accept": NO_FILES,
  "/decline": NO_FILES,
  "/always": NO_FILES,
  "/ask": NO_FILES,
};

/** What one connection may remember: a person at a terminal is not a copy of the forum. */
const KNOWN_MAX = 1000;
const SHOWN_MAX = 2000;
/** So many conversations, the most recent ones, are followed from the start. */
const CONVERSATIONS_MAX = 100;
const LISTING = 500;
/** So much may wait to be found out or told besides; what is more is left. */
const ASIDES_MAX = 100;

/** A refusal of the server, thrown into what asked. */
class Refused extends Error {
  readonly code: number;
  readonly detail: Refusal["detail"];

  constructor({ status, text, detail }: Refusal) {
    super(text ?? STATUS[status].text);
    this.code = STATUS[status].code;
    this.detail = detail;
  }
}

/** Something under way: a line, or what has to be found out besides. */
type Task = TextAsking<void>;

class Terminal implements TextSession {
  readonly #options: TextSessionOptions;
  readonly #directory: Directory;
  readonly #numbers: Numbers = createNumbers(SHOWN_MAX);
  readonly #joined: Joined = createJoined();
  readonly #runner: LineRunner;
  readonly #show: (outcome: Outcome) => string;
  readonly #events: EventRenderer;
  readonly #keyPrefix: string;
  readonly #wishes: TextWish[] = [];
  /** By the number of the command that it waits for. */
  readonly #waiting = new Map<number, Task>();
  /** What waits to be done besides. */
  readonly #asides: (() => Task)[] = [];
  /** Up to where threads were read live, by thread. */
  readonly #read = new Map<number, number>();
  #line: Task | undefined;
  #aside: Task | undefined;
  #commands = 0;

  constructor(options: TextSessionOptions) {
    const { user, random, zone, clock } = options;
    this.#options = options;
    this.#directory = createDirectory(user, KNOWN_MAX);
    const kept = { directory: this.#directory, numbers: this.#numbers, joined: this.#joined };
    const look = { me: user, ...kept, paint: createPaint(false), zone, indent: "  " };
    this.#runner = createLineRunner({
      ...kept,
      user,
      attended: true,
      now: clock,
      zone,
      lacking: LACKING,
    });
    this.#show = outcomeRenderer(look);
    this.#events = eventRenderer({ ...look, everything: false });
    const bytes = new Uint8Array(12);
    random(bytes);
    this.#keyPrefix = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  get busy(): boolean {
    return this.#line !== undefined;
  }

  next(): TextWish | undefined {
    return this.#wishes.shift();
  }

  start(): void {
    this.#line = this.#greet();
    this.#advance(this.#line, {});
  }

  run(text: string): void {
    const line = parseLine(text);
    if (line === undefined) return;
    // Whoever types has seen what was said before.
    if (this.#read.size > 0) this.#putAside(() => this.#mark());
    this.#line = this.#runLine(line);
    this.#advance(this.#line, {});
  }

  *#runLine(line: Line): Task {
    const { random, say } = this.#options;
    const outcome = yield* withSecrets(this.#runner.run(line), random);
    if (!outcome.ok) return say(formatStatus(outcome));
    // Text without a verb comes back live, from the thread that it was posted to.
    if (!isBareText(line)) say(this.#show(outcome));
    if (outcome.command === "XIT") this.#wishes.push({ input: "leave" });
    else say(DONE);
  }

  /** Follows what concerns everybody here, and says what there is to read. */
  *#greet(): Task {
    const { user, say } = this.#options;
    let threads: ThreadRow[] = [];
    try {
      yield* ask<"follow">({ op: "follow", scope: "directory" });
      yield* ask<"follow">({ op: "follow", scope: userScope(fold(user)) });
      ({ threads } = yield* ask<"threads">({ op: "threads", limit: LISTING }));
      // Most recently active first; the directory keeps what was added last.
      for (const row of threads.toReversed()) this.#directory.add(row);
      const direct = threads.filter((row) => row.direct).slice(0, CONVERSATIONS_MAX);
      for (const { thread } of direct) yield* this.#watch(thread);
    } catch {
      // Whatever is refused here is told when it is asked for.
    }
    say(greeting(user, threads, { directory: this.#directory, paint: createPaint(false) }));
    say(formatStatus({
      code: STATUS["valid-command"].code,
      name: "valid-command",
      text: `You are signed in as ${user}.`,
    }));
  }

  /** A private thread can be seen: learns whose it is, and follows it if it is a conversation. */
  *#enter(thread: number): Task {
    try {
      const page = yield* ask<"read">({ op: "read", thread, limit: 1 });
      this.#directory.add(page.thread);
      // From its beginning: its first message came with it.
      if (page.thread.direct) yield* this.#watch(thread, 0);
    } catch {
      // It can be gone again; its title is known already.
    }
  }

  *#watch(thread: number, after?: number): Task {
    // It only follows: no password is ever asked for.
    yield* withSecrets(this.#joined.watch(thread, after), this.#options.random);
  }

  /** Tells the server what was read live. */
  *#mark(): Task {
    const read = [...this.#read];
    this.#read.clear();
    for (const [thread, upto] of read) {
      try {
        yield* ask<"mark">({ op: "mark", thread, upto });
      } catch {
        // The thread can be gone meanwhile; then there is nothing to mark.
      }
    }
  }

  #putAside(begin: () => Task): void {
    if (this.#asides.length >= ASIDES_MAX) return;
    this.#asides.push(begin);
    this.#lookAside();
  }

  /** Begins with what waits besides, one after the other. */
  #lookAside(): void {
    if (this.#aside !== undefined) return;
    const begin = this.#asides.shift();
    if (begin === undefined) return;
    this.#aside = begin();
    this.#advance(this.#aside, {});
  }

  #advance(task: Task, answer: object): void {
    this.#take(task, task.next(answer));
  }

  #take(task: Task, step: ReturnType<Task["next"]>): void {
    if (step.done) {
      if (task === this.#line) this.#line = undefined;
      if (task === this.#aside) this.#aside = undefined;
      return this.#lookAside();
    }
    const request = step.value;
    if ("question" in request) this.#ask(request);
    else if ("password" in request) this.#wishes.push({ input: "salting", salting: request });
    else this.#command(task, request);
  }

  #ask({ question }: Question): void {
    this.#wishes.push({ input: "question", question });
  }

  #command(task: Task, command: Command): void {
    const id = ++this.#commands;
    this.#waiting.set(id, task);
    const keyed = isChange(command) ? { ...command, key: `${this.#keyPrefix}-${id}` } : command;
    this.#wishes.push({ input: "command", id, command: keyed });
  }

  /** Whose command this was. */
  #settle(id: number): Task {
    const task = this.#waiting.get(id);
    if (task === undefined) throw new Error("no command waits for an answer; give one to each");
    this.#waiting.delete(id);
    return task;
  }

  done(id: number, reply: object): void {
    this.#advance(this.#settle(id), reply);
  }

  refuse(id: number, refusal: Refusal): void {
    const task = this.#settle(id);
    this.#take(task, task.throw(new Refused(refusal)));
  }

  resume(answer: object): void {
    this.#advance(this.#line!, answer);
  }

  fail(refusal: Refusal): void {
    this.#take(this.#line!, this.#line!.throw(new Refused(refusal)));
  }

  event(event: ForumEvent): void {
    const thread = scopeThread(event.scope);
    // No thread is followed but those that were joined, and conversations.
    const shown = thread !== 0;
    // Shown first: the line may name what is about to be forgotten.
    if (shown) this.#tell(this.#events.event(event));
    const entered = keepUp(event, shown, {
      directory: this.#directory,
      numbers: this.#numbers,
      joined: this.#joined,
    });
    if (entered !== undefined) this.#putAside(() => this.#enter(entered));
    const mine = fold(event.by) === fold(this.#options.user);
    if (event.kind === "message.posted" && shown && !mine) this.#read.set(thread, event.seq);
  }

  notice(notice: Notice): void {
    if (notice.kind === "closing") this.#tell(this.#events.notice(notice));
  }

  #tell(text: string | undefined): void {
    if (text !== undefined) this.#options.say(`* ${text}`);
  }
}

/** Makes the session of somebody who has just signed in. */
export function createTextSession(options: TextSessionOptions): TextSession {
  return new Terminal(options);
}
