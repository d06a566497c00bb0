/**
 * Files in the log in SQLite: lists and pages of them, unfinished uploads, contents that can be freed, and
 * what is left of the files of a removed thread.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { decide, decideOpening, isRefusal } from "../protocol/forum/decide.ts";
import { digest } from "../protocol/forum/state.ts";
import { utf8Length } from "../protocol/text.ts";
import type { Log, UploadRecord } from "../server/log/log.ts";
import { FILES_LISTED_MAX, PAGE_FILES_MAX } from "../server/log/sqlite_file_lists.ts";
import { openSqliteLog } from "../server/log/sqlite_log.ts";
import type { WalFlush } from "../server/log/wal_flush.ts";
import { append, change, register, unit, withFolder, withLog } from "./log_fixture.ts";
import { runs } from "./runs.ts";

const ADA = (at: number) => ({ user: "ada", at });
const BOB = (at: number) => ({ user: "bob", at });

/** A content of so many bytes; its hash is made of a letter. */
const content = (letter: string, size = 10) => ({ sha256: letter.repeat(64), size });

/** A lobby, another thread and two accounts. */
function begin(log: Log): void {
  register(log, "Ada", "Bob");
  append(log, ({ view }) => decideOpening(view, "lobby", 2));
  change(log, { op: "create", title: "Two" }, BOB(3));
}

/** Shares a file; returns its seq. */
function share(
  log: Log,
  name: string,
  { user = "ada", at = 10, thread = 1, of = content("a") } = {},
): number {
  const reply = change(log, { op: "upload", thread, name, size: of.size }, {
    user,
    at,
    content: of,
  });
  assert("file" in reply);
  return reply.file;
}

/** Shares many at once. */
function shareMany(log: Log, count: number, name: (index: number) => string, thread = 1): void {
  unit(log, (tx) => {
    for (let i = 0; i < count; i++) {
      const of = content(String(i % 7), 10 + i % 7);
      const command = { op: "upload", thread, name: name(i), size: of.size } as const;
      const outcome = decide(tx.view, command, { ...ADA(10 + i), content: of });
      assert(!isRefusal(outcome));
      tx.append(outcome.events);
    }
  });
}

function post(log: Log, text: string, at = 10, thread = 1): number {
  return change(log, { op: "post", thread, text }, ADA(at)).seq;
}

const names = (files: readonly { name: string }[]) => files.map(({ name }) => name);

Deno.test("files are there again after a close, whatever they are called", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    let log = openSqliteLog({ path });
    begin(log);
    const called = ["a.txt", "../x", "a\0b", "a\0c", '"', "\u202e😀", "x".repeat(255)];
    const seqs = called.map((name) => share(log, name));
    const lines = digest(log.lines());
    const listed = log.files("bob", { op: "files" });
    assertEquals(names(listed.files), called.toReversed());
    log.close();
    log = openSqliteLog({ path });
    assertEquals(digest(log.lines()), lines);
    assertEquals(log.files("bob", { op: "files" }), listed);
    for (const [index, name] of called.entries()) {
      assertEquals(log.fileRow(1, seqs[index]), {
        seq: seqs[index],
        name,
        by: "Ada",
        at: 10,
        size: 10,
        type: "application/octet-stream",
        sha256: content("a").sha256,
      });
    }
    assertEquals(log.fileRow(1, 1), undefined);
    assertEquals(log.fileRow(99, 3), undefined);
    assertEquals([log.view.usage("ada"), log.view.contentBytes], [70, 10]);
    log.close();
  });
});

