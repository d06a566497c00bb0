/**
 * Completion while somebody writes: `:na` becomes an emoji, `@na` a name.
 *
 * @module
 */

/** A word that can be completed. */
export interface Begun {
  readonly kind: "emoji" | "mention";
  /** Where it begins in the text, with its sign. */
  readonly from: number;
  /** What was written of it, without the sign. */
  readonly word: string;
}

const BEGUN = /(?:^|[\s(])([:@])([\p{L}\p{N}_+.-]*)$/u;
/** So many letters must stand behind a colon: `:-)` and `10:3` are none of our business. */
const EMOJI_LEAST = 2;

/** The word at the caret, if it can be completed. */
export function begunAt(text: string, caret: number): Begun | undefined {
  const match = BEGUN.exec(text.slice(0, caret));
  if (match === null) return undefined;
  const [, sign, word] = match;
  if (sign === ":" && word.length < EMOJI_LEAST) return undefined;
  return {
    kind: sign === ":" ? "emoji" : "mention",
    from: caret - word.length - 1,
    word,
  };
}

/** The text with the word replaced, and where the caret is then. */
export function completed(
  text: string,
  caret: number,
  { begun, by }: { readonly begun: Begun; readonly by: string },
): { readonly text: string; readonly caret: number } {
  const rest = text.slice(caret);
  const filled = `${text.slice(0, begun.from)}${by}${rest.startsWith(" ") ? "" : " "}`;
  return { text: filled + rest, caret: filled.length + (rest.startsWith(" ") ? 1 : 0) };
}

/** Names that fit what was written, those that begin with it first. */
export function namesFor(word: string, names: readonly string[], most: number): string[] {
  const wanted = word.toLowerCase();
  const place = (name: string) => name.toLowerCase().indexOf(wanted);
  return names
    .filter((name) => place(name) >= 0)
    .sort((one, other) => place(one) - place(other) || one.localeCompare(other))
    .slice(0, most);
}
