/**
 * Finding a path between two peers: both sides punch, the first answer wins, the own network has some grace, and
 * strangers get nothing out of it.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeAddress } from "../protocol/datagram/address.ts";
import type { EndpointTransition } from "../protocol/datagram/endpoint.ts";
import { PACKET_BYTES, parseHandshakePacket } from "../protocol/datagram/packet.ts";
import { type Candidate, PONGS_MAX, PUNCH_AT, PUNCH_MS } from "../protocol/datagram/punch.ts";
import { createNetwork } from "./datagram/network.ts";
import { offers } from "./datagram/offers.ts";
import { toySuite } from "./datagram/toy_suite.ts";
import { runs } from "./runs.ts";
import { createRandom } from "./simulation/random.ts";

const ANN = "198.51.100.1:1000";
const BEN = "203.0.113.2:2000";

function scene(seed = 1) {
  const network = createNetwork(seed);
  const pair = offers({ random: createRandom(seed).fill, suite: toySuite });
  const [ann, ben] = [network.add(ANN), network.add(BEN)];
  const found = (node: typeof ann) =>
    node.transitions.find((what): what is Extract<EndpointTransition, { kind: "reached" }> =>
      what.kind === "reached"
    );
  return { network, ...pair, ann, ben, found };
}

const at = (path: string, delay = 0, own = false): Candidate => ({ path, delay, own });

Deno.test("two peers who punch find each other, learn how they are seen, and connect", () => {
  const { network, ours, theirs, ann, ben, found } = scene();
  network.connect(ANN, BEN, { delay: 30 });
  ann.endpoint.punch(0, { peer: ours, role: "initiator", candidates: [at(BEN)] });
  ben.endpoint.punch(0, { peer: theirs, role: "responder", candidates: [at(ANN)] });
  network.run(2000, () => found(ann) !== undefined && found(ben) !== undefined);
  assertEquals([found(ann)?.path, found(ben)?.path], [BEN, ANN]);
  assertEquals(decodeAddress(found(ann)!.seen), ANN);
  ben.endpoint.expect(theirs);
  const connection = ann.endpoint.connect(network.now, found(ann)!.path, ours);
  network.run(network.now + 1000);
  assertEquals(connection.state, "confirmed");
});

Deno.test("under loss they still find each other", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 200 }), (seed, skew) => {
      const { network, ours, theirs, ann, ben, found } = scene(seed);
      network.connect(ANN, BEN, { delay: 30, loss: 0.1 });
      ann.endpoint.punch(0, { peer: ours, role: "initiator", candidates: [at(BEN)] });
      network.scheduler.at(skew, () =>
        ben.endpoint.punch(network.now, {
          peer: theirs,
          role: "responder",
          candidates: [at(ANN)],
        }));
      network.run(5000);
      assertEquals([found(ann)?.path, found(ben)?.path], [BEN, ANN]);
    }),
    { numRuns: runs(30), seed: 1 },
  );
});

Deno.test("a peer that comes from where nobody has thought of is answered there", () => {
  const { network, ours, theirs, ann, ben, found } = scene();
  // Ben's NAT has another port for Ann than the one that the server saw.
  const elsewhere = "203.0.113.2:7777";
  network.connect(ANN, elsewhere, { delay: 20 });
  network.tap = (datagram, from, to) =>
    from === BEN ? [{ datagram, from: elsewhere, to }] : [{ datagram, from, to }];
  network.alias(elsewhere, ben);
  network.link(ANN, BEN, { mtu: 0 });
  ann.endpoint.punch(0, { peer: ours, role: "initiator", candidates: [at(BEN)] });
  ben.endpoint.punch(0, { peer: theirs, role: "responder", candidates: [at(ANN)] });
  network.run(5000);
  assertEquals([found(ann)?.path, found(ben)?.path], [elsewhere, ANN]);
});

Deno.test("the own network wins if it answers within 50 ms of the first answer, and not later", () => {
  for (const [delay, wins] of [[40, true], [80, false]] as const) {
    const { network, ours, theirs, ann, ben, found } = scene();
    const own = { ann: "192.168.0.1:1", ben: "192.168.0.2:2" };
    network.connect(ANN, BEN, { delay: 20 });
    network.connect(ANN, own.ben, { delay });
    network.alias(own.ben, ben);
    network.tap = (datagram, from, to) =>
      from === BEN && datagram[0] === 0xc5 && lastTo === own.ben
        ? [{ datagram, from: own.ben, to }]
        : remember(datagram, from, to);
    let lastTo = "";
    const remember = (datagram: Uint8Array, from: string, to: string) => {
      if (from === ANN) lastTo = to;
      return [{ datagram, from, to }];
    };
    ann.endpoint.punch(0, {
      peer: ours,
      role: "initiator",
      candidates: [at(BEN), at(own.ben, 0, true)],
    });
    ben.endpoint.punch(0, { peer: theirs, role: "responder", candidates: [] });
    network.run(5000);
    const { path, own: isOwn } = found(ann)!;
    if (wins) assertEquals([path, isOwn], [own.ben, true]);
    else assertEquals(path === own.ben, isOwn);
  }
});

Deno.test("PUNCH goes out at 0, 40, 80 ms and then every 100 ms, for half a second, and then it is given up", () => {
  const { network, ours, ann } = scene();
  const times: number[] = [];
  network.tap = () => {
    times.push(network.now);
    return [];
  };
  const punch = ann.endpoint.punch(0, {
    peer: ours,
    role: "initiator",
    candidates: [at(BEN, 30)],
  });
  network.run(10_000);
  assertEquals(times, PUNCH_AT.map((time) => time + 30));
  assertEquals(punch.state, "failed");
  assertEquals(ann.transitions.map(({ kind }) => kind), ["unreached"]);
  assertEquals(ann.endpoint.timeout(), undefined);
  assert(PUNCH_MS > PUNCH_AT.at(-1)!);
});

Deno.test("a PUNCH that is reflected, forged or of another offer is not answered", () => {
  const { network, ours, theirs, ann, ben } = scene();
  const sent: Uint8Array[] = [];
  network.tap = (datagram, _, to) => {
    sent.push(datagram.slice());
    assertEquals(datagram.length, PACKET_BYTES.punch);
    assertEquals(to, BEN);
    return [];
  };
  ann.endpoint.punch(0, { peer: ours, role: "initiator", candidates: [at(BEN)] });
  network.run(10);
  const [punch] = sent;
  // Our own, thrown back at us: as it is, and as a PONG.
  ann.endpoint.receive(10, BEN, punch);
  const asPong = punch.slice();
  asPong[0] = 0xc5;
  ann.endpoint.receive(10, BEN, asPong);
  // Changed anywhere.
  const other = { ...theirs, secret: new Uint8Array(32).fill(9) };
  ben.endpoint.punch(10, { peer: other, role: "responder", candidates: [] });
  ben.endpoint.receive(10, ANN, punch);
  assertEquals(ben.endpoint.transmit(10, new Uint8Array(1472)), undefined);
  network.run(5000);
  assertEquals(ann.transitions.map(({ kind }) => kind), ["unreached"]);
});

Deno.test("PUNCH that is replayed is answered so often, in the same size, and no more", () => {
  const { ours, theirs, ann, ben } = scene();
  ann.endpoint.punch(0, { peer: ours, role: "initiator", candidates: [at(BEN)] });
  ben.endpoint.punch(0, { peer: theirs, role: "responder", candidates: [] });
  const out = new Uint8Array(1472);
  const sent = ann.endpoint.transmit(0, out)!;
  const punch = out.slice(0, sent.length);
  let pongs = 0;
  for (let turn = 0; turn < 500; turn++) {
    ben.endpoint.receive(turn, `10.6.${turn}.6:6`, punch);
    for (let one = ben.endpoint.transmit(turn, out); one !== undefined;) {
      assertEquals(one.length, punch.length);
      if (parseHandshakePacket(out.subarray(0, one.length))?.type === "pong") pongs++;
      one = ben.endpoint.transmit(turn, out);
    }
  }
  assertEquals(pongs, PONGS_MAX);
});

Deno.test("a search that is stopped says nothing more, and too many are refused", () => {
  const { ours, ann, network } = scene();
  const options = { peer: ours, role: "initiator", candidates: [at(BEN)] } as const;
  const punch = ann.endpoint.punch(0, options);
  punch.stop();
  network.run(5000);
  assertEquals(ann.transitions, []);
  assertEquals(network.link(ANN, BEN).counts.given, 0);
  assertThrows(
    () => ann.endpoint.punch(0, { ...options, candidates: Array(17).fill(at(BEN)) }),
    RangeError,
    "16 at most",
  );
});
