/**
 * RESET: a peer that has forgotten a connection says so, and nobody else can.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  encodeReset,
  parseHandshakePacket,
  type ResetPacket,
  writeDataHeader,
} from "../protocol/datagram/packet.ts";
import { createEndpoint } from "../protocol/datagram/endpoint.ts";
import type { EndpointOptions } from "../protocol/datagram/endpoint_options.ts";
import { RESET_RATE } from "../protocol/datagram/resets.ts";
import { createRandom } from "./simulation/random.ts";
import { frame, RawPeer } from "./datagram/raw_peer.ts";
import { toySuite } from "./datagram/toy_suite.ts";
import { CLIENT, createTransfer, SERVER, type Transfer } from "./datagram/transfer.ts";

const SECRET = new Uint8Array(32).fill(5);
const STEADY = { faults: { delay: 10 }, up: 50_000_000, server: { reset: SECRET } } as const;

/** Ends the server without a word, and puts another one in its place. */
function restart({ network, server, key }: Transfer, options: Partial<EndpointOptions>) {
  server.node.path = "10.9.9.9:9";
  return network.add(SERVER, { static: key, ...options });
}

/** A DATA packet for nobody. */
function strange(cid: number, bytes = 30): Uint8Array {
  const packet = new Uint8Array(bytes);
  writeDataHeader(packet, { phase: 0, dcid: cid, number: 7 });
  return packet;
}

Deno.test("a server that has started again says at once that it knows nothing, and is believed", () => {
  const transfer = createTransfer(STEADY);
  const { network, client } = transfer;
  network.run(500);
  restart(transfer, { reset: SECRET });
  network.run(700, () => transfer.over);
  assertEquals([client.ending?.by, client.ending?.code], ["reset", 0]);
  assert(network.now <= 600, `it is known after ${network.now - 500} ms`);
  assertEquals(client.kinds.at(-1), "closed");
  assertEquals(client.node.endpoint.connections, 0);
});

Deno.test("a client that is silent finds out with its next sign of life", () => {
  const transfer = createTransfer({
    faults: { delay: 10 },
    server: { reset: SECRET },
    client: { keepAlive: 5000 },
  });
  const { network, client, server } = transfer;
  client.finishes = server.finishes = false;
  network.run(2000);
  restart(transfer, { reset: SECRET });
  network.run(20_000, () => transfer.over);
  assertEquals(client.ending?.by, "reset");
  assert(network.now <= 7500, `it is known at ${network.now}`);
});

Deno.test("a server that is away for some time is found out soon after it is back", () => {
  const transfer = createTransfer(STEADY);
  const { network, client, server } = transfer;
  network.run(500);
  server.node.path = "10.9.9.9:9";
  network.run(4000);
  assertEquals(client.ending, undefined);
  restart(transfer, { reset: SECRET });
  network.run(20_000, () => transfer.over);
  assertEquals(client.ending?.by, "reset");
  // Probes are at most five seconds apart.
  assert(network.now <= 9100, `it is known at ${network.now}`);
});

Deno.test("whoever has not the secret is not believed", () => {
  const transfer = createTransfer({ ...STEADY, client: { idle: 3000 } });
  const { network, client } = transfer;
  network.run(500);
  const stranger = restart(transfer, { reset: new Uint8Array(32).fill(6) });
  network.run(20_000, () => client.ending !== undefined);
  assert(stranger.endpoint.counters.reset > 0, "it has tried");
  assertEquals(client.ending?.by, "silence");
});

