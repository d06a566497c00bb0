/**
 * Whose page opens a WebSocket, and from where: browsers say so in `Origin`, and proxies in
 * `X-Forwarded-For`. The first is always looked at, the second believed from a trusted proxy only.
 *
 * @module
 */

import { isLoopback } from "../address.ts";
import type { WebRequest } from "./request.ts";

const ADDRESS = /^[0-9a-f:.]{2,45}$/i;
const DEFAULT_PORT = /:(?:80|443)$/;

/**
 * Whether a page of this origin may talk to us: one that came from here, or that the keeper has named. A
 * program that is no browser names no origin, and may.
 *
 * @example
 * ```ts
 * import { mayOpen } from "./origin.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(mayOpen("https://forum.example", "forum.example", []), true);
 * assertEquals(mayOpen("https://evil.example", "forum.example", []), false);
 * assertEquals(mayOpen(undefined, "forum.example", []), true);
 * ```
 */
export function mayOpen(
  origin: string | undefined,
  host: string,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true;
  if (allowed.includes(origin.toLowerCase())) return true;
  const parts = /^https?:\/\/([^/?#@\s]+)$/i.exec(origin);
  if (parts === null) return false;
  // A proxy may add the usual port, or take it away.
  return parts[1].toLowerCase().replace(DEFAULT_PORT, "") === host.replace(DEFAULT_PORT, "");
}

/** The origin of a URL as browsers write it, or `undefined` if it has none. */
export function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, protocol } = new URL(url);
  return protocol === "http:" || protocol === "https:" ? origin : undefined;
}

/** Where a request comes from. */
export interface Provenance {
  /** The address of the client. */
  readonly source: string;
  /** Whether a proxy has told it. */
  readonly forwarded: boolean;
  /** Whether somebody on the way could read along. */
  readonly exposed: boolean;
}

/** What is known of a connection. */
export interface Peer {
  /** The address at its other end. */
  readonly address: string;
  /** Whether it is TLS. */
  readonly secure: boolean;
}

/** Works out where a request comes from. Of what proxies say, only what a trusted one says counts. */
export function provenanceOf(
  { headers }: WebRequest,
  { address, secure }: Peer,
  trusted: readonly string[],
): Provenance {
  if (!trusted.includes(plain(address))) {
    return { source: address, forwarded: false, exposed: !secure && !isLoopback(address) };
  }
  // Each proxy has added its peer at the end; what stands before the last stranger anybody can write.
  const told = (headers.get("x-forwarded-for") ?? "").split(",").map((item) => plain(item.trim()));
  const client = told.findLast((item) => !trusted.includes(item)) ?? "";
  if (!ADDRESS.test(client)) {
    return { source: address, forwarded: false, exposed: !secure && !isLoopback(address) };
  }
  const encrypted = headers.get("x-forwarded-proto")?.toLowerCase() === "https";
  return { source: client, forwarded: true, exposed: !encrypted && !isLoopback(client) };
}

/** An address as people write it: an IPv4 address that travels as IPv6 is itself. */
export function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "").toLowerCase();
}
