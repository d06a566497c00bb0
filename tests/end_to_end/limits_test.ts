import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Message, PREFACE } from "../../protocol/message.ts";
import { STATUS, type StatusName } from "../../protocol/status.ts";
import { outcome, readAll } from "./asking.ts";
import { isGranted, type PeerAddress, type RawPeer } from "./raw_peer.ts";
import { type Ground, PASSWORD, refusal, scenario } from "./scenario.ts";

/** Connects, says what a client says first, and reads until the server has hung up. */
async function turnedAway(ground: Ground, server: PeerAddress): Promise<string> {
  const peer = await ground.peer(server);
  await peer.sendBytes(new TextEncoder().encode(PREFACE));
  return await peer.text();
}

function assertGoodbye(text: string, status: StatusName): void {
  assert(text.startsWith("DFP 2024 "), "the banner comes to all");
  assert(text.includes(`"code":${STATUS[status].code}`), text);
}

/** Tries until there is room. */
async function comesIn(ground: Ground, server: PeerAddress): Promise<void> {
  for (;;) {
    const peer = await ground.peer(server);
    try {
      await peer.greet();
      return;
    } catch {
      peer.close();
    }
  }
}

function posts(thread: number, count: number, from = 1): Message[] {
  return Array.from({ length: count }, (_, at): Message => ({
    kind: "command",
    id: from + at,
    body: { op: "post", key: `limit-${from + at}`, thread, text: `text ${from + at}` },
  }));
}

async function outcomes(peer: RawPeer, count: number, from = 1): Promise<string[]> {
  const names = [];
  for (let id = from; id < from + count; id++) names.push(await outcome(peer, id));
  return names;
}

scenario("one connection more than the server takes is told so, and closed", async (ground) => {
  const server = await ground.server({ args: ["--max-connections", "2"] });
  const first = await ground.signedPeer(server, "First");
  const second = await ground.signedPeer(server, "Second");
  assertGoodbye(await turnedAway(ground, server), "too-many-connections");
  const third = { user: "Third", register: true };
  assertEquals(await refusal(ground.member(server, third)), "too-many-connections");
  await second.peer.command(1, { op: "users" });
  assertEquals(await outcome(second.peer, 1), "done", "those who are in notice nothing");
  first.peer.close();
  await comesIn(ground, server);
  assertEquals((await server.kill()).code, 0);
  const told = server.output.all.find((line) => / - - limits .*too-many-connections=/.test(line));
  assertMatch(told ?? "", /too-many-connections=\d+/, "the log tells it, at the end at the latest");
});

scenario("an address that was given a limit has no more connections than that", async (ground) => {
  const server = await ground.server({ args: ["--max-connections-per-address", "3"] });
  const inside = await Promise.all([1, 2, 3].map(() => ground.peer(server)));
  for (const peer of inside) await peer.greet();
  assertGoodbye(await turnedAway(ground, server), "too-many-from-address");
  inside[1].close();
  await comesIn(ground, server);
});

scenario("connections that do not sign in leave room for those who do", async (ground) => {
  const server = await ground.server({ args: ["--max-unsigned", "2"] });
  const { peer } = await ground.signedPeer(server, "Inside");
  const idle = [await ground.peer(server), await ground.peer(server)];
  for (const half of idle) await half.greet();
  // At first there is no room; before long the oldest of them has to go.
  await comesIn(ground, server);
  const { code } = (await idle[0].expect("bye")).body;
  assertEquals(code, STATUS["too-many-unsigned"].code);
  await peer.command(1, { op: "users" });
  assertEquals(await outcome(peer, 1), "done");
});

scenario(
  "a client may send more commands than the server does at once: none is lost",
  async (ground) => {
    const server = await ground.server({ args: ["--max-commands", "8", "--post-rate", "0"] });
    const peer = await ground.peer(server);
    assertEquals((await peer.greet()).limits.commands, 8);
    assert(isGranted(await peer.register("Eager", PASSWORD)));
    const count = 2000;
    const sending = peer.send(...posts(1, count));
    assertEquals(new Set(await outcomes(peer, count)), new Set(["done"]));
    await sending;
    const { client } = await ground.member(server, { user: "Reader", register: true });
    const texts = (await readAll(client, 1)).map(({ text }) => text);
    assertEquals(texts, Array.from({ length: count }, (_, at) => `text ${at + 1}`));
  },
);

scenario(
  "when too much is under way in all, the rest of a flood is refused as busy",
  async (ground) => {
    const server = await ground.server({
      args: ["--max-commands-in-all", "20", "--post-rate", "0"],
    });
    const { peer } = await ground.signedPeer(server, "Flood");
    const answers = new Map<number, string>();
    // How much of a flood the server reads at once is not up to us.
    while (![...answers.values()].includes("busy")) {
      const count = 400;
      const before = answers.size;
      const sending = peer.send(...posts(1, count, before + 1));
      while (answers.size < before + count) {
        const message = await peer.next();
        if (message?.kind === "done") answers.set(message.id, "done");
        if (message?.kind === "refused") answers.set(message.id, message.body.name);
      }
      await sending;
    }
    const { client } = await ground.member(server, { user: "Reader", register: true });
    const texts = new Set((await readAll(client, 1)).map(({ text }) => text));
    for (const [id, name] of answers) {
      assert(name === "done" || name === "busy", name);
      assertEquals(texts.has(`text ${id}`), name === "done", "refused is not done");
    }
  },
);

