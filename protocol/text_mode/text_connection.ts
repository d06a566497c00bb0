/**
 * The server's end of a connection in text mode, by the table of text_table.ts (docs/PROTOCOL.md, "Text
 * mode"; DESIGN §9): a person, or a script, with `nc`.
 *
 * It goes on with a stream whose first bytes were no preface (server_connection.ts hands it over), and is
 * used like a connection of frames: bytes and time go in, transitions come out, and what only the outside
 * knows is asked for. The password is here, since the person has typed it; what it fits is judged as for
 * any other client, by the verifier that the outside provides, and only its slow salting is left to the
 * outside. From the grant on text_session.ts runs the lines.
 *
 * @module
 */

import type { Register } from "../body.ts";
import type { Connection, Ending, Step } from "../connection.ts";
import { ending } from "../ending.ts";
import type { Command } from "../forum/command.ts";
import { FRAME_LENGTH_MAX, readFrame } from "../frame.ts";
import type { Handover } from "../link.ts";
import { type MessageOf, parseMessage } from "../message.ts";
import { createReceiveBuffer } from "../receive_buffer.ts";
import type { Grant } from "../server_connection.ts";
import { type Refusal, refuse, STATUS, type StatusName } from "../status.ts";
import { allHelp } from "../terminal/forum_verbs.ts";
import type { Zone } from "../terminal/moment.ts";
import { helpTable } from "../terminal/render_outcome.ts";
import { expectKey, type Verifier } from "../verifier.ts";
import type { LineInput } from "./line_reader.ts";
import { credentialOf, type Salting } from "./secrets.ts";
import { DONE, statusLine } from "./status_line.ts";
import { createTextLink, type TextLink, type TextLinkInput } from "./text_link.ts";
import { createTextSession, LACKING, type TextSession } from "./text_session.ts";
import { TextSignIn } from "./text_sign_in.ts";
import { TEXT_TABLE, type TextAction, type TextInput, type TextState } from "./text_table.ts";
import { readFirst, readName, readPassword, type Typed } from "./unsigned_line.ts";

/** The longest line before somebody has signed in, in bytes without its end. */
export const UNSIGNED_LINE_MAX = 1024;
/** The longest line of somebody who has signed in, in bytes: a message of the largest size, and its verb. */
export const TEXT_LINE_MAX = 70_000;

/** What every transition of a connection in text mode says. */
export type TextStep = Step<TextState, TextInput>;

/** What happened on a connection in text mode. */
export type TextTransition =
  /** Answer with `provideVerifier`. */
  | TextStep & { readonly kind: "verifier-wanted"; readonly user: string }
  /** Salt it by PBKDF2-HMAC-SHA-256 and answer with `provideSaltedPassword`, or `deny`. */
  | TextStep & { readonly kind: "salting-wanted"; readonly salting: Salting }
  /** The password was wrong; answer with `deny`, as one would to a right one that is not let in. */
  | TextStep & { readonly kind: "disproved"; readonly user: string }
  /** The password was right; answer with `grant` or `deny`. */
  | TextStep & { readonly kind: "proved"; readonly user: string }
  /** Answer with `grant` or `deny`. */
  | TextStep & { readonly kind: "register-wanted"; readonly registration: Register }
  /** Answer with `done` or `refuse` under the same id. */
  | TextStep & { readonly kind: "command"; readonly id: number; readonly command: Command }
  /** The session is over; what waits is still written. */
  | TextStep & { readonly kind: "closing"; readonly ending: Ending }
  /** The last one: close the stream. */
  | TextStep & { readonly kind: "closed"; readonly ending: Ending };

