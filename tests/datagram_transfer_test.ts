/**
 * Transfers over thousands of seeded links: all bytes arrive both ways, exactly; memory is bounded; everything
 * ends; time goes on; equal seeds are equal to the byte.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { nodeSuite } from "../transport/node_suite.ts";
import { CLIENT, createTransfer, SERVER, type Transfer } from "./datagram/transfer.ts";
import { runs } from "./runs.ts";
import type { DatagramLinkFaults } from "./simulation/datagram_link.ts";
import { createRandom, type Random } from "./simulation/random.ts";

/** Links that are tried where a machine watches, at least. */
const LINKS = 3000;
const linkRuns = () => Math.max(runs(40), runs(40) >= 1000 ? LINKS : 0);

/** Draws what a link does: some kinds of trouble not at all, so that the others are not drowned. */
function drawFaults(random: Random): DatagramLinkFaults {
  const some = (most: number) => random.chance(0.5) ? random.fraction() * most : 0;
  const rate = random.pick([0, 100, 1250, 12_500]);
  return {
    delay: random.pick([0, 1, 10, 50, 250]),
    jitter: some(30),
    rate,
    queue: random.pick([3000, 20_000, 100_000, 1_000_000]),
    mtu: random.pick([1200, 1300, 1472, 9000]),
    loss: some(0.3),
    burst: random.chance(0.3) ? random.fraction() * 0.01 : 0,
    burstMs: random.between(2, 100),
    duplicate: some(0.3),
    corrupt: some(0.05),
    reorder: some(0.3),
    reorderDelay: random.between(1, 200),
  };
}

/** Makes a transfer over a link that the seed draws, with pauses, jumps and new addresses. */
function drawTransfer(seed: number): { transfer: Transfer; faults: DatagramLinkFaults } {
  const random = createRandom(seed);
  const faults = drawFaults(random);
  const size = () => random.pick([0, 1, 1000, 30_000, 100_000]);
  const window = { initial: random.pick([5000, 50_000, 1_000_000]), max: 1_000_000 };
  const transfer = createTransfer({
    seed,
    faults,
    up: size(),
    down: size(),
    // Who only reads, and whose address changes, is not found again unless it speaks.
    client: {
      window,
      keepAlive: 3000,
      ...random.chance(0.3) && { rekey: { bytes: 20_000, ms: 1e9 } },
    },
    server: { window, ...random.chance(0.3) && { rekey: { bytes: 1e9, ms: 300 } } },
    suite: random.chance(0.05) ? nodeSuite : undefined,
  });
  trouble(transfer, faults, random);
  return { transfer, faults };
}

function trouble(transfer: Transfer, faults: DatagramLinkFaults, random: Random): void {
  const { network, client, server } = transfer;
  const { scheduler } = network;
  const at = () => random.between(0, 3000);
  for (const half of [client, server]) {
    if (random.chance(0.2)) {
      scheduler.at(at(), () => half.node.pausedUntil = network.now + random.between(10, 500));
    }
    if (random.chance(0.2)) scheduler.at(at(), () => half.node.clock += random.between(-50, 2000));
    if (random.chance(0.1)) {
      half.reads = false;
      scheduler.at(at(), () => half.reads = true);
    }
    if (random.chance(0.2)) half.appetite = random.between(100, 20_000);
  }
  if (random.chance(0.1)) {
    scheduler.at(
      at(),
      () => network.link(CLIENT, SERVER).stall(network.now + random.between(0, 2000)),
    );
  }
  if (random.chance(0.1)) {
    scheduler.at(at(), () => {
      client.node.path = "10.0.0.1:4444";
      network.connect("10.0.0.1:4444", SERVER, faults);
    });
  }
}

Deno.test("over any link all bytes arrive both ways, in bounded memory and time", () => {
  let unreachable = 0;
  let all = 0;
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 - 1 }), (seed) => {
      const { transfer, faults } = drawTransfer(seed);
      const { network, client, server } = transfer;
      all++;
      network.run(3_600_000, () => transfer.done || transfer.over);
      if (client.ending?.by === "unreachable") {
        // Half of all packets, over and over: that can happen.
        unreachable++;
        assert(faults.loss + faults.corrupt + faults.burst > 0.05, "nobody was reached");
        return;
      }
      transfer.finish(1);
      for (const half of [client, server]) {
        assert(half.memory <= 1024 * 1024 + 1_000_000 + 4 * 16_384, `${half.memory} bytes`);
      }
      client.connection!.close(network.now);
      network.run(network.now + 600_000);
      for (const { ending, kinds, node } of [client, server]) {
        assert(ending !== undefined && kinds.at(-1) === "closed");
        assertEquals([node.endpoint.connections, node.endpoint.timeout()], [0, undefined]);
      }
    }),
    { numRuns: linkRuns() },
  );
  assert(unreachable <= 2 + all * 0.03, `${unreachable} of ${all} were not reached`);
});

Deno.test("equal seeds give equal transfers, to the byte", () => {
  const play = (seed: number) => {
    const { transfer } = drawTransfer(seed);
    transfer.network.run(60_000, () => transfer.done || transfer.over);
    return transfer.network.transcript.hash;
  };
  const hashes = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const hash = play(seed);
    assertEquals(play(seed), hash, `seed ${seed}`);
    hashes.add(hash);
  }
  assertEquals(hashes.size, 20);
});

Deno.test("every transition of both sides comes in the order of the state table, and closed once and last", () => {
  const transfer = createTransfer({ faults: { delay: 10 }, up: 30_000, down: 10 });
  transfer.finish();
  const { client, server, network } = transfer;
  server.connection!.close(network.now, 300, "that is all");
  network.run(network.now + 10_000);
  const without = (kinds: readonly string[]) =>
    kinds.filter((kind) => kind !== "readable" && kind !== "writable");
  assertEquals(without(client.kinds), ["established", "confirmed", "ended", "delivered", "closed"]);
  assertEquals(without(server.kinds), ["accepted", "delivered", "ended", "closing", "closed"]);
  assertEquals(client.ending, { by: "peer", code: 300, text: "that is all" });
  assertEquals(server.ending, { by: "us", code: 300, text: "that is all" });
});

Deno.test("the first bytes of a client arrive one and a half round trips after its call", () => {
  const transfer = createTransfer({ faults: { delay: 100 }, up: 100 });
  const { network, server } = transfer;
  network.run(1000, () => server.read === 100);
  assertEquals(network.now, 300);
});

Deno.test("what is lost at the end of a stream is found out by a probe", () => {
  const transfer = createTransfer({ faults: { delay: 20 }, up: 20_000 });
  const { network } = transfer;
  let last = true;
  network.tap = (datagram, from, to) => {
    const ends = from === CLIENT && transfer.client.written === 20_000 && network.now > 100;
    if (!ends || !last) return undefined;
    last = network.now < 150;
    return datagram.length > 100 ? [] : [{ datagram, from, to }];
  };
  transfer.finish(3000);
});
