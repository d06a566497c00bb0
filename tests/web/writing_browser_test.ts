import { assert, assertEquals } from "@std/assert";
import { type Ground, sharedServer } from "../end_to_end/scenario.ts";
import { browserScenario, type Visitor } from "./visitors.ts";

const shared = sharedServer({ args: ["--web-port", "0"] });

/** A thread of one's own, so that scenarios do not meet. */
async function threadOf(site: Ground, user: string, title: string) {
  const server = await shared();
  const member = await site.member(server, { user, register: true });
  const { thread } = await member.client.command({ op: "create", title });
  return { server, thread, ...member };
}

const field = ({ page }: Visitor) => page.locator("#composer");
const message = ({ page }: Visitor, text: string) =>
  page.locator(".message:not(.pending)").filter({ has: page.locator(".body", { hasText: text }) })
    .last();

browserScenario(
  "Enter sends, Shift+Enter begins a line, and drafts stay with their threads",
  async (site) => {
    const { server, client, event } = await threadOf(site, "Ann", "Drafts");
    await client.follow("directory");
    const ben = await site.visitor(server);
    await ben.signIn("Ben", { stay: true });
    await ben.open("Drafts");
    await field(ben).pressSequentially("first line");
    await field(ben).press("Shift+Enter");
    await field(ben).pressSequentially("second line");
    await client.follow("thread/2");
    await field(ben).press("Enter");
    const posted = await event((e) => e.kind === "message.posted");
    assert(posted.kind === "message.posted");
    assertEquals(posted.text, "first line\nsecond line");
    await field(ben).fill("half a thought");
    await ben.open("lobby");
    assertEquals(await field(ben).inputValue(), "");
    await field(ben).fill("another one");
    await ben.page.reload();
    await ben.until("document.querySelector('#composer')?.value === 'another one'");
    await ben.open("Drafts");
    assertEquals(await field(ben).inputValue(), "half a thought");
  },
);

browserScenario("replies, edits, deletions and reactions go both ways", async (site) => {
  const { server, thread, client } = await threadOf(site, "Cleo", "Changes");
  await client.command({ op: "post", thread, text: "Shall we?" });
  const dan = await site.visitor(server);
  await dan.signIn("Dan");
  await dan.open("Changes");
  const { page } = dan;

  await dan.press(message(dan, "Shall we?"), "Reply");
  await page.getByText("Reply to Cleo").waitFor();
  await dan.say("Yes, let us.");
  await dan.sees("Yes, let us.");
  assertEquals(await message(dan, "Yes, let us.").locator(".answered strong").innerText(), "Cleo");

  // ↑ in an empty field edits the last one; Esc gives up.
  await field(dan).press("ArrowUp");
  assertEquals(await field(dan).inputValue(), "Yes, let us.");
  await field(dan).press("Escape");
  assertEquals(await field(dan).inputValue(), "");
  await field(dan).press("ArrowUp");
  await dan.say("Yes, let us go.");
  await message(dan, "Yes, let us go.").getByText("(edited)").waitFor();

  await dan.press(message(dan, "Shall we?"), "React with 👍");
  const reaction = message(dan, "Shall we?").locator(".reaction");
  assertEquals(await reaction.getAttribute("aria-pressed"), "true");
  const { messages: [first, second] } = await client.command({ op: "read", thread });
  assertEquals(first.reactions, [{ emoji: "👍", users: ["Dan"] }]);
  await client.command({ op: "react", thread, message: second.seq, emoji: ":tada:", on: true });
  await message(dan, "let us go").locator(".reaction").getByText("🎉").waitFor();
  await reaction.click();
  await reaction.waitFor({ state: "detached" });
  await dan.press(message(dan, "Shall we?"), "Choose a reaction");
  await page.getByLabel("Find an emoji").fill("rocket");
  await page.getByTitle(":rocket:").waitFor();
  await page.getByLabel("Find an emoji").press("Enter");
  await reaction.getByText("🚀").waitFor();

  await dan.press(message(dan, "let us go"), "Delete");
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("let us go").waitFor({ state: "detached" });
  assertEquals((await client.command({ op: "read", thread })).messages.length, 1);
  await client.command({ op: "edit", thread, message: first.seq, text: "Shall we not?" });
  await dan.sees("Shall we not?");
  await client.command({ op: "delete", thread, message: first.seq });
  await page.getByText("Shall we not?").waitFor({ state: "detached" });
});

