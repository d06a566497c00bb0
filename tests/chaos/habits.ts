/**
 * What inhabitants do: the next act of somebody who knows a little of the forum and is at times wrong.
 *
 * @module
 */

import type { Change, Command } from "../../protocol/forum/command.ts";
import type { Random } from "../simulation/random.ts";
import type { Inhabitant, SharedFile } from "./inhabitant.ts";
import type { Ledger } from "./ledger.ts";

/** What one inhabitant remembers. */
export interface Habitual {
  readonly inhabitant: Inhabitant;
  readonly random: Random;
  readonly ledger: Ledger;
  /** Names of all inhabitants. */
  readonly users: readonly string[];
  /** Public threads that are there, as far as is known; all share this. */
  readonly threads: number[];
  /** Files that are there, as far as is known; all share this. Without it, nobody does anything with files. */
  readonly files?: SharedFile[];
  /** Own messages, newest last. */
  readonly own: { thread: number; message: number }[];
}

/** The refusals that people who act like this run into. */
export const EXPECTED_REFUSALS: ReadonlySet<string> = new Set([
  // Somebody else was first.
  "no-thread",
  "no-message",
  "no-file",
  "bad-position",
  // Somebody else has shared it.
  "not-author",
  // Too many reactions on one message.
  "full",
  // The server was going down.
  "shutting-down",
]);

const FILLER = "Ceci n’est pas une pipe. ".repeat(200);
const THREADS_MAX = 8;
const OWN_MAX = 50;
const BURST = 60;
const FILES_MAX = 40;
/** Bytes of a file at the most, and of a large one. */
const FILE_BYTES = 200_000;
const LARGE_FILE_BYTES = 4_000_000;

type Act = (who: Habitual) => Promise<unknown>;

/** What is done, and how often. */
const HABITS: readonly (readonly [number, Act])[] = [
  [40, (who) => post(who)],
  [1.5, (who) => Promise.all(Array.from({ length: BURST }, () => post(who)))],
  [9, (who) => edit(who)],
  [7, (who) => remove(who)],
  [9, (who) =>
    change(who, {
      op: "react",
      ...known(who),
      emoji: `:${who.ledger.mark()}:`,
      on: true,
    })],
  [4, (who) => tell(who)],
  [2, (who) => create(who)],
  [0.7, (who) => dissolve(who)],
  [6, (who) =>
    change(who, {
      op: "mark",
      thread: thread(who),
      upto: who.random.between(1, 500),
    })],
  [6, (who) => ask(who, { op: "read", thread: thread(who), limit: 50 })],
  [3, (who) => ask(who, { op: "threads" })],
  [2, (who) => ask(who, { op: "search", words: who.random.pick(["pipe", "une pi", "nothing"]) })],
  [1, (who) => ask(who, { op: "since", at: Date.now() - 5000, limit: 50 })],
  [1, (who) => ask(who, { op: "users" })],
  [2, (who) => ask(who, { op: "typing", thread: thread(who) })],
];

/** The same where files are shared too. */
const FILE_HABITS: typeof HABITS = [
  ...HABITS,
  [3, (who) => share(who)],
  [3, (who) => fetch(who)],
  [1, (who) => takeOut(who)],
];

function total(habits: typeof HABITS): number {
  return habits.reduce((sum, [weight]) => sum + weight, 0);
}

/** Does the next thing. */
export async function act(who: Habitual): Promise<void> {
  const habits = who.files === undefined ? HABITS : FILE_HABITS;
  let at = who.random.fraction() * total(habits);
  for (const [weight, doIt] of habits) {
    at -= weight;
    if (at < 0) {
      await doIt(who);
      return;
    }
  }
}

function change(who: Habitual, command: Change) {
  return who.inhabitant.change(command);
}

function ask(who: Habitual, command: Command) {
  return who.inhabitant.ask(command);
}

function thread({ random, threads }: Habitual): number {
  return random.chance(0.4) ? 1 : random.pick(threads);
}

/** Mostly one of the inhabitant's own messages, at times one that may not be there. */
function known(who: Habitual): { thread: number; message: number } {
  const { random, own } = who;
  return own.length > 0 && random.chance(0.95)
    ? random.pick(own)
    : { thread: thread(who), message: random.between(2, 200) };
}

function text({ random, ledger, users }: Habitual): string {
  const mentioned = random.chance(0.1) ? ` @${random.pick(users)}` : "";
  const length = random.chance(0.03) ? random.between(500, FILLER.length) : random.between(0, 120);
  return `${ledger.mark()}${mentioned} ${FILLER.slice(0, length)}`;
}

async function post(who: Habitual): Promise<void> {
  const number = thread(who);
  const answer = await change(who, { op: "post", thread: number, text: text(who) });
  if (answer?.seq === undefined) return;
  who.own.push({ thread: number, message: answer.seq });
  if (who.own.length > OWN_MAX) who.own.shift();
}

async function edit(who: Habitual): Promise<void> {
  if (who.own.length === 0) return;
  await change(who, { op: "edit", ...who.random.pick(who.own), text: text(who) });
}

async function remove(who: Habitual): Promise<void> {
  if (who.own.length === 0) return;
  const [message] = who.own.splice(who.random.below(who.own.length), 1);
  await change(who, { op: "delete", ...message });
}

async function tell(who: Habitual): Promise<void> {
  const { users, inhabitant } = who;
  const user = who.random.pick(users.filter((name) => name !== inhabitant.user));
  await change(who, { op: "tell", user, text: text(who) });
}

async function create(who: Habitual): Promise<void> {
  const { threads, ledger } = who;
  if (threads.length >= THREADS_MAX) return;
  const answer = await change(who, { op: "create", title: ledger.mark() });
  if (answer?.thread !== undefined) threads.push(answer.thread);
}

/** Removes a thread; who is not its owner is refused. */
async function dissolve(who: Habitual): Promise<void> {
  const { threads, inhabitant, random } = who;
  const others = threads.filter((number) => number !== 1);
  if (others.length < THREADS_MAX / 2) return;
  const number = random.pick(others);
  const page = await ask(who, { op: "read", thread: number, limit: 1 }) as
    | { thread: { owner: string } }
    | undefined;
  const gone = page === undefined;
  if (!gone && page.thread.owner !== inhabitant.user) return;
  const at = threads.indexOf(number);
  if (at >= 0) threads.splice(at, 1);
  if (!gone) await change(who, { op: "remove", thread: number, why: "old" });
}

async function share(who: Habitual): Promise<void> {
  const { random, ledger, inhabitant } = who;
  const files = who.files!;
  if (files.length >= FILES_MAX) return await takeOut(who);
  const most = random.chance(0.1) ? LARGE_FILE_BYTES : FILE_BYTES;
  const bytes = new Uint8Array(random.between(0, most));
  random.fill(bytes);
  const file = await inhabitant.share({ thread: thread(who), name: ledger.mark(), bytes });
  if (file !== undefined) files.push(file);
}

async function fetch({ random, files, inhabitant }: Habitual): Promise<void> {
  if (files!.length > 0) await inhabitant.fetch(random.pick(files!));
}

/** Takes any file out; who has not shared it is refused. */
async function takeOut(who: Habitual): Promise<void> {
  const files = who.files!;
  if (files.length === 0) return;
  const [{ thread, file }] = files.splice(who.random.below(files.length), 1);
  await change(who, { op: "withdraw", thread, file });
}
