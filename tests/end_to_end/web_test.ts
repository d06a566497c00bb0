import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { setImmediate } from "node:timers";
import { type ByteStream, dialWebSocket } from "../../client/mod.ts";
import { saltPassword } from "../../client/password.ts";
import { encodeBase64 } from "../../protocol/base64.ts";
import { createVerifier } from "../../protocol/verifier.ts";
import { upgradeRequest, WebPeer } from "../websocket_peer.ts";
import { installDebian, passOver, runs } from "../debian.ts";
import { ADMIN_PASSWORD, serverArguments, type ServerProcess, spawn } from "./processes.ts";
import { isGranted, peerOn, type PeerSocket, type RawPeer } from "./raw_peer.ts";
import { type Ground, PASSWORD, scenario, sharedServer } from "./scenario.ts";

const WEB = ["--web-port", "0"];
const shared = sharedServer({ args: WEB });

async function connected(ground: Ground, url: string): Promise<WebPeer> {
  const peer = await WebPeer.connect(url);
  ground.ending(() => peer.close());
  return peer;
}

/** One request on a connection of its own, which keeps no descriptor. */
async function ask(url: string, request: string) {
  const peer = await WebPeer.connect(url);
  try {
    await peer.send(request);
    return await peer.response();
  } finally {
    peer.close();
  }
}

/** A peer that speaks DFP over a WebSocket that is opened with these headers. */
async function webPeer(
  ground: Ground,
  url: string,
  headers: Record<string, string> = {},
): Promise<RawPeer> {
  const socket = await connected(ground, url);
  await socket.upgrade(headers);
  const peer = peerOn(socket.stream());
  await peer.greet();
  return peer;
}

scenario(
  "pages come by GET and HEAD, with what keeps them safe, and again only if new",
  async (ground) => {
    const folder = ground.folder();
    Deno.mkdirSync(`${folder}/img`);
    Deno.writeTextFileSync(`${folder}/index.html`, "<!doctype html><p>the page");
    Deno.writeTextFileSync(`${folder}/app.js`, "console.log(1)");
    Deno.writeTextFileSync(`${folder}/img/a.svg`, "<svg/>");
    Deno.writeTextFileSync(`${folder}/.secret`, "not shown");
    const server = await ground.server({
      args: [...WEB, "--web-root", folder],
      readable: [folder],
    });
    const get = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(new URL(path, server.web), init);
      return { response, text: await response.text() };
    };
    const { response, text } = await get("/");
    assertEquals(text, "<!doctype html><p>the page");
    assertEquals(response.headers.get("content-type"), "text/html; charset=utf-8");
    const csp = response.headers.get("content-security-policy")!;
    const { host } = new URL(server.web);
    for (
      const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        `connect-src 'self' ws://${host} wss://${host}`,
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]
    ) assert(csp.split("; ").includes(rule), `${rule} in ${csp}`);
    for (
      const [name, value] of [
        ["x-content-type-options", "nosniff"],
        ["referrer-policy", "no-referrer"],
        ["cross-origin-opener-policy", "same-origin"],
      ]
    ) assertEquals(response.headers.get(name), value);
    assertMatch(response.headers.get("permissions-policy")!, /camera=\(\)/);
    const etag = response.headers.get("etag")!;
    assertEquals((await get("/", { headers: { "if-none-match": etag } })).response.status, 304);
    const head = await get("/", { method: "HEAD" });
    assertEquals([head.response.headers.get("content-length"), head.text], ["26", ""]);
    assertEquals((await get("/img/a.svg")).response.headers.get("content-type"), "image/svg+xml");
    assertEquals((await get("/app.js?v=2")).text, "console.log(1)");
    for (const path of ["/.secret", "/nothing", "/img/"]) {
      const { response } = await get(path);
      assertEquals(response.status, 404, path);
      assert(response.headers.has("content-security-policy"), "no page is without it");
    }
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const { response } = await get("/", { method, ...method === "POST" && { body: "x" } });
      assertEquals([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);
    }
    assertEquals([(await get("/healthz")).text, (await get("/readyz")).text], [
      "alive\n",
      "ready\n",
    ]);
  },
);

