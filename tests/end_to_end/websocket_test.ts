/**
 * WebSockets against a real server. Numbers in brackets are those of the Autobahn test suite, whose cases
 * are played here with what DFP makes of them: there is no echo, so that a message has come whole shows in
 * the reply to the command in it; and text is refused, so its cases are played with binary messages.
 *
 * - 1 framing: 1.1 as text (1003), 1.2 as binary, all sizes and cuts
 * - 2 pings and pongs: all
 * - 3 reserved bits, 4 opcodes: all
 * - 5 fragmentation: all; those of text end with 1003
 * - 6 UTF-8: text is refused before it is looked at (1003); a closing reason that is none is 1007
 * - 7 closing: all
 * - 9 limits: up to 1 MiB a message, above that 1009; chopped, in fragments, and many small ones
 * - 10 fragmentation by the sender: 10.1.1
 * - 12, 13 compression: it is offered by clients and not taken
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { dialWebSocket, type ForumClient } from "../../client/mod.ts";
import { encodeMessage, PREFACE, VERSION } from "../../protocol/message.ts";
import { STATUS } from "../../protocol/status.ts";
import { MESSAGE_MAX } from "../../server/web/websocket_frame.ts";
import {
  BINARY,
  CLOSING,
  CONTINUE,
  maskedFrame,
  PING,
  PONG,
  TEXT,
  upgradeRequest,
  WebPeer,
} from "../websocket_peer.ts";
import { readAll } from "./asking.ts";
import type { ServerProcess } from "./processes.ts";
import { isGranted, joined, peerOn, type RawPeer } from "./raw_peer.ts";
import { type Ground, PASSWORD, scenario, sharedServer } from "./scenario.ts";

const WEB = ["--web-port", "0", "--post-rate", "0"];
const shared = sharedServer({ args: WEB });
/** Readers that stop, of whom each has its share of the memory that is measured. */
const STALLED = 60;
const NONE = new Uint8Array(0);
const encode = (text: string) => new TextEncoder().encode(text);

/** What a client says first. */
const OPENING = joined([
  encode(PREFACE),
  encodeMessage({ kind: "hello", id: 0, body: { version: VERSION, agent: "test", features: [] } }),
]);

async function connected(ground: Ground, server: ServerProcess): Promise<WebPeer> {
  const peer = await WebPeer.connect(server.web);
  ground.ending(() => peer.close());
  return peer;
}

async function socket(ground: Ground, server?: ServerProcess): Promise<WebPeer> {
  const peer = await connected(ground, server ?? await shared());
  await peer.upgrade();
  return peer;
}

/** The code with which the server answers these bytes. */
async function answer(ground: Ground, ...frames: Uint8Array[]): Promise<number> {
  const peer = await socket(ground);
  await peer.send(joined(frames));
  return await peer.closing();
}

function coded(code: number, reason: string | Uint8Array = ""): Uint8Array {
  const text = typeof reason === "string" ? encode(reason) : reason;
  return maskedFrame(CLOSING, joined([Uint8Array.of(code >> 8, code & 255), text]));
}

async function signed(ground: Ground, user: string, server?: ServerProcess): Promise<RawPeer> {
  const peer = peerOn((await socket(ground, server)).stream());
  await peer.greet();
  assert(isGranted(await peer.register(user, PASSWORD)));
  return peer;
}

/** Sends bytes byte by byte, as far as sockets can be made to. */
async function chop(peer: WebPeer, bytes: Uint8Array): Promise<void> {
  for (const byte of bytes) await peer.send(Uint8Array.of(byte));
}

