/**
 * The activity log: who did what, from where, a line each (the server log of seed 002).
 *
 * Lines are gathered and written together. If the place that they go to takes them too slowly, what
 * exceeds the buffer is dropped and counted: talk is never held up by its own record.
 *
 * @module
 */

/** One thing that was done. */
export interface Activity {
  /** When, in ms since 1970. */
  readonly at: number;
  /** Who; `""` where nobody is signed in. */
  readonly user: string;
  /** From which address. */
  readonly source: string;
  /** What, as `post`. */
  readonly did: string;
  /** What it concerned. Texts of messages are not recorded. */
  readonly about?: { readonly [name: string]: string | number | boolean | undefined };
}

/** Takes activities. */
export interface ActivityLog {
  record(activity: Activity): void;
  /** Writes what has gathered, as far as the other side takes it. */
  flush(): Promise<void>;
}

/** How activities look: a line for people, or a JSON object a line. */
export type ActivityFormat = "text" | "json";

/** How long lines gather, in ms. */
const GATHER_MS = 50;
/** The most characters that wait to be written. */
const GATHERED_MAX = 1024 * 1024;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function two(value: number): string {
  return String(value).padStart(2, "0");
}

let timeOf = { second: -1, text: "" };

/** A moment in the family's format, UTC: `23 Feb 2021 15:00:01`. */
export function familyTime(at: number): string {
  const second = Math.floor(at / 1000);
  // Many lines fall into one second.
  if (second !== timeOf.second) timeOf = { second, text: formatTime(at) };
  return timeOf.text;
}

function formatTime(at: number): string {
  const date = new Date(at);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  return `${day} ${time}`;
}

/** What a terminal could obey, or what hides or turns a text: a file may be called so. Joiners stay. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

/** A value as JSON that is safe to show. */
function quoted(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join(""),
  );
}

/** One line, without its end. */
export function formatActivity(activity: Activity, format: ActivityFormat): string {
  const { at, user, source, did, about = {} } = activity;
  if (format === "json") {
    return quoted({ at: new Date(at).toISOString(), user, source, did, ...about });
  }
  let line = `${familyTime(at)} ${user || "-"} ${source} ${did}`;
  for (const name in about) {
    const value = about[name];
    if (value !== undefined) {
      line += ` ${name}=${typeof value === "string" ? quoted(value) : value}`;
    }
  }
  return line;
}

class Gathered implements ActivityLog {
  readonly #format: ActivityFormat;
  readonly #write: (text: string) => Promise<void>;
  #lines: string[] = [];
  #size = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(format: ActivityFormat, write: (text: string) => Promise<void>) {
    this.#format = format;
    this.#write = write;
  }

  record(activity: Activity): void {
    if (this.#size > GATHERED_MAX) {
      this.#dropped++;
      return;
    }
    const line = formatActivity(activity, this.#format);
    this.#lines.push(line);
    this.#size += line.length;
    // One write for many lines: each write costs more than a whole command does.
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#run().finally(() => this.#writing = undefined);
    return this.#writing;
  }

  async #run(): Promise<void> {
    while (this.#lines.length > 0) {
      const text = this.#lines.join("\n") + "\n";
      this.#lines = [];
      this.#size = 0;
      try {
        await this.#write(text);
      } catch {
        // Whoever read the log has gone. The forum goes on.
      }
      if (this.#dropped > 0) {
        this.#lines.push(`(${this.#dropped} lines were dropped: the log is read too slowly)`);
        this.#dropped = 0;
      }
    }
  }
}

/** Makes an activity log that writes text through `write`, one call at a time. */
export function createActivityLog(
  format: ActivityFormat,
  write: (text: string) => Promise<void>,
): ActivityLog {
  return new Gathered(format, write);
}
