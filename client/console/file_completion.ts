/**
 * Completion where a file stands: paths of this machine for UPD, names of the thread's files for DWN and RMF.
 *
 * @module
 */

import { join } from "node:path";
import { fold } from "../../protocol/text.ts";
import { formatName, isLineFault, parseLine } from "../../protocol/verb_line.ts";
import { verbOf } from "../../protocol/verbs.ts";
import { withHome } from "../disk/local_paths.ts";
import type { Completion } from "./completion.ts";
import type { Directory } from "../../protocol/terminal/directory.ts";
import type { KnownFiles } from "../../protocol/terminal/known_files.ts";
import { visibleLine } from "../../protocol/terminal/visible.ts";

/** What completion looks at. */
export interface FileCompletionOptions {
  readonly directory: Directory;
  readonly known: KnownFiles;
}

/** The verb, the thread, and what is typed of the file. */
const FILE_LINE = /^\s*(\S+)\s+("(?:[^"\\]|\\.)*"|[^\s"]\S*)\s+(.*)$/s;
/** More entries of a folder are not looked at. */
const ENTRIES_MAX = 10_000;

/** Completes the end of a line where a file stands; `undefined` anywhere else. */
export function completeFile(line: string, options: FileCompletionOptions): Completion | undefined {
  const [, word, thread, typed] = FILE_LINE.exec(line) ?? [];
  const verb = word === undefined ? undefined : verbOf(word);
  if (verb !== "UPD" && verb !== "DWN" && verb !== "RMF") return undefined;
  const wanted = typed.replace(/^"/, "").replace(/\\(["\\])/g, "$1");
  const found = verb === "UPD" ? localEntries(wanted) : sharedNames(thread, wanted, options);
  const quoted = typed.startsWith('"');
  const candidates = found
    // A candidate goes to the terminal as it stands.
    .filter((name) => visibleLine(name) === name)
    .map((name) => writeName(name, quoted));
  return { candidates, typed };
}

/** A name as it is typed; the quotes around a folder stay open for what is in it. */
function writeName(name: string, quoted: boolean): string {
  const text = quoted || formatName(name) !== name ? `"${name.replace(/[\\"]/g, "\\$&")}"` : name;
  return quoted && name.endsWith("/") ? text.slice(0, -1) : text;
}

function sharedNames(
  thread: string,
  wanted: string,
  { directory, known }: FileCompletionOptions,
): string[] {
  const line = parseLine(`FLS ${thread}`);
  if (line === undefined || isLineFault(line) || !("verb" in line) || line.verb !== "FLS") {
    return [];
  }
  const name = line.thread!;
  const numbers = "number" in name
    ? [name.number]
    : directory.named(name).map(({ thread }) => thread);
  return numbers.flatMap((number) => known.names(number))
    .filter((name) => fold(name).startsWith(fold(wanted)))
    .sort();
}

/** What lies in the folder that is typed and begins as what is typed after it; folders end with a slash. */
function localEntries(wanted: string): string[] {
  const folder = wanted.slice(0, wanted.lastIndexOf("/") + 1);
  const start = wanted.slice(folder.length);
  const path = withHome(folder === "" ? "." : folder);
  const found: string[] = [];
  try {
    let left = ENTRIES_MAX;
    for (const { name, isDirectory, isSymlink } of Deno.readDirSync(path)) {
      if (left-- === 0) break;
      // Hidden files are there for those who ask for them.
      if (!name.startsWith(start) || (name.startsWith(".") && start === "")) continue;
      const within = isDirectory || (isSymlink && isFolder(join(path, name)));
      found.push(`${folder}${name}${within ? "/" : ""}`);
    }
  } catch {
    // What cannot be read offers nothing.
  }
  return found.sort();
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