/** What a connection in text mode is made with. */
export interface TextConnectionOptions {
  /** The stream as server_connection.ts has handed it over. */
  readonly stream: Handover;
  /** Whether nobody on the way can read along; without that no password is taken, and nobody let in. */
  readonly secure: boolean;
  /** Fills an array with random bytes. */
  readonly random: (out: Uint8Array) => void;
  /** The clock of the people, ms since 1970, at the time of the stream's last input. */
  readonly time: number;
  /** Whose time is shown and read; UTC if not given. */
  readonly zone?: Zone;
  /** How long signing in may take, in ms; 120,000 by default. */
  readonly signInTimeout?: number;
  /** After so many ms without a word the session ends; 600,000 by default, 0 is never. */
  readonly idleTimeout?: number;
}

/** The server's end of a connection in text mode. */
export interface TextConnection extends Connection<TextTransition, TextState> {
  /** Tells it from a connection of frames. */
  readonly mode: "text";
  /**
   * Answers `verifier-wanted`; without a verifier there is no such account, and the person may make it. With
   * a refusal they are not let in: it is said once they have typed the password that belongs to the name,
   * which may be on its way already, and would be taken for the next name. Too late an answer does nothing;
   * one that was not asked for throws an Error. So it is with the next three.
   */
  provideVerifier(verifier: Verifier | undefined, now: number, refusal?: Refusal): void;
  /** Answers `salting-wanted` with 32 bytes. */
  provideSaltedPassword(salted: Uint8Array, now: number): void;
  /** Lets the user in. */
  grant(grant: Grant, now: number): void;
  /** Refuses what was asked. */
  deny(refusal: Refusal, now: number): void;
  /** Says a notice. Where nobody is signed in (any more), it and the three below do nothing. */
  send(notice: MessageOf<"notice">): void;
  /**
   * Answers a command with its result as JSON text.
   *
   * @throws Error where no command waits for an answer.
   */
  done(id: number, json: string): void;
  /** Refuses a command; see `done` for when it throws. */
  refuse(id: number, refusal: Refusal): void;
  /** Takes whole EVENT frames, and says what is to be said of them. */
  sendEvents(frames: Uint8Array): void;
}

const GREETING = "This is a forum of DFP/2, in text mode. HLP helps, XIT leaves.";
const NAME_WANTED = "Type your user name.";
const VISIBLE = "It can be seen as you type it.";
const HELP = [
  "Type your user name, and then your password, each on a line of its own. A name that nobody has makes",
  "a new account, where this server makes any. A name that is also a command begins with @. Then:",
];
/** States in which lines wait for an answer from outside. */
const WAITING: ReadonlySet<TextState> = new Set(["verifying", "salting", "granting"]);

/** An input with what belongs to it. */
interface Given extends Typed {
  readonly verifier?: Verifier;
  readonly salting?: Salting;
  readonly salted?: Uint8Array;
  readonly grant?: Grant;
  readonly id?: number;
  readonly command?: Command;
  readonly question?: string;
}

class Text implements TextConnection {
  readonly #link: TextLink;
  readonly #options: TextConnectionOptions;
  readonly #begunAt: number;
  readonly #signInUntil: number;
  #state: TextState = "opening";
  #ending: Ending = ending("goodbye");
  #due: "late" | "idle" | undefined;
  /** The first line, which is looked at again after the greeting. */
  #kept: TextLinkInput | undefined;
  readonly #signIn = new TextSignIn();
  #salting: Salting | undefined;
  #session: TextSession | undefined;
  /** What an answer from outside has led to. */
  #untold: TextTransition | undefined;
  #grantedAt = 0;

  constructor(options: TextConnectionOptions) {
    const { stream, signInTimeout = 120_000 } = options;
    this.#options = options;
    this.#link = createTextLink(stream);
    this.#begunAt = stream.now;
    this.#signInUntil = stream.now + signInTimeout;
  }

  get mode(): "text" {
    return "text";
  }
  get state(): TextState {
    return this.#state;
  }
  get wantsRead(): boolean {
    return this.#link.wantsRead;
  }
  get pendingTransmit(): number {
    return this.#link.pendingTransmit;
  }
  receive(chunk: Uint8Array, now: number): void {
    this.#link.receive(chunk, now);
  }
  receiveEnd(now: number): void {
    this.#link.receiveEnd(now);
  }
  receiveBreak(now: number): void {
    this.#link.receiveBreak(now);
  }
  peekTransmit(): Uint8Array {
    return this.#link.peekTransmit();
  }
  consumeTransmit(count: number): void {
    this.#link.consumeTransmit(count);
  }

