/**
 * The line grammar: a line that a person typed becomes a verb with its arguments, or a complaint that
 * says what to write instead (DESIGN §9). Any line at all gives one or the other.
 *
 * Verbs ignore case. A thread is one word, or several `"in quotes"` with `\"` and `\\` inside, or
 * `#number`, or `@user`. A text is everything after one space, as it stands. A file is the rest of the
 * line without the spaces around it, or in quotes. Which threads and files there are is not known here:
 * whoever runs the verb looks that up.
 *
 * @module
 */

import { type Role, ROLES, SEQ_MAX } from "./forum/event.ts";
import { nearest } from "./nearest.ts";
import {
  type Addressed,
  type ArgumentKind,
  type Arguments,
  type ThreadName,
  usage,
  type Verb,
  VERB_NAMES,
  type VerbCall,
  type VerbEntry,
  verbOf,
  VERBS,
} from "./verbs.ts";

/** A line that begins with no verb and no slash: text for the joined thread, if there is one. */
export interface BareText {
  readonly text: string;
  /** Its first word. */
  readonly word: string;
  /** What to say if it cannot be posted. */
  readonly complaint: string;
}

/** A line that cannot be understood. */
export interface LineFault {
  readonly complaint: string;
  readonly status: "invalid-command" | "bad-field";
  /** The verb, or the word that stands where a verb should. */
  readonly word: string;
}

/** What a line is. */
export type Line = VerbCall | BareText | LineFault;

/** Whether a line could not be understood. */
export function isLineFault(line: Line): line is LineFault {
  return "status" in line;
}

/** Whether a line is text without a verb. */
export function isBareText(line: Line): line is BareText {
  return !("verb" in line) && "text" in line;
}

/**
 * Reads a line without its end; `undefined` is a blank one.
 *
 * @example
 * ```ts
 * import { parseLine } from "./verb_line.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseLine('edt "The Force" 3 May it be with you'), {
 *   verb: "EDT",
 *   thread: { title: "The Force" },
 *   number: 3,
 *   text: "May it be with you",
 * });
 * ```
 */
export function parseLine(line: string): Line | undefined {
  const trimmed = line.trimStart();
  if (trimmed.trim() === "") return undefined;
  const word = /^\S+/.exec(trimmed)?.[0] ?? "";
  if (word.startsWith("//")) {
    return {
      text: trimmed.slice(1),
      word,
      complaint: `${clip(word)} is text, but no thread is joined: ${JOIN}`,
    };
  }
  const verb = verbOf(word);
  if (verb === undefined) return withoutVerb(line, word);
  const entry: VerbEntry = VERBS[verb];
  const rest = trimmed.slice(word.length);
  const call: Record<string, unknown> = { verb };
  let left = rest;
  for (const argument of entry.arguments) {
    const optional = argument.endsWith("?");
    const kind = argument.replace("?", "") as ArgumentKind;
    if (left.trim() === "") {
      if (optional) continue;
      return { complaint: `Write ${usage(verb)}.`, status: "bad-field", word: verb };
    }
    const read = READERS[kind](left);
    if ("complaint" in read) return { complaint: read.complaint, status: "bad-field", word: verb };
    call[kind] = read.value;
    left = read.left;
  }
  if (left.trim() !== "") {
    return { complaint: surplus(verb, rest), status: "bad-field", word: verb };
  }
  return call as unknown as VerbCall;
}

const JOIN = "JIN thread joins one.";

function withoutVerb(line: string, word: string): Line {
  const near = nearest(word.toUpperCase(), [
    ...VERB_NAMES,
    ...VERB_NAMES.flatMap((verb) => VERBS[verb].also),
  ], word.length <= 4 ? 1 : 2);
  const hint = near === undefined ? "HLP lists the commands." : `Did you mean ${near}?`;
  if (word.startsWith("/")) {
    return {
      complaint: `${clip(word)} is not a command. ${hint}`,
      status: "invalid-command",
      word,
    };
  }
  return {
    text: line,
    word,
    complaint: `${
      clip(word)
    } is not a command, and no thread is joined to post it to. ${hint} ${JOIN}`,
  };
}