scenario(
  "a stream comes through in messages of all sizes and cuts [1.2.1-8, 5.3-8, 9.2, 10.1.1]",
  async (ground) => {
    const peer = await socket(ground);
    // The same commands over and over, in messages that begin and end anywhere.
    const sizes = [0, 125, 126, 127, 128, 65_535, 65_536, 1, 7, MESSAGE_MAX];
    const pings: Uint8Array[] = [OPENING];
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const nonces: number[] = [];
    for (let bytes = OPENING.length; bytes < total; bytes += 8) {
      pings.push(encodeMessage({ kind: "ping", id: nonces.push(nonces.length), body: {} }));
    }
    const stream = joined(pings);
    let at = 0;
    const sending = (async () => {
      for (const size of sizes) {
        const part = stream.subarray(at, at + size);
        at += part.length;
        const half = part.length >> 1;
        await peer.send(
          maskedFrame(BINARY, part.subarray(0, half), { fin: false }),
          maskedFrame(PING, encode("between")),
          maskedFrame(CONTINUE, NONE, { fin: false }),
          maskedFrame(CONTINUE, part.subarray(half)),
        );
      }
      await peer.send(maskedFrame(BINARY, stream.subarray(at)));
      await peer.send(maskedFrame(PING, encode("the end")));
    })();
    let pongs = 0;
    let bytes = 0;
    for (;;) {
      const frame = await peer.frame();
      assert(frame !== undefined);
      if (frame.opcode === BINARY) bytes += frame.payload.length;
      if (frame.opcode !== PONG) continue;
      pongs++;
      if (new TextDecoder().decode(frame.payload) === "the end") break;
    }
    await sending;
    assertEquals(pongs, sizes.length + 1, "a ping within a message is answered [5.6-8, 5.19-20]");
    assertGreater(bytes, 0);
    // What was said is whole: the session is open, and answers.
    const login = { kind: "login", id: 0, body: { scram: "n,,n=Nobody,r=nonce" } } as const;
    await peer.send(maskedFrame(BINARY, encodeMessage(login)));
    for (let text = ""; !text.includes("i=600000");) {
      const frame = await peer.frame();
      assertEquals(frame?.opcode, BINARY);
      text = text.slice(-50) + new TextDecoder().decode(frame!.payload);
    }
  },
);

scenario("pings are answered in order, pongs are not [2.1-2.4, 2.6-2.11]", async (ground) => {
  const peer = await socket(ground);
  const long = new Uint8Array(125).fill(0xfe);
  const pinged = async (payload: Uint8Array) => {
    const frame = await peer.control();
    assertEquals([frame?.opcode, frame?.payload], [PONG, payload]);
  };
  for (const payload of [NONE, encode("Hello, world!"), Uint8Array.of(0, 255, 254, 253), long]) {
    await peer.send(maskedFrame(PING, payload));
    await pinged(payload);
  }
  await chop(peer, maskedFrame(PING, long));
  await pinged(long);
  await peer.send(maskedFrame(PONG, NONE), maskedFrame(PONG, encode("unsolicited")));
  const ten = Array.from({ length: 10 }, (_, at) => encode(`payload-${at}`));
  await peer.send(joined(ten.map((payload) => maskedFrame(PING, payload))));
  for (const payload of ten) await pinged(payload);
  await chop(peer, joined(ten.map((payload) => maskedFrame(PING, payload))));
  for (const payload of ten) await pinged(payload);
});

scenario("text is refused with 1003 [1.1, 5.3-8, 6, 9.1]", async (ground) => {
  assertEquals(await answer(ground, maskedFrame(TEXT, encode("DFP/2\r\n"))), 1003);
  assertEquals(await answer(ground, maskedFrame(TEXT, NONE, { fin: false })), 1003);
  const half = maskedFrame(TEXT, encode("DFP"), { fin: false });
  assertEquals(await answer(ground, half, maskedFrame(CONTINUE, encode("/2\r\n"))), 1003);
  assertEquals(await answer(ground, maskedFrame(TEXT, Uint8Array.of(0xff))), 1003, "no UTF-8");
});

scenario("reserved bits and opcodes end it with 1002 [3.1-3.7, 4.1, 4.2]", async (ground) => {
  for (const first of [0xc2, 0xa2, 0x92, 0xe2, 0xf2, 0xc9, 0x98]) {
    assertEquals(await answer(ground, maskedFrame(BINARY, encode("x"), { first })), 1002);
  }
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    assertEquals(await answer(ground, maskedFrame(opcode, encode("x"))), 1002, `${opcode}`);
  }
});

