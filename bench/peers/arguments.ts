/**
 * The command line of `deno task bench:peers`.
 *
 * @module
 */

import { parseArgs } from "@std/cli";

/** The works, in the order in which they are done. */
export const WORKS = [
  "core",
  "fan-out",
  "fan-out-ws",
  "latency",
  "durable",
  "memory",
  "sign-in",
  "store",
  "files",
] as const;

/** The name of a work. */
export type WorkName = (typeof WORKS)[number];

/** What is to be done. */
export interface Plan {
  readonly works: readonly WorkName[];
  /** End within two minutes. */
  readonly quick: boolean;
  /** Print one JSON object a line. */
  readonly json: boolean;
  /** Install peers that are missing, where that can be done. */
  readonly install: boolean;
}

/** What the command line asks for. */
export type Request = Plan | { readonly help: true } | { readonly complaint: string };

/** What `--help` prints. */
export const USAGE = `Usage: deno task bench:peers [options]

  --quick       shorter measurements: everything within two minutes
  --json        one JSON object a line: {work, unit, ours, peers, goal, met}
  --only WORK   do this work only; can be repeated: ${WORKS.join(", ")}
  --no-install  measure what is there, and install nothing
  --help
`;

/**
 * Reads the command line.
 *
 * @example
 * ```ts
 * import { readArguments } from "./arguments.ts";
 * import { assert } from "@std/assert";
 *
 * assert("complaint" in readArguments(["--only", "tea"]));
 * ```
 */
export function readArguments(args: string[]): Request {
  const unknown: string[] = [];
  const given = parseArgs(args, {
    boolean: ["quick", "json", "install", "help"],
    negatable: ["install"],
    string: ["only"],
    collect: ["only"],
    default: { install: true },
    unknown: (arg: string) => (unknown.push(arg), false),
  });
  if (given.help) return { help: true };
  if (unknown.length > 0) return { complaint: `${unknown[0]} is not known` };
  const works: WorkName[] = [];
  for (const name of given.only as string[]) {
    const work = WORKS.find((known) => known === name);
    if (work === undefined) {
      return { complaint: `--only takes ${WORKS.join(", ")}; not "${name}"` };
    }
    works.push(work);
  }
  return {
    works: works.length === 0 ? WORKS : works,
    quick: given.quick,
    json: given.json,
    install: given.install,
  };
}
