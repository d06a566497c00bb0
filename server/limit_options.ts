/**
 * The limits of operation on the command line.
 *
 * @module
 */

import type { Rate } from "../protocol/rate.ts";
import { LIMIT_DEFAULTS, type OperationLimits } from "./limits.ts";

/** Reads a whole number within a range, or throws what is to be said to the person who typed it. */
export type ReadWhole = (
  text: string,
  options: { name: string; range: readonly [number, number] },
) => number;

const MOST = 1_000_000_000;

/** Options that take a whole number: which limit they set, and the least that they take. */
const NUMBERS = {
  "max-connections": ["connections", 0],
  "max-connections-per-address": ["connectionsPerAddress", 0],
  "max-unsigned": ["unsigned", 0],
  "max-commands": ["commands", 1],
  "max-commands-in-all": ["commandsInAll", 0],
  "max-tokens": ["tokens", 1],
  "max-lockouts": ["lockouts", 1],
} as const satisfies Record<string, readonly [keyof OperationLimits, number]>;

/** Options that take a rate. */
const RATES = {
  "post-rate": "changes",
  "sign-in-rate": "signIns",
  "sign-in-rate-per-address": "signInsPerAddress",
} as const satisfies Record<string, keyof OperationLimits>;

/** A burst where none is given: what the rate gives in so many seconds. */
const BURST_SECONDS = 10;

type LimitOption = keyof typeof NUMBERS | keyof typeof RATES;

/** The names of the options. */
export const LIMIT_OPTIONS = [
  ...Object.keys(NUMBERS),
  ...Object.keys(RATES),
] as readonly LimitOption[];

/** What `--help` says of them. */
export const LIMIT_USAGE =
  `How much is taken on (0: no limit; RATE is so many a second, BURST so many at once):
  --max-connections N     connections (default 10000)
  --max-connections-per-address N
                          connections from one address (default 100, but not from this
                          machine itself unless this option is given)
  --max-unsigned N        connections on which nobody has signed in yet (default 1000)
  --max-commands N        commands of a connection without a reply; then it is read no further
                          (1 at least, default 256)
  --max-commands-in-all N commands of all connections without a reply (default 65536)
  --post-rate RATE[/BURST]
                          posts and other changes of one user (default 50/500)
  --sign-in-rate RATE[/BURST]
                          sign-ins and registrations (default 200/1000)
  --sign-in-rate-per-address RATE[/BURST]
                          the same from one address (default 20/600, but not from this
                          machine itself unless this option is given)
  --max-tokens N          devices that stay signed in, for a user (1 at least, default 100)
  --max-lockouts N        lock-outs that are remembered (1 at least, default 10000)
`;

/** Reads the limits from the options that were given; `whole` reads numbers and complains. */
export function readLimits(
  given: { readonly [name: string]: unknown },
  whole: ReadWhole,
): OperationLimits {
  const limits: { -readonly [L in keyof OperationLimits]: OperationLimits[L] } = {
    ...LIMIT_DEFAULTS,
  };
  for (const [name, [limit, least]] of Object.entries(NUMBERS)) {
    const text = given[name];
    if (typeof text === "string") limits[limit] = whole(text, { name, range: [least, MOST] });
  }
  for (const [name, limit] of Object.entries(RATES)) {
    const text = given[name];
    if (typeof text === "string") limits[limit] = readRate(text, name, whole);
  }
  return limits;
}

function readRate(text: string, name: string, whole: ReadWhole): Rate {
  const [rate, burst] = text.split(/\/(.*)/s);
  const perSecond = whole(rate, { name, range: [0, MOST] });
  return {
    perSecond,
    burst: burst === undefined
      ? perSecond * BURST_SECONDS
      : whole(burst, { name: `burst of ${name}`, range: [1, MOST] }),
  };
}
