/**
 * The files of the web page: a map from path to bytes, that somebody hands in or a folder holds. Nothing
 * outside of it can be asked for, since a path is only ever looked up.
 *
 * @module
 */

import { gzipSync } from "node:zlib";

/** One file. */
export interface Asset {
  /** What is in it. */
  readonly bytes: Uint8Array;
  /** The media type, as `text/html; charset=utf-8`. */
  readonly type: string;
  /** Tells this content from any other, with its quotation marks. */
  readonly etag: string;
  /** The same, gzipped, where that is worth it. */
  readonly gzip?: Uint8Array;
}

/** Files by path, as `/` and `/app.js`, in which nothing is written with `%`. */
export type Assets = ReadonlyMap<string, Asset>;

/** The most files of a folder, and the most bytes of all of them: they are held in memory. */
const FILES_MAX = 1000;
const BYTES_MAX = 64 * 1024 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  json: "application/json",
  map: "application/json",
  webmanifest: "application/manifest+json",
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  ico: "image/x-icon",
  woff2: "font/woff2",
  txt: "text/plain; charset=utf-8",
  wasm: "application/wasm",
};

/** The media type of a file by the end of its name. */
export function mediaType(path: string): string {
  const end = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  return TYPES[end] ?? "application/octet-stream";
}

/** What shrinks. */
const TEXTS = /^(?:text\/|application\/(?:json|manifest)|image\/svg)/;
/** Less is not worth it. */
const GZIP_MIN = 1024;

/** Makes an asset of some bytes. */
export async function assetOf(bytes: Uint8Array, type: string): Promise<Asset> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
  const asset = { bytes, type, etag: `"${hash.toHex().slice(0, 32)}"` };
  if (bytes.length < GZIP_MIN || !TEXTS.test(type)) return asset;
  return { ...asset, gzip: gzipSync(bytes, { level: 9 }) };
}

/** Makes assets of texts by path; the end of the path, or HTML for `/`, says what they are. */
export async function assetsOf(texts: Readonly<Record<string, string>>): Promise<Assets> {
  const assets = new Map<string, Asset>();
  for (const [path, text] of Object.entries(texts)) {
    const type = mediaType(path === "/" ? "index.html" : path);
    assets.set(path, await assetOf(new TextEncoder().encode(text), type));
  }
  return assets;
}

/**
 * Reads a folder, with the folders in it. `index.html` is `/` as well. Links and names that begin with a
 * dot are passed over. Rejects with the system's error if it cannot be read, and if it is too large.
 */
export async function readAssets(folder: string): Promise<Assets> {
  const assets = new Map<string, Asset>();
  let size = 0;
  async function read(path: string): Promise<void> {
    for await (const { name, isFile, isDirectory } of Deno.readDir(`${folder}${path}`)) {
      if (name.startsWith(".")) continue;
      if (isDirectory) await read(`${path}${name}/`);
      if (!isFile) continue;
      const bytes = await Deno.readFile(`${folder}${path}${name}`);
      size += bytes.length;
      if (assets.size >= FILES_MAX || size > BYTES_MAX) {
        throw new Error(`it holds more than ${FILES_MAX} files or ${BYTES_MAX >> 20} MiB`);
      }
      assets.set(`${path}${name}`, await assetOf(bytes, mediaType(name)));
    }
  }
  await read("/");
  const index = assets.get("/index.html");
  if (index !== undefined) assets.set("/", index);
  return assets;
}

/** The page of a server that was given none. */
export const PLACEHOLDER = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DFP/2</title>
<h1>A forum is here</h1>
<p>This server speaks DFP/2, but its web client was not built: <code>deno task build:web</code> does it,
and a server that starts after it has it. A terminal client reaches it with
<code>--connect</code> and the address of this page, with <code>ws://</code> for <code>http://</code> and
<code>wss://</code> for <code>https://</code>.</p>
</html>
`;
