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
  /** What is typed, until Ctrl-D, or Ctrl-C on an empty line. */
  readonly lines: AsyncIterable<string>;
  /** Prints above the line that is being typed. */
  print(text: string): void;
  /** What stands before the line from now on. */
  label(text: string): void;
  /** Asks for a secret, which is not shown; `undefined` if the person gives up. */
  askSecret(question: string): Promise<string | undefined>;
  /** Ends the lines and gives the terminal back. */
  close(): void;
}

const HISTORY = 1000;

class ReadlinePrompt implements Prompt {
  #queue = createLineQueue();
  #reader: readline.Interface;
  #label = "> ";
  #question: { text: string; answer: (secret: string | undefined) => void } | undefined;
  #closed = false;

  constructor(complete: (line: string) => Completion) {
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

  print(text: string): void {
    if (this.#closed) {
      process.stdout.write(`${text}\n`);
      return;
    }
    const secret = this.#question !== undefined;
    const { rows } = this.#reader.getCursorPos();
    if (!secret && rows > 0) readline.moveCursor(process.stdout, 0, -rows);
    readline.cursorTo(process.stdout, 0);
    readline.clearScreenDown(process.stdout);
    process.stdout.write(`${text}\n`);
    if (this.#question !== undefined) {
      process.stdout.write(this.#question.text);
      return;
    }
    // The reader goes up by the rows that it believes to be above the cursor before it draws.
    process.stdout.write("\n".repeat(rows));
    this.#reader.prompt(true);
  }

  label(text: string): void {
    this.#label = text;
    this.#reader.setPrompt(text);
  }

  askSecret(question: string): Promise<string | undefined> {
    // A line that was sent together with the one that asks is its answer, not the next command.
    const waiting = this.#queue.take();
    if (waiting !== undefined) return Promise.resolve(waiting);
    if (this.#closed) return Promise.resolve(undefined);
    readline.cursorTo(process.stdout, 0);
    readline.clearScreenDown(process.stdout);
    process.stdout.write(question);
    return new Promise((answer) => this.#question = { text: question, answer });
  }

  close(): void {
    if (!this.#closed) this.#reader.close();
  }

  /** The terminal, except that it does not show a secret. */
  #output(): Writable {
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        if (this.#question === undefined) process.stdout.write(chunk);
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
    process.stdout.write("\n");
    this.#reader.prompt();
    question?.answer(secret);
  }

  #interrupted(): void {
    const empty = this.#reader.line === "";
    // To the end of the line, then everything before it goes.
    this.#reader.write(null, { ctrl: true, name: "e" });
    this.#reader.write(null, { ctrl: true, name: "u" });
    if (this.#question !== undefined) this.#answer(undefined);
    else if (empty) this.#reader.close();
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#question?.answer(undefined);
    this.#question = undefined;
    readline.cursorTo(process.stdout, 0);
    readline.clearScreenDown(process.stdout);
    this.#queue.end();
  }
}

/** Opens the prompt; standard input and output must be a terminal. */
export function createPrompt(complete: (line: string) => Completion): Prompt {
  return new ReadlinePrompt(complete);
}
