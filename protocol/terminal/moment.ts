/**
 * Moments as people write and read them: the family's `23 Feb 2021 15:00:01`, in the time of this place
 * or in UTC.
 *
 * @module
 */

/** Whose time it is: that of the machine, or everybody's. */
export type Zone = "local" | "UTC";

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const two = (value: number) => String(value).padStart(2, "0");

type Day = readonly [year: number, month: number, day: number];
type Clock = readonly [hours: number, minutes: number, seconds: number];

function dayOf(date: Date, zone: Zone): Day {
  return zone === "UTC"
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
    : [date.getFullYear(), date.getMonth(), date.getDate()];
}

function clockOf(date: Date, zone: Zone): Clock {
  return zone === "UTC"
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds()];
}

/** A moment, given in ms since 1970, as `23 Feb 2021 15:00:01`. */
export function formatMoment(at: number, zone: Zone = "local"): string {
  const date = new Date(at);
  const [year, month, day] = dayOf(date, zone);
  return `${two(day)} ${MONTHS[month]} ${year} ${clockOf(date, zone).map(two).join(":")}`;
}

/**
 * Reads `23 Feb 2021 15:00:01` (seconds, or the time, may be left out), ISO 8601 (without a zone: that of
 * the place), `15:00` for today, `2h` for two hours ago (`s`, `m`, `h`, `d`). `undefined` is none of these.
 *
 * @param now Now, in ms since 1970, for the last two.
 * @example
 * ```ts
 * import { formatMoment, parseMoment } from "./moment.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const at = parseMoment("23 Feb 2021 15:00:01", 0);
 * assertEquals(formatMoment(at ?? 0), "23 Feb 2021 15:00:01");
 * assertEquals(parseMoment("2h ago", 7_200_500), 500);
 * ```
 */
export function parseMoment(text: string, now: number, zone: Zone = "local"): number | undefined {
  const words = text.trim();
  const ago = /^(\d{1,9})\s*([smhd])(?:\s+ago)?$/i.exec(words);
  if (ago !== null) return Math.max(0, now - Number(ago[1]) * UNITS[ago[2].toLowerCase()]);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(words);
  if (clock !== null) return momentOf(dayOf(new Date(now), zone), clock.slice(1), zone);
  const family = /^(\d{1,2}) +([a-z]{3})[a-z]* +(\d{4})(?:,? +(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/i
    .exec(words);
  if (family !== null) {
    const month = MONTHS.findIndex((name) => name.toLowerCase() === family[2].toLowerCase());
    return momentOf([Number(family[3]), month, Number(family[1])], family.slice(4), zone);
  }
  // A date alone would be taken for UTC, while everything else here is of this place.
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(words);
  if (day !== null) return momentOf([Number(day[1]), Number(day[2]) - 1, Number(day[3])], [], zone);
  if (!/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(words)) return undefined;
  const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(words) || zone === "local";
  const iso = Date.parse(words.replace(" ", "T") + (zoned ? "" : "Z"));
  return Number.isNaN(iso) || iso < 0 ? undefined : iso;
}

function momentOf(
  [year, month, day]: Day,
  clock: readonly (string | undefined)[],
  zone: Zone,
): number | undefined {
  const [hours, minutes, seconds] = [0, 1, 2].map((place) => Number(clock[place] ?? 0));
  const date = zone === "UTC"
    ? new Date(Date.UTC(year, month, day, hours, minutes, seconds))
    : new Date(year, month, day, hours, minutes, seconds);
  const [, realMonth, realDay] = dayOf(date, zone);
  // Date lets 31 Feb run over into March.
  const real = realMonth === month && realDay === day && hours < 24 && minutes < 60 &&
    seconds < 60 && date.getTime() >= 0;
  return real ? date.getTime() : undefined;
}
