/**
 * `deno task bench:peers`: whole processes side by side in one run, ours and those that people would pick instead,
 * under the same load.
 *
 * @module
 */

import { readArguments, USAGE, type WorkName } from "./arguments.ts";
import { type Bench, createBench } from "./bench.ts";
import { LOAD_OPTIONS } from "./dfp.ts";
import { jsonLine, textLines } from "./figure.ts";
import { core } from "./works/core.ts";
import { durable } from "./works/durable.ts";
import { fanOut, fanOutWebSocket } from "./works/fan_out.ts";
import { files } from "./works/files.ts";
import { latency } from "./works/latency.ts";
import { memory } from "./works/memory.ts";
import { signIn } from "./works/sign_in.ts";
import { store } from "./works/store.ts";

const DO: Record<WorkName, (bench: Bench) => Promise<void>> = {
  core,
  "fan-out": fanOut,
  "fan-out-ws": fanOutWebSocket,
  latency,
  durable,
  memory,
  "sign-in": signIn,
  store,
  files,
};

if (import.meta.main) {
  const request = readArguments(Deno.args);
  if ("help" in request) {
    console.log(USAGE);
    Deno.exit(0);
  }
  if ("complaint" in request) {
    console.error(`bench:peers: ${request.complaint}`);
    Deno.exit(2);
  }
  const { works, quick, json, install } = request;
  const root = Deno.makeTempDirSync({ prefix: "dfp-peers-" });
  // A peer may run as somebody else, and must be able to enter.
  Deno.chmodSync(root, 0o711);
  const ends: (() => void)[] = [];
  const clean = () => {
    for (const end of ends) end();
    try {
      Deno.removeSync(root, { recursive: true });
    } catch (error) {
      console.error(`${root} could not be removed: ${(error as Error).message}`);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => Deno.exit(1));
  }
  globalThis.addEventListener("unload", clean);
  // In JSON nothing but JSON goes to standard output.
  const note = (text: string) => json ? console.error(text) : console.log(`(${text})`);
  const bench = createBench({
    quick,
    install,
    root,
    note,
    ending: (end) => ends.push(end),
    report: (figure) => console.log(json ? jsonLine(figure) : textLines(figure)),
  });
  note(`ours runs with ${LOAD_OPTIONS.join(" ")}, since one user does everything`);
  let failures = 0;
  for (const name of works) {
    try {
      await DO[name](bench);
    } catch (error) {
      failures++;
      console.error(`${name} failed:`, error);
    }
  }
  Deno.exit(failures === 0 ? 0 : 1);
}
