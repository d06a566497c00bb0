/**
 * Completion: what Tab offers, by what stands where in the line.
 *
 * @module
 */

import { ROLES } from "../../protocol/forum/event.ts";
import { fold } from "../../protocol/text.ts";
import {
  type ArgumentKind,
  VERB_NAMES,
  type VerbEntry,
  verbOf,
  VERBS,
} from "../../protocol/verbs.ts";
import type { Directory } from "../../protocol/terminal/directory.ts";
import { visibleLine } from "../../protocol/terminal/visible.ts";

/** What can stand in the place of what was typed last. */
export interface Completion {
  readonly candidates: string[];
  /** The piece of the line that a candidate replaces. */
  readonly typed: string;
}

const WORDS = /"(?:[^"\\]|\\.)*"?|\S+/g;
const OPEN_QUOTE = /^"(?:[^"\\]|\\.)*$/;

/**
 * Completes the end of a line.
 *
 * @example
 * ```ts
 * import { complete } from "./completion.ts";
 * import { createDirectory } from "../../protocol/terminal/directory.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const directory = createDirectory("Yoda");
 * directory.add({ thread: 3, title: "The Force", direct: false });
 * assertEquals(complete("rdt th", directory), { candidates: ['"The Force" '], typed: "th" });
 * ```
 */
export function complete(line: string, directory: Directory): Completion {
  const words = line.match(WORDS) ?? [];
  const last = words.at(-1) ?? "";
  const open = last !== "" && (!/\s$/.test(line) || OPEN_QUOTE.test(last));
  const typed = open ? last : "";
  const before = open ? words.slice(0, -1) : words;
  const verb = before.length === 0 ? undefined : verbOf(before[0]);
  const pool = before.length === 0 && !typed.startsWith("@")
    ? verbs(typed)
    : verb === undefined
    ? mentioned(typed, directory)
    : argument(kindAt(VERBS[verb], before.length - 1), typed, directory);
  const wanted = bare(typed);
  const candidates = [...new Set(pool)].filter((candidate) =>
    // A candidate goes to the terminal as it stands.
    bare(candidate).startsWith(wanted) && visibleLine(candidate) === candidate
  );
  return { candidates: candidates.map((candidate) => `${candidate} `), typed };
}

/** How words are compared: without an opening quote, folded. */
function bare(word: string): string {
  return fold(word.replace(/^"/, ""));
}

function verbs(typed: string): string[] {
  const names = VERB_NAMES.flatMap((verb) => [verb, ...VERBS[verb].also]);
  return names.filter((name) => name.startsWith("/") === typed.startsWith("/"));
}

/** What stands at a place; the last argument goes on to the end of the line. */
function kindAt(entry: VerbEntry, place: number): ArgumentKind | undefined {
  const kinds = entry.arguments.map((given) => given.replace("?", "") as ArgumentKind);
  const kind = kinds[Math.min(place, kinds.length - 1)];
  return kind === "message" && place > 0 ? "text" : kind;
}

function argument(
  kind: ArgumentKind | undefined,
  typed: string,
  directory: Directory,
): Iterable<string> {
  switch (kind) {
    case "thread":
      return threads(typed, directory);
    case "message":
      return [...threads(typed, directory), ...users(directory)];
    case "user":
    case "users":
      return typed.startsWith("@") || typed === "" ? users(directory) : [...directory.people()];
    case "text":
    case "why":
      return mentioned(typed, directory);
    case "role":
      return ROLES;
    case "topic":
      return verbs(typed);
    default:
      return [];
  }
}

/** The most recently active first. */
function threads(typed: string, directory: Directory): string[] {
  const known = [...directory.threads()].reverse();
  return known.map(({ thread }) => typed.startsWith("#") ? `#${thread}` : directory.label(thread));
}

function users(directory: Directory): string[] {
  return [...directory.people()].map((name) => `@${name}`).sort();
}

function mentioned(typed: string, directory: Directory): string[] {
  return typed.startsWith("@") ? users(directory) : [];
}
