import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { assetsOf, readAssets } from "../server/web/assets.ts";
import { isLocalHost, mayOpen, meansUs, originOf, provenanceOf } from "../server/web/origin.ts";
import { createPages } from "../server/web/pages.ts";
import {
  HEAD_MAX,
  headLength,
  readRequest,
  type RequestFault,
  type WebRequest,
} from "../server/web/request.ts";
import { encodeResponse, sentence } from "../server/web/response.ts";
import { asksUpgrade } from "../server/web/upgrade.ts";
import { runs } from "./runs.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function read(...lines: string[]): WebRequest | RequestFault {
  return readRequest(bytes(`${lines.join("\r\n")}\r\n\r\n`));
}

function taken(...lines: string[]): WebRequest {
  const request = read(...lines);
  assert("path" in request, JSON.stringify(request));
  return request;
}

function refused(...lines: string[]): number {
  const request = read(...lines);
  assert("status" in request, `${JSON.stringify(lines)} should be refused`);
  return request.status;
}

const GET = "GET / HTTP/1.1";
const HOST = "Host: forum.example:8080";

Deno.test("a request is read, and whether another may follow", () => {
  const { method, path, host, headers, body, keepAlive } = taken(
    "GET /a/b.js?v=1 HTTP/1.1",
    "HOST:Forum.Example:8080",
    "Accept: text/html",
    "accept:\t*/* ",
  );
  assertEquals({ method, path, host, body, keepAlive }, {
    method: "GET",
    path: "/a/b.js",
    host: "forum.example:8080",
    body: false,
    keepAlive: true,
  });
  assertEquals(headers.get("accept"), "text/html, */*");
  assertEquals(taken(GET, HOST, "Connection: Close").keepAlive, false);
  assertEquals(taken("GET / HTTP/1.0", HOST).keepAlive, false);
  assertEquals(taken("HEAD / HTTP/1.1", "Host: [::1]:80").host, "[::1]:80");
  assertEquals(taken(GET, HOST, "Content-Length: 0").body, false);
});

Deno.test("a request may name a whole URL, stand behind an empty line, and be an old one without a host", () => {
  const { path, host } = taken("GET http://Other.example:81/a?b HTTP/1.1", HOST);
  assertEquals([path, host], ["/a", "other.example:81"]);
  assertEquals(taken("GET HTTPS://other.example HTTP/1.1", HOST).path, "/");
  assertEquals(taken("GET http://other.example?q=/x HTTP/1.1", HOST).path, "/");
  assertEquals(taken("", GET, HOST).path, "/");
  const old = taken("GET /x HTTP/1.0");
  assertEquals([old.path, old.host, old.modern, old.keepAlive], ["/x", "", false, false]);
  assertEquals(taken("GET / HTTP/1.0", HOST).host, "forum.example:8080");
  const { headers } = taken(GET, HOST, 'If-None-Match: "a"', 'If-None-Match: W/"b"');
  assertEquals(headers.get("if-none-match"), '"a", W/"b"');
});

Deno.test("a header full of blanks takes no time", () => {
  const begun = performance.now();
  for (let times = 0; times < 20; times++) {
    const { headers } = taken(GET, HOST, `X: a${" \t".repeat(4000)}b`, `Y: ${" ".repeat(100)}c\t`);
    assertEquals([headers.get("x")!.length, headers.get("y")], [8002, "c"]);
  }
  assert(performance.now() - begun < 500, "it takes too long");
});

Deno.test("a body is known as one, and nothing may follow it", () => {
  for (const header of ["Content-Length: 5", "Transfer-Encoding: chunked"]) {
    const { body, keepAlive } = taken("POST / HTTP/1.1", HOST, header);
    assertEquals([body, keepAlive], [true, false]);
  }
});

