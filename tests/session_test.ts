import { assert, assertEquals } from "@std/assert";
import { createClientConnection } from "../protocol/client_connection.ts";
import { createClientSession } from "../protocol/client_session.ts";
import type { ForumEvent } from "../protocol/forum/event.ts";
import { readFrame } from "../protocol/frame.ts";
import { TRANSMIT_HIGH_WATER } from "../protocol/link.ts";
import { BANNER, encodeMessage, type Message, parseMessage, PREFACE } from "../protocol/message.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { createServerConnection } from "../protocol/server_connection.ts";
import { readClientFirst } from "../protocol/scram.ts";
import { createScramServer } from "../protocol/scram_server.ts";
import type { ClientSession, SessionTransition } from "../protocol/session.ts";
import { createVerifier } from "../protocol/verifier.ts";
import { STATUS, type StatusName } from "../protocol/status.ts";

const random = (out: Uint8Array) => out.fill(5);
const LIMITS = { frame: 262_144, text: 65_536, commands: 256 };
const SALTED = new Uint8Array(32).fill(9);

/** A session and a server that says what a test tells it to. */
class Scene {
  readonly session: ClientSession = createClientSession({ random, agent: "test", user: "Ada" }, 0);
  now = 0;

  /** Everything that has happened. */
  drain(): SessionTransition[] {
    const happened: SessionTransition[] = [];
    for (let what = this.session.next(); what !== undefined; what = this.session.next()) {
      happened.push(what);
    }
    return happened;
  }

  kinds(): string[] {
    return this.drain().map(({ kind }) => kind);
  }

  /** Lets time pass until a stream is wanted, and opens it. */
  open(): void {
    for (let steps = 0; !this.drain().some(({ kind }) => kind === "dial"); steps++) {
      assert(steps < 10, "no stream is wanted");
      this.now = this.session.timeout()!;
      this.session.handleTimeout(this.now);
    }
    this.session.opened(this.now);
    this.session.receive(new TextEncoder().encode(BANNER), this.now);
    this.say({
      kind: "welcome",
      id: 0,
      body: {
        version: 2,
        server: "test",
        limits: LIMITS,
        heartbeat: 15_000,
        mechanisms: ["SCRAM-SHA-256"],
        registration: "open",
        time: 0,
      },
    });
  }

  say(...messages: Message[]): void {
    for (const message of messages) this.session.receive(encodeMessage(message), this.now);
  }

  refuse(id: number, name: StatusName, wait?: number): void {
    const { code, text } = STATUS[name];
    const detail = wait === undefined ? {} : { detail: { wait } };
    this.say({ kind: "refused", id, body: { code, name, text, ...detail } });
  }

  /** What the session has written on this stream since it was asked last. */
  heard(): Message[] {
    const buffer = createReceiveBuffer();
    for (let bytes = this.session.peekTransmit(); bytes.length > 0;) {
      buffer.append(bytes);
      this.session.consumeTransmit(bytes.length);
      bytes = this.session.peekTransmit();
    }
    if (buffer.indexOf(0x0a, PREFACE.length) === PREFACE.length - 1) buffer.skip(PREFACE.length);
    const messages: Message[] = [];
    for (;;) {
      const frame = readFrame(buffer, () => LIMITS.frame);
      if (frame === undefined) return messages;
      assert(!("tooLarge" in frame));
      const message = parseMessage(frame, "client");
      assert(message !== undefined && message.kind !== "fault");
      messages.push(message);
    }
  }