browserScenario("everything can be done by keys alone", async (site) => {
  const { server, thread, client } = await threadOf(site, "Eve", "Keys");
  await client.command({ op: "post", thread, text: "the one before" });
  const finn = await site.visitor(server);
  await finn.signIn("Finn");
  await finn.open("Keys");
  const { page } = finn;
  await field(finn).focus();
  await finn.say("mine");
  await finn.sees("mine");
  const focused = () => page.evaluate("document.activeElement.innerText");
  await page.keyboard.press("Shift+Tab");
  while (!String(await focused()).includes("mine")) await page.keyboard.press("Shift+Tab");
  const first = page.locator("article").filter({ hasText: "the one before" });
  await page.locator("article").filter({ hasText: "mine" }).focus();
  await page.keyboard.press("ArrowUp");
  assert(String(await focused()).includes("the one before"));
  await page.keyboard.press("r");
  await page.getByText("Reply to Eve").waitFor();
  assertEquals(await page.evaluate("document.activeElement.id"), "composer");
  await page.keyboard.press("Escape");
  await first.focus();
  await page.keyboard.press("+");
  await page.getByLabel("Find an emoji").fill("tada");
  await page.getByTitle(":tada:").waitFor();
  await page.keyboard.press("Enter");
  await first.locator(".reaction").getByText("🎉").waitFor();
  await page.locator("article").filter({ hasText: "mine" }).focus();
  await page.keyboard.press("e");
  assertEquals(await field(finn).inputValue(), "mine");
  await finn.say("mine, edited");
  await finn.sees("mine, edited");
  await page.locator("article").filter({ hasText: "mine, edited" }).focus();
  await page.keyboard.press("Delete");
  await page.keyboard.press("Enter");
  await page.getByText("mine, edited").waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("before");
  await page.keyboard.press("Enter");
  await page.locator(".result mark").waitFor();
});

browserScenario("emoji and names are completed, and Markdown is drawn", async (site) => {
  const { server } = await threadOf(site, "Gus", "Words");
  const hal = await site.visitor(server);
  await hal.signIn("Hal");
  await hal.open("Words");
  await field(hal).pressSequentially("well done :tad");
  await hal.page.getByRole("option", { name: "🎉 :tada:" }).waitFor();
  await field(hal).press("Tab");
  assertEquals(await field(hal).inputValue(), "well done 🎉 ");
  await field(hal).pressSequentially("@gu");
  await hal.page.getByRole("option", { name: "@Gus" }).waitFor();
  await field(hal).press("Enter");
  assertEquals(await field(hal).inputValue(), "well done 🎉 @Gus ");
  await field(hal).press("Enter");
  await hal.sees("well done 🎉");
  await hal.say(
    "**bold** _slanted_ `code` :rocket: https://example.org/x and [more](https://example.org/y)",
  );
  const body = message(hal, "slanted").locator(".body");
  await body.locator("strong").getByText("bold").waitFor();
  assertEquals(await body.locator("em").innerText(), "slanted");
  assertEquals(await body.locator("code").innerText(), "code");
  assert((await body.innerText()).includes("🚀"));
  for (const link of await body.locator("a").all()) {
    assertEquals(await link.getAttribute("target"), "_blank");
    assert((await link.getAttribute("rel"))!.includes("noopener noreferrer"));
  }
  assertEquals(await body.locator("a").count(), 2);
  const mention = message(hal, "well done").locator(".mention");
  assertEquals(await mention.innerText(), "@Gus");
});

