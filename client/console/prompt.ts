/**
 * The prompt: line editing with history and completion by node:readline, and lines printed above it
 * without disturbing what is being typed. The history lives as long as the session, without secrets.
 *
 * @module
 */

import process from "node:process";
import readline from "node:readline";
import { Writable } from "node:stream";
import type { Completion } from "./completion.ts";
import { createLineQueue } from "./line_queue.ts";

/** A prompt at the terminal. */
export interface Prompt {
  /** What is typed, until Ctrl-D, or Ctrl-C on an empty line where nothing else is to be interrupted. */
  readonly lines: AsyncIterable<string>;
  /** Columns of the terminal now. */
  readonly columns: number;
  /** Prints above the line that is being typed. */
  print(text: string): void;
  /** What stands before the line from now on. */
  label(text: string): void;
  /** Shows these lines above the line that is being typed, from now on and nowhere else. */
  status(lines: readonly string[]): void;
  /** Asks for a secret, which is not shown; `undefined` if the person gives up. */
  askSecret(question: string): Promise<string | undefined>;
  /** Ends the lines and gives the terminal back. */
  close(): void;
}

/** What a prompt works with. */
export interface PromptOptions {
  readonly complete: (line: string) => Completion;
  /** Ctrl-C on an empty line: interrupts what can be, and says whether there was anything. */
  readonly interrupt: () => boolean;
}

const HISTORY = 1000;
/** What terminals have that do not say it. */
const COLUMNS = 80;
/** How the reader begins what it writes when a line is done, or under one that Tab can complete in several ways. */
const LINE_END = "\r\n";

class ReadlinePrompt implements Prompt {
  #queue = createLineQueue();
  #reader: readline.Interface;
  #label = "> ";
  /** What stands above the label, with the end of its last line. */
  #status = "";
  readonly #interrupt: () => boolean;
  /** Gathers what is written, so that a line never shows half redrawn. */
  #gathered: string[] | undefined;
  #question: { text: string; answer: (secret: string | undefined) => void } | undefined;
  #closed = false;

  constructor({ complete, interrupt }: PromptOptions) {
    this.#interrupt = interrupt;
    this.#reader = readline.createInterface({
      input: process.stdin,
      output: this.#output(),
      terminal: true,
      historySize: HISTORY,
      removeHistoryDuplicates: true,
      // With a callback it completes at once, before the keys that come after Tab.
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        const { candidates, typed } = this.#question === undefined
          ? complete(line)
          : { candidates: [], typed: line };
        done(null, [candidates, typed]);
      },
    });
    this.#reader.on("line", (line) => this.#typed(line));
    this.#reader.on("history", (history: string[]) => {
      if (this.#question !== undefined) history.shift();
    });
    this.#reader.on("SIGINT", () => this.#interrupted());
    this.#reader.on("close", () => this.#ended());
    this.label(this.#label);
    this.#reader.prompt();
  }

  get lines(): AsyncIterable<string> {
    return this.#queue;
  }

  get columns(): number {
    // Where no size was ever told, it is 0.
    return process.stdout.columns || COLUMNS;
  }

  print(text: string): void {
    if (this.#closed) {
      process.stdout.write(`${text}\n`);
      return;
    }
    this.#gather(() => {
      const rows = this.#wipe();
      this.#write(`${text}\n`);
      if (this.#question === undefined) this.#redraw(rows);
      else this.#write(this.#question.text);
    });
  }

  label(text: string): void {
    this.#label = text;
    this.#reader.setPrompt(this.#status + this.#label);
  }

  status(lines: readonly string[]): void {
    const status = lines.map((line) => `${line}\n`).join("");
    if (status === this.#status) return;
    this.#gather(() => {
      const rows = this.#closed ? 0 : this.#wipe();
      this.#status = status;
      this.label(this.#label);
      if (this.#closed) return;
      if (this.#question === undefined) this.#redraw(rows);
      else this.#write(this.#question.text);
    });
  }

  /** Takes what is being typed, and the status, from the screen; says how many rows up they had begun. */
  #wipe(): number {
    // The answer to a question is not shown, so that the cursor stands in its only row.
    const rows = this.#question === undefined ? this.#reader.getCursorPos().rows : 0;
    this.#write(`${rows > 0 ? `\x1b[${rows}A` : ""}\r\x1b[J`);
    return rows;
  }

  #redraw(rows: number): void {
    // The reader goes up by the rows that it remembers before it draws; a line that has just become longer than
    // its row may be more.
    const { prevRows = rows } = this.#reader as { prevRows?: number };
    this.#write("\n".repeat(prevRows));
    this.#reader.prompt(true);
  }

  /** Writes to the terminal what `run` writes, at once. */
  #gather(run: () => void): void {
    this.#gathered = [];
    run();
    const text = this.#gathered.join("");
    this.#gathered = undefined;
    process.stdout.write(text);
  }

  #write(text: string): void {
    if (this.#gathered === undefined) process.stdout.write(text);
    else this.#gathered.push(text);
  }

  askSecret(question: string): Promise<string | undefined> {
    // A line that was sent together with the one that asks is its answer, not the next command.
    const waiting = this.#queue.take();
    if (waiting !== undefined) return Promise.resolve(waiting);
    if (this.#closed) return Promise.resolve(undefined);
    this.#wipe();
    this.#write(question);
    return new Promise((answer) => this.#question = { text: question, answer });
  }

  close(): void {
    if (!this.#closed) this.#reader.close();
  }

  /** The terminal, except that it does not show a secret. */
  #output(): Writable {
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        const text = String(chunk);
        // The status is of now, and does not stay above a line that was typed under it.
        if (text.startsWith(LINE_END) && this.#status !== "" && this.#question === undefined) {
          this.#wipe();
          this.#write(this.#label + this.#reader.line);
        }
        if (this.#question === undefined) this.#write(text);
        done();
      },
    });
    Object.defineProperty(output, "columns", { get: () => process.stdout.columns });
    process.stdout.on("resize", () => output.emit("resize"));
    return output;
  }

  #typed(line: string): void {
    if (this.#question !== undefined) {
      this.#answer(line);
      return;
    }
    this.#queue.push(line);
    this.#reader.prompt();
  }

  #answer(secret: string | undefined): void {
    const question = this.#question;
    this.#question = undefined;
    this.#gather(() => {
      this.#write("\n");
      this.#redraw(0);
    });
    question?.answer(secret);
  }

  #interrupted(): void {
    const empty = this.#reader.line === "";
    // To the end of the line, then everything before it goes.
    this.#reader.write(null, { ctrl: true, name: "e" });
    this.#reader.write(null, { ctrl: true, name: "u" });
    if (this.#question !== undefined) this.#answer(undefined);
    else if (empty && !this.#interrupt()) this.#reader.close();
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#question?.answer(undefined);
    this.#question = undefined;
    this.#wipe();
    this.#queue.end();
  }
}

/** Opens the prompt; standard input and output must be a terminal. */
export function createPrompt(options: PromptOptions): Prompt {
  return new ReadlinePrompt(options);
}
