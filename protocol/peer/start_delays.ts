/**
 * When the two sides of an offer begin to look for a path: together, by the clock of neither (docs/PROTOCOL.md,
 * "Peer to peer"). What the server says reaches each side after half its round trip, so who is nearer waits longer.
 * NATs differ in what they make of the first packet from outside: so in later rounds one side is a little ahead.
 *
 * @module
 */

/** By how much a side is ahead in later rounds, in ms. */
export const AHEAD_MS = 100;
/** A longer round trip is not waited for, in ms. */
export const RTT_MAX = 2000;

/** How far behind each side is in a round: at first neither, then the other one by turns. */
const BEHIND: readonly (readonly [number, number])[] = [[0, 0], [AHEAD_MS, 0], [0, AHEAD_MS]];

/**
 * The delays of who offers and who takes, in ms.
 *
 * @example
 * ```ts
 * import { startDelays } from "./start_delays.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(startDelays(0, 20, 100), [40, 0]);
 * assertEquals(startDelays(1, 20, 100), [140, 0]);
 * ```
 */
export function startDelays(round: number, offerer: number, taker: number): [number, number] {
  const [one, other] = [offerer, taker].map((rtt) => Math.min(rtt, RTT_MAX) / 2);
  const latest = Math.max(one, other);
  const [ahead, behind] = BEHIND[round % BEHIND.length];
  return [Math.round(latest - one) + ahead, Math.round(latest - other) + behind];
}
