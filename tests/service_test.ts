import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Command } from "../protocol/forum/command.ts";
import { decide, isRefusal } from "../protocol/forum/decide.ts";
import { TRANSMIT_HIGH_WATER } from "../protocol/link.ts";
import { FRAME_PAYLOAD_MAX } from "../protocol/message.ts";
import { formatActivity } from "../server/activity.ts";
import { change } from "../server/changes.ts";
import type { Log } from "../server/log/log.ts";
import type { ServiceSession } from "../server/session.ts";
import { Caller, type Scene, withScene } from "./service_scene.ts";

Deno.test("when the disk is full, what arrives together with a post is still answered", () => {
  withScene((scene) => {
    const ada = new Caller(scene);
    ada.register("Ada");
    const posts = Array.from({ length: 20 }, (_, at): Command => ({
      op: "post",
      thread: 1,
      text: "x".repeat(60_000),
      key: `post ${at}`,
    }));
    const questions: Command[] = [
      { op: "threads" },
      { op: "follow", scope: "thread/1" },
      { op: "users" },
    ];
    ada.say(...posts, ...questions);
    ada.talk();
    const answers = [...ada.answers().values()];
    assertEquals(answers[0], "done");
    assertEquals(answers[posts.length - 1], "storage-full");
    assertEquals(answers.slice(posts.length), ["done", "done", "done"]);
  }, { maxBytes: 800_000 });
});

Deno.test("law 8: replies wait only as far as a reader has room, also when their unit fails first", () => {
  for (const fails of [false, true]) {
    withScene((scene) => {
      const ada = new Caller(scene);
      ada.register("Ada");
      // Three bytes a character: as many characters as there may be bytes would be too much.
      const text = "’".repeat(20_000);
      for (let at = 0; at < 10; at++) {
        ada.client.command(1, { op: "post", thread: 1, text, key: `post ${at}` });
      }
      ada.talk();
      if (fails) failOnce(scene.log);
      ada.say(...Array.from({ length: 50 }, (): Command => ({ op: "read", thread: 1 })));
      ada.send();
      scene.settle();
      const { pendingTransmit } = (ada.session as ServiceSession).connection;
      const most = TRANSMIT_HIGH_WATER + 2 * FRAME_PAYLOAD_MAX;
      assert(pendingTransmit > 0 && pendingTransmit <= most, `${pendingTransmit} bytes wait`);
    });
  }
});

/** Makes the next unit of work fail. */
function failOnce(log: Log): void {
  const { transact } = log;
  log.transact = (work, done) => {
    log.transact = transact;
    return log.transact((tx) => {
      work(tx);
      throw new Error("a fault");
    }, done);
  };
}

const content = { sha256: "a".repeat(64), size: 10 };

/** Puts a file into the log, as if its bytes had come. */
function share(scene: Scene, name: string, thread = 1): number {
  const { log } = scene;
  let file = 0;
  log.transact((tx) => {
    const wanted = { op: "upload", thread, name, size: content.size } as const;
    const outcome = decide(tx.view, wanted, { user: "ada", at: 1, content });
    assert(!isRefusal(outcome));
    tx.append(outcome.events);
    file = outcome.events[0].seq;
  }, () => {});
  return file;
}

Deno.test("files are listed, and taken out with a line in the activity log", () => {
  withScene((scene) => {
    const ada = new Caller(scene);
    ada.register("Ada");
    const file = share(scene, "plan\x9b \u202e.txt");
    const { sha256, size } = content;
    ada.say(
      { op: "files" },
      { op: "files", thread: 1, name: "PLAN\x9b \u202e.TXT" },
      { op: "files", thread: 9 },
      { op: "upload", thread: 1, name: "b", size, sha256, key: "u" },
      { op: "upload", thread: 9, name: "c", size, key: "v" },
      { op: "download", thread: 1, file: 99, upto: 1 },
      { op: "withdraw", thread: 1, file, key: "w" },
      { op: "withdraw", thread: 1, file, key: "w" },
      { op: "withdraw", thread: 1, file, key: "again" },
    );
    ada.talk();
    assertEquals([...ada.answers().values()], [
      "done",
      "done",
      "no-thread",
      "done",
      "no-thread",
      "no-file",
      "done",
      "done",
      "no-file",
    ]);
    assertEquals(scene.log.view.file(1, file), undefined);
    const told = scene.activities.filter(({ did }) => ["upload", "withdraw"].includes(did));
    assertEquals(told.map(({ about }) => about), [
      { thread: 1, name: "b", size },
      { thread: 9, name: "c", size, refused: "no-thread" },
      { thread: 1, file: "plan\x9b \u202e.txt" },
      { thread: 1, file },
      { thread: 1, file, refused: "no-file" },
    ]);
    for (const format of ["text", "json"] as const) {
      const line = formatActivity(told[2], format);
      assertStringIncludes(line, String.raw`plan\u009b \u202e.txt`);
    }
  });
});

