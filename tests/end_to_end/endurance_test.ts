import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { encodeMessage, type Message } from "../../protocol/message.ts";
import { STATUS } from "../../protocol/status.ts";
import { dialTcp } from "../../client/mod.ts";
import type { ServerProcess } from "./processes.ts";
import { isGranted, type RawPeer } from "./raw_peer.ts";
import { type Ground, type Member, PASSWORD, scenario } from "./scenario.ts";

const MIB = 1024 * 1024;
const TEXT = "x".repeat(64 * 1024);
/** Posts of {@linkcode TEXT} that the buffers of two sockets do not hold: not reading them stalls the writer. */
const POSTS = 32 * MIB / TEXT.length;
/** Posts that are far more than what the server keeps at hand. */
const MANY_POSTS = 96 * MIB / TEXT.length;
/** What is read from /proc is there on Linux only. */
const MEASURED = Deno.build.os === "linux";

async function openThread(member: Member, title: string): Promise<number> {
  const { thread } = await member.client.command<"create">({ op: "create", title });
  return thread;
}

async function postMany({ client }: Member, thread: number, posts: number): Promise<void> {
  for (let count = 0; count < posts; count += 16) {
    await Promise.all(
      Array.from({ length: 16 }, () => client.command({ op: "post", thread, text: TEXT })),
    );
  }
}

/** Waits until presence says that somebody has left. */
async function left({ heard }: Member, user: string): Promise<void> {
  await heard.until((what) =>
    what.type === "notice" && what.notice.kind === "presence" && what.notice.user === user &&
    !what.notice.on
  );
}

async function isOn({ client }: Member, user: string): Promise<boolean> {
  const { users } = await client.command<"users">({ op: "users" });
  return users.some((row) => row.user === user);
}

/** Lets `count` heartbeats of another server pass: a wait that is an event and no sleep. */
async function heartbeats(ground: Ground, clock: ServerProcess, count: number): Promise<void> {
  const peer = await ground.peer(clock);
  await peer.greet();
  for (let beat = 0; beat < count; beat++) {
    const { id } = await peer.expect("ping");
    await peer.send({ kind: "pong", id, body: {} });
  }
  peer.close();
}

scenario("a dead client does not stay logged in: its silence ends the session", async (ground) => {
  const server = await ground.server({ args: ["--heartbeat", "1", "--single-session"] });
  const watcher = await ground.member(server, { user: "Watcher", register: true });
  await watcher.client.command({ op: "watch", on: true });
  // Half-open: the socket stays, nobody is behind it, and no end ever comes.
  const { peer: ghost } = await ground.signedPeer(server, "Ghost");
  assert(await isOn(watcher, "Ghost"));
  await left(watcher, "Ghost");
  assert(!await isOn(watcher, "Ghost"));
  const again = await ground.peer(server);
  await again.greet();
  assert(isGranted(await again.login("Ghost", PASSWORD)), "the account is free");
  assertEquals((await ghost.expect("bye")).body.code, STATUS.silent.code, "it would be told why");
  assert(await isOn(watcher, "Watcher"), "who answers PING stays, however quiet");
});

scenario(
  "a client that is stopped leaves, and comes back by itself when it goes on",
  async (ground) => {
    const server = await ground.server({ args: ["--heartbeat", "1"] });
    const watcher = await ground.member(server, { user: "Watcher", register: true });
    await watcher.client.command({ op: "watch", on: true });
    const stopped = ground.program({
      args: ["-A", "client/main.ts", server.hostname, String(server.port)].concat(
        ["--user", "Sleeper", "--register", "--json", "--stay", "-c", "JIN lobby"],
      ),
      env: { DFP_PASSWORD: PASSWORD },
    });
    await stopped.output.until((line) => line.includes('"command":"JIN"'));
    stopped.signal("SIGSTOP");
    await left(watcher, "Sleeper");
    assert(!await isOn(watcher, "Sleeper"));
    await watcher.client.command({ op: "post", thread: 1, text: "while you slept" });
    stopped.signal("SIGCONT");
    const line = await stopped.output.until((line) => line.includes("while you slept"));
    assertEquals(JSON.parse(line).event, "message.posted");
    assert(await isOn(watcher, "Sleeper"));
  },
);

