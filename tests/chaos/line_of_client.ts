/**
 * The terminal client as a process of its own, with one line to do: how that went, and what memory it took.
 *
 * @module
 */

import { runProgram } from "../end_to_end/processes.ts";
import type { PeerAddress } from "../end_to_end/raw_peer.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import type { Ending } from "./bounded.ts";

/** What is to be done, and by whom. */
export interface ClientLine {
  readonly user: string;
  readonly line: string;
  /** Where downloads land; the current folder if not given. */
  readonly downloads?: string;
}

/** What came of it. */
export interface LineOutcome {
  // deno-lint-ignore no-explicit-any -- the client's JSON, read by its fields
  readonly outcome: any;
  /** The most memory that the client had, in bytes; 0 where there is no /proc. */
  readonly peak: number;
  /** From the first word of progress to the outcome, in ms. */
  readonly ms: number;
}

/** The most memory that a process had so far, in bytes; 0 where there is no /proc. */
export function peakOf(pid: number): number {
  if (Deno.build.os !== "linux") return 0;
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

/** Does a line in a client whose account is there. */
export async function doLine(
  ending: Ending,
  { hostname, port }: PeerAddress,
  { user, line, downloads }: ClientLine,
): Promise<LineOutcome> {
  const client = runProgram({
    args: [
      ...["-A", "client/main.ts", hostname, String(port), "--user", user, "--json"],
      // It stays until its memory was looked at.
      "--stay",
      ...downloads === undefined ? [] : ["--downloads", downloads],
      ...["-c", line],
    ],
    env: { DFP_PASSWORD: PASSWORD },
  });
  const end = () => {
    client.signal("SIGKILL");
    return client.exited;
  };
  ending(end);
  const first = await client.output.until((told) => /"event":"progress"|"ok":/.test(told));
  const begun = performance.now();
  const told = first.includes('"ok":')
    ? first
    : await client.output.until((told) => told.includes('"ok":'));
  const ms = performance.now() - begun;
  const peak = peakOf(client.pid);
  await end();
  return { outcome: JSON.parse(told), peak, ms };
}
