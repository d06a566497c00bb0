import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { begunAt, completed, namesFor } from "../../client/web/state/completion.ts";
import { EMOJI, emojiFor, emojiNamed, reactionText } from "../../client/web/state/emoji.ts";
import { dayText, namesText, sizeText } from "../../client/web/state/format.ts";
import {
  createDrafts,
  createMemoryStore,
  kept,
  remember,
  remembered,
  type Store,
} from "../../client/web/state/keeping.ts";
import { createPresence, TYPING_LASTS } from "../../client/web/state/presence.ts";
import { createPreviews, mayPreview, rasterType } from "../../client/web/state/previews.ts";
import { readRoute, type Route, routeHash } from "../../client/web/state/route.ts";
import { checkReaction } from "../../protocol/text.ts";
import { runs } from "../runs.ts";

const routes: fc.Arbitrary<Route> = fc.oneof(
  fc.constant<Route>({ at: "home" }),
  fc.record({ at: fc.constant("thread" as const), thread: fc.integer({ min: 1 }) }),
  fc.record({
    at: fc.constant("thread" as const),
    thread: fc.integer({ min: 1 }),
    seq: fc.integer({ min: 1 }),
  }),
  fc.record({
    at: fc.constant("with" as const),
    user: fc.string({ unit: "grapheme", minLength: 1 }),
  }),
  fc.record({ at: fc.constant("search" as const), words: fc.string({ unit: "grapheme" }) }),
);

Deno.test("law: a route is read from its hash as it was written", () => {
  fc.assert(
    fc.property(routes, (route) => assertEquals(readRoute(routeHash(route)), route)),
    { numRuns: runs() },
  );
});

Deno.test("whatever stands in the address leads somewhere", () => {
  for (const hash of ["", "#", "#/thread", "#/thread/x", "#/thread/0", "#/with/%E0", "#/a/b/c"]) {
    assertEquals(readRoute(hash), { at: "home" }, hash);
  }
  fc.assert(
    fc.property(fc.string(), (hash) => void readRoute(hash)),
    { numRuns: runs() },
  );
});

Deno.test("a word is completed where the caret is", () => {
  assertEquals(begunAt("see :ta", 7), { kind: "emoji", from: 4, word: "ta" });
  assertEquals(begunAt("@", 1), { kind: "mention", from: 0, word: "" });
  for (const [text, at] of [[":-)", 2], ["10:30", 5], ["me@ex", 5], ["http://x", 8], [":t", 2]]) {
    assertEquals(begunAt(text as string, at as number), undefined, text as string);
  }
  const begun = begunAt("hi @le there", 6)!;
  assertEquals(completed("hi @le there", 6, { begun, by: "@Leia" }), {
    text: "hi @Leia there",
    caret: 9,
  });
  assertEquals(namesFor("e", ["Yoda", "Leia", "Earl"], 8), ["Earl", "Leia"]);
});

Deno.test("every emoji can be a reaction, and is found by its name", () => {
  const names = new Set(EMOJI.map(({ name }) => name));
  assertEquals(names.size, EMOJI.length, "no name is there twice");
  for (const { name, emoji } of EMOJI) {
    assertEquals(checkReaction(emoji), emoji.normalize("NFC"), name);
    assertEquals(checkReaction(`:${name}:`), `:${name}:`);
    assertEquals(emojiNamed(name), emoji);
  }
  assertEquals(emojiFor("tad", 5)[0], { name: "tada", emoji: "🎉" });
  assertEquals([reactionText(":+1:"), reactionText(":nothing:"), reactionText("x")], [
    "👍",
    ":nothing:",
    "x",
  ]);
});

Deno.test("sizes, names and days are short", () => {
  assertEquals([0, 999, 1000, 9_960, 1_500_000, 999_600].map(sizeText), [
    "0 B",
    "999 B",
    "1.0 kB",
    "10 kB",
    "1.5 MB",
    "1.0 MB",
  ]);
  assertEquals(namesText(["a", "b", "c", "d"]), "a, b and 2 others");
  const now = new Date(2026, 10, 27, 12).getTime();
  assertEquals(dayText(now - 3_600_000, now), "Today");
  assertEquals(dayText(now - 20 * 3_600_000, now), "Yesterday");
});

