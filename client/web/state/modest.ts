/**
 * Which texts are worth the work of a Markdown parser. Its time grows with the square or the cube of some signs,
 * and its depth with others, so that one message could stop the page of everybody who looks at it. A text with more
 * of them than people write is shown as it was typed.
 *
 * @module
 */

/** The longest text, in UTF-16 units. */
const LONGEST = 8000;

/** Signs, and how many of them a text may have. */
const MOST: readonly (readonly [RegExp, number])[] = [
  [/\[/g, 40],
  [/[*_]/g, 300],
  [/~/g, 100],
  [/`/g, 400],
  [/</g, 200],
  [/\\/g, 400],
  [/[|]/g, 600],
  [/[@:]/g, 800],
];

/** A line that is within so many quotations and lists at once. */
const DEEP = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){9}/m;
/** Space in front that would nest a list as deeply. */
const INDENTED = /^[ \t]{24}/m;

/** Whether a text may be parsed. */
export function isModest(text: string): boolean {
  if (text.length > LONGEST || DEEP.test(text) || INDENTED.test(text)) return false;
  return MOST.every(([sign, most]) => (text.match(sign)?.length ?? 0) <= most);
}