scenario(
  "control frames are short and whole, fragments stand in order [2.5, 5.1, 5.2, 5.9-5.18]",
  async (ground) => {
    assertEquals(await answer(ground, maskedFrame(PING, new Uint8Array(126))), 1002);
    assertEquals(await answer(ground, maskedFrame(PING, encode("a"), { fin: false })), 1002);
    assertEquals(await answer(ground, maskedFrame(PONG, encode("a"), { fin: false })), 1002);
    assertEquals(await answer(ground, maskedFrame(CONTINUE, encode("a"))), 1002);
    assertEquals(await answer(ground, maskedFrame(CONTINUE, encode("a"), { fin: false })), 1002);
    assertEquals(
      await answer(
        ground,
        maskedFrame(BINARY, encode("a"), { fin: false }),
        maskedFrame(BINARY, encode("b")),
      ),
      1002,
    );
    assertEquals(await answer(ground, Uint8Array.of(0x82, 1, 65)), 1002, "not masked");
  },
);

scenario(
  "a Close is answered, and nothing behind it is read [7.1.1-7.1.6, 7.3.1-7.3.6]",
  async (ground) => {
    const reason = "*".repeat(123);
    assertEquals(await answer(ground, maskedFrame(BINARY, OPENING), coded(1000)), 1000);
    assertEquals(await answer(ground, coded(1000), coded(1000)), 1000);
    assertEquals(await answer(ground, coded(1000), maskedFrame(PING, encode("late"))), 1000);
    assertEquals(await answer(ground, coded(1000), maskedFrame(TEXT, encode("late"))), 1000);
    const half = maskedFrame(BINARY, OPENING.subarray(0, 10), { fin: false });
    assertEquals(await answer(ground, half, coded(1000), maskedFrame(CONTINUE, NONE)), 1000);
    const large = maskedFrame(BINARY, joined([OPENING, new Uint8Array(200_000)]));
    assertEquals(await answer(ground, large, coded(1000)), 1000);
    assertEquals(await answer(ground, maskedFrame(CLOSING, NONE)), 1005);
    assertEquals(await answer(ground, maskedFrame(CLOSING, Uint8Array.of(3))), 1002);
    assertEquals(await answer(ground, coded(1000, "bye")), 1000);
    assertEquals(await answer(ground, coded(1000, reason)), 1000);
    assertEquals(await answer(ground, coded(1000, reason + "*")), 1002);
  },
);

scenario(
  "closing codes and reasons are judged [7.5.1, 7.7.1-7.7.13, 7.9.1-7.9.9, 7.13]",
  async (ground) => {
    assertEquals(await answer(ground, coded(1000, Uint8Array.of(0xce, 0xba, 0xed, 0xa0))), 1007);
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4999]) {
      assertEquals(await answer(ground, coded(code)), code);
    }
    for (const code of [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535]) {
      assertEquals(await answer(ground, coded(code)), 1002, `${code}`);
    }
  },
);

scenario(
  "many small messages, and large ones in small pieces and chops [9.4, 9.6, 9.8]",
  async (ground) => {
    const peer = await signed(ground, "Small");
    for (let id = 1; id <= 1000; id++) await peer.command(id, { op: "users" });
    for (let id = 1; id <= 1000; id++) assertEquals((await peer.reply(id)).kind, "done");
    const large = await socket(ground);
    const ping = encodeMessage({ kind: "ping", id: 1, body: {} });
    const stream = joined([OPENING, ...Array<Uint8Array>(2000).fill(ping)]);
    // 64 bytes a fragment, all fragments of one message, cut every 100 bytes on their way.
    const frames = joined(
      Array.from({ length: Math.ceil(stream.length / 64) }, (_, at) => {
        const part = stream.subarray(at * 64, at * 64 + 64);
        const fin = at * 64 + 64 >= stream.length;
        return maskedFrame(at === 0 ? BINARY : CONTINUE, part, { fin });
      }),
    );
    for (let at = 0; at < frames.length; at += 100) {
      await large.send(frames.subarray(at, at + 100));
    }
    await large.send(maskedFrame(PING, encode("the end")));
    let bytes = 0;
    for (let frame = await large.frame(); frame?.opcode !== PONG; frame = await large.frame()) {
      assertEquals(frame?.opcode, BINARY);
      bytes += frame!.payload.length;
    }
    assertGreater(bytes, 0, "what was in them is answered");
  },
);

