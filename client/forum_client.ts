/**
 * ForumClient: the session of a person or a program with a forum, as promises and an async iterator.
 *
 * All that it knows stands in the core's ClientSession; here are only the clock, the stream and the
 * slow hashing of the password. It runs wherever a {@linkcode Dial} can be had: Deno, Node, Bun, browsers.
 *
 * @module
 */

import { dialWithin } from "./dial_within.ts";
import { encodeBase64 } from "../protocol/base64.ts";
import type { Notice, Refused } from "../protocol/body.ts";
import { createClientSession } from "../protocol/client_session.ts";
import type { Command, Op } from "../protocol/forum/command.ts";
import type { ForumEvent, Role } from "../protocol/forum/event.ts";
import type { DownloadOpened, Reply, UploadKept } from "../protocol/forum/reply.ts";
import { createScramClient } from "../protocol/scram_client.ts";
import type { ClientSession, SessionTransition } from "../protocol/session.ts";
import { STATUS } from "../protocol/status.ts";
import { checkName, checkPassword } from "../protocol/text.ts";
import { WINDOW_BYTES } from "../protocol/transfer/receiver.ts";
import type { ByteStream, Dial } from "./byte_stream.ts";
import { ForumError } from "./forum_error.ts";
import { createEventQueue, type EventQueue } from "./event_queue.ts";
import type { Carrier, CarrierLink } from "./files/carrier.ts";
import { canGoBack, type FileContent, type FileSource, sourceOf } from "./files/file_source.ts";
import { createIncomingFile, type IncomingFile } from "./files/incoming_file.ts";
import { createOutgoingFile } from "./files/outgoing_file.ts";
import { newCredential, saltPassword } from "./password.ts";
import type { PeerFiles, PeerOffer, Peers } from "./peer/peer_files.ts";
import type { Answer, PeerForum, PeerOptions } from "./peer/peer_host.ts";

export { ForumError };

/** How a client is connected. */
export interface ForumClientOptions {
  /** Opens a stream to the server; called again after each break. */
  readonly dial: Dial;
  /** Who signs in, in any case; at most 32 code points. */
  readonly user: string;
  /** At most 256 code points. It stays here: what is sent proves that it is known. */
  readonly password?: string;
  /** Instead of a password: the `token` of an earlier session. When it is no longer good, it is over. */
  readonly token?: string;
  /** Make the account first. */
  readonly register?: boolean;
  /** Program and version, at most 120 characters. */
  readonly agent?: string;
  /** Whether to come back by itself after a break; true by default. */
  readonly reconnect?: boolean;
  /** Take part in files that go straight from user to user; without it there are none. */
  readonly peers?: PeerOptions;
}

/** What happens, beside the replies to commands. */
export type ClientEvent =
  /** An entry of a followed scope, exactly once and in order. */
  | { readonly type: "event"; readonly event: ForumEvent }
  /** Presence, typing, the server's closing. */
  | { readonly type: "notice"; readonly notice: Notice }
  /** Somebody offers a file, straight from their machine: see {@linkcode ForumClient.peers}. */
  | { readonly type: "offer"; readonly offer: PeerOffer }
  /** A user's client has another key than when files were sent before: another machine, or somebody in between. */
  | { readonly type: "peer-key"; readonly user: string; readonly key: string }
  /** An offer that was not answered is over. */
  | {
    readonly type: "offer-ended";
    readonly offer: PeerOffer;
    readonly code: number;
    readonly name: string;
    readonly text: string;
  }
  /** The link broke; another one is sought. */
  | { readonly type: "offline"; readonly text: string }
  /** The link is there: at the beginning, and after each break. */
  | { readonly type: "online" }
  /** A scope cannot be followed any more. */
  | {
    readonly type: "unfollowed";
    readonly scope: string;
    readonly code: number;
    readonly name: string;
    readonly text: string;
  }
  /** It is over. */
  | {
    readonly type: "closed";
    readonly code: number;
    readonly name: string;
    readonly text: string;
  };

