/**
 * The verbs: what people type, as one table (DESIGN §9). The terminal client and text mode read their
 * commands, their help and their completions from it; verb_line.ts turns a line into one of them.
 *
 * @module
 */

import type { Role } from "./forum/event.ts";

/** A thread as people write it: a title, `#number`, or `@user` for the conversation with that user. */
export type ThreadName =
  | { readonly title: string }
  | { readonly number: number }
  | { readonly user: string };

/**
 * What follows MSG. Whether its first word names a thread depends on which threads there are, so both
 * readings are here: `thread` and `text`, or `whole`.
 */
export interface Addressed {
  /** The first word, read as a thread. */
  readonly thread: ThreadName;
  /** Whether it was in quotes, and so can hardly be meant as text. */
  readonly quoted: boolean;
  /** What follows it; empty when nothing does. */
  readonly text: string;
  /** Everything after the verb. */
  readonly whole: string;
}

/** What each kind of argument is read as. */
export interface Arguments {
  title: string;
  thread: ThreadName;
  message: Addressed;
  number: number;
  text: string;
  user: string;
  users: string[];
  reaction: { readonly emoji: string; readonly on: boolean };
  role: Role;
  moment: string;
  words: string;
  why: string;
  topic: string;
  file: string;
  transfer: string;
  offer: string;
}

/** The kinds of argument. */
export type ArgumentKind = keyof Arguments;

/** How an argument is written in the help. */
export const ARGUMENT_LABELS: { readonly [K in ArgumentKind]: string } = {
  title: "title",
  thread: "thread",
  message: "[thread] text",
  number: "number",
  text: "text",
  user: "@user",
  users: "@user…",
  reaction: "emoji",
  role: "member|moderator|admin",
  moment: "time",
  words: "words",
  why: "why",
  topic: "verb",
  file: "file",
  transfer: "number|name",
  offer: "number|name",
};

/** One row of the table. */
export interface VerbEntry {
  /** Other ways to write it. */
  readonly also: readonly string[];
  /** In order; with `?` it may be left out. A text is the rest of the line as it stands. */
  readonly arguments: readonly (ArgumentKind | `${ArgumentKind}?`)[];
  /** What it does, in a few words. */
  readonly help: string;
  /** What else there is to know. */
  readonly more?: string;
}

