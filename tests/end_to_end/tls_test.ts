import { assert, assertEquals, assertLess, assertMatch, assertNotEquals } from "@std/assert";
import { connect as connectTls } from "node:tls";
import { dialTls, dialWebSocket } from "../../client/mod.ts";
import { connectForum } from "../../client/mod.ts";
import { type Authority, createAuthority, HAS_OPENSSL } from "./certificates.ts";
import { ADMIN_PASSWORD, serverArguments, type ServerProcess } from "./processes.ts";
import { isGranted, peerOn } from "./raw_peer.ts";
import { type Ground, PASSWORD, scenario as play } from "./scenario.ts";
import { WebPeer } from "../websocket_peer.ts";

function scenario(name: string, act: (ground: Ground) => Promise<void>): void {
  play(name, act, {
    missing: HAS_OPENSSL ? undefined : "openssl is not here (Debian's package openssl)",
  });
}

interface Secured {
  readonly server: ServerProcess;
  readonly authority: Authority;
  readonly files: { cert: string; key: string };
}

async function secured(ground: Ground, ...args: string[]): Promise<Secured> {
  const folder = ground.folder();
  const authority = createAuthority(folder);
  const files = authority.issue("server");
  const server = await ground.server({
    args: ["--tls-cert", files.cert, "--tls-key", files.key, "--web-port", "0", ...args],
    readable: [folder],
  });
  return { server, authority, files };
}

/** The serial number of the certificate that a listener shows now. */
function shown(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, ca, servername: "localhost" }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

const webPort = (server: ServerProcess) => Number(new URL(server.web).port);
const socketUrl = (server: ServerProcess) => new URL("/dfp", server.web.replace("http", "ws")).href;

scenario(
  "people talk by tls:// and wss://, and see only a certificate that is good",
  async (ground) => {
    const { server, authority } = await secured(ground);
    const lines = server.output.all.filter((line) => line.startsWith("listening"));
    assertMatch(lines[0], /^listening tls:\/\/127\.0\.0\.1:\d+$/);
    assertMatch(lines[1], /^listening https:\/\/127\.0\.0\.1:\d+\/$/);
    const { port } = server;
    const caCerts = [authority.pem];
    const tls = await ground.member(server, {
      user: "Tls",
      register: true,
      dial: dialTls({ hostname: "localhost", port, caCerts }),
    });
    const open = (url: string) =>
      new WebSocket(url, { client: Deno.createHttpClient({ caCerts }) });
    const wss = await ground.member(server, {
      user: "Wss",
      register: true,
      dial: dialWebSocket({ url: socketUrl(server), open }),
    });
    for (const { client } of [tls, wss]) await client.follow("thread/1");
    await wss.client.command({ op: "post", thread: 1, text: "from wss" });
    await tls.client.command({ op: "post", thread: 1, text: "x".repeat(65_000) });
    for (const { event } of [tls, wss]) {
      await event((e) => e.kind === "message.posted" && e.text === "from wss");
      await event((e) => e.kind === "message.posted" && e.text.length === 65_000);
    }
    // Without the authority, or for another name, nobody is signed in.
    const account = { user: "Tls", password: PASSWORD, reconnect: false };
    for (
      const dial of [
        dialTls({ hostname: "localhost", port }),
        dialTls({ hostname: "127.0.0.2", port, caCerts }),
        dialWebSocket({ url: socketUrl(server) }),
      ]
    ) {
      const error = await connectForum({ ...account, dial }).then(() => undefined, (e) => e);
      assert(error instanceof Error, "it has to be refused");
    }
    // Nor does plain text get anywhere.
    const plain = await Deno.connect({ hostname: "127.0.0.1", port });
    await plain.write(new TextEncoder().encode("DFP/2\r\n"));
    const bytes = new Uint8Array(100);
    const count = await plain.read(bytes).catch(() => null);
    plain.close();
    assert(!new TextDecoder().decode(bytes.subarray(0, count ?? 0)).includes("DFP"));
  },
);

scenario("the terminal client talks by tls:// and wss:// with --ca", async (ground) => {
  const { server, authority } = await secured(ground);
  const run = async (...args: string[]) => {
    const program = ground.program({
      args: ["-A", "client/main.ts", ...args],
      env: { DFP_PASSWORD: PASSWORD },
    });
    await program.endInput();
    const { code } = await program.exited;
    return { code, output: program.output.all, errors: program.errors.all };
  };
  const tls = `tls://localhost:${server.port}`;
  const said = await run(
    "--connect",
    tls,
    "--ca",
    authority.file,
    "--user",
    "Ann",
    "--register",
    "-c",
    "MSG lobby hello",
  );
  assertEquals([said.code, said.errors], [0, []]);
  const wss = server.web.replace("https", "wss").replace("127.0.0.1", "localhost");
  const read = await run(
    "--connect",
    wss,
    "--ca",
    authority.file,
    "--user",
    "Ann",
    "-c",
    "RDT lobby",
  );
  assertEquals([read.code, read.errors], [0, []]);
  assert(read.output.some((line) => line.includes("hello")), read.output.join("\n"));
  const unknown = await run("--connect", tls, "--user", "Ann", "-c", "LST");
  assertEquals(unknown.code, 3);
  assertMatch(unknown.errors.join("\n"), /certificate is not trusted.*--ca/);
  const noFile = await run("--connect", tls, "--ca", "/nowhere/ca.pem", "-c", "LST");
  assertEquals(noFile.code, 2);
});