scenario(
  "without a page, a server says what it is; without --web-port it is no web server",
  async (ground) => {
    const server = await shared();
    assertMatch(await (await fetch(server.web)).text(), /A forum is here/);
    assertEquals((await ground.server()).web, "");
  },
);

scenario("requests follow each other on a connection, also sent together", async (ground) => {
  const server = await shared();
  const peer = await connected(ground, server.web);
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
  await peer.send(get("/healthz") + get("/readyz") + get("/nothing").slice(0, 20));
  assertEquals((await peer.response())?.body, "alive\n");
  assertEquals((await peer.response())?.body, "ready\n");
  await peer.send(get("/nothing").slice(20) + get("/healthz", "Connection: close\r\n") + get("/"));
  assertEquals((await peer.response())?.status, 404);
  assertEquals((await peer.response())?.status, 200);
  assertEquals(await peer.response(), undefined, "nothing is read behind a close");
});

scenario("what is no clear request is refused, and the connection ends", async (ground) => {
  const server = await shared();
  const lines = (...lines: string[]) => `${lines.join("\r\n")}\r\n\r\n`;
  const smuggled = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
  const cases: [string, number][] = [
    [lines("GET / HTTP/1.1"), 400],
    [lines("GET / HTTP/1.1", "Host: a", "Host: b"), 400],
    [lines("GET / HTTP/1.1", "Host : h"), 400],
    [lines("GET / HTTP/3.0", "Host: h"), 505],
    [lines("POST / HTTP/1.1", "Host: h", "Content-Length: 5", "Transfer-Encoding: chunked"), 400],
    [lines("POST / HTTP/1.1", "Host: h", "Content-Length: 5", "Content-Length: 6"), 400],
    [lines("POST / HTTP/1.1", "Host: h", `Content-Length: ${smuggled.length}`) + smuggled, 405],
    [lines("GET / HTTP/1.1", "Host: h", `Content-Length: ${smuggled.length}`) + smuggled, 413],
    [
      lines("GET / HTTP/1.1", "Host: h", "Transfer-Encoding: chunked") + "0\r\n\r\n" + smuggled,
      413,
    ],
    [lines("GET / HTTP/1.1", "Host: h", `X: ${"x".repeat(9000)}`), 431],
    ["\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n", 400],
  ];
  for (const [request, status] of cases) {
    const peer = await connected(ground, server.web);
    await peer.send(request);
    const answer = await peer.response();
    assertEquals(answer?.status, status, JSON.stringify(request.slice(0, 100)));
    assertEquals(await peer.response(), undefined, "nothing follows");
  }
});

scenario(
  "whoever takes long over a request loses the connection, and the others wait for nobody",
  async (ground) => {
    const server = await ground.server({ args: [...WEB, "--max-unsigned", "100"] });
    const slow = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        const peer = await connected(ground, server.web);
        await peer.send("GET / HTTP/1.1\r\nHost: h\r\nX: y".slice(0, at % 30));
        return peer;
      }),
    );
    // When there is no room the oldest has to go, before long; the rest goes by itself.
    for (;;) {
      const answer = await ask(server.web, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        .catch(() => undefined);
      if (answer?.status === 200) break;
      // What fails at once must not keep all else from happening.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const peer = await ground.signedPeer(server, "Live");
    for (const peer of slow) assertEquals(await peer.response().catch(() => undefined), undefined);
    await peer.peer.command(1, { op: "users" });
    assertEquals((await peer.peer.reply(1)).kind, "done");
  },
);

