/**
 * The command line of the terminal client (DESIGN §9).
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import type { TcpAddress } from "../connect/tcp.ts";
import { withHome } from "../disk/local_paths.ts";

/** What the command line asks for. */
export interface ConsoleArguments {
  readonly address: TcpAddress;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly register: boolean;
  /** Lines to run instead of asking for them. */
  readonly commands: readonly string[];
  readonly json: boolean;
  readonly stay: boolean;
  /** The folder that downloads land in. */
  readonly downloads: string;
  /** Let files that shrink travel deflated. */
  readonly deflate: boolean;
}

/** What was given: something to run, to print, or a mistake. */
export type Invocation =
  | { readonly run: ConsoleArguments }
  | { readonly show: "help" | "version" }
  | { readonly mistake: string };

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 5000;
/** Options that need a value, once. */
const VALUED = ["connect", "user", "password-file", "downloads"] as const;
const LATER = ["tls", "udp", "ws", "wss"];

/** What `--help` prints. */
export const HELP = `The terminal client of DFP/2, the Digital Forum Protocol.

  deno run -A client/main.ts [HOST PORT] [options]

HOST PORT                where the server listens (${DEFAULT_HOST} ${DEFAULT_PORT})
    --connect URL        the same as a URL: tcp://HOST:PORT
-u, --user NAME          who you are
    --register           make the account first
    --password-file FILE the password is the file's first line
-c, --command LINE       run this line instead of asking for lines; may be repeated
    --json               print one JSON object a line
    --stay               after the last command, go on showing what happens
    --downloads DIR      where files land that are got with DWN (the current folder)
    --deflate            let files travel deflated where that makes them smaller
-h, --help               this help
-V, --version            the version

The password comes from --password-file, else from DFP_PASSWORD, else from a hidden prompt. The admin
password, where a command needs it, comes from a hidden prompt or DFP_ADMIN_PASSWORD, a new password
from a hidden prompt or DFP_NEW_PASSWORD. HLP lists the commands. When standard input is no terminal,
it is read for commands, one a line. NO_COLOR turns colours off.

Exit status: 0 all went well; 1 a command failed, signing in was refused, or the session was ended from
elsewhere; 2 the command line is wrong; 3 the server cannot be reached.`;

/**
 * Reads the command line.
 *
 * @example
 * ```ts
 * import { readArguments } from "./arguments.ts";
 * import { assert } from "@std/assert";
 *
 * const given = readArguments(["::1", "5001", "-c", "LST"]);
 * assert("run" in given && given.run.address.port === 5001);
 * ```
 */
export function readArguments(args: readonly string[]): Invocation {
  const unknown: string[] = [];
  const given = parseArgs([...args], {
    string: ["_", ...VALUED, "command"],
    boolean: ["register", "json", "stay", "deflate", "help", "version"],
    collect: ["command"],
    alias: { command: "c", user: "u", help: "h", version: "V" },
    unknown: (argument, key) => {
      if (key === undefined) return true;
      unknown.push(argument);
      return false;
    },
  });
  if (given.help) return { show: "help" };
  if (given.version) return { show: "version" };
  if (unknown.length > 0) return { mistake: `There is no option ${unknown[0]}.` };
  const empty = VALUED.find((name) => given[name] === "");
  if (empty !== undefined) return { mistake: `--${empty} needs a value.` };
  const repeated = VALUED.find((name) => Array.isArray(given[name]));
  if (repeated !== undefined) return { mistake: `--${repeated} is given twice.` };
  const address = readAddress(given._, given.connect);
  if (typeof address === "string") return { mistake: address };
  return {
    run: {
      address,
      ...given.user !== undefined && { user: given.user },
      ...given["password-file"] !== undefined && { passwordFile: given["password-file"] },
      register: given.register,
      commands: given.command,
      json: given.json,
      stay: given.stay,
      downloads: withHome(given.downloads ?? "."),
      deflate: given.deflate,
    },
  };
}

/** The address, or what is wrong with it. */
function readAddress(places: readonly string[], url: string | undefined): TcpAddress | string {
  if (url !== undefined) {
    return places.length === 0 ? readUrl(url) : "Give HOST PORT or --connect, not both.";
  }
  if (places.length > 2) return `${places[2]} is too much: give HOST PORT, nothing more.`;
  const [hostname = DEFAULT_HOST, text] = places;
  if (places.length === 1 && /^\d+$/.test(hostname)) {
    return `Give the host too: ${DEFAULT_HOST} ${hostname}.`;
  }
  const port = text === undefined ? DEFAULT_PORT : readPort(text);
  if (port === undefined) return `The port is a number from 1 to 65535, not ${text}.`;
  return hostname === "" ? "The host is missing." : { hostname, port };
}

function readPort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function readUrl(text: string): TcpAddress | string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1].toLowerCase();
  if (scheme !== undefined && LATER.includes(scheme)) {
    return `${scheme}:// is not there yet: this version connects by tcp:// only.`;
  }
  const parts = /^tcp:\/\/(?:\[([0-9a-f:.%]+)\]|([^\s:/@?#]+))(?::(\d+))?\/?$/i.exec(text);
  if (parts === null) return `--connect needs a URL like tcp://127.0.0.1:5000, not ${text}.`;
  const port = parts[3] === undefined ? DEFAULT_PORT : readPort(parts[3]);
  if (port === undefined) return `The port is a number from 1 to 65535, not ${parts[3]}.`;
  return { hostname: parts[1] ?? parts[2], port };
}
