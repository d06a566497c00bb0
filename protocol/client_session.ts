/**
 * The client's session: what outlives a link (DESIGN §5 and §6).
 *
 * Streams come and go; the session keeps the token, the commands that have no reply yet, and how far
 * each followed scope has been seen. When a link breaks it asks for another one, signs in with the
 * token, and in the same breath sends again what was under way (each change with its key, so that
 * nothing is done twice) and follows on from the last entry seen (so that nothing is missed). Events
 * come out exactly once and in order, whatever the links did.
 *
 * Files go on in the same way: a transfer that a break has cut off is opened again where it was. It has the
 * number of its command, and `done` or `refused` come when the whole of it is over.
 *
 * It is used like a connection (see connection.ts), with two inputs more: `opened` when the stream
 * that a `dial` transition asked for is there, and `dialFailed` when it could not be had.
 *
 * @module
 */

import { encodeBase64 } from "./base64.ts";
import type { Notice, Refused, Register } from "./body.ts";
import {
  type ClientConnection,
  type ClientTransition,
  createClientConnection,
} from "./client_connection.ts";
import type { Ending } from "./connection.ts";
import type { Command, Download, Keyed, Upload } from "./forum/command.ts";
import type { DownloadOpened, UploadOpened } from "./forum/reply.ts";
import { isChange } from "./forum/command_schema.ts";
import {
  FILE_SIZE_MAX,
  type ForumEvent,
  type Role,
  threadScope,
  type UnknownEvent,
} from "./forum/event.ts";
import type { ChannelBinding } from "./scram.ts";
import { STATUS, type StatusName, statusName } from "./status.ts";
import { WINDOW_BYTES } from "./transfer/receiver.ts";
import type { TransferEvent } from "./transfer/transfers.ts";

/** The first wait before dialling again, in ms; it doubles with each failure. */
export const RETRY_FIRST = 100;
/** The longest wait before dialling again, in ms. */
export const RETRY_MAX = 1500;

/** Where a session stands. */
export type SessionState =
  /** No stream; `dial` was or will be asked for. */
  | "offline"
  /** A stream is there; signing in is under way. */
  | "joining"
  | "online"
  /** Saying goodbye. */
  | "leaving"
  | "closed";

/** What happened to a session. */
export type SessionTransition =
  /** Open a stream, then call `opened` or `dialFailed`. */
  | { readonly kind: "dial" }
  /** Close the stream: nothing more will be written to it or read from it. */
  | { readonly kind: "hang-up" }
  /** Answer with `provideSaltedPassword`. */
  | {
    readonly kind: "password-wanted";
    readonly salt: Uint8Array;
    readonly iterations: number;
  }
  /** Somebody is signed in; `again` is false the first time. */
  | {
    readonly kind: "online";
    readonly user: string;
    readonly role: Role;
    readonly again: boolean;
  }
  /** The link is gone; the session tries to get another. */
  | { readonly kind: "offline"; readonly text: string }
  | { readonly kind: "done"; readonly id: number; readonly result: object }
  | { readonly kind: "refused"; readonly id: number; readonly refused: Refused }
  | { readonly kind: "event"; readonly event: ForumEvent }
  | { readonly kind: "notice"; readonly notice: Notice }
  /**
   * A transfer may begin, or go on after a break: from the `offset` of the reply on, whatever was sent
   * before.
   */
  | {
    readonly kind: "transfer-opened";
    readonly id: number;
    readonly reply: UploadOpened | DownloadOpened;
  }
  /** Something happened to a transfer; its end is told by `done` or `refused`. */
  | { readonly kind: "transfer"; readonly event: TransferEvent }
  /** A datagram of a peer has come; valid until more is received. */
  | { readonly kind: "relay"; readonly channel: number; readonly bytes: Uint8Array }
  /** The server does not let a scope be followed on after a reconnect. */
  | { readonly kind: "unfollowed"; readonly scope: string; readonly refused: Refused }
  /** The last one. */
  | { readonly kind: "closed"; readonly refused: Refused };

