/**
 * Peers behind NATs, under virtual time: which pairs find each other, whoever starts first, and what becomes of a
 * connection when a NAT forgets it (DATAGRAM §4 and §7). Real NATs are in the lab.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { DatagramConnection } from "../protocol/datagram/connection.ts";
import type { EndpointTransition } from "../protocol/datagram/endpoint.ts";
import { createKeyPair } from "../protocol/datagram/suite.ts";
import { type NatOptions, putBehindNats } from "./datagram/nat.ts";
import { createNetwork, type Node } from "./datagram/network.ts";
import { offers } from "./datagram/offers.ts";
import { toySuite } from "./datagram/toy_suite.ts";
import { createRandom } from "./simulation/random.ts";

const ANN = "10.0.0.1:1000";
const BEN = "10.0.0.2:2000";
const FORUM = "192.0.2.1:5000";
const LINK = { delay: 20, rate: 2000, queue: 100_000 };

const cone = (host: string, lets: NatOptions["lets"] = "port"): NatOptions => ({ host, lets });
const symmetric = (host: string): NatOptions => ({ host, symmetric: true });

/** Two peers behind NATs, and a server that has seen where they come from. */
function scene(annNat: NatOptions, benNat: NatOptions) {
  const network = createNetwork(1);
  const env = { random: createRandom(1).fill, suite: toySuite };
  const { ours, theirs } = offers(env);
  const [ann, ben] = [network.add(ANN), network.add(BEN)];
  network.add(FORUM, { static: createKeyPair(env) });
  const nats = putBehindNats(network, { [ANN]: annNat, [BEN]: benNat }, LINK);
  for (const node of [ann, ben]) node.endpoint.ask(0, FORUM);
  network.run(100);
  const observed = (inside: string) => nats[inside].outside(FORUM)!;
  const outcome = (node: Node) =>
    node.transitions.find((what): what is Extract<EndpointTransition, { offer: Uint8Array }> =>
      what.kind === "reached" || what.kind === "unreached"
    );
  /** Both punch, one of them later than the other. */
  const punch = (skews: { ann?: number; ben?: number } = {}) => {
    const begin = (node: Node, after: number, options: "ours" | "theirs") => {
      const [peer, role, path] = options === "ours"
        ? [ours, "initiator", observed(BEN)] as const
        : [theirs, "responder", observed(ANN)] as const;
      network.scheduler.after(after, () => {
        node.endpoint.punch(network.now, {
          peer,
          role,
          candidates: [{ path, delay: 0, own: false }],
        });
      });
    };
    begin(ann, skews.ann ?? 0, "ours");
    begin(ben, skews.ben ?? 0, "theirs");
    network.run(network.now + 5000, () => [ann, ben].every((node) => outcome(node) !== undefined));
    return [ann, ben].map((node) => outcome(node)?.kind);
  };
  const connect = (): DatagramConnection => {
    const found = outcome(ann);
    assert(found?.kind === "reached", "Ann has not reached Ben");
    ben.endpoint.expect(theirs);
    const connection = ann.endpoint.connect(network.now, found.path, ours);
    network.run(network.now + 1000, () => connection.state === "confirmed");
    assertEquals(connection.state, "confirmed");
    return connection;
  };
  return { network, nats, ann, ben, punch, connect };
}

Deno.test("peers behind NATs that keep one port find each other and connect", () => {
  for (const lets of ["all", "address", "port"] as const) {
    const { punch, connect } = scene(cone("198.51.100.1", lets), cone("203.0.113.1", lets));
    assertEquals(punch(), ["reached", "reached"], lets);
    connect();
  }
});

Deno.test("a skewed start keeps nobody from being found, whoever is late", () => {
  for (const late of [30, 60, 120, 300, 450]) {
    for (const skews of [{ ann: late }, { ben: late }]) {
      const { punch, connect } = scene(cone("198.51.100.1"), cone("203.0.113.1"));
      assertEquals(punch(skews), ["reached", "reached"], JSON.stringify(skews));
      connect();
    }
  }
});

Deno.test("with a symmetric NAT on either side and a strict one on the other nobody is found, and that is known soon", () => {
  const strict = cone("203.0.113.1");
  for (
    const [annNat, benNat] of [
      [symmetric("198.51.100.1"), strict],
      [cone("198.51.100.1"), symmetric("203.0.113.1")],
      [symmetric("198.51.100.1"), symmetric("203.0.113.1")],
    ]
  ) {
    const { network, punch } = scene(annNat, benNat);
    const began = network.now;
    assertEquals(punch(), ["unreached", "unreached"]);
    assert(network.now - began <= 2000, `it took ${network.now - began} ms`);
  }
});

Deno.test("a symmetric NAT is no hindrance where the other side lets its address in", () => {
  for (const lets of ["all", "address"] as const) {
    const { punch, connect } = scene(symmetric("198.51.100.1"), cone("203.0.113.1", lets));
    assertEquals(punch(), ["reached", "reached"], lets);
    connect();
  }
});

/** Sends bytes from Ann to Ben, and forgets at some NATs on the way. */
function transferThrough(lets: NatOptions["lets"], forget: readonly string[]): number {
  const { network, nats, ann, ben, punch, connect } = scene(
    cone("198.51.100.1", lets),
    cone("203.0.113.1", lets),
  );
  punch();
  let read = 0;
  ben.onTurn = () => {
    for (const what of ben.transitions) {
      if (!("connection" in what)) continue;
      for (let got = what.connection.read(65_536); got !== undefined;) {
        read += got.length;
        got = what.connection.read(65_536);
      }
    }
  };
  const connection = connect();
  const size = 2_000_000;
  let written = 0;
  let forgotten = 0;
  ann.onTurn = () => {
    if (written < size) written += connection.write(new Uint8Array(size - written));
  };
  forget.forEach((inside, at) => {
    network.scheduler.after(150 + 300 * at, () => {
      assert(read > 0 && read < size, "it is in mid-transfer");
      nats[inside].forget();
      forgotten++;
    });
  });
  network.run(network.now + 30_000, () => read === size);
  assertEquals(forgotten, forget.length);
  return read / size;
}

Deno.test("a NAT that forgets in mid-transfer (rebinding) on one side, or on both, loses nothing where addresses are let in", () => {
  for (const forget of [[], [ANN], [BEN], [ANN, BEN], [BEN, ANN]]) {
    assertEquals(transferThrough("address", forget), 1, JSON.stringify(forget));
  }
});
