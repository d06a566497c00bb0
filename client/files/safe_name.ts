/**
 * Safe names: what a file that others named may be called on a disk. A name in a thread is a label and may
 * hold anything; of whatever it holds, a single name in a single folder is made here, which means the same
 * to every system and to the eye (docs/PROTOCOL.md, "File names").
 *
 * @module
 */

/** The longest name that file systems take, in bytes of UTF-8. */
export const SAFE_NAME_BYTES = 255;

/** Separators, and what Windows or a shell would take for something else than a name. */
const FORBIDDEN = /[/\\<>:"|?*]/gu;
/** Controls, line ends, halves of pairs, and what is no character. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/gu;
/** What is not seen, or turns the direction of writing: two names that look alike shall be alike. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** What is left of what may not stay. */
const INSTEAD = "_";
/** These are devices on Windows, whatever comes after a dot. */
const DEVICE =
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)/i;
/** An ending that is kept when a name is cut: `.jpg`, `.tar.gz`. */
const ENDING = /(?<=.)(?:\.tar)?\.[^. ]{1,16}$/u;
/** What a file is called of whose name nothing can be kept. */
const NAMELESS = "file";

const utf8 = new TextEncoder();

/**
 * A name for a file on a disk, made of any text: never a path, never hidden, never taken for an option, a
 * device or another name, and at most 255 bytes long. A name that is safe stays as it is.
 *
 * @example
 * ```ts
 * import { safeName } from "./safe_name.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(safeName("holiday 1.jpg"), "holiday 1.jpg");
 * assertEquals(safeName("../../etc/passwd"), "_._.._etc_passwd");
 * assertEquals([safeName("NUL.txt"), safeName(".bashrc"), safeName("..")], ["_NUL.txt", "_bashrc", "_"]);
 * ```
 */
export function safeName(label: string): string {
  const shown = label.normalize("NFC")
    .replace(INVISIBLE, "")
    .replace(UNPRINTABLE, INSTEAD)
    .replace(FORBIDDEN, INSTEAD)
    .replace(/\p{Zs}/gu, " ")
    .normalize("NFC")
    .trim();
  // A dot in front hides a file or makes it mean a folder, a dash makes it an option.
  const visible = shown.replace(/^[.-]/, INSTEAD);
  const named = DEVICE.test(visible) ? INSTEAD + visible : visible;
  return cut(named.replace(/[. ]+$/, "") || NAMELESS, "");
}

/**
 * The same name for the second, third… file that is called so: `holiday (2).jpg`.
 *
 * @example
 * ```ts
 * import { numberedName } from "./safe_name.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([numberedName("a.jpg", 1), numberedName("a.tar.gz", 2)], ["a.jpg", "a (2).tar.gz"]);
 * ```
 */
export function numberedName(safe: string, number: number): string {
  return cut(safe, number === 1 ? "" : ` (${number})`);
}

/** Puts something behind a name, before its ending, and shortens it to what fits. */
function cut(name: string, more: string): string {
  const ending = ENDING.exec(name)?.[0] ?? "";
  const room = SAFE_NAME_BYTES - utf8.encode(more + ending).length;
  let stem = "";
  let size = 0;
  for (const character of name.slice(0, name.length - ending.length)) {
    size += utf8.encode(character).length;
    if (size > room) return stem.replace(/[. ]+$/, "") + more + ending;
    stem += character;
  }
  return stem + more + ending;
}
