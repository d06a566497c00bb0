import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { decideOpening } from "../../protocol/forum/decide_thread.ts";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import { openSqliteLog } from "../../server/log/sqlite_log.ts";
import { LOBBY } from "../../server/service.ts";
import { sharedServer } from "../end_to_end/scenario.ts";
import { append, register } from "../log_fixture.ts";
import { browserScenario, type Site, type Visitor } from "./visitors.ts";

const shared = sharedServer({ args: ["--web-port", "0"] });

/** The script of a first visit, as it travels, in bytes. */
const SCRIPT_MAX = 60_000;
/** A page should be interactive so soon, in ms; busy machines are forgiven five times as much. */
const INTERACTIVE = 300;
const FORGIVEN = 5;

interface Loaded {
  readonly interactive: number;
  readonly bytes: number;
}

async function loaded({ page }: Visitor): Promise<Loaded> {
  return await page.evaluate(`(() => {
    const all = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"));
    // Files from user to user are loaded when all else is there.
    const late = all.find(({ name }) => name.includes("/peers-"))?.startTime ?? Infinity;
    const scripts = all.filter(({ startTime }) => startTime < late);
    return {
      interactive: performance.getEntriesByName("interactive")[0].startTime,
      bytes: scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    };
  })()`) as Loaded;
}

browserScenario("a first visit needs little script, and is answered soon", async (site) => {
  const server = await shared();
  const times: number[] = [];
  let bytes = 0;
  let signedIn = 0;
  for (let visit = 0; visit < 5; visit++) {
    // A browser that has nothing yet.
    const visitor = await site.visitor(server);
    await visitor.page.locator(".sign-in").waitFor();
    const first = await loaded(visitor);
    times.push(first.interactive);
    bytes = first.bytes;
    if (visit === 4) {
      await visitor.signIn("Newcomer");
      await visitor.page.reload();
      await visitor.page.locator("#composer").waitFor();
      signedIn = (await loaded(visitor)).bytes;
    }
    await visitor.context.close();
  }
  const best = Math.min(...times);
  console.log(
    `(first load: ${bytes} bytes of script, ${signedIn} with a session, interactive after ${
      times.map(Math.round).join(", ")
    } ms)`,
  );
  assertGreater(bytes, 10_000, "it was measured");
  assertLess(bytes, SCRIPT_MAX);
  // Who comes back has most of it already.
  assertLess(signedIn, SCRIPT_MAX * 1.2);
  assertLess(best, INTERACTIVE * FORGIVEN);
});

const MESSAGES = 100_000;

/** A server whose lobby is full. */
async function fullServer(site: Site) {
  const data = `${site.folder()}/data`;
  Deno.mkdirSync(data);
  const log = openSqliteLog({ path: `${data}/forum.sqlite` });
  register(log, "Scribe");
  append(log, ({ view }) => decideOpening(view, LOBBY, 1_700_000_000_000));
  const scope = "thread/1";
  for (let from = 0; from < MESSAGES; from += 10_000) {
    append(log, () =>
      Array.from({ length: 10_000 }, (_, at): ForumEvent => ({
        kind: "message.posted",
        scope,
        seq: from + at + 2,
        at: 1_700_000_000_000 + (from + at) * 60_000,
        by: "Scribe",
        text: `message ${from + at + 1}${"\nwith another line".repeat((from + at) % 4)}`,
        number: from + at + 1,
      })));
  }
  log.close();
  return await site.server({ data, args: ["--web-port", "0"] });
}

interface Sample {
  readonly nodes: number;
  readonly articles: number;
  readonly first: number;
  readonly gaps: number;
  readonly blank: number;
}

/** What is in the document now, and whether the view is full of messages that follow each other. */
const SAMPLE = `(() => {
  const articles = [...document.querySelectorAll("article[data-seq]")];
  const seqs = articles.map(({ dataset }) => Number(dataset.seq));
  const view = document.querySelector(".scroller").getBoundingClientRect();
  const boxes = articles.map((article) => article.getBoundingClientRect());
  return {
    nodes: document.querySelectorAll("*").length,
    articles: articles.length,
    first: seqs[boxes.findIndex(({ bottom }) => bottom > view.top)] ?? 0,
    gaps: seqs.filter((seq, at) => at > 0 && seq !== seqs[at - 1] + 1).length,
    blank: Math.max(0, Math.min(...boxes.map(({ top }) => top)) - view.top) +
      Math.max(0, view.bottom - Math.max(...boxes.map(({ bottom }) => bottom))),
  };
})()`;

/** Waits until what was scrolled to is drawn. */
const DRAWN = `!document.querySelector(".loading") && ((sample) => sample.blank < 60)(${SAMPLE})`;

browserScenario(
  `a thread of ${MESSAGES} messages scrolls smoothly: what is off screen is not there`,
  async (site) => {
    const server = await fullServer(site);
    const reader = await site.visitor(server);
    await reader.signIn("Reader");
    const { page } = reader;
    await reader.sees(`message ${MESSAGES}`);
    const sample = () => page.evaluate(SAMPLE) as Promise<Sample>;
    const start = await sample();
    await page.evaluate(`(() => {
    globalThis.frames = [];
    let last = performance.now();
    const tick = (now) => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  })()`);
    await page.locator(".scroller").hover();
    let most = start;
    let place = start.first;
    for (let turn = 0; turn < 60; turn++) {
      await page.mouse.wheel(0, -900);
      await page.evaluate(
        "new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))",
      );
      const now = await sample();
      assertEquals(now.gaps, 0, "no message is missing");
      if (now.articles > most.articles) most = now;
    }
    await reader.until(DRAWN);
    const end = await sample();
    assert(end.first < place - 300, `it has come from ${place} to ${end.first}`);
    place = end.first;
    const frames = (await page.evaluate("frames") as number[]).toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(frames[Math.floor(frames.length * share)]);
    console.log(
      `(${MESSAGES} messages: at most ${most.articles} of them and ${most.nodes} elements in the document; ` +
        `frames of ${at(0.5)} ms, 95 % below ${at(0.95)} ms)`,
    );
    assertLess(most.articles, 120);
    assertLess(most.nodes, 4000);
    assertLess(at(0.5), 60, "frames come often enough");

    // What is looked at stays where it is, whatever comes in.
    const { client } = await site.member(server, { user: "Other", register: true });
    await client.command({ op: "post", thread: 1, text: "something new" });
    await page.getByRole("button", { name: "1 new" }).waitFor();
    assertEquals((await sample()).first, place);

    // To the beginning at once, by a link, and on from there.
    await page.goto(`${server.web}#/thread/1/2`);
    await reader.sees("message 1");
    for (let turn = 0; turn < 20; turn++) {
      await page.mouse.wheel(0, 900);
      await page.evaluate(
        "new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))",
      );
      const now = await sample();
      assertEquals(now.gaps, 0, "no message is missing");
      assertLess(now.articles, 120);
    }
    await reader.until(DRAWN);
    assertGreater((await sample()).first, 100);
    await page.getByRole("button", { name: "1 new" }).click();
    await reader.sees("something new");
    await page.locator(".badge").waitFor({ state: "detached" });
  },
);
