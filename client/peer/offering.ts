/**
 * A file that this client offers to another user, by the offerer's table of protocol/peer/peer_table.ts: it is told to
 * the server, and sent over whatever links to the taker come and go, until the taker says that it is kept.
 *
 * @module
 */

import type { Notice, Refused } from "../../protocol/body.ts";
import { OFFERER_TABLE, type OffererAction } from "../../protocol/peer/peer_table.ts";
import {
  createSendingStream,
  PEER_TRANSFER,
  type PeerStream,
  type PeerStreamEvent,
} from "../../protocol/peer/peer_stream.ts";
import { refusedBody, refusedFor } from "../../protocol/refused.ts";
import { STATUS, type StatusName } from "../../protocol/status.ts";
import type { Carrier } from "../files/carrier.ts";
import type { FileSource } from "../files/file_source.ts";
import { createOutgoingFile } from "../files/outgoing_file.ts";
import { ForumError } from "../forum_error.ts";
import { OfferLink } from "./offer_link.ts";
import { type GoNotice, type OfferFact, OfferSteps } from "./offer_steps.ts";
import type { PeerHost, Via } from "./peer_host.ts";
import type { PeerLink } from "./peer_link.ts";

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

/** A file that is offered. */
export class Offering {
  readonly #host: PeerHost;
  readonly #options: OfferingOptions;
  readonly #carrier: Carrier;
  readonly #done = Promise.withResolvers<PeerSent>();
  readonly #register: (offer: string | undefined, before: string | undefined) => void;
  readonly #steps = new OfferSteps(
    OFFERER_TABLE,
    "asking",
    (action, fact) => this.#do(action, fact),
  );
  /** The offer's name at the server, while it has one. */
  #offer: string | undefined;
  /** The other user's name as the server writes it. */
  #user: string;
  readonly #link: OfferLink;
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
    this.#link = new OfferLink(host, "offerer");
    const working = (act: (stream: PeerStream) => void) => {
      const link = this.#link.current;
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
        cancel: (status) => this.#steps.take("cancel", { refused: refusedBody({ status }) }),
        fail: (error) => this.#steps.take("cancel", { error }),
      },
    });
  }

  /** Resolves when the other side has the file. */
  get done(): Promise<PeerSent> {
    return this.#done.promise;
  }
  get link(): PeerLink | undefined {
    return this.#link.current;
  }

  start(): void {
    this.#ask();
  }

  /** The server tells something of it. */
  heard(notice: Notice): void {
    if (notice.kind === "go") this.#steps.take("go", { go: notice });
    else if (notice.kind === "reach") this.#link.current?.reach(notice);
    else if (notice.kind === "concluded") {
      const { code, reason } = notice;
      this.#forgetOffer();
      this.#steps.take("concluded", { refused: refusedFor(code, reason) });
    }
  }

  /** The connection to the server is gone, and with it the offer. */
  offline(): void {
    this.#forgetOffer();
    // A link of its own does not need the server.
    if (this.#link.current?.via !== "direct") this.#steps.take("offline");
  }

  /** It is back. */
  online(): void {
    this.#rests = 0;
    this.#steps.take("rested");
  }

  /** The session is over. */
  closed(refused: Refused): void {
    this.#steps.take("concluded", { refused });
  }

  cancel(error: unknown): void {
    this.#steps.take("cancel", { error });
  }

  #do(action: OffererAction, fact: OfferFact): void {
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
        this.#link.current?.close();
        this.#end();
        const { source, name, sha256 } = this.#options;
        const { size } = source;
        return this.#done.resolve({ user: this.#user, name, size, sha256, via: this.#via });
      }
      case "fail":
        this.#end(new ForumError(fact.refused!));
        return;
      case "withdraw":
        this.#link.current?.stream.cancel("cancelled");
        this.#link.current?.close();
        this.#conclude("cancelled");
        this.#end(fact.error ?? new ForumError(fact.refused!));
    }
  }

  #ask(): void {
    const { user, name, type, source, sha256 } = this.#options;
    if (!this.#host.online) return this.#steps.take("offline");
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
        if (this.#steps.state === "over") return this.#conclude("cancelled");
        this.#register(offer, undefined);
        this.#steps.take("taken");
        this.#options.onWaiting();
      },
      refused: (refused) =>
        this.#steps.take(this.#canWait(refused) ? "put-off" : "refused", { refused }),
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
      if (this.#host.online) this.#steps.take("rested");
    }, wait);
  }

  #connect(go: GoNotice): void {
    this.#stop();
    const { name, sha256, source } = this.#options;
    const { size } = source;
    this.#link.connect(go, {
      about: { by: this.#host.user, to: this.#user, name, size, sha256 },
      stream: createSendingStream(size),
      onEvent: (event) => this.#happened(event),
      onVia: (via) => {
        this.#wasLinked = true;
        this.#via = via;
        this.#options.onVia(via);
      },
      // Without an offer at the server nobody can accept it anew.
      onEnd: () => this.#steps.take(this.#offer === undefined ? "offline" : "cut"),
    });
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
        if (event.finish.sha256 === this.#options.sha256) return this.#steps.take("kept");
        return this.#steps.take("cancel", { refused: refusedBody({ status: "bad-content" }) });
      case "abort":
        return this.#steps.take("concluded", {
          refused: refusedFor(event.abort.code, event.abort.reason),
        });
      case "fault":
        return this.#steps.take("cancel", { refused: refusedBody(event) });
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#link.stop();
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
