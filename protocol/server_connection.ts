/**
 * The server's end of a connection, by the table of server_table.ts (docs/PROTOCOL.md, "The session";
 * DESIGN §4 and §5).
 *
 * Bytes of a client go in, transitions come out. Where the machine needs something that only the
 * outside knows (a user's verifier, whether a token is good, whether an account can be made), it gives
 * a transition that asks, and waits in a state of its own; later bytes stay buffered until
 * `provideVerifier`, `grant` or `deny` answers. Commands are given out in order and answered by
 * `done` or `refuse`, in any order, under their number.
 *
 * @module
 */

import { encodeBase64 } from "./base64.ts";
import type { Register, Welcome } from "./body.ts";
import { Bulk } from "./bulk.ts";
import type { Connection, Ending, Step } from "./connection.ts";
import { ending } from "./ending.ts";
import type { Command } from "./forum/command.ts";
import { type Role, userScope } from "./forum/event.ts";
import { createLink, type Handover, type Link } from "./link.ts";
import { BANNER, FRAME_PAYLOAD_MAX, type MessageOf, VERSION } from "./message.ts";
import type { RelayQueue } from "./peer/relay_queue.ts";
import { refusedBody } from "./refused.ts";
import type { ChannelBinding, ClientFirst } from "./scram.ts";
import { createScramServer, type ScramServer } from "./scram_server.ts";
import { classify, type GivenInput } from "./server_input.ts";
import {
  SERVER_TABLE,
  type ServerAction,
  type ServerInput,
  type ServerState,
} from "./server_table.ts";
import { type Refusal, refuse, type StatusName } from "./status.ts";
import { fold } from "./text.ts";
import { statusLine } from "./text_mode/status_line.ts";
import type { TransferEvent, Transfers } from "./transfer/transfers.ts";
import type { Verifier } from "./verifier.ts";

/** What every transition of a server's connection says. */
export type ServerStep = Step<ServerState, ServerInput>;

/** What happened on a server's connection. */
export type ServerTransition =
  | ServerStep & { readonly kind: "greeted"; readonly agent: string }
  /** Answer with `provideVerifier` (a fake one for an unknown user), or `deny`. */
  | ServerStep & { readonly kind: "verifier-wanted"; readonly user: string }
  /** The proof was wrong; answer with `deny`, as one would to a right one that is not let in. */
  | ServerStep & { readonly kind: "disproved"; readonly user: string }
  /** The proof was right; answer with `grant` or `deny`. */
  | ServerStep & { readonly kind: "proved"; readonly user: string }
  /** Answer with `grant` or `deny`. */
  | ServerStep & { readonly kind: "register-wanted"; readonly registration: Register }
  /** Answer with `grant` or `deny`. */
  | ServerStep & { readonly kind: "resume-wanted"; readonly token: string }
  /** Answer with `done` or `refuse` under the same id. */
  | ServerStep & { readonly kind: "command"; readonly id: number; readonly command: Command }
  /** Something happened to a file that is sent or received. */
  | ServerStep & { readonly kind: "transfer"; readonly event: TransferEvent }
  /** A datagram has come for the other side of an offer; valid until more is received. */
  | ServerStep & { readonly kind: "relay"; readonly channel: number; readonly bytes: Uint8Array }
  /** The stream is for a connection in text mode to go on with. Nothing comes after it. */
  | ServerStep & { readonly kind: "handed-over"; readonly stream: Handover }
  /** The session is over; what waits is still written. */
  | ServerStep & { readonly kind: "closing"; readonly ending: Ending }
  /** The last one: close the stream. */
  | ServerStep & { readonly kind: "closed"; readonly ending: Ending };

/** What a server's connection is made with. */
export interface ServerConnectionOptions {
  /** Fills an array with random bytes. */
  readonly random: (out: Uint8Array) => void;
  /** The time now, in ms. */
  readonly now: number;
  /** What WELCOME says; `limits.frame` and `limits.commands` are kept here, the rest elsewhere. */
  readonly welcome: Omit<Welcome, "version" | "time" | "binding">;
  /** The clock of the people, for WELCOME: ms since 1970. */
  readonly time: number;
  /** How long signing in may take, in ms; 60,000 by default. */
  readonly signInTimeout?: number;
  /** After so many ms without a command or a frame of a file the session ends; 0, the default, is never. */
  readonly idleTimeout?: number;
  /** The channel that SCRAM must be bound to. */
  readonly binding?: ChannelBinding;
  /** Whether a client that does not begin with the preface is handed over, instead of being turned away. */
  readonly text?: boolean;
}

