/**
 * What paths do to a transfer: they delay, swap, lose in bursts, repeat, become narrower, overflow and change;
 * event loops pause and clocks jump. All bytes arrive, and nothing is punished that is no congestion.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { offers } from "./datagram/offers.ts";
import { toySuite } from "./datagram/toy_suite.ts";
import type { DatagramLinkFaults } from "./simulation/datagram_link.ts";
import { createRandom } from "./simulation/random.ts";
import { CLIENT, createTransfer, SERVER, type Transfer } from "./datagram/transfer.ts";

/** 10 Mbit/s, 20 ms there and back, one round trip of queue. */
const TYPICAL = { delay: 10, rate: 1250, queue: 25_000 };

/** Bytes a second that a transfer has made. */
function rateOf({ network, client }: Transfer): number {
  return client.size / network.now * 1000;
}

Deno.test("an undisturbed path is filled, with little sent beyond the data", () => {
  const transfer = createTransfer({ faults: TYPICAL, up: 5_000_000 });
  transfer.finish();
  assert(rateOf(transfer) > 0.93 * 1_250_000, `${rateOf(transfer)} B/s`);
  const { bytesSent, mtu } = transfer.client.connection!.stats();
  assert(bytesSent < 1.05 * 5_000_000, `${bytesSent}`);
  assertEquals(mtu, 1472);
});

Deno.test("a delay spike is survived, and what was taken for lost is undone", () => {
  const transfer = createTransfer({ faults: { delay: 10 }, up: 4_000_000 });
  const { network } = transfer;
  const link = network.link(CLIENT, SERVER);
  for (const at of [150, 900, 2500]) {
    network.scheduler.at(at, () => {
      link.faults.delay = 310;
    });
    network.scheduler.at(at + 60, () => {
      link.faults.delay = 10;
    });
  }
  transfer.finish(20_000);
});

Deno.test("packets that are swapped are not taken for lost for long, and the rate stays", () => {
  const still = createTransfer({ faults: TYPICAL, up: 3_000_000 });
  still.finish();
  const swapped = createTransfer({
    faults: { ...TYPICAL, reorder: 0.1, reorderDelay: 15 },
    up: 3_000_000,
  });
  swapped.finish();
  assert(rateOf(swapped) > 0.7 * rateOf(still), `${rateOf(swapped)} of ${rateOf(still)} B/s`);
  const { late, lost } = swapped.client.connection!.stats();
  assert(late > 0 && lost < 400, `${lost} lost, ${late} late`);
});

Deno.test("losses in bursts are recovered from", () => {
  const transfer = createTransfer({
    faults: { ...TYPICAL, burst: 0.005, burstMs: 20 },
    up: 1_000_000,
    down: 1_000_000,
  });
  transfer.finish(120_000);
});

Deno.test("packets that come twice are read once", () => {
  const transfer = createTransfer({
    faults: { ...TYPICAL, duplicate: 0.5 },
    up: 1_000_000,
    down: 1_000_000,
  });
  transfer.finish(10_000);
  assertEquals(transfer.client.connection!.stats().forgeries, 0);
});

Deno.test("damaged packets count as lost, and nothing of them is read", () => {
  const transfer = createTransfer({
    faults: { ...TYPICAL, corrupt: 0.1 },
    up: 300_000,
    down: 300_000,
  });
  transfer.finish();
  assert(transfer.server.connection!.stats().forgeries > 0);
});

Deno.test("a path that becomes narrower in mid-transfer (MTU shrink) is noticed, and larger packets are tried again later", () => {
  const transfer = createTransfer({ faults: TYPICAL, up: 12_000_000 });
  const { network, client } = transfer;
  network.scheduler.at(1000, () => {
    network.link(CLIENT, SERVER).faults.mtu = 1300;
  });
  network.run(3500);
  const { mtu, blackHoles } = client.connection!.stats();
  assertEquals([mtu, blackHoles], [1200, 1]);
  const before = transfer.server.read;
  network.run(4500);
  assert(transfer.server.read - before > 0.8 * 1_250_000 * 1200 / 1472, "it stands still");
  network.run(9500);
  assertEquals(client.connection!.stats().mtu, 1280);
  transfer.finish();
});

Deno.test("a path that carries no more than 1200 bytes is used with 1200", () => {
  const transfer = createTransfer({ faults: { ...TYPICAL, mtu: 1200 }, up: 2_000_000 });
  transfer.finish(10_000);
  const { mtu, blackHoles, window } = transfer.client.connection!.stats();
  assertEquals([mtu, blackHoles], [1200, 0]);
  // Tries that were lost are no congestion.
  assert(window > 12_000, `${window}`);
});