  /** Proves the password on a stream on which LOGIN was written. */
  signIn(token: string): void {
    const login = this.heard().find(({ kind }) => kind === "login");
    assert(login?.kind === "login");
    const clientFirst = readClientFirst(login.body.scram);
    assert(!("fault" in clientFirst));
    const verifier = createVerifier(SALTED, new Uint8Array(16), 4096);
    const scram = createScramServer({ clientFirst, verifier, nonce: "nonce" });
    this.say({ kind: "challenge", id: 0, body: { scram: scram.first() } });
    assertEquals(this.kinds().at(-1), "password-wanted");
    this.session.provideSaltedPassword(SALTED, this.now);
    const proof = this.heard().find(({ kind }) => kind === "proof");
    assert(proof?.kind === "proof");
    const outcome = scram.readClientFinal(proof.body.scram);
    assert(!("fault" in outcome));
    this.say({
      kind: "granted",
      id: 0,
      body: { scram: outcome.serverFinal, user: "Ada", scope: "user/ada", role: "member", token },
    });
  }
}

/** A session that is online with a token. */
function online(): Scene {
  const scene = new Scene();
  scene.open();
  scene.signIn("a token");
  assertEquals(scene.kinds(), ["online"]);
  scene.heard();
  return scene;
}

function posted(seq: number): Message {
  const event: ForumEvent = {
    kind: "message.posted",
    scope: "thread/1",
    seq,
    at: 0,
    by: "Ada",
    text: "x",
    number: seq,
  };
  return { kind: "event", id: 1, body: event };
}

Deno.test("a command that is given while the link says goodbye goes out on the next one", () => {
  const scene = online();
  const { code, text } = STATUS["shutting-down"];
  scene.say({ kind: "bye", id: 0, body: { code, reason: text } });
  assertEquals(scene.kinds().includes("closed"), false);
  const id = scene.session.command({ op: "post", thread: 1, text: "x" }, scene.now);
  const typing = scene.session.command({ op: "typing", thread: 1 }, scene.now);
  const refused = scene.drain().find(({ kind }) => kind === "refused");
  assert(refused?.kind === "refused" && refused.id === typing);
  scene.session.receiveBreak(scene.now);
  scene.open();
  const command = scene.heard().find(({ kind }) => kind === "command");
  assertEquals([command?.kind, command?.id], ["command", id]);
});

Deno.test("what a server that shuts down refuses is sent again on the next link, with its key", () => {
  const scene = online();
  const id = scene.session.command({ op: "post", thread: 1, text: "x" }, scene.now);
  const [first] = scene.heard();
  scene.refuse(id, "shutting-down");
  const { code, text } = STATUS["shutting-down"];
  scene.say({ kind: "bye", id: 0, body: { code, reason: text } });
  assertEquals(scene.kinds().includes("refused"), false);
  scene.session.receiveEnd(scene.now);
  scene.open();
  assertEquals(scene.heard().find(({ kind }) => kind === "command"), first);
});

Deno.test("law 7: until a scope is followed anew, what still comes of the old following is left out", () => {
  const scene = online();
  scene.session.command({ op: "follow", scope: "thread/1", after: 0 }, scene.now);
  scene.say({ kind: "done", id: 1, body: { head: 2 } }, posted(1), posted(2));
  assertEquals(scene.kinds(), ["done", "event", "event"]);
  scene.session.command({ op: "follow", scope: "thread/1", after: 0 }, scene.now);
  scene.say(posted(3), { kind: "done", id: 2, body: { head: 3 } }, posted(1), posted(2), posted(3));
  const seqs = scene.drain().map((what) => what.kind === "event" ? what.event.seq : what.kind);
  assertEquals(seqs, ["done", 1, 2, 3]);
  scene.session.command({ op: "follow", scope: "thread/1" }, scene.now);
  scene.say(posted(4), { kind: "done", id: 3, body: { head: 4 } }, posted(5));
  const later = scene.drain().map((what) => what.kind === "event" ? what.event.seq : what.kind);
  assertEquals([...later, scene.session.state], ["done", 5, "online"]);
});