Deno.test("files are listed newest first, of all threads that one may see or of one, or by name", () => {
  withLog((log) => {
    begin(log);
    change(log, { op: "create", title: "own", private: true }, BOB(4));
    share(log, "one", { at: 10 });
    share(log, "two", { at: 20, thread: 2 });
    share(log, "hidden", { at: 25, thread: 3, user: "bob" });
    share(log, "three", { at: 30 });
    share(log, "Straße", { at: 40, thread: 2 });
    share(log, "STRASSE", { at: 50, thread: 3, user: "bob" });
    share(log, "strasse", { at: 60 });
    const list = (user: string, more: object = {}) => {
      const { files, more: others } = log.files(user, { op: "files", ...more });
      return [...names(files), ...others ? ["…"] : []].join(" ");
    };
    assertEquals(list("ada"), "strasse Straße three two one");
    assertEquals(list("bob"), "strasse STRASSE Straße three hidden two one");
    assertEquals(list("ada", { thread: 1 }), "strasse three one");
    assertEquals(list("ada", { thread: 3 }), "");
    assertEquals(list("bob", { thread: 3 }), "STRASSE hidden");
    assertEquals(list("ada", { name: "sTRASSE" }), "strasse Straße");
    assertEquals(list("bob", { name: "straße", skip: 1, limit: 1 }), "STRASSE …");
    assertEquals(list("ada", { name: "strasse", thread: 2 }), "Straße");
    assertEquals(list("ada", { name: "strasse", thread: 2, skip: 1 }), "");
    assertEquals(list("ada", { name: "nothing" }), "");
    for (const thread of [undefined, 1]) {
      const whole = list("ada", { thread }).split(" ");
      for (let skip = 0; skip <= whole.length; skip++) {
        const page = list("ada", { thread, skip, limit: 2 }).split(" ").filter((name) => name);
        const rest = whole.slice(skip);
        assertEquals(page, [...rest.slice(0, 2), ...rest.length > 2 ? ["…"] : []]);
      }
    }
    const [row] = log.files("ada", { op: "files", thread: 2 }).files;
    assertEquals([row.thread, row.title, row.by], [2, "Two", "Ada"]);
  });
});

Deno.test(`a list over all threads ends after ${FILES_LISTED_MAX} files, and none that is hidden counts`, () => {
  withLog((log) => {
    begin(log);
    change(log, { op: "create", title: "own", private: true }, ADA(4));
    shareMany(log, FILES_LISTED_MAX, (i) => `public ${i}`);
    shareMany(log, 100, (i) => `hidden ${i}`, 3);
    const last = (user: string) =>
      log.files(user, { op: "files", skip: FILES_LISTED_MAX - 3, limit: 9 });
    assertEquals([names(last("bob").files), last("bob").more], [
      ["public 2", "public 1", "public 0"],
      false,
    ]);
    assertEquals(names(last("ada").files), ["public 102", "public 101", "public 100"]);
    const all = { op: "files", thread: 1, skip: FILES_LISTED_MAX - 1 } as const;
    assertEquals(names(log.files("ada", all).files), ["public 0"], "a thread's list does not end");
  });
});

Deno.test("a list holds no more than fits a frame, and one file at the least", () => {
  withLog((log) => {
    begin(log);
    const wide = (index: number) => `${index}${"\x01".repeat(250)}`;
    shareMany(log, 300, wide);
    for (const question of [{ op: "files" }, { op: "files", thread: 1 }] as const) {
      const seen: string[] = [];
      for (let more = true; more;) {
        const page = log.files("bob", { ...question, skip: seen.length, limit: 500 });
        assert(utf8Length(JSON.stringify(page)) < 200_000);
        assert(page.files.length > 0);
        seen.push(...names(page.files));
        more = page.more;
      }
      assertEquals(seen, Array.from({ length: 300 }, (_, i) => wide(299 - i)));
    }
  });
});