scenario(
  "a reader that stops reading freezes nobody, costs no memory and misses nothing",
  async (ground) => {
    const server = await ground.server({ args: ["--heartbeat", "3600", "--post-rate", "0"] });
    const poster = await ground.member(server, { user: "Poster", register: true });
    const thread = await openThread(poster, "Busy");
    const scope = `thread/${thread}`;
    const live = await ground.member(server, { user: "Live", register: true });
    await live.client.follow(scope, 0);
    // So that all caches are full before memory is looked at.
    await postMany(poster, thread, MANY_POSTS);
    await live.event(({ seq }) => seq === MANY_POSTS + 1);
    const stalled: RawPeer[] = [];
    for (let count = 0; count < 8; count++) {
      const { peer } = await ground.signedPeer(server, `Stalled-${count}`);
      await peer.command(1, { op: "follow", scope });
      await peer.reply(1);
      stalled.push(peer);
    }
    const before = MEASURED ? server.usage().memory : 0;
    await postMany(poster, thread, MANY_POSTS);
    const last = 2 * MANY_POSTS + 1;
    await live.event(({ seq }) => seq === last);
    if (MEASURED) {
      const grown = (server.usage().memory - before) / MIB;
      assertLess(grown, 80, `${grown} MiB more for 8 who stall and 96 MiB of texts`);
    }
    const [reader] = stalled;
    for (let seq = MANY_POSTS + 2; seq <= last; seq++) {
      const event = await reader.event();
      assertEquals([event.scope, event.seq], [scope, seq]);
      if (event.kind === "message.posted") assertEquals(event.text.length, TEXT.length);
    }
    await poster.client.command({ op: "post", thread, text: "and on it goes" });
    const event = await reader.event();
    assertEquals(event.kind === "message.posted" && event.text, "and on it goes", "live again");
  },
);

scenario(
  "a client that asks for much and reads nothing holds up nobody and is answered later",
  async (ground) => {
    const server = await ground.server({ args: ["--heartbeat", "3600"] });
    const poster = await ground.member(server, { user: "Poster", register: true });
    const thread = await openThread(poster, "Archive");
    for (let count = 0; count < 2; count++) {
      await poster.client.command({ op: "post", thread, text: TEXT });
    }
    const { peer } = await ground.signedPeer(server, "Greedy");
    // 96 MiB of replies: they fit in no buffer.
    const ids = Array.from({ length: MANY_POSTS }, (_, at) => at + 1);
    const before = MEASURED ? server.usage().memory : 0;
    const sending = peer.send(...ids.map((id): Message => ({
      kind: "command",
      id,
      body: { op: "read", thread, after: 0, limit: 1 },
    })));
    for (let turn = 0; turn < 200; turn++) await poster.client.command({ op: "users" });
    if (MEASURED) assertLess((server.usage().memory - before) / MIB, 80);
    for (const id of ids) assertEquals((await peer.reply(id)).kind, "done");
    await sending;
  },
);

scenario("bytes that come while the replies stall are not lost", async (ground) => {
  const server = await ground.server({ args: ["--heartbeat", "3600"] });
  const poster = await ground.member(server, { user: "Poster", register: true });
  const thread = await openThread(poster, "Both ways");
  const { peer } = await ground.signedPeer(server, "Halved");
  await peer.command(1, { op: "follow", scope: `thread/${thread}`, after: 0 });
  await peer.reply(1);
  const frame = encodeMessage({
    kind: "command",
    id: 2,
    body: { op: "post", key: "halved", thread: 1, text: "é".repeat(32 * 1024) },
  });
  // The server has read the first part when it has answered others for a while.
  await peer.sendBytes(frame.subarray(0, 40_000));
  for (let turn = 0; turn < 20; turn++) await poster.client.command({ op: "users" });
  await postMany(poster, thread, POSTS);
  await peer.sendBytes(frame.subarray(40_000));
  for (let turn = 0; turn < 20; turn++) await poster.client.command({ op: "users" });
  assertEquals((await peer.reply(2)).kind, "done");
  const { messages } = await poster.client.command<"read">({ op: "read", thread: 1 });
  assertEquals(messages.map(({ text }) => text), ["é".repeat(32 * 1024)]);
});

