/**
 * Base64 with the standard alphabet and padding (RFC 4648 §4), strict when it reads: one sequence of
 * bytes has exactly one text. `Uint8Array.fromBase64` does the same, but Node 20 does not have it.
 *
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Whole groups of four, the last one perhaps padded. */
const SHAPE = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const VALUES = new Uint8Array(128);
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/**
 * The base64 text of some bytes, with padding.
 *
 * @example
 * ```ts
 * import { encodeBase64 } from "./base64.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(encodeBase64(new TextEncoder().encode("n,,")), "biws");
 * ```
 */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = bytes[at] << 16 | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0);
    text += ALPHABET[group >> 18] + ALPHABET[group >> 12 & 63] +
      (left > 1 ? ALPHABET[group >> 6 & 63] : "=") + (left > 2 ? ALPHABET[group & 63] : "=");
  }
  return text;
}

/**
 * The bytes of a base64 text, or `undefined` where it is not what {@linkcode encodeBase64} would have
 * written: another alphabet, white space, missing or surplus padding, unused bits that are not zero.
 *
 * @example
 * ```ts
 * import { decodeBase64 } from "./base64.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(decodeBase64("AQI="), new Uint8Array([1, 2]));
 * assertEquals(decodeBase64("AQJ="), undefined);
 * ```
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!SHAPE.test(text)) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array(text.length / 4 * 3 - padding);
  let written = 0;
  let group = 0;
  for (let at = 0; at < text.length; at += 4) {
    group = VALUES[text.charCodeAt(at)] << 18 | VALUES[text.charCodeAt(at + 1)] << 12 |
      VALUES[text.charCodeAt(at + 2)] << 6 | VALUES[text.charCodeAt(at + 3)];
    // Writes past the end of a typed array do nothing: the padding falls away.
    bytes[written++] = group >> 16;
    bytes[written++] = group >> 8;
    bytes[written++] = group;
  }
  const unused = padding === 2 ? 0xffff : padding === 1 ? 0xff : 0;
  return (group & unused) === 0 ? bytes : undefined;
}
