/**
 * What files from user to user are made of in the page: loaded once somebody is signed in, so that the first page
 * does not wait for it. No sockets are to be had here, so all goes through the server, sealed from end to end.
 *
 * @module
 */

import type { Env } from "../../protocol/datagram/suite.ts";
import { nobleSuite } from "../../protocol/datagram/noble_suite.ts";
import type { ForumClient } from "../forum_client.ts";
// The client loads it in a moment: so both come at once, and share their parts with the first page as one.
import "../peer/peer_files.ts";
import { storedParts } from "./browser/kept_parts.ts";
import type { Store } from "./state/keeping.ts";
import { ownKeys, storedPeers } from "./state/peer_keys.ts";
import { createPeerTransfers, type PeerTransfers } from "./state/peer_transfers.ts";
import type { Transfers } from "./state/transfers.ts";

const env: Env = {
  suite: nobleSuite,
  random: (out) => void crypto.getRandomValues(out as Uint8Array<ArrayBuffer>),
};

/** Takes part in files from user to user. */
export async function openPeers(
  { client, transfers, store, hand }: {
    client: ForumClient;
    transfers: Transfers;
    store: Store;
    hand: (blob: Blob, name: string) => void;
  },
): Promise<PeerTransfers> {
  const me = client.user;
  const peers = await client.startPeers({
    env,
    keys: ownKeys(store, me, env),
    knownPeers: storedPeers(store, me),
  });
  return createPeerTransfers({ peers, transfers, me, store, hand, keptParts: storedParts(me) });
}