scenario("compression is offered by clients and not taken [12, 13]", async (ground) => {
  const peer = await connected(ground, await shared());
  const offer = "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame";
  await peer.send(
    upgradeRequest({ "Sec-WebSocket-Extensions": offer, "Sec-WebSocket-Protocol": "x" }),
  );
  const { status, head } = (await peer.response())!;
  assertEquals([status, /sec-websocket-(extensions|protocol)/i.test(head)], [101, false]);
  await peer.send(maskedFrame(BINARY, OPENING, { first: 0xc2 }));
  assertEquals(await peer.closing(), 1002, "a compressed message");
});

scenario("a message above 1 MiB ends it with 1009, and costs nothing [9.2.4]", async (ground) => {
  const head = maskedFrame(BINARY, NONE);
  const declared = (length: number) => {
    const bytes = new Uint8Array(14);
    bytes.set([head[0], 0xff]);
    new DataView(bytes.buffer).setBigUint64(2, BigInt(length));
    return bytes;
  };
  assertEquals(await answer(ground, declared(MESSAGE_MAX + 1)), 1009);
  assertEquals(await answer(ground, declared(200 * 1024 * 1024)), 1009);
});

scenario("200 MB in fragments are refused, and never held", async (ground) => {
  const server = await ground.server({ args: WEB });
  await signed(ground, "Here", server);
  const before = server.usage().memory;
  const part = maskedFrame(CONTINUE, new Uint8Array(64 * 1024), { fin: false });
  const peers = await Promise.all(Array.from({ length: 20 }, () => socket(ground, server)));
  for (const peer of peers) {
    await peer.send(maskedFrame(BINARY, OPENING, { fin: false }));
    // Whoever is refused does not have to listen: it is enough that the server does not.
    const sending = (async () => {
      for (let sent = 0; sent < 10 * 1024 * 1024; sent += part.length) await peer.send(part);
    })().catch(() => {});
    await peer.control();
    peer.close();
    await sending;
  }
  // And those that stay below the limit, but never end their message.
  const open = await Promise.all(Array.from({ length: 200 }, () => socket(ground, server)));
  for (const peer of open) {
    await peer.send(maskedFrame(BINARY, OPENING, { fin: false }));
    for (let sent = 0; sent < 10; sent++) {
      await peer.send(maskedFrame(CONTINUE, new Uint8Array(100), { fin: false }));
    }
  }
  const each = (server.usage().memory - before) / open.length;
  assertLess(each, 256 * 1024);
});

/** Follows the lobby, and reads nothing from then on. */
async function stalled(ground: Ground, user: string, server: ServerProcess): Promise<void> {
  const peer = await signed(ground, user, server);
  await peer.command(1, { op: "follow", scope: "thread/1" });
  assertEquals((await peer.reply(1)).kind, "done");
}

/** Far more than the buffers of two sockets hold (about 4 MiB), so that writing to them stalls. */
async function fillBuffers(client: ForumClient): Promise<void> {
  const text = "x".repeat(60_000);
  for (let count = 0; count < 200; count++) await client.command({ op: "post", thread: 1, text });
}

scenario("a reader that stops is given up after three heartbeats, as over TCP", async (ground) => {
  const server = await ground.server({ args: [...WEB, "--heartbeat", "1"] });
  const { client, heard } = await ground.member(server, { user: "Writer", register: true });
  await client.command({ op: "watch", on: true });
  await stalled(ground, "Slow", server);
  await fillBuffers(client);
  await heard.until((what) =>
    what.type === "notice" && what.notice.kind === "presence" && !what.notice.on
  );
  const { users } = await client.command<"users">({ op: "users" });
  assertEquals(users.map(({ user }) => user), ["Writer"]);
});

