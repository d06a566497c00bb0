/**
 * Builds the web client: bundles the page's script, names files after their content, and lists them in
 * `dist/web/manifest.json`, from which a server takes them. What was built from the same sources is not built
 * again, and of several that build at once only one does.
 *
 * @module
 */

/** What `dist/web/manifest.json` says. */
export interface WebManifest {
  /** Stands for all that it was built from. */
  readonly sources: string;
  /** The files, by their paths in `dist/web`. */
  readonly files: readonly string[];
}

const HERE = new URL("./", import.meta.url);
const ROOT = new URL("../../", HERE);
const DIST = new URL("dist/web/", ROOT);
/** All that may be in the page. */
const SOURCES = ["client/", "protocol/", "deno.json", "deno.lock"];
const SOURCE_NAME = /\.(?:tsx?|css|html|svg|json|lock)$/;
const STYLES = ["base", "room", "timeline"];
const HASH_DIGITS = 10;

/** Builds what is not there or out of date; says whether it had to. */
export async function buildWebClient(): Promise<boolean> {
  await Deno.mkdir(DIST, { recursive: true });
  using lock = await Deno.open(new URL("../web.lock", DIST), { create: true, write: true });
  await lock.lock(true);
  const sources = await fingerprint();
  if ((await built())?.sources === sources) return false;
  const files = await bundle();
  for (const [path, bytes] of files) {
    const url = new URL(path, DIST);
    await Deno.mkdir(new URL("./", url), { recursive: true });
    await Deno.writeFile(url, bytes);
  }
  const manifest: WebManifest = { sources, files: [...files.keys()] };
  // In one step: a server never sees half a page.
  const fresh = new URL("manifest.json.new", DIST);
  await Deno.writeTextFile(fresh, `${JSON.stringify(manifest, undefined, 2)}\n`);
  await Deno.rename(fresh, new URL("manifest.json", DIST));
  await sweep(new Set(files.keys()));
  return true;
}

async function built(): Promise<WebManifest | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL("manifest.json", DIST)));
  } catch {
    return undefined;
  }
}

/** A hash of everything that the page could be made of. */
async function fingerprint(): Promise<string> {
  const paths: string[] = [];
  async function list(path: string): Promise<void> {
    for await (const { name, isDirectory } of Deno.readDir(new URL(path, ROOT))) {
      if (isDirectory) await list(`${path}${name}/`);
      else if (SOURCE_NAME.test(name)) paths.push(`${path}${name}`);
    }
  }
  for (const source of SOURCES) {
    if (source.endsWith("/")) await list(source);
    else paths.push(source);
  }
  const lines = await Promise.all(
    paths.sort().map(async (path) =>
      `${path} ${await hash(await Deno.readFile(new URL(path, ROOT)))}`
    ),
  );
  return await hash(new TextEncoder().encode(lines.join("\n")));
}

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** All files of the page, by path. */
async function bundle(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const folder = await Deno.makeTempDir({ prefix: "dfp-web-" });
  try {
    await runBundler(folder);
    const named = async (name: string, end: string, bytes: Uint8Array<ArrayBuffer>) => {
      const path = `assets/${name}-${(await hash(bytes)).slice(0, HASH_DIGITS)}.${end}`;
      files.set(path, bytes);
      return path;
    };
    // Chunks are named after their content by the bundler already.
    for await (const { name } of Deno.readDir(folder)) {
      if (name !== "main.js") files.set(`assets/${name}`, await Deno.readFile(`${folder}/${name}`));
    }
    const script = await named("main", "js", await Deno.readFile(`${folder}/main.js`));
    const icon = await named("icon", "svg", await Deno.readFile(new URL("icon.svg", HERE)));
    const style = await named("style", "css", new TextEncoder().encode(await styles()));
    // What the script imports at once is asked for together with it.
    const text = new TextDecoder().decode(files.get(script));
    const imported = [...text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)]
      .map(([, name]) => `<link rel="modulepreload" href="assets/${name}">\n    `);
    const page = (await Deno.readTextFile(new URL("index.html", HERE)))
      .replace("<script ", `${imported.join("")}<script `)
      .replace('"main.js"', `"${script}"`)
      .replace('"style.css"', `"${style}"`)
      .replace('"icon.svg"', `"${icon}"`);
    files.set("index.html", new TextEncoder().encode(page));
    return files;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runBundler(folder: string): Promise<void> {
  const bundler = new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--platform",
      "browser",
      "--minify",
      "--code-splitting",
      "--outdir",
      folder,
      "client/web/main.tsx",
    ],
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stderr } = await bundler.output();
  if (!success) throw new Error(`the page cannot be built: ${new TextDecoder().decode(stderr)}`);
}

/** The style sheets as one, without comments and needless space. */
async function styles(): Promise<string> {
  const texts = await Promise.all(
    STYLES.map((name) => Deno.readTextFile(new URL(`styles/${name}.css`, HERE))),
  );
  return texts.join("\n").replace(/\/\*[^]*?\*\//g, "").replace(/\s*\n\s*/g, "\n").trim();
}

/** Removes what an earlier build has left. */
async function sweep(kept: ReadonlySet<string>): Promise<void> {
  for await (const { name } of Deno.readDir(new URL("assets/", DIST))) {
    if (!kept.has(`assets/${name}`)) await Deno.remove(new URL(`assets/${name}`, DIST));
  }
}

if (import.meta.main && await buildWebClient()) console.log("The web client is built.");
