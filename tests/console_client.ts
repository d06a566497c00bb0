/**
 * A forum client for tests of the console: it answers from a script and writes down what it was asked.
 *
 * @module
 */

import type { ForumClient } from "../client/forum_client.ts";
import { createDirectory } from "../protocol/terminal/directory.ts";
import { createJoined, type Joined } from "../protocol/terminal/joined.ts";
import { createNumbers } from "../protocol/terminal/numbers.ts";
import { answerAll, createSession } from "../client/console/session.ts";
import type { Command, Op } from "../protocol/forum/command.ts";
import type { ThreadRow } from "../protocol/forum/reply.ts";
import { STATUS, type StatusName } from "../protocol/status.ts";
import { parseLine } from "../protocol/verb_line.ts";

/** What the fake server answers: a reply, or a refusal by name. */
export type Answers = {
  readonly [O in Op]?: (command: Extract<Command, { op: O }>) => object | StatusName;
};

/** A refusal as the real client rejects with. */
export function refusal(name: StatusName): Error {
  const { code, text } = STATUS[name];
  return Object.assign(new Error(text), { code, name });
}

/** A thread as the lists show it. */
export function threadRow(thread: number, title: string, more: Partial<ThreadRow> = {}): ThreadRow {
  return {
    thread,
    title,
    owner: "Yoda",
    private: false,
    direct: false,
    at: 0,
    lastAt: 0,
    messages: 0,
    head: 1,
    read: 0,
    unread: 0,
    mentions: 0,
    ...more,
  };
}

/** A client named Yoda, and what it was asked in order. */
export function scriptedClient(answers: Answers) {
  const asked: object[] = [];
  const client = {
    user: "Yoda",
    command(command: Command) {
      asked.push(command);
      const answer = answers[command.op] as ((given: Command) => object | StatusName) | undefined;
      const reply = answer?.(command) ?? {};
      return typeof reply === "string" ? Promise.reject(refusal(reply)) : Promise.resolve(reply);
    },
    follow(scope: string, after?: number) {
      asked.push({ follow: scope, ...after !== undefined && { after } });
      return Promise.resolve({ head: 1 });
    },
    unfollow(scope: string) {
      asked.push({ unfollow: scope });
      return Promise.resolve();
    },
    promote(password: string) {
      asked.push({ promote: password });
      return Promise.resolve();
    },
  };
  return { client: client as unknown as ForumClient, asked };
}

/** Joins a thread, as a verb does. */
export function join(joined: Joined, thread: number): Promise<void> {
  return answerAll(joined.join(thread), () => Promise.resolve({ head: 1 }));
}

/** A session on a scripted client, run line by line. */
export function scriptedSession(answers: Answers, attended = false) {
  const { client, asked } = scriptedClient(answers);
  const directory = createDirectory("Yoda");
  const numbers = createNumbers();
  const joined = createJoined();
  const session = createSession({
    client,
    directory,
    numbers,
    joined,
    attended,
    now: () => 10_000_000,
    secrets: {
      adminPassword: () => Promise.resolve("tell nobody"),
      newPassword: () => Promise.resolve(undefined),
    },
  });
  return {
    asked,
    directory,
    numbers,
    joined,
    /** Runs a line; forgets what was asked before. */
    run(text: string) {
      asked.length = 0;
      const line = parseLine(text);
      if (line === undefined) throw new Error("a blank line cannot be run");
      return session.run(line);
    },
  };
}
