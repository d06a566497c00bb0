/**
 * Style: a little colour where the terminal shows it, and the pieces that several lines are made of.
 * All text of others goes through visible.ts on its way.
 *
 * @module
 */

import type { FileRow, MessageRow } from "../forum/reply.ts";
import { formatMoment, type Zone } from "./moment.ts";
import { visibleLine, visibleText } from "./visible.ts";

/** The colours, as parameters of the terminal's SGR sequence. */
const CODES = { name: "36", quiet: "2", fault: "31", strong: "1" } as const;

/** Colours a text; without colour it gives the text back. */
export type Paint = (style: keyof typeof CODES, text: string) => string;

/** The paint for a terminal, or for what shows no colours. */
export function createPaint(colour: boolean): Paint {
  return colour ? (style, text) => `\x1b[${CODES[style]}m${text}\x1b[0m` : (_, text) => text;
}

/** How a terminal shows things. */
export interface Look {
  readonly paint: Paint;
  /** Whose time is shown; that of the machine, if not given. */
  readonly zone?: Zone;
  /** What stands before the later lines of a text; four spaces, if not given. */
  readonly indent?: string;
}

/** A user's name, safe to show. */
export function nameText(user: string, paint: Paint): string {
  return paint("name", user === "" ? "the server" : visibleLine(user));
}

/** `12 messages`, `1 message`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

/** What is said of a message beside its text. */
export interface MessageMarks {
  /** The number of the message that it answers, if it is known. */
  readonly answers?: number;
  readonly mentionsMe?: boolean;
}

/** `3 Yoda (23 Feb 2021 15:00:01, edited): text  [+1 Ann]`. */
export function messageText(row: MessageRow, marks: MessageMarks, look: Look): string {
  const { paint, zone, indent } = look;
  const facts = [formatMoment(row.at, zone)];
  if (row.editedAt !== undefined) facts.push("edited");
  if (row.reply !== undefined) {
    facts.push(marks.answers === undefined ? "an answer" : `answers ${marks.answers}`);
  }
  if (marks.mentionsMe) facts.push(paint("strong", "mentions you"));
  const reactions = (row.reactions ?? []).map(({ emoji, users }) =>
    `  [${visibleLine(emoji)} ${users.map(visibleLine).join(", ")}]`
  );
  const head = `${paint("strong", String(row.number))} ${nameText(row.by, paint)}`;
  const when = paint("quiet", `(${facts.join(", ")})`);
  return `${head} ${when}: ${visibleText(row.text, indent)}${paint("quiet", reactions.join(""))}`;
}

const BINARY_UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** A number of bytes, as `1.2 MiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return count(bytes, "byte");
  let amount = bytes / 1024;
  let unit = 0;
  // What would be shown as 1024 of a unit is 1 of the next.
  for (; amount >= 1023.95 && unit < BINARY_UNITS.length - 1; unit++) amount /= 1024;
  return `${amount.toFixed(1)} ${BINARY_UNITS[unit]}`;
}

/** `* Yoda (23 Feb 2021 15:00:01) shared holocron.bin (1.2 MiB)`. */
export function fileText(row: FileRow, paint: Paint): string {
  const when = paint("quiet", `(${formatMoment(row.at)})`);
  const what = `${visibleLine(row.name)} (${sizeText(row.size)})`;
  return `${paint("strong", "*")} ${nameText(row.by, paint)} ${when} shared ${what}`;
}

/** `: why`, or nothing. */
export function reasonText(why: string | undefined): string {
  return why === undefined || why === "" ? "" : `: ${visibleLine(why)}`;
}
