/**
 * Progress as a bar on one line of a terminal, by cli-progress.
 *
 * @module
 */

// @ts-types="./cli_progress.d.ts"
import progress from "cli-progress";
import type { Transfer } from "../../protocol/terminal/file_outcome.ts";
import { speedFacts } from "../../protocol/terminal/progress_text.ts";
import { visibleLine } from "../../protocol/terminal/visible.ts";

const BAR_LENGTH = 20;
const BAR = {
  format: "{what} [{bar}] {percentage} %{facts}",
  barsize: BAR_LENGTH,
  barCompleteString: "=".repeat(BAR_LENGTH),
  barIncompleteString: "-".repeat(BAR_LENGTH),
  barGlue: "",
  autopaddingChar: "",
} as const;
/** What a line holds beside what is carried and its facts: the bar, the percentage, what stands between. */
const BAR_WIDTH = BAR_LENGTH + " [] 100 %".length;
/** The least that is shown of a name. */
const NAME_MIN = 8;

/**
 * A transfer as one line that fits into so many columns: `1 UPD holocron.bin [=====-----] 45 %, 35.1 MiB/s`.
 *
 * @example
 * ```ts
 * import { barLine } from "./progress_bar.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const transfer = { number: 1, command: "UPD", thread: 1, name: "a.bin", place: 1, count: 1 } as const;
 * const line = barLine({ ...transfer, waiting: false, bytes: 10, size: 20, rate: null }, 80);
 * assertEquals(line, "1 UPD a.bin [==========----------] 50 %");
 * ```
 */
export function barLine(transfer: Transfer, columns: number): string {
  const { number, command, name, waiting, bytes, size, place, count } = transfer;
  const facts = [...speedFacts(transfer)].map((fact) => `, ${fact}`).join("");
  const before = `${number} ${command} `;
  const after = count > 1 ? ` (${place}/${count})` : "";
  const room = columns - BAR_WIDTH - before.length - after.length - facts.length;
  const what = before + clip(visibleLine(name), Math.max(NAME_MIN, room)) + after;
  const params = {
    progress: waiting ? 0 : size === 0 ? 1 : bytes / size,
    value: bytes,
    total: size,
    eta: 0,
    startTime: 0,
    stopTime: 1,
    maxWidth: columns,
  };
  return clip(progress.Format.Formatter(BAR, params, { what, facts }), columns);
}

/**
 * Text cut to so many columns of a terminal. What is not ASCII may take two of them, and is taken to, so that
 * no line is ever wrapped.
 *
 * @example
 * ```ts
 * import { clip } from "./progress_bar.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(clip("holocron.bin", 6), "holoc~");
 * ```
 */
export function clip(text: string, columns: number): string {
  const characters = [...text];
  let width = 0;
  for (const character of characters) width += widthOf(character);
  if (width <= columns) return text;
  while (width > columns - 1 && characters.length > 0) width -= widthOf(characters.pop()!);
  return `${characters.join("")}~`;
}

function widthOf(character: string): number {
  return character.codePointAt(0)! < 0x80 ? 1 : 2;
}
