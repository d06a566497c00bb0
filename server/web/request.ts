/**
 * The head of an HTTP/1.1 request, read strictly (RFC 9112). Pure: bytes in, a request or a fault out.
 *
 * No body is ever read: a connection ends behind a request that has one. So what a proxy and this server
 * might see differently (two lengths, a folded line, a bare line feed, a space before a colon) leads to
 * nothing, and is refused. (Deno's own servers do not do here: Deno.serve has no time
 * limit for heads, and a listener of node:http accepts nobody any more once descriptors have run out.)
 *
 * @module
 */

/** The longest head, in bytes, with its empty line. */
export const HEAD_MAX = 8 * 1024;

/** A request. */
export interface WebRequest {
  readonly method: string;
  /** The path, as it was sent, without what follows `?`. */
  readonly path: string;
  /**
   * What the client calls this server: a name or an address, perhaps with a port; in lower case. `""` where
   * it says nothing, as HTTP/1.0 may.
   */
  readonly host: string;
  /** Whether it is HTTP/1.1 at least: HTTP/1.0 has no upgrades. */
  readonly modern: boolean;
  /** Values by name, in lower case; those of one name stand behind each other with commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** Whether a body follows. None is ever read, so nothing may follow behind one. */
  readonly body: boolean;
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean;
}

/** Why a request is not taken: the status and a sentence. */
export interface RequestFault {
  readonly status: 400 | 505;
  readonly text: string;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)$/;
/** A whole URL, as proxies are asked for one: RFC 9112 §3.2.2 wants it taken here too. */
const ABSOLUTE = /^https?:\/\/([^/?#]+)([/?].*)?$/i;
/** Visible characters, spaces and tabs, and what is above ASCII, inside only. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]*)|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;
/** Names of which a request may hold one only: two would leave open which one counts. */
const SINGLE = new Set([
  "host",
  "content-length",
  "origin",
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
  "x-forwarded-proto",
]);

/**
 * How many of the first `length` bytes are the head; 0 while it is not whole. Look only after more has
 * come: it is searched from `from` on, where the last search ended.
 */
export function headLength(bytes: Uint8Array, length: number, from = 0): number {
  for (let at = Math.max(3, from); at < length; at++) {
    if (
      bytes[at] === LINE_FEED && bytes[at - 1] === CARRIAGE_RETURN &&
      bytes[at - 2] === LINE_FEED && bytes[at - 3] === CARRIAGE_RETURN
    ) return at + 1;
  }
  return 0;
}

/** Without the spaces and tabs around it. */
function trimmed(value: string): string {
  let [from, to] = [0, value.length];
  while (from < to && isBlank(value[from])) from++;
  while (to > from && isBlank(value[to - 1])) to--;
  return value.slice(from, to);
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t";
}

/** The text of a head; bytes are taken one by one, since UTF-8 is none of HTTP's business. */
function textOf(head: Uint8Array): string {
  let text = "";
  for (const byte of head) text += String.fromCharCode(byte);
  return text;
}

/**
 * Reads a whole head, its empty line included.
 *
 * @example
 * ```ts
 * import { readRequest } from "./request.ts";
 * import { assert } from "@std/assert";
 *
 * const head = new TextEncoder().encode("GET /healthz?now HTTP/1.1\r\nHost: forum.example\r\n\r\n");
 * const request = readRequest(head);
 * assert("path" in request && request.path === "/healthz");
 * ```
 */
export function readRequest(head: Uint8Array): WebRequest | RequestFault {
  // One empty line may stand before it (RFC 9112 §2.2).
  const [first, ...lines] = textOf(head).replace(/^\r\n/, "").split("\r\n").slice(0, -2);
  const line = REQUEST_LINE.exec(first ?? "");
  if (line === null) return bad("The request line cannot be understood.");
  const [, method, target, major, minor] = line;
  if (major !== "1") return { status: 505, text: "This server speaks HTTP/1.1." };
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1);
    if (colon < 1 || !TOKEN.test(name) || !VALUE.test(value)) {
      return bad("A header line cannot be understood.");
    }
    const before = headers.get(name);
    if (before !== undefined && SINGLE.has(name)) return bad(`The header ${name} stands twice.`);
    headers.set(name, before === undefined ? trimmed(value) : `${before}, ${trimmed(value)}`);
  }
  const modern = minor !== "0";
  const named = headers.get("host")?.toLowerCase();
  if (named === undefined ? modern : !HOST.test(named)) {
    return bad("The header host is missing or wrong.");
  }
  const absolute = ABSOLUTE.exec(target);
  // What the target says of the host counts, and not the header.
  const host = absolute?.[1].toLowerCase() ?? named ?? "";
  const path = absolute === null ? target : absolute[2] ?? "/";
  if (absolute !== null && !HOST.test(host) || !/^[/?]/.test(path)) {
    return bad("The target cannot be understood.");
  }
  const length = headers.get("content-length");
  const chunked = headers.has("transfer-encoding");
  if (length !== undefined && (chunked || !/^\d+$/.test(length))) {
    return bad("The header content-length is wrong.");
  }
  const body = chunked || Number(length ?? 0) > 0;
  const connection = tokensOf(headers.get("connection"));
  return {
    method,
    path: path.split("?", 1)[0] || "/",
    host,
    modern,
    headers,
    body,
    keepAlive: modern && !body && !connection.includes("close"),
  };
}

function bad(text: string): RequestFault {
  return { status: 400, text };
}

/** The items of a list in a header, in lower case. */
export function tokensOf(value: string | undefined): string[] {
  return (value ?? "").toLowerCase().split(",").map((item) => item.trim()).filter((item) => item);
}