scenario("SIGHUP renews the certificate for new connections; live talk goes on", async (ground) => {
  const { server, authority } = await secured(ground);
  const { port } = server;
  const caCerts = [authority.pem];
  const member = (user: string) =>
    ground.member(server, {
      user,
      register: true,
      reconnect: false,
      dial: dialTls({ hostname: "localhost", port, caCerts }),
    });
  const [ann, ben] = [await member("Ann"), await member("Ben")];
  await ben.client.follow("thread/1");
  const before = [await shown(port, authority.pem), await shown(webPort(server), authority.pem)];
  assertEquals(before[0], before[1]);
  authority.issue("server");
  const count = 200;
  const talking = (async () => {
    for (let at = 0; at < count; at++) {
      await ann.client.command({ op: "post", thread: 1, text: `post ${at}` });
    }
  })();
  // Others come while it is renewed: none of them finds the door shut.
  const dialling = (async () => {
    for (let at = 0; at < 50; at++) {
      const socket = await Deno.connectTls({ hostname: "localhost", port, caCerts });
      await socket.handshake();
      socket.close();
    }
  })();
  await ben.event((e) => e.kind === "message.posted" && e.text === "post 20");
  server.process.signal("SIGHUP");
  const told = await server.output.until((line) => line.includes(" - - certificate "));
  assertMatch(told, /names="DNS:localhost, IP Address:127\.0\.0\.1" until="/);
  const after = [await shown(port, authority.pem), await shown(webPort(server), authority.pem)];
  assertEquals(after[0], after[1]);
  assertNotEquals(after[0], before[0]);
  await Promise.all([talking, dialling]);
  await ben.event((e) => e.kind === "message.posted" && e.text === `post ${count - 1}`);
  assertEquals(ann.heard.all.filter(({ type }) => type === "offline"), []);
  assertEquals(ben.heard.all.filter(({ type }) => type === "offline"), []);
});

scenario("a new certificate that is bad is told, and the old one stays", async (ground) => {
  const { server, authority, files } = await secured(ground);
  const before = await shown(server.port, authority.pem);
  const bad: [() => void, RegExp][] = [
    [() => Deno.writeTextFileSync(files.cert, "rubbish"), /holds no certificate in PEM/],
    [() => Deno.copyFileSync(authority.file, files.cert), /is not the key of the certificate/],
    [() => Deno.removeSync(files.cert), /no such file/],
  ];
  let seen = 0;
  for (const [spoil, complaint] of bad) {
    spoil();
    server.process.signal("SIGHUP");
    const told = await server.output.until((line) => line.includes(" certificate "), seen);
    seen = server.output.all.indexOf(told, seen) + 1;
    assertMatch(told, complaint);
    assertMatch(told, /old one stays/);
    assertEquals(await shown(server.port, authority.pem), before);
  }
  authority.issue("server");
  server.process.signal("SIGHUP");
  await server.output.until((line) => line.includes("until="), seen);
  assertNotEquals(await shown(server.port, authority.pem), before);
});

scenario("certificates that cannot be used stop the start, and say what to do", async (ground) => {
  const folder = ground.folder();
  const authority = createAuthority(folder);
  const { cert, key } = authority.issue("server");
  const other = authority.issue("other");
  Deno.writeTextFileSync(`${folder}/text`, "not PEM");
  const outcome = async (args: string[], readable = [folder]) => {
    const process = ground.program({
      args: serverArguments({ data: `${ground.folder()}/data`, args, readable }),
      env: { DFP_ADMIN_PASSWORD: ADMIN_PASSWORD },
    });
    const { code } = await process.exited;
    assertEquals(process.errors.all.length, 1, process.errors.all.join("\n"));
    return `${code} ${process.errors.all[0]}`;
  };
  const pair = (cert: string, key: string) => ["--tls-cert", cert, "--tls-key", key];
  assertMatch(await outcome(["--tls-cert", cert]), /^2 .*--tls-cert needs --tls-key/);
  assertMatch(await outcome(["--tls-key", key]), /^2 .*--tls-key needs --tls-cert/);
  assertMatch(
    await outcome(pair(`${folder}/none`, key)),
    /^1 .*none cannot be read: there is no such file; look at --tls-cert/,
  );
  assertMatch(await outcome(pair(`${folder}/text`, key)), /^1 .*holds no certificate in PEM/);
  assertMatch(await outcome(pair(cert, `${folder}/text`)), /^1 .*holds no private key in PEM/);
  assertMatch(await outcome(pair(cert, other.key)), /^1 .*is not the key of the certificate/);
  assertMatch(await outcome(pair(cert, key), []), /^1 .*--allow-read=/);
});

scenario("two servers cannot share a TLS port", async (ground) => {
  const { server, files } = await secured(ground);
  const process = ground.program({
    args: serverArguments({
      data: `${ground.folder()}/data`,
      port: server.port,
      args: ["--tls-cert", files.cert, "--tls-key", files.key],
      readable: [files.cert, files.key],
    }),
    env: { DFP_ADMIN_PASSWORD: ADMIN_PASSWORD },
  });
  assertEquals((await process.exited).code, 1);
  assertMatch(process.errors.all.join("\n"), /address is in use/);
});

scenario("whoever agrees on no keys is let go, and keeps nobody waiting", async (ground) => {
  const { server, authority } = await secured(ground);
  const silent = await Promise.all(
    Array.from({ length: 50 }, () => Deno.connect({ hostname: "127.0.0.1", port: server.port })),
  );
  const half = await Deno.connect({ hostname: "127.0.0.1", port: webPort(server) });
  await half.write(Uint8Array.of(0x16, 0x03, 0x01));
  const caCerts = [authority.pem];
  const socket = await Deno.connectTls({ hostname: "localhost", port: server.port, caCerts });
  const peer = peerOn(socket);
  await peer.greet();
  assert(isGranted(await peer.register("Quick", PASSWORD)));
  const web = await WebPeer.connect(server.web.replace("127.0.0.1", "localhost"), caCerts);
  await web.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assertEquals((await web.response())?.status, 200);
  web.close();
  // Each of them finds its connection closed, however long that takes.
  for (const conn of [...silent, half]) {
    const bytes = new Uint8Array(100);
    while (await conn.read(bytes).catch(() => null) !== null);
    conn.close();
  }
  await peer.command(1, { op: "users" });
  assertEquals((await peer.reply(1)).kind, "done");
  peer.close();
});

/** Readers that stop, of whom each has its share of the memory that is measured. */
const STALLED = 40;

for (const transport of ["tls", "wss"] as const) {
  scenario(`readers that stop cost bounded memory over ${transport}://`, async (ground) => {
    const { server, authority } = await secured(ground, "--heartbeat", "3600", "--post-rate", "0");
    const caCerts = [authority.pem];
    const web = server.web.replace("127.0.0.1", "localhost");
    const { port } = server;
    const dial = dialTls({ hostname: "localhost", port, caCerts });
    const { client } = await ground.member(server, { user: "Writer", register: true, dial });
    const stalled = async (user: string) => {
      const socket = transport === "tls"
        ? await Deno.connectTls({ hostname: "localhost", port, caCerts })
        : await WebPeer.connect(web, caCerts).then(async (peer) => {
          await peer.upgrade();
          return peer.stream();
        });
      ground.ending(() => socket.close());
      const peer = peerOn(socket);
      await peer.greet();
      assert(isGranted(await peer.register(user, PASSWORD)));
      await peer.command(1, { op: "follow", scope: "thread/1" });
      assertEquals((await peer.reply(1)).kind, "done");
      // Replies that nobody reads are no better than events.
      for (let id = 2; id < 20; id++) await peer.command(id, { op: "read", thread: 1, limit: 500 });
    };
    const text = "x".repeat(60_000);
    const fill = async () => {
      for (let count = 0; count < 200; count++) {
        await client.command({ op: "post", thread: 1, text });
      }
    };
    await stalled("First");
    await fill();
    const before = server.usage().memory;
    for (let at = 0; at < STALLED; at++) await stalled(`Slow${at}`);
    await fill();
    const each = (server.usage().memory - before) / STALLED;
    const metrics = await WebPeer.connect(web, caCerts);
    await metrics.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const { body } = (await metrics.response())!;
    metrics.close();
    const queued = Number(/^dfp_queued_bytes (\d+)$/m.exec(body)![1]) / STALLED;
    const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;
    console.log(`for each reader that stops ${kib(queued)} wait, ${kib(each)} are resident`);
    assertLess(queued, 512 * 1024, "one reply can be as large as a frame");
    assertLess(each, 3 * 1024 * 1024, "12 MB were posted for each, and garbage counts too");
  });
}

/** An address of this machine that is not its loopback, if it has one. */
const OUTSIDE = Deno.networkInterfaces().find(({ address, family }) =>
  family === "IPv4" && !address.startsWith("127.")
)?.address;

play(
  "a server without TLS takes no password from elsewhere, unless it is told to",
  async (ground) => {
    const enter = async (user: string, ...args: string[]) => {
      const server = await ground.server({ args: ["--hostname", "0.0.0.0", ...args] });
      const outside = await ground.peer({ hostname: OUTSIDE!, port: server.port });
      await outside.greet();
      const outcome = await outside.register(user, PASSWORD);
      const { peer } = await ground.signedPeer(
        { hostname: "127.0.0.1", port: server.port },
        `${user}2`,
      );
      peer.close();
      return isGranted(outcome) ? "granted" : outcome.name;
    };
    assertEquals(await enter("Careful"), "insecure");
    assertEquals(await enter("Careless", "--insecure"), "granted");
  },
  { missing: OUTSIDE === undefined ? "this machine has no address but its loopback" : undefined },
);
