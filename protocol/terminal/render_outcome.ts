/**
 * Outcomes as plain text: what a person reads after a command.
 *
 * @module
 */

import type { FoundRow, ThreadRow } from "../forum/reply.ts";
import { fold, mentions } from "../text.ts";
import { formatThread } from "../verb_line.ts";
import type { Directory } from "./directory.ts";
import { formatMoment } from "./moment.ts";
import type { Numbers } from "./numbers.ts";
import type { Done, Failed, Outcome, Posted, Results, RunnableVerb, VerbHelp } from "./outcome.ts";
import { count, fileText, type Look, messageText, nameText } from "./style.ts";
import { visibleLine, visibleText } from "./visible.ts";

/** What rendering looks at. */
export interface RenderOptions extends Look {
  /** The user's own name. */
  readonly me: string;
  readonly directory: Directory;
  readonly numbers: Numbers;
}

/** Messages so many at a time, as RDT shows them. */
const PAGE = 50;
/** The server counts unread messages no further. */
const COUNT_MAX = 1000;

/** Makes the function that turns outcomes into lines. */
export function outcomeRenderer(options: RenderOptions): (outcome: Outcome) => string {
  const { me, directory, numbers, paint } = options;
  const moment = (at: number) => formatMoment(at, options.zone);
  const label = (thread: number) => visibleLine(directory.label(thread));
  const user = (name: string) => nameText(name, paint);

  function threadText(row: ThreadRow): string {
    const named = row.direct ? label(row.thread) : `"${visibleLine(row.title)}"`;
    const facts = [`#${row.thread} ${paint("strong", named)}`];
    if (!row.direct && row.owner !== "") facts[0] += ` by ${user(row.owner)}`;
    if (row.direct) facts.push("private conversation");
    else if (row.private) {
      facts.push(`private with ${(row.members ?? []).map(user).join(" ")}`);
    }
    facts.push(count(row.messages, "message"));
    if (row.unread > 0) facts.push(paint("strong", `${limited(row.unread)} unread`));
    if (row.mentions > 0) {
      facts.push(`${limited(row.mentions)} ${row.mentions === 1 ? "mentions" : "mention"} you`);
    }
    return facts.join(", ");
  }

  function page(result: Results["RDT"]): string {
    const { thread, messages, files, filesMore, more, from } = result;
    const lines = [threadText(thread)];
    const name = visibleLine(formatThread({ number: thread.thread }));
    if (filesMore) lines.push(paint("quiet", `Older files: FLS ${name}`));
    for (const row of [...messages, ...files].sort((a, b) => a.seq - b.seq)) {
      if (!("text" in row)) {
        lines.push(fileText(row, paint));
        continue;
      }
      const mentionsMe = mentions(row.text).includes(fold(me));
      const answers = row.reply === undefined ? {} : answered(thread.thread, row.reply);
      lines.push(messageText(row, { mentionsMe, ...answers }, options));
    }
    const first = messages.at(0)?.number ?? 1;
    const last = messages.at(-1)?.number ?? 0;
    if (messages.length === 0) {
      lines.push(from === undefined ? "No messages yet." : `No messages from ${from} on.`);
    }
    if (first > 1) {
      lines.push(paint("quiet", `Earlier: RDT ${name} ${Math.max(1, first - PAGE)}`));
    }
    if (more && from !== undefined) lines.push(paint("quiet", `Later: RDT ${name} ${last + 1}`));
    return lines.join("\n");
  }

  function answered(thread: number, seq: number): { answers?: number } {
    const answers = numbers.numberOf(thread, seq);
    return answers === undefined ? {} : { answers };
  }

  function found(rows: readonly FoundRow[]): string[] {
    return rows.map((row) => {
      directory.get(row.thread) ??
        directory.add({ thread: row.thread, title: row.title, direct: false });
      return `[${label(row.thread)}] ${messageText(row, {}, options)}`;
    });
  }

  function posted({ thread, number, at }: Posted): string {
    return `Message ${number} posted in ${label(thread)} at ${moment(at)}.`;
  }

  const renderers: { readonly [V in RunnableVerb]: (result: Results[V]) => string } = {
    CRT: ({ thread, title }) => `Thread #${thread} "${visibleLine(title)}" created.`,
    "/private": ({ thread, title }) => `Private thread #${thread} "${visibleLine(title)}" created.`,
    LST: ({ threads, more }) =>
      [
        ...threads.map(threadText),
        ...threads.length === 0 ? ["There are no threads. CRT title creates one."] : [],
        ...more ? [paint("quiet", "There are more threads. SRC finds them by title.")] : [],
      ].join("\n"),
    RDT: page,
    MSG: posted,
    "/reply": posted,
    PRV: ({ user: name, at }) => `Private message to ${user(name)} sent at ${moment(at)}.`,
    EDT: ({ number, thread, at }) =>
      `Message ${number} in ${label(thread)} edited at ${moment(at)}.`,
    DLT: ({ number, thread }) => `Message ${number} in ${label(thread)} deleted.`,
    RMV: (result) => `Thread ${visibleLine(result.label)} removed.`,
    RDM: ({ since, messages, more }) =>
      [
        ...found(messages),
        ...messages.length === 0 ? [`No new messages since ${moment(since)}.`] : [],
        ...more
          ? [paint("quiet", `More: RDM ${new Date(messages.at(-1)?.at ?? since).toISOString()}`)]
          : [],
      ].join("\n"),
    SRC: ({ words, threads, messages, more }) =>
      [
        ...threads.map(threadText),
        ...found(messages),
        ...threads.length + messages.length === 0
          ? [`Nothing has ${visibleLine(words)} in it.`]
          : [],
        ...more ? [paint("quiet", "There is more. Search for more words to find less.")] : [],
      ].join("\n"),
    ATU: ({ users }) =>
      users.map(({ user: name, role, since, sessions }) =>
        [
          user(name) + (role === "member" ? "" : ` (${role})`),
          `active since ${moment(since)}`,
          ...sessions > 1 ? [`on ${sessions} connections`] : [],
        ].join(", ")
      ).join("\n"),
    JIN: ({ thread }) =>
      `You follow ${label(thread)} from now on. What you type without a verb is posted there.`,
    LVE: ({ thread }) => `You follow ${label(thread)} no longer.`,
    "/react": ({ thread, number, emoji, on }) =>
      `${on ? "Put" : "Taken"} ${visibleLine(emoji)} ${on ? "on" : "off"} message ${number} in ${
        label(thread)
      }.`,
    "/invite": ({ thread, user: name }) => `${user(name)} is let into ${label(thread)}.`,
    "/expel": ({ thread, user: name }) => `${user(name)} is out of ${label(thread)}.`,
    "/mark": ({ thread }) => `${label(thread)} is marked as read.`,
    "/role": ({ user: name, role }) => `${user(name)} is now ${role}.`,
    "/ban": ({ user: name }) => `${user(name)} is banned.`,
    "/unban": ({ user: name }) => `${user(name)} is banned no longer.`,
    "/admin": () => "You are an admin now.",
    "/password": () => "Your password is changed.",
    SHT: () => "The server is shutting down.",
    XIT: () => `Successfully logged out, seya ${user(me)}!`,
    HLP: ({ verbs }) => verbs.length === 1 ? oneHelp(verbs[0]) : helpTable(verbs),
  };

  return (outcome) => {
    if (!outcome.ok) return paint("fault", failedText(outcome));
    const render = renderers[outcome.command] as (result: Done["result"]) => string;
    return render(outcome.result);
  };
}

function limited(amount: number): string {
  return amount >= COUNT_MAX ? `${COUNT_MAX}+` : String(amount);
}

/** A refusal as one sentence with its code. */
export function failedText({ text, code, name, detail }: Omit<Failed, "ok" | "command">): string {
  const wait = detail?.wait === undefined ? "" : ` Wait ${Math.ceil(detail.wait / 1000)} s.`;
  return `${visibleText(text)}${wait} (${code} ${visibleLine(name)})`;
}

/** The help on verbs, a line each. */
export function helpTable(verbs: readonly VerbHelp[]): string {
  const rows = verbs.map(({ usage, also, help }) => [usage, also.join(" "), help]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map(([usage, also, help]) =>
    `${usage.padEnd(widths[0])}  ${also.padEnd(widths[1])}  ${help}`
  );
  return [
    ...lines,
    'A thread is a title ("in quotes" if it has several words), #number, or @user for a conversation.',
    "HLP verb says more about one.",
  ].join("\n");
}

function oneHelp({ usage, also, help, more }: VerbHelp): string {
  const names = also.length === 0 ? "" : ` (also ${also.join(", ")})`;
  return `${usage}${names}: ${help}.${more === undefined ? "" : `\n${more}`}`;
}
