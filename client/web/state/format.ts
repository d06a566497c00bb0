/**
 * How sizes, times and names look.
 *
 * @module
 */

/** A size in bytes, short. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const NARROW = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});
const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** The time of day. */
export function timeText(at: number): string {
  return TIME.format(at);
}

/** The time of day where there is room for five signs only. */
export function narrowTimeText(at: number): string {
  return NARROW.format(at);
}

/** Date and time in full. */
export function momentText(at: number): string {
  return FULL.format(at);
}

/** Whether two moments are on the same day here. */
export function sameDay(one: number, other: number): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

const DAY_MS = 86_400_000;

/** The day of a moment, as one calls it now. */
export function dayText(at: number, now: number): string {
  if (sameDay(at, now)) return "Today";
  if (sameDay(at, now - DAY_MS)) return "Yesterday";
  return DAY.format(at);
}

/** When something was, in little room. */
export function briefText(at: number, now: number): string {
  return sameDay(at, now) ? timeText(at) : SHORT.format(at);
}

/** One of so many colours for a name, always the same one. */
export function hueOf(name: string, hues: number): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)!) >>> 0;
  return hash % hues;
}

/** What stands for a name in a small circle. */
export function initialOf(name: string): string {
  return [...name][0]?.toUpperCase() ?? "?";
}

/** Names in a sentence, not too many of them. */
export function namesText(names: readonly string[]): string {
  if (names.length <= 1) return names.join("");
  if (names.length <= 3) return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return `${names.slice(0, 2).join(", ")} and ${names.length - 2} others`;
}
