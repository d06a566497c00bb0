/**
 * A list of which only what is looked at is in the document. Rows have whatever height they have: it is
 * measured when they are drawn, and what is looked at stays where it is while heights become known, rows
 * come in before it, or pictures in them grow.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { type Anchor, rowAt, scrollOf, spanOf, topsOf } from "../state/window.ts";

/** What a list shows. */
export interface WindowListProps {
  /** Rising numbers, one a row. */
  readonly keys: readonly number[];
  readonly row: (place: number) => ComponentChildren;
  /** What stands behind the rows, always drawn. */
  readonly tail?: ComponentChildren;
  /** Whether there is more before or behind, that can be loaded. */
  readonly before: boolean;
  readonly after: boolean;
  readonly loadBefore: () => void;
  readonly loadAfter: () => void;
  /** Told whether the very end is looked at. */
  readonly onEnd: (atEnd: boolean) => void;
  /** Show this row; a new object is a new wish. */
  readonly wish: { readonly key: number | "end" } | undefined;
  readonly label: string;
  readonly busy: boolean;
}

/** What a row is taken to be high before it was shown. */
const ESTIMATE = 64;
/** So much beyond the view is drawn as well, in pixels. */
const MORE = 700;
/** More is loaded when so little is left, in pixels. */
const NEAR = 1500;
/** So near to the end is at the end, in pixels. */
const END = 48;

/** The list. */
export function WindowList(props: WindowListProps) {
  const { keys, row, tail, before, after, wish } = props;
  const [, again] = useReducer((count: number) => count + 1, 0);
  const scroller = useRef<HTMLDivElement>(null);
  const inside = useRef<HTMLDivElement>(null);
  const behind = useRef<HTMLDivElement>(null);
  const heights = useRef(new Map<number, number>());
  const tailHeight = useRef(0);
  const anchor = useRef<Anchor>("end");
  const wished = useRef<unknown>(undefined);
  /** The sizes for which the list was laid out last. */
  const laidOut = useRef("");

  const viewed = scroller.current?.clientHeight || 900;
  if (wish !== wished.current) {
    if (wish?.key === "end") anchor.current = "end";
    else if (wish !== undefined) anchor.current = { key: wish.key, offset: viewed / 3 };
    wished.current = wish;
  }
  const tops = topsOf(keys, { known: heights.current, estimate: ESTIMATE });
  const height = Math.max(0, viewed - tailHeight.current);
  const top = scrollOf(anchor.current, { keys, tops, height });
  const { first, last } = spanOf(tops, { top, height: viewed, more: MORE });
  const total = tops[tops.length - 1];

  /** Learns the heights of what is drawn; says whether they are news. */
  function measure(): boolean {
    let news = false;
    for (const element of inside.current!.querySelectorAll<HTMLElement>(":scope > [data-key]")) {
      const key = Number(element.dataset.key);
      const tall = element.getBoundingClientRect().height;
      if (tall > 0 && Math.abs((heights.current.get(key) ?? ESTIMATE) - tall) > 0.5) {
        heights.current.set(key, tall);
        news = true;
      }
    }
    const tall = behind.current!.getBoundingClientRect().height;
    if (Math.abs(tall - tailHeight.current) > 0.5) {
      tailHeight.current = tall;
      news = true;
    }
    return news;
  }

  useLayoutEffect(() => {
    const news = measure();
    const element = scroller.current!;
    const place = anchor.current === "end" ? element.scrollHeight : top;
    if (Math.abs(element.scrollTop - place) > 1) element.scrollTop = place;
    laidOut.current = sizes();
    if (news) again(undefined);
  });

  function sizes(): string {
    const { clientHeight, scrollHeight } = scroller.current!;
    return `${clientHeight} of ${scrollHeight}`;
  }

  /** Heights change, as when a picture comes or the page becomes narrower. */
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (measure() || laidOut.current !== sizes()) again(undefined);
    });
    observer.observe(inside.current!);
    observer.observe(scroller.current!);
    observer.observe(behind.current!);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = scroller.current!;
    if (before && keys.length > 0 && top < NEAR) props.loadBefore();
    const left = total - top - element.clientHeight;
    if (after && keys.length > 0 && left < NEAR) props.loadAfter();
    props.onEnd(anchor.current === "end" && !after);
  });

  function scrolled(): void {
    // What moves because sizes change is moved back: nobody has scrolled.
    if (laidOut.current !== sizes()) return again(undefined);
    const element = scroller.current!;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (left <= END && !after) anchor.current = "end";
    else if (keys.length > 0) {
      const place = rowAt(tops, element.scrollTop);
      anchor.current = { key: keys[place], offset: tops[place] - element.scrollTop };
    }
    again(undefined);
  }

  const rows = [];
  for (let place = first; place < last; place++) {
    rows.push(<div key={keys[place]} data-key={keys[place]}>{row(place)}</div>);
  }
  return (
    <div
      ref={scroller}
      class="scroller"
      onScroll={scrolled}
      tabIndex={0}
      role="region"
      aria-label={props.label}
    >
      <div style={{ height: `${tops[first]}px` }} />
      <div ref={inside} class="rows" role="feed" aria-busy={props.busy}>{rows}</div>
      <div style={{ height: `${total - tops[last]}px` }} />
      <div ref={behind}>{tail}</div>
    </div>
  );
}
