/**
 * Hostile peers of a server's UDP port, with real processes: a middleman, floods, garbage, and too many of one kind.
 *
 * @module
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { dialUdp } from "../../client/mod.ts";
import { decodeBase64 } from "../../protocol/base64.ts";
import { Initiator } from "../../protocol/datagram/handshake.ts";
import { createKeyPair } from "../../protocol/datagram/suite.ts";
import { STATUS } from "../../protocol/status.ts";
import {
  type DatagramSocket,
  type DatagramStream,
  openDatagramSocket,
} from "../../transport/deno_datagram.ts";
import { nodeEnv } from "../../transport/node_suite.ts";
import { createRandom } from "../simulation/random.ts";
import type { ServerProcess } from "./processes.ts";
import { type Ground, type Member, PASSWORD, refusal, scenario } from "./scenario.ts";

const LOOPBACK = "127.0.0.1";
const WEB = ["--web-port", "0"];

function join(ground: Ground, port: number, user: string): Promise<Member> {
  const dial = dialUdp({ hostname: LOOPBACK, port });
  return ground.member({ hostname: LOOPBACK, port }, { user, register: true, dial });
}

async function metrics(server: ServerProcess): Promise<(name: string) => number> {
  const text = await (await fetch(new URL("/metrics", server.web))).text();
  return (name) => {
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    assert(line !== undefined, `${name} in\n${text}`);
    return Number(line.split(" ").at(-1));
  };
}

/** Carries bytes one way, until either side ends. */
async function carry(
  from: { read(into: Uint8Array): Promise<number | null> },
  to: { write(bytes: Uint8Array): Promise<number> },
): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      for (let rest = buffer.slice(0, count); rest.length > 0;) {
        rest = rest.subarray(await to.write(rest));
      }
    }
  } catch {
    // One of the two has gone.
  }
}

/** Somebody who has a key of their own, passes for the server, and passes everything on to it. */
function middleman(
  ground: Ground,
  onward: (socket: DatagramSocket) => Promise<Pick<DatagramStream, "read" | "write" | "close">>,
): number {
  const socket = openDatagramSocket({
    static: createKeyPair(nodeEnv),
    async onAccept(stream) {
      const server = await onward(socket);
      await Promise.all([carry(stream, server), carry(server, stream)]);
      stream.close();
      server.close();
    },
  });
  ground.ending(() => socket.close());
  return socket.port;
}

scenario("a middleman cannot pass a sign-in on, neither by UDP nor by TCP", async (ground) => {
  const server = await ground.server({ udp: true });
  const path = `${LOOPBACK}:${server.udpPort}`;
  const account = { user: "Ann", password: PASSWORD, reconnect: false };
  const own = dialUdp({ hostname: LOOPBACK, port: server.udpPort });
  await ground.member(server, { ...account, register: true, dial: own });
  const key = decodeBase64(server.udpKey)!;
  const ways = [
    middleman(ground, (socket) => socket.connect(path, { kind: "server", key })),
    middleman(ground, () => Deno.connect({ hostname: LOOPBACK, port: server.port })),
  ];
  for (const port of ways) {
    const seen = server.output.all.length;
    const dial = dialUdp({ hostname: LOOPBACK, port });
    assertEquals(await refusal(ground.member(server, { ...account, dial })), "wrong-password");
    await server.output.until((line) => line.includes("wrong-password"), seen);
    assert(!server.output.all.slice(seen).some((line) => line.includes("Ann 127.0.0.1 sign-in")));
  }
  // Without anybody in between the same password is right.
  await ground.member(server, { ...account, dial: own });
});

