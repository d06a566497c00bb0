/**
 * `deno task bench:datagram`: a file over one link after the other, by ours and by what people would use
 * instead (DATAGRAM §6). Options: `--quick`, `--json`, `--only WORDS` (links whose names have them), `--no-install`.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { type Figure, jsonLine, textLines } from "../peers/figure.ts";
import { Missing } from "../peers/process.ts";
import type { Outcome } from "./ends/outcome.ts";
import { shareOfTcp } from "./fairness.ts";
import { type Lab, openLab } from "./lab.ts";
import { type BenchLink, LINKS } from "./links.ts";
import { loopback } from "./loopback.ts";
import { ours, quic, type System, tcp, tftp, udx } from "./systems.ts";

const USAGE = "use --quick, --json, --only WORDS, --no-install";
/** Where packets are lost or swapped, who goes by losses is measured with so many times fewer bytes. */
const FEW = 5;
const SYSTEMS: readonly System[] = [ours, tcp("cubic"), tcp("bbr"), quic, udx];

interface Run {
  readonly quick: boolean;
  readonly install: boolean;
  readonly note: (text: string) => void;
  readonly show: (figure: Figure) => void;
  folder(): string;
}

/** Every system over one link. */
async function overLink(link: BenchLink, run: Run): Promise<void> {
  const folder = run.folder();
  const bytes = run.quick ? link.quickBytes : link.bytes;
  const lab = await openLab(link, folder);
  const rates = new Map<string, number>();
  let own: Outcome | undefined;
  try {
    const isLossy = link.faults.loss !== undefined;
    const isReordered = link.faults.reorder !== undefined;
    for (const system of isLossy ? [...SYSTEMS, tftp] : SYSTEMS) {
      try {
        const few = (isLossy || isReordered) && system.byLosses ? bytes / FEW : bytes;
        const outcome = await system.transfer({ ...run, lab, folder, bytes: few });
        rates.set(system.name, outcome.bytes / outcome.seconds / 1e6);
        if (system === ours) own = outcome;
      } catch (error) {
        if (!(error instanceof Missing)) run.note(`${system.name} failed: ${error}`);
        else run.note(`${system.name} is left out: ${error.message}`);
      }
    }
  } finally {
    await lab.close();
  }
  const { ours: rate, ...peers } = Object.fromEntries(rates);
  const figure = { work: link.name, unit: "MB/s", ours: rate, peers, goal: link.goal };
  run.show(figure);
  if (own?.sent !== undefined) {
    const loss = link.faults.loss ?? 0;
    run.show({
      work: `${link.name}, sent beyond data and loss`,
      unit: "share",
      ours: own.sent / own.bytes * (1 - loss) - 1,
      peers: {},
      goal: [{ ours: "at most", value: link.beyond! }],
    });
  }
}

async function fairly(run: Run): Promise<void> {
  const link = LINKS[1];
  const lab: Lab = await openLab(link, run.folder());
  try {
    run.show({
      work: "a TCP cubic flow beside ours, 100 Mbit/s, 20 ms",
      unit: "share of its half",
      ours: await shareOfTcp(lab, run.folder(), run.quick ? 10e6 : 80e6),
      peers: {},
      goal: [{ ours: "at least", value: 0.8 }],
    });
  } finally {
    await lab.close();
  }
}

async function unlimited(run: Run): Promise<void> {
  const { rate, cpu } = await loopback(run.folder(), run.quick ? 40e6 : 400e6);
  run.show({
    work: "no limit, loss or delay",
    unit: "MB/s",
    ours: rate,
    peers: {},
    goal: [{ ours: "at least", value: 60 }],
  });
  run.show({
    work: "the receiver's CPU",
    unit: "µs a datagram",
    ours: cpu,
    peers: {},
    goal: [{ ours: "at most", value: 10 }],
  });
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    boolean: ["quick", "json", "install"],
    negatable: ["install"],
    string: ["only"],
    default: { install: true },
    unknown: (name: string) => {
      console.error(`bench:datagram: ${name} is not known: ${USAGE}`);
      Deno.exit(2);
    },
  });
  const root = Deno.makeTempDirSync({ prefix: "dfp-datagram-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => Deno.exit(1));
  }
  let folders = 0;
  const run: Run = {
    quick: args.quick,
    install: args.install,
    note: (text) => args.json ? console.error(text) : console.log(`(${text})`),
    show: (figure) => console.log(args.json ? jsonLine(figure) : textLines(figure)),
    folder() {
      const path = `${root}/${++folders}`;
      Deno.mkdirSync(path);
      return path;
    },
  };
  const works: [string, () => Promise<void>][] = [
    ["no limit", () => unlimited(run)],
    ...LINKS.map((link): [string, () => Promise<void>] => [link.name, () => overLink(link, run)]),
    ["fair", () => fairly(run)],
  ];
  let failures = 0;
  for (const [name, work] of works) {
    if (args.only !== undefined && !name.includes(args.only)) continue;
    try {
      await work();
    } catch (error) {
      if (error instanceof Missing) run.note(`${name} is left out: ${error.message}`);
      else {
        failures++;
        console.error(`${name} failed:`, error);
      }
    }
  }
  Deno.exit(failures === 0 ? 0 : 1);
}
