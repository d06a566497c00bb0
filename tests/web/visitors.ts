/**
 * Visitors: people with a real browser, on the page of a real server. Whatever they do, nothing may leave the
 * page's origin, and nothing may go wrong in the page; that is looked at when each scenario ends.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  type Browser,
  type BrowserContext,
  errors,
  type Locator,
  type Page,
} from "playwright-core";
import { buildWebClient } from "../../client/web/build.ts";
import type { ServerProcess } from "../end_to_end/processes.ts";
import { type Ground, PASSWORD, scenario } from "../end_to_end/scenario.ts";
import { findChromium, launchChromium } from "./chromium.ts";

/** Where pictures of the views are left, to be looked at. */
const OUTPUT = new URL("./output/", import.meta.url);
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** After so long something that was waited for is taken not to come, in ms. */
const PATIENCE = 30_000;

const chromium = await findChromium();
const missing = "missing" in chromium ? chromium.missing : undefined;
if (missing === undefined) await buildWebClient();

/** How somebody visits. */
export interface Visit {
  readonly phone?: boolean;
  readonly dark?: boolean;
  /** What the browser allows the page. */
  readonly permissions?: readonly string[];
  /** Another way to the server's page, as through a proxy. */
  readonly web?: string;
  /** Runs in the page before anything of its own. */
  readonly prelude?: string;
  /** Faults that are expected: what of the console is not to be wondered at. */
  readonly expected?: RegExp;
}

/** Somebody with a browser. */
export interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses that were asked for, in order. */
  readonly requests: readonly string[];
  /** Comes in: with a new account, or with the one that is there. */
  signIn(user: string, how?: { register?: boolean; stay?: boolean }): Promise<void>;
  /** Opens a thread by its title. */
  open(title: string): Promise<void>;
  /** Writes and sends. */
  say(text: string): Promise<void>;
  /** Waits until a message with this text is there. */
  sees(text: string): Promise<void>;
  /** Presses a button that a message shows while it is pointed at. */
  press(message: Locator, button: string): Promise<void>;
  /** Waits until an expression is true in the page. */
  until(expression: string): Promise<void>;
  /** Leaves a picture of the page. */
  picture(name: string): Promise<void>;
}

/** Where visitors are. */
export interface Site extends Ground {
  visitor(server: ServerProcess, visit?: Visit): Promise<Visitor>;
}

class BrowserVisitor implements Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly requests: string[];

  readonly #phone: boolean;

  constructor(page: Page, how: { context: BrowserContext; requests: string[]; phone: boolean }) {
    this.page = page;
    this.context = how.context;
    this.requests = how.requests;
    this.#phone = how.phone;
  }

  async signIn(user: string, { register = true, stay = false } = {}): Promise<void> {
    const { page } = this;
    const button = register ? "Create account" : "Sign in";
    await page.getByRole("button", { name: button }).first().click();
    await page.getByLabel("Name", { exact: true }).fill(user);
    await page.getByLabel("Password").fill(PASSWORD);
    if (stay) await page.getByLabel("Stay signed in").check();
    await page.locator("button[type=submit]").click();
    await page.locator(".room").waitFor();
  }

  async open(title: string): Promise<void> {
    const link = this.page.locator(".threads").getByRole("link", { name: title });
    // A phone shows the threads first, and has them behind a button from then on.
    if (this.#phone && await this.page.locator(".at-nowhere").count() === 0) {
      await this.page.getByRole("button", { name: "Threads", exact: true }).click();
    }
    await link.click();
    await this.page.getByRole("heading", { level: 1, name: title }).waitFor();
  }

  async say(text: string): Promise<void> {
    await this.page.locator("#composer").fill(text);
    await this.page.locator("#composer").press("Enter");
  }

  async sees(text: string): Promise<void> {
    await this.page.locator(".message:not(.pending)").filter({ hasText: text }).first().waitFor();
  }

  async press(message: Locator, button: string): Promise<void> {
    const until = performance.now() + PATIENCE;
    for (;;) {
      // Where a picture comes late, messages move away from under a pointer: it has to follow.
      await message.hover();
      try {
        return await message.getByRole("button", { name: button }).click({ timeout: 1000 });
      } catch (error) {
        if (!(error instanceof errors.TimeoutError) || performance.now() > until) throw error;
      }
    }
  }

  async until(expression: string): Promise<void> {
    // The page's policy forbids to evaluate text again and again, as Playwright's own waiting does.
    await this.page.evaluate(`new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("it did not become true")), ${PATIENCE});
      const look = () => {
        if (!(${expression})) return requestAnimationFrame(look);
        clearTimeout(late);
        resolve();
      };
      look();
    })`);
  }

  async picture(name: string): Promise<void> {
    await this.page.evaluate("document.fonts.ready");
    const path = new URL(`${name}.png`, OUTPUT).pathname;
    await this.page.screenshot({ path, animations: "disabled" });
  }
}

let running: Promise<Browser> | undefined;

function browser(): Promise<Browser> {
  if (!("path" in chromium)) throw new Error(missing);
  running ??= launchChromium(chromium.path);
  return running;
}

Deno.test.afterAll(async () => {
  await (await running)?.close();
});

/** Registers a scenario with browsers in it. */
export function browserScenario(name: string, play: (site: Site) => Promise<void>): void {
  scenario(name, async (ground) => {
    Deno.mkdirSync(OUTPUT, { recursive: true });
    const faults: string[] = [];
    const foreign: string[] = [];
    const visitor = async (server: ServerProcess, visit: Visit = {}) => {
      const { phone = false, dark = false, permissions = [], expected } = visit;
      const { web = server.web, prelude } = visit;
      const context = await (await browser()).newContext({
        viewport: phone ? PHONE : DESKTOP,
        isMobile: phone,
        hasTouch: phone,
        colorScheme: dark ? "dark" : "light",
        permissions: [...permissions],
        acceptDownloads: true,
      });
      ground.ending(() => context.close());
      context.setDefaultTimeout(PATIENCE);
      const requests: string[] = [];
      const origin = new URL(web).origin;
      context.on("request", (request) => {
        const url = request.url();
        requests.push(url);
        if (!/^(?:blob|data):/.test(url) && new URL(url).origin !== origin) foreign.push(url);
      });
      const fault = (text: string) => {
        if (!expected?.test(text)) faults.push(text);
      };
      context.on("weberror", (error) => fault(String(error.error())));
      context.on("console", (message) => {
        if (message.type() === "error") fault(message.text());
      });
      if (prelude !== undefined) await context.addInitScript(prelude);
      const page = await context.newPage();
      page.on("websocket", (socket) => {
        if (new URL(socket.url()).host !== new URL(origin).host) foreign.push(socket.url());
      });
      page.on("dialog", (dialog) => {
        faults.push(`a dialog said ${dialog.message()}`);
        void dialog.dismiss();
      });
      await page.goto(web);
      return new BrowserVisitor(page, { context, requests, phone });
    };
    await play({
      server: (setup) => ground.server(setup),
      program: (options) => ground.program(options),
      keep: (process) => ground.keep(process),
      member: (server, options) => ground.member(server, options),
      peer: (server, options) => ground.peer(server, options),
      ending: (end) => ground.ending(end),
      signedPeer: (server, user, options) => ground.signedPeer(server, user, options),
      folder: () => ground.folder(),
      visitor,
    });
    assertEquals(faults, [], "nothing goes wrong in the page");
    assertEquals(foreign, [], "nothing leaves the page's origin");
  }, { ...missing !== undefined && { missing } });
}
