/**
 * An offer, as a forum server makes it: both peers know each other's static key, a secret, and what it is about.
 *
 * @module
 */

import type { OfferPeer } from "../../protocol/datagram/handshake.ts";
import { createKeyPair, type Env } from "../../protocol/datagram/suite.ts";

/** What a forum server has given both of two peers. */
export function offers(env: Env): { readonly ours: OfferPeer; readonly theirs: OfferPeer } {
  const ours = createKeyPair(env);
  const theirs = createKeyPair(env);
  const common = {
    kind: "offer",
    offer: new Uint8Array(16).fill(3),
    secret: new Uint8Array(32).fill(4),
    context: new TextEncoder().encode("Ann Ben file.txt 100 hash"),
  } as const;
  return {
    ours: { ...common, static: ours, key: theirs.public },
    theirs: { ...common, static: theirs, key: ours.public },
  };
}
