/**
 * The terminal client's command line: `deno run -A client/main.ts [HOST PORT] [options]` (DESIGN §9).
 *
 * @module
 */

import process from "node:process";
import { promptSecret } from "@std/cli";
import about from "../deno.json" with { type: "json" };
import { type ConsoleArguments, HELP, readArguments } from "./console/arguments.ts";
import { runInteractive, runScripted } from "./console/console.ts";
import { eventJson } from "./console/json_output.ts";
import { readLines } from "./console/line_queue.ts";
import { type Failed, failure, isStatusError } from "../protocol/terminal/outcome.ts";
import { failedText } from "../protocol/terminal/render_outcome.ts";
import { ServerKeyChanged } from "./connect/known_servers.ts";
import { DiskError } from "./disk/disk_error.ts";
import { fileOfKnownServers, knownServersPath } from "./disk/known_servers.ts";
import { encodeBase64 } from "../protocol/base64.ts";
import { addressText } from "./console/server_address.ts";
import { type Asker, signIn } from "./console/sign_in.ts";
import { visibleLine } from "../protocol/terminal/visible.ts";
import { dialAddress } from "./console/dial_address.ts";
import { connectForum, type ForumClient } from "./forum_client.ts";
import { alwaysPath, fileOfAlways } from "./disk/always_file.ts";
import { fileOfKnownPeers, knownPeersPath, ownPeerKeys } from "./disk/known_peers.ts";
import type { PeerOptions } from "./peer/peer_host.ts";
import { peerPorts } from "./connect/peer_port.ts";
import { nodeEnv } from "../transport/node_suite.ts";

/** The exit statuses, as `--help` explains them. */
const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;
const AGENT = `dfp-console/${about.version}`;

/** Ends the program with a word on standard error. */
function quit(status: number, text: string): never {
  console.error(`dfp: ${text}`);
  Deno.exit(status);
}

/** The password that was given without asking. */
function givenPassword({ passwordFile }: ConsoleArguments): string | undefined {
  if (passwordFile === undefined) return Deno.env.get("DFP_PASSWORD") || undefined;
  try {
    return Deno.readTextFileSync(passwordFile).split(/\r?\n/, 1)[0];
  } catch (error) {
    return quit(EXIT.usage, `the password file cannot be read: ${reason(error)}`);
  }
}

/** The authorities that were given, in PEM. */
function authorities({ caFile }: ConsoleArguments): string[] {
  if (caFile === undefined) return [];
  try {
    const text = Deno.readTextFileSync(caFile);
    if (text.includes("-----BEGIN CERTIFICATE-----")) return [text];
  } catch (error) {
    return quit(EXIT.usage, `the authorities' file cannot be read: ${reason(error)}`);
  }
  return quit(EXIT.usage, `${caFile} holds no certificate in PEM.`);
}

/** What can be done about a server that is not reached. */
function advice(error: unknown): string {
  return /certificate|UnknownIssuer/i.test(reason(error))
    ? "Its certificate is not trusted: is the name right? --ca names the authority's file."
    : "Is it running?";
}

function reason(error: unknown): string {
  return visibleLine(error instanceof Error ? error.message : String(error));
}

const asker: Asker = {
  ask: (question) => prompt(question)?.trim() || undefined,
  askSecret: (question) => promptSecret(question, { mask: "" }) ?? undefined,
  say: (text) => console.error(text),
};

function refused(failure: Failed, json: boolean): never {
  if (json) {
    const { code, name, text } = failure;
    console.log(eventJson({ type: "closed", code, name, text }));
  }
  return quit(EXIT.failed, failedText(failure));
}

/** The server's name, as it was dialled. */
function hostnameOf({ address }: ConsoleArguments): string {
  return "url" in address ? new URL(address.url).hostname : address.hostname;
}

