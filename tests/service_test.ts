import { assert, assertEquals } from "@std/assert";
import { encodeBase64 } from "../protocol/base64.ts";
import {
  type ClientConnection,
  type ClientTransition,
  createClientConnection,
} from "../protocol/client_connection.ts";
import type { Command } from "../protocol/forum/command.ts";
import { TRANSMIT_HIGH_WATER } from "../protocol/link.ts";
import { FRAME_PAYLOAD_MAX } from "../protocol/message.ts";
import type { Log } from "../server/log/log.ts";
import { openSqliteLog } from "../server/log/sqlite_log.ts";
import { createService, type Service } from "../server/service.ts";
import type { ServiceSession, Session } from "../server/session.ts";

/** A service whose deferred work is done when a test says so. */
class Scene {
  readonly log: Log;
  readonly service: Service;
  readonly #deferred: (() => void)[] = [];
  #bytes = 0;
  now = 0;

  constructor(maxBytes?: number) {
    this.log = openSqliteLog({
      path: ":memory:",
      now: () => this.now,
      onFault() {},
      ...maxBytes !== undefined && { maxBytes },
    });
    this.service = createService({
      log: this.log,
      random: (out) => out.fill(++this.#bytes),
      clock: () => this.now,
      registration: "open",
      lockout: {},
      singleSession: false,
      agent: "test",
      heartbeat: 0,
      idleTimeout: 0,
      activity: { record() {}, flush: () => Promise.resolve() },
      defer: (run) => this.#deferred.push(run),
      onShutdown() {},
    });
  }

  /** Does what was put off. */
  settle(): void {
    for (let run = this.#deferred.shift(); run !== undefined; run = this.#deferred.shift()) run();
  }

  close(): void {
    this.service.close("shutting-down", this.now);
    this.settle();
    this.log.close();
  }
}

/** A client on a stream that carries bytes only when a test says so. */
class Caller {
  readonly #scene: Scene;
  readonly session: Session;
  readonly client: ClientConnection;
  readonly heard: ClientTransition[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
    const { now } = scene;
    this.session = scene.service.open({ source: "here", now, wake() {} });
    this.client = createClientConnection({ random: (out) => out.fill(7), now, agent: "test" });
  }

  register(user: string): string {
    const key = encodeBase64(new Uint8Array(32));
    const salt = encodeBase64(new Uint8Array(16));
    const registration = { user, salt, iterations: 4096, storedKey: key, serverKey: key };
    this.client.register(registration, this.#scene.now);
    this.talk();
    const granted = this.heard.find(({ kind }) => kind === "granted");
    assert(granted?.kind === "granted" && granted.granted.token !== undefined);
    return granted.granted.token;
  }

  say(...commands: Command[]): void {
    commands.forEach((command, at) => this.client.command(at + 1, command));
  }

  /** What the client has written reaches the server. */
  send(): void {
    for (let bytes = this.client.peekTransmit(); bytes.length > 0;) {
      if (!this.session.wantsRead) return;
      this.session.receive(bytes.slice(), this.#scene.now);
      this.client.consumeTransmit(bytes.length);
      bytes = this.client.peekTransmit();
    }
  }

  /** What the server has written reaches the client. */
  read(): void {
    for (let bytes = this.session.peekTransmit(); bytes.length > 0;) {
      this.client.receive(bytes.slice(), this.#scene.now);
      this.session.consumeTransmit(bytes.length);
      for (let what = this.client.next(); what !== undefined; what = this.client.next()) {
        this.heard.push(what);
      }
      bytes = this.session.peekTransmit();
    }
  }

  /** Back and forth, until both are quiet. */
  talk(): void {
    let before: number;
    do {
      before = this.heard.length;
      this.send();
      this.#scene.settle();
      this.read();
    } while (this.heard.length > before);
  }

  /** The number of each answered command with what became of it. */
  answers(): Map<number, string> {
    return new Map(
      this.heard.flatMap((what): [number, string][] =>
        what.kind === "done"
          ? [[what.id, "done"]]
          : what.kind === "refused"
          ? [[what.id, what.refused.name]]
          : []
      ),
    );
  }
}

function withScene(test: (scene: Scene) => void, maxBytes?: number): void {
  const scene = new Scene(maxBytes);
  try {
    test(scene);
  } finally {
    scene.close();
  }
}

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
  }, 800_000);
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
    log.transact((tx) => {
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
