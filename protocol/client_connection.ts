/**
 * The client's end of a connection, by the table of client_table.ts (docs/PROTOCOL.md, "The session";
 * DESIGN §4 and §5).
 *
 * It speaks first and does not wait: the preface, HELLO, and what `login`, `register` or `resume` ask
 * for leave at once, and commands may follow a `resume` in the same breath, so coming back costs one
 * round trip. PBKDF2 is slow and best done by WebCrypto, so the machine asks for it with a transition
 * and waits for `provideSaltedPassword`.
 *
 * @module
 */

import { encodeBase64 } from "./base64.ts";
import type { Granted, Notice, Refused, Register, UnknownNotice, Welcome } from "./body.ts";
import { Bulk } from "./bulk.ts";
import type { Connection, Ending, Step } from "./connection.ts";
import { ending } from "./ending.ts";
import type { Command } from "./forum/command.ts";
import type { ForumEvent, UnknownEvent } from "./forum/event.ts";
import { createLink, type Link, type LinkInput } from "./link.ts";
import {
  BANNER,
  FRAME_PAYLOAD_MAX,
  type Message,
  type MessageOf,
  PREFACE,
  VERSION,
} from "./message.ts";
import type { RelayQueue } from "./peer/relay_queue.ts";
import type { ChannelBinding } from "./scram.ts";
import { createScramClient, type ScramClient } from "./scram_client.ts";
import {
  CLIENT_TABLE,
  type ClientAction,
  type ClientInput,
  type ClientState,
} from "./client_table.ts";
import { type StatusName, statusName } from "./status.ts";
import type { TransferEvent, TransferMessage, Transfers } from "./transfer/transfers.ts";

/** What every transition of a client's connection says. */
export type ClientStep = Step<ClientState, ClientInput>;

/** What happened on a client's connection. */
export type ClientTransition =
  | ClientStep & { readonly kind: "welcomed"; readonly welcome: Welcome }
  /** Answer with `provideSaltedPassword`: PBKDF2-HMAC-SHA-256, 32 bytes. */
  | ClientStep & {
    readonly kind: "password-wanted";
    readonly salt: Uint8Array;
    readonly iterations: number;
  }
  | ClientStep & { readonly kind: "granted"; readonly granted: Granted }
  /** Signing in was refused; another try is possible. */
  | ClientStep & { readonly kind: "denied"; readonly refused: Refused }
  | ClientStep & { readonly kind: "done"; readonly id: number; readonly result: object }
  | ClientStep & { readonly kind: "refused"; readonly id: number; readonly refused: Refused }
  | ClientStep & { readonly kind: "event"; readonly event: ForumEvent | UnknownEvent }
  | ClientStep & { readonly kind: "notice"; readonly notice: Notice | UnknownNotice }
  /** Something happened to a file that is sent or received. */
  | ClientStep & { readonly kind: "transfer"; readonly event: TransferEvent }
  /** A datagram of a peer has come; valid until more is received. */
  | ClientStep & { readonly kind: "relay"; readonly channel: number; readonly bytes: Uint8Array }
  /** The session is over. */
  | ClientStep & { readonly kind: "closing"; readonly ending: Ending }
  /** The last one: close the stream. */
  | ClientStep & { readonly kind: "closed"; readonly ending: Ending };

/** What a client's connection is made with. */
export interface ClientConnectionOptions {
  /** Fills an array with random bytes. */
  readonly random: (out: Uint8Array) => void;
  /** The time now, in ms. */
  readonly now: number;
  /** Program and version, at most 120 characters. */
  readonly agent: string;
  /** Until WELCOME has come, this silence is too long, in ms; 10,000 by default. */
  readonly openTimeout?: number;
  /** The channel to bind SCRAM to. */
  readonly binding?: ChannelBinding;
}

