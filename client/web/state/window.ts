/**
 * Windowing: which rows of a long list are near what is looked at, when each has a height of its own that
 * is only known once it was shown.
 *
 * @module
 */

/** What is known of the heights. */
export interface Heights {
  /** Heights by key, of the rows that were shown. */
  readonly known: ReadonlyMap<number, number>;
  /** What the others are taken to have. */
  readonly estimate: number;
}

/** Where each row begins; one entry more than there are rows, the last being where all ends. */
export function topsOf(keys: readonly number[], { known, estimate }: Heights): number[] {
  const tops = [0];
  for (const key of keys) tops.push(tops[tops.length - 1] + (known.get(key) ?? estimate));
  return tops;
}

/** The row at a place: the last one that begins at it or before. */
export function rowAt(tops: readonly number[], place: number): number {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Rows from the first up to before the last. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** The rows in a stretch from `top` on, with so much more before and behind. */
export function spanOf(
  tops: readonly number[],
  { top, height, more }: { readonly top: number; readonly height: number; readonly more: number },
): Span {
  if (tops.length === 1) return { first: 0, last: 0 };
  return {
    first: rowAt(tops, Math.max(0, top - more)),
    last: rowAt(tops, top + height + more) + 1,
  };
}

/** What stays where it is while heights become known: the end, or a row with its place in the view. */
export type Anchor = "end" | { readonly key: number; readonly offset: number };

/** How far the list is scrolled so that the anchor is where it was. */
export function scrollOf(
  anchor: Anchor,
  { keys, tops, height }: {
    readonly keys: readonly number[];
    readonly tops: readonly number[];
    readonly height: number;
  },
): number {
  const most = Math.max(0, tops[tops.length - 1] - height);
  if (anchor === "end") return most;
  let row = keys.indexOf(anchor.key);
  // It was deleted: the one behind it takes its place.
  if (row < 0) row = keys.findIndex((key) => key > anchor.key);
  if (row < 0) return most;
  return Math.min(most, Math.max(0, tops[row] - anchor.offset));
}