/** What is common to uploads and downloads. */
export interface CarryOptions {
  /** The thread's number. */
  readonly thread: number;
  /** Let chunks that shrink travel deflated; false by default. */
  readonly deflate?: boolean;
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** Told, each time it has got further, how many bytes of the file are through. */
  readonly onProgress?: (bytes: number) => void;
}

/** What is uploaded. */
export interface UploadOptions extends CarryOptions {
  /** What it shall be called in the thread. */
  readonly name: string;
  /** The bytes. A stream cannot go back: what the server has not stored of it is kept in memory. */
  readonly content: FileContent;
  /** Its media type. */
  readonly type?: string;
  /** SHA-256 of all bytes, where it is known: then what is there already need not travel. */
  readonly sha256?: string;
  /** When it was last changed, in ms since 1970: tells a broken upload of the same file from another. */
  readonly modified?: number;
}

/** What is downloaded. */
export interface DownloadOptions extends CarryOptions {
  /** The `seq` of the file. */
  readonly file: number;
  /** What is there of it already, from its beginning: only the rest comes. It is hashed too. */
  readonly have?: FileSource;
}

/** A signed-in client. */
export interface ForumClient {
  /** `offline` while another link is sought; `closed` is for ever. */
  readonly state: "online" | "offline" | "closed";
  /** The name, as the server writes it. */
  readonly user: string;
  /** The role at the last sign-in; events of `accounts` tell when it changes. */
  readonly role: Role;
  /** Files that go straight from user to user; `undefined` until somebody has asked for them. */
  readonly peers: PeerFiles | undefined;
  /** What signs in again without the password: a secret like it, until the command `logout` ends it. */
  readonly token: string | undefined;
  /**
   * Sends a command. After a break it is sent again; a change carries a key, so it is done once.
   *
   * @throws ForumError if it is refused, or the session ends first.
   */
  command<O extends Op>(command: Extract<Command, { op: O }>): Promise<Reply<O>>;
  /** Follows a scope after the entry `after`, or from now on. The entries come through `events`. */
  follow(scope: string, after?: number): Promise<{ head: number }>;
  /** Follows a scope no longer: no more of its entries come in. */
  unfollow(scope: string): Promise<void>;
  /** All that happens from now on, in order, for one consumer. Ends when the client is closed. */
  events(): AsyncIterableIterator<ClientEvent>;
  /**
   * Shares a file in a thread; goes on by itself after a break, and after an earlier one of the same name,
   * size and time of change that was cut off. While too many are under way it waits for its turn.
   *
   * @throws ForumError if it is refused; whatever the content throws; the signal's reason.
   */
  upload(options: UploadOptions): Promise<UploadKept>;
  /**
   * Gets a file as a stream, which goes on by itself after a break and fails if the file cannot be got whole.
   *
   * @throws ForumError if it is refused; the signal's reason.
   */
  download(options: DownloadOptions): Promise<IncomingFile>;
  /**
   * Takes part in files from user to user from now on, as the option `peers` does from the beginning; once is enough.
   * What they are made of is loaded only now, and nobody can offer a file before.
   *
   * @throws ForumError if the session is over; whatever loading throws, and then it can be tried again.
   */
  startPeers(options: PeerOptions): Promise<PeerFiles>;
  /** Shuts the server down. The password is proved, not sent. */
  shutdown(adminPassword: string): Promise<void>;
  /** Takes the role of an admin. The password is proved, not sent. */
  promote(adminPassword: string): Promise<void>;
  /** Changes the password, here and on the server; the other sessions of the account end. */
  changePassword(password: string): Promise<void>;
  /**
   * Waits for the replies under way, and for uploads, says goodbye and closes. Downloads are not waited for: what
   * is not read of them by then fails.
   */
  close(): Promise<void>;
}

