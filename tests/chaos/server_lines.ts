/**
 * The lines that a server may write when people behave as they do in these tests. Every other line is
 * unexplained.
 *
 * @module
 */

import { STATUS } from "../../protocol/status.ts";
import { EXPECTED_REFUSALS } from "./habits.ts";

/** What `did` may be. */
const DONE: ReadonlySet<string> = new Set([
  "register",
  "sign-in",
  "resume",
  "leave",
  "wrong-password",
  "post",
  "edit",
  "delete",
  "react",
  "tell",
  "create",
  "remove",
  "mark",
  "upload",
  "download",
  "withdraw",
]);

/** Ends of sessions that happen to people with bad links, or with a server that is restarted. */
const PARTINGS: ReadonlySet<string> = new Set([
  STATUS.goodbye.text,
  STATUS.lost.text,
  STATUS["cut-short"].text,
  STATUS.silent.text,
  STATUS.replaced.text,
  STATUS["shutting-down"].text,
]);

/** Signing in is refused to whoever guesses, or comes while the server goes down. */
const TURNED_AWAY: ReadonlySet<string> = new Set(["locked-out", "shutting-down"]);

/** Which of the lines of one run of a server with `--log json` nothing explains. */
export function unexplainedLines(
  lines: readonly string[],
  { killed }: { killed: boolean },
): string[] {
  return lines.filter((line, at) => {
    if (/^listening tcp:|^ready$/.test(line)) return false;
    // Of a server that was killed the last line is in pieces.
    const last = at === lines.length - 1;
    return !isExplained(line) && !(killed && last);
  });
}

/**
 * Limits of operation that are reached (docs/PROTOCOL.md): readers that are slow on purpose fall behind and
 * miss notices, and who signs in with a password hundreds of times has more tokens than are kept.
 */
const LIMITS: ReadonlySet<string> = new Set(["behind", "notices", "tokens"]);

function isExplained(line: string): boolean {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line);
  } catch {
    return false;
  }
  const { did, refused, why, at: _at, user: _user, source: _source, ...about } = entry;
  if (did === "limits") return Object.keys(about).every((name) => LIMITS.has(name));
  if (typeof did !== "string" || !DONE.has(did)) return false;
  if (did === "leave" && !PARTINGS.has(String(why))) return false;
  return refused === undefined || EXPECTED_REFUSALS.has(String(refused)) ||
    TURNED_AWAY.has(String(refused));
}
