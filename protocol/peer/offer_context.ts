/**
 * What both sides of an offer must agree on before they say a word to each other: it goes into the prologue of their
 * handshake, so a server that told them different things brings no connection about (docs/PROTOCOL.md, "Peer to
 * peer").
 *
 * @module
 */

import { fold } from "../text.ts";

/** The offer, as both have been told of it. */
export interface OfferContext {
  /** Who offers, by name. */
  readonly by: string;
  /** Whom it is offered to, by name. */
  readonly to: string;
  /** What the file is called. */
  readonly name: string;
  /** How many bytes it has. */
  readonly size: number;
  /** SHA-256 of all of them, in lower-case hexadecimal digits. */
  readonly sha256: string;
}

/**
 * The bytes of a context.
 *
 * @example
 * ```ts
 * import { offerContext } from "./offer_context.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const context = { by: "Yoda", to: "Obi-Wan", name: "a.txt", size: 3, sha256: "00".repeat(32) };
 * assertEquals(
 *   new TextDecoder().decode(offerContext(context)),
 *   `DFP/2 peer\nyoda\nobi-wan\n3\n${"00".repeat(32)}\na.txt`,
 * );
 * ```
 */
export function offerContext({ by, to, name, size, sha256 }: OfferContext): Uint8Array {
  const lines = ["DFP/2 peer", fold(by), fold(to), String(size), sha256, name];
  return new TextEncoder().encode(lines.join("\n"));
}
