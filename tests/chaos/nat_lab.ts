/**
 * A small internet: a server, and two hosts that are in the open or behind a NAT of their own, as network namespaces
 * with the kernel's own NAT (iptables). Everything runs at 100 Mbit/s. It needs root on Linux.
 *
 * @module
 */

import { installDebian, runs } from "../debian.ts";
/** How a host reaches the internet. */
export type NatKind =
  /** Without a NAT. */
  | "open"
  /** A NAT that keeps ports, as most at home do. */
  | "preserving"
  /** A NAT that takes another port for each destination. */
  | "symmetric";

/** Where a program can run. */
export type Place = "server" | "one" | "other";

/** The two hosts. */
export type Side = Exclude<Place, "server">;

/** A small internet. */
export interface NatLab {
  /** The command that runs a program at a place. */
  inside(place: Place, program: readonly string[]): string[];
  /** A host's NAT forgets all its mappings, and takes other ports for datagrams from now on. */
  rebind(side: Side): Promise<void>;
  close(): Promise<void>;
}

/** Where the server is. */
export const SERVER_ADDRESS = "203.0.113.1";

const SIDES = {
  one: { outside: "203.0.113.10", network: "192.168.1" },
  other: { outside: "203.0.113.20", network: "192.168.2" },
} as const;
const RATE = ["tbf", "rate", "100mbit", "burst", "64kb", "latency", "30ms"];

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdout: "null" }).output();
  if (success) return;
  const why = new TextDecoder().decode(stderr).trim();
  throw new Error(`${command} ${args.join(" ")} failed: ${why}`);
}

let opened = 0;

class Namespaces implements NatLab {
  readonly #prefix = `dfp-nat-${Deno.pid}-${++opened}`;
  readonly #made: string[] = [];
  readonly #kinds: Readonly<Record<Side, NatKind>>;
  #rebound = 0;

  constructor(kinds: Readonly<Record<Side, NatKind>>) {
    this.#kinds = kinds;
  }

  #name(what: string): string {
    return `${this.#prefix}-${what}`;
  }

  async #add(what: string): Promise<void> {
    await run("ip", "netns", "add", this.#name(what));
    this.#made.push(this.#name(what));
    await this.#ip(what, "link set lo up");
  }

  #ip(where: string, command: string): Promise<void> {
    return run("ip", "-n", this.#name(where), ...command.split(" "));
  }

  #exec(where: string, command: string): Promise<void> {
    return run("ip", "netns", "exec", this.#name(where), ...command.split(" "));
  }

  /** A cable between two of them. */
  async #cable(one: string, device: string, other: string, at: string): Promise<void> {
    const peer = ["type", "veth", "peer", "name", at, "netns", this.#name(other)];
    await run("ip", "-n", this.#name(one), "link", "add", device, ...peer);
    for (const [where, name] of [[one, device], [other, at]]) {
      await this.#ip(where, `link set ${name} up`);
      await run("tc", "-n", this.#name(where), "qdisc", "add", "dev", name, "root", ...RATE);
    }
  }

  async open(): Promise<this> {
    await this.#add("server");
    await this.#ip("server", "link add br0 type bridge");
    await this.#ip("server", "link set br0 up");
    await this.#ip("server", `addr add ${SERVER_ADDRESS}/24 dev br0`);
    for (const side of ["one", "other"] as const) await this.#connect(side);
    return this;
  }

  async #connect(side: Side): Promise<void> {
    const { outside, network } = SIDES[side];
    const kind = this.#kinds[side];
    await this.#add(side);
    const router = kind === "open" ? side : `${side}-nat`;
    if (kind !== "open") await this.#add(router);
    await this.#cable(router, "wan", "server", side);
    await this.#ip("server", `link set ${side} master br0`);
    await this.#ip(router, `addr add ${outside}/24 dev wan`);
    if (kind === "open") return;
    await this.#cable(router, "lan", side, "eth0");
    await this.#ip(router, `addr add ${network}.1/24 dev lan`);
    await this.#ip(side, `addr add ${network}.2/24 dev eth0`);
    await this.#ip(side, `route add default via ${network}.1`);
    await this.#exec(router, "sysctl -q -w net.ipv4.ip_forward=1");
    const random = kind === "symmetric" ? " --random-fully" : "";
    for (
      const rule of [
        `-t nat -A POSTROUTING -o wan -p udp -j MASQUERADE${random}`,
        `-t nat -A POSTROUTING -o wan -j MASQUERADE`,
        "-A FORWARD -i lan -j ACCEPT",
        "-A FORWARD -i wan -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "-P FORWARD DROP",
        // What nobody inside has asked for is dropped, not answered.
        "-A INPUT -i wan -j DROP",
      ]
    ) await this.#exec(router, `iptables -w 5 ${rule}`);
  }

  inside(place: Place, program: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.#name(place), ...program];
  }

  async rebind(side: Side): Promise<void> {
    const router = `${side}-nat`;
    const first = 50_000 + 100 * this.#rebound++;
    const ports = `--to-ports ${first}-${first + 99}`;
    const rule = `-t nat -R POSTROUTING 1 -o wan -p udp -j MASQUERADE ${ports}`;
    await this.#exec(router, `iptables -w 5 ${rule}`);
    // A device that goes down takes its mappings with it.
    await this.#ip(router, "link set wan down");
    await this.#ip(router, "link set wan up");
  }

  async close(): Promise<void> {
    for (const name of this.#made.splice(0).reverse()) await run("ip", "netns", "del", name);
  }
}

/** Builds it. */
export async function openNatLab(kinds: Readonly<Record<Side, NatKind>>): Promise<NatLab> {
  const lab = new Namespaces(kinds);
  try {
    return await lab.open();
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** What this machine says to such a lab, or `undefined` if it can be had. */
export async function natLabTrouble(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return `${Deno.build.os} has no network namespaces`;
  if (Deno.uid() !== 0) return "only root makes network namespaces";
  const there = async () => await runs("ip", "-V") && await runs("iptables", "--version");
  const missing = await installDebian(["iproute2", "iptables"], there);
  if (missing !== undefined) return missing;
  try {
    const lab = await openNatLab({ one: "preserving", other: "symmetric" });
    await lab.close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
