/**
 * A file that this client offers to another user, by the offerer's table of protocol/peer/peer_table.ts: it is told to
 * the server, and sent over whatever links to the taker come and go, until the taker says that it is kept.
 *
 * @module
 */

import type { Notice, Refused } from "../../protocol/body.ts";
import { decodeBase64 } from "../../protocol/base64.ts";
import { offerContext } from "../../protocol/peer/offer_context.ts";
import {
  OFFERER_TABLE,
  type OffererAction,
  type OffererInput,
  type OffererState,
} from "../../protocol/peer/peer_table.ts";
import {
  createSendingStream,
  PEER_TRANSFER,
  type PeerStream,
  type PeerStreamEvent,
} from "../../protocol/peer/peer_stream.ts";
import { STATUS, type StatusName, statusName } from "../../protocol/status.ts";
import type { Carrier } from "../files/carrier.ts";
import type { FileSource } from "../files/file_source.ts";
import { createOutgoingFile } from "../files/outgoing_file.ts";
import { ForumError } from "../forum_error.ts";
import { offerBytes } from "./offer_bytes.ts";
import type { PeerHost, Via } from "./peer_host.ts";
import { createPeerLink, type PeerLink } from "./peer_link.ts";

/** What is offered. */
export interface OfferingOptions {
  readonly user: string;
  readonly name: string;
  readonly type: string | undefined;
  readonly source: FileSource;
  readonly sha256: string;
  readonly onProgress: (bytes: number) => void;
  readonly onVia: (via: Via) => void;
  /** It is waited for the other side: for an answer, or after a break. */
  readonly onWaiting: () => void;
}

/** A file that was sent to another user, and is kept there. */
export interface PeerSent {
  /** Who has it, by name. */
  readonly user: string;
  /** What it was called when it was offered. */
  readonly name: string;
  /** How many bytes it has. */
  readonly size: number;
  /** SHA-256 of all its bytes, in lower-case hexadecimal digits: the receiver has found the same. */
  readonly sha256: string;
  /** How its last bytes went. */
  readonly via: Via;
}

/** How long the other side may be away before a file that was begun is given up, in ms. */
const AWAY_MAX = 10 * 60_000;
/** The first wait before the server is told anew, in ms; it doubles. */
const REST_FIRST = 500;
/** The longest. */
const REST_MAX = 5000;

/** What an input brings with it. */
interface Fact {
  readonly refused?: Refused;
  readonly error?: unknown;
  readonly go?: Extract<Notice, { kind: "go" }>;
}

/** A file that is offered. */
export class Offering {
  readonly #host: PeerHost;
  readonly #options: OfferingOptions;
  readonly #carrier: Carrier;
  readonly #done = Promise.withResolvers<PeerSent>();
  readonly #register: (offer: string | undefined, before: string | undefined) => void;
  #state: OffererState = "asking";
  /** The offer's name at the server, while it has one. */
  #offer: string | undefined;
  /** The other user's name as the server writes it. */
  #user: string;
  #link: PeerLink | undefined;
  #via: Via = "relayed";
  #wasLinked = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #rests = 0;
  #awayFrom: number | undefined;