/** The client's end of a connection. */
export interface ClientConnection extends Connection<ClientTransition, ClientState> {
  /** The files that are sent and received on it; begun by whoever opened them with a command. */
  readonly transfers: Transfers;
  /** Datagrams for peers that wait to be written. */
  readonly relays: RelayQueue;
  /**
   * Begins to sign in with a password. One attempt at a time.
   *
   * @throws Error if another attempt is under way, somebody is signed in, or the session is over.
   */
  login(user: string, now: number): void;
  /** Makes an account and signs in; see `login` for when. */
  register(registration: Register, now: number): void;
  /** Signs in with a token; see `login` for when. Commands may follow at once. */
  resume(token: string, now: number): void;
  /** Answers `password-wanted`. Too late an answer does nothing; one that was not asked for throws an Error. */
  provideSaltedPassword(salted: Uint8Array, now: number): void;
  /** Whether a command may be sent now. */
  readonly acceptsCommands: boolean;
  /**
   * Sends a command under a number of the caller's choosing, 1 to 2³²−1.
   *
   * @throws Error while `acceptsCommands` is false.
   */
  command(id: number, command: Command): void;
}

interface Given {
  readonly input: ClientInput;
  readonly offset?: number;
  readonly id?: number;
  readonly welcome?: Welcome;
  readonly challenge?: { readonly salt: Uint8Array; readonly iterations: number };
  readonly salted?: Uint8Array;
  readonly granted?: Granted;
  readonly refused?: Refused;
  readonly result?: object;
  readonly event?: ForumEvent | UnknownEvent;
  readonly notice?: Notice | UnknownNotice;
  readonly transfer?: TransferMessage;
  readonly relay?: MessageOf<"relay">;
  readonly ending?: Ending;
}

/** A way of signing in that was asked for before WELCOME came. */
type Wish = "none" | "login" | "grant";

class Client implements ClientConnection {
  readonly #link: Link;
  readonly #options: ClientConnectionOptions;
  readonly #openUntil: number;
  readonly #bulk = new Bulk((message) => this.#link.send(message));
  #state: ClientState = "opening";
  #ending: Ending = ending("goodbye");
  #wish: Wish = "none";
  #resuming = false;
  #scram: ScramClient | undefined;
  #late = false;

