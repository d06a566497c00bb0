import { assert, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { CATALOGUE } from "../../protocol/catalogue.ts";
import { encodeText, FRAME_PAYLOAD_MAX, PREFACE } from "../../protocol/message.ts";
import { STATUS } from "../../protocol/status.ts";
import { create, outcome, readAll } from "./asking.ts";
import type { RawPeer } from "./raw_peer.ts";
import { refusal, scenario, sharedServer } from "./scenario.ts";

const shared = sharedServer();

/** The name of the status with which the server says goodbye. */
async function goodbye(peer: RawPeer): Promise<number> {
  return (await peer.expect("bye")).body.code;
}

scenario("empty and blank texts are refused, and the session goes on", async (ground) => {
  const server = await shared();
  const { peer } = await ground.signedPeer(server, "Blank");
  const texts = ["", " ", "\n", "\r\n", "\t", "\u00a0\u3000", "\u200b", "\u2800", "\ufeff"];
  for (const [at, text] of texts.entries()) {
    await peer.command(at + 1, { op: "post", key: `blank-${at}`, thread: 1, text });
    assertEquals(await outcome(peer, at + 1), "bad-text", JSON.stringify(text));
  }
  for (const [at, title] of ["", "  ", "\n"].entries()) {
    await peer.command(100 + at, { op: "create", key: `title-${at}`, title });
    assertEquals(await outcome(peer, 100 + at), "bad-name", JSON.stringify(title));
  }
  for (const [at, payload] of ["", " ", "\r\n", "null", "[]", '""', "0", "{"].entries()) {
    await peer.sendPayload(200 + at, payload);
    assertNotEquals(await outcome(peer, 200 + at), "done", JSON.stringify(payload));
  }
  await peer.command(300, { op: "users" });
  assertEquals(await outcome(peer, 300), "done");
});

scenario(
  "removing `s` removes no `secret`, nor any other title with an s in it",
  async (ground) => {
    const server = await shared();
    const { client } = await ground.member(server, { user: "Remover", register: true });
    const others = ["secret", "se", "S.", "ss", "s s", "%", "_", "s%", "*"];
    const { thread } = await create(client, "s");
    for (const title of others) {
      const { thread: other } = await create(client, title);
      await client.command({ op: "post", thread: other, text: `in ${title}` });
    }
    assertEquals(await refusal(create(client, "S")), "thread-exists");
    await client.command({ op: "remove", thread });
    assertEquals(await refusal(client.command({ op: "find", title: "s" })), "no-thread");
    for (const title of others) {
      const found = await client.command<"find">({ op: "find", title });
      assertEquals(found.thread.title, title);
      assertEquals(
        (await readAll(client, found.thread.thread)).map(({ text }) => text),
        [`in ${title}`],
      );
    }
    assertNotEquals((await create(client, "s")).thread, thread, "a number is never used again");
  },
);

function* filesUnder(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    yield `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesUnder(`${folder}/${entry.name}`);
  }
}

scenario(
  "a thread called like a path or a server's file is a title and no file",
  async (ground) => {
    const server = await ground.server();
    const { client } = await ground.member(server, { user: "Escape", register: true });
    const parent = server.data.replace(/\/[^/]*$/, "");
    const before = [...filesUnder(parent)].sort();
    const titles = [
      "../x",
      "../../x",
      "..",
      ".",
      "/etc/passwd",
      `${server.data}/forum.sqlite`,
      `${parent}/x`,
      "forum.sqlite",
      "forum.sqlite-wal",
      "credentials.txt",
      "dfp-data",
      "CON",
      "NUL",
      "C:\\Windows\\x",
      "\\\\host\\share",
      "x/",
      "~",
      "$HOME",
      "`id`",
      "'; DROP TABLE events; --",
      "%2e%2e%2f",
    ];
    for (const title of titles) {
      const { thread } = await create(client, title);
      await client.command({ op: "post", thread, text: `in ${title}` });
    }
    for (const title of ["a\u0000b", "a\nb", "a\u202eb"]) {
      assertEquals(await refusal(create(client, title)), "bad-name", JSON.stringify(title));
    }
    assertEquals([...filesUnder(parent)].sort(), before, "no file came or went");
    await server.kill("SIGKILL");
    await server.start();
    for (const title of titles) {
      const { thread } = await client.command<"find">({ op: "find", title });
      assertEquals(thread.title, title);
      assertEquals((await readAll(client, thread.thread)).map(({ text }) => text), [`in ${title}`]);
    }
    assert(Deno.statSync("/etc/passwd").isFile);
  },
);

scenario("names in the packet are not trusted: who signed in has said it", async (ground) => {
  const server = await shared();
  await ground.signedPeer(server, "Victim");
  const { peer } = await ground.signedPeer(server, "Impostor");
  const lies = { by: "Victim", user: "Victim", author: "Victim", name: "Victim", role: "admin" };
  await peer.sendPayload(1, JSON.stringify({ op: "create", key: "1", title: "Lies", ...lies }));
  const created = await peer.reply(1);
  assert(created.kind === "done");
  const { thread } = created.body as { thread: number };
  await peer.command(2, { op: "follow", scope: `thread/${thread}`, after: 0 });
  await peer.reply(2);
  assertEquals((await peer.event()).by, "Impostor");
  await peer.sendPayload(
    3,
    JSON.stringify({
      op: "post",
      key: "3",
      thread,
      text: "x",
      seq: 99,
      number: 99,
      at: 1,
      ...lies,
    }),
  );
  const posted = await peer.expect("event");
  const { body: event } = posted;
  assert(event.kind === "message.posted");
  assertEquals([event.by, event.seq, event.number], ["Impostor", 2, 1]);
  assertGreater(event.at, 1_700_000_000_000, "the server's clock counts");
  await peer.sendPayload(4, JSON.stringify({ op: "ban", key: "4", on: true, ...lies }));
  assertEquals(await outcome(peer, 4), "not-allowed");
  await peer.sendPayload(5, JSON.stringify({ op: "threads", ...lies }));
  assertEquals(await outcome(peer, 5), "done");
});

scenario("hostile JSON runs nothing, changes nothing and ends nothing", async (ground) => {
  const server = await shared();
  const { peer } = await ground.signedPeer(server, "Fiend");
  const deep = (open: string, close: string, count: number) =>
    open.repeat(count) + close.repeat(count);
  const refused = [
    '{"__proto__":{"op":"threads"}}',
    '{"constructor":{"prototype":{"op":"threads"}}}',
    '{"op":"__proto__"}',
    '{"op":"constructor"}',
    '{"op":"toString"}',
    '{"op":"hasOwnProperty"}',
    '{"op":{"toString":"post"}}',
    '{"op":["threads"]}',
    '{"op":"read","thread":1e400}',
    '{"op":"read","thread":-0}',
    '{"op":"read","thread":1.5}',
    '{"op":"read","thread":"1"}',
    '{"op":"read","thread":9007199254740993}',
    '{"op":"read","thread":{"valueOf":1}}',
    '{"op":"read","thread":1,"limit":1e9}',
    '{"op":"post","key":"h1","thread":1,"text":"\\ud800"}',
    '{"op":"post","key":"h2","thread":1,"text":"\\udc00\\ud800"}',
    '{"op":"post","key":"h3","thread":1,"text":"nul \\u0000"}',
    '{"op":"post","key":"h4","thread":1,"text":["x"]}',
    '{"op":"post","key":{"__proto__":1},"thread":1,"text":"x"}',
    '{"op":"post","key":"","thread":1,"text":"x"}',
    '{"op":"post","thread":1,"text":"no key"}',
    '{"op":"follow","scope":"secrets"}',
    '{"op":"follow","scope":"__proto__"}',
    '{"op":"follow","scope":"thread/1e0"}',
    '{"op":"follow","scope":"thread/01"}',
    '{"op":"follow","scope":"user/victim"}',
    "{'op':'threads'}",
    '{"op":"threads"} {"op":"threads"}',
    "NaN",
    deep("[", "]", 100_000),
    deep('{"op":', "}", 20_000),
    `{"op":"users","x":${deep("[", "]", 100_000)}`,
  ];
  for (const [at, payload] of refused.entries()) {
    await peer.sendPayload(at + 1, payload);
    assertNotEquals(await outcome(peer, at + 1), "done", payload.slice(0, 80));
  }
  const harmless: [string, string][] = [
    ["proto beside", '{"op":"users","__proto__":{"thread":1},"constructor":1}'],
    ["the last op counts", '{"op":"post","op":"users"}'],
    ["escaped op", '{"op":"\\u0075sers"}'],
  ];
  for (const [at, [what, payload]] of harmless.entries()) {
    await peer.sendPayload(1000 + at, payload);
    assertEquals(await outcome(peer, 1000 + at), "done", what);
  }
  await peer.sendPayload(2000, "{}");
  assertEquals(await outcome(peer, 2000), "invalid-command", "no prototype was polluted");
});

scenario("garbage as first bytes or frames ends that connection and no other", async (ground) => {
  const server = await shared();
  const witness = await ground.member(server, { user: "Witness", register: true });
  const openings = [
    "\r\n",
    "\n",
    "   \r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "DFP/3\r\n",
    "dfp/2\r\n",
    "\u0016\u0003\u0001",
    "LST\r\n",
    "x".repeat(5000),
    "\u0000".repeat(2000),
    `${PREFACE}\u00ff\u00ff\u00ff\u0001\u0000\u0000\u0000\u0000`,
    `${PREFACE}GET / HTTP/1.1\r\n\r\n`,
  ];
  for (const opening of openings) {
    const peer = await ground.peer(server);
    await peer.sendBytes(Uint8Array.from(opening, (letter) => letter.charCodeAt(0)));
    await peer.endWriting();
    const text = await peer.text();
    assert(text.startsWith("DFP 2024 "), "the banner comes to all");
    assertGreater(text.length, 50, `${JSON.stringify(opening.slice(0, 20))} is told why`);
  }
  const frames: [number, number, string, keyof typeof STATUS][] = [
    [0x7f, 0, "{}", "unknown-type"],
    [0x00, 0, "", "unknown-type"],
    [CATALOGUE.welcome.type, 0, "{}", "unexpected"],
    [CATALOGUE.event.type, 1, "{}", "unexpected"],
    [CATALOGUE.hello.type, 0, "{}", "bad-message"],
    [CATALOGUE.hello.type, 7, "{}", "bad-message"],
    [CATALOGUE.ping.type, 1, "x", "bad-message"],
    [CATALOGUE.proof.type, 0, '{"scram":"c=biws"}', "unexpected"],
  ];
  for (const [at, [type, id, payload, status]] of frames.entries()) {
    const { peer } = await ground.signedPeer(server, `Garbler-${at}`);
    await peer.sendBytes(encodeText(type, id, payload));
    assertEquals(await goodbye(peer), STATUS[status].code, `${type} ${payload}`);
  }
  const { peer: large } = await ground.signedPeer(server, "Garbler-large");
  await large.sendBytes(new Uint8Array([0x04, 0x00, 0x01, 0x10, 0, 0, 0, 1]));
  assertEquals(await goodbye(large), STATUS["too-large"].code, "before any of it is buffered");
  const { peer: skipping } = await ground.signedPeer(server, "Garbler-skipped");
  await skipping.sendBytes(encodeText(0x80, 5, "whatever"));
  await skipping.command(1, { op: "users" });
  assertEquals(await outcome(skipping, 1), "done", "types from 80 hex on are skipped");
  await witness.client.command({ op: "users" });
  assert(!witness.heard.all.some(({ type }) => type === "offline"), "the witness never broke");
});

scenario("random bytes after signing in never kill the server", async (ground) => {
  const server = await shared();
  const witness = await ground.member(server, { user: "Bystander", register: true });
  const { peer: first, token } = await ground.signedPeer(server, "Noise");
  first.close();
  // A fixed sequence (xorshift32), so that a failure can be had again.
  let state = 0x2024_dead;
  const random = () => (state ^= state << 13, state ^= state >>> 17, state ^= state << 5, state);
  for (let round = 0; round < 40; round++) {
    const peer = await ground.peer(server);
    await peer.greet();
    await peer.resume(token);
    const noise = Uint8Array.from({ length: 300 }, () => random());
    // Half of them with a believable header, so that the payload is looked at.
    if (round % 2 === 0) noise.set([0, 0, 200, CATALOGUE.command.type, 0, 0, 0, 1]);
    await peer.sendBytes(noise);
    await peer.endWriting();
    while (await peer.next() !== undefined);
    peer.close();
  }
  await witness.client.command({ op: "users" });
  assert(!witness.heard.all.some(({ type }) => type === "offline"));
});

scenario(
  "a frame of the largest size is read, and its command refused by its number",
  async (ground) => {
    const server = await shared();
    const { peer } = await ground.signedPeer(server, "Largest");
    const empty = '{"op":"users","x":""}';
    await peer.sendPayload(
      1,
      empty.replace('""', `"${"y".repeat(FRAME_PAYLOAD_MAX - empty.length)}"`),
    );
    assertEquals(await outcome(peer, 1), "done", "an unknown field is ignored, however long");
    await peer.command(2, { op: "post", key: "big", thread: 1, text: "z".repeat(100_000) });
    assertEquals(await outcome(peer, 2), "bad-text");
    await peer.command(3, { op: "users" });
    assertEquals(await outcome(peer, 3), "done");
  },
);