function clip(word: string): string {
  const points = [...word];
  return points.length <= 30 ? word : `${points.slice(0, 30).join("")}…`;
}

/** Words are left over: most likely a title of several words stands without quotes. */
function surplus(verb: Verb, rest: string): string {
  const entry: VerbEntry = VERBS[verb];
  const first = entry.arguments[0] ?? "";
  if (entry.arguments.length === 0) {
    return `${verb} stands alone. To post this as text, write MSG before it.`;
  }
  return /^(thread|title)/.test(first) && !rest.includes('"')
    ? `A title of several words stands in quotes: ${verb} ${quote(rest.trim())}.`
    : `There is more than ${usage(verb)} needs.`;
}

type Reading<T> = { readonly value: T; readonly left: string } | { readonly complaint: string };
type Reader<T> = (rest: string) => Reading<T>;

/** One word. */
const readWord: Reader<string> = (rest) => {
  const trimmed = rest.trimStart();
  const value = /^\S+/.exec(trimmed)?.[0] ?? "";
  return { value, left: trimmed.slice(value.length) };
};

/** The rest, after the one space that sets it off. */
const readRest: Reader<string> = (rest) => ({ value: rest.replace(/^\s/, ""), left: "" });

const readUser: Reader<string> = (rest) => {
  const read = readWord(rest);
  if ("complaint" in read) return read;
  const value = read.value.replace(/^@/, "");
  return value === "" ? { complaint: "Write the user's name after the @." } : { ...read, value };
};

/** A word in quotes, if that is what comes next. */
function readQuoted(trimmed: string): Reading<string> | undefined {
  if (!trimmed.startsWith('"')) return undefined;
  let value = "";
  for (let at = 1; at < trimmed.length; at++) {
    const character = trimmed[at];
    const next = trimmed[at + 1];
    if (character === '"') {
      if (next !== undefined && !/\s/.test(next)) {
        return { complaint: "Put a space after the closing quote." };
      }
      return { value, left: trimmed.slice(at + 1) };
    }
    if (character === "\\" && (next === '"' || next === "\\")) at++;
    value += character === "\\" ? trimmed[at] : character;
  }
  return { complaint: 'The closing quote " is missing.' };
}