  constructor(options: ClientConnectionOptions) {
    const { now, agent, openTimeout = 10_000 } = options;
    this.#options = options;
    this.#openUntil = now + openTimeout;
    // The server's heartbeat is not known yet: the opening has a limit of its own.
    this.#link = createLink({
      side: "client",
      frame: FRAME_PAYLOAD_MAX,
      heartbeat: 0,
      now,
      bulk: () => this.#bulk.pull(),
    });
    this.#link.sendText(PREFACE);
    this.#link.send({ kind: "hello", id: 0, body: { version: VERSION, agent, features: [] } });
  }

  get state(): ClientState {
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
    return this.#opening ? this.#openUntil : this.#link.timeout();
  }

  get #opening(): boolean {
    return !this.#late && !this.#link.ending &&
      (this.#state === "opening" || this.#state === "greeting");
  }

  handleTimeout(now: number): void {
    if (this.#opening && this.#link.tick(now) >= this.#openUntil) this.#late = true;
    this.#link.handleTimeout(now);
  }

  next(): ClientTransition | undefined {
    for (;;) {
      const transferred = this.#transferred();
      if (transferred !== undefined) return transferred;
      const given = this.#given();
      if (given === undefined) return undefined;
      const transition = this.#take(given);
      if (transition !== undefined) return transition;
    }
  }

  #given(): Given | undefined {
    if (this.#late && (this.#state === "opening" || this.#state === "greeting")) {
      return { input: "late", ending: ending("silent", "The server did not answer in time.") };
    }
    this.#link.held = this.#state === "hashing";
    const pulled = this.#link.pull();
    return pulled === undefined ? undefined : this.#classify(pulled);
  }

  #classify(pulled: LinkInput): Given {
    switch (pulled.input) {
      case "line":
        return pulled.line + "\r\n" === BANNER
          ? { input: "banner" }
          : { input: "stranger", ending: ending("bad-opening", "This is no DFP server.") };
      case "other":
        // A client's link leaves nothing to others.
        throw new Error("the stream of a client is handed over");
      case "fault":
        return { input: "fault", ending: pulled };
      case "end":
        return { input: "end", ending: ending("lost") };
      case "silent":
        return { input: "silent", ending: ending("silent") };
      case "finished":
        return { input: "finished" };
      case "bad-command":
        throw new Error("a command has come from a server");
    }
    return { ...this.#classifyMessage(pulled.message), offset: pulled.offset };
  }

  #classifyMessage(message: Message): Given {
    switch (message.kind) {
      case "welcome": {
        const welcome = message.body;
        if (welcome.version !== VERSION) {
          return { input: "other-version", ending: ending("bad-version") };
        }
        const input = this.#wish === "none"
          ? "welcome"
          : this.#wish === "login"
          ? "welcome-login"
          : "welcome-grant";
        return { input, welcome };
      }
      case "challenge": {
        const challenge = this.#scram?.readServerFirst(message.body.scram);
        if (challenge === undefined) return { input: "challenge" };
        return "fault" in challenge
          ? { input: "bad-challenge", ending: ending("bad-message", challenge.text) }
          : { input: "challenge", challenge };
      }
      case "granted":
        return this.#judge(message.body);
      case "refused":
        return {
          input: message.id === 0 ? "denied" : "refused",
          id: message.id,
          refused: message.body,
        };
      case "done":
        return { input: "done", id: message.id, result: message.body };
      case "event":
        return { input: "event", event: message.body };
      case "notice":
        return { input: "notice", notice: message.body };
      case "data":
      case "packed":
      case "credit":
      case "finish":
      case "abort":
        return { input: "transfer", transfer: message };
      case "relay":
        return { input: "relay", relay: message };
      case "bye": {
        const { code, reason } = message.body;
        return { input: "bye", ending: ending(statusName(code) ?? "goodbye", reason) };
      }
      default:
        throw new Error(`${message.kind} has come from a server`);
    }
  }

  /** After a password the server must prove that it knew it too. */
  #judge(granted: Granted): Given {
    if (this.#state !== "proving") return { input: "granted", granted };
    const outcome = this.#scram!.readServerFinal(granted.scram ?? "");
    this.#scram = undefined;
    return outcome === true ? { input: "proved", granted } : {
      input: "impostor",
      ending: ending("wrong-password", `The server does not know the password: ${outcome.text}`),
    };
  }

  #take(given: Given): ClientTransition | undefined {
    const row = CLIENT_TABLE[this.#state][given.input];
    if (row === undefined) {
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

  #act(action: ClientAction, given: Given, step: ClientStep): ClientTransition | undefined {
    switch (action) {
      case "none":
        return undefined;
      case "welcome":
        this.#link.heartbeat = given.welcome!.heartbeat;
        return { ...step, kind: "welcomed", welcome: given.welcome! };
      case "askPassword":
        return { ...step, kind: "password-wanted", ...given.challenge! };
      case "sendProof":
        this.#link.send({
          kind: "proof",
          id: 0,
          body: { scram: this.#scram!.final(given.salted!) },
        });
        return undefined;
      case "granted":
        this.#wish = "none";
        return { ...step, kind: "granted", granted: given.granted! };
      case "denied":
        this.#wish = "none";
        this.#resuming = false;
        return { ...step, kind: "denied", refused: given.refused! };
      case "done":
        return { ...step, kind: "done", id: given.id!, result: given.result! };
      case "refused":
        return { ...step, kind: "refused", id: given.id!, refused: given.refused! };
      case "event":
        return { ...step, kind: "event", event: given.event! };
      case "notice":
        return { ...step, kind: "notice", notice: given.notice! };
      case "transfer":
        this.#bulk.take(given.transfer!);
        return undefined;
      case "relay": {
        const { id, body } = given.relay!;
        return { ...step, kind: "relay", channel: id, bytes: body.bytes };
      }
      case "answerBye":
        this.#link.end("goodbye");
        return this.#close(step, given.ending!);
      case "part":
        return this.#close(step, given.ending!);
      case "bye":
        this.#link.end(given.ending!.status, given.ending!.text);
        return this.#close(step, given.ending!);
      case "finish":
        this.#link.release();
        return { ...step, kind: "closed", ending: this.#ending };
    }
  }

  /** What happened to a file next. */
  #transferred(): ClientTransition | undefined {
    const event = this.#bulk.next();
    return event && { from: "ready", to: "ready", cause: "transfer", kind: "transfer", event };
  }

  #close(step: ClientStep, why: Ending): ClientTransition {
    this.#bulk.clear();
    this.#ending = why;
    this.#link.end();
    return { ...step, kind: "closing", ending: why };
  }

  login(user: string, now: number): void {
    this.#expectFree(now);
    const bytes = new Uint8Array(18);
    this.#options.random(bytes);
    const { binding } = this.#options;
    this.#scram = createScramClient({
      user,
      nonce: encodeBase64(bytes),
      ...binding !== undefined && { binding },
    });
    this.#link.send({ kind: "login", id: 0, body: { scram: this.#scram.first() } });
    this.#begin("login");
  }

  register(registration: Register, now: number): void {
    this.#expectFree(now);
    this.#link.send({ kind: "register", id: 0, body: registration });
    this.#begin("grant");
  }

  resume(token: string, now: number): void {
    this.#expectFree(now);
    this.#link.send({ kind: "resume", id: 0, body: { token } });
    this.#resuming = true;
    this.#begin("grant");
  }

  #expectFree(now: number): void {
    this.#link.tick(now);
    const { state } = this;
    const early = state === "opening" || state === "greeting";
    if ((!early && state !== "unsigned") || this.#wish !== "none") {
      throw new Error(`signing in cannot begin in state ${state}; one attempt at a time`);
    }
  }

  #begin(wish: "login" | "grant"): void {
    this.#wish = wish;
    if (this.#state === "unsigned") this.#take({ input: wish === "login" ? "login" : "ask" });
  }

  provideSaltedPassword(salted: Uint8Array, now: number): void {
    this.#link.tick(now);
    if (this.#state === "closing" || this.#state === "closed") return;
    if (this.#state !== "hashing") {
      throw new Error(`no password is wanted in state ${this.#state}`);
    }
    this.#take({ input: "salted", salted });
  }

  get acceptsCommands(): boolean {
    if (this.#state === "ready") return true;
    const early = this.#state === "opening" || this.#state === "greeting";
    return this.#resuming && (early || this.#state === "granting");
  }

  command(id: number, command: Command): void {
    if (!this.acceptsCommands) {
      throw new Error(`a command cannot be sent in state ${this.#state}; sign in first`);
    }
    if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff) {
      throw new RangeError("a command's number must be a whole number from 1 to 4294967295");
    }
    this.#link.send({ kind: "command", id, body: command });
  }

  close(status: StatusName, now: number): void {
    this.#link.tick(now);
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#take({ input: "close", ending: ending(status) });
  }
}

/**
 * Makes the client's end of a new connection.
 *
 * @example
 * ```ts
 * import { createClientConnection } from "./client_connection.ts";
 * import { PREFACE } from "./message.ts";
 * import { assert } from "@std/assert";
 *
 * const connection = createClientConnection({ random: (out) => out.fill(7), now: 0, agent: "example" });
 * assert(new TextDecoder().decode(connection.peekTransmit()).startsWith(PREFACE));
 * ```
 */
export function createClientConnection(options: ClientConnectionOptions): ClientConnection {
  return new Client(options);
}
