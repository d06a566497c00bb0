/**
 * Text of others, made safe to show at a terminal: whatever could move the cursor, change a colour, turn
 * the direction of writing or hide is shown as an escape instead of being obeyed.
 *
 * @module
 */

/**
 * Controls but tab and line feed, marks that turn the direction of writing, line and paragraph ends,
 * invisible fillers, tags, half pairs. The joiners U+200C and U+200D stay: emoji and many scripts need them.
 */
const UNSAFE =
  // deno-lint-ignore no-control-regex -- the control characters are what it looks for
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e007f}]/gu;

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/**
 * One line that is safe to show; line ends and tabs are shown as `\n` and `\t`.
 *
 * @example
 * ```ts
 * import { visibleLine } from "./visible.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(visibleLine("red \x1b[31m"), "red \\x1b[31m");
 * ```
 */
export function visibleLine(text: string): string {
  return text.replace(UNSAFE, escape).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** A text that is safe to show; the lines after its first are set in, so that none passes for another's. */
export function visibleText(text: string, indent = "    "): string {
  return text.replace(UNSAFE, escape).replaceAll("\t", "    ").replaceAll("\n", `\n${indent}`);
}

/** JSON that is safe to show: the same value, with what a terminal could obey as escapes. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join(""),
  );
}