scenario("a server that shuts down says to whoever asks that it takes nobody", async (ground) => {
  const server = await ground.server({ args: WEB });
  const { peer } = await ground.signedPeer(server, "Stays");
  const kept = await connected(ground, server.web);
  await kept.send("GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n");
  assertEquals((await kept.response())?.status, 200);
  const exited = server.kill("SIGTERM");
  for (let message = await peer.next(); message?.kind !== "bye"; message = await peer.next()) {
    assert(message !== undefined, "BYE comes before the end");
  }
  // Until this peer has gone as well, or a second has passed, the server is there.
  await kept.send("GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n");
  assertEquals((await kept.response())?.status, 503);
  const ready = await ask(server.web, "GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n");
  assertEquals([ready?.status, ready?.body], [503, "shutting down\n"]);
  assertEquals((await ask(server.web, upgradeRequest()))?.status, 503);
  peer.close();
  assertEquals((await exited).code, 0);
  assertEquals(await kept.response().catch(() => undefined), undefined);
});

scenario("connections that the web listener's door shuts out are counted", async (ground) => {
  const server = await ground.server({ args: [...WEB, "--max-connections", "2"] });
  const [first, second] = [
    await connected(ground, server.web),
    await connected(ground, server.web),
  ];
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  for (const peer of [first, second]) {
    await peer.send(get("/healthz"));
    assertEquals((await peer.response())?.status, 200);
  }
  assertEquals(
    await (await connected(ground, server.web)).response().catch(() => undefined),
    undefined,
  );
  await first.send(get("/metrics"));
  const text = (await first.response())!.body;
  assertMatch(text, /^dfp_web_refused_total\{limit="too-many-connections"\} 1$/m);
});

scenario("the limits on connections hold for WebSockets as they do over TCP", async (ground) => {
  const server = await ground.server({ args: [...WEB, "--max-connections", "2"] });
  const first = await webPeer(ground, server.web);
  assert(isGranted(await first.register("First", PASSWORD)));
  await ground.signedPeer(server, "Second");
  const third = await connected(ground, server.web);
  await third.upgrade();
  const text = await peerOn(third.stream()).text();
  assert(text.includes('"code":1432'), text);
});

scenario(
  "without descriptors the server goes on, and serves again when some are free",
  async (ground) => {
    const process = ground.keep(spawn("sh", {
      args: ["-c", 'ulimit -n 200; exec "$0" "$@"', Deno.execPath(), "run", "--no-prompt"].concat(
        serverArguments({ data: `${ground.folder()}/data`, args: WEB }),
      ),
      env: { DFP_ADMIN_PASSWORD: ADMIN_PASSWORD },
    }));
    const listening = await process.output.until((line) => line.startsWith("listening http"));
    await process.output.until((line) => line === "ready");
    const web = listening.replace("listening ", "");
    const inside = await webPeer(ground, web);
    assert(isGranted(await inside.register("Inside", PASSWORD)));
    const crowd: WebPeer[] = [];
    for (let at = 0; at < 300; at++) crowd.push(await connected(ground, web));
    await inside.command(1, { op: "users" });
    assertEquals((await inside.reply(1)).kind, "done");
    for (const peer of crowd) peer.close();
    const late = await webPeer(ground, web);
    assert(isGranted(await late.register("Late", PASSWORD)));
  },
);

