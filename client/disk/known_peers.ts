/**
 * The keys of files from user to user on this machine: one's own, made once and for its owner only, and a file of those
 * of others who were met, a line each: `forum.example Yoda KEY`, the key in base64. Who has several machines has
 * several.
 *
 * @module
 */

import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { decodeBase64, encodeBase64 } from "../../protocol/base64.ts";
import { createKeyPair, type Env, KEY_BYTES, type KeyPair } from "../../protocol/datagram/suite.ts";
import { fold } from "../../protocol/text.ts";
import type { KnownPeers } from "../peer/peer_host.ts";
import { onDisk } from "./disk_error.ts";

/** The largest file that is read, in bytes. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** The file of this user. */
export function knownPeersPath(): string {
  const { get } = Deno.env;
  const config = get("XDG_CONFIG_HOME") || get("APPDATA") || join(homedir(), ".config");
  return join(config, "dfp", "known_peers");
}

class File implements KnownPeers {
  readonly #path: string;
  readonly #server: string;

  constructor(path: string, server: string) {
    this.#path = path;
    this.#server = server.toLowerCase();
  }

  async find(user: string): Promise<Uint8Array[]> {
    const text = await onDisk(this.#path, "read", () => readFile(this.#path));
    const found: Uint8Array[] = [];
    for (const line of text.split(/\r?\n/)) {
      // A name may hold spaces.
      const [, server, name, key] = /^(\S+) (.+) (\S+)$/.exec(line.trim()) ?? [];
      if (server?.toLowerCase() !== this.#server || fold(name) !== fold(user)) continue;
      const bytes = decodeBase64(key);
      if (bytes?.length === KEY_BYTES) found.push(bytes);
    }
    return found;
  }

  async remember(user: string, key: Uint8Array): Promise<void> {
    await onDisk(this.#path, "written", async () => {
      await Deno.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      const line = `${this.#server} ${user} ${encodeBase64(key)}\n`;
      await Deno.writeTextFile(this.#path, line, { append: true, mode: 0o600 });
    });
  }
}

async function readFile(path: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    // Nobody would be known any more, which is better than to be busy with it for ever.
    return size > FILE_BYTES_MAX ? "" : await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/**
 * Opens a file of known peers of a server, which need not be there yet.
 *
 * @example
 * ```ts
 * import { fileOfKnownPeers } from "./known_peers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const peers = fileOfKnownPeers(`${folder}/known_peers`, "forum.example");
 * await peers.remember("Yoda", new Uint8Array(32));
 * assertEquals(await peers.find("yoda"), [new Uint8Array(32)]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function fileOfKnownPeers(path: string, server: string): KnownPeers {
  return new File(path, server);
}

/** One's own keys, beside a file of known peers; where none can be kept, keys for this time only. */
export function ownPeerKeys(path: string, env: Env): KeyPair {
  const keyPath = join(dirname(path), "peer.key");
  try {
    return readKeys(keyPath, env) ?? keepKeys(keyPath, createKeyPair(env)) ??
      readKeys(keyPath, env) ?? createKeyPair(env);
  } catch {
    return createKeyPair(env);
  }
}

function readKeys(path: string, { suite }: Env): KeyPair | undefined {
  try {
    const secret = decodeBase64(Deno.readTextFileSync(path).trim());
    if (secret?.length !== KEY_BYTES) return undefined;
    return { secret, public: suite.publicKey(secret) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Keeps keys; `undefined` if another program has been faster. */
function keepKeys(path: string, keys: KeyPair): KeyPair | undefined {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${Deno.pid}`;
  Deno.writeTextFileSync(draft, `${encodeBase64(keys.secret)}\n`, { mode: 0o600 });
  try {
    // A link never takes the place of another file, and all of it is there at once.
    Deno.linkSync(draft, path);
    return keys;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    throw error;
  } finally {
    Deno.removeSync(draft);
  }
}