Deno.test("what was sent behind a token that is good no more is sent again after the password", () => {
  const scene = online();
  const id = scene.session.command({ op: "post", thread: 1, text: "x" }, scene.now);
  scene.session.receiveBreak(scene.now);
  scene.open();
  scene.refuse(0, "expired");
  scene.refuse(id, "not-signed-in");
  assertEquals(scene.kinds(), []);
  scene.signIn("another token");
  assertEquals(scene.kinds(), ["online"]);
  const command = scene.heard().find(({ kind }) => kind === "command");
  assertEquals(command?.id, id);
  scene.say({ kind: "done", id, body: {} });
  assertEquals(scene.kinds(), ["done"]);
});

/** A session whose token is good no more, on a stream on which LOGIN was written. */
function expired(): Scene {
  const scene = online();
  scene.session.receiveBreak(scene.now);
  scene.open();
  scene.refuse(0, "expired");
  assertEquals(scene.drain(), []);
  return scene;
}

Deno.test("a password that was salted for a link that broke does nothing to the next one", () => {
  const scene = expired();
  const login = scene.heard().find(({ kind }) => kind === "login");
  assert(login?.kind === "login");
  const nonce = /r=(.*)$/.exec(login.body.scram)![1];
  const scram = `r=${nonce}server,s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096`;
  scene.say({ kind: "challenge", id: 0, body: { scram } });
  assertEquals(scene.kinds(), ["password-wanted"]);
  scene.session.receiveBreak(scene.now);
  scene.open();
  scene.session.provideSaltedPassword(SALTED, scene.now);
  scene.signIn("another token");
  assertEquals(scene.kinds(), ["online"]);
});

Deno.test("law 4: a session that is to dial again soon lets its old link end first", () => {
  const scene = expired();
  scene.refuse(0, "locked-out", 10);
  for (let steps = 0; !scene.drain().some(({ kind }) => kind === "dial"); steps++) {
    const due: number = scene.session.timeout()!;
    assert(due >= scene.now && steps < 5, "handling the timeout makes no progress");
    scene.now = due;
    scene.session.handleTimeout(due);
  }
});

Deno.test("a write that ends after its stream broke is nobody's mistake", () => {
  const scene = online();
  scene.session.command({ op: "post", thread: 1, text: "x" }, scene.now);
  const { length } = scene.session.peekTransmit();
  scene.session.receiveBreak(scene.now);
  scene.session.consumeTransmit(length);
  assertEquals(scene.kinds(), ["hang-up", "offline"]);
});

Deno.test("DESIGN §13: two ends that both have much to say do not wait for each other", () => {
  const server = createServerConnection({
    random,
    now: 0,
    time: 0,
    welcome: {
      server: "test",
      limits: LIMITS,
      heartbeat: 0,
      mechanisms: [],
      registration: "open",
    },
  });
  const client = createClientConnection({ random, now: 0, agent: "test" });
  client.resume("token", 0);
  const count = 300;
  const text = "x".repeat(2000);
  for (let id = 1; id <= count; id++) client.command(id, { op: "post", thread: 1, text, key: "k" });
  assert(client.pendingTransmit > 4 * TRANSMIT_HIGH_WATER);
  let done = 0;
  // Each direction carries a little, and only when its reader wants it.
  for (let moved = true; moved && done < count;) {
    moved = false;
    for (const [from, to] of [[client, server], [server, client]] as const) {
      const bytes = from.peekTransmit().slice(0, 1000);
      if (bytes.length === 0 || !to.wantsRead) continue;
      moved = true;
      to.receive(bytes, 0);
      from.consumeTransmit(bytes.length);
    }
    for (let what = server.next(); what !== undefined; what = server.next()) {
      if (what.kind === "resume-wanted") server.grant({ user: "Ada", role: "member" }, 0);
      if (what.kind === "command") server.done(what.id, JSON.stringify({ text: "y".repeat(4000) }));
    }
    for (let what = client.next(); what !== undefined; what = client.next()) {
      if (what.kind === "done") done++;
    }
  }
  assertEquals(done, count);
});
