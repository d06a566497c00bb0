/**
 * The name of an offer as handshakes carry it.
 *
 * @module
 */

/** The 16 bytes behind 32 hexadecimal digits. */
export function offerBytes(offer: string): Uint8Array {
  return Uint8Array.from(offer.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}
