import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Outcome } from "../protocol/terminal/outcome.ts";
import type { MessageRow } from "../protocol/forum/reply.ts";
import type { StatusName } from "../protocol/status.ts";
import { VERB_NAMES } from "../protocol/verbs.ts";
import { type Answers, scriptedSession, threadRow } from "./console_client.ts";

const message = (number: number, seq: number, by = "Yoda"): MessageRow => ({
  number,
  seq,
  by,
  at: 0,
  text: `text of ${seq}`,
});
const lobby = threadRow(1, "lobby");
const force = threadRow(2, "The Force");

/** A server with lobby and The Force, in which messages 2, 3, 4 live. */
const server: Answers = {
  find: ({ title }) => {
    const row = [lobby, force].find((known) => known.title.toLowerCase() === title?.toLowerCase());
    return row === undefined ? "no-thread" : { thread: row };
  },
  read: ({ number, thread }) => ({
    thread: thread === 1 ? lobby : force,
    messages: [message(1, 2), message(2, 3), message(3, 4)].slice((number ?? 1) - 1),
    files: [],
    more: false,
  }),
  post: () => ({ seq: 9, number: 4, at: 5 }),
  tell: () => ({ thread: 7, seq: 2, number: 1, at: 5 }),
  edit: () => ({ seq: 9, at: 5 }),
  delete: () => ({ seq: 9 }),
  threads: () => ({ threads: [force, lobby], more: false }),
};

function refusedWith(outcome: Outcome, name: StatusName): string {
  assert(!outcome.ok, `${outcome.command} should be refused`);
  assertEquals(outcome.name, name);
  return outcome.text;
}

Deno.test("a thread is found by its title once, then known", async () => {
  const { run, asked } = scriptedSession(server);
  await run('RDT "the force"');
  assertEquals(asked[0], { op: "find", title: "the force" });
  await run('RDT "THE FORCE" 2');
  assertEquals(asked[0], { op: "read", thread: 2, number: 2, limit: 50 });
});

Deno.test("RDT marks as read what it showed", async () => {
  const { run, asked } = scriptedSession(server);
  await run("RDT #2");
  assertEquals(asked.at(-1), { op: "mark", thread: 2, upto: 4 });
});

Deno.test("a number means the message that RDT showed, whatever the server calls it now", async () => {
  const { run, asked } = scriptedSession(server);
  await run("RDT #2");
  await run("EDT #2 3 better");
  assertEquals(asked, [{ op: "edit", thread: 2, message: 4, text: "better" }]);
});

Deno.test("without a listing the server is asked for the number now", async () => {
  const { run, asked } = scriptedSession(server);
  await run("DLT #2 2 wrong");
  assertEquals(asked, [
    { op: "read", thread: 2, number: 2, limit: 1 },
    { op: "delete", thread: 2, message: 3, why: "wrong" },
  ]);
  refusedWith(await run("DLT #2 9"), "no-message");
});

Deno.test("a number that was shown for two messages is refused until RDT", async () => {
  const { run, asked, numbers } = scriptedSession(server);
  await run("RDT #2");
  // Message 2 was deleted elsewhere, and the next one came as number 3 again.
  numbers.shown(2, { number: 3, seq: 6 });
  assertMatch(refusedWith(await run("EDT #2 3 better"), "no-message"), /RDT "The Force" again/);
  assertEquals(asked, []);
  await run("RDT #2");
  assert((await run("EDT #2 3 better")).ok);
});

Deno.test("a message that was shown and is gone is not taken for its successor", async () => {
  const { run } = scriptedSession({ ...server, delete: () => "no-message" });
  await run("RDT #2");
  assertMatch(refusedWith(await run("DLT #2 1"), "no-message"), /there no more/);
});

Deno.test("the number of one's own message counts as shown only if somebody looks on", async () => {
  for (const attended of [true, false]) {
    const { run, asked } = scriptedSession(server, attended);
    await run("MSG #2 hello");
    await run("DLT #2 4");
    const deletes = asked.filter((command) => "op" in command && command.op === "delete");
    assertEquals(deletes.length, attended ? 1 : 0);
  }
});

Deno.test("MSG with the name of a thread posts there", async () => {
  const { run, asked } = scriptedSession(server);
  const outcome = await run("MSG lobby  hi");
  assertEquals(asked.at(-1), { op: "post", thread: 1, text: " hi" });
  assert(outcome.ok && outcome.command === "MSG");
  assertEquals(outcome.result, { thread: 1, seq: 9, number: 4, at: 5 });
  await run("MSG #9 hi");
  assertEquals(asked, [{ op: "post", thread: 9, text: "hi" }]);
});

Deno.test("MSG without one posts all of it to the joined thread, else to lobby", async () => {
  const { run, asked } = scriptedSession(server);
  await run("MSG Compute Network Rocks");
  assertEquals(asked.at(-1), { op: "post", thread: 1, text: "Compute Network Rocks" });
  await run('JIN "The Force"');
  await run("MSG Hello");
  assertEquals(asked.at(-1), { op: "post", thread: 2, text: "Hello" });
});

