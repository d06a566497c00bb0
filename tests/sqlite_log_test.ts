/**
 * The log in SQLite: what it keeps, and what it does when the disk or the work fails.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { decide, decideOpening, isRefusal } from "../protocol/forum/decide.ts";
import { digest } from "../protocol/forum/state.ts";
import { KEY_RETENTION, type Log } from "../server/log/log.ts";
import { openSqliteLog } from "../server/log/sqlite_log.ts";
import { migrate, MIGRATIONS, primaryCode } from "../server/log/sqlite_schema.ts";
import { append, change, register, unit, withFolder, withLog } from "./log_fixture.ts";

const ADA = (at: number) => ({ user: "ada", at });
const BOB = (at: number) => ({ user: "bob", at });

/** A lobby and two accounts. */
function begin(log: Log): void {
  register(log, "Ada", "Bob");
  append(log, ({ view }) => decideOpening(view, "lobby", 2));
}

/** Posts to the lobby as Ada; returns its seq. */
function post(log: Log, text: string, at = 10, thread = 1): number {
  return change(log, { op: "post", thread, text }, ADA(at)).seq;
}

function texts(messages: readonly { text: string }[]): string[] {
  return messages.map(({ text }) => text);
}

Deno.test("everything is there again after a close", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    let log = openSqliteLog({ path });
    begin(log);
    const seq = post(log, "hi @Bob");
    change(log, { op: "react", thread: 1, message: seq, emoji: "👍", on: true }, BOB(11));
    change(log, { op: "mark", thread: 1, upto: seq }, ADA(12));
    change(log, { op: "tell", user: "Bob", text: "psst" }, ADA(13));
    const lines = digest(log.lines());
    const page = log.page("bob", { op: "read", thread: 1 });
    const threads = log.threads("bob", { skip: 0, limit: 9 });
    const credential = log.credential("ada");
    log.close();
    log = openSqliteLog({ path });
    assertEquals(digest(log.lines()), lines);
    assertEquals(log.page("bob", { op: "read", thread: 1 }), page);
    assertEquals(log.threads("bob", { skip: 0, limit: 9 }), threads);
    assert(credential !== undefined);
    assertEquals(log.credential("ada"), credential);
    assertEquals(log.view.direct("bob", "ada")?.number, 2);
    assertEquals(log.view.titled("lobby")?.number, 1);
    log.close();
  });
});

Deno.test("what was done is in the files before done is called", () => {
  withLog((log, path) => {
    begin(log);
    post(log, "first");
    const copy = `${path}.copy`;
    log.transact(
      (tx) => {
        const outcome = decide(tx.view, { op: "post", thread: 1, text: "second" }, ADA(20));
        assert(!isRefusal(outcome));
        tx.append(outcome.events);
        tx.remember("ada", "k", { fingerprint: "f", json: "{}" });
      },
      () => {
        // As after a crash at this moment: the files as they are, and nobody to close them.
        for (const end of ["", "-wal"]) Deno.copyFileSync(path + end, copy + end);
      },
    );
    post(log, "third");
    const after = openSqliteLog({ path: copy });
    assertEquals(texts(after.page("ada", { op: "read", thread: 1 }).messages), ["first", "second"]);
    unit(after, (tx) => assertEquals(tx.recall("ada", "k")?.fingerprint, "f"));
    after.close();
  });
});

Deno.test("entries come out once durable, before done, with the JSON that is kept", () => {
  withLog((log) => {
    const told: string[] = [];
    log.onEntries = (entries) => {
      for (const { scope, seq, json, event } of entries) {
        assertEquals(JSON.parse(json), event);
        assertEquals(log.entries(scope, seq - 1, { count: 1, bytes: 1 }), [{ scope, seq, json }]);
        told.push(`${scope} ${seq}`);
      }
    };
    log.transact(
      (tx) => tx.append(decideOpening(tx.view, "lobby", 1)),
      (failure) => told.push(`done ${failure?.status}`),
    );
    assertEquals(told, ["thread/1 1", "directory 1", "done undefined"]);
    log.transact(() => {}, (failure) => told.push(`done ${failure?.status}`));
    assertEquals(told.length, 4, "a unit without entries tells nothing");
  });
});

