/**
 * The client's session: what outlives a link (DESIGN §5 and §6).
 *
 * Streams come and go; the session keeps the token and the commands that have no reply yet (pending_commands.ts).
 * When a link breaks it asks for another one, signs in with the token, and in the same breath sends again what was
 * under way (each change with its key, so that nothing is done twice) and follows on from the last entry seen
 * (followed_scopes.ts), so that nothing is missed. Events come out exactly once and in order, whatever the links did.
 *
 * Files go on in the same way (session_transfers.ts): a transfer that a break has cut off is opened again where it was.
 * It has the number of its command, and `done` or `refused` come when the whole of it is over.
 *
 * It is used like a connection (see connection.ts), with two inputs more: `opened` when the stream
 * that a `dial` transition asked for is there, and `dialFailed` when it could not be had.
 *
 * @module
 */

import { encodeBase64 } from "./base64.ts";
import type { Refused, Register } from "./body.ts";
import {
  type ClientConnection,
  type ClientTransition,
  createClientConnection,
} from "./client_connection.ts";
import type { Ending } from "./connection.ts";
import { createFollowedScopes, type FollowedScopes } from "./followed_scopes.ts";
import type { Command } from "./forum/command.ts";
import type { DownloadOpened, UploadOpened } from "./forum/reply.ts";
import { createPendingCommands, isBoundToLink, type PendingCommands } from "./pending_commands.ts";
import { createReconnectBackoff, RETRY_MAX } from "./reconnect_backoff.ts";
import { canHelpLater, refusedBody } from "./refused.ts";
import type { ChannelBinding } from "./scram.ts";
import type {
  ClientSession,
  ClientSessionOptions,
  SessionState,
  SessionTransition,
} from "./session.ts";
import { createSessionTransfers, isOpening, type SessionTransfers } from "./session_transfers.ts";
import { STATUS, type StatusName } from "./status.ts";
import { WINDOW_BYTES } from "./transfer/receiver.ts";

class Session implements ClientSession {
  readonly #options: ClientSessionOptions;
  #state: SessionState = "offline";
  #connection: ClientConnection | undefined;
  #token: string | undefined;
  #registration: Register | undefined;
  #wasOnline = false;
  #watching = false;
  readonly #backoff = createReconnectBackoff();
  #dialAt: number | undefined;
  #dialling = false;
  #now: number;
  /** Why the session is being closed, where that is known before the link has ended. */
  #last: Refused | undefined;
  readonly #commands: PendingCommands;
  readonly #waiting: PendingCommands["waiting"];
  readonly #scopes: FollowedScopes;
  readonly #files: SessionTransfers;
  readonly #out: SessionTransition[] = [];