Deno.test("a RESET with another token, for another id, or that is replayed to another, changes nothing", () => {
  const transfer = createTransfer({
    faults: { delay: 10 },
    up: 200_000,
    server: { reset: SECRET },
  });
  const { network, key } = transfer;
  const elsewhere = createEndpoint({
    env: { random: createRandom(3).fill, suite: toySuite },
    now: 0,
    static: key,
    reset: SECRET,
  });
  const out = new Uint8Array(1472);
  let forged = 0;
  network.tap = (datagram, from, to) => {
    if (from !== CLIENT || network.now < 50) return undefined;
    // What the server would say of an id that is not in use, and of this one with another token.
    elsewhere.receive(network.now, CLIENT, strange(12_345));
    const sent = elsewhere.transmit(network.now, out)!;
    const other = parseHandshakePacket(out.slice(0, sent.length)) as ResetPacket;
    const used = new DataView(datagram.buffer, datagram.byteOffset);
    const cid = Number(used.getBigUint64(1));
    const forgeries = [other, { cid, token: other.token }, { cid, token: 0 }];
    forged += forgeries.length;
    return [
      ...forgeries.map((one) => ({ datagram: encodeReset(one), from: SERVER, to: CLIENT })),
      { datagram, from, to },
    ];
  };
  transfer.finish();
  assert(forged > 100);
});

Deno.test("a RESET for an id that was given up changes nothing", () => {
  const peer = new RawPeer({ params: { reset: 6 } });
  const cid8 = (cid: number) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, cid]);
  peer.send(frame(0x01));
  // The raw peer moves: its endpoint takes the next id, 9 with the token 8, and gives up 5 with the token 6.
  peer.send(frame(0x18, 1, cid8(9), cid8(8)));
  peer.send(frame(0x01), { path: "10.0.0.9:10" });
  const challenge = peer.take("pathChallenge")[0].values[0];
  const answer = new Uint8Array(8);
  new DataView(answer.buffer).setBigUint64(0, BigInt(challenge));
  peer.send(frame(0x1b, answer), { path: "10.0.0.9:10" });
  assertEquals(peer.take("retireCid").map(({ values }) => values), [[0]]);
  for (const [cid, token] of [[5, 6], [5, 8], [9, 6]]) peer.give(encodeReset({ cid, token }));
  assertEquals(peer.connection.state, "confirmed");
  peer.give(encodeReset({ cid: 9, token: 8 }));
  assertEquals(peer.connection.state, "closed");
});

Deno.test("a peer that closes need not be told again once the other has forgotten", () => {
  const peer = new RawPeer();
  peer.send(frame(0x01));
  const { connection } = peer;
  connection.close(peer.now);
  assertEquals(connection.state, "closing");
  peer.give(encodeReset({ cid: 5, token: 6 }));
  assertEquals(connection.state, "closed");
  const closed = peer.transitions.filter(({ kind }) => kind === "closed");
  assertEquals(closed.map((what) => what.kind === "closed" && what.ending.by), ["us"]);
});

Deno.test("RESET is smaller than what asks for it, is never answered, and comes so often and no more", () => {
  const endpoint = createEndpoint({
    env: { random: createRandom(1).fill, suite: toySuite },
    now: 0,
    reset: SECRET,
  });
  const out = new Uint8Array(1472);
  const answers = (now: number): Uint8Array[] => {
    const sent: Uint8Array[] = [];
    for (let one = endpoint.transmit(now, out); one !== undefined;) {
      sent.push(out.slice(0, one.length));
      one = endpoint.transmit(now, out);
    }
    return sent;
  };
  endpoint.receive(0, CLIENT, strange(77));
  const [reset, ...more] = answers(0);
  assertEquals(more, []);
  assert(reset.length < 30);
  endpoint.receive(0, CLIENT, reset);
  assertEquals(answers(0), []);
  // What is no id gets no answer at all.
  const wrong = strange(1);
  wrong.fill(0xff, 1, 9);
  endpoint.receive(0, CLIENT, wrong);
  assertEquals(answers(0), []);
  let count = 0;
  for (let at = 0; at < 10_000; at++) {
    const now = at / 10;
    endpoint.receive(now, `10.0.${at >> 8}.${at & 255}:1`, strange(at));
    count += answers(now).length;
  }
  const { perSecond, burst } = RESET_RATE;
  assert(count <= perSecond + burst && count >= perSecond, `${count} in a second`);
});
