import { assert, assertEquals } from "@std/assert";
import type { Download } from "playwright-core";
import { bytesOf, sha256Of } from "../end_to_end/file_bytes.ts";
import type { ProgramProcess, ServerProcess } from "../end_to_end/processes.ts";
import { openGatedProxy } from "../end_to_end/gated_proxy.ts";
import { openCuttingProxy } from "../demo/cutting_proxy.ts";
import { PASSWORD, sharedServer } from "../end_to_end/scenario.ts";
import { browserScenario, type Site, type Visitor } from "./visitors.ts";

const shared = sharedServer({ args: ["--web-port", "0"] });
const MIB = 1024 * 1024;

/** Starts a terminal client with `--json`. */
function start(site: Site, server: ServerProcess, user: string, args: string[]): ProgramProcess {
  const { hostname, port } = server;
  return site.program({
    args: ["-A", "client/main.ts", "--user", user, "--json", hostname, String(port), ...args],
    env: { DFP_PASSWORD: PASSWORD },
  });
}

// deno-lint-ignore no-explicit-any -- JSON lines are read as a program would, by their fields
type Told = any;

async function told({ output }: ProgramProcess, fits: (row: Told) => boolean): Promise<Told> {
  return JSON.parse(await output.until((line) => fits(JSON.parse(line))));
}

async function account(site: Site, server: ServerProcess, user: string): Promise<void> {
  const { client } = await site.member(server, { user, register: true });
  await client.close();
}

function writeFile(site: Site, name: string, bytes: Uint8Array): string {
  const path = `${site.folder()}/${name}`;
  Deno.writeFileSync(path, bytes);
  return path;
}

/** Sends files to somebody who is on, by the list of people. */
async function send({ page }: Visitor, user: string, ...paths: string[]): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.locator(".aside").getByRole("button", { name: `Send a file to ${user}` }).click(),
  ]);
  await chooser.setFiles(paths);
}

/** Waits until the page takes part: somebody whose page does not cannot be offered anything. */
async function ready(visitor: Visitor): Promise<void> {
  await visitor.page.locator(".peer-panel").waitFor({ state: "attached" });
}

const row = ({ page }: Visitor, name: string) =>
  page.locator(".peer-panel .transfer").filter({ hasText: name });

/** How many parts of files the browser keeps. */
async function keptParts({ page }: Visitor): Promise<number> {
  return await page.evaluate(`new Promise((resolve, reject) => {
    const asked = indexedDB.open("dfp.parts");
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      const counted = asked.result.transaction("parts").objectStore("parts").count();
      counted.onsuccess = () => resolve(counted.result);
    };
  })`) as number;
}

async function hashOf(download: Download): Promise<string> {
  return sha256Of(await Deno.readFile(await download.path()));
}

browserScenario("a file goes from a page to a terminal client, and back", async (site) => {
  const server = await shared();
  await account(site, server, "Ada");
  const folder = site.folder();
  const ada = start(site, server, "Ada", ["--stay", "--accept", folder, "-c", "ATU"]);
  await told(ada, ({ command }) => command === "ATU");
  const bo = await site.visitor(server);
  await bo.signIn("Bo");
  await ready(bo);
  const { page } = bo;
  const bytes = bytesOf(5 * MIB, 1);
  await send(bo, "Ada", writeFile(site, "engine.bin", bytes), writeFile(site, "empty", bytesOf(0)));
  const kept = await told(ada, (r) => r.command === "/accept" && r.result?.name === "engine.bin");
  const { by, sha256, via, path } = kept.result;
  assertEquals([by, sha256, via], ["Bo", sha256Of(bytes), "relayed"]);
  assertEquals(sha256Of(Deno.readFileSync(path)), sha256Of(bytes));
  await row(bo, "engine.bin").getByText("Ada has it, whole and verified · relayed").waitFor();
  await row(bo, "empty").getByText("Ada has it, whole and verified · relayed").waitFor();
  await page.getByRole("button", { name: "Dismiss engine.bin" }).click();
  await row(bo, "engine.bin").waitFor({ state: "detached" });

  const answer = bytesOf(3 * MIB, 2);
  const sender = start(site, server, "Ada", [
    "-c",
    `UPD @Bo ${writeFile(site, "back.bin", answer)}`,
  ]);
  const offer = page.locator(".peer-offer").filter({ hasText: "back.bin" });
  await offer.getByText("3.1 MB")
    .waitFor();
  await offer.getByText("Ada wants to send you a file").waitFor();
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Accept back.bin" }).press("Enter");
  const download = await coming;
  assertEquals([download.suggestedFilename(), await hashOf(download)], [
    "back.bin",
    sha256Of(answer),
  ]);
  const { result } = await told(sender, (r) => r.command === "UPD" && "ok" in r);
  assertEquals([result.sha256, result.via], [sha256Of(answer), "relayed"]);
  await row(bo, "back.bin").getByText("from Ada · saved, verified · relayed").waitFor();
  const again = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save back.bin again" }).click();
  assertEquals(await hashOf(await again), sha256Of(answer));
});

