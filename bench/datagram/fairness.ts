/**
 * Fairness: ours and kernel TCP share one link, each with more to send than it can; what TCP keeps of its half.
 *
 * @module
 */

import { runToEnd, startProcess } from "../peers/process.ts";
import { type Lab, RECEIVER_HOST } from "./lab.ts";

const END = (name: string) => new URL(`ends/${name}`, import.meta.url).pathname;

/** TCP's rate beside ours, as a share of half of what both have together. */
export async function shareOfTcp(lab: Lab, folder: string, bytes: number): Promise<number> {
  await lab.tcp("cubic");
  const receivers = ["ours", "tcp"].map((name, at) => {
    const script = ["run", "-A", "--no-prompt", "--unstable-net", END(`${name}.ts`)];
    const [command, args] = lab.inside("receiver", Deno.execPath(), [
      ...script,
      "receive",
      RECEIVER_HOST,
      String(7100 + at),
    ]);
    return startProcess(command, { args, output: `${folder}/${name}` });
  });
  try {
    for (const receiver of receivers) await receiver.line(/^ready$/m);
    await Promise.all(["ours", "tcp"].map((name, at) => {
      const script = ["run", "-A", "--no-prompt", "--unstable-net", END(`${name}.ts`)];
      const [command, args] = lab.inside("sender", Deno.execPath(), [
        ...script,
        "send",
        RECEIVER_HOST,
        String(7100 + at),
        String(bytes),
      ]);
      return runToEnd(command, args);
    }));
    const [ours, tcp] = await Promise.all(
      receivers.map(async (receiver) =>
        JSON.parse((await receiver.line(/^outcome (.*)$/m))[1]).seconds as number
      ),
    );
    // The faster one is done while the other has sent what it could beside it.
    const both = Math.min(ours, tcp);
    const slower = Math.max(ours, tcp);
    // After the faster was done, the other had the link for itself.
    const alone = slower - both;
    const rate = 12_500_000 * 0.94;
    const beside = Math.max(0, bytes - alone * rate) / both;
    const [oursRate, tcpRate] = ours < tcp ? [bytes / ours, beside] : [beside, bytes / tcp];
    return tcpRate / ((oursRate + tcpRate) / 2);
  } finally {
    for (const receiver of receivers) await receiver.stop();
  }
}
