import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import type { Command } from "../../protocol/forum/command.ts";
import type { Page } from "../../protocol/forum/reply.ts";
import { encodeMessage, type Message, PREFACE, VERSION } from "../../protocol/message.ts";
import { TEXT_LIMITS, utf8Length } from "../../protocol/text.ts";
import { create, outcome, readAll } from "./asking.ts";
import { joined, type RawPeer } from "./raw_peer.ts";
import { refusal, scenario, sharedServer } from "./scenario.ts";

const shared = sharedServer();
const encoder = new TextEncoder();

scenario("five hundred commands sent together are five hundred commands", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Sender", register: true });
  const { thread } = await create(client, "Sent together");
  const { peer } = await ground.signedPeer(server, "Burst");
  const ids = Array.from({ length: 500 }, (_, at) => at + 1);
  const sending = peer.send(...ids.map((id): Message => ({
    kind: "command",
    id,
    body: { op: "post", key: `burst-${id}`, thread, text: `text ${id}` },
  })));
  for (const id of ids) {
    const reply = await peer.reply(id);
    assert(reply.kind === "done", JSON.stringify(reply));
    assertEquals((reply.body as { number: number }).number, id);
  }
  await sending;
  const rows = await readAll(client, thread);
  assertEquals(rows.map(({ text }) => text), ids.map((id) => `text ${id}`));
});

scenario("a session cut between any two bytes is the same session", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Knife", register: true });
  const { thread } = await create(client, "Cut");
  const { peer: first, token } = await ground.signedPeer(server, "Slices");
  first.close();
  const bytes = joined([
    encoder.encode(PREFACE),
    ...([
      { kind: "hello", id: 0, body: { version: VERSION, agent: "cut", features: [] } },
      { kind: "resume", id: 0, body: { token } },
      { kind: "command", id: 1, body: { op: "post", key: "cut-1", thread, text: "één — 一" } },
      { kind: "command", id: 2, body: { op: "post", key: "cut-2", thread, text: "two" } },
      { kind: "command", id: 3, body: { op: "read", thread } },
    ] as Message[]).map(encodeMessage),
  ]);
  const whole = await played(bytes.length);
  for (let cut = 1; cut < bytes.length; cut++) assertEquals(await played(cut), whole, `at ${cut}`);
  assertEquals((await readAll(client, thread)).length, 2);

  async function played(cut: number): Promise<string> {
    const peer = await ground.peer(server);
    await peer.sendBytes(bytes.subarray(0, cut));
    // By the time that somebody else is answered the first part has been read.
    if (cut < bytes.length) await client.command({ op: "typing", thread });
    await peer.sendBytes(bytes.subarray(cut));
    await peer.endWriting();
    const text = await peer.text();
    peer.close();
    assertStringIncludes(text, '"number":2');
    // What differs from session to session: the clock of the greeting.
    return text.replace(/"time":\d+/, '"time":0');
  }
});

scenario("commands sent byte by byte are understood", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Patience", register: true });
  const { thread } = await create(client, "Byte by byte");
  const { peer } = await ground.signedPeer(server, "Dripping");
  const frame = encodeMessage({
    kind: "command",
    id: 1,
    body: { op: "post", key: "drip", thread, text: "slöw ☂" },
  });
  for (const byte of frame) await peer.sendBytes(new Uint8Array([byte]));
  assertEquals(await outcome(peer, 1), "done");
  assertEquals((await readAll(client, thread)).map(({ text }) => text), ["slöw ☂"]);
});

scenario("a reply longer than any read buffer arrives whole", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Long", register: true });
  const { thread } = await create(client, "Long replies");
  const unit = "fünf 五 🖖 <&> \u2028 ";
  const many = unit.repeat(Math.floor(TEXT_LIMITS.bodyBytes / utf8Length(unit)));
  // In JSON it is twice as long.
  const quotes = '"'.repeat(TEXT_LIMITS.bodyBytes);
  const short = Array.from({ length: 30 }, (_, at) => `${at} ${unit.repeat(300)}`);
  const texts = [quotes, many, ...short, many, quotes];
  for (const text of texts) await client.command({ op: "post", thread, text });

  const page = await client.command<"read">({ op: "read", thread, after: 0 });
  assertGreater(utf8Length(JSON.stringify(page)), 128 * 1024);
  assert(page.more, "what exceeds a frame comes with the next page");
  const rows = await readAll(client, thread);
  assertEquals(rows.map(({ text }) => text), texts);

  const { peer } = await ground.signedPeer(server, "Sip", { readBytes: 1 });
  await peer.command(1, { op: "read", thread, after: 0, limit: 1 });
  const reply = await peer.reply(1);
  assertEquals((reply.body as Page).messages[0].text, quotes, "read byte by byte");
});