Deno.test("a unit that fails leaves everything as it was, and says so", () => {
  const faults: unknown[] = [];
  withLog((log) => {
    begin(log);
    post(log, "here");
    change(log, { op: "create", title: "Other" }, BOB(15));
    const before = digest(log.lines());
    const list = log.threads("ada", { skip: 0, limit: 9 });
    const told: number[] = [];
    log.onEntries = (entries) => told.push(entries.length);
    const failure = unit(log, (tx) => {
      for (
        const command of [
          { op: "remove", thread: 2 },
          { op: "create", title: "Other" },
          { op: "post", thread: 1, text: "gone" },
          { op: "tell", user: "Ada", text: "gone" },
        ] as const
      ) {
        const outcome = decide(tx.view, command, BOB(30));
        assert(!isRefusal(outcome));
        tx.append(outcome.events);
      }
      tx.append([
        { kind: "user.registered", scope: "accounts", seq: 3, at: 30, by: "Eve", user: "Eve" },
      ]);
      tx.remember("bob", "k", { fingerprint: "f", json: "{}" });
      tx.putToken("h", { user: "bob", expires: 99 });
      throw new Error("the work broke");
    });
    assertEquals(failure?.status, "internal");
    assertEquals(String(faults[0]), "Error: the work broke");
    assertEquals(told, []);
    assertEquals(digest(log.lines()), before);
    assertEquals(log.threads("ada", { skip: 0, limit: 9 }), list);
    assertEquals(log.view.titled("other")?.number, 2);
    assertEquals([log.view.lastThread, log.view.head("thread/3"), log.view.head("thread/1")], [
      2,
      0,
      2,
    ]);
    assertEquals([log.view.user("eve"), log.token("h")], [undefined, undefined]);
    unit(log, (tx) => assertEquals(tx.recall("bob", "k"), undefined));
    assertEquals(post(log, "goes on", 40), 3);
  }, { onFault: (error) => faults.push(error) });
});

Deno.test("an event that does not follow is refused as a whole", () => {
  const faults: unknown[] = [];
  withLog((log) => {
    begin(log);
    const event = {
      kind: "message.posted",
      scope: "thread/1",
      at: 5,
      by: "Ada",
      text: "x",
    } as const;
    for (const seq of [1, 3]) {
      assertEquals(
        unit(log, (tx) => tx.append([{ ...event, seq, number: 1 }]))?.status,
        "internal",
      );
    }
    assertEquals(log.view.head("thread/1"), 1);
    assertStringIncludes(String(faults[1]), "entry 3 of thread/1 cannot follow entry 1");
  }, { onFault: (error) => faults.push(error) });
});

Deno.test("a transaction is good for its unit only", () => {
  withLog((log) => {
    let kept: Parameters<Parameters<Log["transact"]>[0]>[0] | undefined;
    unit(log, (tx) => {
      kept = tx;
      assertThrows(() => log.transact(() => {}, () => {}), Error, "cannot run inside another");
    });
    assertThrows(() => kept?.putSetting("a", "b"), Error, "is over");
    assertEquals(log.setting("a"), undefined);
  });
});

Deno.test("a listener of entries that throws holds up no reply", () => {
  const faults: unknown[] = [];
  withLog((log) => {
    log.onEntries = () => {
      throw new Error("the feed broke");
    };
    assertEquals(unit(log, (tx) => tx.append(decideOpening(tx.view, "lobby", 1))), undefined);
    assertEquals([String(faults[0]), log.view.head("directory")], ["Error: the feed broke", 1]);
  }, { onFault: (error) => faults.push(error) });
});

Deno.test("a full disk refuses, reading goes on, and with more room so does writing", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    const faults: unknown[] = [];
    const onFault = (error: unknown) => faults.push(error);
    let log = openSqliteLog({ path, maxBytes: 1_000_000, onFault });
    begin(log);
    post(log, "small");
    log.tidy(0);
    const big = "x".repeat(60_000);
    let kept = 1;
    for (;; kept++) {
      const failure = unit(log, (tx) => {
        const outcome = decide(tx.view, { op: "post", thread: 1, text: big }, ADA(10));
        assert(!isRefusal(outcome));
        tx.append(outcome.events);
      });
      if (failure === undefined) continue;
      assertEquals(failure.status, "storage-full");
      break;
    }
    assertEquals(primaryCode(faults[0]), 13);
    assert(kept > 5);
    assertEquals(log.view.thread(1)?.posts, kept);
    assertEquals(
      log.page("ada", { op: "read", thread: 1, number: 1, limit: 1 }).messages[0].text,
      "small",
    );
    assertEquals(log.entries("thread/1", kept, { count: 9, bytes: 9e9 }).length, 1);
    assertEquals(log.search("ada", { op: "search", words: "small" }).messages.length, 1);
    const lines = digest(log.lines());
    log.close();
    log = openSqliteLog({ path, maxBytes: 2_000_000, onFault });
    assertEquals(digest(log.lines()), lines);
    assertEquals(post(log, big), kept + 2);
    log.close();
  });
});

