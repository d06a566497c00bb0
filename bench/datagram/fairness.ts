/**
 * Fairness: ours and kernel TCP share one link, each with more to send than it can; what TCP keeps of its half.
 *
 * @module
 */

import { runToEnd, startProcess } from "../peers/process.ts";
import { type Lab, RECEIVER_HOST } from "./lab.ts";

const END = (name: string) => new URL(`ends/${name}`, import.meta.url).pathname;

/** How much a receiving end has said last that it has. */
function counted(output: string): number {
  const counts = [...Deno.readTextFileSync(output).matchAll(/^count (\d+)$/gm)];
  return Number(counts.at(-1)?.[1] ?? 0);
}

/** TCP's bytes beside ours until the first of them has all, as a share of half of what both have got by then. */
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
    const sending = ["ours", "tcp"].map((name, at) => {
      const script = ["run", "-A", "--no-prompt", "--unstable-net", END(`${name}.ts`)];
      const [command, args] = lab.inside("sender", Deno.execPath(), [
        ...script,
        "send",
        RECEIVER_HOST,
        String(7100 + at),
        String(bytes),
      ]);
      return runToEnd(command, args);
    });
    const outcomes = receivers.map((receiver) => receiver.line(/^outcome (.*)$/m));
    const first = await Promise.race(outcomes.map((outcome, at) => outcome.then(() => at)));
    const [ours, tcp] = ["ours", "tcp"].map((name, at) =>
      at === first ? bytes : counted(`${folder}/${name}`)
    );
    await Promise.all([...sending, ...outcomes]);
    return tcp / ((ours + tcp) / 2);
  } finally {
    for (const receiver of receivers) await receiver.stop();
  }
}