Deno.test("a thread is found by its title, or by who is in the conversation", () => {
  withScene((scene) => {
    const [ada, bob, cid] = ["Ada", "Bob", "Cid"].map((user) => {
      const caller = new Caller(scene);
      caller.register(user);
      return caller;
    });
    ada.say({ op: "tell", user: "Bob", text: "psst", key: "k" });
    ada.talk();
    const find = (caller: Caller, what: { title?: string; user?: string }) => {
      const id = caller.answers().size + 1;
      caller.client.command(id, { op: "find", ...what });
      caller.talk();
      return caller.answers().get(id);
    };
    assertEquals(find(ada, { user: "BOB" }), "done");
    assertEquals(find(bob, { user: "ada" }), "done");
    assertEquals(find(ada, { title: "LOBBY" }), "done");
    for (const user of ["Ada", "Bob", "Cid", "Nobody"]) {
      assertEquals(find(cid, { user }), "no-thread", user);
    }
    assertEquals(find(ada, { user: "Ada" }), "no-thread");
    assertEquals([find(ada, {}), find(ada, { title: "lobby", user: "Bob" })], [
      "bad-field",
      "bad-field",
    ]);
  });
});

Deno.test("an upload that only begins leaves its key to the file that it ends as", () => {
  withScene((scene) => {
    new Caller(scene).register("Ada");
    const ask = (more: { content?: typeof content }) => {
      let reply: object | undefined;
      const command = { op: "upload", thread: 1, name: "a", size: 10, key: "k" } as const;
      scene.log.transact((tx) => {
        reply = change(tx, command, { user: "ada", at: 5, barred: undefined, ...more });
      }, () => {});
      return reply;
    };
    assertEquals(ask({}), { json: "{}" });
    const kept = ask({ content })!;
    assert("json" in kept);
    const again = ask({})!;
    assertEquals("json" in again && again.json, kept.json);
    assertEquals(scene.log.view.head("thread/1"), 2, "it is shared once");
  });
});

Deno.test("what a client sent before its link broke does not end its next link", () => {
  withScene((scene) => {
    const first = new Caller(scene);
    const token = first.register("Ada");
    first.session.receiveBreak(scene.now);
    // Its bytes are slow: the client has given it up before they arrive.
    const slow = new Caller(scene);
    slow.client.resume(token, scene.now);
    const next = new Caller(scene);
    next.client.resume(token, scene.now);
    next.say({ op: "users" });
    next.talk();
    assertEquals(next.answers(), new Map([[1, "done"]]));
    slow.talk();
    slow.session.receiveBreak(scene.now);
    assertEquals([slow.session.over, next.session.over], [true, false]);
    next.client.command(2, { op: "users" });
    next.talk();
    assertEquals(next.answers().get(2), "done");
  });
});

Deno.test("DESIGN §13: a dead client does not stay, even if work of it waits", () => {
  withScene((scene) => {
    const ada = new Caller(scene);
    ada.register("Ada");
    ada.say(
      { op: "post", thread: 1, text: "x".repeat(60_000), key: "1" },
      { op: "post", thread: 1, text: "x".repeat(60_000), key: "2" },
    );
    ada.talk();
    ada.say(...Array.from({ length: 9 }, (): Command => ({ op: "read", thread: 1 })));
    ada.send();
    scene.settle();
    assertEquals([ada.session.wantsRead, ada.session.over], [true, false]);
    ada.session.receiveBreak(scene.now);
    assertEquals([ada.session.over, scene.service.connections], [true, 0]);
  });
});
