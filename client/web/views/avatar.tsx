/**
 * Avatars: a name as a coloured circle with its first letter.
 *
 * @module
 */

import { hueOf, initialOf } from "../state/format.ts";

/** The colours that the style sheet has. */
const HUES = 8;

/** Somebody, small; `on` shows whether they are there. */
export function Avatar({ name, on }: { name: string; on?: boolean }) {
  return (
    <span class={`avatar hue-${hueOf(name, HUES)}`} aria-hidden="true">
      {initialOf(name)}
      {on !== undefined && <span class={on ? "presence on" : "presence"} />}
    </span>
  );
}
