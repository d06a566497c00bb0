/**
 * The laws of the log (DESIGN §11): replay, numbers, pages.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Change } from "../protocol/forum/command.ts";
import {
  type Content,
  type Context,
  decide,
  decideOpening,
  isRefusal,
} from "../protocol/forum/decide.ts";
import { type ForumEvent, scopeThread } from "../protocol/forum/event.ts";
import { evolve } from "../protocol/forum/evolve.ts";
import { createMemoryState, type MemoryState } from "../protocol/forum/memory_state.ts";
import { maySee } from "../protocol/forum/policy.ts";
import { digest } from "../protocol/forum/state.ts";
import { fold } from "../protocol/text.ts";
import type { Log } from "../server/log/log.ts";
import { openSqliteLog } from "../server/log/sqlite_log.ts";
import { append, register, registration, unit, withFolder } from "./log_fixture.ts";
import { runs } from "./runs.ts";

const USERS = ["Ada", "Bob", "Cläre", "Dan"];
const user = fc.constantFrom(...USERS);
/** Which of those that are there (see {@linkcode aim}); or a number as it stands, from 1000 on. */
const thread = fc.oneof({ weight: 9, arbitrary: fc.nat(9) }, {
  weight: 1,
  arbitrary: fc.constant(1003),
});
const seq = fc.oneof({ weight: 9, arbitrary: fc.nat(30) }, {
  weight: 1,
  arbitrary: fc.constant(1005),
});
const text = fc.constantFrom(
  "hello",
  "hi @Ada and @bob",
  "@Cläre?",
  'a "quoted" \\ line\nand more',
  "😀",
);
/** Contents of files; each is told by its size. */
const CONTENTS: readonly Content[] = [0, 7, 2 ** 50].map((size, i) => ({
  sha256: String(i).repeat(64),
  size,
}));
const content = fc.constantFrom(...CONTENTS);
const why = fc.option(fc.constant("because"), { nil: undefined });

const command: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    op: fc.constant("create" as const),
    title: fc.constantFrom("One", "Two", "tHrEe", "Vier"),
    private: fc.boolean(),
  }),
  { weight: 6, arbitrary: fc.record({ op: fc.constant("post" as const), thread, text }) },
  fc.record({ op: fc.constant("post" as const), thread, text, reply: seq }),
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant("edit" as const), thread, message: seq, text }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("delete" as const), thread, message: seq, why }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("react" as const),
      thread,
      message: seq,
      emoji: fc.constantFrom("👍", ":+1:", "é"),
      on: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("upload" as const),
      thread,
      name: fc.constantFrom("a.txt", "A.TXT", "../b", "é\n\0", "É\n\0"),
      size: content.map(({ size }) => size),
      sha256: fc.option(content.map(({ sha256 }) => sha256), { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant("withdraw" as const), thread, file: seq, why }),
  },
  fc.record({ op: fc.constant("tell" as const), user, text }),
  fc.record({ op: fc.constant("invite" as const), thread, user }),
  fc.record({ op: fc.constant("expel" as const), thread, user, why }),
  fc.record({ op: fc.constant("mark" as const), thread, upto: seq }),
  fc.record({ op: fc.constant("remove" as const), thread, why }),
  fc.record({ op: fc.constant("ban" as const), user: fc.constant("Dan"), on: fc.boolean(), why }),
);

/** Makes a generated command one about what is there, by somebody who may. */
function aim(given: Change, user: string, { state }: Mirror): { command: Change; user: string } {
  if (!("thread" in given)) return { command: given, user };
  const threads = [...state.threads()];
  const thread = threads[given.thread % threads.length];
  if (given.thread >= 1000) {
    return { command: { ...given, thread: given.thread - 1000 } as Change, user };
  }
  const messages = [...state.messages(thread.number)];
  const files = [...state.files(thread.number)];
  const pick = (n: number, from: readonly { seq: number }[] = messages) =>
    n < 1000 ? from[n % from.length]?.seq ?? 1 : n - 1000;
  const command = {
    ...given,
    thread: thread.number,
    ..."message" in given && { message: pick(given.message) },
    ..."file" in given && { file: pick(given.file, files) },
    ..."reply" in given && given.reply !== undefined && { reply: pick(given.reply) },
  } as Change;
  const author = command.op === "edit" || command.op === "delete"
    ? state.message(thread.number, command.message)?.author
    : command.op === "withdraw"
    ? state.file(thread.number, command.file)?.by
    : undefined;
  return { command, user: author ?? user };
}

