/**
 * Addresses as PUNCH and PONG carry them: sixteen bytes of IPv6, IPv4 within `::ffff:0:0/96`, and the port.
 *
 * @module
 */

import { ADDRESS_BYTES } from "./packet.ts";

/**
 * The bytes of a path that is an address, as `192.0.2.1:5000` or `[2001:db8::1]:5000`; zeros for another.
 *
 * @example
 * ```ts
 * import { decodeAddress, encodeAddress } from "./address.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(decodeAddress(encodeAddress("192.0.2.1:5000")), "192.0.2.1:5000");
 * assertEquals(decodeAddress(encodeAddress("[2001:db8::1]:80")), "[2001:db8::1]:80");
 * assertEquals(decodeAddress(encodeAddress("relay")), undefined);
 * ```
 */
export function encodeAddress(path: string): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(path) ?? [];
  const groups = host === undefined ? undefined : groupsOf(host);
  if (groups === undefined || Number(port) > 0xffff) return bytes;
  for (const [at, group] of [...groups, Number(port)].entries()) {
    bytes[2 * at] = group >>> 8;
    bytes[2 * at + 1] = group;
  }
  return bytes;
}

/** The eight groups of an address. */
function groupsOf(host: string): number[] | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)?.slice(1).map(Number);
  if (four !== undefined) {
    if (four.some((byte) => byte > 255)) return undefined;
    return [0, 0, 0, 0, 0, 0xffff, four[0] << 8 | four[1], four[2] << 8 | four[3]];
  }
  const [, inner] = /^\[([0-9a-f:]+)\]$/i.exec(host) ?? [];
  const halves = inner?.split("::");
  if (halves === undefined || halves.length > 2) return undefined;
  const [left, right] = halves.map((half) => half === "" ? [] : half.split(":"));
  const missing = 8 - left.length - (right?.length ?? 0);
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<string>(missing).fill("0"), ...right ?? []];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.map((group) => parseInt(group, 16));
}

/** The path of some bytes; `undefined` where they are zeros. */
export function decodeAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length !== ADDRESS_BYTES || bytes.every((byte) => byte === 0)) return undefined;
  const groups = Array.from({ length: 9 }, (_, at) => bytes[2 * at] << 8 | bytes[2 * at + 1]);
  const port = groups.pop();
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `${bytes.subarray(12, 16).join(".")}:${port}`;
  }
  const text = groups.map((group) => group.toString(16)).join(":");
  // The longest row of zeros, of two at least, is left out (RFC 5952).
  const rows = text.match(/\b0(?::0)+\b/g) ?? [];
  const longest = rows.reduce((most, row) => row.length > most.length ? row : most, "");
  if (longest === "") return `[${text}]:${port}`;
  const [before, behind] = splitAt(text, longest);
  return `[${before.replace(/:$/, "")}::${behind.replace(/^:/, "")}]:${port}`;
}

function splitAt(text: string, part: string): [string, string] {
  const at = new RegExp(`(?:^|:)${part}(?:$|:)`).exec(text)!.index;
  const start = text.startsWith(part) && at === 0 ? 0 : text.indexOf(part, at);
  return [text.slice(0, start), text.slice(start + part.length)];
}
