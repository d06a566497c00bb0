/**
 * A file that another user has offered and this client takes, by the taker's table of protocol/peer/peer_table.ts: it
 * is a stream of bytes, fed by whatever links to the offerer come and go.
 *
 * @module
 */

import type { Notice, OfferNotice, Refused } from "../../protocol/body.ts";
import { decodeBase64 } from "../../protocol/base64.ts";
import { offerContext } from "../../protocol/peer/offer_context.ts";
import {
  TAKER_TABLE,
  type TakerAction,
  type TakerInput,
  type TakerState,
} from "../../protocol/peer/peer_table.ts";
import {
  createReceivingStream,
  PEER_TRANSFER,
  PEER_WINDOW_BYTES,
  type PeerStreamEvent,
} from "../../protocol/peer/peer_stream.ts";
import type { DownloadOpened } from "../../protocol/forum/reply.ts";
import { STATUS, type StatusName } from "../../protocol/status.ts";
import type { Carrier } from "../files/carrier.ts";
import type { FileSource } from "../files/file_source.ts";
import { createIncomingFile } from "../files/incoming_file.ts";
import { ForumError } from "../forum_error.ts";
import { offerBytes } from "./offer_bytes.ts";
import { refusedFor } from "./offering.ts";
import type { PeerHost, Via } from "./peer_host.ts";
import { createPeerLink, type PeerLink } from "./peer_link.ts";

/** How an offer is taken. */
export interface TakeOptions {
  /** What is there of the file already, from its beginning: only the rest comes. It is hashed too. */
  readonly have?: FileSource;
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** Told, each time it has got further, how many bytes of the file were taken. */
  readonly onProgress?: (bytes: number) => void;
  /** Told how it travels, when it begins and when that changes. */
  readonly onVia?: (via: Via) => void;
}

/** A file that comes from another user. */
export interface PeerIncoming {
  /** Who sends it, by name. */
  readonly by: string;
  /** What it is called: a label, never a path. */
  readonly name: string;
  /** How many bytes it has. */
  readonly size: number;
  /** SHA-256 of all its bytes, in lower-case hexadecimal digits. */
  readonly sha256: string;
  /** The first byte that comes. */
  readonly offset: number;
  /**
   * The bytes from `offset` on. It fails if the file cannot be got, or is not what its hash says. Read it to its end or
   * cancel it.
   */
  readonly stream: ReadableStream<Uint8Array>;
  /** The file is stored: tells the sender, and resolves with how its last bytes came. */
  keep(): Promise<Via>;
}

interface Fact {
  readonly refused?: Refused;
  readonly error?: unknown;
  readonly go?: Extract<Notice, { kind: "go" }>;
}

/** The first wait before an offer is accepted anew, in ms; it doubles. */
const REST_FIRST = 250;
/** The longest. */
const REST_MAX = 5000;
/** How long an offer that is gone with whoever made it may be made anew, in ms. */
const AWAIT_MS = 15_000;

/** An offer that was made to this client. */
export class Taking {
  readonly #host: PeerHost;
  notice: OfferNotice;
  readonly #over: (taking: Taking, refused: Refused | undefined) => void;
  readonly #opened = Promise.withResolvers<PeerIncoming>();
  readonly #kept = Promise.withResolvers<Via>();
  #carrier: Carrier<DownloadOpened> | undefined;
  #options: TakeOptions = {};
  #state: TakerState = "offered";
  #link: PeerLink | undefined;
  #via: Via = "relayed";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #rests = 0;
  /** The next byte that comes, and how many have come and are not taken. */
  #position = 0;
  #untaken = 0;
  /** All of it is right; and the owner has stored it. */
  #verified = false;
  #isKept = false;
  /** There was a link. */
  #began = false;
  /** On this link the sender has said that this is all. */
  #finished = false;
  #letGo = () => {};

  constructor(
    host: PeerHost,
    notice: OfferNotice,
    over: (taking: Taking, refused: Refused | undefined) => void,
  ) {
    this.#host = host;
    this.notice = notice;
    this.#over = over;
    // Nobody may be waiting, or only for the stream.
    this.#opened.promise.catch(() => {});
    this.#kept.promise.catch(() => {});
  }

  get state(): TakerState {
    return this.#state;
  }
  /** Whether it was wanted. */
  get accepted(): boolean {
    return this.#carrier !== undefined;
  }
  get channel(): number | undefined {
    return this.#link?.channel;
  }
  get link(): PeerLink | undefined {
    return this.#link;
  }

