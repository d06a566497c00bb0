/**
 * A real browser for tests: Debian's Chromium. Where it is missing and this is root on a machine with apt,
 * it is installed; where it cannot be had the tests are passed over and say so, but fail in CI.
 *
 * @module
 */

import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

async function found(): Promise<string | undefined> {
  for (const place of PLACES) {
    try {
      await Deno.stat(place);
      return place;
    } catch {
      // The next one, then.
    }
  }
  return undefined;
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** Test files run side by side: one of them installs, the others wait. */
async function install(): Promise<void> {
  using lock = await Deno.open("/tmp/dfp-chromium.lock", { create: true, write: true });
  await lock.lock(true);
  if (await found() !== undefined) return;
  console.error("Chromium is installed for the browser tests…");
  await run("apt-get", "update", "-qq");
  await run(
    "apt-get",
    "install",
    "-y",
    "-qq",
    "--no-install-recommends",
    "chromium",
    "fonts-noto-color-emoji",
  );
}

/** Where Chromium is, or why it is not there. */
export async function findChromium(): Promise<
  { readonly path: string } | { readonly missing: string }
> {
  const there = await found();
  if (there !== undefined) return { path: there };
  let fault = "only root can install it here";
  if (Deno.build.os === "linux" && Deno.uid() === 0) {
    try {
      await install();
    } catch (error) {
      fault = (error as Error).message;
    }
  }
  const path = await found();
  if (path !== undefined) return { path };
  const missing = `Chromium is not here (Debian's package chromium): ${fault}`;
  const ci = Deno.env.get("CI");
  if (ci && ci !== "false") throw new Error(missing);
  return { missing };
}

/** Starts it. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: FLAGS, chromiumSandbox: false });
}