scenario("a user who posts too fast is told to wait, and for how long", async (ground) => {
  const server = await ground.server({ args: ["--post-rate", "1/5"] });
  const { peer, token } = await ground.signedPeer(server, "Flood");
  const other = await ground.signedPeer(server, "Other");
  await peer.send(...posts(1, 40));
  const names = await outcomes(peer, 40);
  assertEquals(names.slice(0, 5), Array(5).fill("done"));
  assert(names.includes("rate"));
  await other.peer.command(1, { op: "post", key: "other", thread: 1, text: "calm" });
  assertEquals(await outcome(other.peer, 1), "done");
  // What was done is answered again under its key; a refusal says how long to wait.
  await peer.send(...posts(1, 40));
  const again = [];
  for (let id = 1; id <= 40; id++) again.push(await peer.reply(id));
  assertEquals(again.slice(0, 5).map(({ kind }) => kind), Array(5).fill("done"));
  const refused = again.find((reply) => reply.kind === "refused");
  assert(refused?.kind === "refused");
  const { name, detail } = refused.body;
  assertEquals(name, "rate");
  assert(detail?.wait !== undefined && detail.wait > 0 && detail.wait <= 1000, `${detail?.wait}`);
  // A new connection is the same user.
  peer.close();
  const back = await ground.peer(server);
  await back.greet();
  assert(isGranted(await back.resume(token)));
  await back.send(...posts(1, 40, 101));
  assert((await outcomes(back, 40, 101)).includes("rate"));
});

/** Tries to begin signing in, as often as that; says how each was answered. */
async function knock(ground: Ground, server: PeerAddress, count: number): Promise<Message[]> {
  const answers = [];
  for (let i = 0; i < count; i++) {
    const peer = await ground.peer(server);
    await peer.greet();
    await peer.send({ kind: "login", id: 0, body: { scram: `n,,n=Somebody${i},r=nonce` } });
    const answer = await peer.next();
    assert(answer !== undefined);
    answers.push(answer);
  }
  return answers;
}

/** So often that, at one a second, some come too soon. */
const OFTEN = 30;

scenario("too many sign-ins are refused with the time to wait; resuming is not", async (ground) => {
  const server = await ground.server({ args: ["--sign-in-rate", "1/4"] });
  const { peer, token } = await ground.signedPeer(server, "Here");
  const answers = await knock(ground, server, OFTEN);
  assertEquals(answers.slice(0, 3).map(({ kind }) => kind), Array(3).fill("challenge"));
  const refused = answers.find((answer) => answer.kind === "refused");
  assert(refused?.kind === "refused");
  const { name, detail } = refused.body;
  assertEquals(name, "sign-in-rate");
  assert(detail?.wait !== undefined && detail.wait > 0 && detail.wait <= 1000, `${detail?.wait}`);
  peer.close();
  for (let round = 0; round < OFTEN; round++) {
    const back = await ground.peer(server);
    await back.greet();
    assert(isGranted(await back.resume(token)), `round ${round}`);
  }
});

scenario("an address that was given a limit signs in no more often than that", async (ground) => {
  const server = await ground.server({ args: ["--sign-in-rate-per-address", "1/2"] });
  const answers = await knock(ground, server, OFTEN);
  assertEquals(answers.slice(0, 2).map(({ kind }) => kind), ["challenge", "challenge"]);
  const refused = answers.find((answer) => answer.kind === "refused");
  assert(refused?.kind === "refused");
  assertEquals(refused.body.name, "sign-in-rate");
  assertMatch(refused.body.text, /your address/);
});

scenario("wrong passwords for names that nobody has fill no disk", async (ground) => {
  const server = await ground.server({ args: ["--max-lockouts", "5"] });
  for (let i = 0; i < 12; i++) {
    const peer = await ground.peer(server);
    await peer.greet();
    await peer.send({ kind: "login", id: 0, body: { scram: `n,,n=Somebody${i},r=nonce` } });
    await peer.expect("challenge");
    await peer.send({ kind: "proof", id: 0, body: { scram: "c=biws,r=x,p=AAAA" } });
    assertEquals((await peer.expect("refused")).body.name, "wrong-password");
  }
  await server.kill();
  assertMatch(server.output.all.join("\n"), / limits .*lockouts=\d/);
});

scenario(
  "a reader that stops is read from the log when it goes on, and counted",
  async (ground) => {
    const server = await ground.server({ args: ["--post-rate", "0"] });
    const slow = await ground.signedPeer(server, "Slow");
    await slow.peer.command(1, { op: "follow", scope: "thread/1" });
    await slow.peer.reply(1);
    const { client } = await ground.member(server, { user: "Writer", register: true });
    // More than the feed keeps and the transport holds together.
    const count = 400;
    const text = "x".repeat(60_000);
    for (let at = 0; at < count; at += 20) {
      await Promise.all(Array.from({ length: 20 }, () => {
        return client.command({ op: "post", thread: 1, text });
      }));
    }
    for (let seq = 2; seq < count + 2; seq++) assertEquals((await slow.peer.event()).seq, seq);
    await server.kill();
    assertMatch(server.output.all.join("\n"), / limits .*behind=\d/);
  },
);

scenario("a user's oldest token goes when there are too many", async (ground) => {
  const server = await ground.server({ args: ["--max-tokens", "2"] });
  const tokens = [(await ground.signedPeer(server, "Many")).token];
  for (let i = 0; i < 2; i++) {
    const peer = await ground.peer(server);
    await peer.greet();
    const outcome = await peer.login("Many", PASSWORD);
    assert(isGranted(outcome));
    tokens.push(outcome.token!);
  }
  const resumed = [];
  for (const token of tokens) {
    const peer = await ground.peer(server);
    await peer.greet();
    const outcome = await peer.resume(token);
    resumed.push(isGranted(outcome) ? "granted" : outcome.name);
  }
  assertEquals(resumed, ["expired", "granted", "granted"]);
});
