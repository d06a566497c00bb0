/**
 * What somebody may type who has not signed in: the first line of all, a name, a password.
 *
 * @module
 */

import type { Ending } from "../connection.ts";
import { ending } from "../ending.ts";
import { type Refusal, refuse } from "../status.ts";
import { checkName, checkPassword } from "../text.ts";
import { verbOf } from "../verbs.ts";
import type { LineInput } from "./line_reader.ts";
import type { TextInput } from "./text_table.ts";

/** An input of the table that a line was, with what belongs to it. */
export interface Typed {
  readonly input: TextInput;
  /** The name, the password, or the line as it stands. */
  readonly line?: string;
  readonly refusal?: Refusal | undefined;
  readonly ending?: Ending;
}

const UNSAFE = "Passwords are typed here, and this connection can be read on its way. Come from " +
  "the server's own machine or through TLS, or use the terminal client, which keeps the password to itself.";

/** What a program sends that takes this for another server: HTTP, or another DFP. */
const FOREIGN = /^DFP\/\d|\sHTTP\/\d(?:\.\d)?\s*$/i;
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROL = /[\0-\x08\x0b-\x1f\x7f]/;

/** The first line: no program's that speaks something else, and on a connection that nobody else reads. */
export function readFirst(
  { line }: Exclude<LineInput, { kind: "too-long" }>,
  secure: boolean,
): Typed {
  if (FOREIGN.test(line) || CONTROL.test(line)) {
    return { input: "foreign", ending: ending("bad-opening") };
  }
  return secure ? { input: "line" } : { input: "open-line", ending: ending("not-allowed", UNSAFE) };
}

/**
 * A name, or what can be asked without one.
 *
 * @example
 * ```ts
 * import { readName } from "./unsigned_line.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(readName("Yoda"), { input: "name", line: "Yoda" });
 * assertEquals(readName("?").input, "help");
 * assertEquals(readName("lst").input, "other-verb");
 * assertEquals(readName("@lst"), { input: "name", line: "lst" });
 * ```
 */
export function readName(line: string): Typed {
  const typed = line.trim();
  if (typed === "") return { input: "blank" };
  const [word] = typed.split(/\s+/);
  const verb = word.toUpperCase() === "HELP" ? "HLP" : verbOf(word);
  if (verb === "HLP") return { input: "help" };
  if (verb === "XIT") return { input: "leave", ending: ending("goodbye") };
  if (verb !== undefined) return { input: "other-verb", refusal: refuse("not-signed-in") };
  const name = checkName(typed.replace(/^@/, ""));
  return typeof name === "string"
    ? { input: "name", line: name }
    : { input: "bad-name", refusal: refuse("bad-name", name.complaint) };
}

/** A password; where one is repeated, the same one. */
export function readPassword(line: string, before?: string): Typed {
  if (line === "") return { input: "blank" };
  const password = checkPassword(line);
  if (before !== undefined && password !== before) {
    const text = "The two passwords are not the same.";
    return { input: "other-password", refusal: refuse("bad-text", text) };
  }
  return typeof password === "string"
    ? { input: "password", line: password }
    : { input: "bad-password", refusal: refuse("bad-text", password.complaint) };
}
