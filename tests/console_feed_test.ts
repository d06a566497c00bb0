import { assertEquals } from "@std/assert";
import type { ClientEvent } from "../client/forum_client.ts";
import { createDirectory } from "../protocol/terminal/directory.ts";
import { createFeed } from "../client/console/feed.ts";
import { createJoined } from "../protocol/terminal/joined.ts";
import { createNumbers } from "../protocol/terminal/numbers.ts";
import type { ForumEvent } from "../protocol/forum/event.ts";
import { join, scriptedClient, threadRow } from "./console_client.ts";

function feedOf(everything: boolean) {
  const direct = threadRow(7, "Ann, Yoda", { direct: true, members: ["Ann", "Yoda"] });
  const { client, asked } = scriptedClient({
    threads: () => ({ threads: [direct, threadRow(1, "lobby")], more: false }),
    watch: () => ({ users: [{ user: "Ann" }] }),
    read: ({ thread }) => ({ thread: { ...direct, thread }, messages: [], files: [], more: false }),
  });
  const directory = createDirectory("Yoda");
  const numbers = createNumbers();
  const joined = createJoined();
  const shown: ClientEvent[] = [];
  const show = (event: ClientEvent) => void shown.push(event);
  const feed = createFeed({ client, directory, numbers, joined, everything, show });
  return { feed, asked, directory, numbers, joined, shown };
}

const base = { seq: 5, at: 0, by: "Ann" };
const posted = (thread: number, number: number): ForumEvent => ({
  ...base,
  kind: "message.posted",
  scope: `thread/${thread}`,
  text: "hi",
  number,
});
const happened = (event: ForumEvent): ClientEvent => ({ type: "event", event });

Deno.test("a person's feed follows the forum's scopes and their conversations", async () => {
  const { feed, asked, directory } = feedOf(true);
  await feed.start();
  assertEquals(
    asked.flatMap((command) => "follow" in command ? [command.follow] : []),
    ["directory", "user/yoda", "accounts", "thread/7"],
  );
  assertEquals([...directory.people()], ["Ann"]);
  assertEquals(directory.label(7), "@Ann");
});

Deno.test("a script's feed shows its joined threads only, and numbers shown are remembered", async () => {
  const { feed, joined, shown, numbers } = feedOf(false);
  await feed.start();
  feed.take(happened(posted(1, 3)));
  assertEquals(shown, []);
  assertEquals(numbers.meaning(1, 3), undefined);
  await join(joined, 1);
  feed.take(happened(posted(1, 4)));
  assertEquals(shown.length, 1);
  assertEquals(numbers.meaning(1, 4), 5);
});

Deno.test("threads that come and go are known by their titles", () => {
  const { feed, directory } = feedOf(false);
  feed.take(
    happened({ ...base, kind: "thread.created", scope: "directory", thread: 9, title: "x" }),
  );
  assertEquals(directory.label(9), "x");
  feed.take(
    happened({ ...base, kind: "thread.removed", scope: "directory", thread: 9, title: "x" }),
  );
  // What is still said of it names it, but nobody can mean it any more.
  assertEquals([directory.label(9), directory.named({ title: "x" })], ["x", []]);
});

Deno.test("a new conversation is followed from its first message", async () => {
  const { feed, asked } = feedOf(true);
  await feed.start();
  feed.take(happened({
    ...base,
    kind: "thread.entered",
    scope: "user/yoda",
    thread: 8,
    title: "Ann, Yoda",
  }));
  // What the event sets off takes a few turns of promises.
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assertEquals(asked.at(-1), { follow: "thread/8", after: 0 });
});

Deno.test("coming back is told, the beginning is not", () => {
  const { feed, shown } = feedOf(false);
  feed.take({ type: "online" });
  assertEquals(shown, []);
  feed.take({ type: "offline", text: "broken" });
  feed.take({ type: "online" });
  assertEquals(shown.map(({ type }) => type), ["offline", "online"]);
});

Deno.test("a thread that is followed no longer is not joined", async () => {
  const { feed, joined, shown } = feedOf(false);
  await join(joined, 1);
  feed.take({
    type: "unfollowed",
    scope: "thread/1",
    code: 1404,
    name: "no-thread",
    text: "Gone.",
  });
  assertEquals([joined.current, shown.length], [undefined, 1]);
});
