import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ForumClient } from "../../client/mod.ts";
import { STATUS } from "../../protocol/status.ts";
import { readAll } from "./asking.ts";
import { ADMIN_PASSWORD, type ServerProcess } from "./processes.ts";
import { isGranted, type RawPeer } from "./raw_peer.ts";
import { type Ground, type Member, PASSWORD, refusal, scenario } from "./scenario.ts";

async function texts(client: ForumClient, thread: number): Promise<string[]> {
  return (await readAll(client, thread)).map(({ text }) => text);
}

/** The texts of the messages that a follower has heard, in order. */
function heardTexts({ heard }: Member): string[] {
  return heard.all.flatMap((what) =>
    what.type === "event" && what.event.kind === "message.posted" ? [what.event.text] : []
  );
}

function closed({ heard }: Member) {
  return heard.until(({ type }) => type === "closed");
}

/** Reads until the goodbye; returns what came before it. */
async function untilBye(peer: RawPeer) {
  const before = [];
  for (;;) {
    const message = await peer.next();
    assert(message !== undefined, "BYE comes before the end");
    if (message.kind === "bye") return { before, bye: message.body };
    before.push(message);
  }
}

scenario("SIGTERM tells everybody, says BYE, and ends with status 0", async (ground) => {
  const server = await ground.server();
  const { peer } = await ground.signedPeer(server, "Raw");
  const member = await ground.member(server, { user: "Stays", register: true, reconnect: false });
  const silent = await ground.peer(server);
  const unsigned = await ground.peer(server);
  // Connections are taken in their order, so by now the silent one is in as well.
  await unsigned.greet();
  const exited = server.kill("SIGTERM");
  const { before, bye } = await untilBye(peer);
  assert(
    before.some((message) => message.kind === "notice" && message.body.kind === "closing"),
    "the closing notice comes before BYE",
  );
  assertEquals(bye.code, STATUS["shutting-down"].code);
  assertEquals((await untilBye(unsigned)).bye.code, STATUS["shutting-down"].code);
  assertMatch(await silent.text(), /^DFP 2024 /);
  const end = await closed(member);
  assertEquals(end.type === "closed" && end.name, "shutting-down");
  assert(
    member.heard.all.some((what) => what.type === "notice" && what.notice.kind === "closing"),
  );
  const { code, signal } = await exited;
  assertEquals([code, signal], [0, null]);
  assertEquals(server.process.errors.all, []);
});

scenario("SIGINT ends it in the same way", async (ground) => {
  const server = await ground.server();
  const { peer } = await ground.signedPeer(server, "Raw");
  const exited = server.kill("SIGINT");
  assertEquals((await untilBye(peer)).bye.code, STATUS["shutting-down"].code);
  assertEquals((await exited).code, 0);
});

scenario(
  "a client that never says goodbye does not hold a shutdown up for ever",
  async (ground) => {
    const server = await ground.server();
    const { peer } = await ground.signedPeer(server, "Mute");
    await peer.command(1, { op: "follow", scope: "thread/1", after: 0 });
    const { code } = await server.kill("SIGTERM");
    assertEquals(code, 0);
  },
);

scenario(
  "at SIGTERM commands that have arrived are finished, and what is done stays",
  async (ground) => {
    const server = await ground.server();
    const { peer } = await ground.signedPeer(server, "Poster");
    const ids = Array.from({ length: 200 }, (_, at) => at + 1);
    await peer.send(...ids.map((id) => ({
      kind: "command" as const,
      id,
      body: { op: "post" as const, key: `k-${id}`, thread: 1, text: `text ${id}` },
    })));
    await peer.reply(1);
    const exited = server.kill("SIGTERM");
    const { before } = await untilBye(peer);
    const done = [1];
    for (const message of before) {
      if (message.kind === "done") done.push(message.id);
      if (message.kind === "refused") assertEquals(message.body.name, "shutting-down");
    }
    assertEquals((await exited).code, 0);
    await server.start();
    const { client } = await ground.member(server, { user: "Poster" });
    const kept = await texts(client, 1);
    assertEquals(
      kept.slice(0, done.length),
      done.map((id) => `text ${id}`),
      "acknowledged is kept",
    );
    assertEquals(
      kept,
      ids.slice(0, kept.length).map((id) => `text ${id}`),
      "none twice, none skipped",
    );
  },
);