/** What to tell a user who is let in. */
export interface Grant {
  /** The name as it was registered. */
  readonly user: string;
  /** The role now. */
  readonly role: Role;
  /** What signs in again by RESUME; absent where the client has one already. */
  readonly token?: string;
}

/** The server's end of a connection. */
export interface ServerConnection extends Connection<ServerTransition, ServerState> {
  /** The files that are sent and received on it; begun by whoever opened them with a command. */
  readonly transfers: Transfers;
  /** Datagrams of peers that wait to be written. */
  readonly relays: RelayQueue;
  /** Tells it from a connection in text mode. */
  readonly mode: "frames";
  /**
   * Memory to read the next bytes into before they are given to `receive`, so that they need not be copied: there
   * while somebody lends it (see {@linkcode Transfers.lend}). They may as well be read anywhere else.
   */
  readInto(): Uint8Array | undefined;
  /** Answers `verifier-wanted`. Too late an answer does nothing; one that was not asked for throws an Error. */
  provideVerifier(verifier: Verifier, now: number): void;
  /** Lets the user in. Too late an answer does nothing; one that was not asked for throws an Error. */
  grant(grant: Grant, now: number): void;
  /** Refuses what was asked. Too late an answer does nothing; one that was not asked for throws an Error. */
  deny(refusal: Refusal, now: number): void;
  /** Sends a notice. Where nobody is signed in (any more), it and the three below do nothing. */
  send(notice: MessageOf<"notice">): void;
  /**
   * Answers a command with its result as JSON text.
   *
   * @throws Error where no command waits for an answer.
   */
  done(id: number, json: string): void;
  /** Refuses a command; see `done` for when it throws. */
  refuse(id: number, refusal: Refusal): void;
  /** Queues whole EVENT frames by reference: the same bytes for every subscriber. */
  sendEvents(frames: Uint8Array): void;
}

/** An input with what belongs to it. */
interface Given extends GivenInput {
  readonly grant?: Grant;
  readonly verifier?: Verifier;
}

class Server implements ServerConnection {
  readonly #link: Link;
  readonly #options: ServerConnectionOptions;
  readonly #signInUntil: number;
  readonly #bulk = new Bulk((message) => this.#link.send(message));
  #state: ServerState = "opening";
  #ending: Ending = ending("goodbye");
  #clientFirst: ClientFirst | undefined;
  #scram: ScramServer | undefined;
  #serverFinal: string | undefined;
  /** Commands given out and not yet answered. */
  #owed = 0;
  /** When the last command came, or the last frame of a file. */
  #commandAt = 0;
  #due: "late" | "idle" | undefined;

