/**
 * The mode for lossy links: what it carries where losses are chance, and that it takes nothing from others where they
 * are congestion (DATAGRAM §3, §6). Rates are of virtual time, so they are exact.
 *
 * @module
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { AckSample, Congestion } from "../protocol/datagram/congestion.ts";
import { createCubic } from "../protocol/datagram/cubic.ts";
import { createDeliveryRate } from "../protocol/datagram/delivery_rate.ts";
import { createLossy } from "../protocol/datagram/lossy.ts";
import { createRivals, type MakeCongestion } from "./datagram/rivals.ts";
import type { DatagramLinkFaults } from "./simulation/datagram_link.ts";

/** 100 Mbit/s in bytes a ms. */
const RATE = 12_500;
/** What a link of 20 ms holds. */
const HELD = 20 * RATE;
const PACKET = 1200;

function link(about: Partial<DatagramLinkFaults>): Partial<DatagramLinkFaults> {
  return { rate: RATE, delay: 10, queue: HELD, ...about };
}

/** The rate of one flow over a link in its first so many ms. */
function alone(faults: Partial<DatagramLinkFaults>, ms: number, seed = 1): number {
  const rivals = createRivals(seed, faults);
  rivals.begin(createLossy);
  return rivals.measure(ms)[0];
}

for (const loss of [0.01, 0.02, 0.05]) {
  Deno.test(`at ${100 * loss} % of loss by chance and 20 ms a link of 100 Mbit/s carries 8 MB/s and more`, () => {
    const rate = alone(link({ loss }), 4000);
    assert(rate >= 8000, `${rate} bytes a ms`);
  });
}

Deno.test("without loss a link of 100 Mbit/s is filled, at 20 ms and at 100 ms", () => {
  const short = alone(link({}), 4000);
  assert(short >= 0.92 * RATE, `${short} bytes a ms`);
  // The first second goes for finding out.
  const long = alone(link({ delay: 50, queue: 100 * RATE }), 7000);
  assert(long >= 0.85 * RATE, `${long} bytes a ms`);
});

Deno.test("processes that often stand still do not hide that losses are chance", () => {
  const rivals = createRivals(1, link({ loss: 0.01 }));
  rivals.begin(createLossy);
  const { network } = rivals;
  const random = network.random.fork();
  for (const node of rivals.nodes) {
    const again = () => {
      network.scheduler.after(10 * random.fraction(), () => {
        node.pausedUntil = network.now + 5 * random.fraction();
        again();
      });
    };
    again();
  }
  const [rate] = rivals.measure(6000);
  assert(rate >= 6000, `${rate} bytes a ms`);
});

/** What CUBIC gets of a link beside another that was there before, or comes later. */
function beside(
  rival: MakeCongestion,
  faults: Partial<DatagramLinkFaults>,
  rivalFirst: boolean,
  seed = 1,
): { readonly cubic: number; readonly share: number } {
  const rivals = createRivals(seed, faults);
  rivals.begin(rivalFirst ? rival : createCubic);
  rivals.measure(3000);
  rivals.begin(rivalFirst ? createCubic : rival);
  const rates = rivals.measure(12_000);
  const cubic = rates[rivalFirst ? 1 : 0];
  return { cubic, share: cubic / (rates[0] + rates[1]) };
}

for (const [name, queue] of [["a", 1], ["a quarter of a", 0.25], ["a tenth of a", 0.1]] as const) {
  for (const rivalFirst of [true, false]) {
    const order = rivalFirst ? "comes later" : "was there before";
    Deno.test(`before a queue of ${name} round trip, CUBIC that ${order} keeps 40 % of what is carried`, () => {
      const { share } = beside(createLossy, link({ queue: queue * HELD }), rivalFirst);
      assert(share >= 0.4, `${share}`);
    });
  }
}

Deno.test("at 1 % of loss by chance CUBIC keeps seven tenths of what it would have beside CUBIC", () => {
  const faults = link({ loss: 0.01 });
  let kept = 0;
  let fair = 0;
  for (const seed of [1, 2, 3]) {
    const rivalFirst = seed % 2 === 0;
    kept += beside(createLossy, faults, rivalFirst, seed).cubic;
    fair += beside(createCubic, faults, rivalFirst, seed).cubic;
  }
  assert(kept >= 0.7 * fair, `${kept} of ${fair}`);
});