scenario("readers that stop cost bounded memory, and nobody else waits", async (ground) => {
  const server = await ground.server({ args: [...WEB, "--heartbeat", "3600"] });
  const { client } = await ground.member(server, { user: "Writer", register: true });
  // The feed and all caches are full before memory is looked at.
  await stalled(ground, "First", server);
  await fillBuffers(client);
  const before = server.usage().memory;
  for (let at = 0; at < STALLED; at++) await stalled(ground, `Slow${at}`, server);
  await fillBuffers(client);
  const each = (server.usage().memory - before) / STALLED;
  const metrics = await (await fetch(new URL("/metrics", server.web))).text();
  const queued = Number(/^dfp_queued_bytes (\d+)$/m.exec(metrics)![1]) / STALLED;
  const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;
  console.log(`for each reader that stops ${kib(queued)} wait, ${kib(each)} are resident`);
  assertLess(queued, 256 * 1024);
  // Garbage that has not been collected yet is in it; 12 MB were posted for each.
  assertLess(each, 1024 * 1024);
});

scenario("pings without end, by a peer that reads nothing, cost nothing", async (ground) => {
  const server = await ground.server({ args: [...WEB, "--heartbeat", "1"] });
  const live = await signed(ground, "Live", server);
  const before = server.usage().memory;
  const peer = await socket(ground, server);
  const pings = joined(
    Array.from({ length: 1000 }, () => maskedFrame(PING, new Uint8Array(125).fill(1))),
  );
  const flood = (async () => {
    for (let sent = 0; sent < 400; sent++) await peer.send(pings);
  })();
  await flood.catch(() => {});
  await live.command(1, { op: "users" });
  assertEquals((await live.reply(1)).kind, "done");
  assertLess(server.usage().memory - before, 30 * 1024 * 1024, "50 MB were sent");
});

scenario("pages of other origins may not open one; the keeper can name some", async (ground) => {
  const server = await ground.server({
    args: [...WEB, "--web-origin", "https://friend.example", "--web-origin", "http://h:8080/x"],
  });
  const { host } = new URL(server.web);
  const status = async (headers: Record<string, string | undefined>) => {
    const peer = await connected(ground, server);
    await peer.send(upgradeRequest({ Host: host, ...headers }));
    const answer = await peer.response();
    peer.close();
    return answer?.status;
  };
  assertEquals(await status({}), 101, "no browser");
  assertEquals(await status({ Origin: `http://${host}` }), 101, "its own");
  assertEquals(await status({ Origin: "https://friend.example" }), 101);
  assertEquals(await status({ Origin: "http://h:8080" }), 101);
  for (
    const origin of [
      "https://evil.example",
      "https://friend.example.evil.example",
      "http://friend.example",
      "null",
      "",
      `http://${host}.evil.example`,
      `http://${host}@evil.example`,
      "file://",
    ]
  ) assertEquals(await status({ Origin: origin }), 403, origin);
  // Whoever owns a name can let it point here once their page is loaded: DNS rebinding.
  const { port } = new URL(server.web);
  const rebound = { Host: `evil.example:${port}`, Origin: `http://evil.example:${port}` };
  assertEquals(await status(rebound), 403);
  const local = { Host: `localhost:${port}`, Origin: `http://localhost:${port}` };
  assertEquals(await status(local), 101);
});

scenario("behind a WebSocket that was refused nothing is taken for a request", async (ground) => {
  const server = await shared();
  const peer = await connected(ground, server);
  const request = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
  await peer.send(upgradeRequest({ Origin: "https://evil.example" }) + request);
  assertEquals((await peer.response())?.status, 403);
  assertEquals(await peer.response(), undefined);
});

