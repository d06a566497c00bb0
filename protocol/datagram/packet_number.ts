/**
 * Packet numbers. Each packet of a direction has its own, counted up from 0 and never used twice; only the
 * low 32 bits travel, and the receiver finds the rest (RFC 9000 §A.3).
 *
 * @module
 */

const SPAN = 2 ** 32;

/**
 * The whole number whose low 32 bits are `low`: the one nearest to what is expected next.
 *
 * @example
 * ```ts
 * import { expandNumber } from "./packet_number.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(expandNumber(3, 2 ** 32), 2 ** 32 + 3);
 * assertEquals(expandNumber(2 ** 32 - 1, 2 ** 32), 2 ** 32 - 1);
 * ```
 */
export function expandNumber(low: number, expected: number): number {
  const near = expected - (expected % SPAN) + low;
  if (near <= expected - SPAN / 2 && near < Number.MAX_SAFE_INTEGER - SPAN) return near + SPAN;
  if (near > expected + SPAN / 2 && near >= SPAN) return near - SPAN;
  return near;
}
