/**
 * The systems that people talk through, ours first.
 *
 * @module
 */

import { bareDeno } from "./bare_deno.ts";
import { dfp } from "./dfp.ts";
import { nats } from "./nats.ts";
import { ngircd } from "./ngircd.ts";
import type { ChatPeer } from "./peer.ts";

/** All of them. */
export const CHAT_PEERS: readonly ChatPeer[] = [dfp, nats, ngircd, bareDeno];