browserScenario(
  "unread and mentions are counted, typing is seen, and read marks travel",
  async (site) => {
    const { server, thread, client, heard } = await threadOf(site, "Ida", "Counts");
    const jo = await site.visitor(server);
    await jo.signIn("Jo");
    await jo.open("lobby");
    await client.command({ op: "watch", on: true });
    await client.follow(`thread/${thread}`);
    const link = jo.page.locator(".threads").getByRole("link", { name: "Counts" });
    await client.command({ op: "post", thread, text: "one" });
    await client.command({ op: "post", thread, text: "two" });
    await link.getByText("2").waitFor();
    await client.command({ op: "post", thread, text: "three, @Jo" });
    await link.getByText("@1").waitFor();
    await jo.until("document.title.startsWith('(1) ')");
    const second = await site.visitor(server);
    await second.page.goto(`${server.web}#/thread/1`);
    await second.signIn("Jo", { register: false });
    await second.page.locator(".threads").getByRole("link", { name: "Counts" }).getByText("@1")
      .waitFor();
    await jo.open("Counts");
    await jo.sees("three, @Jo");
    await link.locator(".badge").waitFor({ state: "detached" });
    // On the other device as well.
    await second.page.locator(".threads").getByRole("link", { name: "Counts" }).locator(".badge")
      .waitFor({ state: "detached" });
    await client.command({ op: "typing", thread });
    await jo.page.getByText("Ida is typing…").waitFor();
    await field(jo).pressSequentially("I am here");
    await heard.until((what) => what.type === "notice" && what.notice.kind === "typing");
    await client.command({ op: "post", thread, text: "four" });
    await jo.page.getByText("Ida is typing…").waitFor({ state: "detached" });
  },
);

browserScenario(
  "private messages stay between two, and a thread can be made and removed",
  async (site) => {
    const { server, client, heard } = await threadOf(site, "Kim", "Public");
    await client.follow("user/kim");
    const lou = await site.visitor(server);
    await lou.signIn("Lou");
    const { page } = lou;
    await page.locator(".aside").getByRole("button", { name: "Kim", exact: true }).click();
    await page.getByText("Nothing was said yet between you and").waitFor();
    await lou.say("Between us.");
    await lou.sees("Between us.");
    assert(page.url().includes("#/thread/"), page.url());
    await heard.until((what) => what.type === "event" && what.event.kind === "thread.entered");
    const { threads } = await client.command({ op: "threads" });
    const talk = threads.find(({ direct }) => direct)!;
    await client.command({ op: "tell", user: "Lou", text: "Only us." });
    await lou.sees("Only us.");
    assertEquals([talk.private, talk.members?.toSorted()], [true, ["Kim", "Lou"]]);

    await page.getByRole("button", { name: "New thread" }).click();
    await page.getByLabel("Title", { exact: true }).fill("Behind doors");
    await page.getByRole("checkbox").check();
    await page.getByLabel("Members, beside you").fill("Kim");
    await page.getByRole("button", { name: "Create thread" }).click();
    await page.getByRole("heading", { level: 1, name: "Behind doors" }).waitFor();
    await page.getByText("private · Lou and Kim").waitFor();
    await lou.say("Psst.");
    await lou.sees("Psst.");
    await page.getByRole("button", { name: "Remove this thread" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.locator(".threads").getByRole("link", { name: "Behind doors" }).waitFor({
      state: "detached",
    });
  },
);

browserScenario("every message has a link of its own, and search leads to it", async (site) => {
  const { server, thread, client } = await threadOf(site, "Max", "Places");
  for (let at = 1; at <= 300; at += 50) {
    const batch = Array.from({ length: 50 }, (_, more) => `line ${at + more}`);
    await Promise.all(batch.map((text) => client.command({ op: "post", thread, text })));
  }
  const { messages } = await client.command({ op: "read", thread, number: 20, limit: 1 });
  const nan = await site.visitor(server);
  await nan.signIn("Nan");
  const { page } = nan;
  await page.goto(`${server.web}#/thread/${thread}/${messages[0].seq}`);
  const there = page.locator(`article[data-seq="${messages[0].seq}"]`);
  await there.waitFor();
  await nan.until(`(() => {
    const found = document.querySelector('article[data-seq="${messages[0].seq}"]');
    const { top, bottom } = found.getBoundingClientRect();
    return top >= 60 && bottom <= innerHeight - 60;
  })()`);
  await page.getByRole("button", { name: /To the end|\d+ new/ }).click();
  await page.locator("article").filter({ hasText: /line 300/ }).waitFor();
  await page.getByLabel("Search titles and messages").fill("line 37");
  await page.getByLabel("Search titles and messages").press("Enter");
  await page.locator(".result").filter({ hasText: /line 37$/ }).click();
  await page.locator("article.set-off").filter({ hasText: "line 37" }).waitFor();
  assert(/#\/thread\/\d+\/\d+$/.test(page.url()));
});