  constructor(
    host: PeerHost,
    options: OfferingOptions,
    register: (offer: string | undefined, before: string | undefined) => void,
  ) {
    this.#host = host;
    this.#options = options;
    this.#register = register;
    this.#user = options.user;
    const working = (act: (stream: PeerStream) => void) => {
      const link = this.#link;
      if (link === undefined) return;
      act(link.stream);
      link.wake();
    };
    this.#carrier = createOutgoingFile({
      source: options.source,
      onStored: options.onProgress,
      link: {
        provide: (frame, raw) =>
          working(({ transfers }) => transfers.provide(PEER_TRANSFER, frame, raw)),
        end: (sha256) => working(({ transfers }) => transfers.end(PEER_TRANSFER, { sha256 })),
        stored() {},
        kept() {},
        cancel: (status) => this.#step("cancel", { refused: refusedAs(status) }),
        fail: (error) => this.#step("cancel", { error }),
      },
    });
  }

  /** Resolves when the other side has the file. */
  get done(): Promise<PeerSent> {
    return this.#done.promise;
  }
  get channel(): number | undefined {
    return this.#link?.channel;
  }
  get link(): PeerLink | undefined {
    return this.#link;
  }

  start(): void {
    this.#ask();
  }

  /** The server tells something of it. */
  heard(notice: Notice): void {
    if (notice.kind === "go") this.#step("go", { go: notice });
    else if (notice.kind === "reach") this.#link?.reach(notice);
    else if (notice.kind === "concluded") {
      const { code, reason } = notice;
      this.#forgetOffer();
      this.#step("concluded", { refused: refusedFor(code, reason) });
    }
  }

  /** The connection to the server is gone, and with it the offer. */
  offline(): void {
    this.#forgetOffer();
    // A link of its own does not need the server.
    if (this.#link?.via !== "direct") this.#step("offline");
  }

  /** It is back. */
  online(): void {
    this.#rests = 0;
    this.#step("rested");
  }

  /** The session is over. */
  closed(refused: Refused): void {
    this.#step("concluded", { refused });
  }

  cancel(error: unknown): void {
    this.#step("cancel", { error });
  }

  #step(input: OffererInput, fact: Fact = {}): void {
    const row = OFFERER_TABLE[this.#state][input];
    if (row === undefined) return;
    this.#state = row[1];
    this.#do(row[0], fact);
  }

  #do(action: OffererAction, fact: Fact): void {
    switch (action) {
      case "none":
        return;
      case "offer":
        return this.#ask();
      case "connect":
        return this.#connect(fact.go!);
      case "disconnect":
        this.#stop();
        return this.#options.onWaiting();
      case "rest":
        this.#stop();
        this.#options.onWaiting();
        return this.#rest(fact.refused?.detail?.wait ?? 0);
      case "succeed": {
        this.#conclude("valid-command");
        this.#link?.close();
        this.#end();
        const { source, name, sha256 } = this.#options;
        const { size } = source;
        return this.#done.resolve({ user: this.#user, name, size, sha256, via: this.#via });
      }
      case "fail":
        this.#end(new ForumError(fact.refused!));
        return;
      case "withdraw":
        this.#link?.stream.cancel("cancelled");
        this.#link?.close();
        this.#conclude("cancelled");
        this.#end(fact.error ?? new ForumError(fact.refused!));
    }
  }

  #ask(): void {
    const { user, name, type, source, sha256 } = this.#options;
    if (!this.#host.online) return this.#step("offline");
    this.#host.ask({
      op: "offer",
      user,
      name,
      size: source.size,
      sha256,
      ...type !== undefined && { type },
    }, {
      done: ({ offer, user }) => {
        this.#offer = offer;
        this.#user = user;
        this.#awayFrom = undefined;
        if (this.#state === "over") return this.#conclude("cancelled");
        this.#register(offer, undefined);
        this.#step("taken");
        this.#options.onWaiting();
      },
      refused: (refused) => this.#step(this.#canWait(refused) ? "put-off" : "refused", { refused }),
    });
  }

  /** Whether the same may be taken later, and it is worth waiting for. */
  #canWait({ code, detail }: Refused): boolean {
    if (code === STATUS.lost.code || detail?.wait !== undefined) return true;
    if (code !== STATUS.away.code || !this.#wasLinked) return false;
    this.#awayFrom ??= performance.now();
    return performance.now() - this.#awayFrom < AWAY_MAX;
  }

  #rest(atLeast: number): void {
    const wait = Math.max(atLeast, Math.min(REST_MAX, REST_FIRST * 2 ** this.#rests++));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Coming back to the server is what ends the wait for it.
      if (this.#host.online) this.#step("rested");
    }, wait);
  }

  #connect({ offer, channel, secret, publicKey }: Extract<Notice, { kind: "go" }>): void {
    this.#stop();
    const { user: by, keys } = this.#host;
    const { name, sha256, source } = this.#options;
    const { size } = source;
    let proved = false;
    const key = decodeBase64(publicKey) ?? new Uint8Array(0);
    const link = createPeerLink({
      host: this.#host,
      offer,
      role: "responder",
      channel,
      peer: {
        kind: "offer",
        offer: offerBytes(offer),
        secret: decodeBase64(secret) ?? new Uint8Array(0),
        static: keys,
        key,
        context: offerContext({ by, to: this.#user, name, size, sha256 }),
      },
      stream: createSendingStream(size),
      onEvent: (event) => this.#happened(event),
      onVia: (via) => {
        if (!proved) this.#host.proved(this.#user, key);
        proved = true;
        this.#wasLinked = true;
        this.#via = via;
        this.#options.onVia(via);
      },
      onEnd: () => {
        if (this.#link !== link) return;
        this.#link = undefined;
        // Without an offer at the server nobody can accept it anew.
        this.#step(this.#offer === undefined ? "offline" : "cut");
      },
    });
    this.#link = link;
  }

  #happened(event: PeerStreamEvent): void {
    switch (event.what) {
      case "opened": {
        const { offset, upto } = event;
        return this.#carrier.opened({ offset, upto, deflate: false });
      }
      case "wanted":
      case "stored":
        return this.#carrier.event(event);
      case "finish":
        // Only who has all of it can know its hash.
        if (event.finish.sha256 === this.#options.sha256) return this.#step("kept");
        return this.#step("cancel", { refused: refusedAs("bad-content") });
      case "abort":
        return this.#step("concluded", {
          refused: refusedFor(event.abort.code, event.abort.reason),
        });
      case "fault":
        return this.#step("cancel", { refused: { ...refusedAs(event.status), text: event.text } });
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#link?.stop();
    this.#link = undefined;
  }

  #forgetOffer(): void {
    if (this.#offer !== undefined) this.#register(undefined, this.#offer);
    this.#offer = undefined;
  }

  #conclude(status: StatusName): void {
    const offer = this.#offer;
    this.#forgetOffer();
    if (offer === undefined || !this.#host.online) return;
    const { code, text: reason } = STATUS[status];
    this.#host.ask({ op: "conclude", offer, code, reason }, { done() {}, refused() {} });
  }

  #end(error?: unknown): void {
    this.#stop();
    this.#forgetOffer();
    this.#carrier.over(error);
    if (error !== undefined) this.#done.reject(error);
  }
}

function refusedAs(status: StatusName): Refused {
  const { code, text } = STATUS[status];
  return { code, name: status, text };
}

/** What the other side has said, as a refusal. */
export function refusedFor(code: number, reason: string): Refused {
  const name = statusName(code) ?? "cancelled";
  return { code, name, text: reason === "" ? STATUS[name].text : reason };
}
