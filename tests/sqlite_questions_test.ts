/**
 * What the log in SQLite finds: by time, by words; and what is left of what was removed.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { decide, decideOpening, isRefusal } from "../protocol/forum/decide.ts";
import { digest } from "../protocol/forum/state.ts";
import type { Log } from "../server/log/log.ts";
import { openSqliteLog } from "../server/log/sqlite_log.ts";
import { append, change, register, unit, withFolder, withLog } from "./log_fixture.ts";
import { runs } from "./runs.ts";

const ADA = (at: number) => ({ user: "ada", at });

/** A lobby, another thread and two accounts. */
function begin(log: Log): void {
  register(log, "Ada", "Bob");
  append(log, ({ view }) => decideOpening(view, "lobby", 2));
  change(log, { op: "create", title: "Café Größe" }, { user: "bob", at: 3 });
}

function post(log: Log, text: string, at = 10, thread = 1): number {
  return change(log, { op: "post", thread, text }, ADA(at)).seq;
}

/** Posts many at once. */
function postMany(log: Log, count: number, text: (index: number) => string, thread = 1): void {
  unit(log, (tx) => {
    for (let i = 0; i < count; i++) {
      const outcome = decide(tx.view, { op: "post", thread, text: text(i) }, ADA(10 + i));
      assert(!isRefusal(outcome));
      tx.append(outcome.events);
    }
  });
}

function found(
  log: Log,
  words: string,
  options: { thread?: number; limit?: number } = {},
): string[] {
  return log.search("ada", { op: "search", words, ...options }).messages.map(({ text }) => text);
}

/** A post or an edit, so much later than the one before, in one of five threads. */
const happening = fc.record({
  thread: fc.integer({ min: 1, max: 5 }),
  wait: fc.constantFrom(0, 0, 0, 1, 1, 1, 30, 30, 700_000, 2_000_000),
  edit: fc.option(fc.nat(20), { nil: undefined, freq: 1 }),
  delete: fc.nat(3).map((n) => n === 0),
});

