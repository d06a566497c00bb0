/**
 * Parts of the page that are loaded when they are first wanted, so that the first page comes soon.
 *
 * @module
 */

import { signal } from "@preact/signals";

/** A part that may not be there yet. */
export interface Lazy<T> {
  /** The part; a view that looks at it is drawn again when it comes. */
  readonly value: T | undefined;
  /** Loads it, if nobody has. What cannot be had now is wanted anew the next time. */
  want(): void;
}

/** Makes a part of what loads it. */
export function createLazy<T>(load: () => Promise<T>): Lazy<T> {
  const part = signal<T | undefined>(undefined);
  let asked = false;
  return {
    get value() {
      return part.value;
    },
    want() {
      if (asked) return;
      asked = true;
      load().then((loaded) => part.value = loaded, () => asked = false);
    },
  };
}
