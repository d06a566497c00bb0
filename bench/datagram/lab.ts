/**
 * The lab: two network namespaces, and the relay between them. Who is not root, or is where namespaces are not
 * permitted, has no lab.
 *
 * @module
 */

import { Missing, type Process, runToEnd, startProcess } from "../peers/process.ts";
import type { BenchLink } from "./links.ts";

/** The addresses of the two sides. */
export const SENDER_HOST = "10.77.0.1";
export const RECEIVER_HOST = "10.77.0.2";

/** A side of the link. */
export type LabSide = "sender" | "receiver";

/** Two hosts and a link between them. */
export interface Lab {
  /** A command as it is run on a side. */
  inside(side: LabSide, command: string, args: readonly string[]): [string, string[]];
  /** Sets TCP's congestion control on both sides. */
  tcp(name: string): Promise<void>;
  close(): Promise<void>;
}

const name = (side: LabSide) => `dfp-${side}-${Deno.pid}`;
const device = (side: LabSide) => `dfp${side[0]}${Deno.pid % 100_000}`;
const SIDES = [["sender", SENDER_HOST], ["receiver", RECEIVER_HOST]] as const;

const ip = (...args: string[]) => runToEnd("ip", args);

/** Builds the lab for a link. Rejects with {@linkcode Missing} where it cannot be built. */
export async function openLab({ faults }: BenchLink, folder: string): Promise<Lab> {
  if (Deno.uid() !== 0) throw new Missing("the lab of namespaces needs root");
  const relay = startProcess(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      new URL("tun_relay.ts", import.meta.url).pathname,
      device("sender"),
      device("receiver"),
      "1",
      JSON.stringify({ ...faults, mtu: 1500 }),
    ],
    output: `${folder}/relay`,
  });
  const lab = makeLab(relay);
  try {
    await relay.line(/^ready$/m);
    for (const [side, host] of SIDES) {
      await ip("netns", "add", name(side));
      await ip("link", "set", device(side), "netns", name(side));
      for (
        const command of [
          `addr add ${host}/24 dev ${device(side)}`,
          `link set ${device(side)} up mtu 1500 txqueuelen 2000`,
          "link set lo up",
        ]
      ) await ip("-n", name(side), ...command.split(" "));
    }
    return lab;
  } catch (error) {
    await lab.close();
    throw new Missing(`the lab of namespaces cannot be built: ${(error as Error).message}`);
  }
}

function makeLab(relay: Process): Lab {
  return {
    inside: (side, command, args) => ["ip", ["netns", "exec", name(side), command, ...args]],
    async tcp(control) {
      // By route: a namespace may not choose every one for itself.
      for (const [side, host] of SIDES) {
        const route = `route replace 10.77.0.0/24 dev ${
          device(side)
        } src ${host} congctl ${control}`;
        await ip("-n", name(side), ...route.split(" "));
      }
    },
    async close() {
      await relay.stop();
      for (const [side] of SIDES) await ip("netns", "del", name(side)).catch(() => {});
    },
  };
}
