/**
 * The limits of files on the command line.
 *
 * @module
 */

import type { ReadWhole } from "../limit_options.ts";
import { FILE_LIMIT_DEFAULTS, type FileLimits } from "./file_limits.ts";

/** Options that take bytes, and options that take a number: which limit they set, and the least they take. */
const BYTES = {
  "max-file-size": "fileBytes",
  "max-files-per-user": "userBytes",
  "max-files-in-all": "allBytes",
} as const satisfies Record<string, keyof FileLimits>;
const NUMBERS = {
  "max-transfers": ["transfers", 0],
  "max-transfers-per-connection": ["transfersOfOne", 0],
  "max-unfinished-uploads": ["unfinished", 1],
} as const satisfies Record<string, readonly [keyof FileLimits, number]>;

/** Takes seconds. */
const STALL = "max-transfer-stall";

/** The names of the options. */
export const FILE_LIMIT_OPTIONS = [
  ...Object.keys(BYTES),
  ...Object.keys(NUMBERS),
  STALL,
] as readonly (keyof typeof BYTES | keyof typeof NUMBERS | typeof STALL)[];

/** What `--help` says of them. */
export const FILE_LIMIT_USAGE =
  `How much of files is taken on (0: no limit; SIZE is in bytes, or like 500M or 2G):
  --max-file-size SIZE    bytes of one file (default 0)
  --max-files-per-user SIZE
                          bytes of all files of one user (default 0)
  --max-files-in-all SIZE bytes of all files, equal ones counted once (default 0)
  --max-transfers N       files on their way at the same time (default 100)
  --max-transfers-per-connection N
                          the same for one connection (default 8)
  --max-transfer-stall SECONDS
                          a file that has stood still for so long makes room for others when
                          there is none (default 30)
  --max-unfinished-uploads N
                          uploads of a user that were cut off and can be gone on with
                          (1 at least, default 100)
`;

const UNITS = ["", "K", "M", "G", "T"];

/** A size as people write it, in bytes: `2G` is 2 × 1024³. `undefined` if it is none. */
export function readSize(text: string): number | undefined {
  const parts = /^(\d{1,15})([KMGT]?)i?B?$/i.exec(text);
  if (parts === null) return undefined;
  const size = Number(parts[1]) * 1024 ** UNITS.indexOf(parts[2].toUpperCase());
  return Number.isSafeInteger(size) ? size : undefined;
}

/** Reads the limits from the options that were given; `complain` throws. */
export function readFileLimits(
  given: { readonly [name: string]: unknown },
  whole: ReadWhole,
  complain: (text: string) => never,
): FileLimits {
  const limits: { -readonly [L in keyof FileLimits]: number } = { ...FILE_LIMIT_DEFAULTS };
  for (const [name, limit] of Object.entries(BYTES)) {
    const text = given[name];
    if (typeof text !== "string") continue;
    limits[limit] = readSize(text) ??
      complain(`the ${name} must be a number of bytes, or like 500M or 2G, not ${text}`);
  }
  for (const [name, [limit, least]] of Object.entries(NUMBERS)) {
    const text = given[name];
    if (typeof text === "string") {
      limits[limit] = whole(text, { name, range: [least, 1_000_000] });
    }
  }
  const stall = given[STALL];
  if (typeof stall === "string") {
    limits.stall = 1000 * whole(stall, { name: STALL, range: [0, 1_000_000] });
  }
  return limits;
}
