/**
 * The web client as it was built: a list of files beside this program, wherever that lies. The server
 * imports nothing of it; it only hands its files out.
 *
 * @module
 */

import { type Asset, assetOf, type Assets, mediaType } from "./assets.ts";

/** Where the web client is built, in a checkout and in a package alike. */
const BUILT = new URL("../../dist/web/", import.meta.url);

/** The web client's files, or `undefined` where it was not built. Rejects if it cannot be read. */
export async function readWebClient(): Promise<Assets | undefined> {
  const manifest = await get("manifest.json").catch(() => undefined);
  if (manifest === undefined) return undefined;
  const { files } = JSON.parse(new TextDecoder().decode(manifest)) as { files: string[] };
  const assets = new Map<string, Asset>();
  await Promise.all(files.map(async (path) => {
    assets.set(`/${path}`, await assetOf(await get(path), mediaType(path)));
  }));
  const page = assets.get("/index.html");
  return page === undefined ? undefined : assets.set("/", page);
}

async function get(path: string): Promise<Uint8Array> {
  const response = await fetch(new URL(path, BUILT));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return await response.bytes();
}

/** What builds the web client in a checkout; a package has it built. */
const BUILDER = new URL("../../client/web/build.ts", import.meta.url);

/** Builds the web client, where this program may run others and lies in a checkout; rejects if that fails. */
export async function buildWebClient(): Promise<void> {
  if (BUILDER.protocol !== "file:" || BUILDER.pathname.includes("/node_modules/")) return;
  const run = await Deno.permissions.query({ name: "run", command: Deno.execPath() });
  if (run.state !== "granted") return;
  const args = ["run", "-A", "--quiet", BUILDER.href];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}
