/**
 * The console: a signed-in client, put together with what shows it and what it is told to do.
 *
 * @module
 */

import { isBareText } from "../../protocol/verb_line.ts";
import type { ClientEvent, ForumClient } from "../forum_client.ts";
import type { Always } from "../disk/always_file.ts";
import { complete } from "./completion.ts";
import { type ConsoleFiles, createConsoleFiles } from "./console_files.ts";
import { createDirectory, type Directory } from "../../protocol/terminal/directory.ts";
import { createFeed } from "./feed.ts";
import { greeting } from "../../protocol/terminal/greeting.ts";
import { createJoined, type Joined } from "../../protocol/terminal/joined.ts";
import { eventJson, outcomeJson } from "./json_output.ts";
import { createNumbers } from "../../protocol/terminal/numbers.ts";
import type { Outcome } from "../../protocol/terminal/outcome.ts";
import { barProgress, type BarTerminal, jsonProgress, textProgress } from "./progress_views.ts";
import { createPrompt, type Prompt } from "./prompt.ts";
import { createReadMarks } from "./read_marks.ts";
import { clientEventRenderer } from "./render_client_event.ts";
import { outcomeRenderer } from "../../protocol/terminal/render_outcome.ts";
import { runScript } from "./run_script.ts";
import { createSession, type Secrets } from "./session.ts";
import { createStatusView } from "./status_view.ts";
import { createPaint } from "../../protocol/terminal/style.ts";
import type { TransferView } from "./transfers.ts";
import { visibleLine } from "../../protocol/terminal/visible.ts";

/** How a console is run. */
export interface ConsoleOptions {
  readonly client: ForumClient;
  readonly json: boolean;
  readonly colour: boolean;
  /** The folder that downloads land in. */
  readonly downloads: string;
  /** The folder for whatever other users offer; without it each offer waits for an answer. */
  readonly accept?: string;
  /** Those whose files are taken without asking. */
  readonly always: Always;
  /** Whether files that shrink travel deflated. */
  readonly deflate: boolean;
  /** Writes a line of output. */
  readonly write: (text: string) => void;
  /** Writes a line about something that went wrong. */
  readonly complain: (text: string) => void;
}

/** How a script is run. */
export interface ScriptedOptions extends ConsoleOptions {
  readonly lines: AsyncIterable<string> | Iterable<string>;
  /** Whether to go on showing what happens after the last line. */
  readonly stay: boolean;
  readonly secrets: Secrets;
  /** Resolves when somebody wants it to end. */
  readonly stopped: Promise<void>;
  /** Calls back at the next signal to end, instead of ending, until it is let go of. */
  readonly interrupts: (act: () => void) => () => void;
  /** Where to draw how far files have come; without it, lines tell it. */
  readonly terminal?: BarTerminal;
}

/** Live messages count as read so many ms after they were shown. */
const READ_DELAY = 3000;

/** What both ways of running share: it consumes the client's events until they end. */
function follow(
  options: ConsoleOptions,
  { directory, attended, everything, secrets, progress, busy }: {
    directory: Directory;
    attended: boolean;
    everything: boolean;
    secrets: Secrets;
    progress: TransferView;
    busy?: (busy: boolean) => void;
  },
) {
  const { client, json, colour, write, complain } = options;
  const numbers = createNumbers();
  const joined = createJoined();
  const paint = createPaint(colour);
  const view = { me: client.user, directory, numbers, paint };
  const outcomeText = outcomeRenderer(view);
  const eventText = clientEventRenderer({ ...view, joined, everything });
  const marks = attended ? createReadMarks(client, READ_DELAY) : undefined;
  let leaving = false;

  function showEvent(event: ClientEvent): void {
    if (leaving) return;
    // What is taken without asking is told by what comes of it.
    if (!json && event.type === "offer" && files.isWelcome(event.offer)) return;
    const text = json ? eventJson(event) : eventText(event);
    if (text !== undefined) write(text);
  }
  function show(outcome: Outcome): void {
    files.told(outcome);
    if (json) write(outcomeJson(outcome));
    else if (outcome.ok) write(outcomeText(outcome));
    else complain(outcomeText(outcome));
  }

  const feed = createFeed({
    client,
    directory,
    numbers,
    joined,
    everything,
    show: showEvent,
    ...marks !== undefined && { marks },
  });
  const events = client.events();
  async function consume(): Promise<void> {
    for await (const event of events) {
      files.heard(event);
      feed.take(event);
    }
  }
  async function leave(): Promise<void> {
    await files.stop();
    leaving = true;
    await marks?.flush();
    await client.close();
  }
  const files = createConsoleFiles({
    ...options,
    directory,
    numbers,
    progress,
    show,
    ...busy !== undefined && { busy },
  });
  const session = files.session(createSession({
    client,
    directory,
    numbers,
    joined,
    files: files.known,
    secrets,
    attended,
    now: Date.now,
  }));
  return { session, files, feed, joined, paint, show, leave, ended: consume() };
}

