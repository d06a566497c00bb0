import { assert, assertEquals } from "@std/assert";
import type { Command } from "../protocol/forum/command.ts";
import { TRANSMIT_HIGH_WATER } from "../protocol/link.ts";
import { FRAME_PAYLOAD_MAX } from "../protocol/message.ts";
import type { Log } from "../server/log/log.ts";
import type { ServiceSession } from "../server/session.ts";
import { Caller, withScene } from "./service_scene.ts";

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
