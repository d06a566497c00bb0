import { assert, assertEquals } from "@std/assert";
import { openCuttingProxy } from "../demo/cutting_proxy.ts";
import { type Ground, sharedServer } from "../end_to_end/scenario.ts";
import { browserScenario } from "./visitors.ts";

const shared = sharedServer({ args: ["--web-port", "0"] });

async function threadOf(site: Ground, user: string, title: string) {
  const server = await shared();
  const member = await site.member(server, { user, register: true });
  const { thread } = await member.client.command({ op: "create", title });
  return { server, thread, ...member };
}

/** Asks until all of some texts were posted, and gives all texts that were. */
async function texts(
  { client, thread, event }: Awaited<ReturnType<typeof threadOf>>,
  last: string,
): Promise<string[]> {
  await client.follow(`thread/${thread}`, 0);
  await event((e) => e.kind === "message.posted" && e.text === last);
  const { messages } = await client.command({ op: "read", thread });
  return messages.map(({ text }) => text);
}

/** Browsers say in the console what they could not reach. */
const CUT = /WebSocket connection to|ERR_CONNECTION|ERR_EMPTY_RESPONSE|Failed to load resource/;

browserScenario(
  "a cut cable is told, and what was written meanwhile is sent once, in order",
  async (site) => {
    const place = await threadOf(site, "Ula", "Cable");
    const { server, client, thread } = place;
    const proxy = openCuttingProxy({
      hostname: "127.0.0.1",
      port: Number(new URL(server.web).port),
    });
    site.ending(() => proxy.close());
    const web = `http://127.0.0.1:${proxy.port}/`;
    const vic = await site.visitor(server, { web, expected: CUT });
    await vic.signIn("Vic");
    await vic.open("Cable");
    const { page } = vic;
    await vic.say("before");
    await vic.sees("before");
    // The cable goes while one is on its way.
    await vic.say("in the middle");
    proxy.cut();
    await page.getByText("Connection lost.").waitFor();
    await vic.say("offline, one");
    await vic.say("offline, two");
    await page.getByText("messages are kept and will be sent").waitFor();
    await vic.picture("offline-desktop-light");
    await client.command({ op: "post", thread, text: "meanwhile" });
    assertEquals(await page.getByText("meanwhile").count(), 0);
    proxy.mend();
    await page.getByText("Connection lost.").waitFor({ state: "detached" });
    await vic.sees("meanwhile");
    await vic.sees("offline, two");
    await page.locator(".pending").first().waitFor({ state: "detached" });
    const posted = await texts(place, "offline, two");
    assertEquals(posted.toSorted(), [
      "before",
      "in the middle",
      "meanwhile",
      "offline, one",
      "offline, two",
    ]);
    const order = ["before", "in the middle", "offline, one", "offline, two"];
    assertEquals(posted.filter((text) => text !== "meanwhile"), order);
    const shown = await page.locator(".message .body").allInnerTexts();
    assertEquals(shown, posted);
  },
);

browserScenario(
  "what waits to be sent outlives the page, and is sent once all the same",
  async (site) => {
    const place = await threadOf(site, "Wes", "Reload");
    const { server } = place;
    const proxy = openCuttingProxy({
      hostname: "127.0.0.1",
      port: Number(new URL(server.web).port),
    });
    site.ending(() => proxy.close());
    const web = `http://127.0.0.1:${proxy.port}/`;
    const xia = await site.visitor(server, { web, expected: CUT });
    await xia.signIn("Xia");
    await xia.open("Reload");
    proxy.cut();
    await xia.page.getByText("Connection lost.").waitFor();
    await xia.say("kept, one");
    await xia.say("kept, two");
    proxy.mend();
    await xia.page.reload();
    await xia.sees("kept, two");
    await xia.say("after");
    assertEquals(await texts(place, "after"), ["kept, one", "kept, two", "after"]);
  },
);

browserScenario(
  "a session stays if that was asked for, and ends when it is ended",
  async (site) => {
    const server = await shared();
    const yan = await site.visitor(server);
    await yan.signIn("Yan");
    await yan.page.reload();
    await yan.page.locator(".room").waitFor();
    const other = await yan.context.newPage();
    await other.goto(server.web);
    await other.locator(".sign-in").waitFor();
    await other.close();
    await yan.page.getByRole("button", { name: "Sign out" }).click();
    await yan.page.locator(".sign-in").waitFor();
    await yan.page.reload();
    await yan.page.locator(".sign-in").waitFor();

    await yan.signIn("Yan", { register: false, stay: true });
    const next = await yan.context.newPage();
    await next.goto(server.web);
    await next.locator(".room").waitFor();
    // Ended for one is ended for all that go on with the same session.
    await next.getByRole("button", { name: "Sign out" }).click();
    await next.reload();
    await next.locator(".sign-in").waitFor();
  },
);

