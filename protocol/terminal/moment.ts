/**
 * Moments as people write and read them: the family's `23 Feb 2021 15:00:01`, in local time.
 *
 * @module
 */

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const two = (value: number) => String(value).padStart(2, "0");

/** A moment, given in ms since 1970, as `23 Feb 2021 15:00:01`. */
export function formatMoment(at: number): string {
  const date = new Date(at);
  const day = `${two(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/**
 * Reads `23 Feb 2021 15:00:01` (seconds, or the time, may be left out), ISO 8601 (without a zone: local
 * time), `15:00` for today, `2h` for two hours ago (`s`, `m`, `h`, `d`). `undefined` is none of these.
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
export function parseMoment(text: string, now: number): number | undefined {
  const words = text.trim();
  const ago = /^(\d{1,9})\s*([smhd])(?:\s+ago)?$/i.exec(words);
  if (ago !== null) return Math.max(0, now - Number(ago[1]) * UNITS[ago[2].toLowerCase()]);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(words);
  if (clock !== null) {
    const today = new Date(now);
    return local([today.getFullYear(), today.getMonth(), today.getDate()], clock.slice(1));
  }
  const family = /^(\d{1,2}) +([a-z]{3})[a-z]* +(\d{4})(?:,? +(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/i
    .exec(words);
  if (family !== null) {
    const month = MONTHS.findIndex((name) => name.toLowerCase() === family[2].toLowerCase());
    return local([Number(family[3]), month, Number(family[1])], family.slice(4));
  }
  // A date alone would be taken for UTC, while everything else here is local.
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(words);
  if (day !== null) return local([Number(day[1]), Number(day[2]) - 1, Number(day[3])], []);
  if (!/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(words)) return undefined;
  const iso = Date.parse(words.replace(" ", "T"));
  return Number.isNaN(iso) || iso < 0 ? undefined : iso;
}

function local(
  [year, month, day]: [number, number, number],
  clock: readonly (string | undefined)[],
): number | undefined {
  const [hours, minutes, seconds] = [0, 1, 2].map((place) => Number(clock[place] ?? 0));
  const date = new Date(year, month, day, hours, minutes, seconds);
  // Date lets 31 Feb run over into March.
  const real = date.getMonth() === month && date.getDate() === day && hours < 24 && minutes < 60 &&
    seconds < 60 && date.getTime() >= 0;
  return real ? date.getTime() : undefined;
}