/** What a session is made with. */
export interface ClientSessionOptions {
  /** Fills an array with random bytes. */
  readonly random: (out: Uint8Array) => void;
  /** Program and version. */
  readonly agent: string;
  /** Who signs in. */
  readonly user: string;
  /** Makes the account first: what decides the password from then on. */
  readonly registration?: Register;
  /** A token of an earlier session: it signs in, and no password is asked for. */
  readonly token?: string;
  /** Whether to get another link when one breaks; true by default. */
  readonly reconnect?: boolean;
  /** Bytes of one download that may have come and not been taken, 1 at least. */
  readonly window?: number;
}

/** A session of one user with one server. */
export interface ClientSession {
  /** Where the session stands. */
  readonly state: SessionState;
  /** Whether the open stream should be read. */
  readonly wantsRead: boolean;
  /** How many bytes wait to be written to the open stream. */
  readonly pendingTransmit: number;
  /** What signs this session in again, once the server has given it. */
  readonly token: string | undefined;
  /** The stream that `dial` asked for is open. */
  opened(now: number, binding?: ChannelBinding): void;
  /** It could not be opened; `forGood` if there is no sense in trying again. */
  dialFailed(now: number, text: string, forGood?: boolean): void;
  /** Takes bytes of the stream in; the array is not kept. */
  receive(chunk: Uint8Array, now: number): void;
  /** The server sends no more. */
  receiveEnd(now: number): void;
  /** The stream broke in both directions. */
  receiveBreak(now: number): void;
  /** Lets time pass; too early does nothing. */
  handleTimeout(now: number): void;
  /** When to call `handleTimeout`, or `undefined` if nothing waits for time. */
  timeout(): number | undefined;
  /** What happened next, or `undefined` if nothing more has. */
  next(): SessionTransition | undefined;
  /** The next bytes to write; empty if none wait. They stay valid until consumed. */
  peekTransmit(): Uint8Array;
  /** So many of the peeked bytes were written. */
  consumeTransmit(count: number): void;
  /**
   * Sends a command, now or when the link is back, and returns the number under which `done` or
   * `refused` will come. A change without a key gets one; how far a download may go at first is the
   * session's business, whatever its `upto` says.
   */
  command(command: Command, now: number): number;
  /** Gives the next bytes of an upload; see `Transfers.provide`. */
  provide(id: number, frame: Uint8Array, raw?: number): void;
  /** All bytes of an upload were given, and this is their SHA-256. */
  endUpload(id: number, sha256: string): void;
  /** So many more bytes of a download were taken. */
  stored(id: number, count: number): void;
  /** A download is whole, and what its hash says. */
  keepDownload(id: number, sha256: string): void;
  /** Gives a transfer up; it ends with `refused` and this status. */
  cancelTransfer(id: number, status: StatusName, now: number): void;
  /** Whether a datagram for a peer would be taken now. */
  readonly relays: boolean;
  /** Queues a datagram for a peer, behind all talk; false where it is dropped. */
  relay(channel: number, datagram: Uint8Array): boolean;
  /** Answers `password-wanted`. */
  provideSaltedPassword(salted: Uint8Array, now: number): void;
  /**
   * Follows nothing for a while, because what comes is not taken fast enough; replies still come. What
   * is missed comes after `release`.
   */
  hold(now: number): void;
  /** Follows on from the last entry that was taken. */
  release(now: number): void;
  /** Says goodbye. Commands without a reply are refused. */
  close(now: number): void;
}

/** A followed scope. */
interface Followed {
  /** The last entry seen; -1 until the server has said where "from now on" begins. */
  last: number;
  /** The number of the command that follows it on the present link, until it is answered. */
  asked: number;
}

/** A command without a reply. */
interface Waiting {
  readonly command: Command;
  /** Whether it is the session's own, so that its reply is nobody else's business. */
  readonly own: boolean;
}

/** A file on its way, whatever links come and go. */
interface Carried {
  readonly command: (Upload & Keyed) | Download;
  /** A download: the next byte that comes. */
  position: number;
  /** A download: how many bytes have come and are not taken. */
  untaken: number;
  /** How many of those there were when it was opened on the present link. */
  behind: number;
  /** A download has come to its end, and only whether it is right is still looked at. */
  whole: DownloadOpened | undefined;
  opened: UploadOpened | DownloadOpened | undefined;
  /** When it is opened again, because the server had no room for it after a break. */
  againAt: number;
}