const READ_BYTES = 256 * 1024;
/** With these the server asks to wait for one's turn. */
const HAS_A_TURN: ReadonlySet<number> = new Set([
  STATUS["transfer-busy"].code,
  STATUS.rate.code,
]);
/** How long to wait for a turn where the server does not say it, in ms. */
const BUSY_WAIT = 1000;
/** How long opening a stream may take, in ms. */
const DIAL_TIMEOUT = 10_000;

interface Reaction {
  resolve(result: object): void;
  reject(error: ForumError): void;
  /** Nobody waits for it, as for the end of a download: its stream may never be read. */
  readonly streams?: boolean;
}

class Client implements ForumClient {
  readonly #options: ForumClientOptions;
  #password: string;
  readonly #session: ClientSession;
  readonly #replies = new Map<number, Reaction>();
  readonly #carriers = new Map<number, Carrier>();
  peers: Peers | undefined;
  readonly #opened = Promise.withResolvers<ForumClient>();
  readonly #over = Promise.withResolvers<void>();
  /** Resolves when the present link is gone. */
  #linkGone = Promise.withResolvers<void>();
  #queue: EventQueue<ClientEvent> | undefined;
  #stream: ByteStream | undefined;
  #writing = false;
  #readAgain: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  /** The last salting, which the next sign-in most likely needs again. */
  #salted: { readonly challenge: string; readonly bytes: Uint8Array } | undefined;
  #dialError: unknown;
  #dialling = new AbortController();
  user: string;
  role: Role = "member";

  constructor(options: ForumClientOptions, session: ClientSession, makePeers?: typeof Peers) {
    this.#options = options;
    this.#password = options.password ?? "";
    this.#session = session;
    this.user = options.user;
    if (options.peers !== undefined && makePeers !== undefined) {
      this.peers = this.#createPeers(options.peers, makePeers);
    }
    this.#turn();
  }

  #createPeers(options: PeerOptions, makePeers: typeof Peers): Peers {
    const session = this.#session;
    // deno-lint-ignore no-this-alias -- the getters look at what changes here
    const client = this;
    const forum: PeerForum = {
      get user() {
        return client.user;
      },
      get online() {
        return session.state === "online";
      },
      get relayBlocked() {
        return session.state === "online" && !session.relays;
      },
      ask: (command, answer) => this.#ask(command, answer as Answer<never>),
      relay: (channel, datagram) => {
        if (session.relay(channel, datagram) && !this.#writing) this.#write();
      },
    };
    return new makePeers(forum, options, {
      offered: (offer) => this.#queue?.push({ type: "offer", offer }),
      strange: (user, key) => this.#queue?.push({ type: "peer-key", user, key: encodeBase64(key) }),
      ended: (offer, { code, name, text }) =>
        this.#queue?.push({ type: "offer-ended", offer, code, name, text }),
    });
  }