Deno.test("a second server on the same data is told so", () => {
  withLog((_log, path) => {
    assertThrows(() => openSqliteLog({ path }), Error, "Another server runs on");
  });
});

Deno.test("a file that is not ours is left alone", () => {
  withFolder((folder) => {
    const foreign = `${folder}/foreign.sqlite`;
    const db = new DatabaseSync(foreign);
    db.exec("CREATE TABLE a (x)");
    db.close();
    const before = Deno.readFileSync(foreign);
    assertThrows(() => openSqliteLog({ path: foreign }), Error, "another program");
    assertEquals(Deno.readFileSync(foreign), before);
    const text = `${folder}/text`;
    Deno.writeTextFileSync(text, "no database\n".repeat(1000));
    assertThrows(() => openSqliteLog({ path: text }), Error, "is no database");
    assertThrows(
      () => openSqliteLog({ path: `${folder}/nowhere/forum.sqlite` }),
      Error,
      "does the folder exist",
    );
  });
});

Deno.test("an older file is brought up to date, a newer one is refused", () => {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    const empty = new DatabaseSync(path);
    empty.exec("PRAGMA user_version = 0; VACUUM");
    empty.close();
    openSqliteLog({ path }).close();
    const db = new DatabaseSync(path);
    assertEquals(db.prepare("PRAGMA user_version").get()?.user_version, MIGRATIONS.length);
    const steps = [
      ...MIGRATIONS,
      "CREATE TABLE more (x INTEGER) STRICT",
      "INSERT INTO more VALUES (7)",
    ];
    migrate(db, steps);
    migrate(db, steps);
    assertEquals(db.prepare("SELECT x FROM more").all().map((row) => row.x), [7], "each step once");
    assertThrows(() => migrate(db, [...steps, "INSERT INTO more VALUES (8); BROKEN"]));
    assertEquals(
      db.prepare("SELECT count(*) AS n FROM more").get()?.n,
      1,
      "a step is whole or not",
    );
    db.close();
    assertThrows(() => openSqliteLog({ path }), Error, "start the newer program");
  });
});

Deno.test("keys, tokens, lock-outs and settings are kept, dropped, and swept when their time is over", () => {
  let clock = 1_000_000;
  withLog((log) => {
    unit(log, (tx) => {
      tx.remember("ada", "k", { fingerprint: "one", json: '{"seq":1}' });
      tx.remember("bob", "k", { fingerprint: "two", json: "{}" });
      for (const [hash, user] of [["a", "ada"], ["b", "ada"], ["c", "bob"], ["d", "bob"]]) {
        tx.putToken(hash, { user, expires: clock + (hash === "d" ? 5 : 5000) });
      }
      tx.dropTokens("ada");
      tx.putToken("e", { user: "bob", expires: clock + 5000 });
      tx.dropToken("e");
      tx.putLockout("x", { failures: 2, until: clock });
      tx.putLockout("y", { failures: 3, until: clock });
      tx.putLockout("y", undefined);
      tx.putSetting("s", "1");
      tx.putSetting("s", "2");
      assertEquals(tx.recall("ada", "k"), { fingerprint: "one", json: '{"seq":1}' });
    });
    assertEquals(["a", "b", "c", "d", "e"].map((hash) => log.token(hash)?.user), [
      undefined,
      undefined,
      "bob",
      "bob",
      undefined,
    ]);
    assertEquals([log.lockout("x"), log.lockout("y")], [{ failures: 2, until: clock }, undefined]);
    assertEquals([log.setting("s"), log.setting("t")], ["2", undefined]);

    const recalled = () => {
      let found = 0;
      unit(log, (tx) => found = ["ada", "bob"].filter((user) => tx.recall(user, "k")).length);
      return found;
    };
    clock += 10;
    log.tidy(clock);
    assertEquals([log.token("c")?.user, log.token("d"), recalled()], ["bob", undefined, 2]);
    assert(log.lockout("x") !== undefined);
    clock += KEY_RETENTION - 11;
    log.tidy(clock);
    assertEquals([log.lockout("x"), recalled()], [undefined, 2]);
    log.tidy(clock + 10);
    assertEquals(recalled(), 0);
  }, { now: () => clock });
});
