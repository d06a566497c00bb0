/**
 * The log in SQLite: what it shows of threads and messages, and to whom.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { decideOpening } from "../protocol/forum/decide.ts";
import { fold, utf8Length } from "../protocol/text.ts";
import type { Log } from "../server/log/log.ts";
import { append, change, register, withLog } from "./log_fixture.ts";

const ADA = (at: number) => ({ user: "ada", at });
const BOB = (at: number) => ({ user: "bob", at });

/** A lobby and two accounts. */
function begin(log: Log): void {
  register(log, "Ada", "Bob");
  append(log, ({ view }) => decideOpening(view, "lobby", 2));
}

/** Posts as Ada; returns its seq. */
function post(log: Log, text: string, at = 10, thread = 1): number {
  return change(log, { op: "post", thread, text }, ADA(at)).seq;
}

function texts(messages: readonly { text: string }[]): string[] {
  return messages.map(({ text }) => text);
}

Deno.test("private threads show only to their members", () => {
  withLog((log) => {
    begin(log);
    register(log, "Eve");
    change(log, { op: "create", title: "Lobby", private: true, members: ["bob"] }, ADA(5));
    change(log, { op: "create", title: "Lobby", private: true }, ADA(6));
    const seq = post(log, "the secret word", 7, 2);
    change(log, { op: "edit", thread: 2, message: seq, text: "the secret @bob" }, ADA(8));
    post(log, "open secret", 9, 1);
    const sees = (user: string) => ({
      threads: log.threads(user, { skip: 0, limit: 9 }).threads.map(({ thread }) => thread),
      titles: log.search(user, { op: "search", words: "lobby" }).threads.map((row) => row.thread),
      found: texts(log.search(user, { op: "search", words: "secret" }).messages),
      within: texts(log.search(user, { op: "search", words: "secret", thread: 2 }).messages),
      since: texts(log.since(user, { op: "since", at: 0 }).messages),
    });
    assertEquals(sees("eve"), {
      threads: [1],
      titles: [1],
      found: ["open secret"],
      within: [],
      since: ["open secret"],
    });
    assertEquals(sees("bob"), {
      threads: [1, 2],
      titles: [1, 2],
      found: ["open secret", "the secret @bob"],
      within: ["the secret @bob"],
      since: ["the secret @bob", "open secret"],
    });
    assertEquals(log.view.titled(fold("Lobby"))?.number, 1);
    assertEquals(log.threadRow("bob", 2)?.members, ["Ada", "Bob"]);
  });
});

Deno.test("threads come with their counts, that with the newest message first", () => {
  withLog((log) => {
    begin(log);
    change(log, { op: "create", title: "Two" }, ADA(5));
    change(log, { op: "create", title: "Three" }, ADA(5));
    post(log, "one", 10, 1);
    const gone = post(log, "two @bob", 11, 1);
    post(log, "three @bob", 12, 1);
    change(log, { op: "post", thread: 1, text: "mine @bob" }, BOB(13));
    change(log, { op: "delete", thread: 1, message: gone }, ADA(14));
    const order = () => log.threads("bob", { skip: 0, limit: 9 }).threads.map((row) => row.thread);
    assertEquals(order(), [1, 3, 2]);
    const { head, read, unread, mentions, messages } = log.threadRow("bob", 1)!;
    assertEquals({ head, read, unread, mentions, messages }, {
      head: 6,
      read: 0,
      unread: 2,
      mentions: 1,
      messages: 3,
    });
    change(log, { op: "mark", thread: 1, upto: gone }, BOB(15));
    assertEquals(log.threadRow("bob", 1)?.unread, 1);
    change(log, { op: "mark", thread: 1, upto: 6 }, BOB(16));
    assertEquals(log.threadRow("bob", 1)?.mentions, 0);
    post(log, "up", 20, 2);
    assertEquals(order(), [2, 1, 3]);
    assertEquals(log.threads("bob", { skip: 1, limit: 1 }), {
      threads: [log.threadRow("bob", 1)!],
      more: true,
    });
    assertEquals(log.threads("bob", { skip: 2, limit: 1 }).more, false);
  });
});

Deno.test("a page holds no more than fits a frame, and always a message", () => {
  withLog((log) => {
    begin(log);
    const wide = '"\n'.repeat(32_768);
    for (let i = 0; i < 4; i++) post(log, wide);
    for (const question of [{ after: 0 }, { before: 99 }, {}, { number: 2 }]) {
      const page = log.page("ada", { op: "read", thread: 1, ...question });
      assertEquals([page.messages.length, page.more], [1, true]);
      assert(utf8Length(JSON.stringify(page)) < 256 * 1024);
    }
    assertEquals(log.since("ada", { op: "since", at: 0 }).messages.length, 1);
    for (let i = 0; i < 60; i++) post(log, "x".repeat(8000));
    const page = log.page("ada", { op: "read", thread: 1, limit: 500 });
    assertEquals([page.messages.length, page.more], [16, true]);
    assertEquals(page.messages.at(-1)?.number, 64);
  });
});

Deno.test("rows tell author, edit, answer and reactions in the order in which they came", () => {
  withLog((log) => {
    begin(log);
    const seq = post(log, "one");
    change(log, { op: "react", thread: 1, message: seq, emoji: "👍", on: true }, BOB(11));
    change(log, { op: "react", thread: 1, message: seq, emoji: ":+1:", on: true }, ADA(12));
    change(log, { op: "react", thread: 1, message: seq, emoji: "👍", on: true }, ADA(13));
    change(log, { op: "edit", thread: 1, message: seq, text: "uno" }, ADA(14));
    change(log, { op: "post", thread: 1, text: "two", reply: seq }, BOB(15));
    const { messages } = log.page("ada", { op: "read", thread: 1 });
    assertEquals(messages, [
      {
        seq,
        number: 1,
        by: "Ada",
        at: 10,
        text: "uno",
        editedAt: 14,
        reactions: [{ emoji: "👍", users: ["Bob", "Ada"] }, { emoji: ":+1:", users: ["Ada"] }],
      },
      { seq: 7, number: 2, by: "Bob", at: 15, text: "two", reply: seq },
    ]);
  });
});