Deno.test("what two readers could take for two things is refused", () => {
  const cases: string[][] = [
    ["GET  / HTTP/1.1", HOST],
    ["GET /\tHTTP/1.1", HOST],
    ["GET / HTTP/1.1 ", HOST],
    ["GET / http/1.1", HOST],
    ["GET http://h/"],
    ["GET http:///x HTTP/1.1", HOST],
    ["GET http://a@h/ HTTP/1.1", HOST],
    ["GET http://a'b/ HTTP/1.1", HOST],
    ["GET ftp://h/ HTTP/1.1", HOST],
    ["GET http://h#x HTTP/1.1", HOST],
    ["GET h:80 HTTP/1.1", HOST],
    ["GET ?x HTTP/1.1"],
    ["", "", GET, HOST],
    ["GET / HTTP/1.0", "Host:"],
    ["GET * HTTP/1.1", HOST],
    ["G T / HTTP/1.1", HOST],
    ["GET /\u00e9 HTTP/1.1", HOST],
    [GET],
    [GET, HOST, HOST],
    [GET, "Host: a b"],
    [GET, "Host: a/b"],
    [GET, "Host: a'; script-src *"],
    [GET, "Host: a@b"],
    [GET, "Host:"],
    [GET, HOST, "X : 1"],
    [GET, HOST, " folded"],
    [GET, HOST, "X: a\r b"],
    [GET, HOST, "X: a\n Y: b"],
    [GET, HOST, "X: a\nTransfer-Encoding: chunked"],
    [GET, HOST, "X: \u0000"],
    [GET, HOST, "no colon"],
    [GET, HOST, ": empty"],
    [GET, HOST, "Content-Length: 5", "Content-Length: 5"],
    [GET, HOST, "Content-Length: 5", "Transfer-Encoding: chunked"],
    [GET, HOST, "Content-Length: +5"],
    [GET, HOST, "Content-Length: 5, 5"],
    [GET, HOST, "Content-Length:"],
    [GET, HOST, "Origin: a", "Origin: b"],
  ];
  for (const lines of cases) assertEquals(refused(...lines), 400);
  assertEquals(refused("GET / HTTP/2.0", HOST), 505);
});

Deno.test("a head ends at its empty line, wherever the search began", () => {
  const text = bytes("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET");
  const end = text.length - 3;
  for (let length = 0; length <= text.length; length++) {
    assertEquals(headLength(text, length), length >= end ? end : 0);
    for (let from = 0; from < length && from < end; from++) {
      assertEquals(headLength(text, length, from), length >= end ? end : 0);
    }
  }
  assertEquals(headLength(new Uint8Array(HEAD_MAX).fill(10), HEAD_MAX), 0);
});

Deno.test("any bytes are a request or a fault, and never a throw", () => {
  const nearly = fc.array(
    fc.constantFrom("GET", " ", "/", "HTTP/1.1", "\r\n", "Host", ":", "h", "\t", "\u0000", "é"),
    { maxLength: 30 },
  ).map((parts) => bytes(`${parts.join("")}\r\n\r\n`));
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 300 })), (head) => {
      const request = readRequest(head);
      if ("status" in request) return;
      assert(/^\/[\x21-\x7e]*$/.test(request.path));
      assert(!/[^a-z0-9.:\[\]_-]/.test(request.host));
    }),
    { numRuns: runs() },
  );
});

Deno.test("an origin is the page's own, or a named one", () => {
  const may = (origin: string | undefined, host = "forum.example", known = true) =>
    mayOpen(origin, host, { origins: ["https://friend.example"], known });
  assert(may(undefined));
  assert(may("https://forum.example"));
  assert(may("http://FORUM.example"));
  assert(may("https://forum.example", "forum.example:443"));
  assert(may("https://forum.example:443", "forum.example"));
  assert(may("http://forum.example", "forum.example:80"));
  assert(!may("http://forum.example", "forum.example:443"), "443 is not usual there");
  assert(!may("https://forum.example:80", "forum.example"));
  assert(!may("https://forum.example", "forum.example:80"));
  assert(may("http://127.0.0.1:8080", "127.0.0.1:8080"));
  assert(may("https://friend.example"));
  for (
    const origin of [
      "null",
      "",
      "forum.example",
      "ftp://forum.example",
      "https://forum.example.evil.example",
      "https://evil.example/forum.example",
      "https://evil@forum.example",
      "https://forum.example:8443",
      "https://friend.example:1",
      "https://forum.example evil",
    ]
  ) assert(!may(origin), origin);
  assertEquals(originOf("https://Friend.example:443/x?y"), "https://friend.example");
  assertEquals([originOf("friend.example"), originOf("file:///x")], [undefined, undefined]);
});

Deno.test("a name that a stranger can let point here does not make their page ours", () => {
  const may = (origin: string, host: string) =>
    mayOpen(origin, host, {
      origins: ["https://forum.example"],
      known: meansUs(host, "forum.lan"),
    });
  for (
    const host of [
      "127.0.0.1:8080",
      "[::1]:8080",
      "localhost:8080",
      "a.localhost",
      "192.168.1.10",
      "forum.lan:1",
    ]
  ) assert(may(`http://${host}`, host), host);
  for (
    const host of [
      "evil.example:8080",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "evil",
      "",
    ]
  ) {
    assert(!may(`http://${host}`, host), host);
  }
  assert(may("https://forum.example", "forum.example"), "the keeper has named it");
  assert(isLocalHost("127.0.0.1:1") && isLocalHost("[::1]") && isLocalHost("localhost:80"));
  for (const host of ["192.0.2.1", "127.evil.example", "127.0.0.1.evil.example", "evil", ""]) {
    assert(!isLocalHost(host), host);
  }
});