/** A command, and whether the bytes have come if it is an upload. */
const asked = fc.record({ user, command, came: fc.boolean() });

function contextOf(command: Change, { user, at, came }: Context & { came: boolean }): Context {
  if (command.op !== "upload" || !came) return { user, at };
  return { user, at, content: CONTENTS.find(({ size }) => size === command.size)! };
}

/** What is done to the log: a unit of commands, which may fail after all were applied, or what can wait. */
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("unit" as const),
      asked: fc.array(asked, { minLength: 1, maxLength: 10, size: "max" }),
      fails: fc.nat(5).map((n) => n === 0),
    }),
  },
  fc.record({ kind: fc.constant("tidy" as const) }),
  fc.record({ kind: fc.constant("free" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("search" as const), user }),
);

/** A state that has followed the log, and the scopes it has seen. */
interface Mirror {
  readonly state: MemoryState;
  readonly scopes: Set<string>;
  /** Contents that came and were not freed. */
  readonly contents: Set<string>;
}

function follow(mirror: Mirror, events: readonly ForumEvent[]): void {
  for (const event of events) {
    evolve(mirror.state, event);
    mirror.scopes.add(event.scope);
    if (event.kind === "file.shared") mirror.contents.add(event.sha256);
  }
}

/** Folds all entries of a log anew. Read marks come first: the removal of a thread takes them along. */
function refold(log: Log, scopes: Iterable<string>): MemoryState {
  const state = createMemoryState(fold);
  for (const scope of [...scopes].sort((a, b) => scopeThread(a) - scopeThread(b))) {
    let after = 0;
    for (;;) {
      const entries = log.entries(scope, after, { count: 7, bytes: 2000 });
      if (entries.length === 0) break;
      for (const { json, seq } of entries) {
        assertEquals(seq, ++after, "no number is missing");
        evolve(state, JSON.parse(json));
      }
    }
    assertEquals(after, log.view.head(scope));
  }
  return state;
}

/** A text that was replaced, deleted or (once that is swept) removed is in no entry. */
function assertBlanked(log: Log, { state, scopes }: Mirror, swept: boolean): void {
  for (const scope of scopes) {
    const thread = scopeThread(scope);
    if (thread === 0 || (!swept && state.thread(thread) === undefined)) continue;
    for (const { json, seq } of log.entries(scope, 0, { count: 1000, bytes: Infinity })) {
      const event: ForumEvent = JSON.parse(json);
      if (event.kind !== "message.posted" && event.kind !== "message.edited") continue;
      const said = event.kind === "message.posted" ? seq : event.message;
      if (state.message(thread, said)?.textSeq === seq) assertEquals(event.erased, undefined);
      else {
        const { text, mentions, erased } = event;
        assertEquals({ text, mentions, erased }, { text: "", mentions: undefined, erased: true });
      }
    }
  }
}

/** What is known of files is what the state in memory knows. */
function assertFiles(log: Log, { state }: Mirror): void {
  const { view } = log;
  for (const { number } of state.threads()) {
    assertEquals(view.fileCount(number), state.fileCount(number));
    for (const file of state.files(number)) {
      assertEquals(view.file(number, file.seq), file);
      assertEquals(view.fileNamed(number, fold(file.name)), file);
    }
  }
  for (const name of USERS.map(fold)) {
    for (const { sha256 } of CONTENTS) {
      assertEquals(view.seesContent(name, sha256), state.seesContent(name, sha256));
    }
    const seen = [...state.threads()]
      .filter((thread) => maySee(name, thread))
      .flatMap(({ number }) =>
        [...state.files(number)].map(({ seq }) => ({ thread: number, seq }))
      );
    const order = (a: typeof seen[number], b: typeof seen[number]) =>
      a.thread - b.thread || a.seq - b.seq;
    const { files, more } = log.files(name, { op: "files", limit: 500 });
    assertEquals(files.map(({ thread, seq }) => ({ thread, seq })).sort(order), seen.sort(order));
    assertEquals(more, false);
    for (const [index, { at }] of files.entries()) assert(at <= (files[index - 1]?.at ?? at));
  }
}

