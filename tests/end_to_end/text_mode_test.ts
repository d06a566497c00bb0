import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { TRANSMIT_HIGH_WATER } from "../../protocol/link.ts";
import { create } from "./asking.ts";
import { ADMIN_PASSWORD } from "./processes.ts";
import { PASSWORD, scenario, sharedServer } from "./scenario.ts";
import { startTerminal } from "./terminal.ts";

const shared = sharedServer();
const DONE = "DFP 2020 valid-command Done.";
const MOMENT = String.raw`\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d`;

/** Compares lines with patterns, one each; a string is the line itself, `@` in it a moment. */
function assertLines(lines: readonly string[], expected: readonly string[]): void {
  const plain = lines.map((line) => line.replace(new RegExp(MOMENT, "g"), "@"));
  assertEquals(plain, expected);
}

scenario("the sessions that the older systems show, by nc", async (ground) => {
  const server = await ground.server();
  const yoda = await startTerminal(ground, server);
  await yoda.type("Yoda");
  await yoda.lines.until((line) => line.includes("There is no account Yoda yet"));
  await yoda.type(PASSWORD);
  await yoda.lines.until((line) => line.includes("same password again"));
  assertLines(await yoda.ask(PASSWORD), [
    "Welcome Yoda! HLP lists the commands.",
    "DFP 2020 valid-command You are signed in as Yoda.",
  ]);
  assertLines(await yoda.ask('CRT "The Force"'), ['Thread #2 "The Force" created.', DONE]);
  assertLines(await yoda.ask('CRT "the force"'), [
    "DFP 1409 thread-exists A thread of that title is there already.",
  ]);
  assertLines(await yoda.ask("LST"), [
    '#2 "The Force" by Yoda, 0 messages',
    '#1 "lobby", 0 messages',
    DONE,
  ]);
  assertLines(await yoda.ask('MSG "The Force" Do or do not.'), [
    'Message 1 posted in "The Force" at @.',
    DONE,
  ]);
  await yoda.ask('MSG "The Force" There is no try.');
  await yoda.ask('MSG "The Force" Much to learn, you still have.');
  assertLines(await yoda.ask("whatsthedate"), [
    "DFP 1024 invalid-command whatsthedate is not a command, and no thread is joined to post it to. " +
    "HLP lists the commands. JIN thread joins one.",
  ]);
  assertLines(await yoda.ask('EDT "The Force" 3 Much to learn, I still have.'), [
    'Message 3 in "The Force" edited at @.',
    DONE,
  ]);
  assertLines(await yoda.ask('DLT "The Force" 1'), ['Message 1 in "The Force" deleted.', DONE]);
  // The numbers close up, as they always did.
  assertLines(await yoda.ask('RDT "The Force"'), [
    '#2 "The Force" by Yoda, 2 messages',
    "1 Yoda (@): There is no try.",
    "2 Yoda (@, edited): Much to learn, I still have.",
    DONE,
  ]);
  assertLines(await yoda.ask('DLT "The Force" 7'), [
    "DFP 1405 no-message There is no such message in this thread.",
  ]);

  const obi = await startTerminal(ground, server);
  await obi.register("Obi-wan", PASSWORD);
  assertLines(await obi.ask("RDM 23 Feb 2021 15:00:00"), [
    '["The Force"] 1 Yoda (@): There is no try.',
    '["The Force"] 2 Yoda (@, edited): Much to learn, I still have.',
    DONE,
  ]);
  assertLines(await obi.ask('EDT "The Force" 1 mine'), [
    "DFP 1412 not-author Only the author of a message may do this.",
  ]);
  assertLines(await obi.ask('RMV "The Force"'), [
    "DFP 1413 not-owner Only the owner of the thread may do this.",
  ]);
  assertLines(await obi.ask("ATU"), [
    "Yoda, active since @",
    "Obi-wan, active since @",
    DONE,
  ]);
  assertLines(await obi.ask("SRC learn"), [
    '["The Force"] 2 Yoda (@, edited): Much to learn, I still have.',
    DONE,
  ]);
  assertLines(await obi.ask("PRV @Yoda Hello there"), [
    "Private message to Yoda sent at @.",
    DONE,
  ]);
  const told = await yoda.lines.until((line) => line.startsWith("* "));
  assertLines([told], ["* [@Obi-wan] 1 Obi-wan (@): Hello there"]);
  await obi.ask('JIN "The Force"');
  await yoda.ask('MSG "The Force" Live it is.');
  const live = await obi.lines.until((line) => line.startsWith("* "));
  assertLines([live], ['* ["The Force"] 3 Yoda (@): Live it is.']);
  assertLines(await yoda.ask('RMV "The Force"'), ['Thread "The Force" removed.', DONE]);
  await obi.lines.until((line) => line === '* ["The Force"] Yoda has removed the thread');
  assertLines(await yoda.ask('RDT "The Force"'), [
    "DFP 1404 no-thread There is no such thread, or you may not see it.",
  ]);
  assertLines(await yoda.ask("UPD lobby holocron.bin"), [
    "DFP 1403 not-allowed Files are not carried in text mode; use the terminal client or the web page.",
  ]);
  assertLines(await yoda.ask("OUT"), [
    "Successfully logged out, seya Yoda!",
    "DFP 2025 goodbye The session ended as asked.",
  ]);
  await yoda.leave();

  await obi.type("SHT");
  await obi.lines.until((line) => line.startsWith("DFP 132 processing Type the admin password"));
  assertLines(await obi.ask("guessed"), [
    "DFP 1402 wrong-password The admin password is wrong.",
  ]);
  const from = obi.lines.all.length;
  await obi.type("SHT", ADMIN_PASSWORD);
  await obi.lines.until((line) => line.startsWith("DFP 1503 "));
  await obi.leave();
  assertLines(obi.lines.all.slice(from), [
    "DFP 132 processing Type the admin password; it can be seen as you type it. A blank line leaves it.",
    "The server is shutting down.",
    DONE,
    "* The server is closing: The server is shutting down.",
    "DFP 1503 shutting-down The server is shutting down.",
  ]);
  assertEquals((await server.process.exited).code, 0);
  const log = server.output.all.join("\n");
  assertMatch(log, /Yoda 127\.0\.0\.1 register by="text"/);
  for (const secret of [PASSWORD, ADMIN_PASSWORD, "guessed"]) assert(!log.includes(secret));
});