/** Every verb, in the order in which the help lists them. */
export const VERBS = {
  CRT: {
    also: ["/create"],
    arguments: ["title"],
    help: "create a thread",
    more:
      'A title of several words stands in quotes: CRT "The Force". /private creates one for some.',
  },
  LST: {
    also: ["/threads", "/list"],
    arguments: [],
    help: "list the threads",
    more: "Most recently active first, with what you have not read.",
  },
  RDT: {
    also: ["/read"],
    arguments: ["thread", "number?"],
    help: "read a thread",
    more:
      "Shows the last 50 messages, or 50 from the given number on, and marks them as read. EDT, " +
      "DLT and the others take the numbers that were shown to you, even if somebody deletes a message.",
  },
  MSG: {
    also: ["/post", "/msg"],
    arguments: ["message"],
    help: "post a message",
    more:
      "If the first word names a thread, the message goes there: a title, #number, or @user for a " +
      "private message. Otherwise all of it goes to the thread that you joined last, or to lobby.",
  },
  EDT: {
    also: ["/edit"],
    arguments: ["thread", "number", "text"],
    help: "replace the text of your message",
  },
  DLT: {
    also: ["/delete"],
    arguments: ["thread", "number", "why?"],
    help: "delete your message",
    more: "The numbers after it close up. A moderator may delete any message, and says why.",
  },
  RMV: {
    also: ["/remove"],
    arguments: ["thread", "why?"],
    help: "remove your thread with all that it holds",
  },
  RDM: {
    also: ["/since"],
    arguments: ["moment"],
    help: "messages since a time",
    more:
      "In all threads. The time is like 23 Feb 2021 15:00:01, 2021-02-23T15:00:01Z, 15:00 (today) " +
      "or 2h (ago; also s, m, d).",
  },
  ATU: { also: ["/users", "/names", "/who"], arguments: [], help: "who is on, and since when" },
  JIN: {
    also: ["/join"],
    arguments: ["thread"],
    help: "follow a thread live",
    more:
      "What you then type without a verb is posted there; begin it with // for a text that begins " +
      "with a slash.",
  },
  LVE: {
    also: ["/leave", "/part"],
    arguments: ["thread?"],
    help: "follow a thread no longer",
    more:
      "Without a thread: the one that you joined last. You stay a member of a private thread; " +
      "/expel with your own name ends that.",
  },
  PRV: { also: ["/tell", "/query"], arguments: ["user", "text"], help: "send a private message" },
  SRC: { also: ["/search"], arguments: ["words"], help: "search titles and messages" },
  "/reply": {
    also: [],
    arguments: ["thread", "number", "text"],
    help: "answer a message",
  },
  "/react": {
    also: [],
    arguments: ["thread", "number", "reaction"],
    help: "put a reaction on a message, or take yours off",
    more: "An emoji, or a name like :+1:. The same again, or one with - before it, takes it off.",
  },
  "/private": {
    also: [],
    arguments: ["title", "users?"],
    help: "create a thread that only its members see",
  },
  "/invite": { also: [], arguments: ["thread", "user"], help: "let a user into a private thread" },
  "/expel": {
    also: ["/kick"],
    arguments: ["thread", "user", "why?"],
    help: "put a user out of a private thread, or leave it",
  },
  "/mark": { also: [], arguments: ["thread"], help: "mark a thread as read" },
  "/role": { also: [], arguments: ["user", "role", "why?"], help: "give a role (admins)" },
  "/ban": { also: [], arguments: ["user", "why?"], help: "ban a user (moderators)" },
  "/unban": { also: [], arguments: ["user", "why?"], help: "lift a ban (moderators)" },
  "/admin": {
    also: [],
    arguments: [],
    help: "become an admin; asks for the admin password",
  },
  "/password": { also: [], arguments: [], help: "change your password; asks for the new one" },
  UPD: {
    also: ["/upload", "/send"],
    arguments: ["thread", "file"],
    help: "share a file in a thread, or send it straight to a @user",
    more:
      "A @user is asked first, and gets it straight from your machine: the server cannot read it. " +
      "The file is the rest of the line, in quotes if you like: UPD lobby ~/talk.pdf. A pattern takes " +
      "several: UPD lobby photos/*.jpg. What was cut off goes on when the same is asked for again.",
  },
  DWN: {
    also: ["/download"],
    arguments: ["thread", "file"],
    help: "get a file from a thread",
    more:
      "By its name, by its #number as FLS shows it, or several by a pattern: DWN lobby *.jpg. No file " +
      "is ever written over. What was cut off goes on when the same is asked for again.",
  },
  RMF: {
    also: [],
    arguments: ["thread", "file"],
    help: "take a file out of a thread",
    more: "By its whole name, or by its #number as FLS shows it.",
  },
  FLS: {
    also: ["/files"],
    arguments: ["thread?"],
    help: "list files",
    more: "Newest first: those of a thread, or of all threads that you can see.",
  },
  "/transfers": { also: [], arguments: [], help: "list the files that are on their way" },
  "/cancel": {
    also: [],
    arguments: ["transfer"],
    help: "stop a file that is on its way",
    more: "By its number or name, as /transfers shows it. The same UPD or DWN goes on with it.",
  },
  "/offers": { also: [], arguments: [], help: "list the files that others want to send you" },
  "/accept": {
    also: [],
    arguments: ["offer?"],
    help: "take a file that somebody wants to send you",
    more: "By its number or name, as /offers shows it; without one, the only one there is.",
  },
  "/decline": {
    also: [],
    arguments: ["offer?"],
    help: "do not take it",
    more: "By its number or name, as /offers shows it; without one, the only one there is.",
  },
  "/always": {
    also: [],
    arguments: ["user"],
    help: "take whatever this user sends, from now on",
    more: "Also when you come back, until /ask @user.",
  },
  "/ask": {
    also: [],
    arguments: ["user"],
    help: "be asked again before what this user sends is taken",
  },
  SHT: {
    also: ["/shutdown"],
    arguments: [],
    help: "shut the server down; asks for the admin password",
  },
  XIT: {
    also: ["OUT", "/quit", "/exit"],
    arguments: [],
    help: "leave",
    more: "Files that are on their way are cut off. The same UPD or DWN goes on with them later.",
  },
  HLP: { also: ["/help", "?"], arguments: ["topic?"], help: "this help, or more about a verb" },
} as const satisfies Record<string, VerbEntry>;

/** The verbs' names. */
export type Verb = keyof typeof VERBS;

/** All of them, in the order of the table. */
export const VERB_NAMES: readonly Verb[] = Object.keys(VERBS) as Verb[];

type Needed<A> = Exclude<A, `${string}?`> & ArgumentKind;
type Optional<A> = A extends `${infer K}?` ? K & ArgumentKind : never;
type Given<A extends string> =
  & { readonly [K in Needed<A>]: Arguments[K] }
  & { readonly [K in Optional<A>]?: Arguments[K] };

/** A verb with its arguments, each under the name of its kind. */
export type VerbCall<V extends Verb = Verb> = {
  [K in V]: { readonly verb: K } & Given<(typeof VERBS)[K]["arguments"][number]>;
}[V];

const byName: ReadonlyMap<string, Verb> = new Map(
  VERB_NAMES.flatMap((verb) =>
    [verb, ...VERBS[verb].also].map((name) => [name.toUpperCase(), verb] as const)
  ),
);

/**
 * The verb that a word stands for, in any case, or `undefined`.
 *
 * @example
 * ```ts
 * import { verbOf } from "./verbs.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([verbOf("/Threads"), verbOf("whatsthedate")], ["LST", undefined]);
 * ```
 */
export function verbOf(word: string): Verb | undefined {
  return byName.get(word.toUpperCase());
}

/** How a verb is written: `EDT thread number text`. */
export function usage(verb: Verb): string {
  const entry: VerbEntry = VERBS[verb];
  const labels = entry.arguments.map((argument) => {
    const optional = argument.endsWith("?");
    const label = ARGUMENT_LABELS[argument.replace("?", "") as ArgumentKind];
    return optional ? `[${label}]` : label;
  });
  return [verb, ...labels].join(" ");
}