/** Once all is swept, so is what follows from the files: who has shared how much, and what can be freed. */
function assertUsage(log: Log, { state, contents }: Mirror): void {
  for (const name of USERS.map(fold)) assertEquals(log.view.usage(name), state.usage(name));
  assertEquals(log.view.contentBytes, state.contentBytes);
  const free = [...contents].filter((sha256) => !state.hasContent(sha256));
  assertEquals(log.unreferenced(10).sort(), free.sort());
  for (const { sha256 } of CONTENTS) {
    assertEquals(log.view.hasContent(sha256), state.hasContent(sha256));
  }
}

/** Events of the forum's beginning. */
function begin(log: Log, mirror: Mirror): void {
  for (const name of USERS) {
    append(log, ({ view }) => {
      const events = registration(view, name);
      follow(mirror, events);
      return events;
    });
  }
  append(log, ({ view }) => {
    const events = decideOpening(view, "lobby", 2);
    events.push({
      kind: "user.role",
      scope: "accounts",
      seq: 5,
      at: 2,
      by: "",
      user: "Ada",
      role: "admin",
    });
    follow(mirror, events);
    return events;
  });
}

Deno.test("law 5: the log holds what a state in memory holds, after failures, sweeps and a restart", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 16, size: "max" }), (steps) => {
      withFolder((folder) => {
        const path = `${folder}/forum.sqlite`;
        let log = openSqliteLog({ path, onFault: () => {} });
        const mirror: Mirror = {
          state: createMemoryState(fold),
          scopes: new Set(),
          contents: new Set(),
        };
        begin(log, mirror);
        let at = 10;
        for (const it of steps) {
          at += 1000;
          if (it.kind === "tidy") log.tidy(at);
          else if (it.kind === "free") {
            const free = log.unreferenced(it.count);
            assert(!free.some((sha256) => mirror.state.hasContent(sha256)));
            unit(log, (tx) => {
              for (const { sha256 } of CONTENTS) {
                if (mirror.state.hasContent(sha256)) assertEquals(tx.forgetContent(sha256), false);
              }
              for (const sha256 of free) {
                assertEquals(tx.forgetContent(sha256), true);
                mirror.contents.delete(sha256);
              }
            });
          } else if (it.kind === "search") {
            log.search(fold(it.user), { op: "search", words: "hello" });
          } else {
            const failure = unit(log, (tx) => {
              for (const one of it.asked) {
                const { command, user } = aim(one.command, fold(one.user), mirror);
                const context = contextOf(command, { user, at, came: one.came });
                const outcome = decide(tx.view, command, context);
                // A unit that will fail leads the log to where the mirror never goes.
                if (!it.fails) assertEquals(outcome, decide(mirror.state, command, context));
                if (isRefusal(outcome)) continue;
                tx.append(outcome.events);
                if (!it.fails) follow(mirror, outcome.events);
              }
              if (it.fails) throw new Error("the work failed");
            });
            assertEquals(failure?.status, it.fails ? "internal" : undefined);
          }
        }
        const expected = digest(mirror.state.lines());
        assertEquals(digest(log.lines()), expected);
        for (const scope of mirror.scopes) {
          assertEquals(log.view.head(scope), mirror.state.head(scope));
        }
        assertEquals(digest(refold(log, mirror.scopes).lines()), expected);
        assertBlanked(log, mirror, false);
        assertFiles(log, mirror);
        log.close();
        log = openSqliteLog({ path });
        assertEquals(digest(log.lines()), expected);
        assertEquals(log.view.lastThread, mirror.state.lastThread);
        while (log.tidy(at));
        assertEquals(digest(log.lines()), expected);
        assertEquals(digest(refold(log, mirror.scopes).lines()), expected);
        assertBlanked(log, mirror, true);
        assertFiles(log, mirror);
        assertUsage(log, mirror);
        log.close();
      });
    }),
    { numRuns: runs(60, 300) },
  );
});

