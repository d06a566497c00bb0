/**
 * Where the scopes of a forum that has come to rest end, so that one knows what is still to be heard.
 *
 * @module
 */

import type { PeerAddress } from "../end_to_end/raw_peer.ts";
import { join } from "./accounts.ts";

/** The last entry of each of these scopes, as `user` may know it; those that are gone are left out. */
export async function headsOf(
  address: PeerAddress,
  user: string,
  scopes: Iterable<string>,
): Promise<Map<string, number>> {
  const peer = await join(address, user);
  const heads = new Map<string, number>();
  let id = 0;
  for (const scope of scopes) {
    await peer.command(++id, { op: "follow", scope });
    const reply = await peer.reply(id);
    if (reply.kind === "done") heads.set(scope, (reply.body as { head: number }).head);
    await peer.command(++id, { op: "unfollow", scope });
    await peer.reply(id);
  }
  peer.close();
  return heads;
}