scenario("a client that asks for much and sends much at once is not stuck", async (ground) => {
  const server = await ground.server({ args: ["--heartbeat", "3600"] });
  const { client } = await ground.member(server, { user: "Eager", register: true });
  await client.command({ op: "post", thread: 1, text: TEXT });
  const { thread } = await client.command<"create">({ op: "create", title: "Both ways" });
  // In both directions more than the sockets hold: if each side waits for the other, nothing moves.
  const asked: Promise<unknown>[] = [];
  for (let count = 0; count < 400; count++) {
    asked.push(client.command({ op: "read", thread: 1 }));
    asked.push(client.command({ op: "post", thread, text: TEXT }));
  }
  await Promise.all(asked);
});

scenario("a client loses no byte of a reply while its own commands stall", async (ground) => {
  const server = await ground.server();
  const gate = gated(server);
  const { client } = await ground.member(server, {
    user: "Gated",
    register: true,
    dial: gate.dial,
  });
  await client.command({ op: "post", thread: 1, text: TEXT });
  gate.reads.after(1);
  const page = client.command<"read">({ op: "read", thread: 1 });
  await gate.reads.reached;
  // A part of the reply is there, the next one is on its way, and now nothing more can be sent.
  gate.writes.after(0);
  const posts = Array.from(
    { length: 20 },
    () => client.command({ op: "post", thread: 1, text: TEXT.slice(0, 20_000) }),
  );
  await gate.writes.reached;
  gate.reads.open();
  // The part is handed over before the writes go on.
  await new Promise((resolve) => setTimeout(resolve));
  gate.writes.open();
  assertEquals((await page).messages[0].text, TEXT);
  await Promise.all(posts);
});

/** A barrier that some pass before it falls. */
function barrier() {
  let left = Infinity;
  let reached = Promise.withResolvers<void>();
  let opened = Promise.withResolvers<void>();
  return {
    /** Lets so many more pass. */
    after(count: number) {
      left = count;
      reached = Promise.withResolvers();
      opened = Promise.withResolvers();
    },
    /** Resolves when somebody waits. */
    get reached() {
      return reached.promise;
    },
    open() {
      left = Infinity;
      opened.resolve();
    },
    async pass() {
      if (left-- > 0) return;
      reached.resolve();
      await opened.promise;
    },
  };
}

/** A dial whose streams bring 20,000 bytes a read, and whose reads and writes can be held up. */
function gated({ hostname, port }: ServerProcess) {
  const dial = dialTcp({ hostname, port });
  const reads = barrier();
  const writes = barrier();
  return {
    reads,
    writes,
    dial: async () => {
      const stream = await dial();
      return {
        async read(into: Uint8Array) {
          const count = await stream.read(into.subarray(0, 20_000));
          await reads.pass();
          return count;
        },
        async write(bytes: Uint8Array) {
          await writes.pass();
          return await stream.write(bytes);
        },
        close: () => stream.close(),
      };
    },
  };
}