/** What is done to a thread. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "post" as const, at: 0 }) },
  { weight: 4, arbitrary: fc.constant({ kind: "share" as const, at: 0 }) },
  fc.record({ kind: fc.constantFrom("delete" as const, "withdraw" as const), at: fc.nat(30) }),
);

Deno.test("every file is on one page, however a thread is cut into pages", () => {
  fc.assert(
    fc.property(
      fc.array(happening, { maxLength: 50, size: "max" }),
      fc.integer({ min: 1, max: 7 }),
      fc.nat(20),
      (happenings, limit, jump) => {
        const log = openSqliteLog({ path: ":memory:" });
        begin(log);
        const messages: number[] = [];
        const files: number[] = [];
        for (const [index, { kind, at }] of happenings.entries()) {
          if (kind === "post") messages.push(post(log, "x"));
          else if (kind === "share") files.push(share(log, `${index}`));
          else if (kind === "delete") {
            const [message] = messages.splice(at % Math.max(messages.length, 1), 1);
            if (message !== undefined) {
              change(log, { op: "delete", thread: 1, message }, ADA(10));
            }
          } else {
            const [file] = files.splice(at % Math.max(files.length, 1), 1);
            if (file !== undefined) change(log, { op: "withdraw", thread: 1, file }, ADA(10));
          }
        }
        // Neighbours, whose ids lie on both sides.
        share(log, "other", { thread: 2 });

        const read = (place: object) => log.page("ada", { op: "read", thread: 1, limit, ...place });
        const onward = (from: number) => {
          const seen: number[] = [];
          for (let after = from;;) {
            const page = read({ after });
            seen.push(...page.files.map(({ seq }) => seq));
            if (!page.more) return seen;
            after = page.messages.at(-1)!.seq;
          }
        };
        const back = (from: number | undefined) => {
          const seen: number[] = [];
          for (let before = from;;) {
            const page = read({ before });
            seen.unshift(...page.files.map(({ seq }) => seq));
            if (!page.more) return seen;
            before = page.messages[0].seq;
          }
        };
        assertEquals(onward(0), files, "onward");
        assertEquals(back(undefined), files, "back");
        const numbered: number[] = [];
        for (let number = 1; number === 1 || number <= messages.length; number += limit) {
          numbered.push(...read({ number }).files.map(({ seq }) => seq));
        }
        assertEquals(numbered, files, "by number");
        if (messages.length > 0) {
          // From a place in the middle to both ends.
          const page = read({ number: 1 + jump % messages.length });
          const [first, last] = [page.messages[0], page.messages.at(-1)!];
          const around = page.files.map(({ seq }) => seq);
          const [before, after] = [
            first.number > 1 ? back(first.seq) : [],
            page.more ? onward(last.seq) : [],
          ];
          assertEquals([...before, ...around, ...after], files, "from the middle");
          for (const seq of around) {
            // It is with the message that it came after.
            const with_ = messages.findLast((message) => message < seq) ?? messages[0];
            assert(page.messages.some((message) => message.seq === with_));
          }
        }
        log.close();
      },
    ),
    { numRuns: runs(60, 300) },
  );
});

Deno.test("a page beside the messages has no files, that of a thread of files alone has all", () => {
  withLog((log) => {
    begin(log);
    share(log, "first");
    for (const place of [{}, { after: 0 }, { before: 1 }, { number: 1 }, { number: 7 }]) {
      const page = log.page("ada", { op: "read", thread: 1, ...place });
      assertEquals([names(page.files), page.messages, page.more], [["first"], [], false]);
    }
    const seq = post(log, "x");
    share(log, "second");
    for (const place of [{ after: seq }, { before: seq }, { number: 2 }]) {
      assertEquals(log.page("ada", { op: "read", thread: 1, ...place }).files, []);
    }
    assertEquals(names(log.page("ada", { op: "read", thread: 1 }).files), ["first", "second"]);
  });
});

Deno.test(`a page brings the newest ${PAGE_FILES_MAX} files at most, and no more than fit its frame`, () => {
  withLog((log) => {
    begin(log);
    shareMany(log, PAGE_FILES_MAX, (i) => `${i}`);
    const whole = log.page("ada", { op: "read", thread: 1 });
    assertEquals([whole.files.length, "filesMore" in whole], [PAGE_FILES_MAX, false]);
    share(log, "one more");
    const cut = log.page("ada", { op: "read", thread: 1 });
    assertEquals([cut.files.length, cut.filesMore], [PAGE_FILES_MAX, true]);
    assertEquals([cut.files[0].name, cut.files.at(-1)?.name], ["1", "one more"]);
    // All that is large at once: names full of escapes beside one of the largest messages.
    post(log, '"\n'.repeat(32_768), 300);
    shareMany(log, PAGE_FILES_MAX, (i) => `wide ${i} ${"\x01".repeat(245)}`);
    const large = log.page("ada", { op: "read", thread: 1 });
    assertEquals([large.messages.length, large.filesMore], [1, true]);
    assert(large.files.length > 20);
    assert(utf8Length(JSON.stringify(large)) < 220 * 1024);
  });
});

Deno.test("a unit that fails leaves files, sums and unfinished uploads as they were", () => {
  withLog((log) => {
    begin(log);
    const file = share(log, "here");
    let begun = 0;
    const wanted = { user: "ada", thread: 1, name: "x", size: 5, at: 1 };
    unit(log, (tx) => begun = tx.putUpload(wanted));
    const now = () => ({
      lines: digest(log.lines()),
      files: log.files("ada", { op: "files" }),
      sums: [log.view.usage("ada"), log.view.contentBytes, log.view.fileCount(1)],
      free: log.unreferenced(9),
      uploads: [log.uploadsOf("ada"), log.uploadBytes, log.upload(begun), log.upload(begun + 1)],
    });
    const before = now();
    const failure = unit(log, (tx) => {
      for (
        const command of [
          { op: "withdraw", thread: 1, file },
          { op: "upload", thread: 1, name: "gone", size: 3 },
          { op: "remove", thread: 2 },
        ] as const
      ) {
        const outcome = decide(tx.view, command, { ...BOB(30), content: content("b", 3) });
        if (command.op === "withdraw") assert(isRefusal(outcome));
        else if (!isRefusal(outcome)) tx.append(outcome.events);
      }
      const outcome = decide(tx.view, { op: "withdraw", thread: 1, file }, ADA(30));
      assert(!isRefusal(outcome));
      tx.append(outcome.events);
      assertEquals(tx.view.usage("ada"), 0);
      assertEquals(tx.view.contentBytes, 3);
      tx.putUpload({ ...wanted, name: "y" });
      tx.touchUpload(begun, 77);
      tx.dropUpload(begun);
      throw new Error("the work broke");
    });
    assertEquals(failure?.status, "internal");
    assertEquals(now(), before);
    assert(share(log, "gone", { of: content("b", 3) }) > 0);
  }, { onFault: () => {} });
});

Deno.test("an unfinished upload is found by the words it was begun with, and by no others", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    let log = openSqliteLog({ path });
    const wanted = { user: "ada", thread: 1, name: "a\0b", size: 2 ** 50 };
    const put = (upload: Omit<UploadRecord, "number">) => {
      let number = 0;
      unit(log, (tx) => number = tx.putUpload(upload));
      return number;
    };
    const plain = put({ ...wanted, at: 10 });
    const dated = put({ ...wanted, modified: 5, at: 20 });
    const told = put({ ...wanted, modified: 5, sha256: "a".repeat(64), at: 30 });
    const other = put({ ...wanted, user: "bob", size: 7, at: 5 });
    assertEquals(log.upload(plain), { number: plain, ...wanted, at: 10 });
    assertEquals(log.findUpload(wanted)?.number, plain);
    assertEquals(log.findUpload({ ...wanted, modified: 5 })?.number, dated);
    const hash = { modified: 5, sha256: "a".repeat(64) };
    assertEquals(log.findUpload({ ...wanted, ...hash })?.number, told);
    for (
      const change of [
        { user: "bob" },
        { thread: 2 },
        { name: "a\0c" },
        { name: "a" },
        { size: 1 },
        { modified: 6 },
        { sha256: "b".repeat(64) },
      ]
    ) {
      assertEquals(log.findUpload({ ...wanted, ...change }), undefined);
    }
    assertEquals(log.uploadsOf("ada"), { count: 3, bytes: 3 * 2 ** 50 });
    assertEquals(log.uploadsOf("nobody"), { count: 0, bytes: 0 });
    assertEquals(log.uploadBytes, 3 * 2 ** 50 + 7);
    const stale = (before: number, count = 9) =>
      log.staleUploads(before, count).map(({ number }) => number);
    assertEquals([stale(5), stale(21), stale(99, 2)], [[], [other, plain, dated], [other, plain]]);
    unit(log, (tx) => {
      tx.touchUpload(other, 99);
      tx.dropUpload(told);
      // However much is announced: it is only words.
      for (let i = 0; i < 20; i++) tx.putUpload({ ...wanted, user: "eve", at: 50 });
    });
    assertEquals(stale(51).slice(0, 3), [plain, dated, told + 2]);
    assertEquals(log.uploadsOf("eve"), { count: 20, bytes: 20 * 2 ** 50 });
    const again = put({ ...wanted, at: 60 });
    assertEquals(log.findUpload(wanted)?.number, again, "the newest");
    unit(log, (tx) => tx.dropUpload(again));
    log.close();
    log = openSqliteLog({ path });
    assertEquals(log.upload(dated), { number: dated, ...wanted, modified: 5, at: 20 });
    assertEquals(put({ ...wanted, at: 70 }), again + 1, "a number is never given twice");
    log.close();
  });
});

Deno.test("a content can be freed when its last file is gone, and not if it has come again", () => {
  withLog((log) => {
    begin(log);
    const one = share(log, "one");
    const two = share(log, "two", { user: "bob" });
    const { sha256 } = content("a");
    change(log, { op: "withdraw", thread: 1, file: one }, ADA(20));
    assertEquals([log.unreferenced(9), log.view.hasContent(sha256)], [[], true]);
    change(log, { op: "withdraw", thread: 1, file: two }, BOB(20));
    assertEquals([log.unreferenced(9), log.view.hasContent(sha256)], [[sha256], false]);
    assertEquals(log.view.contentBytes, 0);
    share(log, "again");
    assertEquals([log.unreferenced(9), log.view.contentBytes], [[], 10]);
    const forget = () => {
      let forgotten = false;
      unit(log, (tx) => forgotten = tx.forgetContent(sha256));
      return forgotten;
    };
    assertEquals(forget(), false, "it is in use");
    change(
      log,
      { op: "withdraw", thread: 1, file: share(log, "b", { of: content("b") }) },
      ADA(30),
    );
    assertEquals(log.unreferenced(9), [content("b").sha256]);
    change(log, { op: "withdraw", thread: 1, file: log.view.fileNamed(1, "again")!.seq }, ADA(30));
    assertEquals(log.unreferenced(1).length, 1);
    assertEquals([forget(), forget()], [true, false]);
    assertEquals(log.unreferenced(9), [content("b").sha256]);
  });
});

Deno.test("nothing is freed for a removal that the disk does not have yet", () => {
  withFolder((folder) => {
    const flushes: ((fault: unknown) => void)[] = [];
    const wal: WalFlush = { flush: (_, done) => flushes.push(done), now() {}, close() {} };
    const log = openSqliteLog({ path: `${folder}/forum.sqlite`, wal });
    const settle = () => {
      for (let done = flushes.shift(); done !== undefined; done = flushes.shift()) done(undefined);
    };
    let done = 0;
    const give = (command: Parameters<typeof decide>[1], of?: { sha256: string; size: number }) =>
      log.transact((tx) => {
        const outcome = decide(tx.view, command, { ...ADA(10), content: of });
        assert(!isRefusal(outcome));
        tx.append(outcome.events);
      }, () => done++);
    log.transact((tx) => {
      const by = { scope: "accounts", at: 1, by: "Ada", user: "Ada" };
      tx.append([
        { kind: "user.registered", seq: 1, ...by },
        ...decideOpening(tx.view, "lobby", 2),
      ]);
    }, () => done++);
    give({ op: "create", title: "t" });
    for (const [thread, letter] of [[1, "a"], [2, "b"]] as const) {
      give({ op: "upload", thread, name: "f", size: 10 }, content(letter));
    }
    settle();
    assertEquals(done, 4);
    give({ op: "withdraw", thread: 1, file: 2 });
    give({ op: "remove", thread: 2 });
    while (log.tidy(0));
    assertEquals([log.view.contentBytes, done, log.unreferenced(9)], [10, 4, []]);
    settle();
    assertEquals([done, log.unreferenced(9)], [6, [content("a").sha256]]);
    while (log.tidy(0));
    assertEquals(log.unreferenced(9).sort(), ["a", "b"].map((letter) => content(letter).sha256));
    // What a sweep frees does not count for a unit that comes after it.
    give({ op: "upload", thread: 1, name: "g", size: 10 }, content("c"));
    assertEquals(log.unreferenced(9).length, 2);
    settle();
    log.close();
  });
});

Deno.test("a removed thread's files are gone at once, and swept slice by slice", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    let log = openSqliteLog({ path });
    begin(log);
    share(log, "stays", { user: "bob", of: content("0") });
    shareMany(log, 1300, (i) => `file ${i}`, 2);
    const { usage, contentBytes } = {
      usage: log.view.usage("ada"),
      contentBytes: log.view.contentBytes,
    };
    change(log, { op: "remove", thread: 2 }, BOB(6000));
    const lines = digest(log.lines());
    const gone = () => {
      assertEquals(names(log.files("ada", { op: "files" }).files), ["stays"]);
      assertEquals(log.files("ada", { op: "files", name: "file 7" }).files, []);
      assertEquals(log.files("ada", { op: "files", thread: 2 }).files, []);
      assertEquals([log.view.file(2, 5), log.view.fileNamed(2, "file 7")], [undefined, undefined]);
      assertEquals([log.view.fileCount(2), log.fileRow(2, 5)], [0, undefined]);
      assertEquals(log.view.seesContent("ada", content("3").sha256), undefined);
      assertEquals(log.view.seesContent("ada", content("0").sha256), 10);
      assertEquals(digest(log.lines()), lines);
    };
    gone();
    assertEquals([log.view.usage("ada"), log.view.contentBytes], [usage, contentBytes]);
    assert(log.tidy(0), "more waits");
    const left = log.view.usage("ada");
    assert(left < usage && left > 0, "a part is swept");
    gone();
    log.close();
    log = openSqliteLog({ path });
    gone();
    while (log.tidy(0));
    gone();
    assertEquals([log.view.usage("ada"), log.view.usage("bob"), log.view.contentBytes], [
      0,
      10,
      10,
    ]);
    assertEquals(
      log.unreferenced(99).sort(),
      ["1", "2", "3", "4", "5", "6"].map((letter) => content(letter).sha256),
    );
    log.close();
    const db = new DatabaseSync(path);
    const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n;
    assertEquals(["files", "file_counts", "sweeps"].map(count), [1, 1, 0]);
    db.close();
  });
});

Deno.test("a content that many hidden threads have is not looked for in all of them", () => {
  withLog((log) => {
    begin(log);
    unit(log, (tx) => {
      for (let i = 0; i < 1001; i++) {
        const title = `t${i}`;
        for (
          const command of [
            { op: "create", title, private: true },
            { op: "upload", thread: 3 + i, name: "f", size: 10 },
          ] as const
        ) {
          const outcome = decide(tx.view, command, { ...BOB(10), content: content("a") });
          assert(!isRefusal(outcome));
          tx.append(outcome.events);
        }
      }
    });
    const { sha256 } = content("a");
    change(log, { op: "create", title: "last" }, ADA(20));
    share(log, "f", { thread: 1004 });
    assertEquals(log.view.seesContent("bob", sha256), 10);
    assertEquals(log.view.seesContent("ada", sha256), undefined, "it has to send the bytes");
    share(log, "f", { thread: 2 });
    assertEquals(log.view.seesContent("ada", sha256), 10);
    // But however many files of one hidden thread have it, that is one thread.
    unit(log, (tx) => {
      for (let i = 0; i < 1001; i++) {
        const command = { op: "upload", thread: 3, name: `${i}`, size: 10 } as const;
        const outcome = decide(tx.view, command, { ...BOB(30), content: content("b") });
        assert(!isRefusal(outcome));
        tx.append(outcome.events);
      }
    });
    assertEquals(log.view.seesContent("ada", content("b").sha256), undefined);
    share(log, "b", { thread: 1004, of: content("b") });
    assertEquals(log.view.seesContent("ada", content("b").sha256), 10);
  });
});

Deno.test("a file of the first format is brought up to date with all that is in it", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    let log = openSqliteLog({ path });
    begin(log);
    const seq = post(log, "hi @Bob");
    change(log, { op: "react", thread: 1, message: seq, emoji: "👍", on: true }, BOB(11));
    post(log, "elsewhere", 12, 2);
    unit(log, (tx) => tx.remember("ada", "k", { fingerprint: "f", json: "{}" }));
    change(log, { op: "create", title: "gone" }, ADA(13));
    change(log, { op: "remove", thread: 3 }, ADA(14));
    const lines = digest(log.lines());
    const page = log.page("bob", { op: "read", thread: 1 });
    log.close();
    const db = new DatabaseSync(path);
    for (const table of ["files", "file_counts", "usage", "contents", "uploads"]) {
      db.exec(`DROP TABLE ${table}`);
    }
    db.exec("PRAGMA user_version = 1");
    db.close();
    log = openSqliteLog({ path });
    assertEquals(digest(log.lines()), lines);
    assertEquals(log.page("bob", { op: "read", thread: 1 }), page);
    assertEquals(page.files, []);
    unit(log, (tx) => assertEquals(tx.recall("ada", "k")?.fingerprint, "f"));
    assertEquals([log.view.usage("ada"), log.view.contentBytes, log.uploadBytes], [0, 0, 0]);
    while (log.tidy(0));
    share(log, "new");
    assertEquals(names(log.page("bob", { op: "read", thread: 1 }).files), ["new"]);
    log.close();
  });
});

Deno.test("a transaction is good for its unit only, for uploads and contents too", () => {
  withLog((log) => {
    let kept: Parameters<Parameters<Log["transact"]>[0]>[0] | undefined;
    unit(log, (tx) => void (kept = tx));
    const wanted = { user: "ada", thread: 1, name: "x", size: 5, at: 1 };
    for (
      const act of [
        () => kept?.putUpload(wanted),
        () => kept?.touchUpload(1, 1),
        () => kept?.dropUpload(1),
        () => kept?.forgetContent("x"),
      ]
    ) {
      assertThrows(act, Error, "is over");
    }
  });
});
