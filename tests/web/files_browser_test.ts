import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { openGatedProxy } from "../end_to_end/gated_proxy.ts";
import { type Ground, sharedServer } from "../end_to_end/scenario.ts";
import { pngPicture } from "./pictures.ts";
import { browserScenario } from "./visitors.ts";

const MIB = 1024 * 1024;

const shared = sharedServer({ args: ["--web-port", "0"] });

async function threadOf(site: Ground, user: string, title: string) {
  const server = await shared();
  const member = await site.member(server, { user, register: true });
  const { thread } = await member.client.command({ op: "create", title });
  return { server, thread, ...member };
}

/** Drops or pastes a file on the page, as a hand would. */
async function hand(page: Page, how: "drop" | "paste", name: string, text: string): Promise<void> {
  await page.evaluate(`(() => {
    const data = new DataTransfer();
    data.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}));
    const target = document.querySelector(${how === "drop" ? "'.conversation'" : "'#composer'"});
    const event = ${how === "drop"}
      ? new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data })
      : new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data });
    target.dispatchEvent(event);
  })()`);
}

const bytesOf = async (stream: ReadableStream<Uint8Array>) => await new Response(stream).bytes();

browserScenario("files are shared by button, drop and paste, and got again", async (site) => {
  const { server, thread, client, event } = await threadOf(site, "Olga", "Shelf");
  await client.follow(`thread/${thread}`);
  const pia = await site.visitor(server);
  await pia.signIn("Pia");
  await pia.open("Shelf");
  const { page } = pia;
  const picture = await pngPicture(300, 120);
  await page.locator("input[type=file]").setInputFiles([
    { name: "hills.png", mimeType: "image/png", buffer: Buffer.from(picture) },
    {
      name: "notes.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("noted"),
    },
  ]);
  await event((e) => e.kind === "file.shared" && e.name === "notes.txt");
  await hand(page, "drop", "dropped.txt", "from above");
  await event((e) => e.kind === "file.shared" && e.name === "dropped.txt");
  await hand(page, "paste", "pasted.txt", "from before");
  const pasted = await event((e) => e.kind === "file.shared" && e.name === "pasted.txt");
  const back = await client.download({ thread, file: pasted.seq });
  assertEquals(new TextDecoder().decode(await bytesOf(back.stream)), "from before");

  const image = page.getByAltText("hills.png");
  await image.waitFor();
  assert((await image.getAttribute("src"))!.startsWith("blob:"));
  await page.getByRole("button", { name: "Show hills.png large" }).click();
  await page.getByRole("dialog", { name: "hills.png" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".aside").getByText("dropped.txt").waitFor();

  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download notes.txt", exact: true }).click();
  const download = await coming;
  assertEquals(download.suggestedFilename(), "notes.txt");
  assertEquals(await Deno.readTextFile(await download.path()), "noted");

  const notes = page.locator("article").filter({ hasText: "notes.txt" });
  await pia.press(notes, "Take notes.txt out");
  await notes.waitFor({ state: "detached" });
  await hand(page, "drop", "dropped.txt", "another one of the name");
  await page.getByText("A file of that name is in the thread already.").waitFor();
});

browserScenario("a transfer shows how far it is, can be cancelled, and goes on", async (site) => {
  const { server, thread, client, event } = await threadOf(site, "Quin", "Heavy");
  await client.follow(`thread/${thread}`);
  // It stands still where it is to be cancelled, however fast this machine is.
  const proxy = openGatedProxy({ hostname: "127.0.0.1", port: Number(new URL(server.web).port) });
  site.ending(() => proxy.close());
  const rex = await site.visitor(server, { web: `http://127.0.0.1:${proxy.port}/` });
  await rex.signIn("Rex");
  await rex.open("Heavy");
  const { page } = rex;
  // The browser's own files, on a disk.
  const size = 24 * MIB;
  const path = `${site.folder()}/large.bin`;
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) {
    crypto.getRandomValues(content.subarray(at, at + 65_536));
  }
  await Deno.writeFile(path, content);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
  void proxy.let("up", 8 * MIB);
  await page.locator("input[type=file]").setInputFiles(path);
  const row = page.locator(".transfer").filter({ hasText: "large.bin" });
  const moved = (least: number) =>
    rex.until(`document.querySelector(".transfer progress")?.value > ${least * 1_000_000}`);
  await moved(1);
  await page.getByRole("button", { name: "Cancel large.bin" }).click();
  await row.getByText("Stopped at").waitFor();
  proxy.open();
  // Talk goes on beside it.
  await rex.say("still here");
  await rex.sees("still here");
  await page.getByRole("button", { name: "Resume large.bin" }).click();
  const shared = await event((e) => e.kind === "file.shared");
  assert(shared.kind === "file.shared");
  assertEquals([shared.name, shared.size, shared.sha256], ["large.bin", size, digest]);
  await row.waitFor({ state: "detached" });

  const coming = page.waitForEvent("download", { timeout: 30_000 });
  void proxy.let("down", 8 * MIB);
  await page.getByRole("button", { name: "Download large.bin", exact: true }).click();
  await moved(1);
  await page.getByRole("button", { name: "Cancel large.bin" }).click();
  await row.getByText("Stopped at").waitFor();
  proxy.open();
  await page.getByRole("button", { name: "Resume large.bin" }).click();
  const saved = await Deno.readFile(await (await coming).path());
  assertEquals(new Uint8Array(await crypto.subtle.digest("SHA-256", saved)).toHex(), digest);
  await row.getByText("Saved").waitFor();
});

const SVG =
  `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>`;
const HTML = `<!doctype html><script>alert(3)</script><img src=x onerror=alert(4)>`;

browserScenario(
  "what could run is downloaded, never shown, whatever it is said to be",
  async (site) => {
    const { server, thread, client } = await threadOf(site, "Sue", "Traps");
    const share = (name: string, type: string, text: string) =>
      client.upload({ thread, name, type, content: new Blob([text]) });
    await share("logo.svg", "image/svg+xml", SVG);
    await share("page.html", "text/html", HTML);
    await share("liar.png", "image/png", SVG);
    await share("other.png", "image/png", HTML);
    const tim = await site.visitor(server);
    await tim.signIn("Tim");
    await tim.open("Traps");
    const { page } = tim;
    const pages = tim.context.pages().length;
    for (const [name, text] of [["logo.svg", SVG], ["page.html", HTML], ["liar.png", SVG]]) {
      const coming = page.waitForEvent("download");
      await page.getByRole("button", { name: `Download ${name}`, exact: true }).click();
      const download = await coming;
      assertEquals(download.suggestedFilename(), name);
      assertEquals(await Deno.readTextFile(await download.path()), text);
    }
    await page.locator(".loading-picture").first().waitFor({ state: "detached" });
    assertEquals(await page.locator(".rows img").count(), 0, "none of them is a picture");
    assertEquals(tim.context.pages().length, pages, "nothing was opened");
  },
);