  /** Sends a command whose reply is dealt with at once, before anything that comes behind it. */
  #ask(command: Command, answer: Answer<never>): void {
    const id = this.#session.command(command, now());
    this.#replies.set(id, {
      resolve: (reply) => answer.done(reply as never),
      reject: ({ code, name, message: text, detail }) =>
        answer.refused({ code, name, text, ...detail !== undefined && { detail } }),
      streams: true,
    });
    this.#turnSoon();
  }

  /** A turn, but not within another one. */
  #turnSoon(): void {
    queueMicrotask(() => this.#turn());
  }

  get opened(): Promise<ForumClient> {
    return this.#opened.promise;
  }

  get token(): string | undefined {
    return this.#session.token;
  }

  get state(): "online" | "offline" | "closed" {
    const { state } = this.#session;
    if (state === "online") return "online";
    return state === "closed" || state === "leaving" ? "closed" : "offline";
  }

  /** Hands on what happened, writes what can be written, and sets the timer: after every input. */
  #turn(): void {
    this.#drain();
    if (!this.#writing) this.#write();
    if (this.#session.wantsRead) this.#readAgain?.();
    this.#arm();
  }

  #drain(): void {
    let what = this.#session.next();
    while (what !== undefined) {
      this.#happened(what);
      what = this.#session.next();
    }
  }

  #arm(): void {
    const due = this.#session.timeout() ?? Infinity;
    // A timer that comes too early does nothing, so only an earlier time needs a new one.
    if (due >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.#session.handleTimeout(now());
      this.#turn();
    }, Math.max(0, due - now()));
  }

  #happened(what: SessionTransition): void {
    switch (what.kind) {
      case "dial":
        this.#dial();
        return;
      case "hang-up":
        this.#hangUp();
        return;
      case "password-wanted":
        this.#salt(what.salt, what.iterations);
        return;
      case "online":
        this.user = what.user;
        this.role = what.role;
        this.#linkGone = Promise.withResolvers();
        this.#queue?.push({ type: "online" });
        this.peers?.online();
        this.#opened.resolve(this);
        return;
      case "done":
        this.#settle(what.id)?.resolve(what.result);
        return;
      case "refused":
        this.#settle(what.id)?.reject(new ForumError(what.refused));
        return;
      case "transfer-opened":
        this.#carriers.get(what.id)?.opened(what.reply as never);
        return;
      case "transfer":
        this.#carriers.get(what.event.id)?.event(what.event);
        return;
      case "event":
        this.#queue?.push({ type: "event", event: what.event });
        // Replies and signs of life must still come through, so the server is asked to wait with events.
        if (this.#queue?.full) this.#session.hold(now());
        return;
      case "notice":
        if (this.peers?.heard(what.notice)) return;
        // What passes is not worth the memory of a queue that nobody empties.
        if (this.#queue?.full === false) this.#queue.push({ type: "notice", notice: what.notice });
        return;
      case "relay":
        this.peers?.relayed(what.channel, what.bytes);
        return;
      case "offline":
        this.#linkGone.resolve();
        this.peers?.offline();
        this.#queue?.push({ type: "offline", text: what.text });
        return;
      case "unfollowed": {
        const { code, name, text } = what.refused;
        this.#queue?.push({ type: "unfollowed", scope: what.scope, code, name, text });
        return;
      }
      case "closed":
        this.#closed(what.refused);
        return;
    }
  }

  #settle(id: number): Reaction | undefined {
    const reaction = this.#replies.get(id);
    this.#replies.delete(id);
    return reaction;
  }

  #closed(refused: Refused): void {
    clearTimeout(this.#timer);
    this.#timerAt = -Infinity;
    this.#hangUp();
    this.#opened.reject(this.#dialError ?? new ForumError(refused));
    this.peers?.closed(refused);
    const { code, name, text } = refused;
    this.#queue?.push({ type: "closed", code, name, text });
    this.#queue?.end();
    this.#over.resolve();
  }

  async #dial(): Promise<void> {
    this.#dialling = new AbortController();
    try {
      this.#stream = await dialWithin(DIAL_TIMEOUT, this.#options.dial, this.#dialling.signal);
    } catch (error) {
      this.#dialError = error;
      const text = error instanceof Error ? error.message : String(error);
      this.#session.dialFailed(
        now(),
        text,
        (error as { forGood?: unknown } | null)?.forGood === true,
      );
      this.#turn();
      return;
    }
    this.#session.opened(now(), this.#stream.binding);
    this.#read(this.#stream);
    this.#turn();
  }

  #hangUp(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#readAgain?.();
  }

  async #salt(salt: Uint8Array, iterations: number): Promise<void> {
    const challenge = `${encodeBase64(salt)} ${iterations}`;
    if (this.#salted?.challenge !== challenge) {
      const bytes = await saltPassword(this.#password, salt, iterations);
      this.#salted = { challenge, bytes };
    }
    // The link may have broken meanwhile; another one will ask again.
    if (this.#session.state === "joining") {
      this.#session.provideSaltedPassword(this.#salted.bytes, now());
    }
    this.#turn();
  }

  /** Resolves when there is room for what comes, or to `false` when the stream is given up. */
  async #wanted(stream: ByteStream): Promise<boolean> {
    while (this.#stream === stream && !this.#session.wantsRead) {
      await new Promise<void>((resolve) => this.#readAgain = resolve);
      this.#readAgain = undefined;
    }
    return this.#stream === stream;
  }

  async #read(stream: ByteStream): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      while (await this.#wanted(stream)) {
        const count = await stream.read(buffer);
        if (this.#stream !== stream) return;
        if (count === null) {
          this.#session.receiveEnd(now());
          this.#turn();
          return;
        }
        // What has come while there is no room waits too: dropped, it would tear the stream.
        if (!await this.#wanted(stream)) return;
        this.#session.receive(buffer.subarray(0, count), now());
        this.#turn();
      }
    } catch {
      if (this.#stream === stream) {
        this.#session.receiveBreak(now());
        this.#turn();
      }
    }
  }

  async #write(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    let bytes = this.#session.peekTransmit();
    if (bytes.length === 0) return;
    this.#writing = true;
    try {
      while (bytes.length > 0 && this.#stream === stream) {
        const count = await stream.write(bytes);
        if (this.#stream !== stream) break;
        this.#session.consumeTransmit(count);
        this.#drain();
        this.peers?.drained();
        bytes = this.#session.peekTransmit();
      }
    } catch {
      if (this.#stream === stream) this.#session.receiveBreak(now());
    }
    this.#writing = false;
    // A new stream may have come while the old one's write was failing.
    this.#turn();
  }

  command<O extends Op>(command: Extract<Command, { op: O }>): Promise<Reply<O>> {
    return new Promise((resolve, reject) => {
      const id = this.#session.command(command, now());
      this.#replies.set(id, { resolve: resolve as (result: object) => void, reject });
      this.#turn();
    });
  }

  follow(scope: string, after?: number): Promise<{ head: number }> {
    this.#queue ??= this.#newQueue();
    return this.command({ op: "follow", scope, ...after !== undefined && { after } });
  }

  async unfollow(scope: string): Promise<void> {
    await this.command({ op: "unfollow", scope });
  }

  events(): AsyncIterableIterator<ClientEvent> {
    this.#queue ??= this.#newQueue();
    return this.#queue;
  }

  #newQueue(): EventQueue<ClientEvent> {
    const queue = createEventQueue<ClientEvent>(() => {
      this.#session.release(now());
      this.#turn();
    });
    if (this.#session.state === "closed") queue.end();
    return queue;
  }

  async upload({ thread, name, content, signal, onProgress, ...more }: UploadOptions) {
    const source = sourceOf(content);
    const { type, sha256, modified, deflate } = more;
    const command: Extract<Command, { op: "upload" }> = {
      op: "upload",
      thread,
      name,
      size: source.size,
      ...type !== undefined && { type },
      ...sha256 !== undefined && { sha256 },
      ...modified !== undefined && { modified },
      ...deflate && { deflate },
    };
    let went = 0;
    const attempt = () =>
      this.#carry<UploadKept>(command, signal, (link) =>
        createOutgoingFile({
          source,
          link,
          onStored(bytes) {
            went = bytes;
            onProgress?.(bytes);
          },
        }));
    try {
      return await this.#inTurn(attempt, signal);
    } catch (error) {
      // The server began with what another file had left: now that is gone.
      const stale = error instanceof ForumError && error.code === STATUS["bad-content"].code;
      if (!stale || went === 0 || !canGoBack(content)) throw error;
      return await this.#inTurn(attempt, signal);
    } finally {
      source.close?.();
    }
  }

  async download(
    { thread, file, have, signal, onProgress = () => {}, deflate }: DownloadOptions,
  ): Promise<IncomingFile> {
    const offset = have?.size ?? 0;
    const command: Extract<Command, { op: "download" }> = {
      op: "download",
      thread,
      file,
      upto: offset + WINDOW_BYTES,
      ...offset > 0 && { offset },
      ...deflate && { deflate },
    };
    const attempt = () =>
      new Promise<IncomingFile>((resolve, reject) => {
        let opened = false;
        const onOpened = (file: IncomingFile) => {
          opened = true;
          resolve(file);
        };
        const options = { onOpened, onTaken: onProgress, ...have !== undefined && { have } };
        this.#carry<DownloadOpened>(command, signal, (link) => {
          return createIncomingFile({ ...options, link });
        }).catch(reject).finally(() => {
          if (opened) have?.close?.();
        });
      });
    try {
      return await this.#inTurn(attempt, signal);
    } catch (error) {
      have?.close?.();
      throw error;
    }
  }

  /** Opens a transfer, and sees it through with its carrier. */
  async #carry<R>(
    command: Extract<Command, { op: "upload" | "download" }>,
    signal: AbortSignal | undefined,
    make: (link: CarrierLink) => Carrier<never>,
  ): Promise<R> {
    signal?.throwIfAborted();
    const session = this.#session;
    const id = session.command(command, now());
    const turning = (act: () => void) => {
      act();
      this.#turn();
    };
    /** What went wrong on this side: that is thrown, not what the server was told. */
    let trouble: { readonly error: unknown } | undefined;
    const fail = (error: unknown) => {
      trouble ??= { error };
      turning(() => session.cancelTransfer(id, "cancelled", now()));
    };
    const carrier = make({
      provide: (frame, raw) => turning(() => session.provide(id, frame, raw)),
      end: (sha256) => turning(() => session.endUpload(id, sha256)),
      stored: (count) => turning(() => session.stored(id, count)),
      kept: (sha256) => turning(() => session.keepDownload(id, sha256)),
      cancel: (status) => turning(() => session.cancelTransfer(id, status, now())),
      fail,
    }) as Carrier;
    this.#carriers.set(id, carefully(carrier, fail));
    const aborted = () => fail(signal!.reason);
    signal?.addEventListener("abort", aborted);
    const over = new Promise<object>((resolve, reject) => {
      this.#replies.set(id, { resolve, reject, streams: command.op === "download" });
    });
    this.#turn();
    try {
      const result = await over;
      carrier.over();
      return result as R;
    } catch (refused) {
      const error = trouble === undefined ? refused : trouble.error;
      carrier.over(error);
      throw error;
    } finally {
      this.#carriers.delete(id);
      signal?.removeEventListener("abort", aborted);
    }
  }

  /** Tries again for as long as too many transfers are under way, or were begun in too short a time. */
  async #inTurn<T>(attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof ForumError) || !HAS_A_TURN.has(error.code)) throw error;
        await pause(error.detail?.wait ?? BUSY_WAIT, signal);
      }
    }
  }

  async startPeers(options: PeerOptions): Promise<PeerFiles> {
    const { Peers } = await import("./peer/peer_files.ts");
    if (this.peers !== undefined) return this.peers;
    if (this.state === "closed") {
      const { code, text } = STATUS.lost;
      throw new ForumError({ code, name: "lost", text });
    }
    this.peers = this.#createPeers(options, Peers);
    if (this.state === "online") this.peers.online();
    return this.peers;
  }

  shutdown(adminPassword: string): Promise<void> {
    return this.#prove(adminPassword, "shutdown");
  }

  async promote(adminPassword: string): Promise<void> {
    await this.#prove(adminPassword, "promote");
    this.role = "admin";
  }

  async #prove(password: string, action: "shutdown" | "promote"): Promise<void> {
    const nonce = encodeBase64(crypto.getRandomValues(new Uint8Array(18)));
    const binding = this.#stream?.binding;
    const bound = binding !== undefined && { binding };
    const scram = createScramClient({ user: this.user, nonce, ...bound });
    const challenged = await this.command({ op: "prove", scram: scram.first() });
    const challenge = scram.readServerFirst(challenged.scram);
    if ("fault" in challenge) throw new Error(challenge.text);
    const salted = await saltPassword(password, challenge.salt, challenge.iterations);
    const granted = await this.command({ op: "admin", scram: scram.final(salted), action });
    const outcome = scram.readServerFinal(granted.scram);
    if (outcome !== true) throw new Error(`The server does not know the password: ${outcome.text}`);
  }

  async changePassword(password: string): Promise<void> {
    await this.command({ op: "credential", ...await newCredential(password) });
    this.#password = password;
    this.#salted = undefined;
  }

  async close(): Promise<void> {
    for (let owed = this.#owed(); owed !== undefined && this.state === "online";) {
      await Promise.race([this.#over.promise, this.#linkGone.promise, this.#answered(owed)]);
      owed = this.#owed();
    }
    this.#session.close(now());
    this.#dialling.abort(new Error("the client was closed"));
    this.#turn();
    await this.#over.promise;
  }

  /** One of the replies that are waited for. */
  #owed(): number | undefined {
    for (const [id, { streams = false }] of this.#replies) if (!streams) return id;
    return undefined;
  }

  /** Resolves when this reply has come. */
  #answered(id: number): Promise<void> {
    const { resolve, reject } = this.#replies.get(id)!;
    return new Promise((told) => {
      this.#replies.set(id, {
        resolve: (result) => (resolve(result), told()),
        reject: (error) => (reject(error), told()),
      });
    });
  }
}

