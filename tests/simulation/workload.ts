/**
 * What simulated people do: the next command of somebody who knows a little of the forum and is often wrong.
 *
 * @module
 */

import type { Command } from "../../protocol/forum/command.ts";
import type { MemoryState } from "../../protocol/forum/memory_state.ts";
import { threadScope } from "../../protocol/forum/event.ts";
import type { Content } from "./contents.ts";
import type { Random } from "./random.ts";

/** What a choice is made from. */
export interface Choice {
  readonly random: Random;
  readonly state: MemoryState;
  /** A word that nobody has used. */
  readonly mark: string;
  /** Who chooses, folded. */
  readonly user: string;
  /** Names of all users. */
  readonly users: readonly string[];
  /** What is shared, if something is. */
  readonly content: Content;
  /** How often a text is long. */
  readonly long: number;
  readonly clock: number;
}

const FILLER = "Ceci n’est pas une pipe. ".repeat(1500);
/** Names that several files may want. */
const COMMON = ["notes", "../notes", "CON"];
const EMOJI = ["👍", "🎉", ":+1:", "é"];

type Maker = (choice: Choice) => Command;

/** What is done, and how often. */
const HABITS: readonly (readonly [number, Maker])[] = [
  [30, (c) => ({ op: "post", thread: thread(c), text: text(c), ...reply(c) })],
  [8, (c) => ({ op: "edit", ...message(c), text: text(c) })],
  [6, (c) => ({ op: "delete", ...message(c) })],
  [8, (c) => ({
    op: "react",
    ...message(c),
    emoji: c.random.pick(EMOJI),
    on: c.random.chance(0.7),
  })],
  [6, (c) => ({ op: "tell", user: user(c), text: text(c) })],
  [4, (c) => ({ op: "create", title: title(c) })],
  [3, (c) => ({ op: "create", title: c.mark, private: true, members: [user(c)] })],
  [5, (c) => ({ op: "invite", thread: closed(c), user: user(c) })],
  [5, (c) => ({ op: "expel", thread: closed(c), user: user(c) })],
  [5, (c) => ({ op: "post", thread: closed(c), text: text(c) })],
  [1, (c) => ({ op: "remove", thread: thread(c), why: "old" })],
  [6, (c) => ({ op: "mark", thread: thread(c), upto: c.random.between(1, 60) })],
  // The first user is the keeper, whom nobody disturbs.
  [1, (c) => ({
    op: "role",
    user: c.random.pick(c.users.slice(1)),
    role: c.random.pick(["member", "moderator"]),
  })],
  [1.5, (c) => ({ op: "ban", user: c.random.pick(c.users.slice(1)), on: c.random.chance(0.2) })],
  [10, (c) => upload(c, thread(c))],
  [3, (c) => upload(c, closed(c))],
  [
    12,
    (c) => ({ op: "download", ...file(c), upto: 0, ...c.random.chance(0.5) && { deflate: true } }),
  ],
  [3, (c) => withdrawal(file(c))],
  [1, (c) => ({ op: "files", ...c.random.chance(0.5) && { thread: thread(c) } })],
  [3, (c) => ({ op: "typing", thread: thread(c) })],
  [4, (c) => ({ op: "read", thread: thread(c), limit: 20 })],
  [3, () => ({ op: "threads" })],
  [2, (c) => ({ op: "search", words: c.random.pick(["pipe", "une pi", "nothing"]), limit: 20 })],
  [2, (c) => ({ op: "since", at: c.clock - c.random.between(0, 20_000), limit: 20 })],
  [1, () => ({ op: "find", title: "lobby" })],
  [2, () => ({ op: "users" })],
  [2, (c) => ({ op: "watch", on: c.random.chance(0.7) })],
  [3, (c) => ({ op: "unfollow", scope: threadScope(thread(c)) })],
  [3, (c) => ({ op: "follow", scope: threadScope(thread(c)), ...place(c) })],
  [0.5, (c) => ({ op: "logout", everywhere: c.random.chance(0.5) })],
];

const TOTAL = HABITS.reduce((sum, [weight]) => sum + weight, 0);

/** Chooses a command. */
export function chooseCommand(choice: Choice): Command {
  let at = choice.random.fraction() * TOTAL;
  for (const [weight, make] of HABITS) {
    at -= weight;
    if (at < 0) return make(choice);
  }
  return { op: "threads" };
}

function thread({ random, state }: Choice): number {
  // Mostly one of a few, so that things meet; at times one that is not there.
  return random.chance(0.5) ? 1 : random.between(1, state.lastThread + 1);
}

/** Mostly a private thread that the user may see. */
function closed(choice: Choice): number {
  const { random, state, user } = choice;
  const own = [...state.threads()].filter((one) => !one.direct && one.members.includes(user));
  return own.length > 0 && random.chance(0.8) ? random.pick(own).number : thread(choice);
}

function upload(c: Choice, thread: number): Command {
  const { random, content: { bytes, sha256 }, mark } = c;
  return {
    op: "upload",
    thread,
    name: random.chance(0.15) ? random.pick(COMMON) : mark,
    size: bytes.length,
    ...random.chance(0.25) && { sha256 },
    ...random.chance(0.3) && { modified: random.pick([1, 2]) },
    ...random.chance(0.5) && { deflate: true },
  };
}

function withdrawal({ thread, file }: { thread: number; file: number }): Command {
  return { op: "withdraw", thread, file };
}

/** Mostly a living file, and not always from its beginning. */
function file(choice: Choice): { thread: number; file: number; offset?: number } {
  const { random, state } = choice;
  const shelves = [...state.threads()].filter(({ number }) => state.fileCount(number) > 0);
  if (shelves.length === 0 || random.chance(0.1)) {
    return { thread: thread(choice), file: random.between(1, 9) };
  }
  const { number } = random.pick(shelves);
  const { seq, size } = random.pick([...state.files(number)].slice(-10));
  return {
    thread: number,
    file: seq,
    ...random.chance(0.3) && { offset: random.between(0, size) },
  };
}

function message(choice: Choice): { thread: number; message: number } {
  const number = thread(choice);
  const newest = [...choice.state.messages(number)].slice(-10);
  const seq = newest.length > 0 ? choice.random.pick(newest).seq : choice.random.between(1, 9);
  return { thread: number, message: seq };
}

function reply(choice: Choice): { reply?: number } {
  return choice.random.chance(0.1) ? { reply: choice.random.between(1, 40) } : {};
}

function place({ random }: Choice): { after?: number } {
  return random.chance(0.3) ? {} : { after: random.chance(0.5) ? 0 : random.between(0, 20) };
}

function user({ random, users }: Choice): string {
  return random.chance(0.05) ? "nobody" : random.pick(users);
}

function title({ random, mark }: Choice): string {
  return random.chance(0.1) ? "lobby" : mark;
}

function text(choice: Choice): string {
  const { random, mark, long } = choice;
  const mentioned = random.chance(0.2) ? ` @${user(choice)}` : "";
  const length = random.chance(long) ? random.between(1000, FILLER.length) : random.between(0, 60);
  return `${mark}${mentioned} ${FILLER.slice(0, length)}`;
}
