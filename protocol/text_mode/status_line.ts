/**
 * Status lines: how text mode says what became of something (docs/PROTOCOL.md, "Text mode").
 *
 * They are the family's own, `DFP`, a number, its name and a sentence. No other line begins with `DFP` and a
 * number, whatever anybody has written, so a script knows where a reply ends.
 *
 * @module
 */

import { STATUS, type StatusName } from "../status.ts";
import { visibleLine } from "../terminal/visible.ts";

/** What a status line tells. */
export interface StatusLine {
  readonly code: number;
  /** The status by name. */
  readonly name: string;
  /** A sentence for people. */
  readonly text: string;
}

/**
 * Writes a status line, without its end.
 *
 * @example
 * ```ts
 * import { formatStatus } from "./status_line.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   formatStatus({ code: 1404, name: "no-thread", text: "There is no such thread." }),
 *   "DFP 1404 no-thread There is no such thread.",
 * );
 * ```
 */
export function formatStatus({ code, name, text }: StatusLine): string {
  return `DFP ${code} ${visibleLine(name)} ${visibleLine(text)}`;
}

/** The line of a status of this protocol; without a text, with its own. */
export function statusLine(status: StatusName, text: string = STATUS[status].text): string {
  return formatStatus({ code: STATUS[status].code, name: status, text });
}

/** What ends the reply to a line that was done. */
export const DONE: string = statusLine("valid-command", "Done.");
