/**
 * What the web listener shows at which path (docs/PROTOCOL.md, "Transport").
 *
 * @module
 */

import { isLoopback } from "../address.ts";
import { METRICS_TYPE } from "../metrics.ts";
import type { Assets } from "./assets.ts";
import { isLocalHost, plain, type Provenance } from "./origin.ts";
import { tokensOf, type WebRequest } from "./request.ts";
import { sentence, type WebResponse } from "./response.ts";

/** Where WebSockets are opened. */
export const SOCKET_PATH = "/dfp";

/** What pages are made of. */
export interface PagesOptions {
  readonly assets: Assets;
  /** The metrics as text. */
  readonly metrics: () => string;
  /** Addresses that may see them, beside this machine itself. */
  readonly metricsFrom: readonly string[];
  /** Whether new clients are taken. */
  readonly ready: () => boolean;
}

/** Answers a request that opens no WebSocket. */
export type Pages = (request: WebRequest, from: Provenance) => WebResponse;

const encoder = new TextEncoder();
/** What a proxy adds, which tells that it is one. */
const FORWARDING = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
];
/** What may change at any time. */
const FRESH = { "Cache-Control": "no-store" } as const;

/** Makes the pages. */
export function createPages({ assets, metrics, metricsFrom, ready }: PagesOptions): Pages {
  const maySee = ({ host, headers }: WebRequest, { source, forwarded }: Provenance) => {
    // Through a proxy on this machine everybody would look like this machine.
    if (!forwarded && FORWARDING.some((name) => headers.has(name))) return false;
    return metricsFrom.includes(plain(source)) ||
      (!forwarded && isLoopback(source) && isLocalHost(host));
  };

  return (request, from) => {
    const { method, path, headers } = request;
    if (method !== "GET" && method !== "HEAD") {
      return sentence(405, "Only GET and HEAD are understood here.", { Allow: "GET, HEAD" });
    }
    if (request.body) return sentence(413, "A request with a body is not understood here.");
    switch (path) {
      case SOCKET_PATH:
        return sentence(426, "A WebSocket is opened here; this is how DFP/2 travels to browsers.", {
          Upgrade: "websocket",
          Connection: "Upgrade",
        });
      case "/healthz":
        return sentence(200, "alive", FRESH);
      case "/readyz":
        return ready() ? sentence(200, "ready", FRESH) : sentence(503, "shutting down", FRESH);
      case "/metrics":
        if (!maySee(request, from)) break;
        return {
          status: 200,
          type: METRICS_TYPE,
          body: encoder.encode(metrics()),
          headers: FRESH,
        };
    }
    const asset = assets.get(decoded(path));
    if (asset === undefined) return sentence(404, "There is no such page.", FRESH);
    const { bytes, type, gzip } = asset;
    const packed = gzip !== undefined && takesGzip(headers.get("accept-encoding"));
    const etag = packed ? asset.etag.replace(/"$/, '-gzip"') : asset.etag;
    const about = {
      ETag: etag,
      "Cache-Control": NAMED_BY_CONTENT.test(path)
        ? "public, max-age=31536000, immutable"
        : "no-cache",
      ...gzip !== undefined && { Vary: "Accept-Encoding" },
    };
    if (isKnown(headers.get("if-none-match"), etag)) return { status: 304, headers: about };
    const encoding = packed && { "Content-Encoding": "gzip" };
    return {
      status: 200,
      type,
      body: packed ? gzip : bytes,
      headers: { ...about, ...encoding },
    };
  };
}

/** Files of the web client with a hash in their names: what is behind such a name never changes. */
const NAMED_BY_CONTENT = /^\/assets\/[\w.-]+-[0-9a-zA-Z]{8,}\.\w+$/;

/** Whether a client takes gzip, as `Accept-Encoding` says (RFC 9110 §12.5.3). */
function takesGzip(given: string | undefined): boolean {
  return tokensOf(given).some((token) => /^gzip(?:\s*;\s*q=(?!0(?:\.0*)?$).*)?$/.test(token));
}

/** A path as it is meant: browsers write all that is not ASCII, and some that is, as `%` and its bytes. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Whether a client has this content already, as `If-None-Match` says (RFC 9110 §13.1.2). */
function isKnown(given: string | undefined, etag: string): boolean {
  return tokensOf(given).some((tag) => tag === "*" || tag.replace(/^w\//, "") === etag);
}