scenario("a follower that reads a few bytes at a time sees long texts whole", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Novelist", register: true });
  const { thread } = await create(client, "Sips");
  const { peer } = await ground.signedPeer(server, "Straw", { readBytes: 7 });
  const texts = [..."äß字"].map((letter) => letter.repeat(20_000));
  await peer.command(1, { op: "follow", scope: `thread/${thread}` });
  await peer.reply(1);
  for (const text of texts) await client.command({ op: "post", thread, text });
  for (const text of texts) {
    const event = await peer.event();
    assert(event.kind === "message.posted");
    assertEquals(event.text, text);
  }
});

scenario("the longest text is taken, one byte more is refused", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Measure", register: true });
  const { thread } = await create(client, "Limits");
  const longest = "é".repeat(TEXT_LIMITS.bodyBytes / 2);
  await client.command({ op: "post", thread, text: longest });
  assertEquals(
    await refusal(client.command({ op: "post", thread, text: `${longest}x` })),
    "bad-text",
  );
  assertEquals((await readAll(client, thread)).map(({ text }) => text), [longest]);
});

scenario(
  "a command repeated with its key is done once, over reconnects and kill -9",
  async (ground) => {
    const server = await ground.server();
    const { client } = await ground.member(server, { user: "Reader", register: true });
    const { thread } = await create(client, "Once");
    const { peer, token } = await ground.signedPeer(server, "Repeater");
    const post: Command = { op: "post", key: "the-key", thread, text: "only once" };
    const make: Command = { op: "create", key: "make-key", title: "Only one" };
    await peer.command(1, post);
    const first = (await peer.reply(1)).body;
    await peer.command(2, make);
    const made = (await peer.reply(2)).body;
    await repeated(peer);
    peer.close();
    const second = await ground.peer(server);
    await second.greet();
    await second.resume(token);
    await repeated(second);
    await server.kill("SIGKILL");
    await server.start();
    const third = await ground.peer(server);
    await third.greet();
    await third.resume(token);
    await repeated(third);
    assertEquals((await readAll(client, thread)).length, 1);

    await third.command(7, { ...post, text: "another text" });
    assertEquals(await outcome(third, 7), "key-reused");
    await client.command({
      op: "post",
      key: "the-key",
      thread,
      text: "a key is its account's own",
    });
    assertEquals((await readAll(client, thread)).length, 2);

    async function repeated(again: RawPeer): Promise<void> {
      await again.command(5, post);
      assertEquals((await again.reply(5)).body, first);
      await again.command(6, make);
      assertEquals((await again.reply(6)).body, made);
    }
  },
);

scenario("a command sent many times in one write is done once", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Counter", register: true });
  const { thread } = await create(client, "Once at once");
  const { peer } = await ground.signedPeer(server, "Stutter");
  const body: Command = { op: "post", key: "stutter", thread, text: "t-t-t" };
  const ids = Array.from({ length: 50 }, (_, at) => at + 1);
  await peer.send(...ids.map((id): Message => ({ kind: "command", id, body })));
  const replies = new Set<string>();
  for (const id of ids) replies.add(JSON.stringify((await peer.reply(id)).body));
  assertEquals(replies.size, 1);
  assertEquals((await readAll(client, thread)).length, 1);
});

