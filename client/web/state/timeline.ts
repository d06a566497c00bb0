/**
 * The timeline: a stretch of one thread, in order, as far as it is loaded. Pages of it come from questions,
 * changes from events; both end in plain values here, so that it does not matter which is first.
 *
 * @module
 */

import type { ForumEvent } from "../../../protocol/forum/event.ts";
import type { FileRow, MessageRow, Page } from "../../../protocol/forum/reply.ts";

/** A message. */
export interface MessageItem extends MessageRow {
  readonly kind: "message";
}

/** A file that was shared. */
export interface FileItem extends FileRow {
  readonly kind: "file";
}

/** Something that was done, in a line. */
export interface NoteItem {
  readonly kind: "note";
  readonly seq: number;
  readonly at: number;
  readonly by: string;
  readonly text: string;
}

/** One entry of a timeline. */
export type Item = MessageItem | FileItem | NoteItem;

/** A stretch of a thread. */
export interface Timeline {
  readonly thread: number;
  /** By `seq`, which is the order of the thread. */
  readonly items: readonly Item[];
  /** Whether there is more before them. */
  readonly before: boolean;
  /** Whether there is more behind them; then what is new is not added. */
  readonly after: boolean;
  /** The latest changes, oldest first: a page that was read before them gets them too. */
  readonly recent: readonly ForumEvent[];
}

/** The most entries that are kept: the rest can be asked for again. */
export const ITEMS_MAX = 1200;
/** The most changes that may overtake a page that is on its way. */
const RECENT_MAX = 400;

/** A timeline of which nothing is loaded. */
export function emptyTimeline(thread: number): Timeline {
  return { thread, items: [], before: true, after: true, recent: [] };
}

function itemsOf(page: Page): Item[] {
  return [
    ...page.messages.map((row): Item => ({ kind: "message", ...row })),
    ...page.files.map((row): Item => ({ kind: "file", ...row })),
  ].sort((one, other) => one.seq - other.seq);
}

function merged(one: readonly Item[], other: readonly Item[]): Item[] {
  const bySeq = new Map<number, Item>();
  for (const item of one) bySeq.set(item.seq, item);
  for (const item of other) bySeq.set(item.seq, item);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** What a page is to the timeline. */
export type PageRole =
  /** The end of the thread: replaces everything. */
  | "end"
  /** Comes before what is there. */
  | "before"
  /** Comes behind what is there. */
  | "after";

/** Puts a page in; what has changed since it was read is changed in it too. */
export function withPage(timeline: Timeline, page: Page, role: PageRole): Timeline {
  const fresh = itemsOf(page);
  let { before, after } = timeline;
  if (role === "end") [before, after] = [page.more, false];
  else if (role === "before") before = page.more;
  else after = page.more;
  const items = role === "end" ? fresh : merged(timeline.items, fresh);
  const missed = timeline.recent.filter((event) => event.seq > page.thread.head);
  const grown = missed.reduce(applied, { ...timeline, items, before, after });
  return trimmed(grown, role === "before" ? "end" : "start");
}

/** A timeline around one message, of the page that ends with it and the one behind it. */
export function aroundPages(timeline: Timeline, upto: Page, behind: Page): Timeline {
  const start: Timeline = { ...timeline, items: [], before: upto.more, after: true };
  return withPage(withPage(start, upto, "before"), behind, "after");
}

/** Drops entries at one end, if there are too many. */
export function trimmed(timeline: Timeline, end: "start" | "end"): Timeline {
  const { items } = timeline;
  if (items.length <= ITEMS_MAX) return timeline;
  return end === "start"
    ? { ...timeline, items: items.slice(-ITEMS_MAX), before: true }
    : { ...timeline, items: items.slice(0, ITEMS_MAX), after: true };
}

/** Takes in an event of the thread's scope. */
export function withEvent(timeline: Timeline, event: ForumEvent): Timeline {
  const recent = [...timeline.recent.slice(-RECENT_MAX + 1), event];
  return applied({ ...timeline, recent }, event);
}

function applied(timeline: Timeline, event: ForumEvent): Timeline {
  switch (event.kind) {
    case "message.posted": {
      const { seq, by, at, text, number, reply } = event;
      // What was edited or deleted since has no text of its own; another entry tells of it.
      const row = { seq, by, at, text, number, ...reply !== undefined && { reply } };
      return withItem(timeline, { kind: "message", ...row });
    }
    case "file.shared": {
      const { seq, by, at, name, size, type, sha256 } = event;
      return withItem(timeline, { kind: "file", seq, by, at, name, size, type, sha256 });
    }
    case "member.joined":
      return withNote(timeline, event, `let ${event.user} in`);
    case "member.left":
      return withNote(
        timeline,
        event,
        event.user === event.by ? "left" : `put ${event.user} out`,
      );
    case "message.edited":
      return changed(timeline, event.message, (message) => ({
        ...message,
        text: event.text,
        editedAt: event.at,
      }));
    case "message.deleted": {
      const gone = timeline.items.find(({ seq }) => seq === event.message);
      const items = timeline.items.filter((item) => item !== gone).map((item) =>
        item.kind === "message" && item.seq > event.message
          ? { ...item, number: item.number - 1 }
          : item
      );
      return { ...timeline, items };
    }
    case "file.removed":
      return { ...timeline, items: timeline.items.filter(({ seq }) => seq !== event.file) };
    case "reaction.changed":
      return changed(timeline, event.message, (message) => withReaction(message, event));
    default:
      return timeline;
  }
}

function withNote(timeline: Timeline, { seq, at, by }: ForumEvent, text: string): Timeline {
  return withItem(timeline, { kind: "note", seq, at, by, text });
}

/** Adds something new, where the end of the thread is loaded. */
export function withItem(timeline: Timeline, item: Item): Timeline {
  const { items, after } = timeline;
  if (after || items.some(({ seq }) => seq === item.seq)) return timeline;
  let place = items.length;
  while (place > 0 && items[place - 1].seq > item.seq) place--;
  return { ...timeline, items: items.toSpliced(place, 0, item) };
}

function changed(
  timeline: Timeline,
  seq: number,
  change: (message: MessageItem) => MessageItem,
): Timeline {
  const place = timeline.items.findIndex((item) => item.seq === seq);
  const item = timeline.items[place];
  if (item?.kind !== "message") return timeline;
  return { ...timeline, items: timeline.items.with(place, change(item)) };
}

function withReaction(
  message: MessageItem,
  { emoji, by, on }: { readonly emoji: string; readonly by: string; readonly on: boolean },
): MessageItem {
  const reactions = [...message.reactions ?? []];
  const place = reactions.findIndex((reaction) => reaction.emoji === emoji);
  const users = (reactions[place]?.users ?? []).filter((user) => user !== by);
  if (on) users.push(by);
  if (place < 0) reactions.push({ emoji, users });
  else reactions[place] = { emoji, users };
  const { reactions: _, ...rest } = message;
  const left = reactions.filter(({ users }) => users.length > 0);
  return left.length > 0 ? { ...rest, reactions: left } : rest;
}

/** One's own last message that is loaded: the one that ↑ edits. */
export function lastOwn(timeline: Timeline, me: string): MessageItem | undefined {
  return timeline.items.findLast((item): item is MessageItem =>
    item.kind === "message" && item.by === me
  );
}