scenario("SHT needs the right admin password, and then works like SIGTERM", async (ground) => {
  const server = await ground.server();
  const keeper = await ground.member(server, { user: "Keeper", register: true, reconnect: false });
  const { peer } = await ground.signedPeer(server, "Raw");
  for (const wrong of ["guess", PASSWORD]) {
    assertEquals(await refusal(keeper.client.shutdown(wrong)), "wrong-password");
  }
  await peer.command(1, { op: "users" });
  assertEquals((await peer.reply(1)).kind, "done", "a wrong one shuts nothing down");
  await peer.command(2, { op: "admin", scram: "c=biws,r=x,p=AAAA", action: "shutdown" });
  const forged = await peer.reply(2);
  assertEquals(forged.kind === "refused" && forged.body.name, "not-allowed");
  await keeper.client.shutdown(ADMIN_PASSWORD);
  assertEquals((await untilBye(peer)).bye.code, STATUS["shutting-down"].code);
  const end = await closed(keeper);
  assertEquals(end.type === "closed" && end.name, "shutting-down");
  assertEquals((await server.process.exited).code, 0);
  assert(server.output.all.some((line) => / Keeper 127\.0\.0\.1 shutdown$/.test(line)));
});

scenario("a restarted server binds the same port at once and serves all it had", async (ground) => {
  const server = await ground.server();
  const { port } = server;
  const { client } = await ground.member(server, { user: "Constant", register: true });
  const { thread } = await client.command<"create">({ op: "create", title: "Kept" });
  for (const signal of ["SIGTERM", "SIGKILL", "SIGTERM"] as const) {
    // Connections that the server itself ends keep the port in TIME_WAIT.
    for (let count = 0; count < 5; count++) await (await ground.peer(server)).greet();
    await client.command({ op: "post", thread, text: `before ${signal}` });
    await server.kill(signal);
    await server.start();
    assertEquals(server.port, port);
    const peer = await ground.peer(server);
    await peer.greet();
    assert(isGranted(await peer.login("Constant", PASSWORD)), "the first client is served");
    peer.close();
  }
  assertEquals(await texts(client, thread), [
    "before SIGTERM",
    "before SIGKILL",
    "before SIGTERM",
  ]);
});

/** How much is posted depends on how long the machine takes to start a server: no rate may count it. */
const UNHURRIED = { args: ["--post-rate", "0"] };

async function turmoil(
  ground: Ground,
  server: ServerProcess,
  signals: readonly Deno.Signal[],
): Promise<void> {
  const chair = await ground.member(server, { user: "Chair", register: true });
  const { thread } = await chair.client.command<"create">({ op: "create", title: "Turmoil" });
  const follower = await ground.member(server, { user: "Follower", register: true });
  await follower.client.follow(`thread/${thread}`);
  const names = ["Ann", "Ben", "Cid"];
  const posters = await Promise.all(
    names.map((user) => ground.member(server, { user, register: true })),
  );
  let over = false;
  const posted = posters.map(async ({ client }, at) => {
    const acknowledged: string[] = [];
    for (let turn = 0; !over || turn < 50; turn += 5) {
      // Some of them are under way whenever the server dies.
      const five = Array.from({ length: 5 }, (_, more) => `${names[at]} ${turn + more}`);
      const replies = five.map((text) => client.command({ op: "post", thread, text }));
      await Promise.all(replies);
      acknowledged.push(...five);
    }
    return acknowledged;
  });
  for (const signal of signals) {
    const heard = heardTexts(follower).length;
    // Talk is going on when it is hit.
    await follower.heard.until(() => heardTexts(follower).length > heard + 20);
    await server.kill(signal);
    await server.start();
  }
  over = true;
  const acknowledged = await Promise.all(posted);
  const kept = await texts(chair.client, thread);
  assertEquals(kept.toSorted(), acknowledged.flat().toSorted(), "each exactly once");
  for (const [at, own] of acknowledged.entries()) {
    assertEquals(kept.filter((text) => text.startsWith(names[at])), own, "in its author's order");
  }
  await follower.event(({ seq }) => seq === kept.length + 1);
  assertEquals(heardTexts(follower), kept, "the follower missed nothing and saw nothing twice");
  for (const { heard, client } of posters) {
    assert(heard.all.some(({ type }) => type === "offline"), "it was hit");
    assertEquals(client.state, "online", "it came back by itself");
  }
}

