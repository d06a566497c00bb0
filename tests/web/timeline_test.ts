import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  aroundPages,
  emptyTimeline,
  ITEMS_MAX,
  lastOwn,
  type Timeline,
  trimmed,
  withEvent,
  withPage,
} from "../../client/web/state/timeline.ts";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import type { MessageRow, Page } from "../../protocol/forum/reply.ts";
import { runs } from "../runs.ts";
import { threadRow } from "./rows.ts";

const base = { scope: "thread/1", at: 5, by: "Yoda" };

function posted(seq: number, text = `text ${seq}`): ForumEvent {
  return { ...base, kind: "message.posted", seq, text, number: seq };
}

/** A thread of messages, as the server pages it; entry 1 opens it. */
function server(head: number, messages: readonly MessageRow[]) {
  const thread = threadRow({ thread: 1, head });
  return {
    end: (limit: number): Page => ({
      thread,
      messages: messages.slice(-limit),
      more: messages.length > limit,
      files: [],
    }),
    before(seq: number, limit: number): Page {
      const older = messages.filter((row) => row.seq < seq);
      return { thread, messages: older.slice(-limit), more: older.length > limit, files: [] };
    },
    after(seq: number, limit: number): Page {
      const newer = messages.filter((row) => row.seq > seq);
      return { thread, messages: newer.slice(0, limit), more: newer.length > limit, files: [] };
    },
  };
}

function row(seq: number): MessageRow {
  return { seq, number: seq, by: seq % 2 ? "Yoda" : "Leia", at: seq, text: `text ${seq}` };
}

const rows = (count: number) => Array.from({ length: count }, (_, at) => row(at + 1));
const seqs = ({ items }: Timeline) => items.map(({ seq }) => seq);

Deno.test("pages in front and behind make one stretch, and say where it ends", () => {
  const { end, before, after } = server(100, rows(100));
  let timeline = withPage(emptyTimeline(1), end(10), "end");
  assertEquals([seqs(timeline)[0], timeline.before, timeline.after], [91, true, false]);
  timeline = withPage(timeline, before(91, 95), "before");
  assertEquals([seqs(timeline).length, timeline.before], [100, false]);
  const around = aroundPages(emptyTimeline(1), before(51, 5), after(50, 5));
  assertEquals(seqs(around), [46, 47, 48, 49, 50, 51, 52, 53, 54, 55]);
  assertEquals([around.before, around.after], [true, true]);
  // What is new does not belong to a stretch that does not reach the end.
  assertEquals(seqs(withEvent(around, posted(101))), seqs(around));
  assertEquals(seqs(withEvent(timeline, posted(101))).at(-1), 101);
});

Deno.test("too many entries are dropped where nobody looks", () => {
  const { end, before } = server(5000, rows(5000));
  const timeline = withPage(emptyTimeline(1), end(ITEMS_MAX), "end");
  const earlier = withPage(timeline, before(seqs(timeline)[0], 50), "before");
  assertEquals([earlier.items.length, earlier.after], [ITEMS_MAX, true]);
  const later = trimmed(withEvent(timeline, posted(5001)), "start");
  assertEquals([later.items.length, later.before, seqs(later).at(-1)], [ITEMS_MAX, true, 5001]);
});

Deno.test("edits, deletions and reactions change what is there", () => {
  const { end } = server(3, rows(3));
  let timeline = withPage(emptyTimeline(1), end(10), "end");
  const change = (seq: number, event: object) => {
    timeline = withEvent(timeline, { ...base, seq, ...event } as ForumEvent);
  };
  change(4, { kind: "message.edited", message: 2, text: "new" });
  change(5, { kind: "reaction.changed", message: 3, emoji: "👍", on: true });
  change(6, { kind: "reaction.changed", message: 3, emoji: "👍", on: true, by: "Leia" });
  change(7, { kind: "reaction.changed", message: 3, emoji: "👍", on: false });
  change(8, { kind: "message.deleted", message: 1 });
  const [two, three] = timeline.items;
  assert(two.kind === "message" && three.kind === "message");
  assertEquals([two.text, two.editedAt, two.number, three.number], ["new", 5, 1, 2]);
  assertEquals(three.reactions, [{ emoji: "👍", users: ["Leia"] }]);
  change(9, { kind: "reaction.changed", message: 3, emoji: "👍", on: false, by: "Leia" });
  assertEquals("reactions" in timeline.items[1], false);
  assertEquals(lastOwn(timeline, "Leia")?.seq, 2);
});