browserScenario("files go from page to page, several at once, while people talk", async (site) => {
  const server = await shared();
  const [cy, di] = [await site.visitor(server), await site.visitor(server)];
  await cy.signIn("Cy");
  await di.signIn("Di");
  await Promise.all([ready(cy), ready(di)]);
  await cy.open("lobby");
  await di.open("lobby");
  const contents = [bytesOf(4 * MIB, 3), bytesOf(6 * MIB, 4)];
  const markup = `<!doctype html><script>alert(1)</script>`;
  await send(
    cy,
    "Di",
    writeFile(site, "one.bin", contents[0]),
    writeFile(site, "two.bin", contents[1]),
    writeFile(site, "page.html", new TextEncoder().encode(markup)),
  );
  const downloads = new Map<string, Download>();
  const all = Promise.withResolvers<void>();
  di.page.on("download", (download) => {
    downloads.set(download.suggestedFilename(), download);
    if (downloads.size === 3) all.resolve();
  });
  for (const name of ["one.bin", "two.bin", "page.html"]) {
    await di.page.getByRole("button", { name: `Accept ${name}` }).click();
  }
  await di.say("they are coming");
  await cy.sees("they are coming");
  await all.promise;
  assertEquals(await hashOf(downloads.get("one.bin")!), sha256Of(contents[0]));
  assertEquals(await hashOf(downloads.get("two.bin")!), sha256Of(contents[1]));
  assertEquals(await Deno.readTextFile(await downloads.get("page.html")!.path()), markup);
  for (const name of ["one.bin", "two.bin", "page.html"]) {
    await row(cy, name).getByText("Di has it, whole and verified · relayed").waitFor();
  }
  assertEquals(di.context.pages().length, 1, "nothing was opened");
});

browserScenario(
  "offers are declined, and taken without asking once that is wished",
  async (site) => {
    const server = await shared();
    await account(site, server, "Ed");
    const flo = await site.visitor(server);
    await flo.signIn("Flo", { stay: true });
    await ready(flo);
    const { page } = flo;
    const offer = (name: string) =>
      start(site, server, "Ed", ["-c", `UPD @Flo ${writeFile(site, name, bytesOf(2000, 5))}`]);
    const declined = offer("unwanted.bin");
    await page.getByRole("button", { name: "Decline unwanted.bin" }).click();
    const refusal = await told(declined, (r) => r.command === "UPD" && "ok" in r);
    assertEquals([refusal.ok, refusal.name], [false, "declined"]);
    await page.locator(".peer-offer").waitFor({ state: "detached" });

    // An offer that is withdrawn is no longer shown.
    const withdrawn = offer("withdrawn.bin");
    await page.getByRole("button", { name: "Accept withdrawn.bin" }).waitFor();
    withdrawn.signal("SIGKILL");
    await page.locator(".peer-offer").waitFor({ state: "detached" });

    let coming = page.waitForEvent("download");
    offer("first.bin");
    await page.getByRole("button", { name: "Always from Ed" }).click();
    assertEquals((await coming).suggestedFilename(), "first.bin");
    await page.reload();
    await ready(flo);
    coming = page.waitForEvent("download");
    offer("second.bin");
    assertEquals((await coming).suggestedFilename(), "second.bin");
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("button", { name: "Ask again about Ed" }).click();
    await page.getByText("You are asked about every file").waitFor();
    await page.keyboard.press("Escape");
    offer("third.bin");
    await page.getByRole("button", { name: "Accept third.bin" }).waitFor();
  },
);

