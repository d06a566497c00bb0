import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import type { ForumClient } from "../../client/mod.ts";
import { type Ground, sharedServer } from "../end_to_end/scenario.ts";
import type { ServerProcess } from "../end_to_end/processes.ts";
import { nodeEnv } from "../../transport/node_suite.ts";
import { pngPicture } from "./pictures.ts";
import { browserScenario, type Visitor } from "./visitors.ts";

const shared = sharedServer({ args: ["--web-port", "0"] });

const axe = Deno.readTextFileSync(new URL(import.meta.resolve("axe-core")));

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: { readonly target: string[]; readonly failureSummary: string }[];
}

/** What axe finds that is serious. */
async function serious(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const findings = await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  ) as Finding[];
  return findings.filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`)
    );
}

/** Looks at a view: leaves a picture, and lets axe judge it. */
async function look(visitor: Visitor, name: string): Promise<void> {
  await visitor.picture(name);
  assertEquals(await serious(visitor.page), [], name);
}

/** Looks at files from user to user: one that has come, and two that are offered. */
async function lookAtOffers(visitor: Visitor, { lando, user, kind }: {
  lando: ForumClient;
  user: string;
  kind: string;
}): Promise<void> {
  const { page } = visitor;
  await page.locator(".peer-panel").waitFor({ state: "attached" });
  const ending = new AbortController();
  const send = (name: string, size: number) => {
    const content = new Blob([new Uint8Array(size)]);
    // How it ends is told by the page.
    lando.peers!.send({ user, name, content, signal: ending.signal }).catch(() => {});
  };
  send("cloud city, by night.jpg", 241_000);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Accept cloud city" }).click();
  await coming;
  await page.locator(".transfer.done").getByText("saved, verified").waitFor();
  send("carbonite-manual.pdf", 1_800_000);
  send(`${"a very long name of ".repeat(6)}a file.tar.gz`, 64);
  await page.locator(".peer-offer").nth(1).waitFor();
  // However long a name is, it can be seen how large the file is, and be answered.
  await visitor.until(`[...document.querySelectorAll(".peer-offer :is(button, .small)")]
    .every((one) => one.getBoundingClientRect().right <=
      document.querySelector(".centre").getBoundingClientRect().right)`);
  await look(visitor, `offers-${kind}`);
  ending.abort();
  await page.locator(".peer-offer").first().waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Dismiss cloud city" }).click();
}

/** A forum in which something has been going on; made once for all. */
let furnished: Promise<{ server: ServerProcess; leia: ForumClient }> | undefined;

async function furnish(site: Ground): Promise<{ server: ServerProcess; leia: ForumClient }> {
  const server = await shared();
  const { client: leia } = await site.member(server, { user: "Leia", register: true });
  const { client: han } = await site.member(server, { user: "Han", register: true });
  const { client: chewie } = await site.member(server, { user: "Chewbacca", register: true });
  await leia.command({ op: "create", title: "Holocron repairs" });
  const { thread } = await leia.command({ op: "create", title: "Rebel base, floor plan" });
  await han.command({ op: "create", title: "Falcon: what broke today" });
  const say = (who: ForumClient, text: string, reply?: number) =>
    who.command({ op: "post", thread, text, ...reply !== undefined && { reply } });
  await say(leia, "Good morning, everybody :wave:");
  await say(
    leia,
    "The new base needs **three** things before we move in:\n\n1. power\n2. air that does not smell of ~~tauntaun~~ old socks\n3. a table for `dejarik`",
  );
  const asked = await say(han, "Who plans the hangar? The last one was _too small_ by a Falcon.");
  await say(chewie, "Rrraaawwrr!");
  const answer = await say(leia, "Draw it yourself, then. It is open to all.", asked.seq);
  await say(han, "```\nwidth  = falcon * 1.5\nheight = wookiee * 3\n```");
  await leia.command({ op: "react", thread, message: asked.seq, emoji: "😄", on: true });
  await chewie.command({ op: "react", thread, message: asked.seq, emoji: "😄", on: true });
  await han.command({ op: "react", thread, message: answer.seq, emoji: "👍", on: true });
  await leia.upload({
    thread,
    name: "view-from-the-ridge.png",
    content: new Blob([await pngPicture(640, 300)]),
    type: "image/png",
  });
  await han.upload({
    thread,
    name: "hangar plan, third draft.pdf",
    content: new Blob([new Uint8Array(184_320)]),
    type: "application/pdf",
  });
  await say(
    leia,
    "> too small by a Falcon\n\n@Yoda will have a view on size. See https://example.org/size",
  );
  return { server, leia };
}

async function enter(site: Ground): Promise<ServerProcess> {
  furnished ??= furnish(site);
  return (await furnished).server;
}

for (const [phone, dark] of [[false, false], [false, true], [true, false], [true, true]]) {
  const kind = `${phone ? "phone" : "desktop"}-${dark ? "dark" : "light"}`;
  browserScenario(
    `the views are worth looking at, and everybody can use them: ${kind}`,
    async (site) => {
      const server = await enter(site);
      const visitor = await site.visitor(server, { phone, dark });
      const { page } = visitor;
      const name = `Yoda-${phone ? "p" : "d"}${dark ? "d" : "l"}`;
      await look(visitor, `sign-in-${kind}`);
      await visitor.signIn(name);
      const { client: lando } = await site.member(server, {
        user: `Lando-${kind}`,
        register: true,
        peers: { env: nodeEnv },
      });
      await lando.command({ op: "tell", user: name, text: "Have you a moment?" });
      await lando.command({ op: "tell", user: name, text: "It is about the city. :cloud:" });
      await lando.command({ op: "post", thread: 1, text: `@${name} the lobby misses you` });
      await visitor.open("Rebel base");
      await page.getByAltText("view-from-the-ridge.png").waitFor();
      await lando.command({ op: "typing", thread: 2 });
      await visitor.sees("will have a view on size");
      await look(visitor, `timeline-${kind}`);
      if (phone) {
        await page.getByRole("button", { name: "Threads", exact: true }).click();
        await page.locator(".show-threads").waitFor();
        await look(visitor, `threads-${kind}`);
        await page.keyboard.press("Escape");
        await page.getByRole("button", { name: "People and files" }).click();
        await look(visitor, `files-${kind}`);
        await page.keyboard.press("Escape");
      } else {
        const message = page.locator(".message").filter({ hasText: "Draw it yourself" });
        await visitor.press(message, "Choose a reaction");
        await page.getByRole("dialog", { name: "Emoji" }).getByTitle(":tada:").waitFor();
        await look(visitor, `reacting-${kind}`);
        await page.keyboard.press("Escape");
      }
      if (phone) await page.getByRole("button", { name: "Threads", exact: true }).click();
      await page.getByLabel("Search titles and messages").fill("falcon");
      await page.keyboard.press("Enter");
      await page.locator(".result mark").first().waitFor();
      await look(visitor, `search-${kind}`);
      await visitor.open(`Lando-${kind}`);
      await visitor.sees("It is about the city");
      await visitor.say("A moment, I have.");
      await visitor.sees("A moment, I have.");
      await look(visitor, `private-${kind}`);
      await lookAtOffers(visitor, { lando, user: name, kind });
      if (phone) await page.getByRole("button", { name: "Threads", exact: true }).click();
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByRole("dialog", { name: "Settings" }).waitFor();
      await look(visitor, `settings-${kind}`);
      await page.getByRole("button", { name: "Close", exact: true }).click();
    },
  );
}