/** A carrier whose throws, as those of somebody who is told of progress, end the transfer and nothing else. */
function carefully(carrier: Carrier, fail: (error: unknown) => void): Carrier {
  const attempt = (act: () => void) => {
    try {
      act();
    } catch (error) {
      fail(error);
    }
  };
  return {
    opened: (reply) => attempt(() => carrier.opened(reply)),
    event: (event) => attempt(() => carrier.event(event)),
    over: (error) => carrier.over(error),
  };
}

/** Waits; rejects with the signal's reason when that comes first. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    const aborted = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

function now(): number {
  return performance.now();
}

function random(out: Uint8Array): void {
  crypto.getRandomValues(out as Uint8Array<ArrayBuffer>);
}

/**
 * Signs in, and stays in touch until closed.
 *
 * @throws TypeError if the name or the password can be no account's; ForumError if the server refuses; the dial's own error if it cannot be reached.
 *
 * @example
 * ```ts ignore
 * import { connectForum, dialTcp } from "@dfp/dfp/client";
 *
 * const forum = await connectForum({
 *   dial: dialTcp({ hostname: "127.0.0.1", port: 5000 }),
 *   user: "Yoda",
 *   password: "do or do not",
 * });
 * await forum.follow("thread/1");
 * await forum.command({ op: "post", thread: 1, text: "Much to learn, you still have." });
 * for await (const what of forum.events()) {
 *   if (what.type === "event" && what.event.kind === "message.posted") console.log(what.event.text);
 * }
 * ```
 */
export async function connectForum(options: ForumClientOptions): Promise<ForumClient> {
  const { user, password = "", token, register = false } = options;
  const { agent = "dfp-client/2.0", reconnect = true } = options;
  const name = checkName(user);
  if (typeof name !== "string") throw new TypeError(name.complaint);
  const fault = token === undefined ? checkPassword(password) : "";
  if (typeof fault !== "string") throw new TypeError(fault.complaint);
  const registration = register ? { user, ...await newCredential(password) } : undefined;
  // A client that takes no part in them, or not yet, as in a browser, does not load what they are made of.
  const makePeers = options.peers && (await import("./peer/peer_files.ts")).Peers;
  const session = createClientSession({
    random,
    agent,
    user,
    reconnect,
    ...registration !== undefined && { registration },
    ...token !== undefined && { token },
  }, now());
  return await new Client(options, session, makePeers).opened;
}