Deno.test("since gives what was posted or edited later, oldest first, and misses nothing on the way", () => {
  fc.assert(
    fc.property(
      fc.array(happening, { minLength: 1, maxLength: 60, size: "max" }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(60),
      (happenings, limit, start) => {
        const log = openSqliteLog({ path: ":memory:" });
        begin(log);
        // Bob's alone: Ada must not see a line of it.
        change(log, { op: "create", title: "own", private: true }, { user: "bob", at: 4 });
        for (const title of ["four", "five"]) change(log, { op: "create", title }, ADA(4));
        const said = new Map<string, { thread: number; seq: number; moment: number }>();
        const moments: number[] = [];
        let at = 100;
        for (const it of happenings) {
          at += it.wait;
          moments.push(at);
          const user = it.thread === 3 ? "bob" : "ada";
          const there = [...said.values()].filter(({ thread }) => thread === it.thread);
          const old = it.edit === undefined ? undefined : there[it.edit % there.length];
          if (old === undefined) {
            const post = { op: "post", thread: it.thread, text: "x" } as const;
            const { seq } = change(log, post, { user, at });
            said.set(`${it.thread} ${seq}`, { thread: it.thread, seq, moment: at });
          } else if (it.delete) {
            const { thread, seq } = old;
            change(log, { op: "delete", thread, message: seq }, { user, at });
            said.delete(`${thread} ${seq}`);
          } else {
            const { thread, seq } = old;
            change(log, { op: "edit", thread, message: seq, text: "y" }, { user, at });
            said.set(`${thread} ${seq}`, { thread, seq, moment: at });
          }
        }
        const from = moments[start % moments.length] - 1;
        for (const thread of [undefined, 1, 2]) {
          const expected = [...said.values()].filter((it) =>
            it.moment > from && it.thread !== 3 && (thread === undefined || it.thread === thread)
          );
          const seen: { thread: number; seq: number; moment: number }[] = [];
          for (let since = from, more = true; more;) {
            const answer = log.since("ada", { op: "since", at: since, limit, thread });
            more = answer.more;
            assert(!more || answer.messages.length > 0);
            for (const { thread, seq, at, editedAt } of answer.messages) {
              since = editedAt ?? at;
              seen.push({ thread, seq, moment: since });
            }
            // More than a page in one millisecond is cut: ask anew, with room.
            const begun = answer.messages[0]?.editedAt ?? answer.messages[0]?.at;
            if (more && begun === since && answer.messages.length === limit) {
              const all = log.since("ada", { op: "since", at: from, limit: 500, thread });
              assertEquals(all.more, false);
              seen.length = 0;
              for (const { thread, seq, at, editedAt } of all.messages) {
                seen.push({ thread, seq, moment: editedAt ?? at });
              }
              break;
            }
          }
          const key = (it: { thread: number; seq: number }) => it.thread * 1000 + it.seq;
          assertEquals(
            seen.map((it) => it.moment),
            seen.map((it) => it.moment).sort((a, b) => a - b),
          );
          assertEquals(
            seen.sort((a, b) => key(a) - key(b)),
            expected.sort((a, b) => key(a) - key(b)),
          );
        }
        log.close();
      },
    ),
    { numRuns: runs(60, 300) },
  );
});

Deno.test("since finds what comes after a unit that failed", () => {
  withLog((log) => {
    begin(log);
    post(log, "early", 10);
    const later = 10_000_000;
    unit(log, (tx) => {
      const outcome = decide(tx.view, { op: "post", thread: 1, text: "lost" }, ADA(later));
      assert(!isRefusal(outcome));
      tx.append(outcome.events);
      throw new Error("the work broke");
    });
    post(log, "late", later);
    const { messages } = log.since("ada", { op: "since", at: later - 1 });
    assertEquals(messages.map(({ text }) => text), ["late"]);
  }, { onFault: () => {} });
});

Deno.test("what one types is searched for as it stands", () => {
  withLog((log) => {
    begin(log);
    const said = [
      'he said "quoted words" here',
      "NEAR the column body: text",
      "a-b foo-bar* (x)",
      "Ünïcödé naïve straße",
      "日本語 のテキスト",
      "100% sure; DROP TABLE texts",
    ];
    for (const [index, text] of said.entries()) post(log, text, 10 + index);
    for (
      const [words, which] of [
        ['"quoted', [0]],
        ['"', []],
        ['quoted" OR "text', []],
        ["words said", [0]],
        ["wor said", []],
        ["said wor", [0]],
        ["NEAR(the column)", [1]],
        ["NEAR(body the)", []],
        ["near", [1]],
        ["body:", [1]],
        ["body: text", [1]],
        ["-foo", [2]],
        ["foo-bar", [2]],
        ["foo NOT bar", []],
        ["a*", [2]],
        ["^said", [0]],
        ["{body} : said", []],
        ["unicode NAIVE", [3]],
        ["日本", [4]],
        ["' OR 1=1 --", []],
        ["100% sure;", [5]],
        ["!?", []],
        ["", []],
      ] as [string, number[]][]
    ) {
      assertEquals(found(log, words), which.map((index) => said[index]), words);
    }
  });
});

Deno.test("no words break a search", () => {
  withLog((log) => {
    begin(log);
    post(log, "some words AND others");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "grapheme", maxLength: 30 }),
          fc.string({
            unit: fc.constantFrom(
              '"',
              "'",
              "*",
              "^",
              "(",
              ")",
              "+",
              "-",
              ":",
              " ",
              "AND",
              "a",
              "\0",
            ),
            maxLength: 20,
          }),
        ),
        (words) => {
          log.search("ada", { op: "search", words });
        },
      ),
      { numRuns: runs() },
    );
  });
});

