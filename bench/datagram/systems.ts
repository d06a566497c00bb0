/**
 * The transports that are compared: how their two ends are run in the lab, and what came of it.
 *
 * @module
 */

import { type Installer, Missing, program, runToEnd, startProcess } from "../peers/process.ts";
import type { Outcome } from "./ends/outcome.ts";
import { type Lab, RECEIVER_HOST, SENDER_HOST } from "./lab.ts";

/** Where a transfer runs. */
export interface Setting extends Installer {
  readonly lab: Lab;
  readonly folder: string;
  readonly bytes: number;
}

/** A transport. */
export interface System {
  readonly name: string;
  /** Whether it goes by losses: then a fifth of the bytes is enough where packets are lost or swapped. */
  readonly byLosses?: boolean;
  /** Transfers; rejects with Missing if it is not here. */
  transfer(setting: Setting): Promise<Outcome>;
}

/** TFTP needs a round trip for every 512 bytes: so much is enough to know. */
const TFTP_BYTES = 20_000;
const PORT = "7000";
const END = (name: string) => new URL(`ends/${name}`, import.meta.url).pathname;

/** Runs a receiving and a sending program, and takes what the receiver prints. */
async function run(
  { lab, folder }: Setting,
  receive: readonly [string, readonly string[]],
  send: readonly [string, readonly string[]],
  cwd?: string,
): Promise<Outcome> {
  const [command, args] = lab.inside("receiver", ...receive);
  const receiver = startProcess(command, { args, output: `${folder}/receiver`, cwd });
  try {
    await receiver.line(/^ready$/m);
    const [command, args] = lab.inside("sender", ...send);
    const said = await runToEnd(command, args, { cwd });
    const [, outcome] = await receiver.line(/^outcome (.*)$/m);
    const [, sent] = /^sent (.*)$/m.exec(said) ?? [];
    return { ...JSON.parse(outcome), ...sent === undefined ? {} : JSON.parse(sent) };
  } finally {
    await receiver.stop();
  }
}

const deno = (end: string, ...args: string[]) =>
  [Deno.execPath(), ["run", "-A", "--no-prompt", "--unstable-net", END(end), ...args]] as const;

/** Ours. */
export const ours: System = {
  name: "ours",
  transfer: (setting) =>
    run(
      setting,
      deno("ours.ts", "receive", RECEIVER_HOST, PORT),
      deno("ours.ts", "send", RECEIVER_HOST, PORT, String(setting.bytes)),
    ),
};

/** Kernel TCP with a congestion control. */
export const tcp = (control: string): System => ({
  name: `TCP ${control}`,
  byLosses: control === "cubic",
  async transfer(setting) {
    const known = await Deno.readTextFile("/proc/sys/net/ipv4/tcp_available_congestion_control");
    if (!known.split(/\s/).includes(control)) throw new Missing(`the kernel has no ${control}`);
    await setting.lab.tcp(control);
    return await run(
      setting,
      deno("tcp.ts", "receive", RECEIVER_HOST, PORT),
      deno("tcp.ts", "send", RECEIVER_HOST, PORT, String(setting.bytes)),
    );
  },
});

/** Deno's QUIC. */
export const quic: System = {
  name: "Deno QUIC",
  byLosses: true,
  async transfer(setting) {
    if (!("connectQuic" in Deno)) throw new Missing("this Deno has no QUIC");
    const openssl = await program("openssl", "openssl", setting);
    const [cert, key] = [`${setting.folder}/cert.pem`, `${setting.folder}/key.pem`];
    await runToEnd(openssl, [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
      ..."-subj /CN=localhost -addext subjectAltName=DNS:localhost".split(" "),
      ..."-addext basicConstraints=critical,CA:FALSE".split(" "),
      ...["-keyout", key, "-out", cert],
    ]);
    return await run(
      setting,
      deno("quic.ts", "receive", RECEIVER_HOST, PORT, cert, key),
      deno("quic.ts", "send", RECEIVER_HOST, PORT, String(setting.bytes), cert),
    );
  },
};

let udxFolder: string | undefined;

/** The npm package udx-native. */
export const udx: System = {
  name: "udx-native",
  async transfer(setting) {
    const { install, note, folder, bytes } = setting;
    if (udxFolder === undefined) {
      if (!install) throw new Missing("udx-native is not installed");
      note("udx-native comes from npm, into a folder of this run");
      const npm = await program("npm", "npm", setting);
      await runToEnd(npm, ["install", "--prefix", folder, "--no-save", "udx-native@1.21.3"])
        .catch((error) => {
          throw new Missing(`udx-native could not be had: ${(error as Error).message}`);
        });
      udxFolder = folder;
    }
    const node = await program("node", "nodejs", setting);
    return await run(
      setting,
      [node, [END("udx.mjs"), "receive", RECEIVER_HOST, PORT, SENDER_HOST]],
      [node, [END("udx.mjs"), "send", SENDER_HOST, PORT, RECEIVER_HOST, String(bytes)]],
      udxFolder,
    );
  },
};

/** TFTP: atftpd gives a small file to atftp. */
export const tftp: System = {
  name: "TFTP",
  async transfer(setting) {
    const { lab, folder } = setting;
    const server = await program("atftpd", "atftpd", setting);
    const client = await program("atftp", "atftp", setting);
    const bytes = Math.min(setting.bytes, TFTP_BYTES);
    const files = `${folder}/tftp`;
    await Deno.mkdir(files, { recursive: true });
    await Deno.writeFile(`${files}/file`, new Uint8Array(bytes));
    await Deno.chmod(files, 0o755);
    const [command, args] = lab.inside("sender", server, [
      ..."--daemon --no-fork --user root --group root --port 6969 --retry-timeout 1".split(" "),
      files,
    ]);
    const process = startProcess(command, { args, output: `${folder}/tftpd` });
    try {
      let begin = 0;
      const fetched = `${folder}/fetched`;
      await process.until(async () => {
        begin = performance.now();
        const get = [
          "--get",
          "--remote-file",
          "file",
          "--local-file",
          fetched,
          SENDER_HOST,
          "6969",
        ];
        const [command, args] = lab.inside("receiver", client, get);
        await runToEnd(command, args).catch(() => {});
        return (await Deno.stat(fetched).catch(() => undefined))?.size === bytes;
      });
      return { bytes, seconds: (performance.now() - begin) / 1000, cpu: NaN };
    } finally {
      await process.stop();
    }
  },
};
