/**
 * The file of known servers, as SSH has one: a line each, `forum.example:5000 KEY`, the key in base64. Lines that
 * begin with `#` are for people. People may edit it; here it only grows.
 *
 * @module
 */

import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { decodeBase64, encodeBase64 } from "../../protocol/base64.ts";
import type { KnownServers } from "../connect/known_servers.ts";
import { DiskError, onDisk } from "./disk_error.ts";

/** Bytes of a key. */
const KEY_BYTES = 32;
/** The largest file that is read, in bytes. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** The file of this user. */
export function knownServersPath(): string {
  const { get } = Deno.env;
  const config = get("XDG_CONFIG_HOME") || get("APPDATA") || join(homedir(), ".config");
  return join(config, "dfp", "known_servers");
}

class File implements KnownServers {
  readonly place: string;

  constructor(path: string) {
    this.place = path;
  }

  async find(server: string): Promise<Uint8Array | undefined> {
    const text = await onDisk(this.place, "read", () => readFile(this.place));
    let found: Uint8Array | undefined;
    text.split(/\r?\n/).forEach((line, at) => {
      const [name, key, ...more] = line.trim().split(/\s+/);
      if (name.toLowerCase() !== server) return;
      const bytes = decodeBase64(key ?? "");
      if (bytes?.length !== KEY_BYTES || more.length > 0) {
        // Whoever is known by it is not to be taken for a stranger.
        const what = `Line ${at + 1} of ${this.place} is no server and key`;
        throw new DiskError("bad-field", `${what}: mend it, or take it out.`);
      }
      // What was added last counts.
      found = bytes;
    });
    return found;
  }

  async remember(server: string, key: Uint8Array): Promise<void> {
    const line = `${server} ${encodeBase64(key)}\n`;
    await onDisk(this.place, "written", async () => {
      await Deno.mkdir(dirname(this.place), { recursive: true, mode: 0o700 });
      const text = await readFile(this.place);
      const begin = text === "" || text.endsWith("\n") ? "" : "\n";
      await Deno.writeTextFile(this.place, begin + line, { append: true, mode: 0o600 });
    });
  }
}

async function readFile(path: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    if (size > FILE_BYTES_MAX) {
      throw new DiskError("too-large", `${path} is too large for a list of servers.`);
    }
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/**
 * Opens a file of known servers, which need not be there yet. What goes wrong with it is thrown as a DiskError.
 *
 * @example
 * ```ts
 * import { fileOfKnownServers } from "./known_servers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const servers = fileOfKnownServers(`${folder}/known_servers`);
 * assertEquals(await servers.find("forum.example:5000"), undefined);
 * await servers.remember("forum.example:5000", new Uint8Array(32));
 * assertEquals(await servers.find("forum.example:5000"), new Uint8Array(32));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function fileOfKnownServers(path: string): KnownServers {
  return new File(path);
}