/** These are bound to one link: after a break they cannot be sent again. */
const BOUND_TO_LINK: ReadonlySet<string> = new Set([
  "prove",
  "admin",
  "typing",
  // The server forgets offers with the connections that they are between.
  "announce",
  "offer",
  "accept",
  "reach",
  "conclude",
]);

class Session implements ClientSession {
  readonly #options: ClientSessionOptions;
  readonly #keys: string;
  #state: SessionState = "offline";
  #connection: ClientConnection | undefined;
  #token: string | undefined;
  #registration: Register | undefined;
  #wasOnline = false;
  #watching = false;
  #holding = false;
  #lastId = 0;
  #keyCount = 0;
  #failures = 0;
  #dialAt: number | undefined;
  #dialling = false;
  #now: number;
  /** Why the session is being closed, where that is known before the link has ended. */
  #last: Refused | undefined;
  /** In the order in which they were given. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #followed = new Map<string, Followed>();
  readonly #carried = new Map<number, Carried>();
  readonly #out: SessionTransition[] = [];

  constructor(options: ClientSessionOptions, now: number) {
    this.#options = options;
    this.#registration = options.registration;
    this.#token = options.token;
    this.#now = this.#dialAt = now;
    this.#keys = encodeBase64(this.#bytes(12));
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
    if (this.#state !== "offline") return this.#finish(refusedAs("goodbye"));
    if (!this.#wasOnline || forGood) return this.#finish({ ...refusedAs("lost"), text });
    this.#retryLater(0);
  }

  #retryLater(atLeast: number): void {
    const spread = 0.5 + this.#bytes(1)[0] / 512;
    const wait = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** this.#failures) * spread;
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#dialAt = this.#now + Math.max(Math.ceil(wait), atLeast);
  }

  timeout(): number | undefined {
    // Dialling waits until the link before has ended.
    if (this.#connection === undefined) return this.#dialAt;
    let due = this.#connection.timeout() ?? Infinity;
    if (this.#opensAgain) {
      for (const { againAt } of this.#carried.values()) due = Math.min(due, againAt);
    }
    return due === Infinity ? undefined : due;
  }

  handleTimeout(now: number): void {
    this.#tick(now);
    this.#connection?.handleTimeout(this.#now);
    this.#dialIfDue();
    if (!this.#opensAgain) return;
    for (const [id, carried] of this.#carried) {
      if (carried.againAt <= this.#now) this.#carryOn(this.#connection!, id, carried);
    }
  }

  /** Whether files that wait for room can be opened again now. */
  get #opensAgain(): boolean {
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
        this.#failures = 0;
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
        return this.#seen(transition.event);
      case "notice":
        if (transition.notice.kind !== "unknown") {
          this.#out.push({ kind: "notice", notice: transition.notice });
        }
        return;
      case "transfer":
        return this.#transferred(transition.event);
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