/** Deletes messages of a thread of more than one run of ordinals, and posts others. */
const shuffle = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("delete" as const),
      // Often where one run of 1,024 ordinals ends.
      at: fc.oneof(fc.nat(2000), fc.integer({ min: 990, max: 1024 })),
      count: fc.nat(40),
    }),
    fc.record({ kind: fc.constant("post" as const), count: fc.integer({ min: 1, max: 30 }) }),
  ),
  { maxLength: 25, size: "max" },
);

const way = fc.constantFrom("after" as const, "before" as const);

Deno.test("numbers close up after deletions, and every page finds its messages", () => {
  withFolder((folder) => {
    const first = `${folder}/first.sqlite`;
    const log = openSqliteLog({ path: first });
    register(log, "Ada");
    append(log, ({ view }) => decideOpening(view, "lobby", 1));
    const posted: number[] = [];
    post(log, posted, 1100);
    log.close();
    fc.assert(
      fc.property(shuffle, fc.integer({ min: 30, max: 300 }), way, (steps, limit, way) => {
        const path = `${folder}/copy.sqlite`;
        Deno.copyFileSync(first, path);
        const log = openSqliteLog({ path });
        const living = [...posted];
        for (const it of steps) {
          if (it.kind === "post") post(log, living, it.count);
          else {
            erase(log, living.splice(it.at % Math.max(living.length, 1), it.count));
          }
        }
        const numbered = living.map((seq, index) => ({ seq, number: index + 1 }));
        assertEquals(walk(log, way, limit), numbered);
        for (let number = 1; number <= living.length + 1; number += limit * 7) {
          const { messages, more } = log.page("ada", { op: "read", thread: 1, number, limit });
          const expected = numbered.slice(number - 1, number - 1 + limit);
          assertEquals(messages.map(({ seq, number }) => ({ seq, number })), expected);
          assertEquals(more, number - 1 + limit < living.length);
        }
        log.close();
      }),
      { numRuns: runs(25, 150) },
    );
  });
});

/** Posts so many messages and notes their sequence numbers. */
function post(log: Log, seqs: number[], count: number): void {
  unit(log, (tx) => {
    for (let i = 0; i < count; i++) {
      const outcome = decide(tx.view, { op: "post", thread: 1, text: "x" }, { user: "ada", at: 5 });
      assert(!isRefusal(outcome));
      tx.append(outcome.events);
      seqs.push(outcome.events[0].seq);
    }
  });
}

/** Deletes messages. */
function erase(log: Log, seqs: readonly number[]): void {
  append(log, ({ view }) => {
    const first = view.head("thread/1") + 1;
    return seqs.map((message, index) => ({
      kind: "message.deleted",
      scope: "thread/1",
      seq: first + index,
      at: 5,
      by: "Ada",
      message,
    }));
  });
}

/** Reads a thread from one end to the other, page by page. */
function walk(log: Log, way: "after" | "before", limit: number) {
  const seen: { seq: number; number: number }[] = [];
  let place: number | undefined = way === "after" ? 0 : undefined;
  for (;;) {
    const question = { op: "read", thread: 1, limit, ...place !== undefined && { [way]: place } };
    const { messages, more } = log.page("ada", question as Parameters<Log["page"]>[1]);
    const rows = messages.map(({ seq, number }) => ({ seq, number }));
    if (way === "after") seen.push(...rows);
    else seen.unshift(...rows);
    if (!more) return seen;
    assert(rows.length > 0, "a page of a thread that goes on holds a message");
    place = (way === "after" ? rows.at(-1) : rows[0])!.seq;
  }
}