scenario("/metrics tells what goes on, to this machine only", async (ground) => {
  const server = await ground.server({ args: [...WEB, "--post-rate", "1/1"] });
  const peer = await webPeer(ground, server.web);
  assert(isGranted(await peer.register("Web", PASSWORD)));
  for (let id = 1; id <= 3; id++) {
    await peer.command(id, { op: "post", key: `${id}`, thread: 1, text: "x" });
    await peer.reply(id);
  }
  const tcp = await ground.signedPeer(server, "Tcp");
  await tcp.peer.command(1, { op: "users" });
  await tcp.peer.reply(1);
  const response = await fetch(new URL("/metrics", server.web));
  assertEquals(
    response.headers.get("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  const text = await response.text();
  const value = (name: string) => {
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    assert(line !== undefined, `${name} in\n${text}`);
    return Number(line.split(" ").at(-1));
  };
  assertEquals(value("dfp_connections"), 2);
  assertEquals(value("dfp_signed_in"), 2);
  assertEquals(value('dfp_commands_total{op="post",outcome="done"}'), 1);
  assertEquals(value('dfp_commands_total{op="post",outcome="rate"}'), 2);
  assertEquals(value('dfp_commands_total{op="users",outcome="done"}'), 1);
  assertEquals(value('dfp_limits_total{limit="rate"}'), 2);
  assertEquals(value('dfp_limits_total{limit="behind"}'), 0);
  assertEquals(value('dfp_opened_total{transport="ws"}'), 1);
  assertEquals(value("dfp_queued_bytes"), 0);
  assertGreater(value("dfp_commit_seconds_count"), 2);
  for (const transport of ["tcp", "ws"]) {
    assertGreater(value(`dfp_received_bytes_total{transport="${transport}"}`), 100);
    assertGreater(value(`dfp_sent_bytes_total{transport="${transport}"}`), 100);
  }
  // Behind a proxy everybody looks like this machine.
  const proxied = { headers: { "X-Forwarded-For": "192.0.2.1" } };
  assertEquals((await fetch(new URL("/metrics", server.web), proxied)).status, 404);
});

scenario("a trusted proxy says from where its clients come, and whether safely", async (ground) => {
  const trusting = await ground.server({ args: [...WEB, "--trusted-proxy", "127.0.0.1"] });
  const enter = async (server: ServerProcess, user: string, headers: Record<string, string>) => {
    const outcome = await (await webPeer(ground, server.web, headers)).register(user, PASSWORD);
    return isGranted(outcome) ? "granted" : outcome.name;
  };
  const client = { "X-Forwarded-For": "198.51.100.7, 203.0.113.9" };
  const safely = { ...client, "X-Forwarded-Proto": "https" };
  assertEquals(await enter(trusting, "Safe", safely), "granted");
  await trusting.output.until((line) => line.includes("Safe 203.0.113.9 register"));
  assertEquals(await enter(trusting, "Open", client), "insecure");
  assertEquals(
    await enter(trusting, "Open", { ...client, "X-Forwarded-Proto": "http" }),
    "insecure",
  );
  const wary = await shared();
  assertEquals(await enter(wary, "Wary", client), "granted");
  await wary.output.until((line) => line.includes("Wary 127.0.0.1 register"));
  const careless = await ground.server({
    args: [...WEB, "--trusted-proxy", "127.0.0.1", "--insecure"],
  });
  assertEquals(await enter(careless, "Open", client), "granted");
});

const NGINX = "/usr/sbin/nginx";
const noNginx = await installDebian(["nginx-light"], () => runs(NGINX, "-v"));
if (noNginx !== undefined) passOver(`NGINX IS NOT TESTED HERE, since it is not there: ${noNginx}`);

scenario(
  "behind nginx as docs/TLS.md sets it up, people talk, and the log knows from where",
  async (ground) => {
    const server = await ground.server({ args: [...WEB, "--trusted-proxy", "127.0.0.1"] });
    const folder = ground.folder();
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const guide = Deno.readTextFileSync(new URL("../../docs/TLS.md", import.meta.url));
    const locations = /```nginx\n[^]*?( {4}location[^]*?)\n}\n```/.exec(guide)![1]
      .replaceAll("http://127.0.0.1:8080", server.web.replace(/\/$/, ""));
    Deno.writeTextFileSync(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr notice;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  server {
    listen 127.0.0.1:${port};
    ${locations.replaceAll("$scheme", "https").replaceAll("$remote_addr", "203.0.113.9")}
  }
}
`,
    );
    const nginx = ground.keep(spawn(NGINX, { args: ["-c", `${folder}/nginx.conf`] }));
    await nginx.errors.until((line) => line.includes("start worker") || line.includes("using the"));
    const url = `http://127.0.0.1:${port}/`;
    for (;;) {
      const page = await fetch(url).catch(() => undefined);
      const text = await page?.text();
      if (text !== undefined) {
        assertMatch(text, /A forum is here/);
        break;
      }
    }
    const hidden = await fetch(new URL("/metrics", url));
    await hidden.body?.cancel();
    assert([403, 404].includes(hidden.status), `${hidden.status}`);
    const dial = dialWebSocket({ url: `ws://127.0.0.1:${port}/dfp` });
    const web = await ground.member(server, { user: "Proxied", register: true, dial });
    const { client } = await ground.member(server, { user: "Direct", register: true });
    await web.client.follow("thread/1");
    await client.command({ op: "post", thread: 1, text: "through the proxy" });
    await web.event((e) => e.kind === "message.posted" && e.text === "through the proxy");
    await server.output.until((line) => line.includes("Proxied 203.0.113.9 register"));
    // A page of its own origin, as a browser that sees the proxy only says it.
    const own = await connected(ground, url);
    await own.upgrade({ Host: `127.0.0.1:${port}`, Origin: `https://127.0.0.1:${port}` });
  },
  { missing: noNginx },
);

/** So many sign in at once. */
const CROWD = 500;
const SALT = new Uint8Array(16).fill(3);
const ITERATIONS = 4096;

/** A stream of the client library as a peer reads and writes it. */
function socketOf(stream: ByteStream): PeerSocket {
  return {
    read: (into) => stream.read(into),
    write: (bytes) => stream.write(bytes),
    closeWrite: () => Promise.resolve(stream.close()),
    close: () => stream.close(),
  };
}

scenario(`${CROWD} WebSockets at once sign in, and hear each other`, async (ground) => {
  const server = await ground.server({
    args: [...WEB, "--sign-in-rate", "0", "--post-rate", "0"],
  });
  // Hashing so many passwords would measure this process, not the server.
  const { storedKey, serverKey } = createVerifier(
    await saltPassword(PASSWORD, SALT, ITERATIONS),
    SALT,
    ITERATIONS,
  );
  const credential = {
    salt: encodeBase64(SALT),
    iterations: ITERATIONS,
    storedKey: encodeBase64(storedKey),
    serverKey: encodeBase64(serverKey),
  };
  const dial = dialWebSocket({ url: new URL("/dfp", server.web.replace("http", "ws")).href });
  const peers = await Promise.all(Array.from({ length: CROWD }, async (_, at) => {
    const stream = await dial();
    ground.ending(() => stream.close());
    const peer = peerOn(socketOf(stream), { readBytes: 4096 });
    await peer.greet();
    await peer.send({ kind: "register", id: 0, body: { user: `User${at}`, ...credential } });
    await peer.expect("granted");
    await peer.command(1, { op: "follow", scope: "thread/1" });
    assertEquals((await peer.reply(1)).kind, "done");
    return peer;
  }));
  const speakers = 20;
  await Promise.all(
    peers.slice(0, speakers).map((peer, at) =>
      peer.command(2, { op: "post", key: `${at}`, thread: 1, text: `said by ${at}` })
    ),
  );
  const all = Array.from({ length: speakers }, (_, at) => `said by ${at}`).sort();
  await Promise.all(peers.map(async (peer) => {
    const heard: string[] = [];
    let seq = 0;
    while (heard.length < speakers) {
      const message = await peer.next();
      if (message?.kind !== "event") continue;
      const event = message.body as { seq: number; text: string };
      assert(seq === 0 || event.seq === seq + 1, "in order, and none is missing");
      seq = event.seq;
      heard.push(event.text);
    }
    assertEquals(heard.sort(), all);
  }));
});