/** Shows progress where nobody types, and the lines of output beside it. */
function scriptedOutput(
  { json, write, complain, terminal }: ScriptedOptions,
): Pick<ConsoleOptions, "write" | "complain"> & { readonly progress: TransferView } {
  const now = () => performance.now();
  if (json) return { write, complain, progress: jsonProgress({ now, write }) };
  if (terminal === undefined) {
    return { write, complain, progress: textProgress({ now, write: complain }) };
  }
  const bar = barProgress({ now, terminal });
  return {
    write: (text) => bar.above(() => write(text)),
    complain: (text) => bar.above(() => complain(text)),
    progress: bar,
  };
}

/** Runs lines without a person; gives the exit status. */
export async function runScripted(options: ScriptedOptions): Promise<number> {
  const { client, lines, stay, secrets, stopped, interrupts } = options;
  const { progress, ...output } = scriptedOutput(options);
  let interrupted = false;
  let letGo = () => {};
  const parts = follow({ ...options, ...output }, {
    directory: createDirectory(client.user),
    attended: false,
    everything: stay,
    secrets,
    progress,
    busy(busy) {
      letGo();
      if (!busy) return;
      letGo = interrupts(() => {
        // Whoever asks once more does not want to wait.
        letGo();
        interrupted = true;
        parts.files.transfers.cancelAll();
      });
    },
  });
  const { session, feed, show, leave, ended } = parts;
  await feed.start();
  const over = () => client.state === "closed" || interrupted;
  const { failed, left } = await runScript({ session, lines, show, over });
  if (stay && !left && !interrupted) await Promise.race([ended, stopped]);
  // Nobody but the server can have closed it by now.
  const cut = client.state === "closed" && stay && !left;
  await leave();
  await ended;
  return failed || cut ? 1 : 0;
}

/** Talks with a person at the terminal until they leave; gives the exit status. */
export async function runInteractive(
  options: Pick<
    ScriptedOptions,
    "client" | "colour" | "downloads" | "accept" | "always" | "deflate" | "stopped"
  >,
): Promise<number> {
  const { client } = options;
  const directory = createDirectory(client.user);
  const prompt = createPrompt({
    complete: (line) => files.complete(line) ?? complete(line, directory),
    interrupt: () => files.transfers.cancelAll(),
  });
  const write = (text: string) => prompt.print(text);
  const parts = follow({ ...options, json: false, write, complain: write }, {
    directory,
    attended: true,
    everything: true,
    secrets: promptSecrets(prompt),
    progress: createStatusView({
      all: () => files.transfers.all,
      columns: () => prompt.columns,
      status: (lines) => prompt.status(lines),
    }),
  });
  const { session, joined, paint, leave, ended } = parts;
  const files: ConsoleFiles = parts.files;
  const label = () => prompt.label(promptLabel({ user: client.user, directory, joined }));
  label();
  void Promise.race([ended, options.stopped]).then(() => prompt.close());
  try {
    write(greeting(client.user, await parts.feed.start(), { directory, paint }));
    const { left } = await runScript({
      session,
      lines: prompt.lines,
      over: () => client.state === "closed",
      beside: files.beside,
      show(outcome, line) {
        label();
        // Text without a verb comes back live, from the thread that it was posted to.
        if (!outcome.ok || !isBareText(line)) parts.show(outcome);
      },
    });
    const cut = client.state === "closed";
    await files.stop();
    // Ctrl-D says it without words.
    if (!left && !cut) parts.show({ ok: true, command: "XIT", result: {} });
    await leave();
    await ended;
    return cut ? 1 : 0;
  } finally {
    prompt.close();
  }
}

function promptSecrets(prompt: Prompt): Secrets {
  return {
    adminPassword: () => prompt.askSecret("Admin password: "),
    async newPassword() {
      const password = await prompt.askSecret("New password: ");
      if (password === undefined) return undefined;
      if (await prompt.askSecret("Once more, please: ") === password) return password;
      prompt.print("The two are not the same.");
      return undefined;
    },
  };
}

function promptLabel(
  { user, directory, joined }: { user: string; directory: Directory; joined: Joined },
): string {
  const where = joined.current === undefined
    ? ""
    : ` in ${visibleLine(directory.label(joined.current))}`;
  return `${visibleLine(user)}${where}> `;
}
