/**
 * Congestion control and pacing: CUBIC as RFC 9438 computes it, HyStart++ as RFC 9406 stops, a bucket that
 * spreads packets.
 *
 * @module
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type AckSample,
  INITIAL_PACKETS,
  MINIMUM_PACKETS,
} from "../protocol/datagram/congestion.ts";
import { createCubic } from "../protocol/datagram/cubic.ts";
import { createHyStart } from "../protocol/datagram/hystart.ts";
import { createMtu, MTU_LADDER, MTU_TRIES } from "../protocol/datagram/mtu.ts";
import { createPacer, PACE_MS } from "../protocol/datagram/pacer.ts";
import { runs } from "./runs.ts";
import { createRandom } from "./simulation/random.ts";

const PACKET = 1200;

function sample(about: Partial<AckSample>): AckSample {
  return {
    now: 0,
    bytes: PACKET,
    sentAt: 0,
    largest: 0,
    next: 10,
    rtt: undefined,
    smoothed: 50,
    smallest: 50,
    limited: true,
    ...about,
  };
}

Deno.test("in slow start the window grows by what is acknowledged", () => {
  const cubic = createCubic(PACKET);
  assertEquals(cubic.window, INITIAL_PACKETS * PACKET);
  for (let at = 0; at < 10; at++) cubic.onAck(sample({ now: at, sentAt: at }));
  assertEquals(cubic.window, 20 * PACKET);
  assert(cubic.searching);
});

Deno.test("a trouble takes the window to seven tenths, once a round trip, and never below the least", () => {
  const cubic = createCubic(PACKET);
  cubic.onTrouble(100);
  assertAlmostEquals(cubic.window, 7 * PACKET);
  assertEquals([cubic.isNews(100), cubic.isNews(101)], [false, true]);
  for (let at = 0; at < 20; at++) cubic.onTrouble(200 + at);
  assertEquals(cubic.window, MINIMUM_PACKETS * PACKET);
});

Deno.test("after a trouble the window comes back to where it was after K, and goes on from there", () => {
  const cubic = createCubic(PACKET);
  // To 1000 packets, where Reno is slow and the cubic function leads.
  cubic.onAck(sample({ bytes: 990 * PACKET, sentAt: 1, now: 1 }));
  const peak = cubic.window;
  cubic.onTrouble(10);
  const k = Math.cbrt(1000 * 0.3 / 0.4);
  let now = 20;
  const windowAt = (seconds: number) => {
    for (; now < 20 + seconds * 1000; now += 10) {
      cubic.onAck(sample({ now, sentAt: now, bytes: cubic.window / 5, smoothed: 50 }));
    }
    return cubic.window / peak;
  };
  const half = windowAt(k / 2);
  assert(half > 0.9 && half < 0.98, `${half}`);
  const back = windowAt(k);
  assert(back > 0.99 && back < 1.01, `${back}`);
  assert(windowAt(2 * k) > 1.2);
});

Deno.test("what turns out to have been no loss is undone", () => {
  const cubic = createCubic(PACKET);
  for (let at = 0; at < 50; at++) cubic.onAck(sample({ now: at, sentAt: at }));
  const { window } = cubic;
  cubic.onTrouble(60);
  assert(cubic.window < window);
  cubic.undo();
  assertEquals([cubic.window, cubic.searching], [window, true]);
  // Only once, and not what persistent congestion has done.
  cubic.undo();
  cubic.onTrouble(70);
  cubic.onPersistent();
  cubic.undo();
  assertEquals(cubic.window, MINIMUM_PACKETS * PACKET);
});

Deno.test("the window never grows while it is not made use of", () => {
  const cubic = createCubic(PACKET);
  for (let at = 0; at < 100; at++) cubic.onAck(sample({ now: at, sentAt: at, limited: false }));
  assertEquals(cubic.window, INITIAL_PACKETS * PACKET);
});

Deno.test("HyStart++ ends slow start when round trips have grown for five rounds, or by half, and not for one spike", () => {
  const run = (rtts: (round: number, at: number) => number, rounds: number) => {
    const hystart = createHyStart();
    let number = 0;
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < 10; at++) {
        if (hystart.onAck(number, (round + 1) * 10, rtts(round, at), number * 5)) return round;
        number++;
      }
    }
    return undefined;
  };
  assertEquals(run(() => 50, 40), undefined);
  assertEquals(run((round, at) => round === 5 && at < 5 ? 500 : 50, 40), undefined);
  const ended = run((round) => round < 10 ? 50 : 60, 40)!;
  assertEquals(ended, 15);
  // By half: as soon as there are eight of them.
  assertEquals(run((round) => round < 10 ? 50 : 75, 40), 10);
  // It was only noise: the round trip goes back.
  assertEquals(run((round) => round === 10 ? 60 : 50, 40), undefined);
});

Deno.test("HyStart++ goes on when many samples come at one moment, after the process stood still", () => {
  const hystart = createHyStart();
  for (let at = 0; at < 40; at++) hystart.onAck(at, at + 10, 100, at * 10);
  for (let at = 40; at < 80; at++) assertEquals(hystart.onAck(at, at + 10, 180, 500), false);
  for (let at = 80; at < 120; at++) hystart.onAck(at, at + 10, 100, at * 10);
  assertEquals(hystart.divisor, 1);
});

Deno.test("the pacer lets through what the rate gives and a burst, and asks for no wait below 2 ms", () => {
  const rates = fc.double({ min: 0.5, max: 100_000, noNaN: true });
  fc.assert(
    fc.property(rates, fc.array(fc.double({ min: 0, max: 20, noNaN: true })), (rate, waits) => {
      const pacer = createPacer();
      pacer.setRate(rate, PACKET);
      const burst = Math.min(Math.max(rate * 2.5, 10 * PACKET), 64 * PACKET);
      let now = 5;
      let sent = 0;
      const begin = now;
      for (const wait of waits) {
        while (pacer.mayGo(now)) {
          pacer.gone(PACKET, now);
          sent += PACKET;
        }
        const next = pacer.nextAt(now);
        assert(next >= now + PACE_MS);
        assert(sent <= burst + rate * (now - begin) + PACKET + 1e-6);
        now = wait < 10 ? next : now + wait;
        if (wait < 10) assert(pacer.mayGo(now), "it names a time at which nothing may go");
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("packets grow to the largest size of the ladder that arrives", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1200, max: 1500 }), (path) => {
      const mtu = createMtu(1472);
      let tries = 0;
      for (let now = 0; now < 1000; now += 10) {
        const size = mtu.probe(now);
        if (size === undefined) continue;
        tries++;
        mtu.probed(size);
        if (size <= path) mtu.onArrived(size, true, now);
        else assertEquals(mtu.onLost(size, true, now, now + 5), false);
      }
      const wanted = MTU_LADDER.find((size) => size <= path) ?? 1200;
      assertEquals(mtu.size, wanted);
      assert(tries <= MTU_LADDER.length * MTU_TRIES);
    }),
    { numRuns: runs() },
  );
});

Deno.test("plain loss of 15 % does not look like a black hole, and a black hole does", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = createRandom(seed);
      const mtu = createMtu(1472);
      mtu.probed(mtu.probe(0)!);
      mtu.onArrived(1472, true, 0);
      for (let at = 0; at < 300; at++) {
        // One packet in five is small.
        const bytes = at % 5 === 0 ? 100 : 1472;
        if (random.chance(0.15)) mtu.onLost(bytes, false, at, at);
        else mtu.onArrived(bytes, false, at);
      }
      assertEquals(mtu.blackHoles, 0);
      for (let at = 300; at < 400; at++) {
        if (at % 5 === 0) mtu.onArrived(100, false, at);
        else mtu.onLost(1472, false, at, at);
      }
      assertEquals([mtu.blackHoles, mtu.size], [1, 1200]);
    }),
    // By chance it can happen: in one run of half a million.
    { numRuns: runs(), seed: 42 },
  );
});