scenario("after the last client has left the server rests", async (ground) => {
  if (!MEASURED) return;
  const server = await ground.server();
  const clock = await ground.server({ args: ["--heartbeat", "1"] });
  const descriptors = server.usage().descriptors;
  const ways: ((peer: RawPeer) => unknown)[] = [
    (peer) => peer.close(),
    (peer) => peer.endWriting(),
    (peer) =>
      peer.send({ kind: "bye", id: 0, body: { code: STATUS.goodbye.code, reason: "later" } }),
    (peer) => peer.sendBytes(new Uint8Array([0, 0, 9, 0x10])).then(() => peer.endWriting()),
    (peer) => peer.sendBytes(new Uint8Array(8)).then(() => peer.close()),
  ];
  for (const [at, leave] of ways.entries()) {
    const { peer } = await ground.signedPeer(server, `Leaver-${at}`);
    await peer.command(1, { op: "follow", scope: "thread/1", after: 0 });
    await peer.reply(1);
    await leave(peer);
  }
  // These never said a word, or only half a line.
  (await ground.peer(server)).close();
  const half = await ground.peer(server);
  await half.sendBytes(new TextEncoder().encode("DFP"));
  half.close();
  for (const at of ways.keys()) {
    await server.output.until((line) => line.includes(` Leaver-${at} `) && line.includes("leave"));
  }
  await heartbeats(ground, clock, 2);
  assertEquals(server.usage().descriptors, descriptors, "no socket stays open");
  const before = server.usage().ticks;
  await heartbeats(ground, clock, 3);
  const used = server.usage().ticks - before;
  assertLess(used, 60, `${used} hundredths of a second of work in three seconds without clients`);
});

scenario("a thousand connections that come and go leave nothing behind", async (ground) => {
  if (!MEASURED) return;
  const server = await ground.server();
  const witness = await ground.member(server, { user: "Witness", register: true });
  const descriptors = server.usage().descriptors;
  for (let round = 0; round < 20; round++) {
    const peers = await Promise.all(Array.from({ length: 50 }, () => ground.peer(server)));
    for (const [at, peer] of peers.entries()) {
      if (at % 2 === 0) await peer.sendBytes(new TextEncoder().encode("hello\r\n"));
      peer.close();
    }
  }
  // Each end is seen within the second that an ending may take.
  const clock = await ground.server({ args: ["--heartbeat", "1"] });
  await heartbeats(ground, clock, 2);
  assertEquals(server.usage().descriptors, descriptors);
  await witness.client.command({ op: "users" });
  assert(!witness.heard.all.some(({ type }) => type === "offline"));
});

scenario("posting does not slow down as the log grows", async (ground) => {
  if (!MEASURED) return;
  const server = await ground.server({ args: ["--post-rate", "0"] });
  const { peer } = await ground.signedPeer(server, "Grower");
  let id = 0;
  await post(5000);
  const early = await post(10_000);
  await post(30_000);
  const late = await post(10_000);
  assertLess(late, 2 * early + 10, `hundredths of a second of work: ${early}, later ${late}`);

  /** Posts so many messages and says how much work they were for the server. */
  async function post(count: number): Promise<number> {
    const before = server.usage().ticks;
    for (const until = id + count; id < until;) {
      const ids = Array.from({ length: 200 }, () => ++id);
      await peer.send(...ids.map((id): Message => ({
        kind: "command",
        id,
        body: { op: "post", key: `${id}`, thread: 1, text: `message ${id} of a growing log` },
      })));
      for (const id of ids) assertEquals((await peer.reply(id)).kind, "done");
    }
    return server.usage().ticks - before;
  }
});

scenario("an idle session is told of its timeout, an active one is not ended", async (ground) => {
  const server = await ground.server({ args: ["--idle-timeout", "2", "--heartbeat", "1"] });
  const { peer: idle } = await ground.signedPeer(server, "Idle");
  const { peer: active } = await ground.signedPeer(server, "Active");
  const told = (async () => {
    for (;;) {
      const message = await idle.next();
      if (message?.kind === "ping") await idle.send({ kind: "pong", id: message.id, body: {} });
      else return message;
    }
  })();
  // It asks at each of its heartbeats, so it is never idle for two seconds.
  let over = false;
  const asking = (async () => {
    for (let id = 1; !over; id++) {
      await active.command(id, { op: "users" });
      await active.reply(id);
      const { id: nonce } = await active.expect("ping");
      await active.send({ kind: "pong", id: nonce, body: {} });
    }
  })();
  const bye = await told;
  over = true;
  await asking;
  assert(bye?.kind === "bye", JSON.stringify(bye));
  assertEquals(bye.body.code, STATUS.idle.code);
  assertGreater(bye.body.reason.length, 10);
  assertEquals(await idle.next(), undefined);
});