browserScenario("either side can cancel, and a file that is sent again goes on", async (site) => {
  const server = await shared();
  // It stands still where it is to be cancelled, however fast this machine is.
  const proxy = openGatedProxy({ hostname: "127.0.0.1", port: Number(new URL(server.web).port) });
  site.ending(() => proxy.close());
  const web = `http://127.0.0.1:${proxy.port}/`;
  const [gil, hal] = [await site.visitor(server, { web }), await site.visitor(server)];
  await gil.signIn("Gil");
  await hal.signIn("Hal");
  await Promise.all([ready(gil), ready(hal)]);
  const bytes = bytesOf(12 * MIB, 6);
  await send(gil, "Hal", writeFile(site, "large.bin", bytes));
  const accept = hal.page.getByRole("button", { name: "Accept large.bin" });
  await accept.waitFor();
  const moved = (who: Visitor, least: number) =>
    who.until(`document.querySelector(".peer-panel progress")?.value > ${least * MIB}`);
  void proxy.let("up", 6 * MIB);
  await accept.click();
  await moved(hal, 2);
  await hal.page.getByRole("button", { name: "Cancel large.bin" }).click();
  await row(hal, "large.bin").getByText("from Gil · cancelled").waitFor();
  proxy.open();
  await row(gil, "large.bin").locator(".small").filter({ hasNotText: " of " }).waitFor();
  assertEquals(await row(gil, "large.bin").getAttribute("class"), "transfer failed");

  await gil.page.getByRole("button", { name: "Resume large.bin" }).click();
  await accept.waitFor();
  void proxy.let("up", 4 * MIB);
  await accept.click();
  await moved(gil, 2);
  await gil.page.getByRole("button", { name: "Cancel large.bin" }).click();
  await row(gil, "large.bin").getByText("to Hal · cancelled").waitFor();
  proxy.open();
  await row(hal, "large.bin").locator(".small").filter({ hasNotText: " of " }).waitFor();
  assertEquals(await row(hal, "large.bin").getAttribute("class"), "transfer failed");

  await gil.page.getByRole("button", { name: "Resume large.bin" }).click();
  const coming = hal.page.waitForEvent("download");
  await accept.click();
  // What was there is not sent again.
  await hal.until(`document.querySelector(".peer-panel progress")?.value > 0`);
  const first = await hal.page.evaluate(`document.querySelector(".peer-panel progress")?.value`);
  assertEquals(await hashOf(await coming), sha256Of(bytes));
  assert(first === undefined || first as number > 2 * MIB, `it began again, at ${first}`);
  await row(gil, "large.bin").getByText("Hal has it, whole and verified · relayed").waitFor();
});

/** Browsers say in the console what they could not reach. */
const CUT = /WebSocket connection to|ERR_CONNECTION|ERR_EMPTY_RESPONSE|Failed to load resource/;

