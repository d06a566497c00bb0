/**
 * The command line of the terminal client (DESIGN §9).
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { withHome } from "../disk/local_paths.ts";
import { DEFAULT_HOST, DEFAULT_PORT, readAddress, type ServerAddress } from "./server_address.ts";

/** What the command line asks for. */
export interface ConsoleArguments {
  readonly address: ServerAddress;
  /** A file with certificates of authorities. */
  readonly caFile?: string;
  /** The file in which keys of servers are remembered. */
  readonly knownServers?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly register: boolean;
  /** Lines to run instead of asking for them. */
  readonly commands: readonly string[];
  readonly json: boolean;
  readonly stay: boolean;
  /** The folder that downloads land in. */
  readonly downloads: string;
  /** The folder for whatever other users offer. */
  readonly accept?: string;
  /** Where the keys of other users are remembered. */
  readonly knownPeers?: string;
  /** Send files to users, and take theirs, through the server only. */
  readonly relayOnly: boolean;
  /** Let files that shrink travel deflated. */
  readonly deflate: boolean;
}

/** What was given: something to run, to print, or a mistake. */
export type Invocation =
  | { readonly run: ConsoleArguments }
  | { readonly show: "help" | "version" }
  | { readonly mistake: string };

/** Options with a value that is given once. */
const SINGLE = [
  "connect",
  "ca",
  "known-servers",
  "known-peers",
  "user",
  "password-file",
  "downloads",
  "accept",
] as const;

/** What `--help` prints. */
export const HELP = `The terminal client of DFP/2, the Digital Forum Protocol.

  deno run -A client/main.ts [HOST PORT] [options]

HOST PORT                where the server listens (${DEFAULT_HOST} ${DEFAULT_PORT})
    --connect URL        the same as a URL: tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT,
                         ws://HOST:PORT or wss://HOST:PORT
    --ca FILE            trust the authorities of this file (PEM) too, for tls:// and wss://
    --known-servers FILE where keys of servers are remembered, for udp://
                         (~/.config/dfp/known_servers)
-u, --user NAME          who you are
    --register           make the account first
    --password-file FILE the password is the file's first line
-c, --command LINE       run this line instead of asking for lines; may be repeated
    --json               print one JSON object a line
    --stay               after the last command, go on showing what happens
    --downloads DIR      where files land that are got with DWN (the current folder)
    --accept DIR         take every file that another user sends, into this folder, without asking
    --known-peers FILE   remember there the keys of users whom files were sent to or came from; one's own
                         key lies beside it, and "always", the list of those whose files /always takes
                         (known_peers in the folder of known_servers)
    --relay-only         show other users no address of this machine: what is sent to them, and what
                         they send, goes through the server, which cannot read it
    --deflate            let files travel deflated where that makes them smaller
-h, --help               this help
-V, --version            the version

The password comes from --password-file, else from DFP_PASSWORD, else from a hidden prompt. The admin
password, where a command needs it, comes from a hidden prompt or DFP_ADMIN_PASSWORD, a new password
from a hidden prompt or DFP_NEW_PASSWORD. HLP lists the commands. When standard input is no terminal,
it is read for commands, one a line. NO_COLOR turns colours off.

By udp:// all is encrypted. A server is known by its key, which is remembered when it is first met; one that
shows another key later is refused. The server shows its key at its start: compare them.

Files are shared by UPD and got by DWN. UPD @user sends one straight to a user, who is asked first and
says /accept or /decline. Leaving, and Ctrl-C, cut off those that are on their way: the same
command goes on with them. Until a file is whole it is a hidden .part in the folder of downloads.

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
 * assert("run" in given && given.run.address.transport === "tcp");
 * ```
 */
export function readArguments(args: readonly string[]): Invocation {
  const unknown: string[] = [];
  const given = parseArgs([...args], {
    string: ["_", ...SINGLE, "command"],
    boolean: ["register", "json", "stay", "relay-only", "deflate", "help", "version"],
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
  const empty = SINGLE.find((name) => given[name] === "");
  if (empty !== undefined) return { mistake: `--${empty} needs a value.` };
  const repeated = SINGLE.find((name) => Array.isArray(given[name]));
  if (repeated !== undefined) return { mistake: `--${repeated} is given twice.` };
  const address = readAddress(given._, given.connect);
  if (typeof address === "string") return { mistake: address };
  if (given.ca !== undefined && address.transport !== "tls" && address.transport !== "wss") {
    return { mistake: "--ca is for tls:// and wss:// only." };
  }
  if (given["known-servers"] !== undefined && address.transport !== "udp") {
    return { mistake: "--known-servers is for udp:// only." };
  }
  return {
    run: {
      address,
      ...given["known-servers"] !== undefined &&
        { knownServers: withHome(given["known-servers"]) },
      ...given.ca !== undefined && { caFile: given.ca },
      ...given.user !== undefined && { user: given.user },
      ...given["password-file"] !== undefined && { passwordFile: given["password-file"] },
      register: given.register,
      commands: given.command,
      json: given.json,
      stay: given.stay,
      downloads: withHome(given.downloads ?? "."),
      ...given.accept !== undefined && { accept: withHome(given.accept) },
      ...given["known-peers"] !== undefined && { knownPeers: withHome(given["known-peers"]) },
      relayOnly: given["relay-only"],
      deflate: given.deflate,
    },
  };
}