  /** Something happened to a file. */
  #transferred(event: TransferEvent): void {
    const carried = this.#carried.get(event.id);
    if (carried === undefined) return;
    switch (event.what) {
      case "data": {
        const count = event.raw ?? event.bytes.length;
        carried.position += count;
        carried.untaken += count;
        break;
      }
      case "finish":
        if (carried.command.op === "upload") {
          this.#carried.delete(event.id);
          this.#out.push({ kind: "done", id: event.id, result: event.finish });
          return;
        }
        carried.whole = carried.opened as DownloadOpened;
        break;
      case "abort": {
        // All of it is here: what the server says no longer matters.
        if (carried.whole !== undefined) return;
        const { code, reason } = event.abort;
        if (code === STATUS["transfer-busy"].code) {
          // It had to make room, and goes on when there is some again.
          carried.againAt = this.#now + RETRY_MAX;
          return;
        }
        this.#carried.delete(event.id);
        const name = statusName(code) ?? "cancelled";
        this.#out.push({ kind: "refused", id: event.id, refused: { code, name, text: reason } });
        return;
      }
    }
    this.#out.push({ kind: "transfer", event });
  }

  /** The server lets a transfer begin, or go on. */
  #openTransfer(
    id: number,
    { command, reply }: { command: Upload | Download; reply: UploadOpened | DownloadOpened },
  ): void {
    const { transfers } = this.#connection!;
    const carried = this.#carried.get(id);
    if (!opens(command, reply)) {
      // It would neither go on nor end.
      if (this.#carried.delete(id)) {
        this.#out.push({ kind: "refused", id, refused: refusedAs("bad-message") });
      }
      return;
    }
    if (command.op === "upload") {
      const { offset, upto } = reply as UploadOpened;
      transfers.send(id, { size: command.size, offset, upto });
    } else {
      const { offset, size } = reply as DownloadOpened;
      const { behind = 0, untaken = 0 } = carried ?? {};
      transfers.receive(id, { size, offset, window: this.#window, behind });
      // What was taken since it was asked for makes room.
      if (untaken < behind) transfers.stored(id, behind - untaken);
    }
    // It was given up while the reply was on its way.
    if (carried === undefined) return transfers.cancel(id, "cancelled");
    carried.opened = reply;
    carried.position = reply.offset;
    this.#out.push({ kind: "transfer-opened", id, reply });
  }

  provide(id: number, frame: Uint8Array, raw?: number): void {
    this.#connection?.transfers.provide(id, frame, raw);
  }

  endUpload(id: number, sha256: string): void {
    this.#connection?.transfers.end(id, { sha256 });
  }

  stored(id: number, count: number): void {
    const carried = this.#carried.get(id);
    if (carried === undefined) return;
    carried.untaken -= count;
    this.#connection?.transfers.stored(id, count);
  }

  keepDownload(id: number, sha256: string): void {
    const carried = this.#carried.get(id);
    if (carried?.whole === undefined) return;
    this.#carried.delete(id);
    this.#connection?.transfers.kept(id, { sha256 });
    this.#out.push({ kind: "done", id, result: carried.whole });
  }

  cancelTransfer(id: number, status: StatusName, now: number): void {
    this.#tick(now);
    if (!this.#carried.delete(id)) return;
    this.#connection?.transfers.cancel(id, status);
    this.#out.push({ kind: "refused", id, refused: refusedAs(status) });
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
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    // What was sent right behind a token that was not good comes again after the password.
    const code = "refused" in reply ? reply.refused.code : undefined;
    if (code === STATUS["not-signed-in"].code && this.#state === "joining") return;
    // A server that is about to leave does nothing new: what it refuses comes again on the next link.
    if (code === STATUS["shutting-down"].code && this.#comesBack) return;
    this.#waiting.delete(id);
    const { command, own } = waiting;
    if (isTransfer(command)) {
      if ("result" in reply && "offset" in reply.result) {
        const opened = reply.result as UploadOpened | DownloadOpened;
        return this.#openTransfer(id, { command, reply: opened });
      }
      const carried = this.#carried.get(id);
      const wait = "refused" in reply ? reply.refused.detail?.wait : undefined;
      // What was under way goes on when there is room for it again.
      if (carried?.opened !== undefined && wait !== undefined) {
        carried.againAt = this.#now + wait;
        return;
      }
      // Whoever gave it up was told so.
      if (!this.#carried.delete(id)) return;
    }
    if (command.op === "follow") {
      const { scope } = command;
      const followed = this.#followed.get(scope);
      if (followed?.asked === id) this.#followAnswered(followed, { scope, own }, reply);
    }
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

  #followAnswered(
    followed: Followed,
    { scope, own }: { scope: string; own: boolean },
    reply: { result: object } | { refused: Refused },
  ): void {
    if (own && "refused" in reply && canHelpLater(reply.refused)) {
      // The trouble is the server's and may pass: another link asks again.
      this.#connection?.close(statusName(reply.refused.code)!, this.#now);
      return;
    }
    followed.asked = 0;
    if ("refused" in reply) {
      this.#followed.delete(scope);
      // Whoever asked is told by the refusal itself.
      if (own) this.#out.push({ kind: "unfollowed", scope, refused: reply.refused });
    } else if (followed.last < 0) {
      const { head } = reply.result as { head?: unknown };
      followed.last = typeof head === "number" ? head : 0;
    }
  }

  #seen(event: ForumEvent | UnknownEvent): void {
    const followed = this.#followed.get(event.scope);
    // Until following is answered, what comes belongs to an earlier following of the same scope.
    if (followed === undefined || followed.asked !== 0 || event.seq <= followed.last) return;
    if (this.#holding) return;
    if (event.seq !== followed.last + 1) {
      // The server left one out: come back and ask for it.
      this.#connection?.close("unexpected", this.#now);
      return;
    }
    followed.last = event.seq;
    if (event.kind !== "unknown") this.#out.push({ kind: "event", event });
    if (event.kind === "thread.left") this.#cutOff(threadScope(event.thread));
  }

  /** A private thread can no longer be seen: the server has ended following it. */
  #cutOff(scope: string): void {
    if (!this.#followed.delete(scope)) return;
    this.#out.push({ kind: "unfollowed", scope, refused: refusedAs("no-thread") });
  }

  hold(now: number): void {
    this.#tick(now);
    if (this.#holding) return;
    this.#holding = true;
    if (this.#state !== "online" || !this.#connection!.acceptsCommands) return;
    for (const scope of this.#followed.keys()) {
      this.#own(this.#connection!, { op: "unfollow", scope });
    }
  }

  release(now: number): void {
    this.#tick(now);
    if (!this.#holding) return;
    this.#holding = false;
    if (this.#state === "online" && this.#connection!.acceptsCommands) this.#followAgain();
  }

  /** Follows every scope from where it has got to. */
  #followAgain(): void {
    for (const [scope, followed] of this.#followed) {
      if (this.#waiting.has(followed.asked)) continue;
      followed.asked = this.#own(this.#connection!, followCommand(scope, followed.last));
    }
  }

  /** The link has ended. */
  #lost(why: Ending): void {
    this.#connection = undefined;
    this.#out.push({ kind: "hang-up" });
    const retry = this.#wasOnline && this.#options.reconnect !== false &&
      STATUS[why.status].retry === "later";
    const mended = why.status === "unexpected" && this.#state === "online";
    if (this.#state === "leaving" || !(retry || mended || this.#dialAt !== undefined)) {
      return this.#finish(this.#last ?? { ...refusedAs(why.status), text: why.text });
    }
    this.#state = "offline";
    this.#out.push({ kind: "offline", text: why.text });
    for (const [id, { command }] of this.#waiting) {
      if (!BOUND_TO_LINK.has(command.op)) continue;
      this.#waiting.delete(id);
      this.#out.push({ kind: "refused", id, refused: refusedAs("lost") });
    }
    if (this.#dialAt === undefined) this.#retryLater(0);
  }

  #finish(refused: Refused): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#dialAt = undefined;
    this.#connection = undefined;
    for (const [id, { own, command }] of this.#waiting) {
      const gaveUp = isTransfer(command) && !this.#carried.has(id);
      if (!own && !gaveUp) this.#out.push({ kind: "refused", id, refused });
    }
    for (const id of this.#carried.keys()) {
      if (!this.#waiting.has(id)) this.#out.push({ kind: "refused", id, refused });
    }
    this.#waiting.clear();
    this.#carried.clear();
    this.#out.push({ kind: "closed", refused });
  }

  /** Everything that a new link must know: what has no reply yet, and what is followed from where. */
  #sendAgain(): void {
    const connection = this.#connection!;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [id, { command, own }] of waiting) {
      // What the session itself had asked is made anew below.
      if (own) continue;
      if (isTransfer(command)) continue;
      const followed = command.op === "follow" ? this.#followed.get(command.scope) : undefined;
      const again = command.op === "follow" && followed?.asked === id
        ? followCommand(command.scope, followed.last)
        : command;
      this.#waiting.set(id, { command: again, own: false });
      connection.command(id, again);
    }
    for (const [id, carried] of this.#carried) {
      if (carried.whole === undefined) this.#carryOn(connection, id, carried);
    }
    if (this.#watching) this.#own(connection, { op: "watch", on: true });
    if (!this.#holding) this.#followAgain();
  }

  /** Opens a transfer, or opens it again where it has got to. */
  #carryOn(connection: ClientConnection, id: number, carried: Carried): void {
    const { command, position, untaken, opened } = carried;
    carried.againAt = Infinity;
    carried.behind = untaken;
    const again: Command = command.op === "upload" || opened === undefined
      ? command
      : { ...command, offset: position, upto: position - untaken + this.#window };
    this.#waiting.set(id, { command: again, own: false });
    connection.command(id, again);
  }

  #own(connection: ClientConnection, command: Command): number {
    const id = this.#nextId();
    this.#waiting.set(id, { command, own: true });
    connection.command(id, command);
    return id;
  }

  #nextId(): number {
    this.#lastId = this.#lastId >= 0xffff_ffff ? 1 : this.#lastId + 1;
    return this.#lastId;
  }

  command(given: Command, now: number): number {
    this.#tick(now);
    const id = this.#nextId();
    if (this.#state === "closed" || this.#state === "leaving") {
      this.#out.push({ kind: "refused", id, refused: refusedAs("goodbye") });
      return id;
    }
    const command = this.#complete(given);
    this.#remember(id, command);
    // An online session may have a link that is ending already.
    const accepts = this.#connection?.acceptsCommands ?? false;
    if (BOUND_TO_LINK.has(command.op) && !(accepts && this.#state === "online")) {
      this.#waiting.delete(id);
      this.#out.push({ kind: "refused", id, refused: refusedAs("lost") });
    } else if (accepts) this.#connection!.command(id, command);
    return id;
  }

  /** The command with what the session adds to it. */
  #complete(given: Command): Command {
    if (given.op === "download") return { ...given, upto: (given.offset ?? 0) + this.#window };
    return isChange(given) && given.key === undefined
      ? { ...given, key: `${this.#keys}-${++this.#keyCount}` }
      : given;
  }

  #remember(id: number, command: Command): void {
    this.#waiting.set(id, { command, own: false });
    switch (command.op) {
      case "follow":
        this.#followed.set(command.scope, { last: command.after ?? -1, asked: id });
        return;
      case "unfollow":
        this.#followed.delete(command.scope);
        return;
      case "watch":
        this.#watching = command.on;
        return;
      case "upload":
      case "download":
        this.#carried.set(id, {
          command,
          position: 0,
          behind: 0,
          untaken: 0,
          whole: undefined,
          opened: undefined,
          againAt: Infinity,
        });
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
    this.#last = refusedAs("goodbye");
    if (this.#connection !== undefined) {
      this.#state = "leaving";
      this.#connection.close("goodbye", this.#now);
    } else this.#finish(this.#last);
  }
}

/** Whether a command opens a transfer. */
function isTransfer(command: Command): command is (Upload & Keyed) | Download {
  return command.op === "upload" || command.op === "download";
}

/** Whether a reply says what it must say for a transfer to begin: the connection does not look into replies. */
function opens(command: Upload | Download, reply: UploadOpened | DownloadOpened): boolean {
  const isPlace = (value: unknown, most: number) =>
    Number.isSafeInteger(value) && value as number >= 0 && value as number <= most;
  const { offset, size, upto } = reply as Partial<UploadOpened & DownloadOpened>;
  return command.op === "upload"
    ? isPlace(offset, command.size) && isPlace(upto, command.size)
    : isPlace(size, FILE_SIZE_MAX) && isPlace(offset, size!);
}

/** Whether the same may succeed after a while. */
function canHelpLater({ code }: Refused): boolean {
  const name = statusName(code);
  return name !== undefined && STATUS[name].retry === "later";
}

function followCommand(scope: string, last: number): Command {
  return { op: "follow", scope, ...last >= 0 && { after: last } };
}

function refusedAs(status: StatusName): Refused {
  const { code, text } = STATUS[status];
  return { code, name: status, text };
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