Deno.test("a session and drafts are kept, and a browser that keeps nothing does no harm", () => {
  const store = createMemoryStore();
  remember(store, { user: "Yoda", token: "t" });
  assertEquals(remembered(store), { user: "Yoda", token: "t" });
  const drafts = createDrafts(store, "Yoda");
  drafts.set("3", "half a thou");
  assertEquals([drafts.get("3"), drafts.get("4")], ["half a thou", ""]);
  assertEquals(createDrafts(store, "Leia").get("3"), "");
  const broken: Store = {
    getItem: () => "{",
    setItem: () => {
      throw new Error("full");
    },
    removeItem: () => {},
  };
  remember(broken, { user: "Yoda", token: "t" });
  assertEquals([remembered(broken), kept(broken, "x")], [undefined, undefined]);
});

const here = (user: string) => ({ user, role: "member", since: 1, sessions: 1 }) as const;

Deno.test("who comes or goes while it is asked who is here counts more than the answer", async () => {
  const presence = createPresence();
  const answer = Promise.withResolvers<{ users: ReturnType<typeof here>[] }>();
  const learnt = presence.learn(answer.promise);
  presence.take({ kind: "presence", user: "Han", on: true, at: 1 }, 0);
  presence.take({ kind: "presence", user: "Leia", on: false, at: 1 }, 0);
  answer.resolve({ users: [here("Leia"), here("Luke")] });
  await learnt;
  assertEquals(presence.on.value, ["Luke", "Han"]);
  await presence.learn(Promise.resolve({ users: [here("Leia")] }));
  assertEquals(presence.on.value, ["Leia"], "what came before counts no more");
});

Deno.test("typing is believed for a while, and ends with what was typed", async () => {
  const presence = createPresence();
  await presence.learn(Promise.resolve({ users: [here("Leia")] }));
  presence.take({ kind: "presence", user: "Han", on: true, at: 1 }, 0);
  assertEquals(presence.on.value, ["Leia", "Han"]);
  presence.take({ kind: "typing", user: "Han", thread: 1 }, 100);
  presence.take({ kind: "typing", user: "Leia", thread: 1 }, 200);
  presence.spoke("Leia", 1);
  assertEquals(presence.typing.value.map(({ user }) => user), ["Han"]);
  presence.pass(100 + TYPING_LASTS);
  assertEquals(presence.typing.value, []);
  presence.take({ kind: "presence", user: "Han", on: false, at: 1 }, 0);
  assertEquals(presence.on.value, ["Leia"]);
});

const bytes = (text: string) => Uint8Array.from(text, (sign) => sign.charCodeAt(0));
const file = { seq: 2, name: "x", by: "Yoda", at: 1, size: 20, type: "image/png", sha256: "a" };

Deno.test("only pictures made of points have previews, whatever they are said to be", async () => {
  assertEquals(rasterType(bytes("\x89PNG\r\n\x1a\n")), "image/png");
  assertEquals(rasterType(bytes("\xff\xd8\xff\xe0")), "image/jpeg");
  assertEquals(rasterType(bytes("GIF89a")), "image/gif");
  assertEquals(rasterType(bytes("RIFF1234WEBP")), "image/webp");
  for (const text of ["<svg onload=alert(1)>", "<html>", "%PDF-1.7", ""]) {
    assertEquals(rasterType(bytes(text)), undefined, text);
  }
  assertEquals(mayPreview({ type: "image/svg+xml", size: 5 }), false);
  assertEquals(mayPreview({ type: "text/html", size: 5 }), false);
  const urls: string[] = [];
  const previews = createPreviews({
    fetch: (_, { name }) => Promise.resolve(new Blob([bytes(name)])),
    makeUrl: (blob) => `blob:${urls.push(blob.type)}`,
    dropUrl: () => {},
  });
  assertEquals(await previews.get(1, { ...file, name: "<svg>", sha256: "b" }), undefined);
  const made = await previews.get(1, { ...file, name: "GIF89a", type: "image/png" });
  assertNotEquals(made, undefined);
  assertEquals(urls, ["image/gif"], "it is shown as what it is");
});
