/**
 * ForumClient: the session of a person or a program with a forum, as promises and an async iterator.
 *
 * All that it knows stands in the core's ClientSession, which session_driver.ts couples to streams and the clock; the
 * files are in forum_files.ts. Here are talk, and the slow hashing of the password. It runs wherever a {@linkcode Dial} can be had: Deno, Node, Bun, browsers.
 *
 * @module
 */

import { encodeBase64 } from "../protocol/base64.ts";
import type { Refused } from "../protocol/body.ts";
import { createClientSession } from "../protocol/client_session.ts";
import type { Command, Op } from "../protocol/forum/command.ts";
import type { Role } from "../protocol/forum/event.ts";
import type { Reply, UploadKept } from "../protocol/forum/reply.ts";
import { refusedBody } from "../protocol/refused.ts";
import { createScramClient } from "../protocol/scram_client.ts";
import type { ClientSession } from "../protocol/session.ts";
import { checkName, checkPassword } from "../protocol/text.ts";
import type { Dial } from "./byte_stream.ts";
import type { ClientEvent } from "./client_event.ts";
import { createEventQueue, type EventQueue } from "./event_queue.ts";
import type { IncomingFile } from "./files/incoming_file.ts";
import { ForumError } from "./forum_error.ts";
import { type DownloadOptions, ForumFiles, type UploadOptions } from "./forum_files.ts";
import { newCredential, saltPassword } from "./password.ts";
import type { PeerFiles, Peers } from "./peer/peer_files.ts";
import type { Answer, PeerForum, PeerOptions } from "./peer/peer_host.ts";
import { now, SessionDriver, type SessionNews } from "./session_driver.ts";

export type { ClientEvent } from "./client_event.ts";
export type { CarryOptions, DownloadOptions, UploadOptions } from "./forum_files.ts";
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
  readonly #driver: SessionDriver;
  readonly #files: ForumFiles;
  readonly #replies = new Map<number, Reaction>();
  peers: Peers | undefined;
  readonly #opened = Promise.withResolvers<ForumClient>();
  readonly #over = Promise.withResolvers<void>();
  /** Resolves when the present link is gone. */
  #linkGone = Promise.withResolvers<void>();
  #queue: EventQueue<ClientEvent> | undefined;
  /** The last salting, which the next sign-in most likely needs again. */
  #salted: { readonly challenge: string; readonly bytes: Uint8Array } | undefined;
  user: string;
  role: Role = "member";

  constructor(options: ForumClientOptions, session: ClientSession, makePeers?: typeof Peers) {
    this.#options = options;
    this.#password = options.password ?? "";
    this.#session = session;
    this.user = options.user;
    this.#driver = new SessionDriver(session, options.dial, {
      happened: (what) => this.#happened(what),
      written: () => this.peers?.drained(),
    });
    this.#files = new ForumFiles({
      session,
      turn: () => this.#driver.turn(),
      reply: (id, streams) =>
        new Promise((resolve, reject) => this.#replies.set(id, { resolve, reject, streams })),
    });
    if (options.peers !== undefined && makePeers !== undefined) {
      this.peers = this.#createPeers(options.peers, makePeers);
    }
    this.#driver.turn();
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
        if (session.relay(channel, datagram)) this.#driver.flush();
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
      // Who leaves waits until the server has the last word about a file: else the other side waits for a return.
      streams: command.op !== "conclude",
    });
    this.#driver.turnSoon();
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

  #happened(what: SessionNews): void {
    switch (what.kind) {
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
        this.#files.opened(what.id, what.reply);
        return;
      case "transfer":
        this.#files.happened(what.event);
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
    this.#opened.reject(this.#driver.dialError ?? new ForumError(refused));
    this.peers?.closed(refused);
    const { code, name, text } = refused;
    this.#queue?.push({ type: "closed", code, name, text });
    this.#queue?.end();
    this.#over.resolve();
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
    this.#driver.turn();
  }

  command<O extends Op>(command: Extract<Command, { op: O }>): Promise<Reply<O>> {
    return new Promise((resolve, reject) => {
      const id = this.#session.command(command, now());
      this.#replies.set(id, { resolve: resolve as (result: object) => void, reject });
      this.#driver.turn();
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
      this.#driver.turn();
    });
    if (this.#session.state === "closed") queue.end();
    return queue;
  }

  upload(options: UploadOptions): Promise<UploadKept> {
    return this.#files.upload(options);
  }

  download(options: DownloadOptions): Promise<IncomingFile> {
    return this.#files.download(options);
  }

  async startPeers(options: PeerOptions): Promise<PeerFiles> {
    const { Peers } = await import("./peer/peer_files.ts");
    if (this.peers !== undefined) return this.peers;
    if (this.state === "closed") throw new ForumError(refusedBody({ status: "lost" }));
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
    const { binding } = this.#driver;
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
    this.#driver.abandonDial();
    this.#driver.turn();
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