Deno.test("files and members stand between the messages, and files go", () => {
  let timeline = withPage(emptyTimeline(1), server(1, []).end(10), "end");
  const file = { name: "a.png", size: 3, type: "image/png", sha256: "0".repeat(64) };
  timeline = withEvent(timeline, { ...base, kind: "file.shared", seq: 2, ...file });
  timeline = withEvent(timeline, { ...base, kind: "member.joined", seq: 3, user: "Leia" });
  timeline = withEvent(timeline, posted(4));
  assertEquals(timeline.items.map(({ kind }) => kind), ["file", "note", "message"]);
  timeline = withEvent(timeline, {
    ...base,
    kind: "file.removed",
    seq: 5,
    file: 2,
    name: "a.png",
  });
  assertEquals(seqs(timeline), [3, 4]);
});

type Act = { readonly what: "post" | "edit" | "delete" | "react"; readonly pick: number };

const acts = fc.array(
  fc.record<Act>({
    what: fc.constantFrom("post", "post", "edit", "delete", "react"),
    pick: fc.nat(1000),
  }),
  { maxLength: 30 },
);

/** What happens, and what the server has after each step. */
function history(all: readonly Act[]): { events: ForumEvent[]; states: MessageRow[][] } {
  const events: ForumEvent[] = [];
  const states: MessageRow[][] = [[]];
  let living: MessageRow[] = [];
  for (const { what, pick } of all) {
    const seq = events.length + 1;
    const target = living[pick % Math.max(1, living.length)];
    if (what === "post" || target === undefined) {
      events.push({
        ...base,
        kind: "message.posted",
        seq,
        text: `t${seq}`,
        number: living.length + 1,
      });
      living = [...living, { seq, number: living.length + 1, by: "Yoda", at: 5, text: `t${seq}` }];
    } else if (what === "edit") {
      events.push({ ...base, kind: "message.edited", seq, message: target.seq, text: `e${seq}` });
      living = living.map((one) => one === target ? { ...one, text: `e${seq}`, editedAt: 5 } : one);
    } else if (what === "delete") {
      events.push({ ...base, kind: "message.deleted", seq, message: target.seq });
      living = living.filter((one) => one !== target)
        .map((one, at) => ({ ...one, number: at + 1 }));
    } else {
      const on = target.reactions === undefined;
      events.push({ ...base, kind: "reaction.changed", seq, message: target.seq, emoji: "👍", on });
      living = living.map((one) => {
        if (one !== target) return one;
        const { reactions: _, ...rest } = one;
        return on ? { ...rest, reactions: [{ emoji: "👍", users: ["Yoda"] }] } : rest;
      });
    }
    states.push(living);
  }
  return { events, states };
}

Deno.test("law: it does not matter at which of the events a page was read, or when it comes", () => {
  fc.assert(
    fc.property(acts, fc.nat(30), fc.nat(30), (all, first, second) => {
      const { events, states } = history(all);
      const read = Math.min(first, events.length);
      const arrives = Math.max(read, Math.min(second, events.length));
      let timeline = emptyTimeline(1);
      const page = server(read, states[read]).end(1000);
      for (const event of events.slice(0, arrives)) timeline = withEvent(timeline, event);
      timeline = withPage(timeline, page, "end");
      for (const event of events.slice(arrives)) timeline = withEvent(timeline, event);
      const shown = timeline.items.map(({ kind: _, ...rest }) => rest);
      assertEquals(shown, states.at(-1) as typeof shown);
    }),
    { numRuns: runs() },
  );
});
