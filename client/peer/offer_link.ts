/**
 * The link of one end of an offer to the other: one after the other, as they break and are made anew.
 *
 * @module
 */

import { decodeBase64 } from "../../protocol/base64.ts";
import { type OfferContext, offerContext } from "../../protocol/peer/offer_context.ts";
import type { PeerStream, PeerStreamEvent } from "../../protocol/peer/peer_stream.ts";
import type { GoNotice } from "./offer_steps.ts";
import type { PeerHost, Via } from "./peer_host.ts";
import { createPeerLink, type PeerLink } from "./peer_link.ts";

/** What a link is for. */
export interface OfferLinkOptions {
  /** What is offered, and the two users. */
  readonly about: OfferContext;
  readonly stream: PeerStream;
  /** Something has happened on the stream. */
  readonly onEvent: (event: PeerStreamEvent) => void;
  /** The link is there, or takes another path. */
  readonly onVia: (via: Via) => void;
  /** It is over, and there is no other. */
  readonly onEnd: () => void;
}

/** The link to the other end, while there is one. */
export class OfferLink {
  readonly #host: PeerHost;
  readonly #role: "offerer" | "taker";
  current: PeerLink | undefined;

  constructor(host: PeerHost, role: "offerer" | "taker") {
    this.#host = host;
    this.#role = role;
  }

  /** Makes a link, where there is none. */
  connect(go: GoNotice, { about, stream, onEvent, onVia, onEnd }: OfferLinkOptions): void {
    const host = this.#host;
    const isOfferer = this.#role === "offerer";
    const key = decodeBase64(go.publicKey) ?? new Uint8Array(0);
    let proved = false;
    const link = createPeerLink({
      host,
      offer: go.offer,
      role: isOfferer ? "responder" : "initiator",
      channel: go.channel,
      peer: {
        kind: "offer",
        offer: offerBytes(go.offer),
        secret: decodeBase64(go.secret) ?? new Uint8Array(0),
        static: host.keys,
        key,
        context: offerContext(about),
      },
      stream,
      onEvent,
      onVia: (via) => {
        if (!proved) host.proved(isOfferer ? about.to : about.by, key);
        proved = true;
        onVia(via);
      },
      onEnd: () => {
        if (this.current !== link) return;
        this.current = undefined;
        onEnd();
      },
    });
    this.current = link;
  }

  /** Lets go of it without a word. */
  stop(): void {
    this.current?.stop();
    this.current = undefined;
  }
}

/** The 16 bytes behind the 32 hexadecimal digits of an offer's name, as handshakes carry it. */
function offerBytes(offer: string): Uint8Array {
  return Uint8Array.from(offer.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}
