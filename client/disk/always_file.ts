/**
 * The file of those whose files are taken without asking: a line each, `forum.example`, one's own name there and
 * theirs, with tabs in between. It lies beside the file of known peers. People may edit it.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fold } from "../../protocol/text.ts";
import { onDisk } from "./disk_error.ts";

/** The largest file that is read, in bytes. */
const FILE_BYTES_MAX = 1024 * 1024;

/** Those whose files are taken without asking. */
export interface Always {
  has(user: string): boolean;
  /** Rejects if it cannot be kept for the next time; for this time it holds. */
  add(user: string): Promise<void>;
  /** Gives whether this user was one of them; rejects like `add`. */
  remove(user: string): Promise<boolean>;
}

/** Beside this file of known peers. */
export function alwaysPath(knownPeers: string): string {
  return join(dirname(knownPeers), "always");
}

/** Whose list it is. */
export interface AlwaysOwner {
  /** The server's name, as it was dialled. */
  readonly server: string;
  /** One's own name there. */
  readonly user: string;
}

class AlwaysFile implements Always {
  readonly #path: string;
  readonly #owner: AlwaysOwner;
  /** Those of this owner, folded. */
  readonly #users: Set<string>;

  constructor(path: string, { server, user }: AlwaysOwner, text: string) {
    this.#path = path;
    this.#owner = { server: server.toLowerCase(), user };
    this.#users = new Set(
      linesOf(text).map((line) => this.#userOf(line)).filter((user) => user !== undefined),
    );
  }

  /** The folded name that a line gives, if it is one of this owner's. */
  #userOf(line: string): string | undefined {
    const [server, owner, user, ...more] = line.split("\t");
    if (user === undefined || more.length > 0 || server.startsWith("#")) return undefined;
    const own = server.toLowerCase() === this.#owner.server &&
      fold(owner) === fold(this.#owner.user);
    return own ? fold(user) : undefined;
  }

  has(user: string): boolean {
    return this.#users.has(fold(user));
  }

  async add(user: string): Promise<void> {
    if (this.has(user)) return;
    this.#users.add(fold(user));
    const { server, user: owner } = this.#owner;
    await this.#write((text) => {
      const begin = text === "" || text.endsWith("\n") ? text : `${text}\n`;
      return `${begin}${server}\t${owner}\t${user}\n`;
    });
  }

  async remove(user: string): Promise<boolean> {
    if (!this.#users.delete(fold(user))) return false;
    await this.#write((text) =>
      linesOf(text).filter((line) => this.#userOf(line) !== fold(user)).join("\n")
    );
    return true;
  }

  /** What others have added meanwhile stays; a file that is cut off halfway is never there. */
  async #write(change: (text: string) => string): Promise<void> {
    await onDisk(this.#path, "written", async () => {
      await Deno.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      const draft = `${this.#path}.${Deno.pid}`;
      await Deno.writeTextFile(draft, change(readSync(this.#path)), { mode: 0o600 });
      await Deno.rename(draft, this.#path);
    });
  }
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/);
}

function readSync(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** What cannot be read, or is far too large, welcomes nobody: then each offer waits for an answer. */
function readQuietly(path: string): string {
  try {
    return Deno.statSync(path).size > FILE_BYTES_MAX ? "" : readSync(path);
  } catch {
    return "";
  }
}

/**
 * Opens the file, which need not be there yet. That it cannot be written is thrown as a DiskError; what was said holds
 * for this time all the same.
 *
 * @example
 * ```ts
 * import { fileOfAlways } from "./always_file.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const owner = { server: "forum.example", user: "Luke" };
 * await fileOfAlways(`${folder}/always`, owner).add("Yoda");
 * assertEquals(fileOfAlways(`${folder}/always`, owner).has("yoda"), true);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function fileOfAlways(path: string, owner: AlwaysOwner): Always {
  return new AlwaysFile(path, owner, readQuietly(path));
}
