/**
 * A real browser for tests: Debian's Chromium. Where it is missing and this is root on a machine with apt,
 * it is installed; where it cannot be had the tests are passed over and say so, but fail in CI.
 *
 * @module
 */

import { type Browser, chromium } from "playwright-core";
import { installDebian, passOver } from "../debian.ts";

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

/** Where Chromium is, or why it is not there. */
export async function findChromium(): Promise<
  { readonly path: string } | { readonly missing: string }
> {
  const packages = ["chromium", "fonts-noto-color-emoji"];
  const trouble = await installDebian(packages, async () => await found() !== undefined);
  const path = await found();
  if (path !== undefined) return { path };
  const missing = `THE BROWSER IS NOT TESTED HERE, since there is no Chromium: ${trouble}`;
  passOver(missing);
  return { missing };
}

/** Starts it. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: FLAGS, chromiumSandbox: false });
}
