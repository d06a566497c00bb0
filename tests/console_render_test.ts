import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { createDirectory } from "../protocol/terminal/directory.ts";
import { createJoined } from "../protocol/terminal/joined.ts";
import { eventJson, outcomeJson } from "../client/console/json_output.ts";
import { formatMoment } from "../protocol/terminal/moment.ts";
import { createNumbers } from "../protocol/terminal/numbers.ts";
import { failed, type Outcome } from "../protocol/terminal/outcome.ts";
import { clientEventRenderer } from "../client/console/render_client_event.ts";
import { outcomeRenderer } from "../protocol/terminal/render_outcome.ts";
import { createPaint, sizeText } from "../protocol/terminal/style.ts";
import type { ForumEvent } from "../protocol/forum/event.ts";
import { join, threadRow } from "./console_client.ts";
import { runs } from "./runs.ts";

function renderers(everything = true) {
  const directory = createDirectory("Yoda");
  directory.add({ thread: 3, title: "The Force", direct: false });
  const numbers = createNumbers();
  const joined = createJoined();
  const view = { me: "Yoda", directory, numbers, paint: createPaint(false) };
  return {
    outcome: outcomeRenderer(view),
    event: clientEventRenderer({ ...view, joined, everything }),
    joined,
    numbers,
  };
}

const time = formatMoment(0);
const base = { scope: "thread/3", seq: 5, at: 0, by: "Ann" };
const posted: ForumEvent = { ...base, kind: "message.posted", text: "hi", number: 4 };

Deno.test("LST shows what is unread and what mentions me", () => {
  const threads = [
    threadRow(3, "The Force", { messages: 12, unread: 3, mentions: 1 }),
    threadRow(4, "Plans", { private: true, members: ["Ann", "Yoda"], messages: 1, unread: 1000 }),
  ];
  const shown = renderers().outcome({ ok: true, command: "LST", result: { threads, more: false } });
  assertEquals(shown.split("\n"), [
    '#3 "The Force" by Yoda, 12 messages, 3 unread, 1 mentions you',
    '#4 "Plans" by Yoda, private with Ann Yoda, 1 message, 1000+ unread',
  ]);
});

Deno.test("RDT shows numbered messages with their marks, and how to see the others", () => {
  const { outcome, numbers } = renderers();
  const messages = [
    { number: 51, seq: 90, by: "Ann", at: 0, text: "@yoda?", editedAt: 1 },
    {
      number: 52,
      seq: 91,
      by: "Yoda",
      at: 0,
      text: "Hm.",
      reply: 90,
      reactions: [{ emoji: "👍", users: ["Ann", "Bob"] }],
    },
  ];
  numbers.listed(3, { rows: messages, end: false });
  const thread = threadRow(3, "The Force", { messages: 52 });
  const shown = outcome({
    ok: true,
    command: "RDT",
    result: { thread, messages, files: [], more: true, from: 51 },
  });
  assertEquals(shown.split("\n"), [
    '#3 "The Force" by Yoda, 52 messages',
    `51 Ann (${time}, edited, mentions you): @yoda?`,
    `52 Yoda (${time}, answers 51): Hm.  [👍 Ann, Bob]`,
    "Earlier: RDT #3 1",
    "Later: RDT #3 53",
  ]);
});

const sha256 = "a".repeat(64);

Deno.test("RDT shows files where they were shared, between the messages", () => {
  const file = (seq: number, name: string, size: number) => ({
    seq,
    name,
    by: "Ann",
    at: 0,
    size,
    type: "a/b",
    sha256,
  });
  const message = (number: number, seq: number) => ({ number, seq, by: "Yoda", at: 0, text: "x" });
  const result = {
    thread: threadRow(3, "The Force", { messages: 2 }),
    messages: [message(1, 4), message(2, 6)],
    files: [file(3, "a.txt", 1), file(5, "two\nlines", 1_258_291), file(9, "c", 2048)],
    filesMore: true as const,
    more: false,
  };
  assertEquals(renderers().outcome({ ok: true, command: "RDT", result }).split("\n"), [
    '#3 "The Force" by Yoda, 2 messages',
    "Older files: FLS #3",
    `* Ann (${time}) shared a.txt (1 byte)`,
    `1 Yoda (${time}): x`,
    `* Ann (${time}) shared two\\nlines (1.2 MiB)`,
    `2 Yoda (${time}): x`,
    `* Ann (${time}) shared c (2.0 KiB)`,
  ]);
});

