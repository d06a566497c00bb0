/**
 * Wildcards in the names of files: `*` stands for anything, `?` for one character. Names are labels, so that
 * no character divides them, and case does not count, as in the names themselves.
 *
 * @module
 */

import { fold } from "../text.ts";

/** Whether a name has wildcards. */
export function isWildcard(name: string): boolean {
  return /[*?]/.test(name);
}

/**
 * Whether a pattern fits a name. It takes at most as many steps as both are long, multiplied.
 *
 * @example
 * ```ts
 * import { fitsWildcard } from "./wildcard.ts";
 * import { assert } from "@std/assert";
 *
 * assert(fitsWildcard("*.jpg", "Holiday.JPG") && !fitsWildcard("s", "secret"));
 * ```
 */
export function fitsWildcard(pattern: string, name: string): boolean {
  const wanted = [...fold(pattern)];
  const given = [...fold(name)];
  let at = 0;
  let place = 0;
  /** After the last star, and what it has taken so far. */
  let star: { readonly next: number; taken: number } | undefined;
  while (place < given.length) {
    if (wanted[at] === "*") {
      star = { next: ++at, taken: place };
    } else if (wanted[at] === "?" || wanted[at] === given[place]) {
      at++;
      place++;
    } else if (star !== undefined) {
      at = star.next;
      place = ++star.taken;
    } else return false;
  }
  while (wanted[at] === "*") at++;
  return at === wanted.length;
}