scenario("a handshake that is not one says what is wrong", async (ground) => {
  const server = await shared();
  const status = async (request: string) => {
    const peer = await connected(ground, server);
    await peer.send(request);
    const answer = await peer.response();
    peer.close();
    return answer?.status;
  };
  assertEquals(await status(upgradeRequest({ "Sec-WebSocket-Version": "8" })), 426);
  assertEquals(await status(upgradeRequest({ "Sec-WebSocket-Key": "short" })), 400);
  assertEquals(await status(upgradeRequest({ "Sec-WebSocket-Key": undefined })), 400);
  assertEquals(await status(upgradeRequest({}, "POST /dfp HTTP/1.1")), 405);
  assertEquals(await status(upgradeRequest({ "Content-Length": "5" })), 413);
  assertEquals(await status(upgradeRequest({}, "GET /elsewhere HTTP/1.1")), 404);
  assertEquals(await status("GET /dfp HTTP/1.1\r\nHost: h\r\n\r\n"), 426);
  assertEquals(await status(upgradeRequest({}, "GET /dfp HTTP/1.0")), 426);
  // The proof that WebSocket is spoken here is the one of RFC 6455 §1.3.
  const peer = await connected(ground, server);
  await peer.send(upgradeRequest());
  const head = (await peer.response())!.head;
  assert(head.includes("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), head);
});

scenario("what comes right behind the handshake is not lost", async (ground) => {
  const peer = await connected(ground, await shared());
  await peer.send(joined([encode(upgradeRequest()), maskedFrame(BINARY, OPENING)]));
  assertEquals((await peer.response())?.status, 101);
  let text = "";
  while (!text.includes("SCRAM-SHA-256")) {
    const frame = await peer.frame();
    assertEquals(frame?.opcode, BINARY);
    text += new TextDecoder().decode(frame!.payload);
  }
});

scenario(
  "clients by TCP and WebSocket hear each other, and come back after a break",
  async (ground) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const free = String(listener.addr.port);
    listener.close();
    const server = await ground.server({ args: ["--web-port", free] });
    const dial = dialWebSocket({ url: new URL("/dfp", server.web.replace("http", "ws")).href });
    const web = await ground.member(server, { user: "Web", register: true, dial });
    const tcp = await ground.member(server, { user: "Tcp", register: true });
    for (const { client } of [web, tcp]) await client.follow("thread/1");
    await web.client.command({ op: "post", thread: 1, text: "from the web" });
    await tcp.client.command({ op: "post", thread: 1, text: "x".repeat(65_000) });
    for (const { event } of [web, tcp]) {
      await event((e) => e.kind === "message.posted" && e.text === "from the web");
      await event((e) => e.kind === "message.posted" && e.text.length === 65_000);
    }
    await server.kill("SIGKILL");
    await web.heard.until(({ type }) => type === "offline");
    await server.start();
    await web.client.command({ op: "post", thread: 1, text: "back" });
    for (const { event } of [web, tcp]) {
      await event((e) => e.kind === "message.posted" && e.text === "back");
    }
    assertEquals((await readAll(tcp.client, 1)).length, 3);
  },
);

scenario("a goodbye is heard over WebSocket, and the end is a clean one", async (ground) => {
  const server = await ground.server({ args: WEB });
  const closed = Promise.withResolvers<CloseEvent>();
  const browser = new WebSocket(new URL("/dfp", server.web.replace("http", "ws")));
  browser.binaryType = "arraybuffer";
  let text = "";
  const opened = Promise.withResolvers<void>();
  browser.onmessage = ({ data }) => {
    text += new TextDecoder().decode(data);
    if (text.includes("SCRAM")) opened.resolve();
  };
  browser.onopen = () => browser.send(OPENING.slice());
  browser.onclose = (event) => closed.resolve(event);
  await opened.promise;
  server.process.signal("SIGTERM");
  const { code, wasClean } = await closed.promise;
  assertEquals([code, wasClean], [1000, true]);
  assert(text.includes(`"code":${STATUS["shutting-down"].code}`), text);
  assertEquals((await server.process.exited).code, 0);
});