Deno.test("sizes are told in binary units, with as much as fits", () => {
  const sizes: [number, string][] = [
    [0, "0 bytes"],
    [1, "1 byte"],
    [1023, "1023 bytes"],
    [1024, "1.0 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [1.5 * 2 ** 30, "1.5 GiB"],
    [2 ** 50, "1.0 PiB"],
    [2 ** 61, "2048.0 PiB"],
  ];
  for (const [bytes, text] of sizes) assertEquals(sizeText(bytes), text);
});

Deno.test("files that come and go are told, one's own are not", () => {
  const { event } = renderers();
  const shared = (by: string): ForumEvent => ({
    ...base,
    by,
    kind: "file.shared",
    name: "holocron.bin",
    size: 1_258_291,
    type: "a/b",
    sha256,
  });
  const removed: ForumEvent = {
    ...base,
    kind: "file.removed",
    file: 3,
    name: "holocron.bin",
    why: "dark",
  };
  assertEquals(
    event({ type: "event", event: shared("Ann") }),
    '["The Force"] Ann has shared holocron.bin (1.2 MiB)',
  );
  assertEquals(event({ type: "event", event: shared("yoda") }), undefined);
  assertEquals(
    event({ type: "event", event: removed }),
    '["The Force"] Ann has removed the file holocron.bin: dark',
  );
});

Deno.test("a refusal is its sentence, how long to wait, and its code", () => {
  const locked: Outcome = { ...failed("LOGIN", "locked-out", "Locked."), detail: { wait: 9500 } };
  assertEquals(renderers().outcome(locked), "Locked. Wait 10 s. (1423 locked-out)");
});

Deno.test("a live message is one line with its thread and number", () => {
  const { event } = renderers();
  const mentioning = { ...posted, mentions: ["yoda"] } as ForumEvent;
  assertEquals(event({ type: "event", event: posted }), `["The Force"] 4 Ann (${time}): hi`);
  assertEquals(
    event({ type: "event", event: mentioning }),
    `["The Force"] 4 Ann (${time}, mentions you): hi`,
  );
});

Deno.test("one's own message comes back only where one has joined", async () => {
  const { event, joined } = renderers();
  const own: ForumEvent = { ...base, kind: "message.posted", text: "hi", number: 4, by: "yoda" };
  assertEquals(event({ type: "event", event: own }), undefined);
  await join(joined, 3);
  assertMatch(event({ type: "event", event: own }) ?? "", /hi$/);
});

Deno.test("edits and deletions name the number under which the message was shown", () => {
  const { event, numbers } = renderers();
  numbers.shown(3, { number: 4, seq: 5 });
  const edit = (message: number): ForumEvent => ({
    ...base,
    kind: "message.edited",
    message,
    text: "x",
  });
  assertEquals(
    event({ type: "event", event: edit(5) }),
    '["The Force"] Ann has edited message 4: x',
  );
  assertEquals(
    event({ type: "event", event: edit(2) }),
    '["The Force"] Ann has edited an earlier message: x',
  );
  const deletion: ForumEvent = { ...base, kind: "message.deleted", message: 5, why: "spam" };
  assertEquals(
    event({ type: "event", event: deletion }),
    '["The Force"] Ann has deleted message 4: spam',
  );
});

Deno.test("people who come and go are told, oneself is not", () => {
  const { event } = renderers();
  const presence = (user: string, on: boolean) =>
    event({ type: "notice", notice: { kind: "presence", user, on, at: 0 } });
  assertEquals(presence("Ann", true), "Ann has joined");
  assertEquals(presence("Ann", false), "Ann has left");
  assertEquals(presence("YODA", true), undefined);
});

Deno.test("a removed thread is told once", () => {
  const removed = (scope: string): ForumEvent => ({
    ...base,
    kind: "thread.removed",
    scope,
    thread: 3,
    title: "The Force",
  });
  const told = (everything: boolean) =>
    ["thread/3", "directory"].filter((scope) =>
      renderers(everything).event({ type: "event", event: removed(scope) }) !== undefined
    );
  assertEquals(told(true), ["directory"]);
  // A script is not shown the directory.
  assert(told(false).includes("thread/3"));
});

// deno-lint-ignore no-control-regex -- the control characters are what it looks for
const OBEYED = /[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

Deno.test("hostile names, titles, texts and reasons do nothing to the terminal", () => {
  const nasty = fc.string({ unit: "binary" }).map((text) => `\x1b[2J\u202e\n1 Ann: ${text}`);
  fc.assert(
    fc.property(nasty, (evil) => {
      const { outcome, event } = renderers();
      const thread = threadRow(3, evil, { owner: evil, private: true, members: [evil] });
      const row = {
        number: 1,
        seq: 2,
        by: evil,
        at: 0,
        text: evil,
        reactions: [{ emoji: evil, users: [evil] }],
      };
      const file = { seq: 3, name: evil, by: evil, at: 0, size: 1, type: evil, sha256 };
      const found = { ...row, thread: 9, title: evil };
      const events: ForumEvent[] = [
        { ...base, by: evil, kind: "message.posted", text: evil, number: 1 },
        { ...base, by: evil, kind: "reaction.changed", message: 1, emoji: evil, on: true },
        { ...base, by: evil, kind: "file.shared", name: evil, size: 1, type: evil, sha256 },
        { ...base, by: evil, kind: "file.removed", file: 1, name: evil, why: evil },
        { ...base, by: evil, kind: "member.left", user: "x", why: evil },
        { ...base, by: evil, kind: "thread.created", scope: "directory", thread: 8, title: evil },
        {
          ...base,
          by: evil,
          kind: "user.banned",
          scope: "accounts",
          user: evil,
          on: true,
          why: evil,
        },
      ];
      const shown = [
        outcome({
          ok: true,
          command: "RDT",
          result: { thread, messages: [row], files: [file], more: false },
        }),
        outcome({
          ok: true,
          command: "SRC",
          result: { words: evil, threads: [thread], messages: [found], more: false },
        }),
        outcome({ ok: false, command: evil, code: 1, name: evil, text: evil }),
        ...events.map((given) => event({ type: "event", event: given }) ?? ""),
        event({ type: "closed", code: 1, name: evil, text: evil }) ?? "",
        outcomeJson({ ok: false, command: evil, code: 1, name: evil, text: evil }),
        ...events.map((given) => eventJson({ type: "event", event: given })),
      ];
      for (const text of shown) {
        assert(!OBEYED.test(text), JSON.stringify(text));
        assert(
          !/^1 Ann/m.test(text),
          "a line feed must not begin a line that looks like another's",
        );
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("JSON lines are as the design fixes them", () => {
  const result = { thread: 1, seq: 2, number: 1, at: 5 };
  assertEquals(
    outcomeJson({ ok: true, command: "MSG", result }),
    '{"command":"MSG","ok":true,"result":{"thread":1,"seq":2,"number":1,"at":5}}',
  );
  assertEquals(JSON.parse(eventJson({ type: "event", event: posted })), {
    event: "message.posted",
    scope: "thread/3",
    seq: 5,
    at: 0,
    by: "Ann",
    text: "hi",
    number: 4,
  });
  const notice = { kind: "presence", user: "Ann", on: true, at: 0 } as const;
  assertEquals(
    eventJson({ type: "notice", notice }),
    '{"event":"presence","user":"Ann","on":true,"at":0}',
  );
  assertEquals(eventJson({ type: "offline", text: "x" }), '{"event":"offline","text":"x"}');
});
