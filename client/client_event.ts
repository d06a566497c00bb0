/**
 * What a forum client tells of its own accord.
 *
 * @module
 */

import type { Notice } from "../protocol/body.ts";
import type { ForumEvent } from "../protocol/forum/event.ts";
import type { PeerOffer } from "./peer/peer_files.ts";

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