/** A path on which each round trip ends with the next call. */
function createPath(congestion: Congestion) {
  let now = 100;
  let number = 0;
  return {
    round({ rtt = 20, bytes = 20 * PACKET, limited = true }: Partial<AckSample> = {}): void {
      const sentAt = now;
      now += rtt;
      number += 20;
      congestion.onAck({
        now,
        bytes,
        sentAt,
        largest: number - 1,
        next: number,
        rtt,
        smoothed: rtt,
        smallest: 20,
        limited,
      });
    },
    lose(): void {
      congestion.onLost(PACKET);
      if (congestion.isNews(now)) congestion.onTrouble(now);
    },
  };
}

Deno.test("losses count where no queue stands, and when they were none they count no more", () => {
  const lossy = createLossy(PACKET);
  const path = createPath(lossy);
  const lose = (times: number, rtt: number) => {
    for (let at = 0; at < times; at++) {
      path.round({ rtt });
      path.lose();
    }
  };
  lose(20, 30);
  assertEquals(lossy.paced, false);
  lose(3, 20);
  for (let at = 0; at < 5; at++) path.round({ rtt: 30 });
  lose(1, 30);
  lose(3, 20);
  lossy.undo();
  lose(1, 20);
  assertEquals(lossy.paced, false);
  lose(1, 20);
  assertEquals([lossy.paced, lossy.searching], [true, true]);
  // No loss changes what may be under way now.
  const { window } = lossy;
  path.lose();
  assertEquals(lossy.window, window);
  lossy.onPersistent();
  assertEquals([lossy.paced, lossy.window], [false, 2 * PACKET]);
});

Deno.test("on a link that shows no queue CUBIC goes on, and the next try waits twice as long", () => {
  const lossy = createLossy(PACKET);
  const path = createPath(lossy);
  let troubles = 0;
  const untilPaced = () => {
    for (troubles = 0; !lossy.paced && troubles < 100; troubles++) {
      path.round();
      path.lose();
    }
    return troubles;
  };
  assertEquals(untilPaced(), 4);
  for (let at = 0; at < 8; at++) path.round();
  assertEquals(lossy.paced, false);
  assertEquals(untilPaced(), 8);
  // What stands still since nothing is to be sent says nothing about the link.
  for (let at = 0; at < 20; at++) path.round({ limited: false });
  assertEquals(lossy.paced, true);
});

Deno.test("a queue that stays ends the mode, and one round with a queue does not", () => {
  const lossy = createLossy(PACKET);
  const path = createPath(lossy);
  for (let at = 0; at < 4; at++) {
    path.round();
    path.lose();
  }
  for (let at = 0; at < 4; at++) path.round({ rtt: 26 });
  for (let at = 0; at < 12; at++) path.round();
  assertEquals([lossy.paced, lossy.searching], [true, false]);
  path.round({ rtt: 30 });
  for (let at = 0; at < 8; at++) path.round();
  assertEquals(lossy.paced, true);
  for (let at = 0; at < 6; at++) path.round({ rtt: 30 });
  assertEquals(lossy.paced, false);
});

Deno.test("acknowledgements that come in a heap are no fast link", () => {
  const delivery = createDeliveryRate();
  const take = (now: number, sentAt: number, largest: number) =>
    delivery.onAck({
      now,
      bytes: PACKET,
      sentAt,
      largest,
      next: largest + 20,
      rtt: 20,
      smoothed: 20,
      smallest: 20,
      limited: true,
    });
  // One packet a ms, acknowledged 20 ms later.
  for (let at = 0; at < 100; at++) take(at + 20, at, at);
  assertAlmostEquals(delivery.best, PACKET, PACKET / 10);
  // A pause of 200 ms, and then all acknowledgements of it at once.
  for (let at = 100; at < 300; at++) take(320, at, at);
  for (let at = 300; at < 400; at++) take(at + 20, at, at);
  assertAlmostEquals(delivery.best, PACKET, PACKET / 10);
});