  constructor(options: ClientSessionOptions, now: number) {
    this.#options = options;
    this.#registration = options.registration;
    this.#token = options.token;
    this.#now = this.#dialAt = now;
    this.#commands = createPendingCommands(encodeBase64(this.#bytes(12)));
    this.#waiting = this.#commands.waiting;
    const tell = (what: SessionTransition) => void this.#out.push(what);
    this.#scopes = createFollowedScopes({
      ask: (command) => this.#own(command),
      isWaiting: (id) => this.#waiting.has(id),
      breakOff: (status) => this.#connection?.close(status, this.#now),
      tell,
    });
    this.#files = createSessionTransfers({
      window: this.#window,
      transfers: () => this.#connection?.transfers,
      open: (id, command) => this.#send(id, command),
      tell,
    });
  }

  #bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    this.#options.random(bytes);
    return bytes;
  }

  get #window(): number {
    return this.#options.window ?? WINDOW_BYTES;
  }

  get state(): SessionState {
    return this.#state;
  }
  get token(): string | undefined {
    return this.#token;
  }
  get wantsRead(): boolean {
    return this.#connection?.wantsRead ?? false;
  }
  get pendingTransmit(): number {
    return this.#connection?.pendingTransmit ?? 0;
  }
  peekTransmit(): Uint8Array {
    return this.#connection?.peekTransmit() ?? new Uint8Array(0);
  }
  consumeTransmit(count: number): void {
    this.#connection?.consumeTransmit(count);
  }
  receive(chunk: Uint8Array, now: number): void {
    this.#connection?.receive(chunk, this.#tick(now));
  }
  receiveEnd(now: number): void {
    this.#connection?.receiveEnd(this.#tick(now));
  }
  receiveBreak(now: number): void {
    this.#connection?.receiveBreak(this.#tick(now));
  }

  #tick(now: number): number {
    if (now > this.#now) this.#now = now;
    return this.#now;
  }

  opened(now: number, binding?: ChannelBinding): void {
    this.#tick(now);
    this.#dialling = false;
    if (this.#state === "closed") {
      // It was closed while the stream was being opened.
      this.#out.push({ kind: "hang-up" });
      return;
    }
    const { random, agent, user } = this.#options;
    const connection = createClientConnection({
      random,
      agent,
      now: this.#now,
      ...binding !== undefined && { binding },
    });
    this.#connection = connection;
    this.#state = "joining";
    if (this.#token !== undefined) {
      connection.resume(this.#token, this.#now);
      this.#sendAgain();
    } else if (this.#registration !== undefined) connection.register(this.#registration, this.#now);
    else connection.login(user, this.#now);
  }

  dialFailed(now: number, text: string, forGood = false): void {
    this.#tick(now);
    this.#dialling = false;
    if (this.#state !== "offline") return this.#finish(refusedBody({ status: "goodbye" }));
    if (!this.#wasOnline || forGood) return this.#finish(refusedBody({ status: "lost", text }));
    this.#retryLater();
  }

  #retryLater(): void {
    this.#dialAt = this.#now + this.#backoff.next(this.#bytes(1)[0]);
  }

  timeout(): number | undefined {
    // Dialling waits until the link before has ended.
    if (this.#connection === undefined) return this.#dialAt;
    const files = this.#acceptsCommands ? this.#files.due : Infinity;
    const due = Math.min(this.#connection.timeout() ?? Infinity, files);
    return due === Infinity ? undefined : due;
  }

  handleTimeout(now: number): void {
    this.#tick(now);
    this.#connection?.handleTimeout(this.#now);
    this.#dialIfDue();
    if (this.#acceptsCommands) this.#files.handleTimeout(this.#now);
  }

  /** Whether somebody is signed in on a link that is not ending already. */
  get #acceptsCommands(): boolean {
    return this.#state === "online" && this.#connection?.acceptsCommands === true;
  }

  #dialIfDue(): void {
    if (this.#dialAt === undefined || this.#now < this.#dialAt || this.#connection !== undefined) {
      return;
    }
    this.#dialAt = undefined;
    if (this.#dialling || this.#state !== "offline") return;
    this.#dialling = true;
    this.#out.push({ kind: "dial" });
  }

  next(): SessionTransition | undefined {
    this.#dialIfDue();
    while (this.#out.length === 0) {
      const transition = this.#connection?.next();
      if (transition === undefined) return undefined;
      this.#take(transition);
    }
    return this.#out.shift();
  }

  #take(transition: ClientTransition): void {
    switch (transition.kind) {
      case "welcomed":
        return;
      case "password-wanted": {
        const { kind, salt, iterations } = transition;
        this.#out.push({ kind, salt, iterations });
        return;
      }
      case "granted": {
        const { user, role, token } = transition.granted;
        const resumed = transition.from === "granting" && this.#token !== undefined;
        this.#registration = undefined;
        if (token !== undefined) this.#token = token;
        this.#backoff.reset();
        this.#state = "online";
        this.#out.push({ kind: "online", user, role, again: this.#wasOnline });
        this.#wasOnline = true;
        // After a resume everything was sent already, right behind it.
        if (!resumed) this.#sendAgain();
        return;
      }
      case "denied":
        return this.#denied(transition.refused);
      case "done":
        return this.#answered(transition.id, { result: transition.result });
      case "refused":
        return this.#answered(transition.id, { refused: transition.refused });
      case "event":
        return this.#scopes.seen(transition.event);
      case "notice":
        if (transition.notice.kind !== "unknown") {
          this.#out.push({ kind: "notice", notice: transition.notice });
        }
        return;
      case "transfer":
        return this.#files.happened(transition.event, this.#now);
      case "relay": {
        const { kind, channel, bytes } = transition;
        this.#out.push({ kind, channel, bytes });
        return;
      }
      case "closing":
        return;
      case "closed":
        return this.#lost(transition.ending);
    }
  }

  provide(id: number, frame: Uint8Array, raw?: number): void {
    this.#files.provide(id, frame, raw);
  }
  endUpload(id: number, sha256: string): void {
    this.#files.end(id, sha256);
  }
  stored(id: number, count: number): void {
    this.#files.stored(id, count);
  }
  keepDownload(id: number, sha256: string): void {
    this.#files.keep(id, sha256);
  }
  cancelTransfer(id: number, status: StatusName, now: number): void {
    this.#tick(now);
    this.#files.cancel(id, status);
  }

  get relays(): boolean {
    return this.#state === "online" && this.#connection?.state === "ready" &&
      this.#connection.relays.hasRoom;
  }

  relay(channel: number, datagram: Uint8Array): boolean {
    return this.relays && this.#connection!.relays.push(channel, datagram);
  }

  /** Signing in was refused. */
  #denied(refused: Refused): void {
    const connection = this.#connection!;
    if (this.#token !== undefined && this.#options.token === undefined) {
      // The token is no longer good: the password is.
      this.#token = undefined;
      connection.login(this.#options.user, this.#now);
      return;
    }
    if (this.#wasOnline && canHelpLater(refused) && this.#options.reconnect !== false) {
      connection.close("goodbye", this.#now);
      this.#dialAt = this.#now + (refused.detail?.wait ?? RETRY_MAX);
      return;
    }
    this.#state = "leaving";
    this.#last = refused;
    connection.close("goodbye", this.#now);
  }

  #answered(id: number, reply: { result: object } | { refused: Refused }): void {
    const pending = this.#waiting.get(id);
    if (pending === undefined) return;
    // What was sent right behind a token that was not good comes again after the password.
    const code = "refused" in reply ? reply.refused.code : undefined;
    if (code === STATUS["not-signed-in"].code && this.#state === "joining") return;
    // A server that is about to leave does nothing new: what it refuses comes again on the next link.
    if (code === STATUS["shutting-down"].code && this.#comesBack) return;
    this.#waiting.delete(id);
    const { command, own } = pending;
    if (isOpening(command)) {
      if ("result" in reply && "offset" in reply.result) {
        return this.#files.opened(id, command, reply.result as UploadOpened | DownloadOpened);
      }
      const refused = "refused" in reply ? reply.refused : undefined;
      if (!this.#files.refused(id, refused, this.#now)) return;
    }
    if (command.op === "follow") this.#scopes.answered(id, { scope: command.scope, own }, reply);
    if (own) return;
    this.#out.push(
      "result" in reply
        ? { kind: "done", id, result: reply.result }
        : { kind: "refused", id, refused: reply.refused },
    );
  }

  /** Whether another link is sought after the present one. */
  get #comesBack(): boolean {
    return this.#options.reconnect !== false && this.#state !== "leaving";
  }

  hold(now: number): void {
    this.#tick(now);
    this.#scopes.hold(this.#acceptsCommands);
  }

  release(now: number): void {
    this.#tick(now);
    this.#scopes.release(this.#acceptsCommands);
  }

  /** The link has ended. */
  #lost(why: Ending): void {
    this.#connection = undefined;
    this.#out.push({ kind: "hang-up" });
    const retry = this.#wasOnline && this.#options.reconnect !== false &&
      STATUS[why.status].retry === "later";
    const mended = why.status === "unexpected" && this.#state === "online";
    if (this.#state === "leaving" || !(retry || mended || this.#dialAt !== undefined)) {
      return this.#finish(this.#last ?? refusedBody(why));
    }
    this.#state = "offline";
    this.#out.push({ kind: "offline", text: why.text });
    for (const [id, { command }] of this.#waiting) {
      if (!isBoundToLink(command)) continue;
      this.#waiting.delete(id);
      this.#out.push({ kind: "refused", id, refused: refusedBody({ status: "lost" }) });
    }
    if (this.#dialAt === undefined) this.#retryLater();
  }

  #finish(refused: Refused): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#dialAt = undefined;
    this.#connection = undefined;
    for (const [id, { own, command }] of this.#waiting) {
      const gaveUp = isOpening(command) && !this.#files.has(id);
      if (!own && !gaveUp) this.#out.push({ kind: "refused", id, refused });
    }
    for (const id of this.#files.ids) {
      if (!this.#waiting.has(id)) this.#out.push({ kind: "refused", id, refused });
    }
    this.#waiting.clear();
    this.#files.clear();
    this.#out.push({ kind: "closed", refused });
  }

  /** Everything that a new link must know: what has no reply yet, and what is followed from where. */
  #sendAgain(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [id, { command, own }] of waiting) {
      // What the session itself had asked is made anew below.
      if (own || isOpening(command)) continue;
      this.#send(id, command.op === "follow" ? this.#scopes.renewed(id, command) : command);
    }
    this.#files.goOn();
    if (this.#watching) this.#own({ op: "watch", on: true });
    this.#scopes.goOn();
  }

  /** Sends a command on the present link, under the number that it has. */
  #send(id: number, command: Command): void {
    this.#waiting.set(id, { command, own: false });
    this.#connection!.command(id, command);
  }

  /** Sends a command of the session's own. */
  #own(command: Command): number {
    const id = this.#commands.number();
    this.#waiting.set(id, { command, own: true });
    this.#connection!.command(id, command);
    return id;
  }

  command(given: Command, now: number): number {
    this.#tick(now);
    const id = this.#commands.number();
    if (this.#state === "closed" || this.#state === "leaving") {
      this.#out.push({ kind: "refused", id, refused: refusedBody({ status: "goodbye" }) });
      return id;
    }
    const command = this.#complete(given);
    this.#remember(id, command);
    // An online session may have a link that is ending already.
    const accepts = this.#connection?.acceptsCommands ?? false;
    if (isBoundToLink(command) && !(accepts && this.#state === "online")) {
      this.#waiting.delete(id);
      this.#out.push({ kind: "refused", id, refused: refusedBody({ status: "lost" }) });
    } else if (accepts) this.#connection!.command(id, command);
    return id;
  }

  /** The command with what the session adds to it. */
  #complete(given: Command): Command {
    if (given.op === "download") return { ...given, upto: (given.offset ?? 0) + this.#window };
    return this.#commands.keyed(given);
  }

  #remember(id: number, command: Command): void {
    this.#waiting.set(id, { command, own: false });
    switch (command.op) {
      case "follow":
        this.#scopes.follow(id, command);
        return;
      case "unfollow":
        this.#scopes.unfollow(command.scope);
        return;
      case "watch":
        this.#watching = command.on;
        return;
      case "upload":
      case "download":
        this.#files.add(id, command);
    }
  }

  provideSaltedPassword(salted: Uint8Array, now: number): void {
    this.#tick(now);
    // An answer to a link that broke in the meantime is too late, also if another one is there.
    if (this.#connection?.state === "hashing") {
      this.#connection.provideSaltedPassword(salted, this.#now);
    }
  }

  close(now: number): void {
    this.#tick(now);
    if (this.#state === "closed" || this.#state === "leaving") return;
    this.#last = refusedBody({ status: "goodbye" });
    if (this.#connection !== undefined) {
      this.#state = "leaving";
      this.#connection.close("goodbye", this.#now);
    } else this.#finish(this.#last);
  }
}

/**
 * Makes a session. Its first transition asks to dial.
 *
 * @example
 * ```ts
 * import { createClientSession } from "./client_session.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const session = createClientSession({ random: (out) => out.fill(1), agent: "example", user: "Yoda" }, 0);
 * assertEquals(session.next(), { kind: "dial" });
 * ```
 */
export function createClientSession(options: ClientSessionOptions, now: number): ClientSession {
  return new Session(options, now);
}