Deno.test("a socket of 92 datagrams is not overflowed by a sender that paces", () => {
  const transfer = createTransfer({
    faults: { delay: 20, rate: 12_500, queue: 300_000 },
    up: 10_000_000,
  });
  const { server, network } = transfer;
  // The reader looks at its socket every 4 ms only: 34 packets at this rate.
  const doze = () => {
    server.node.pausedUntil = network.now + 4;
    network.scheduler.after(4.01, doze);
  };
  network.scheduler.after(50, doze);
  transfer.finish(20_000);
  assertEquals(server.node.overflowed, 0);
});

Deno.test("a socket that overflows loses packets and not the transfer", () => {
  const transfer = createTransfer({ faults: { delay: 5 }, up: 4_000_000 });
  const { server, network } = transfer;
  const doze = () => {
    server.node.pausedUntil = network.now + 25;
    network.scheduler.after(26, doze);
  };
  network.scheduler.after(50, doze);
  transfer.finish(60_000);
  assert(server.node.overflowed > 0);
});

for (const side of ["client", "server"] as const) {
  Deno.test(`a pause of 200 ms of the ${side}'s event loop does not end the transfer, nor slow it for long`, () => {
    const transfer = createTransfer({ faults: TYPICAL, up: 6_000_000 });
    const { network } = transfer;
    for (const at of [500, 1500, 2500]) {
      network.scheduler.at(at, () => {
        transfer[side].node.pausedUntil = at + 200;
      });
    }
    transfer.finish();
    assert(rateOf(transfer) > 0.6 * 1_250_000, `${rateOf(transfer)} B/s`);
  });

  Deno.test(`the ${side}'s clock may jump, forward and back`, () => {
    const transfer = createTransfer({ faults: TYPICAL, up: 4_000_000, down: 1_000_000 });
    const { network } = transfer;
    const { node } = transfer[side];
    network.scheduler.at(300, () => {
      node.clock += 5000;
    });
    // Backwards its time stands still until it has caught up.
    network.scheduler.at(900, () => {
      node.clock -= 400;
    });
    network.scheduler.at(2000, () => {
      node.clock += 20_000;
    });
    transfer.finish(60_000);
  });
}

Deno.test("a clock that jumps beyond the idle time ends the connection, in order", () => {
  const transfer = createTransfer({ faults: TYPICAL, up: 4_000_000 });
  const { network, client } = transfer;
  network.scheduler.at(500, () => {
    client.node.clock += 3_600_000;
  });
  network.run(2000, () => transfer.over);
  assertEquals(client.ending?.by, "silence");
  assertEquals(client.kinds.filter((kind) => kind === "closed").length, 1);
  assertEquals(client.node.endpoint.connections, 0);
});

/** The client's address as the world sees it changes, as a NAT does. */
function rebind(transfer: Transfer, side: "client" | "server", path: string): void {
  const { network } = transfer;
  const other = side === "client" ? "server" : "client";
  transfer[side].node.path = path;
  network.connect(path, transfer[other].node.path, TYPICAL);
}

Deno.test("a peer whose address changes in mid-transfer is followed, in a round trip or two", () => {
  const transfer = createTransfer({ faults: TYPICAL, up: 3_000_000, down: 3_000_000 });
  const { network, server } = transfer;
  network.scheduler.at(700, () => rebind(transfer, "client", "10.0.0.1:4444"));
  network.run(1200);
  assertEquals(server.connection!.path, "10.0.0.1:4444");
  transfer.finish(20_000);
  assertEquals(server.kinds.filter((kind) => kind === "moved").length, 1);
});

Deno.test("a peer that moves to another host is followed, and its path is learned anew", () => {
  const transfer = createTransfer({ faults: TYPICAL, up: 3_000_000 });
  const { network, client, server } = transfer;
  network.scheduler.at(700, () => rebind(transfer, "client", "172.16.0.1:1"));
  transfer.finish(20_000);
  assertEquals(server.connection!.path, "172.16.0.1:1");
  assert(client.connection!.stats().moves === 0);
});

/** A transfer between two peers: either may move. */
function betweenPeers(up: number, down: number): Transfer {
  const { ours, theirs } = offers({ random: createRandom(8).fill, suite: toySuite });
  const transfer = createTransfer({ faults: TYPICAL, up, down, peer: () => ours });
  transfer.server.node.endpoint.expect(theirs);
  return transfer;
}