browserScenario("what is wrong with a sign-in is said", async (site) => {
  const server = await shared();
  await site.member(server, { user: "Zoe", register: true });
  const zoe = await site.visitor(server);
  const { page } = zoe;
  const fill = async (name: string, password: string) => {
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Password").fill(password);
    await page.locator("button[type=submit]").click();
  };
  await fill("Zoe", "a wrong one");
  await page.getByText("The name or the password is wrong.").waitFor();
  await page.getByRole("button", { name: "Create account" }).first().click();
  await fill("zoe", "another");
  await page.getByText("That user name is taken.").waitFor();
  await fill("../x", "another");
  await page.getByText("A user name is made of letters").waitFor();
});

browserScenario("the link of a message is copied, and leads to it", async (site) => {
  const { server, client, thread } = await threadOf(site, "Lew", "Links");
  const { seq } = await client.command({ op: "post", thread, text: "look here" });
  await client.command({ op: "post", thread, text: "not there" });
  const mia = await site.visitor(server, { permissions: ["clipboard-read", "clipboard-write"] });
  await mia.signIn("Mia");
  await mia.open("Links");
  const { page } = mia;
  const message = page.locator(".message").filter({ hasText: "look here" });
  await mia.press(message, "Copy link");
  await page.getByText("The link is copied.").waitFor();
  const link = await page.evaluate("navigator.clipboard.readText()") as string;
  assertEquals(link, new URL(`#/thread/${thread}/${seq}`, server.web).href);
  await mia.open("lobby");
  await page.goto(link);
  await page.getByRole("heading", { level: 1, name: "Links" }).waitFor();
  await mia.sees("look here");

  // A browser that gives no clipboard says so.
  const ned = await site.visitor(server, {
    prelude: `Object.defineProperty(Navigator.prototype, "clipboard", { value: undefined })`,
  });
  await ned.signIn("Ned");
  await ned.page.goto(link);
  const same = ned.page.locator(".message").filter({ hasText: "look here" });
  await ned.press(same, "Copy link");
  await ned.page.getByText("It cannot be copied here.").waitFor();
});

/** Notifications of a browser that has no desktop: what would be shown is kept. */
const RECORDER = `
  globalThis.shown = [];
  globalThis.notifications = [];
  globalThis.Notification = class {
    static permission = "default";
    static requestPermission() {
      this.permission = "granted";
      return Promise.resolve("granted");
    }
    constructor(title, options) {
      shown.push([title, options.body]);
      notifications.push(this);
    }
    close() {
      this.closed = true;
    }
  };
`;

browserScenario(
  "the desktop is told of what speaks to somebody, if that was asked for",
  async (site) => {
    const { server, client, thread } = await threadOf(site, "Abe", "Bells");
    const bea = await site.visitor(server, { prelude: RECORDER });
    await bea.signIn("Bea");
    await bea.open("lobby");
    const { page } = bea;
    await client.command({ op: "post", thread, text: "@Bea nobody asked for this one" });
    await page.locator(".threads").getByRole("link", { name: "Bells" }).getByText("@1").waitFor();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByLabel("Tell me on the desktop").check();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await client.command({ op: "post", thread, text: "not to anybody" });
    await client.command({ op: "post", thread, text: "@Bea, come here" });
    await client.command({ op: "tell", user: "Bea", text: "I mean it" });
    await bea.until("shown.length >= 2");
    assertEquals(await page.evaluate("shown"), [
      ["Abe in Bells", "@Bea, come here"],
      ["Abe", "I mean it"],
    ]);
    // A click leads to what was said, and the notification is done with.
    await page.evaluate("notifications[0].onclick()");
    await page.getByRole("heading", { level: 1, name: "Bells" }).waitFor();
    await bea.sees("@Bea, come here");
    assertEquals(await page.evaluate("notifications.map(({ closed }) => closed === true)"), [
      true,
      false,
    ]);
    assert(new URL(page.url()).hash.startsWith(`#/thread/${thread}/`));
    await page.evaluate("notifications[1].onclick()");
    await page.getByRole("heading", { level: 1, name: "Abe" }).waitFor();
    await bea.sees("I mean it");
  },
);

browserScenario("light and dark are as the system has it, or as it was wished", async (site) => {
  const server = await shared();
  const cal = await site.visitor(server, { dark: true });
  await cal.signIn("Cal");
  const { page } = cal;
  const lightness = () =>
    page.evaluate(
      "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])",
    ) as Promise<number>;
  assert(await lightness() < 60, "dark");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Light", exact: true }).click();
  assert(await lightness() > 200, "light");
  await page.reload();
  await page.locator(".room").waitFor();
  assert(await lightness() > 200, "still light");
});
