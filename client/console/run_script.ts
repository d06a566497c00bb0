/**
 * Running lines without a person: from the command line or a pipe, strictly in order.
 *
 * @module
 */

import { type Line, parseLine } from "../../protocol/verb_line.ts";
import type { Outcome } from "../../protocol/terminal/outcome.ts";
import type { Session } from "./session.ts";

/** What running a script needs. */
export interface ScriptOptions {
  readonly session: Session;
  readonly lines: AsyncIterable<string> | Iterable<string>;
  readonly show: (outcome: Outcome, line: Line) => void;
  /** Whether it makes no sense to go on. */
  readonly over: () => boolean;
}

/** How a script ended. */
export interface ScriptEnd {
  /** Whether any line failed. */
  readonly failed: boolean;
  /** Whether it said XIT or SHT. */
  readonly left: boolean;
}

/** After these there is nothing to stay for: whoever shuts the server down does not wait for its return. */
const LEAVING: ReadonlySet<string> = new Set(["XIT", "SHT"]);

/** Runs each line and waits for what becomes of it, until the end, XIT or SHT. */
export async function runScript(options: ScriptOptions): Promise<ScriptEnd> {
  const { session, lines, show, over } = options;
  let failed = false;
  for await (const text of lines) {
    const line = parseLine(text);
    if (line === undefined) continue;
    const outcome = await session.run(line);
    show(outcome, line);
    failed ||= !outcome.ok;
    if (outcome.ok && LEAVING.has(outcome.command)) return { failed, left: true };
    if (over()) break;
  }
  return { failed, left: false };
}