  /** Takes it; resolves when its first bytes may come. */
  accept(options: TakeOptions): Promise<PeerIncoming> {
    const { have, signal, onProgress = () => {} } = options;
    signal?.throwIfAborted();
    this.#options = options;
    this.#position = have?.size ?? 0;
    this.#carrier = createIncomingFile({
      ...have !== undefined && { have },
      onTaken: onProgress,
      onOpened: ({ stream, offset }) => {
        const { by, name, size, sha256 } = this.notice;
        const keep = () => this.#keep();
        this.#opened.resolve({ by, name, size, sha256, offset, stream, keep });
      },
      link: {
        provide() {},
        end() {},
        stored: (count) => this.#stored(count),
        kept: () => this.#right(),
        cancel: (status) => this.#step("cancel", { refused: refusedAs(status) }),
        fail: (error) => this.#step("cancel", { error }),
      },
    });
    const aborted = () => this.#step("cancel", { error: signal!.reason });
    signal?.addEventListener("abort", aborted);
    this.#letGo = () => signal?.removeEventListener("abort", aborted);
    this.#step("accept");
    return this.#opened.promise;
  }

  decline(): void {
    this.#step("decline");
  }

  /** The server tells something of it. */
  heard(notice: Notice): void {
    if (notice.kind === "go") this.#step("go", { go: notice });
    else if (notice.kind === "reach") this.#link?.reach(notice);
    else if (notice.kind === "concluded") this.#concluded(refusedFor(notice.code, notice.reason));
    // It is told again because we were gone, or had seemed to be.
    else if (notice.kind === "offer") this.#step("rested");
  }

  #concluded(refused: Refused): void {
    // All is here, and all that is left would be to say so.
    if (this.#isKept) return this.#step("kept");
    // A link of its own does not need the server, so it does not matter whom that has lost.
    if (refused.code === STATUS.lost.code) {
      if (this.#link?.via === "direct") return;
      if (this.accepted) return this.#step("lost");
    }
    // Its last word may be behind in what is relayed.
    if (refused.code === STATUS["valid-command"].code) return;
    this.#step("concluded", { refused });
  }

  /** The connection to the server is gone. */
  offline(): void {
    if (this.#state === "offered") return this.#step("concluded", { refused: refusedAs("lost") });
    if (this.#link?.via !== "direct") this.#step("cut");
  }

  closed(refused: Refused): void {
    this.#step("concluded", { refused });
  }

  #step(input: TakerInput, fact: Fact = {}): void {
    const row = TAKER_TABLE[this.#state][input];
    if (row === undefined) return;
    this.#state = row[1];
    this.#do(row[0], fact);
  }

  #do(action: TakerAction, fact: Fact): void {
    switch (action) {
      case "accept":
        return this.#ask();
      case "decline":
        this.#conclude("declined");
        return this.#end();
      case "connect":
        return this.#connect(fact.go!);
      case "await":
        this.#stop();
        this.#timer = setTimeout(() => {
          this.#step("given-up", { refused: refusedAs("lost") });
        }, AWAIT_MS);
        return;
      case "rest":
        this.#stop();
        return this.#rest(fact.refused?.detail?.wait ?? 0);
      case "succeed":
        this.#link?.close();
        this.#kept.resolve(this.#via);
        return this.#end();
      case "fail":
        return this.#end(fact.refused);
      case "withdraw": {
        const status = fact.refused?.name as StatusName | undefined ?? "cancelled";
        this.#link?.stream.cancel(status);
        this.#link?.close();
        this.#conclude(status);
        return this.#end(fact.refused ?? refusedAs("cancelled"), fact.error);
      }
    }
  }

  /** Whether another offer of the same file may be this one, made anew. */
  get mayBeFound(): boolean {
    return TAKER_TABLE[this.#state].found !== undefined;
  }

  /** The same file is offered anew, by the same user. */
  found(notice: OfferNotice): void {
    clearTimeout(this.#timer);
    this.notice = notice;
    this.#step("found");
  }

  #ask(): void {
    if (!this.#host.online) return this.#step("put-off");
    const { offer } = this.notice;
    this.#host.ask({ op: "accept", offer }, {
      done() {},
      refused: (refused) => {
        if (offer !== this.notice.offer) return;
        const later = refused.code === STATUS.lost.code || refused.detail?.wait !== undefined;
        if (later) return this.#step("put-off", { refused });
        // After a break, an offer that is not there any more means that who made it is gone.
        const gone = this.#began && refused.code === STATUS["no-offer"].code;
        this.#step(gone ? "lost" : "refused", { refused });
      },
    });
  }

  #rest(atLeast: number): void {
    const wait = Math.max(atLeast, Math.min(REST_MAX, REST_FIRST * 2 ** this.#rests++));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#host.online) this.#step("rested");
      else this.#rest(0);
    }, wait);
  }

  #connect({ offer, channel, secret, publicKey }: Extract<Notice, { kind: "go" }>): void {
    this.#stop();
    const { user: to, keys } = this.#host;
    const { by, name, size, sha256 } = this.notice;
    this.#finished = false;
    let proved = false;
    const key = decodeBase64(publicKey) ?? new Uint8Array(0);
    const link = createPeerLink({
      host: this.#host,
      offer,
      role: "initiator",
      channel,
      peer: {
        kind: "offer",
        offer: offerBytes(offer),
        secret: decodeBase64(secret) ?? new Uint8Array(0),
        static: keys,
        key,
        context: offerContext({ by, to, name, size, sha256 }),
      },
      stream: createReceivingStream({
        size,
        offset: this.#position,
        window: PEER_WINDOW_BYTES,
        behind: this.#untaken,
      }),
      onEvent: (event) => this.#happened(event),
      onVia: (via) => {
        if (!proved) this.#host.proved(by, key);
        proved = true;
        this.#rests = 0;
        this.#began = true;
        this.#via = via;
        this.#open();
        this.#options.onVia?.(via);
      },
      onEnd: () => {
        if (this.#link !== link) return;
        this.#link = undefined;
        this.#step(this.#isKept ? "kept" : "cut");
      },
    });
    this.#link = link;
  }

  /** Its first bytes may come. */
  #open(): void {
    const { by, name, size, type, sha256 } = this.notice;
    const offset = this.#position;
    this.#carrier!.opened({ seq: 0, by, at: 0, name, size, type, sha256, offset, deflate: false });
  }

  #happened(event: PeerStreamEvent): void {
    switch (event.what) {
      case "data": {
        const count = event.raw ?? event.bytes.length;
        this.#position += count;
        this.#untaken += count;
        return this.#carrier!.event(event);
      }
      case "finish":
        if (event.finish.sha256 !== this.notice.sha256) {
          return this.#step("cancel", { refused: refusedAs("bad-content") });
        }
        this.#finished = true;
        if (!this.#verified) return this.#carrier!.event(event);
        if (this.#isKept) this.#sayKept();
        return;
      case "abort":
        return this.#step("concluded", {
          refused: refusedFor(event.abort.code, event.abort.reason),
        });
      case "fault":
        return this.#step("cancel", { refused: { ...refusedAs(event.status), text: event.text } });
    }
  }

  #stored(count: number): void {
    this.#untaken -= count;
    const link = this.#link;
    if (link === undefined) return;
    link.stream.transfers.stored(PEER_TRANSFER, count);
    link.wake();
  }

  /** All has come, and is what it should be. */
  #right(): void {
    this.#verified = true;
    this.#carrier!.over();
  }

  #keep(): Promise<Via> {
    if (!this.#verified) throw new Error("the file is not whole; read its stream to the end first");
    this.#isKept = true;
    if (this.#state === "over") this.#kept.resolve(this.#via);
    else if (this.#state === "linked") this.#sayKept();
    return this.#kept.promise;
  }

  /** Tells the sender; who closes the link when that has come. */
  #sayKept(): void {
    const link = this.#link;
    if (link === undefined || !this.#finished || !link.stream.transfers.has(PEER_TRANSFER)) return;
    link.stream.transfers.kept(PEER_TRANSFER, { sha256: this.notice.sha256 });
    link.wake();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#link?.stop();
    this.#link = undefined;
  }

  #conclude(status: StatusName): void {
    if (!this.#host.online) return;
    const { offer } = this.notice;
    const { code, text: reason } = STATUS[status];
    this.#host.ask({ op: "conclude", offer, code, reason }, { done() {}, refused() {} });
  }

  #end(refused?: Refused, error?: unknown): void {
    this.#stop();
    this.#letGo();
    if (refused !== undefined) {
      const what = error ?? new ForumError(refused);
      // What was stored is stored, whether the sender knows or not.
      if (this.#isKept) this.#kept.resolve(this.#via);
      else this.#kept.reject(what);
      this.#opened.reject(what);
      if (!this.#verified) this.#carrier?.over(what);
    }
    this.#over(this, refused);
  }
}

function refusedAs(status: StatusName): Refused {
  const { code, text } = STATUS[status];
  return { code, name: status, text };
}
