/**
 * A file that another user has offered and this client takes, by the taker's table of protocol/peer/peer_table.ts: it
 * is a stream of bytes, fed by whatever links to the offerer come and go.
 *
 * @module
 */

import type { Notice, OfferNotice, Refused } from "../../protocol/body.ts";
import { TAKER_TABLE, type TakerAction, type TakerState } from "../../protocol/peer/peer_table.ts";
import {
  createReceivingStream,
  PEER_TRANSFER,
  PEER_WINDOW_BYTES,
  type PeerStreamEvent,
} from "../../protocol/peer/peer_stream.ts";
import type { DownloadOpened } from "../../protocol/forum/reply.ts";
import { refusedBody, refusedFor } from "../../protocol/refused.ts";
import { STATUS, type StatusName } from "../../protocol/status.ts";
import type { Carrier } from "../files/carrier.ts";
import type { FileSource } from "../files/file_source.ts";
import { createIncomingFile } from "../files/incoming_file.ts";
import { ForumError } from "../forum_error.ts";
import { OfferLink } from "./offer_link.ts";
import { type GoNotice, type OfferFact, OfferSteps } from "./offer_steps.ts";
import type { PeerHost, Via } from "./peer_host.ts";
import type { PeerLink } from "./peer_link.ts";

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
  readonly #steps = new OfferSteps(
    TAKER_TABLE,
    "offered",
    (action, fact) => this.#do(action, fact),
  );
  readonly #link: OfferLink;
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
    this.#link = new OfferLink(host, "taker");
    this.notice = notice;
    this.#over = over;
    // Nobody may be waiting, or only for the stream.
    this.#opened.promise.catch(() => {});
    this.#kept.promise.catch(() => {});
  }

  get state(): TakerState {
    return this.#steps.state;
  }
  /** Whether it was wanted. */
  get accepted(): boolean {
    return this.#carrier !== undefined;
  }
  get link(): PeerLink | undefined {
    return this.#link.current;
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
        cancel: (status) => this.#steps.take("cancel", { refused: refusedBody({ status }) }),
        fail: (error) => this.#steps.take("cancel", { error }),
      },
    });
    const aborted = () => this.#steps.take("cancel", { error: signal!.reason });
    signal?.addEventListener("abort", aborted);
    this.#letGo = () => signal?.removeEventListener("abort", aborted);
    this.#steps.take("accept");
    return this.#opened.promise;
  }

  decline(): void {
    this.#steps.take("decline");
  }

  /** The server tells something of it. */
  heard(notice: Notice): void {
    if (notice.kind === "go") this.#steps.take("go", { go: notice });
    else if (notice.kind === "reach") this.#link.current?.reach(notice);
    else if (notice.kind === "concluded") this.#concluded(refusedFor(notice.code, notice.reason));
    // It is told again because we were gone, or had seemed to be.
    else if (notice.kind === "offer") this.#steps.take("rested");
  }

  #concluded(refused: Refused): void {
    // All is here, and all that is left would be to say so.
    if (this.#isKept) return this.#steps.take("kept");
    // A link of its own does not need the server, so it does not matter whom that has lost.
    if (refused.code === STATUS.lost.code) {
      if (this.#link.current?.via === "direct") return;
      if (this.accepted) return this.#steps.take("lost");
    }
    // Its last word may be behind in what is relayed.
    if (refused.code === STATUS["valid-command"].code) return;
    this.#steps.take("concluded", { refused });
  }

  /** The connection to the server is gone. */
  offline(): void {
    if (this.#steps.state === "offered") {
      return this.#steps.take("concluded", { refused: refusedBody({ status: "lost" }) });
    }
    if (this.#link.current?.via !== "direct") this.#steps.take("cut");
  }

  closed(refused: Refused): void {
    this.#steps.take("concluded", { refused });
  }

  #do(action: TakerAction, fact: OfferFact): void {
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
          this.#steps.take("given-up", { refused: refusedBody({ status: "lost" }) });
        }, AWAIT_MS);
        return;
      case "rest":
        this.#stop();
        return this.#rest(fact.refused?.detail?.wait ?? 0);
      case "succeed":
        this.#link.current?.close();
        this.#kept.resolve(this.#via);
        return this.#end();
      case "fail":
        return this.#end(fact.refused);
      case "withdraw": {
        const status = fact.refused?.name as StatusName | undefined ?? "cancelled";
        this.#link.current?.stream.cancel(status);
        this.#link.current?.close();
        this.#conclude(status);
        return this.#end(fact.refused ?? refusedBody({ status: "cancelled" }), fact.error);
      }
    }
  }

  /** Whether another offer of the same file may be this one, made anew. */
  get mayBeFound(): boolean {
    return this.#steps.knows("found");
  }

  /** The same file is offered anew, by the same user. */
  found(notice: OfferNotice): void {
    clearTimeout(this.#timer);
    this.notice = notice;
    this.#steps.take("found");
  }

  #ask(): void {
    if (!this.#host.online) return this.#steps.take("put-off");
    const { offer } = this.notice;
    this.#host.ask({ op: "accept", offer }, {
      done() {},
      refused: (refused) => {
        if (offer !== this.notice.offer) return;
        const later = refused.code === STATUS.lost.code || refused.detail?.wait !== undefined;
        if (later) return this.#steps.take("put-off", { refused });
        // After a break, an offer that is not there any more means that who made it is gone.
        const gone = this.#began && refused.code === STATUS["no-offer"].code;
        this.#steps.take(gone ? "lost" : "refused", { refused });
      },
    });
  }

  #rest(atLeast: number): void {
    const wait = Math.max(atLeast, Math.min(REST_MAX, REST_FIRST * 2 ** this.#rests++));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#host.online) this.#steps.take("rested");
      else this.#rest(0);
    }, wait);
  }

  #connect(go: GoNotice): void {
    this.#stop();
    const { by, name, size, sha256 } = this.notice;
    this.#finished = false;
    this.#link.connect(go, {
      about: { by, to: this.#host.user, name, size, sha256 },
      stream: createReceivingStream({
        size,
        offset: this.#position,
        window: PEER_WINDOW_BYTES,
        behind: this.#untaken,
      }),
      onEvent: (event) => this.#happened(event),
      onVia: (via) => {
        this.#rests = 0;
        this.#began = true;
        this.#via = via;
        this.#open();
        this.#options.onVia?.(via);
      },
      onEnd: () => this.#steps.take(this.#isKept ? "kept" : "cut"),
    });
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
          return this.#steps.take("cancel", { refused: refusedBody({ status: "bad-content" }) });
        }
        this.#finished = true;
        if (!this.#verified) return this.#carrier!.event(event);
        if (this.#isKept) this.#sayKept();
        return;
      case "abort":
        return this.#steps.take("concluded", {
          refused: refusedFor(event.abort.code, event.abort.reason),
        });
      case "fault":
        return this.#steps.take("cancel", { refused: refusedBody(event) });
    }
  }

  #stored(count: number): void {
    this.#untaken -= count;
    const link = this.#link.current;
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
    if (this.#steps.state === "over") this.#kept.resolve(this.#via);
    else if (this.#steps.state === "linked") this.#sayKept();
    return this.#kept.promise;
  }

  /** Tells the sender; who closes the link when that has come. */
  #sayKept(): void {
    const link = this.#link.current;
    if (link === undefined || !this.#finished || !link.stream.transfers.has(PEER_TRANSFER)) return;
    link.stream.transfers.kept(PEER_TRANSFER, { sha256: this.notice.sha256 });
    link.wake();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#link.stop();
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