  constructor(options: ServerConnectionOptions) {
    const { now, welcome, signInTimeout = 60_000, text = false } = options;
    this.#options = options;
    this.#signInUntil = now + signInTimeout;
    this.#link = createLink({
      side: "server",
      frame: Math.min(welcome.limits.frame, FRAME_PAYLOAD_MAX),
      // A person at a terminal is asked for no sign of life, and cannot read PING.
      heartbeat: text ? 0 : welcome.heartbeat,
      now,
      bulk: () => this.#bulk.pull(),
      lender: this.#bulk,
      others: text,
    });
    this.#link.sendText(BANNER);
  }

  get mode(): "frames" {
    return "frames";
  }
  get state(): ServerState {
    return this.#state;
  }
  get transfers(): Transfers {
    return this.#bulk.transfers;
  }
  get relays(): RelayQueue {
    return this.#bulk.relays;
  }

  get wantsRead(): boolean {
    return this.#link.wantsRead;
  }
  get pendingTransmit(): number {
    return this.#link.pendingTransmit;
  }
  readInto(): Uint8Array | undefined {
    return this.#link.readInto();
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

  timeout(): number | undefined {
    const due = this.#deadline();
    const link = this.#link.timeout();
    return due === undefined ? link : link === undefined ? due : Math.min(due, link);
  }

  /** Whether there is nothing more to hear or to say. */
  get #over(): boolean {
    return this.#state === "closed" || this.#state === "handed-over";
  }

  /** When this session is late or idle. */
  #deadline(): number | undefined {
    if (this.#due !== undefined || this.#link.ending || this.#over) return undefined;
    if (this.#state !== "ready") return this.#signInUntil;
    const { idleTimeout = 0 } = this.#options;
    return idleTimeout > 0 && this.#owed === 0 ? this.#commandAt + idleTimeout : undefined;
  }

  handleTimeout(now: number): void {
    const due = this.#deadline();
    if (due !== undefined && this.#link.tick(now) >= due) {
      this.#due = this.#state === "ready" ? "idle" : "late";
    }
    this.#link.handleTimeout(now);
  }

  next(): ServerTransition | undefined {
    for (;;) {
      const transferred = this.#transferred();
      if (transferred !== undefined) return transferred;
      const given = this.#given();
      if (given === undefined) return undefined;
      const transition = this.#take(given);
      if (transition !== undefined) return transition;
    }
  }

  /** The next input, from the clock or from the link. */
  #given(): Given | undefined {
    if (this.#due !== undefined) {
      const input = this.#due;
      this.#due = undefined;
      if (!this.#link.ending) {
        return { input, ending: ending(input === "late" ? "sign-in-timeout" : "idle") };
      }
    }
    const { commands } = this.#options.welcome.limits;
    this.#link.held = this.#state === "verifying" || this.#state === "granting" ||
      this.#owed >= commands;
    this.#link.owing = this.#owed > 0;
    const pulled = this.#link.pull();
    if (pulled === undefined) return undefined;
    // What a proof is only the exchange can tell that it belongs to.
    if (pulled.input === "message" && pulled.message.kind === "proof") {
      return { ...this.#judge(pulled.message.body.scram), offset: pulled.offset };
    }
    return classify(pulled);
  }

  #judge(proof: string): Given {
    const outcome = this.#scram?.readClientFinal(proof);
    this.#scram = undefined;
    const user = this.#clientFirst?.user;
    if (outcome === undefined || "fault" in outcome) return { input: "wrong-proof", user };
    this.#serverFinal = outcome.serverFinal;
    return { input: "right-proof", user };
  }

  /** Looks the input up, does what the table says, and tells what happened. */
  #take(given: Given): ServerTransition | undefined {
    const row = SERVER_TABLE[this.#state][given.input];
    if (row === undefined) {
      // Only a peer can cause this: whatever we do ourselves is in the table.
      const offset = given.offset;
      return this.#take({ input: "fault", ending: { ...ending("unexpected"), offset } });
    }
    const [action, to] = row;
    const step = { from: this.#state, to, cause: given.input };
    const transition = this.#act(action, given, step);
    // Not before: what a caller gives can be refused with a throw, and then nothing has happened.
    this.#state = to;
    return transition;
  }

  #act(action: ServerAction, given: Given, step: ServerStep): ServerTransition | undefined {
    switch (action) {
      case "none":
        return undefined;
      case "begin":
        this.#link.heartbeat = this.#options.welcome.heartbeat;
        return undefined;
      case "handOver":
        return { ...step, kind: "handed-over", stream: this.#link.handOver() };
      case "turnAway": {
        // A person at a keyboard cannot read frames; a program would have sent its preface long ago.
        const why = given.ending ?? ending("bad-opening");
        this.#link.sendText(`${statusLine(why.status, why.text)}\r\n`);
        return this.#close(step, why);
      }
      case "welcome": {
        const { welcome, binding, time } = this.#options;
        const bound = binding !== undefined && { binding: binding.type };
        this.#link.send({
          kind: "welcome",
          id: 0,
          body: { version: VERSION, ...welcome, ...bound, time },
        });
        return { ...step, kind: "greeted", agent: given.agent! };
      }
      case "askVerifier":
        this.#clientFirst = given.clientFirst;
        return { ...step, kind: "verifier-wanted", user: given.clientFirst!.user };
      case "challenge": {
        const { binding } = this.#options;
        this.#scram = createScramServer({
          clientFirst: this.#clientFirst!,
          verifier: given.verifier!,
          nonce: this.#nonce(),
          ...binding !== undefined && { binding, requireBinding: true },
        });
        this.#link.send({ kind: "challenge", id: 0, body: { scram: this.#scram.first() } });
        return undefined;
      }
      case "askGrant":
        if (given.input === "register") {
          return { ...step, kind: "register-wanted", registration: given.registration! };
        }
        if (given.input === "resume") {
          return { ...step, kind: "resume-wanted", token: given.token! };
        }
        return { ...step, kind: "proved", user: given.user! };
      case "grant":
        this.#commandAt = this.#link.now;
        this.#link.send({
          kind: "granted",
          id: 0,
          body: {
            ...this.#serverFinal !== undefined && { scram: this.#serverFinal },
            ...given.grant!,
            scope: userScope(fold(given.grant!.user)),
          },
        });
        this.#forgetSignIn();
        return undefined;
      case "deny":
      case "denyLogin":
        this.#forgetSignIn();
        this.#refuse(0, given.refusal!);
        return undefined;
      case "askDenial":
        return { ...step, kind: "disproved", user: given.user! };
      case "command":
        this.#owed++;
        this.#commandAt = this.#link.now;
        return { ...step, kind: "command", id: given.id!, command: given.command! };
      case "refuseUnsigned":
        this.#refuse(given.id!, refuse("not-signed-in"));
        return undefined;
      case "refuseBad":
        this.#refuse(given.id!, given.refusal!);
        return undefined;
      case "transfer":
        this.#commandAt = this.#link.now;
        this.#bulk.take(given.transfer!);
        return undefined;
      case "relay": {
        this.#commandAt = this.#link.now;
        const { id, body } = given.relay!;
        return { ...step, kind: "relay", channel: id, bytes: body.bytes };
      }
      case "answerBye":
        this.#link.end("goodbye");
        return this.#close(step, given.ending!);
      case "part":
        return this.#close(step, given.ending!);
      case "refuseVersion":
      case "fault":
      case "bye":
        this.#link.end(given.ending!.status, given.ending!.text);
        return this.#close(step, given.ending!);
      case "finish":
        this.#link.release();
        return { ...step, kind: "closed", ending: this.#ending };
    }
  }

  #forgetSignIn(): void {
    this.#clientFirst = undefined;
    this.#scram = undefined;
    this.#serverFinal = undefined;
  }

  /** What happened to a file next. */
  #transferred(): ServerTransition | undefined {
    const event = this.#bulk.next();
    return event && { from: "ready", to: "ready", cause: "transfer", kind: "transfer", event };
  }

  #close(step: ServerStep, why: Ending): ServerTransition {
    this.#bulk.clear();
    this.#ending = why;
    this.#link.end();
    return { ...step, kind: "closing", ending: why };
  }

  #refuse(id: number, refusal: Refusal): void {
    this.#link.send({ kind: "refused", id, body: refusedBody(refusal) });
  }

  #nonce(): string {
    const bytes = new Uint8Array(18);
    this.#options.random(bytes);
    return encodeBase64(bytes);
  }

  /** An answer from outside: it counts in the state that asked, and is late in an ended one. */
  #answer(given: Given, now: number): void {
    this.#link.tick(now);
    if (this.#state === "closing" || this.#over) return;
    if (SERVER_TABLE[this.#state][given.input] === undefined) {
      throw new Error(`${given.input} answers nothing in state ${this.#state}`);
    }
    this.#take(given);
  }

  provideVerifier(verifier: Verifier, now: number): void {
    this.#answer({ input: "verifier", verifier }, now);
  }

  grant(grant: Grant, now: number): void {
    this.#answer({ input: "grant", grant }, now);
  }

  deny(refusal: Refusal, now: number): void {
    this.#answer({ input: "deny", refusal }, now);
  }

  send(notice: MessageOf<"notice">): void {
    if (this.#state === "ready") this.#link.send(notice);
  }

  done(id: number, json: string): void {
    if (this.#state !== "ready") return;
    this.#settle();
    this.#link.sendFrame("done", id, json);
  }

  refuse(id: number, refusal: Refusal): void {
    if (this.#state !== "ready") return;
    this.#settle();
    this.#refuse(id, refusal);
  }

  /** One command less is owed an answer. */
  #settle(): void {
    if (this.#owed === 0) throw new Error("no command waits for an answer; give one to each");
    this.#owed--;
  }

  sendEvents(frames: Uint8Array): void {
    if (this.#state === "ready") this.#link.sendShared(frames);
  }

  close(status: StatusName, now: number): void {
    this.#link.tick(now);
    if (this.#state === "closing" || this.#over) return;
    this.#take({ input: "close", ending: ending(status) });
  }
}

/**
 * Makes the server's end of a new connection.
 *
 * @example
 * ```ts
 * import { createServerConnection } from "./server_connection.ts";
 * import { BANNER, PREFACE } from "./message.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const connection = createServerConnection({
 *   random: (out) => out.fill(7),
 *   now: 0,
 *   time: 0,
 *   welcome: {
 *     server: "example",
 *     limits: { frame: 262144, text: 65536, commands: 256 },
 *     heartbeat: 15000,
 *     mechanisms: ["SCRAM-SHA-256"],
 *     registration: "open",
 *   },
 * });
 * assertEquals(new TextDecoder().decode(connection.peekTransmit()), BANNER);
 * connection.receive(new TextEncoder().encode(PREFACE), 1);
 * assertEquals(connection.next(), undefined);
 * assertEquals(connection.state, "greeting");
 * ```
 */
export function createServerConnection(options: ServerConnectionOptions): ServerConnection {
  return new Server(options);
}