Deno.test("the addresses of both peers change, one after the other", () => {
  const transfer = betweenPeers(3_000_000, 3_000_000);
  const { network, client, server } = transfer;
  network.scheduler.at(500, () => rebind(transfer, "client", "10.0.0.1:4444"));
  network.scheduler.at(1500, () => rebind(transfer, "server", "10.0.0.2:5555"));
  transfer.finish(30_000);
  assertEquals(server.connection!.path, "10.0.0.1:4444");
  assertEquals(client.connection!.path, "10.0.0.2:5555");
});

/** Two peers whose path is a relay, and another one by which they could reach each other. */
function besideRelay(transfer: Transfer, faults: Partial<DatagramLinkFaults>) {
  const { network, client, server } = transfer;
  const direct = { client: "192.168.0.1:1", server: "192.168.0.2:2" };
  const routes = new Map([[CLIENT, CLIENT], [SERVER, SERVER]]);
  network.connect(direct.client, direct.server, faults);
  network.tap = (datagram, from, to) => {
    const relayed = routes.has(to);
    const name = relayed ? from : from === CLIENT ? direct.client : direct.server;
    return [{ datagram, from: name, to }];
  };
  // Each node hears on both of its addresses.
  for (const [half, path] of [[client, direct.client], [server, direct.server]] as const) {
    network.alias(path, half.node);
  }
  network.scheduler.at(1000, () => client.connection!.migrate(network.now, direct.server));
  return direct;
}

Deno.test("a transfer moves from a relay to the direct path and back without a gap", () => {
  const transfer = betweenPeers(6_000_000, 1_000_000);
  const { network, client, server } = transfer;
  const direct = besideRelay(transfer, { delay: 3, rate: 5000, queue: 50_000 });
  network.run(1500);
  assertEquals(client.connection!.path, direct.server);
  assertEquals(server.connection!.path, direct.client);
  const before = server.read;
  network.run(1700);
  assert(server.read > before, "a gap");
  // The direct path dies.
  network.link(direct.client, direct.server).faults.mtu = 0;
  network.link(direct.server, direct.client).faults.mtu = 0;
  transfer.finish(60_000);
  assertEquals(client.connection!.path, SERVER);
});

Deno.test("what was still on its way through the relay draws nobody back to it", () => {
  const transfer = betweenPeers(6_000_000, 6_000_000);
  const { network, client, server } = transfer;
  // It is slower than the relay, so what the other side has sent by that is the latest for a while.
  const direct = besideRelay(transfer, { delay: 60, rate: 5000, queue: 50_000 });
  network.run(1800);
  assertEquals(client.connection!.path, direct.server);
  assertEquals(server.connection!.path, direct.client);
  assertEquals([client, server].map(({ connection }) => connection!.stats().moves), [1, 1]);
  transfer.finish(60_000);
});

Deno.test("of a path that does not answer nothing is made, and the transfer stays where it is", () => {
  const transfer = createTransfer({ faults: TYPICAL, up: 2_000_000 });
  const { network, client } = transfer;
  network.scheduler.at(500, () => client.connection!.migrate(network.now, "10.9.9.9:9"));
  transfer.finish();
  assertEquals(client.connection!.path, SERVER);
  assert(network.link(CLIENT, "10.9.9.9:9").counts.given <= 3);
});

Deno.test("a peer that is gone is given up after the idle time, and not before", () => {
  const transfer = createTransfer({ faults: TYPICAL, up: 50_000_000, client: { idle: 5000 } });
  const { network, client } = transfer;
  network.run(1000);
  network.link(SERVER, CLIENT).faults.mtu = 0;
  network.run(5500);
  assertEquals(client.ending, undefined);
  network.run(8000);
  assertEquals(client.ending?.by, "silence");
});

Deno.test("where nobody answers, the handshake ends after ten seconds", () => {
  const transfer = createTransfer({ faults: { mtu: 100 } });
  transfer.network.run(20_000, () => transfer.over);
  assertEquals(transfer.client.ending?.by, "unreachable");
  assertEquals(transfer.network.now, 10_000);
  assert(transfer.network.link(CLIENT, SERVER).counts.given <= 11);
});

Deno.test("an owner who wants it keeps a silent connection alive", () => {
  const kept = createTransfer({ faults: TYPICAL, client: { keepAlive: 10_000 } });
  kept.client.finishes = kept.server.finishes = false;
  kept.network.run(300_000);
  assertEquals(kept.over, false);
  const left = createTransfer({ faults: TYPICAL });
  left.client.finishes = left.server.finishes = false;
  left.network.run(300_000);
  assertEquals([left.client.ending?.by, left.server.ending?.by], ["silence", "silence"]);
});
