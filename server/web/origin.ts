/**
 * Whose page opens a WebSocket, and from where: browsers say so in `Origin`, and proxies in
 * `X-Forwarded-For`. The first is always looked at, the second believed from a trusted proxy only.
 *
 * A page is the forum's own if its origin is the host of the request. But whoever owns a name can let it
 * point to this machine once their page is loaded (DNS rebinding), and then is both: so the host counts
 * only where a name cannot be made to mean this server by a stranger.
 *
 * @module
 */

import { isLoopback } from "../address.ts";
import type { WebRequest } from "./request.ts";

const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;
const USUAL_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** Which pages may talk to us. */
export interface Openness {
  /** Origins that the keeper has named. */
  readonly origins: readonly string[];
  /** Whether what the client calls this server is known to mean it, as by {@linkcode meansUs}. */
  readonly known: boolean;
}

/**
 * Whether a page of this origin may talk to us: one that came from here, or that the keeper has named. A
 * program that is no browser names no origin, and may.
 *
 * @example
 * ```ts
 * import { mayOpen } from "./origin.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const open = { origins: [], known: true };
 * assertEquals(mayOpen("https://forum.example", "forum.example", open), true);
 * assertEquals(mayOpen("https://evil.example", "forum.example", open), false);
 * assertEquals(mayOpen("https://forum.example", "forum.example", { ...open, known: false }), false);
 * assertEquals(mayOpen(undefined, "forum.example", open), true);
 * ```
 */
export function mayOpen(
  origin: string | undefined,
  host: string,
  { origins, known }: Openness,
): boolean {
  if (origin === undefined) return true;
  if (origins.includes(origin.toLowerCase())) return true;
  const parts = /^(https?):\/\/([^/?#@\s]+)$/i.exec(origin.toLowerCase());
  if (parts === null || !known) return false;
  // A proxy may add the usual port, or take it away; which is usual, the page's scheme says.
  const [, scheme, place] = parts;
  return withPort(place, scheme) === withPort(host, scheme);
}

function withPort(host: string, scheme: string): string {
  return /:\d+$/.test(host) ? host : `${host}:${USUAL_PORTS[scheme]}`;
}

/**
 * Whether a host, as a client writes it, means this machine whatever a stranger does: an address, a name of
 * the loopback, or the one that the listener was given.
 *
 * @example
 * ```ts
 * import { meansUs } from "./origin.ts";
 * import { assert } from "@std/assert";
 *
 * assert(meansUs("127.0.0.1:8080", "0.0.0.0") && meansUs("forum.lan", "forum.lan"));
 * assert(!meansUs("evil.example:8080", "127.0.0.1"));
 * ```
 */
export function meansUs(host: string, hostname: string): boolean {
  const name = nameOf(host);
  return name.startsWith("[") || IPV4.test(name) || isLocalName(name) ||
    name === hostname.toLowerCase();
}

/** Whether a host, as a client writes it, is the loopback. */
export function isLocalHost(host: string): boolean {
  const name = nameOf(host);
  return isLocalName(name) ||
    isLoopback(name.replace(/^\[|\]$/g, "")) && (IPV4.test(name) || name.startsWith("["));
}

/** Without the port. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, "");
}

/** RFC 6761: such names never mean another machine. */
function isLocalName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
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
  const told = headers.get("x-forwarded-for");
  if (told === undefined) {
    return { source: address, forwarded: false, exposed: !secure && !isLoopback(address) };
  }
  const encrypted = headers.get("x-forwarded-proto")?.toLowerCase() === "https";
  // Each proxy has added its peer at the end; what stands before the last stranger anybody can write.
  const client = told.split(",").map(addressOf)
    .findLast((item) => item === undefined || !trusted.includes(item));
  // Somebody is there, but nobody knows who: all of these together are one source, and none of this machine.
  if (client === undefined) return { source: "unknown", forwarded: true, exposed: !encrypted };
  return { source: client, forwarded: true, exposed: !encrypted && !isLoopback(client) };
}

/**
 * The address that an entry of `X-Forwarded-For` tells, in its one usual form: proxies add ports, brackets
 * and zones, and by these one client must not look like many. `undefined` if it tells none.
 */
function addressOf(entry: string): string | undefined {
  const [, bracketed, bare] = /^"?(?:\[([^\]]*)\](?::\d+)?|([^"[\]]*))"?$/.exec(entry.trim()) ?? [];
  const address = plain((bracketed ?? bare ?? "").split("%")[0]);
  const v4 = /^([\d.]+)(?::\d+)?$/.exec(address)?.[1];
  if (v4 !== undefined) {
    return IPV4.test(v4) && v4.split(".").every((part) => Number(part) <= 255) ? v4 : undefined;
  }
  // The runtime knows the many ways to write an address of IPv6.
  if (!/^[0-9a-f:.]+$/.test(address) || !URL.canParse(`http://[${address}]/`)) return undefined;
  return plain(new URL(`http://[${address}]/`).hostname.slice(1, -1));
}

/** An address as people write it: an IPv4 address that travels as IPv6 is itself. */
export function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "").toLowerCase();
}