Deno.test("a search finds texts as they are now, the newest first, and titles", () => {
  withLog((log) => {
    begin(log);
    const one = post(log, "apple pie", 10, 1);
    const two = post(log, "apple cake", 20, 2);
    post(log, "apple tart", 30, 1);
    assertEquals(found(log, "apple"), ["apple tart", "apple cake", "apple pie"]);
    assertEquals(found(log, "apple", { limit: 2 }), ["apple tart", "apple cake"]);
    assert(log.search("ada", { op: "search", words: "apple", limit: 2 }).more);
    assertEquals(found(log, "apple", { thread: 1 }), ["apple tart", "apple pie"]);
    change(log, { op: "edit", thread: 1, message: one, text: "pear pie" }, ADA(40));
    change(log, { op: "delete", thread: 2, message: two }, ADA(41));
    assertEquals(found(log, "apple"), ["apple tart"]);
    assertEquals(found(log, "pear"), ["pear pie"]);
    const { threads } = log.search("ada", { op: "search", words: "grÖSSe  CAFÉ" });
    assertEquals(threads.map(({ title }) => title), ["Café Größe"]);
    change(log, { op: "remove", thread: 2 }, { user: "bob", at: 50 });
    assertEquals(log.search("ada", { op: "search", words: "café" }).threads, []);
  });
});

Deno.test("many matches come newest first whatever thread they are in", () => {
  withLog((log) => {
    begin(log);
    postMany(log, 5100, (i) => `common word ${i}`, 2);
    change(log, { op: "post", thread: 1, text: "common and newest" }, ADA(99_999));
    while (log.tidy(0));
    assertEquals(found(log, "common", { limit: 3 }), [
      "common and newest",
      "common word 5099",
      "common word 5098",
    ]);
  });
});

Deno.test("the index catches up in slices, and on what was there before a restart", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    let log = openSqliteLog({ path });
    begin(log);
    postMany(log, 1200, (i) => `number ${i}`);
    assert(log.tidy(0), "more waits");
    assertEquals(log.page("ada", { op: "read", thread: 1 }).messages.length, 50);
    log.close();
    log = openSqliteLog({ path });
    let calls = 0;
    while (log.tidy(0)) calls++;
    assert(calls > 1, "it goes slice by slice");
    for (const i of [0, 499, 500, 999, 1199]) assertEquals(found(log, `${i} number`).length, 1);
    post(log, "number new", 9999);
    assertEquals(found(log, "new number"), ["number new"], "a search does not wait for tidy");
    log.close();
  });
});

Deno.test("a removed thread leaves entries without texts, and no rows", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    const log = openSqliteLog({ path });
    begin(log);
    postMany(log, 1300, (i) => `hi @Bob ${i}`, 2);
    while (log.tidy(0));
    for (const message of [5, 1200]) {
      change(log, { op: "react", thread: 2, message, emoji: "👍", on: true }, ADA(5000));
      change(log, { op: "delete", thread: 2, message: message + 1 }, ADA(5000));
    }
    change(log, { op: "mark", thread: 2, upto: 9 }, ADA(5001));
    post(log, "stays", 5002);
    change(log, { op: "remove", thread: 2 }, { user: "bob", at: 6000 });
    const lines = digest(log.lines());
    assertEquals(log.view.message(2, 5), undefined);
    assertEquals(log.view.mark("ada", 2), 0);
    assertEquals(found(log, "hi"), []);
    assertEquals(log.since("ada", { op: "since", at: 0 }).messages.map(({ text }) => text), [
      "stays",
    ]);
    let calls = 0;
    while (log.tidy(0)) calls++;
    assert(calls >= 3, "it goes slice by slice");
    assertEquals(digest(log.lines()), lines);
    assertEquals(log.view.head("thread/2"), 1306);
    const entries = log.entries("thread/2", 0, { count: 9999, bytes: 9e9 });
    assertEquals(entries.map(({ seq }) => seq), Array.from({ length: 1306 }, (_, i) => i + 1));
    assert(!entries.some(({ json }) => json.includes("Bob ") || json.includes("mentions")));
    change(log, { op: "create", title: "Café Größe" }, ADA(7000));
    assertEquals(log.view.titled("café grösse")?.number, 3, "numbers are not given again");
    log.close();
    const db = new DatabaseSync(path);
    const rows = ["messages", "reactions", "mentions", "marks", "deletions", "deletion_counts"];
    const left = [...rows, "starts", "sweeps", "texts_docsize"].map((table) =>
      db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n
    );
    assertEquals(left, [1, 0, 0, 0, 0, 0, 1, 0, 1]);
    db.close();
  });
});