scenario(
  "a script that is typed all at once is answered line by line, to the end",
  async (ground) => {
    const server = await shared();
    const terminal = await startTerminal(ground, server);
    const posts = Array.from({ length: 200 }, (_, at) => `MSG Script text ${at + 1}`);
    await terminal.type("", "Scribe", PASSWORD, PASSWORD, "CRT Script", ...posts, "RDT Script 151");
    await terminal.leave();
    const lines = terminal.lines.all;
    assertEquals(lines.filter((line) => line === DONE).length, posts.length + 2);
    assertLines(
      lines.slice(-52, -2),
      posts.slice(150).map((post, at) =>
        `${151 + at} Scribe (@): ${post.slice("MSG Script ".length)}`
      ),
    );
  },
);

scenario("people with nc and a client of frames talk together", async (ground) => {
  const server = await shared();
  const { client, event } = await ground.member(server, { user: "Framed", register: true });
  const { thread } = await create(client, "Together");
  await client.follow(`thread/${thread}`);
  const people = [await startTerminal(ground, server), await startTerminal(ground, server)];
  for (const [at, person] of people.entries()) {
    await person.register(`Typist-${at}`, PASSWORD);
    await person.ask("JIN Together");
  }
  await people[0].ask("typed, not framed");
  const heard = await event((what) => what.kind === "message.posted");
  assert(heard.kind === "message.posted");
  assertEquals([heard.by, heard.text, heard.number], ["Typist-0", "typed, not framed", 1]);
  // What no terminal is to obey, and lines that would pass for others'.
  const text = "one\n* [Together] 9 Typist-0: two\nDFP 2020 valid-command Done.\u001b[2J";
  await client.command({ op: "post", thread, text: text.replace("\u001b[2J", "\u202e") });
  for (const person of people) {
    const line = await person.lines.until((line) => / 2 Framed /.test(line));
    const at = person.lines.all.indexOf(line);
    await person.lines.until((line) => line.includes("Done."), at);
    assertLines(person.lines.all.slice(at, at + 3), [
      "* [Together] 2 Framed (@): one",
      "  * [Together] 9 Typist-0: two",
      "  DFP 2020 valid-command Done.\\u{202e}",
    ]);
  }
  await client.command({ op: "edit", thread, message: heard.seq + 1, text: "three" });
  await people[1].lines.until((line) => line === "* [Together] Framed has edited message 2: three");
});

scenario("wrong passwords lock out, across a restart, and for all ways in", async (ground) => {
  const server = await ground.server({ args: ["--lockout", "900", "--max-attempts", "2"] });
  const owner = await startTerminal(ground, server);
  await owner.register("Owner", PASSWORD);
  await owner.ask("XIT");
  const guesser = await startTerminal(ground, server);
  assertMatch((await guesser.ask("Owner", "guess")).at(-1)!, /^DFP 1402 .*Type your user name\.$/);
  assertMatch((await guesser.ask("Owner", "again")).at(-1)!, /^DFP 1402 /);
  const locked = /^DFP 1423 locked-out .*Try again in \d+ s\./;
  assertMatch((await guesser.ask("Owner", PASSWORD)).at(-1)!, locked);
  await server.kill("SIGKILL");
  await guesser.leave();
  await server.start();
  const later = await startTerminal(ground, server);
  assertMatch((await later.ask("OWNER", PASSWORD)).at(-1)!, locked);
  const peer = await ground.peer(server);
  await peer.greet();
  const refused = await peer.login("Owner", PASSWORD);
  assertEquals("name" in refused && refused.name, "locked-out");
});

