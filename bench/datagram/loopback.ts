/**
 * Ours over the loopback interface, with nothing in between: what the machines and Deno's sockets can do.
 *
 * @module
 */

import { runToEnd, startProcess } from "../peers/process.ts";
import type { Outcome } from "./ends/outcome.ts";

const END = new URL("ends/ours.ts", import.meta.url).pathname;
const PORT = "7201";

/** The rate in MB/s, and the receiver's time on a processor in µs a datagram. */
export async function loopback(
  folder: string,
  bytes: number,
): Promise<{ readonly rate: number; readonly cpu: number }> {
  const script = ["run", "-A", "--no-prompt", "--unstable-net", END];
  const receiver = startProcess(Deno.execPath(), {
    args: [...script, "receive", "127.0.0.1", PORT],
    output: `${folder}/receiver`,
  });
  try {
    await receiver.line(/^ready$/m);
    await runToEnd(Deno.execPath(), [...script, "send", "127.0.0.1", PORT, String(bytes)]);
    const [, json] = await receiver.line(/^outcome (.*)$/m);
    const outcome: Outcome = JSON.parse(json);
    return {
      rate: outcome.bytes / outcome.seconds / 1e6,
      cpu: outcome.cpu * 1e6 / outcome.datagrams!,
    };
  } finally {
    await receiver.stop();
  }
}