Deno.test("MSG never makes public text of what looks like the name of a thread", async () => {
  const { run, asked, directory } = scriptedSession(server);
  directory.add({ thread: 5, title: "Plans", direct: false });
  assertMatch(refusedWith(await run("MSG Plan we attack at dawn"), "no-thread"), /Plans/);
  refusedWith(await run('MSG "No such thread" we attack at dawn'), "no-thread");
  refusedWith(await run("MSG Plans"), "bad-field");
  refusedWith(await run("MSG @Ann"), "bad-field");
  assertEquals(asked.filter((command) => "op" in command && command.op === "post"), []);
  await run("MSG @Ann psst");
  assertEquals(asked, [{ op: "tell", user: "Ann", text: "psst" }]);
});

Deno.test("two threads of one title are told apart by number", async () => {
  const { run, directory } = scriptedSession(server);
  directory.add({ thread: 5, title: "Plans", direct: false });
  directory.add({ thread: 6, title: "plans", direct: false });
  assertMatch(refusedWith(await run("RMV plans"), "no-thread"), /#5, #6/);
});

Deno.test("@user is the conversation with that user", async () => {
  const { run, asked } = scriptedSession({
    ...server,
    find: ({ user }) =>
      user === "ann"
        ? { thread: threadRow(7, "Ann, Yoda", { direct: true, members: ["Ann", "Yoda"] }) }
        : "no-thread",
  });
  await run("RDT @ann");
  assertEquals(asked[0], { op: "find", user: "ann" });
  assertEquals(asked[1], { op: "read", thread: 7, limit: 50 });
  refusedWith(await run("RDT @Bob"), "no-thread");
});

Deno.test("bare text is posted once a thread is joined, and refused before", async () => {
  const { run, asked } = scriptedSession(server);
  assertMatch(refusedWith(await run("whatsthedate"), "invalid-command"), /not a command/);
  await run("JIN lobby");
  await run('JIN "The Force"');
  assert((await run("out of here")).ok === false, "a verb stays a verb");
  await run("whatsthedate");
  assertEquals(asked, [{ op: "post", thread: 2, text: "whatsthedate" }]);
  await run("LVE");
  assertEquals(asked, [{ unfollow: "thread/2" }]);
  await run("whatsthedate");
  assertEquals(asked, [{ op: "post", thread: 1, text: "whatsthedate" }]);
});

Deno.test("/react the second time takes the reaction off", async () => {
  let users = ["Ann"];
  const { run, asked } = scriptedSession({
    ...server,
    read: () => ({
      thread: lobby,
      messages: [{ ...message(1, 2), reactions: [{ emoji: "👍", users }] }],
      files: [],
      more: false,
    }),
  });
  await run("/react #1 1 👍");
  assertEquals(asked.at(-1), { op: "react", thread: 1, message: 2, emoji: "👍", on: true });
  users = ["Ann", "yoda"];
  await run("/react #1 1 👍");
  assertEquals(asked.at(-1), { op: "react", thread: 1, message: 2, emoji: "👍", on: false });
});

Deno.test("secrets come from where they are asked for, and are missed if they are not there", async () => {
  const { run, asked } = scriptedSession(server);
  await run("/admin");
  assertEquals(asked, [{ promote: "tell nobody" }]);
  assertMatch(refusedWith(await run("/password"), "bad-field"), /DFP_NEW_PASSWORD/);
});

Deno.test("the server's refusals keep their code, name and sentence", async () => {
  const { run } = scriptedSession({ ...server, create: () => "thread-exists" });
  assertEquals(await run("CRT lobby"), {
    ok: false,
    command: "CRT",
    code: 1409,
    name: "thread-exists",
    text: "A thread of that title is there already.",
  });
});

Deno.test("HLP tells of one verb or of all that are there", async () => {
  const { run } = scriptedSession(server);
  const one = await run("HLP react");
  assert(one.ok && one.command === "HLP");
  assertEquals(one.result.verbs.map(({ verb }) => verb), ["/react"]);
  const all = await run("HLP");
  assert(all.ok && all.command === "HLP");
  assertEquals(all.result.verbs.map(({ verb }) => verb), VERB_NAMES);
  refusedWith(await run("HLP dance"), "invalid-command");
});

Deno.test("RDM asks from the time given on, and refuses what is none", async () => {
  const { run, asked } = scriptedSession({
    ...server,
    since: () => ({ messages: [], more: false }),
  });
  await run("RDM 1h ago");
  assertEquals(asked, [{ op: "since", at: 6_400_000, limit: 500 }]);
  refusedWith(await run("RDM yesterday"), "bad-field");
});

Deno.test("the end of the list comes page by page", async () => {
  const all = Array.from({ length: 700 }, (_, place) => threadRow(place + 1, `t${place}`));
  const { run, asked } = scriptedSession({
    threads: ({ skip = 0, limit = 50 }) => ({
      threads: all.slice(skip, skip + limit),
      more: skip + limit < all.length,
    }),
  });
  const outcome = await run("LST");
  assert(outcome.ok && outcome.command === "LST");
  assertEquals([outcome.result.threads.length, asked.length], [700, 2]);
});