scenario("message 10 is not taken for message 1", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Teller", register: true });
  const { thread } = await create(client, "Ten");
  const seqs: number[] = [];
  for (let number = 1; number <= 12; number++) {
    const posted = await client.command<"post">({ op: "post", thread, text: `text ${number}` });
    assertEquals(posted.number, number);
    seqs.push(posted.seq);
  }
  await client.command({ op: "edit", thread, message: seqs[9], text: "ten" });
  await client.command({ op: "delete", thread, message: seqs[0] });
  const rows = await readAll(client, thread);
  const texts = Array.from({ length: 11 }, (_, at) => at === 8 ? "ten" : `text ${at + 2}`);
  assertEquals(rows.map(({ text }) => text), texts);
  assertEquals(rows.map(({ number }) => number), texts.map((_, at) => at + 1), "numbers close up");
  const page = await client.command<"read">({ op: "read", thread, number: 9, limit: 1 });
  assertEquals(page.messages[0].text, "ten");
  assertEquals(
    await refusal(client.command({ op: "edit", thread, message: seqs[0], text: "x" })),
    "no-message",
  );
});

scenario("eight who post at once get the numbers 1 to n, each exactly once", async (ground) => {
  const server = await shared();
  const { client } = await ground.member(server, { user: "Chair", register: true });
  const { thread } = await create(client, "Crowd");
  const watcher = await ground.member(server, { user: "Minutes", register: true });
  await watcher.client.follow(`thread/${thread}`, 0);
  const crowd = await Promise.all(
    Array.from(
      { length: 8 },
      (_, at) => ground.member(server, { user: `Crowd-${at}`, register: true }),
    ),
  );
  const each = 50;
  const replies = await Promise.all(
    crowd.flatMap((member, at) =>
      Array.from(
        { length: each },
        (_, turn) => member.client.command<"post">({ op: "post", thread, text: `${at} ${turn}` }),
      )
    ),
  );
  const total = crowd.length * each;
  const upTo = Array.from({ length: total }, (_, at) => at + 1);
  assertEquals(replies.map(({ number }) => number).sort((a, b) => a - b), upTo);
  assertEquals(new Set(replies.map(({ seq }) => seq)).size, total);
  const rows = await readAll(client, thread);
  assertEquals(rows.map(({ number }) => number), upTo);
  for (let at = 0; at < crowd.length; at++) {
    const own = rows.filter(({ by }) => by === `Crowd-${at}`).map(({ text }) => text);
    assertEquals(own, Array.from({ length: each }, (_, turn) => `${at} ${turn}`), "in their order");
  }
  await watcher.event(({ seq }) => seq === total + 1);
  const seen = watcher.heard.all.flatMap((what) =>
    what.type === "event" && what.event.kind === "message.posted" ? [what.event.text] : []
  );
  assertEquals(seen, rows.map(({ text }) => text), "a follower sees them all in that order");
});

scenario(
  "separators, quotes and line ends in a text survive a kill -9 unchanged",
  async (ground) => {
    const server = await ground.server();
    const { client } = await ground.member(server, { user: "Quoter", register: true });
    const { thread } = await create(client, 'a "b" | c, d; e\\f:g#h');
    const texts = [
      "a|b,c;d:e\tf",
      "say \"hello\" and 'bye'",
      "line one\nline two\n\nline four\n",
      "back\\slash \\n \\u0041 %s %00 ${x} {{y}}",
      "1 Yoda: forged line\n2 Luke: another",
      "'; DROP TABLE events; --",
      "\u2028\u2029",
      "é e\u0301 ﬁ 🖖🏽 👩‍👩‍👧 עברית العربية",
      "#####---=====***",
      " leading and trailing ",
      '{"op":"post"}',
      "null",
      "<script>alert(1)</script>",
    ].map((text) => `${text}.`);
    for (const text of texts) await client.command({ op: "post", thread, text });
    const before = await readAll(client, thread);
    assertEquals(before.map(({ text }) => text), texts);
    await server.kill("SIGKILL");
    await server.start();
    assertEquals(await readAll(client, thread), before);
    await client.command({ op: "post", thread, text: "a\r\nb\rc" });
    assertEquals(
      (await readAll(client, thread)).at(-1)?.text,
      "a\nb\nc",
      "line ends become one kind",
    );
  },
);