scenario(
  "kill -9 in the middle of talk loses nothing acknowledged and does nothing twice",
  async (ground) => {
    await turmoil(ground, await ground.server(UNHURRIED), ["SIGKILL", "SIGKILL", "SIGKILL"]);
  },
);

scenario(
  "a shutdown in the middle of talk loses nothing and does nothing twice",
  async (ground) => {
    await turmoil(ground, await ground.server(UNHURRIED), ["SIGTERM", "SIGTERM"]);
  },
);

scenario("a command given while the server is away is done when it is back", async (ground) => {
  const server = await ground.server();
  const { client, heard } = await ground.member(server, { user: "Waiting", register: true });
  await client.follow("thread/1");
  await server.kill("SIGKILL");
  await heard.until(({ type }) => type === "offline");
  const reply = client.command<"post">({ op: "post", thread: 1, text: "sent into the dark" });
  const question = client.command<"read">({ op: "read", thread: 1 });
  await server.start();
  assertEquals((await reply).number, 1);
  assertEquals((await question).messages.map(({ text }) => text), ["sent into the dark"]);
  await heard.until((what) => what.type === "event" && what.event.kind === "message.posted");
});

scenario("presence and watching come back with the session", async (ground) => {
  const server = await ground.server();
  const watcher = await ground.member(server, { user: "Watcher", register: true });
  await watcher.client.command({ op: "watch", on: true });
  await server.kill("SIGKILL");
  await watcher.heard.until(({ type }) => type === "offline");
  const heard = watcher.heard.all.length;
  await server.start();
  await watcher.heard.until(({ type }) => type === "online", heard);
  await ground.member(server, { user: "Newcomer", register: true });
  await watcher.heard.until((what) =>
    what.type === "notice" && what.notice.kind === "presence" && what.notice.user === "Newcomer"
  );
  const { users } = await watcher.client.command<"users">({ op: "users" });
  assertEquals(users.map(({ user }) => user).sort(), ["Newcomer", "Watcher"]);
});

scenario("roles, bans, deletions and passwords survive kill -9", async (ground) => {
  const server = await ground.server();
  const admin = await ground.member(server, { user: "Admin", register: true });
  await admin.client.promote(ADMIN_PASSWORD);
  await ground.signedPeer(server, "Banned");
  const changer = await ground.member(server, { user: "Changer", register: true });
  await changer.client.changePassword("a new one");
  await admin.client.command({ op: "ban", user: "Banned", on: true });
  await admin.client.command({ op: "role", user: "Changer", role: "moderator" });
  const { seq } = await admin.client.command<"post">({ op: "post", thread: 1, text: "gone soon" });
  await admin.client.command({ op: "post", thread: 1, text: "stays" });
  await admin.client.command({ op: "delete", thread: 1, message: seq });
  const before = (await admin.client.command<"read">({ op: "read", thread: 1 })).messages;
  await server.kill("SIGKILL");
  await server.start();
  assertEquals((await admin.client.command<"read">({ op: "read", thread: 1 })).messages, before);
  const peer = await ground.peer(server);
  await peer.greet();
  const banned = await peer.login("Banned", PASSWORD);
  assertEquals(isGranted(banned) || banned.name, "banned");
  const old = await peer.login("Changer", PASSWORD);
  assertEquals(isGranted(old) || old.name, "wrong-password");
  const fresh = await peer.login("Changer", "a new one");
  assertEquals(isGranted(fresh) && fresh.role, "moderator");
});
