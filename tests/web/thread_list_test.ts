import { assertEquals } from "@std/assert";
import {
  conversationWith,
  sorted,
  type ThreadRows,
  titleOf,
  totals,
  withRows,
  withThreadEvent,
} from "../../client/web/state/thread_list.ts";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import { threadRow } from "./rows.ts";

const reader = { me: "Yoda", looking: false };

function rowsOf(...rows: Parameters<typeof threadRow>[0][]): ThreadRows {
  return withRows(new Map(), rows.map(threadRow));
}

function posted(seq: number, more: object = {}): ForumEvent {
  return {
    kind: "message.posted",
    scope: "thread/1",
    seq,
    at: seq,
    by: "Leia",
    text: "hello",
    number: 1,
    ...more,
  };
}

Deno.test("what others say is unread, once, and counted where it names the reader", () => {
  let rows = rowsOf({ thread: 1, head: 1 });
  const take = (event: ForumEvent, looking = false) => {
    rows = withThreadEvent(rows, event, { ...reader, looking }).rows;
  };
  take(posted(2));
  take(posted(3, { mentions: ["yoda"] }));
  take(posted(3, { mentions: ["yoda"] }));
  take(posted(4, { by: "Yoda" }));
  take(posted(5), true);
  const { unread, mentions, messages, head } = rows.get(1)!;
  assertEquals({ unread, mentions, messages, head }, {
    unread: 2,
    mentions: 1,
    messages: 4,
    head: 5,
  });
  assertEquals(totals(rows), { unread: 2, mentions: 1 });
});

Deno.test("a read mark of another device clears all, or asks the server what is left", () => {
  const rows = rowsOf({ thread: 1, head: 9, unread: 4, mentions: 1, read: 2 });
  const read = (upto: number): ForumEvent => ({
    kind: "thread.read",
    scope: "user/yoda",
    seq: 1,
    at: 1,
    by: "Yoda",
    thread: 1,
    upto,
  });
  const all = withThreadEvent(rows, read(9), reader);
  assertEquals([all.rows.get(1)?.unread, all.rows.get(1)?.mentions, all.stale], [0, 0, undefined]);
  const some = withThreadEvent(rows, read(5), reader);
  assertEquals([some.rows.get(1)?.read, some.stale], [5, 1]);
});

Deno.test("threads come and go", () => {
  const at = { at: 7, by: "Leia", seq: 1 };
  let { rows } = withThreadEvent(rowsOf({}), {
    kind: "thread.created",
    scope: "directory",
    thread: 4,
    title: "The Force",
    ...at,
  }, reader);
  assertEquals([rows.get(4)?.title, rows.get(4)?.head], ["The Force", 0]);
  rows = withThreadEvent(rows, {
    kind: "thread.removed",
    scope: "directory",
    thread: 4,
    title: "The Force",
    ...at,
  }, reader).rows;
  assertEquals([...rows.keys()], [1]);
  const entered = withThreadEvent(rows, {
    kind: "thread.entered",
    scope: "user/yoda",
    thread: 6,
    title: "secret",
    ...at,
  }, reader);
  assertEquals(entered.stale, 6, "only the server knows whose it is");
});

Deno.test("conversations stand apart, under the name of the other", () => {
  const rows = rowsOf(
    { thread: 1, lastAt: 1 },
    { thread: 2, lastAt: 9 },
    { thread: 3, direct: true, private: true, members: ["Yoda", "Leia"], unread: 2 },
  );
  const { threads, conversations } = sorted(rows);
  assertEquals(threads.map(({ thread }) => thread), [2, 1]);
  assertEquals(conversations.map((row) => titleOf(row, "yoda")), ["Leia"]);
  assertEquals(conversationWith(rows, "LEIA", "Yoda")?.thread, 3);
  assertEquals(totals(rows), { unread: 2, mentions: 2 }, "who writes to one alone means one");
});
