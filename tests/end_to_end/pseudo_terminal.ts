/**
 * Somebody at a terminal: the terminal client in a pseudo terminal, which `script` of util-linux makes.
 *
 * @module
 */

import { type ProgramProcess, spawn } from "./processes.ts";
import type { PeerAddress } from "./raw_peer.ts";
import type { Ground } from "./scenario.ts";

/** Starts a client at a terminal; `undefined` where no terminal can be made. */
export async function startPerson(
  ground: Ground,
  server: PeerAddress,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramProcess | undefined> {
  if (!await hasScript()) return undefined;
  const words = [Deno.execPath(), "run", "-A", "client/main.ts", server.hostname, `${server.port}`];
  const command = [...words, ...args].map((word) => `'${word}'`).join(" ");
  return ground.keep(
    spawn("script", {
      args: ["--quiet", "--return", "--flush", "--command", command, "/dev/null"],
      env: { TERM: "xterm", ...env },
    }),
  );
}

async function hasScript(): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch (error) {
    // Without such a program it is thrown at once.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits until its terminal does not show what is typed: nobody is so fast as to type before that. */
export async function hidden({ pid }: ProgramProcess): Promise<void> {
  for (;;) {
    const [child] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ");
    const { stdout } = await new Deno.Command("stty", {
      args: ["--all", "--file", `/proc/${child}/fd/0`],
      stderr: "null",
    }).output();
    if (/\s-echo\s/.test(new TextDecoder().decode(stdout))) return;
  }
}