  get #signedIn(): boolean {
    return this.#state === "ready" || this.#state === "asking";
  }

  timeout(): number | undefined {
    if (this.#due !== undefined) return undefined;
    return this.#link.ending ? this.#link.timeout() : this.#deadline();
  }

  /** When this session is late or idle. */
  #deadline(): number | undefined {
    if (!this.#signedIn) return this.#signInUntil;
    const { idleTimeout = 600_000 } = this.#options;
    // Whatever is typed counts; a reader that stalls is not asked for more, and so idle in the end.
    const heardAt = Math.max(this.#link.heardAt, this.#grantedAt);
    return idleTimeout > 0 ? heardAt + idleTimeout : undefined;
  }

  handleTimeout(now: number): void {
    const due = this.timeout();
    const ending = this.#link.ending;
    this.#link.handleTimeout(now);
    if (!ending && due !== undefined && this.#link.now >= due) {
      this.#due = this.#signedIn ? "idle" : "late";
    }
  }

  next(): TextTransition | undefined {
    const untold = this.#untold;
    this.#untold = undefined;
    if (untold !== undefined) return untold;
    for (;;) {
      const given = this.#given();
      if (given === undefined) return undefined;
      const transition = this.#take(given);
      if (transition !== undefined) return transition;
    }
  }

  /** The next input: from the clock, from the session, or from the link. */
  #given(): Given | undefined {
    if (this.#due !== undefined) {
      const input = this.#due;
      this.#due = undefined;
      if (!this.#link.ending) {
        return { input, ending: ending(input === "late" ? "sign-in-timeout" : "idle") };
      }
    }
    const wish = this.#session?.next();
    if (wish !== undefined) {
      return wish.input === "leave" ? { input: "leave", ending: ending("goodbye") } : wish;
    }
    const kept = this.#kept;
    this.#kept = undefined;
    this.#link.held = WAITING.has(this.#state) ||
      (this.#state === "ready" && this.#session!.busy);
    const most = this.#signedIn ? TEXT_LINE_MAX : UNSIGNED_LINE_MAX;
    const pulled = kept ?? this.#link.pull(most);
    return pulled === undefined ? undefined : this.#classify(pulled, most);
  }

  /** Which input of the table this is. */
  #classify(pulled: TextLinkInput, most: number): Given {
    switch (pulled.kind) {
      case "end":
        return { input: "end", ending: ending("goodbye") };
      case "lost":
        return { input: "end", ending: ending("lost") };
      case "finished":
        return { input: "finished" };
      case "too-long": {
        const text = `A line has at most ${most} bytes here.`;
        return { input: "fault", ending: ending("too-large", text) };
      }
    }
    return this.#classifyLine(pulled);
  }

  #classifyLine(pulled: Exclude<LineInput, { kind: "too-long" }>): Given {
    if (this.#state === "opening") {
      const first = readFirst(pulled, this.#options.secure);
      if (first.input === "line") this.#kept = pulled;
      return first;
    }
    if (pulled.kind === "not-text") {
      const text = "The line is not UTF-8. Set your terminal to UTF-8.";
      return { input: "bad-line", refusal: refuse("bad-text", text) };
    }
    const { line } = pulled;
    switch (this.#state) {
      case "naming":
        return readName(line);
      case "choosing":
        return readPassword(line);
      case "password":
        return this.#signIn.unlessBarred(readPassword(line));
      case "repeating":
        return this.#signIn.unlessBarred(readPassword(line, this.#signIn.password));
      case "asking":
        return line === "" ? { input: "blank" } : { input: "password", line };
      default:
        return { input: line.trim() === "" ? "blank" : "line", line };
    }
  }

  /** Looks the input up, does what the table says, and tells what happened. */
  #take(given: Given): TextTransition | undefined {
    const row = TEXT_TABLE[this.#state][given.input];
    if (row === undefined) throw new Error(`${given.input} does not belong in ${this.#state}`);
    const [action, to] = row;
    const step = { from: this.#state, to, cause: given.input };
    this.#state = to;
    return this.#act(action, given, step);
  }

  #act(action: TextAction, given: Given, step: TextStep): TextTransition | undefined {
    switch (action) {
      case "none":
        return undefined;
      case "greet":
        this.#link.say(GREETING);
        return undefined;
      case "prompt":
        this.#link.say(statusLine("processing", NAME_WANTED));
        return undefined;
      case "help":
        this.#link.say([...HELP, helpTable(allHelp(LACKING)), DONE].join("\n"));
        return undefined;
      case "refuse":
      case "deny":
        this.#refuse(given.refusal!);
        return undefined;
      case "askVerifier":
        this.#signIn.user = given.line!;
        return { ...step, kind: "verifier-wanted", user: this.#signIn.user };
      case "askPassword":
        this.#signIn.verifier = given.verifier;
        this.#signIn.barred = given.refusal;
        this.#link.say(
          statusLine("processing", `Type the password of ${this.#signIn.user}. ${VISIBLE}`),
        );
        return undefined;
      case "askNewPassword":
        this.#signIn.barred = given.refusal;
        this.#link.say(statusLine(
          "processing",
          `There is no account ${this.#signIn.user} yet. Type a password to make it. ${VISIBLE}`,
        ));
        return undefined;
      case "askAgain":
        this.#signIn.password = given.line!;
        this.#link.say(statusLine("processing", "Type the same password again."));
        return undefined;
      case "askSalting":
        this.#salting = given.salting ?? this.#signIn.saltingOf(given.line!, this.#options.random);
        return { ...step, kind: "salting-wanted", salting: this.#salting };
      case "askGrant":
        return { ...step, kind: "proved", user: this.#signIn.user };
      case "askDenial":
        return { ...step, kind: "disproved", user: this.#signIn.user };
      case "askRegistration": {
        const registration = { user: this.#signIn.user, ...credentialOf(given.verifier!) };
        return { ...step, kind: "register-wanted", registration };
      }
      case "grant":
        this.#enter(given.grant!);
        return undefined;
      case "run":
        this.#session!.run(given.line!);
        return undefined;
      case "command":
        return { ...step, kind: "command", id: given.id!, command: given.command! };
      case "question":
        this.#link.say(statusLine("processing", given.question));
        return undefined;
      case "resume":
        this.#resume(given);
        return undefined;
      case "part":
        return this.#close(step, given.ending!);
      case "bye":
        this.#link.say(statusLine(given.ending!.status, given.ending!.text));
        return this.#close(step, given.ending!);
      case "finish":
        this.#link.release();
        return { ...step, kind: "closed", ending: this.#ending };
    }
  }

  /** Refuses a line, and says what is wanted now. */
  #refuse({ status, text }: Refusal): void {
    const sentence = text ?? STATUS[status].text;
    const naming = this.#state === "naming";
    if (naming) this.#forgetSignIn();
    this.#link.say(statusLine(status, naming ? `${sentence} ${NAME_WANTED}` : sentence));
  }

  /** What the line that is run has waited for is there. */
  #resume({ refusal, salted, line }: Given): void {
    this.#salting = undefined;
    if (refusal !== undefined) this.#session!.fail(refusal);
    else this.#session!.resume({ salted, line });
  }

  #forgetSignIn(): void {
    this.#signIn.forget();
    this.#salting = undefined;
  }

  #enter({ user }: Grant): void {
    const { random, time, zone = "UTC" } = this.#options;
    this.#forgetSignIn();
    this.#grantedAt = this.#link.now;
    this.#session = createTextSession({
      user,
      random,
      clock: () => time + this.#link.now - this.#begunAt,
      zone,
      say: (text) => this.#link.say(text),
    });
    this.#session.start();
  }

  #close(step: TextStep, why: Ending): TextTransition {
    this.#ending = why;
    this.#session = this.#untold = undefined;
    this.#forgetSignIn();
    // Whoever leaves says nothing more, and does not want to wait.
    this.#link.end(why.status === "goodbye");
    return { ...step, kind: "closing", ending: why };
  }

  /** An answer from outside: it counts in the state that asked, and is late in an ended one. */
  #answer(now: number, given: () => Given): void {
    this.#link.tick(now);
    if (this.#link.ending) return;
    const answer = given();
    const owed = this.#state !== "ready" || this.#salting !== undefined;
    if (TEXT_TABLE[this.#state][answer.input] === undefined || !owed) {
      throw new Error(`${answer.input} answers nothing in state ${this.#state}`);
    }
    this.#untold = this.#take(answer);
  }

  provideVerifier(verifier: Verifier | undefined, now: number, refusal?: Refusal): void {
    if (verifier !== undefined) expectKey(verifier.storedKey, "verifier.storedKey");
    this.#answer(
      now,
      () =>
        verifier === undefined
          ? { input: "nobody", refusal }
          : { input: "verifier", verifier, refusal },
    );
  }

  provideSaltedPassword(salted: Uint8Array, now: number): void {
    this.#answer(now, () => this.#judge(salted));
  }

  #judge(salted: Uint8Array): Given {
    if (this.#signedIn || this.#salting === undefined) return { input: "salted", salted };
    return this.#signIn.judge(salted, this.#salting);
  }

  grant(grant: Grant, now: number): void {
    this.#answer(now, () => ({ input: "grant", grant }));
  }

  deny(refusal: Refusal, now: number): void {
    this.#answer(now, () => ({ input: "deny", refusal }));
  }

  send(notice: MessageOf<"notice">): void {
    if (notice.body.kind !== "unknown") this.#session?.notice(notice.body);
  }

  done(id: number, json: string): void {
    this.#session?.done(id, JSON.parse(json));
  }

  refuse(id: number, refusal: Refusal): void {
    this.#session?.refuse(id, refusal);
  }

  sendEvents(frames: Uint8Array): void {
    const buffer = createReceiveBuffer();
    buffer.append(frames);
    while (this.#session !== undefined) {
      const frame = readFrame(buffer, () => FRAME_LENGTH_MAX);
      if (frame === undefined || "tooLarge" in frame) return;
      const message = parseMessage(frame, "server");
      // Kinds of a later edition are passed over, as any client does.
      if (message?.kind === "event" && message.body.kind !== "unknown") {
        this.#session.event(message.body);
      }
    }
  }

  close(status: StatusName, now: number): void {
    this.#link.tick(now);
    if (this.#link.ending) return;
    this.#take({ input: "close", ending: ending(status) });
  }
}

/**
 * Makes the server's end of a connection in text mode, of a stream that server_connection.ts handed over.
 *
 * @example
 * ```ts
 * import { createReceiveBuffer } from "../receive_buffer.ts";
 * import { createTransmitBuffer } from "../transmit_buffer.ts";
 * import { createTextConnection } from "./text_connection.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const received = createReceiveBuffer();
 * received.append(new TextEncoder().encode("Yoda\n"));
 * const transmit = createTransmitBuffer();
 * const connection = createTextConnection({
 *   stream: { received, transmit, now: 0, ended: false, severed: false },
 *   secure: true,
 *   random: (out) => out.fill(7),
 *   time: 0,
 * });
 * const wanted = connection.next();
 * assertEquals([wanted?.kind, connection.state], ["verifier-wanted", "verifying"]);
 * ```
 */
export function createTextConnection(options: TextConnectionOptions): TextConnection {
  return new Text(options);
}