Deno.test("one client is one source, however its proxy writes its address", () => {
  const of = (entry: string) =>
    provenanceOf(taken(GET, HOST, `X-Forwarded-For: ${entry}`), {
      address: "10.0.0.1",
      secure: false,
    }, [
      "10.0.0.1",
    ]);
  for (
    const entry of ["203.0.113.9", "203.0.113.9:4711", '"203.0.113.9:1"', "::ffff:203.0.113.9"]
  ) {
    assertEquals(of(entry), { source: "203.0.113.9", forwarded: true, exposed: true }, entry);
  }
  for (
    const entry of [
      "2001:db8::1",
      "[2001:DB8::1]",
      "[2001:db8::1]:4711",
      '"[2001:db8:0:0::1]:2"',
      "2001:db8::1%eth0",
      "[2001:db8::1%25eth1]:3",
      "2001:0db8:0:0:0:0:0:1",
    ]
  ) assertEquals(of(entry).source, "2001:db8::1", entry);
  // What tells no address is nobody's own, and somebody else's than the proxy's.
  for (
    const entry of ["unknown", "_hidden", "999.0.0.1", "1.2.3", "evil\tname", "", "[::1", "::1::"]
  ) {
    assertEquals(of(entry), { source: "unknown", forwarded: true, exposed: true }, entry);
  }
  assertEquals(
    of("203.0.113.9, unknown").source,
    "unknown",
    "what stands before anybody can write",
  );
  assertEquals(of("127.0.0.1:5").exposed, false);
});

Deno.test("only a trusted proxy is believed, and only what it has seen itself", () => {
  const from = (address: string, forwarded: string | undefined, more: string[] = []) => {
    const lines = forwarded === undefined ? [] : [`X-Forwarded-For: ${forwarded}`];
    const request = taken(GET, HOST, ...lines, ...more);
    return provenanceOf(request, { address, secure: false }, ["10.0.0.1", "::1"]);
  };
  const own = { source: "192.0.2.7", forwarded: false, exposed: true };
  assertEquals(from("192.0.2.7", "127.0.0.1", ["X-Forwarded-Proto: https"]), own);
  const client = { source: "203.0.113.9", forwarded: true, exposed: true };
  assertEquals(from("10.0.0.1", "203.0.113.9"), client);
  assertEquals(from("10.0.0.1", "127.0.0.1, 203.0.113.9, 10.0.0.1"), client);
  assertEquals(from("::1", "203.0.113.9", ["X-Forwarded-Proto: https"]), {
    ...client,
    exposed: false,
  });
  assertEquals(from("::ffff:10.0.0.1", "203.0.113.9"), client);
  const unsaid = { source: "10.0.0.1", forwarded: false, exposed: true };
  assertEquals(from("10.0.0.1", undefined), unsaid);
  assertEquals(from("10.0.0.1", "evil\tname, <script>"), {
    source: "unknown",
    forwarded: true,
    exposed: true,
  });
  const secure = provenanceOf(taken(GET, HOST), { address: "192.0.2.7", secure: true }, []);
  assertEquals(secure.exposed, false);
  assertEquals(from("127.0.0.1", undefined).exposed, false);
});

