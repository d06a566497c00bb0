/**
 * HTTP responses: their heads, with what keeps a page safe in every one of them.
 *
 * @module
 */

/** What is answered. */
export interface WebResponse {
  readonly status: number;
  /** The media type of the body; none where there is no body. */
  readonly type?: string;
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const REASONS: Readonly<Record<number, string>> = {
  101: "Switching Protocols",
  200: "OK",
  304: "Not Modified",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

const encoder = new TextEncoder();

/** A sentence as a response. */
export function sentence(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): WebResponse {
  return { status, type: "text/plain; charset=utf-8", body: encoder.encode(`${text}\n`), headers };
}

/** What a page may do: run, show and reach what came from this host, and nothing else. */
function policy(host: string): string {
  // Older browsers do not count the WebSocket of the same host to 'self'.
  const sockets = host === "" ? "" : ` ws://${host} wss://${host}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    `connect-src 'self'${sockets}`,
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** What no page of a forum needs. */
const PERMISSIONS =
  "accelerometer camera display-capture geolocation gyroscope magnetometer microphone midi payment usb"
    .split(" ").map((name) => `${name}=()`).join(", ");

/** Said with every response. */
const ALWAYS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Frame-Options": "DENY",
  "Permissions-Policy": PERMISSIONS,
} as const;

/** How a response goes out. */
export interface ResponseOptions {
  /** What the client calls this server; `""` where that is not known. It must have been checked. */
  readonly host: string;
  /** Whether the connection stays open. */
  readonly keepAlive: boolean;
  /** Whether only the head was asked for. */
  readonly headOnly: boolean;
  /** The date, in ms since 1970. */
  readonly at: number;
}

/** A body up to so many bytes goes out with its head: a second write costs more than a copy. */
const COPY_MAX = 4 * 1024;

/** The bytes of a response, to be written one after the other. The body is shared and must not be changed. */
export function encodeResponse(
  { status, type, body, headers = {} }: WebResponse,
  { host, keepAlive, headOnly, at }: ResponseOptions,
): Uint8Array[] {
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}`,
    `Date: ${new Date(at).toUTCString()}`,
  ];
  const add = (name: string, value: string) => lines.push(`${name}: ${value}`);
  if (type !== undefined) add("Content-Type", type);
  // A 304 says nothing of a length: it would be taken for that of the page.
  if (status !== 304) add("Content-Length", String(body?.length ?? 0));
  for (const [name, value] of Object.entries(headers)) add(name, value);
  add("Content-Security-Policy", policy(host));
  for (const [name, value] of Object.entries(ALWAYS)) add(name, value);
  add("Connection", keepAlive ? "keep-alive" : "close");
  const head = encoder.encode(`${lines.join("\r\n")}\r\n\r\n`);
  if (headOnly || body === undefined || status === 304) return [head];
  if (body.length > COPY_MAX) return [head, body];
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return [bytes];
}

/** The head that turns a connection into a WebSocket. */
export function encodeUpgrade(accept: string): Uint8Array {
  return encoder.encode(
    `HTTP/1.1 101 ${REASONS[101]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
}