/** How files go straight to other users and come from them. */
function peersOf(given: ConsoleArguments): PeerOptions {
  const { relayOnly, knownPeers = knownPeersPath() } = given;
  const hostname = hostnameOf(given);
  const openPort = peerPorts(hostname.replace(/^\[|\]$/g, ""));
  return {
    env: nodeEnv,
    keys: ownPeerKeys(knownPeers, nodeEnv),
    knownPeers: fileOfKnownPeers(knownPeers, hostname),
    ...!relayOnly && { openPort },
  };
}

async function signedIn(given: ConsoleArguments): Promise<ForumClient> {
  const { address, user, register, json } = given;
  const knownServers = fileOfKnownServers(given.knownServers ?? knownServersPath());
  const dial = dialAddress(address, {
    caCerts: authorities(given),
    knownServers,
    onNewKey(key) {
      console.error(
        `dfp: ${addressText(address)} is met for the first time. Its key is ${
          encodeBase64(key)
        }: ` +
          `compare it with what the server shows at its start. ${knownServers.place} remembers it.`,
      );
    },
  });
  const password = givenPassword(given);
  try {
    const outcome = await signIn({
      register,
      ...user !== undefined && { user },
      ...password !== undefined && { password },
      ...Deno.stdin.isTerminal() && { asker },
      connect: (account) => connectForum({ dial, agent: AGENT, peers: peersOf(given), ...account }),
    });
    if ("ok" in outcome) refused(outcome, json);
    return outcome;
  } catch (error) {
    if (error instanceof ServerKeyChanged) {
      return quit(EXIT.unreachable, `${addressText(address)} is not trusted: ${reason(error)}.`);
    }
    if (error instanceof DiskError) return quit(EXIT.usage, reason(error));
    const where = addressText(address);
    return quit(
      EXIT.unreachable,
      `no server can be reached at ${where} (${reason(error)}). ${advice(error)}`,
    );
  }
}

/** Calls back at each signal to end, until it is let go of. */
function onSignals(act: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, act);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, act);
  };
}

/** Resolves at the first signal to end. */
function signalled(): Promise<void> {
  return new Promise((resolve) => onSignals(() => resolve()));
}

async function run(given: ConsoleArguments): Promise<number> {
  const { commands, json, stay, downloads, accept, deflate } = given;
  const terminal = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  const colour = Deno.stdout.isTerminal() && !Deno.env.get("NO_COLOR");
  const client = await signedIn(given);
  const always = fileOfAlways(alwaysPath(given.knownPeers ?? knownPeersPath()), {
    server: hostnameOf(given),
    user: client.user,
  });
  const files = { downloads, ...accept !== undefined && { accept }, always, deflate };
  if (terminal && !json && !stay && commands.length === 0) {
    return await runInteractive({ client, colour, ...files, stopped: signalled() });
  }
  const secret = (name: string) => () => Promise.resolve(Deno.env.get(name) || undefined);
  return await runScripted({
    client,
    json,
    colour,
    stay,
    ...files,
    lines: commands.length > 0 ? commands : readLines(Deno.stdin.readable),
    secrets: {
      adminPassword: secret("DFP_ADMIN_PASSWORD"),
      newPassword: secret("DFP_NEW_PASSWORD"),
    },
    stopped: stay ? signalled() : new Promise(() => {}),
    interrupts: onSignals,
    ...Deno.stderr.isTerminal() && { terminal: process.stderr },
    write: (text) => console.log(text),
    complain: (text) => console.error(text),
  });
}

if (import.meta.main) {
  const invocation = readArguments(Deno.args);
  if ("mistake" in invocation) quit(EXIT.usage, `${invocation.mistake} See --help.`);
  if ("show" in invocation) console.log(invocation.show === "help" ? HELP : AGENT);
  else {
    try {
      Deno.exit(await run(invocation.run));
    } catch (error) {
      if (!isStatusError(error)) throw error;
      refused(failure("LOGIN", error), invocation.run.json);
    }
  }
}