Deno.test("pages: what is where, for whom, and in which state", async () => {
  const assets = await assetsOf({ "/": "<p>hello", "/app.js": "run()", "/my café/a+b.js": "" });
  let ready = true;
  const pages = createPages({
    assets,
    metrics: () => "a 1\n",
    metricsFrom: ["192.0.2.5"],
    ready: () => ready,
  });
  const local = { source: "127.0.0.1", forwarded: false, exposed: false };
  const get = (path: string, from = local, ...more: string[]) =>
    pages(taken(`GET ${path} HTTP/1.1`, "Host: localhost:8080", ...more), from);
  assertEquals(get("/").type, "text/html; charset=utf-8");
  assertEquals(get("/app.js").type, "text/javascript; charset=utf-8");
  const etag = get("/app.js").headers!.ETag;
  assertEquals(get("/app.js", local, `If-None-Match: "x", W/${etag}`).status, 304);
  assertEquals(get("/app.js", local, 'If-None-Match: "x"').status, 200);
  assertEquals(get("/app.js", local, "If-None-Match: *").status, 304);
  for (const path of ["/my%20caf%C3%A9/a+b.js", "/my%20caf%c3%a9/a%2Bb.js", "/%61pp.js"]) {
    assertEquals(get(path).status, 200, path);
  }
  assertEquals(get("/app.js", local, 'If-None-Match: "x"', `If-None-Match: ${etag}`).status, 304);
  for (
    const path of ["/nothing", "/%", "/%ff", "/../app.js", "/%2e%2e/app.js", "//app.js", "/app.js/"]
  ) {
    assertEquals(get(path).status, 404, path);
  }
  assertEquals(get("/healthz").status, 200);
  assertEquals(get("/readyz").status, 200);
  ready = false;
  assertEquals([get("/readyz").status, get("/healthz").status], [503, 200]);
  assertEquals(get("/metrics").status, 200);
  const away = { source: "192.0.2.4", forwarded: false, exposed: true };
  assertEquals(get("/metrics", away).status, 404);
  assertEquals(get("/metrics", { ...away, source: "192.0.2.5" }).status, 200);
  assertEquals(get("/metrics", local, "X-Forwarded-For: 192.0.2.4").status, 404, "by a proxy");
  const forwarded = { source: "127.0.0.1", forwarded: true, exposed: true };
  assertEquals(get("/metrics", forwarded).status, 404, "a client can write what it likes");
  for (
    const header of ["Forwarded: for=1", "Via: 1.1 p", "X-Real-IP: 1", "X-Forwarded-Proto: https"]
  ) {
    assertEquals(get("/metrics", local, header).status, 404, header);
  }
  const rebound = pages(taken("GET /metrics HTTP/1.1", "Host: evil.example:8080"), local);
  assertEquals(rebound.status, 404, "a page elsewhere may have led here");
  assertEquals(pages(taken("GET /metrics HTTP/1.0"), local).status, 404);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT"]) {
    assertEquals(pages(taken(`${method} / HTTP/1.1`, HOST), local).status, 405, method);
  }
  assertEquals(pages(taken(GET, HOST, "Content-Length: 3"), local).status, 413);
});

Deno.test("each response keeps its page safe, and HEAD has no body", () => {
  const text = (headOnly: boolean) =>
    new TextDecoder().decode(
      encodeResponse(sentence(404, "no"), { host: "h:1", keepAlive: true, headOnly, at: 0 })[0],
    );
  const whole = text(false);
  for (
    const header of [
      "Content-Security-Policy: default-src 'none'; script-src 'self';",
      "connect-src 'self' ws://h:1 wss://h:1;",
      "frame-ancestors 'none'",
      "X-Content-Type-Options: nosniff",
      "Referrer-Policy: no-referrer",
      "Cross-Origin-Opener-Policy: same-origin",
      "Permissions-Policy: ",
      "Date: Thu, 01 Jan 1970 00:00:00 GMT",
      "Content-Length: 3",
    ]
  ) assert(whole.includes(header), header);
  assert(whole.endsWith("\r\n\r\nno\n"));
  assertEquals(text(true), whole.slice(0, -3));
});

Deno.test("a large body goes out as it is, without a copy for each who asks", () => {
  const body = new Uint8Array(100_000);
  const options = { host: "h", keepAlive: true, headOnly: false, at: 0 };
  const [head, sent, ...more] = encodeResponse({ status: 200, type: "image/png", body }, options);
  assert(sent === body && more.length === 0);
  assert(new TextDecoder().decode(head).endsWith("\r\n\r\n"));
  assertEquals(encodeResponse({ status: 200, body }, { ...options, headOnly: true }).length, 1);
  assertEquals(encodeResponse({ status: 304, body }, options).length, 1);
});

Deno.test("a WebSocket is asked for in HTTP/1.1", () => {
  const asks = (version: string) =>
    asksUpgrade(
      taken(`GET /dfp HTTP/${version}`, HOST, "Upgrade: websocket", "Connection: upgrade"),
    );
  assertEquals([asks("1.0"), asks("1.1")], [false, true]);
});

Deno.test("files of a folder are found by their names, whatever is in them", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${folder}/my café`);
    Deno.writeTextFileSync(`${folder}/my café/100%.txt`, "x");
    const assets = await readAssets(folder);
    const none = { metrics: () => "", metricsFrom: [], ready: () => true };
    const pages = createPages({ assets, ...none });
    const from = { source: "127.0.0.1", forwarded: false, exposed: false };
    const request = taken("GET /my%20caf%C3%A9/100%25.txt HTTP/1.1", HOST);
    assertEquals(pages(request, from).status, 200);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