scenario("who is idle is told, and put out", async (ground) => {
  const server = await ground.server({ args: ["--text-idle-timeout", "1"] });
  const terminal = await startTerminal(ground, server);
  await terminal.register("Idler", PASSWORD);
  await terminal.ask("JIN lobby");
  assertEquals(
    await terminal.ending(),
    "DFP 1508 idle Nothing was asked for too long. Sign in again when you need to.",
  );
});

scenario("--text off turns everybody away who does not begin with the preface", async (ground) => {
  const server = await ground.server({ args: ["--text", "off"] });
  const terminal = await startTerminal(ground, server);
  assertMatch((await terminal.ask("Yoda")).at(-1)!, /^DFP 1460 bad-opening /);
  await terminal.leave();
  const { client } = await ground.member(server, { user: "Framed", register: true });
  await client.command({ op: "users" });
});

scenario("what a web page makes a browser send types nothing", async (ground) => {
  const server = await ground.server();
  const peer = await ground.peer(server);
  const body = `\nMallory\n${PASSWORD}\n${PASSWORD}\nMSG lobby spam\n`;
  await peer.sendBytes(
    new TextEncoder().encode(`POST / HTTP/1.1\r\nHost: ${server.hostname}\r\n\r\n${body}`),
  );
  assertMatch(await peer.text(), /^DFP 2024 [^\n]*\nDFP 1460 bad-opening [^\n]*\n$/);
  const { client } = await ground.member(server, { user: "Mallory", register: true });
  const { messages } = await client.command<"read">({ op: "read", thread: 1 });
  assertEquals(messages, []);
});

/** An address of this machine that is not its own loopback, if it has one. */
function outward(): string | undefined {
  return Deno.networkInterfaces()
    .find(({ family, address }) => family === "IPv4" && !address.startsWith("127."))?.address;
}

scenario("passwords are not taken where they could be read on the way", async (ground) => {
  const hostname = outward();
  if (hostname === undefined) return console.log("(this machine has no other address: not tried)");
  const { port } = await ground.server({ args: ["--hostname", "0.0.0.0"] });
  const terminal = await startTerminal(ground, { hostname, port });
  await terminal.type("Yoda", PASSWORD);
  await terminal.ending();
  await terminal.leave();
  assertEquals(terminal.lines.all.length, 2, "the banner, and why");
  assertMatch(terminal.lines.all[1], /^DFP 1403 not-allowed .*TLS.*terminal client/);
  const local = await startTerminal(ground, { hostname: "127.0.0.1", port });
  await local.register("Yoda", PASSWORD);
});

scenario("a terminal that stops reading holds nobody up, and misses nothing", async (ground) => {
  const server = await ground.server({ args: ["--post-rate", "0"] });
  const { client } = await ground.member(server, { user: "Talker", register: true });
  const { thread } = await create(client, "Flood");
  const stalled = await ground.peer(server);
  const text = new TextEncoder().encode(`\nStalled\n${PASSWORD}\n${PASSWORD}\nJIN Flood\n`);
  await stalled.sendBytes(text);
  const reader = await startTerminal(ground, server);
  await reader.register("Reader", PASSWORD);
  await reader.ask("JIN Flood");
  // By then the other one is in as well.
  for (let there = false; !there;) {
    const { users } = await client.command<"users">({ op: "users" });
    there = users.some(({ user }) => user === "Stalled");
  }
  await client.command({ op: "post", thread, text: "begin" });
  await reader.lines.until((line) => line.endsWith(": begin"));
  const before = server.usage().memory;
  const count = 400;
  const long = "x".repeat(50_000);
  for (let n = 1; n <= count; n++) {
    await client.command({ op: "post", thread, text: `${n} ${long}` });
  }
  await reader.lines.until((line) => line.includes(`: ${count} x`));
  assertLess(server.usage().memory - before, 150 * 1024 * 1024);
  await stalled.endWriting();
  const said = await stalled.text();
  const numbers = [...said.matchAll(/: (\d+) x{50000}\r\n/g)].map((match) => Number(match[1]));
  const first = numbers[0] ?? 0;
  assert(first >= 1 && first <= 2 + TRANSMIT_HIGH_WATER, "it has followed from the beginning");
  assertEquals(numbers, Array.from({ length: numbers.length }, (_, at) => first + at));
});
