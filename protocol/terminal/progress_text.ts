/**
 * Progress as text: how far the files have come that are on their way.
 *
 * @module
 */

import type { Transfer } from "./file_outcome.ts";
import { sizeText } from "./style.ts";
import { visibleLine } from "./visible.ts";

/** Seconds beyond which nobody counts. */
const LEFT_MAX = 100 * 3600;

/** `45 %`; nothing is all of nothing. */
export function percent(bytes: number, size: number): string {
  return `${size === 0 ? 100 : Math.floor(bytes / size * 100)} %`;
}

/** `UPD holocron.bin: 45 % of 1.2 MiB, 35.1 MiB/s, 0:12 left`, or `UPD holocron.bin: waiting`. */
export function progressText(transfer: Transfer): string {
  const { command, name, waiting, bytes, size, place, count } = transfer;
  const which = count > 1 ? ` (${place}/${count})` : "";
  const so = waiting ? [] : [`${percent(bytes, size)} of ${sizeText(size)}`];
  const facts = [...so, ...speedFacts(transfer)];
  return `${command} ${visibleLine(name)}${which}: ${facts.join(", ")}`;
}

/** `35.1 MiB/s` and `0:12 left`, as far as that is known; `waiting`, where nothing moves yet; how it goes to a user. */
export function* speedFacts({ waiting, rate, bytes, size, via }: Transfer): Iterable<string> {
  if (waiting) yield "waiting";
  else if (via !== undefined) yield via;
  if (rate === null) return;
  yield `${sizeText(Math.round(rate))}/s`;
  if (rate > 0 && bytes < size) yield `${timeText((size - bytes) / rate)} left`;
}

/** Seconds as `0:12` or `1:02:03`. */
function timeText(seconds: number): string {
  const left = Math.min(LEFT_MAX, Math.ceil(seconds));
  const [hours, minutes, rest] = [left / 3600, left % 3600 / 60, left % 60].map(Math.floor);
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