browserScenario("a file goes on after a cut cable, and when its sender is back", async (site) => {
  const server = await shared();
  const { hostname } = server;
  const proxy = openCuttingProxy({ hostname, port: Number(new URL(server.web).port) });
  site.ending(() => proxy.close());
  await account(site, server, "Ivy");
  const jim = await site.visitor(server, {
    web: `http://127.0.0.1:${proxy.port}/`,
    expected: CUT,
  });
  await jim.signIn("Jim", { stay: true });
  await ready(jim);
  const { page } = jim;
  const bytes = bytesOf(14 * MIB, 7);
  const path = writeFile(site, "long.bin", bytes);
  const moved = (least: number) =>
    jim.until(`document.querySelector(".peer-panel progress")?.value > ${least * MIB}`);
  const first = start(site, server, "Ivy", ["-c", `UPD @Jim ${path}`]);
  const coming = page.waitForEvent("download", { timeout: 40_000 });
  await page.getByRole("button", { name: "Accept long.bin" }).click();
  await moved(2);
  proxy.cut();
  await page.getByText("Connection lost.").waitFor();
  proxy.mend();
  await page.getByText("Connection lost.").waitFor({ state: "detached" });
  await moved(4);
  // The sender is gone, and offers the same file again: nobody is asked twice.
  first.signal("SIGKILL");
  await first.exited;
  const second = start(site, server, "Ivy", ["-c", `UPD @Jim ${path}`]);
  assertEquals(await hashOf(await coming), sha256Of(bytes));
  const { result } = await told(second, (r) => r.command === "UPD" && "ok" in r);
  assertEquals(result.sha256, sha256Of(bytes));
  assertEquals(await row(jim, "long.bin").count(), 1, "it has one place");
});

browserScenario(
  "a reloaded page is offered again what it was taking, and has what it had",
  async (site) => {
    const server = await shared();
    await account(site, server, "Kay");
    const lee = await site.visitor(server);
    await lee.signIn("Lee");
    await ready(lee);
    const { page } = lee;
    const bytes = bytesOf(14 * MIB, 8);
    const sender = start(site, server, "Kay", [
      "-c",
      `UPD @Lee ${writeFile(site, "twice.bin", bytes)}`,
    ]);
    await page.getByRole("button", { name: "Accept twice.bin" }).click();
    await lee.until(`document.querySelector(".peer-panel progress")?.value > ${9 * MIB}`);
    await page.reload();
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Accept twice.bin" }).click();
    await lee.until(`document.querySelector(".peer-panel progress")?.value > 0`);
    const first = await page.evaluate(`document.querySelector(".peer-panel progress")?.value`);
    assertEquals(await hashOf(await coming), sha256Of(bytes));
    assert(first === undefined || first as number > 4 * MIB, `it began again, at ${first}`);
    assertEquals((await sender.exited).code, 0);
    // What is whole is not kept any more.
    await lee.until(`document.querySelector(".transfer.done") !== null`);
    assertEquals(await keptParts(lee), 0);
  },
);

browserScenario("somebody who has another key than before is told of", async (site) => {
  const server = await shared();
  const [mo, ned] = [await site.visitor(server), await site.visitor(server)];
  await mo.signIn("Mo");
  await ned.signIn("Ned-2", { stay: true });
  await Promise.all([ready(mo), ready(ned)]);
  const from = async (who: Visitor, name: string) => {
    await send(who, "Ned-2", writeFile(site, name, bytesOf(1000, 9)));
    const coming = ned.page.waitForEvent("download");
    await ned.page.getByRole("button", { name: `Accept ${name}` }).click();
    await coming;
  };
  await from(mo, "a.bin");
  // The same browser keeps its key, and the other one what it has met.
  await Promise.all([mo.page.reload(), ned.page.reload()]);
  await Promise.all([ready(mo), ready(ned)]);
  await from(mo, "b.bin");
  assertEquals(await ned.page.locator(".stranger").count(), 0);
  const elsewhere = await site.visitor(server);
  await elsewhere.signIn("Mo", { register: false });
  await ready(elsewhere);
  await from(elsewhere, "c.bin");
  await ned.page.getByText("sends files with another key than before").waitFor();
  await ned.page.getByRole("button", { name: "Dismiss the warning about Mo" }).click();
  await ned.page.locator(".stranger").waitFor({ state: "detached" });
});