scenario("garbage of all kinds harms nobody", async (ground) => {
  const server = await ground.server({ udp: true, args: WEB });
  const [ann, ben] = [
    await join(ground, server.udpPort, "Ann"),
    await join(ground, server.udpPort, "Ben"),
  ];
  await ben.client.follow("thread/1", 0);
  const before = server.usage().memory;
  const stranger = Deno.listenDatagram({ transport: "udp", hostname: LOOPBACK, port: 0 });
  ground.ending(() => stranger.close());
  const random = createRandom(3);
  const to = { transport: "udp", hostname: LOOPBACK, port: server.udpPort } as const;
  let posts = 0;
  for (let at = 0; at < 30_000; at++) {
    const garbage = new Uint8Array(random.pick([0, 1, 9, 18, 29, 30, 42, 194, 1199, 1200, 1472]));
    random.fill(garbage);
    if (garbage.length > 2 && random.chance(0.7)) {
      garbage[0] = random.pick([0x40, 0x44, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8]);
      garbage[1] = random.pick([1, 0, 0]);
    }
    await stranger.send(garbage, to);
    if (at % 1000 === 0) {
      await ann.client.command({ op: "post", thread: 1, text: `post ${posts++}` });
    }
  }
  await ben.event((event) => event.kind === "message.posted" && event.text === `post ${posts - 1}`);
  for (const { heard } of [ann, ben]) {
    assertEquals(heard.all.filter(({ type }) => type === "offline"), []);
  }
  const value = await metrics(server);
  assertEquals([value("dfp_connections"), value("dfp_half_open")], [2, 0]);
  assert(value('dfp_datagrams_dropped_total{why="strange"}') > 10_000);
  assertEquals(value('dfp_opened_total{transport="udp"}'), 2);
  assertLess(server.usage().memory - before, 150e6);
  await join(ground, server.udpPort, "Cid");
});

scenario(
  "a flood of INIT changes nothing for others, and leaves nothing behind",
  async (ground) => {
    const server = await ground.server({ udp: true, args: WEB });
    const ann = await join(ground, server.udpPort, "Ann");
    const key = decodeBase64(server.udpKey)!;
    const to = { transport: "udp", hostname: LOOPBACK, port: server.udpPort } as const;
    const sockets = Array.from(
      { length: 50 },
      () => Deno.listenDatagram({ transport: "udp", hostname: LOOPBACK, port: 0 }),
    );
    ground.ending(() => sockets.forEach((socket) => socket.close()));
    const params = { idle: 60_000, window: 1e6, ackDelay: 25, datagram: 1472, reset: 1 };
    let slowest = 0;
    for (let at = 0; at < 5000; at++) {
      const ids = { dcid: 1, scid: at + 1 };
      const peer = { kind: "server", key } as const;
      const init = new Initiator(nodeEnv, peer, ids, { ...params, cid: ids.scid }).init();
      await sockets[at % sockets.length].send(init, to);
      if (at % 500 !== 0) continue;
      const began = performance.now();
      await ann.client.command({ op: "post", thread: 1, text: `post ${at}` });
      slowest = Math.max(slowest, performance.now() - began);
    }
    // Somebody new still comes in: a cookie costs a round trip.
    await join(ground, server.udpPort, "Ben");
    assertLess(slowest, 5000);
    assertEquals(ann.heard.all.filter(({ type }) => type === "offline"), []);
    const value = await metrics(server);
    assertEquals(value("dfp_connections"), 2);
    assertLess(value("dfp_half_open"), 40);
    assert(value('dfp_datagrams_dropped_total{why="retried"}') > 1000);
  },
);

scenario("the limits of operation hold over UDP, and each is told", async (ground) => {
  const server = await ground.server({
    udp: true,
    args: ["--max-connections-per-address", "2", "--idle-timeout", "1"],
  });
  await join(ground, server.udpPort, "Ann");
  await join(ground, server.udpPort, "Ben");
  assertEquals(await refusal(join(ground, server.udpPort, "Cid")), "too-many-from-address");
  const left = await server.output.until((line) => line.includes("Ann 127.0.0.1 leave"));
  assert(left.includes(STATUS.idle.text), left);
});

scenario(
  "DESIGN §13: a dead client does not stay signed in, over UDP as over TCP",
  async (ground) => {
    const server = await ground.server({ udp: true, args: ["--heartbeat", "1"] });
    const client = ground.program({
      args: [
        ...["-A", "client/main.ts", "--connect", `udp://${LOOPBACK}:${server.udpPort}`],
        ...["--known-servers", `${ground.folder()}/known`, "--user", "Ann", "--register"],
        ...["--stay", "--json", "-c", "JIN lobby"],
      ],
      env: { DFP_PASSWORD: PASSWORD },
    });
    await client.output.until((line) => line.includes('"ok":true'));
    client.signal("SIGKILL");
    await client.exited;
    const left = await server.output.until((line) => /Ann 127\.0\.0\.1 leave/.test(line));
    assert(/why="(?!The session ended as asked)/.test(left), left);
  },
);