scenario("a private thread is not there for others, whatever they ask", async (ground) => {
  const server = await shared();
  const owner = await ground.member(server, { user: "Owner", register: true });
  const friend = await ground.member(server, { user: "Friend", register: true });
  const spy = await ground.member(server, { user: "Spy", register: true });
  const spyHead = await spy.client.follow("directory");
  await spy.client.follow("user/spy", 0);
  const start = (await owner.client.command<"users">({ op: "users" })).users[0].since;
  const { thread } = await owner.client.command<"create">({
    op: "create",
    title: "Hidden zanzibar",
    private: true,
    members: ["Friend"],
  });
  const { seq } = await owner.client.command<"post">({
    op: "post",
    thread,
    text: "whisper xylophone to @Spy",
  });
  const told = await owner.client.command<"tell">({
    op: "tell",
    user: "Friend",
    text: "tête-à-tête xylophone",
  });
  for (const hidden of [thread, told.thread]) {
    const scope = `thread/${hidden}`;
    const asked: Command[] = [
      { op: "read", thread: hidden },
      { op: "follow", scope, after: 0 },
      { op: "since", at: start, thread: hidden },
      { op: "search", words: "xylophone", thread: hidden },
      { op: "post", thread: hidden, text: "let me in" },
      { op: "edit", thread: hidden, message: seq, text: "x" },
      { op: "delete", thread: hidden, message: seq },
      { op: "react", thread: hidden, message: seq, emoji: "👍", on: true },
      { op: "mark", thread: hidden, upto: 1 },
      { op: "invite", thread: hidden, user: "Spy" },
      { op: "expel", thread: hidden, user: "Friend" },
      { op: "remove", thread: hidden },
      { op: "typing", thread: hidden },
    ];
    for (const command of asked) {
      assertEquals(await refusal(spy.client.command(command)), "no-thread", command.op);
    }
  }
  assertEquals(
    await refusal(spy.client.command({ op: "find", title: "Hidden zanzibar" })),
    "no-thread",
  );
  for (const scope of ["user/owner", "user/friend", "secrets"]) {
    assertEquals(await refusal(spy.client.follow(scope, 0)), "no-thread", scope);
  }
  const asked = [
    await spy.client.command({ op: "threads", limit: 500 }),
    await spy.client.command({ op: "since", at: 0, limit: 500 }),
    await spy.client.command({ op: "search", words: "xylophone" }),
    await spy.client.command({ op: "search", words: "zanzibar" }),
  ];
  for (const answer of asked) {
    const text = JSON.stringify(answer);
    for (const word of ["xylophone", "zanzibar"]) assert(!text.includes(word), text);
  }
  await create(owner.client, "In the open");
  const next = await spy.event((event) => event.scope === "directory");
  assertEquals(next.seq, spyHead.head + 1, "the directory did not count the hidden ones");
  assert(!JSON.stringify(spy.heard.all).includes("zanzibar"), "nothing came by itself");

  const page = await friend.client.command<"read">({ op: "read", thread });
  assertEquals(page.messages.map(({ text }) => text), ["whisper xylophone to @Spy"]);
  await friend.client.follow(`thread/${thread}`, 0);
  await owner.client.command({ op: "expel", thread, user: "Friend" });
  await owner.client.command({ op: "post", thread, text: "after friend" });
  assertEquals(await refusal(friend.client.command({ op: "read", thread })), "no-thread");
  await friend.client.command({ op: "users" });
  assert(!JSON.stringify(friend.heard.all).includes("after friend"), "who is out hears no more");
});

scenario("only the author edits, only the owner removes", async (ground) => {
  const server = await shared();
  const author = await ground.member(server, { user: "Author", register: true });
  const other = await ground.member(server, { user: "Other", register: true });
  const { thread } = await create(author.client, "Ownership");
  const { seq } = await author.client.command<"post">({ op: "post", thread, text: "mine" });
  const tries: [Command, string][] = [
    [{ op: "edit", thread, message: seq, text: "theirs" }, "not-author"],
    [{ op: "delete", thread, message: seq }, "not-author"],
    [{ op: "remove", thread }, "not-owner"],
    [{ op: "remove", thread: 1 }, "not-owner"],
    [{ op: "edit", thread, message: 999, text: "x" }, "no-message"],
    [{ op: "post", thread: 4_000_000, text: "x" }, "no-thread"],
  ];
  for (const [command, name] of tries) {
    assertEquals(await refusal(other.client.command(command)), name, command.op);
  }
  assertEquals((await readAll(other.client, thread)).map(({ text }) => text), ["mine"]);
});