const readTitle: Reader<string> = (rest) => {
  const trimmed = rest.trimStart();
  const read = readQuoted(trimmed) ?? readWord(trimmed);
  if ("complaint" in read) return read;
  if (!trimmed.startsWith('"') && /^[#@]/.test(read.value)) {
    return { complaint: `Put a title that begins with ${read.value[0]} in quotes.` };
  }
  return read;
};

const readThread: Reader<ThreadName> = (rest) => {
  const trimmed = rest.trimStart();
  const quoted = readQuoted(trimmed);
  if (quoted !== undefined) {
    return "complaint" in quoted ? quoted : { value: { title: quoted.value }, left: quoted.left };
  }
  const read = readWord(trimmed);
  if ("complaint" in read) return read;
  const { value: word, left } = read;
  if (/^#\d+$/.test(word)) {
    const number = Number(word.slice(1));
    return number >= 1 && number <= SEQ_MAX
      ? { value: { number }, left }
      : { complaint: "A thread's number is like #3." };
  }
  return word.startsWith("@") && word.length > 1
    ? { value: { user: word.slice(1) }, left }
    : { value: { title: word }, left };
};

const readMessage: Reader<Addressed> = (rest) => {
  const whole = rest.replace(/^\s/, "");
  const quoted = rest.trimStart().startsWith('"');
  const read = readThread(rest);
  // A quote that is never closed, or closed within a word, is a text like any other.
  if ("complaint" in read) {
    return { value: { thread: { title: whole }, quoted: false, text: "", whole }, left: "" };
  }
  const text = read.left.replace(/^\s/, "");
  return { value: { thread: read.value, quoted, text, whole }, left: "" };
};

const readNumber: Reader<number> = (rest) => {
  const read = readWord(rest);
  if ("complaint" in read) return read;
  const value = /^#?\d{1,10}$/.test(read.value) ? Number(read.value.replace("#", "")) : 0;
  return value >= 1 && value <= SEQ_MAX ? { ...read, value } : {
    complaint: `A message's number is like 3, not ${clip(read.value)}. ` +
      "A title of several words stands in quotes.",
  };
};

/** A name that goes on to the end of the line; in quotes, if they stand around all of it. */
const readName: Reader<string> = (rest) => {
  const trimmed = rest.trim();
  const read = readQuoted(trimmed) ?? { value: trimmed, left: "" };
  if ("complaint" in read || read.value !== "") return read;
  return { complaint: "Write a name between the quotes." };
};

const READERS: { readonly [K in ArgumentKind]: Reader<Arguments[K]> } = {
  title: readTitle,
  thread: readThread,
  message: readMessage,
  number: readNumber,
  text: readRest,
  user: readUser,
  users: (rest) => ({
    value: rest.trim().split(/\s+/).map((word) => word.replace(/^@/, "")).filter((name) => name),
    left: "",
  }),
  reaction: (rest) => {
    const read = readWord(rest);
    if ("complaint" in read) return read;
    // A lone minus is a character like any other.
    const off = read.value.startsWith("-") && read.value.length > 1;
    return {
      value: { emoji: off ? read.value.slice(1) : read.value, on: !off },
      left: read.left,
    };
  },
  role: (rest) => {
    const read = readWord(rest);
    if ("complaint" in read) return read;
    const value = read.value.toLowerCase();
    return (ROLES as readonly string[]).includes(value)
      ? { value: value as Role, left: read.left }
      : { complaint: `A role is one of ${ROLES.join(", ")}.` };
  },
  moment: (rest) => ({ value: rest.trim(), left: "" }),
  words: (rest) => ({ value: rest.trim(), left: "" }),
  why: readRest,
  topic: readWord,
  file: readName,
  transfer: readName,
  offer: readName,
};

function quote(title: string): string {
  return `"${title.replace(/[\\"]/g, "\\$&")}"`;
}

/**
 * Writes a thread as the grammar reads it, in quotes where it needs them.
 *
 * @example
 * ```ts
 * import { formatThread } from "./verb_line.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatThread({ title: "The Force" }), '"The Force"');
 * assertEquals(formatThread({ number: 3 }), "#3");
 * ```
 */
export function formatThread(thread: ThreadName): string {
  if ("number" in thread) return `#${thread.number}`;
  if ("user" in thread) return `@${thread.user}`;
  return /^[^\s"#@]\S*$/.test(thread.title) ? thread.title : quote(thread.title);
}

/** Writes a file's name as the grammar reads it, in quotes where it needs them. */
export function formatName(name: string): string {
  return name === name.trim() && name !== "" && !name.startsWith('"') ? name : quote(name);
}

/** Writes a verb with its arguments as a line that {@linkcode parseLine} reads as the same. */
export function formatLine(call: VerbCall): string {
  const given = call as unknown as Partial<Arguments>;
  const entry: VerbEntry = VERBS[call.verb];
  const parts: string[] = [call.verb];
  for (const argument of entry.arguments) {
    const kind = argument.replace("?", "") as ArgumentKind;
    if (given[kind] !== undefined) parts.push(formatArgument(kind, given));
  }
  return parts.join(" ");
}

function formatArgument(kind: ArgumentKind, given: Partial<Arguments>): string {
  switch (kind) {
    case "title":
      return formatThread({ title: given.title ?? "" });
    case "thread":
      return given.thread === undefined ? "" : formatThread(given.thread);
    case "message":
      return given.message?.whole ?? "";
    case "user":
      return `@${given.user}`;
    case "file":
    case "transfer":
    case "offer":
      return formatName(given[kind] ?? "");
    case "users":
      return (given.users ?? []).map((name) => `@${name}`).join(" ");
    case "reaction":
      return `${given.reaction?.on ? "" : "-"}${given.reaction?.emoji}`;
    default:
      return String(given[kind]);
  }
}
