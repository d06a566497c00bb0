/**
 * Recovery, and what implementations of RFC 9002 are known to get wrong.
 *
 * @module
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  PACKET_THRESHOLD_MAX,
  PERSISTENT_PTOS,
  PROBE_WAIT_MAX,
  Recovery,
} from "../protocol/datagram/recovery.ts";
import { createRtt, RTT_INITIAL } from "../protocol/datagram/rtt.ts";
import type { SentPacket } from "../protocol/datagram/sent_packets.ts";
import { createTransfer } from "./datagram/transfer.ts";
import { runs } from "./runs.ts";

/** A recovery whose packets are made here. */
function scene() {
  const acked: number[] = [];
  const lost: number[] = [];
  const late: [number, boolean][] = [];
  const rtt = createRtt();
  const recovery = new Recovery(rtt, {
    onAcked: ({ number }) => void acked.push(number),
    onLost: ({ number }) => void lost.push(number),
    onLate: ({ number }, undo) => void late.push([number, undo]),
  });
  recovery.delayMax = 25;
  const send = (time: number, about: Partial<SentPacket> = {}) =>
    recovery.send({
      number: recovery.next,
      time,
      bytes: 1200,
      path: recovery.path,
      control: 0,
      limit: 0,
      sequence: 0,
      stream: [],
      fin: false,
      acked: -1,
      mtuProbe: false,
      inFlight: true,
      fate: "open",
      lostAt: 0,
      episode: 0,
      before: undefined,
      behind: undefined,
      ...about,
    });
  const ack = (now: number, ranges: number[], delay = 0) =>
    recovery.acknowledge(ranges, delay, now);
  return { acked, lost, late, rtt, recovery, send, ack };
}

const always = () => true;

Deno.test("RFC 9002: a PTO that lies in the past fires once, and the next lies ahead", () => {
  const { recovery, send } = scene();
  send(0);
  const due = recovery.due()!;
  // The timer comes an hour late.
  const now = due + 3_600_000;
  assertEquals(recovery.handleTimeout(now), "probe");
  assertEquals(recovery.ptos, 1);
  assert(recovery.due()! > now, "the next one lies in the past as well");
  assertEquals(recovery.handleTimeout(now), undefined);
});

Deno.test("RFC 9002: the wait for a probe doubles, and is not reset by anything but an acknowledgement", () => {
  const { recovery, send, ack } = scene();
  send(0);
  let now = 0;
  const waits: number[] = [];
  for (let round = 0; round < 3; round++) {
    waits.push(recovery.due()! - now);
    now = recovery.due()!;
    assertEquals(recovery.handleTimeout(now), "probe");
    send(now);
  }
  for (let round = 1; round < 3; round++) assertAlmostEquals(waits[round] / waits[round - 1], 2);
  // One that acknowledges nothing new does not reset it; one that does, does.
  assertEquals(recovery.ptos, 3);
  ack(now, [recovery.next - 1, recovery.next]);
  assertEquals(recovery.ptos, 0);
  recovery.detect(now + 1, always);
  ack(now + 1, [recovery.next - 1, recovery.next]);
  send(now + 1);
  const due = recovery.due()!;
  assertEquals(recovery.handleTimeout(due), "probe");
  ack(due, [recovery.next - 2, recovery.next - 1]);
  assertEquals(recovery.ptos, 1);
});

Deno.test("the wait for a probe does not grow without bound", () => {
  const { recovery, send } = scene();
  send(0);
  for (let round = 0; round < 40; round++) recovery.handleTimeout(recovery.due()!);
  const before = recovery.due()!;
  recovery.handleTimeout(before);
  assertEquals(recovery.due()! - before, PROBE_WAIT_MAX);
});

Deno.test("RFC 9002: what is lost is so by number or by time, and by nothing else", () => {
  const { recovery, lost, send, ack } = scene();
  for (let number = 0; number < 6; number++) send(number);
  ack(50, [4, 5]);
  recovery.detect(50, always);
  assertEquals(lost, [0, 1]);
  // 2 and 3 have 9/8 of a round trip: 46 ms, so 2 is lost at 2 + 51.75.
  assertAlmostEquals(recovery.due()!, 2 + 46 * 9 / 8);
  recovery.detect(recovery.due()!, always);
  assertEquals(lost, [0, 1, 2]);
  recovery.detect(recovery.due()!, always);
  assertEquals(lost, [0, 1, 2, 3]);
  assertEquals(recovery.inFlight, 1200);
});

Deno.test("due is one expression: at the time that it names, something is done", () => {
  const step = fc.tuple(
    fc.constantFrom("send", "ack", "due" as const),
    fc.double({ min: 0, max: 40, noNaN: true }),
    fc.nat(8),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { recovery, send, ack } = scene();
      let now = 0;
      for (const [what, ms, back] of steps) {
        now += ms;
        if (what === "send") send(now);
        else if (what === "ack" && recovery.next > 0) {
          const number = Math.max(0, recovery.next - 1 - back);
          ack(now, [number, number + 1]);
          recovery.detect(now, always);
        } else {
          const due = recovery.due();
          if (due === undefined) continue;
          now = Math.max(now, due);
          const done = recovery.handleTimeout(now);
          assert(done !== undefined, "the timer fires and nothing is due");
          if (done === "loss") recovery.detect(now, always);
          const next = recovery.due();
          assert(next === undefined || next > now, `due again at once: ${next} at ${now}`);
        }
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("RFC 9002: persistent congestion needs a stretch of losses after a sample, and is not found off idle", () => {
  const { recovery, rtt, send, ack } = scene();
  send(0);
  ack(50, [0, 1]);
  // After a long rest a burst is lost: its packets are near each other.
  const later = 600_000;
  for (let number = 1; number < 20; number++) send(later + number);
  ack(later + 200, [19, 20]);
  assertEquals(recovery.detect(later + 200, always).persistent, false);
  // Packets over three PTOs, none of which arrives.
  const start = later + 1000;
  const { pto } = recovery;
  for (let at = 0; at <= 4; at++) send(start + at * (PERSISTENT_PTOS + 1) / 4 * pto);
  send(start + 5 * pto);
  ack(start + 5 * pto + 50, [recovery.next - 1, recovery.next]);
  assert(rtt.measured);
  assertEquals(recovery.detect(start + 5 * pto + 50, always).persistent, true);
});

Deno.test("RFC 9002: losses before the first sample are no persistent congestion", () => {
  const { recovery, send, ack } = scene();
  for (let at = 0; at < 10; at++) send(at * 1000);
  send(10_000);
  ack(10_050, [10, 11]);
  assertEquals(recovery.detect(10_050, always).persistent, false);
});

Deno.test("RFC 9002: a stretch of losses with one packet acknowledged within is no persistent congestion", () => {
  const { recovery, send, ack } = scene();
  send(0);
  ack(50, [0, 1]);
  const { pto } = recovery;
  for (let at = 0; at < 9; at++) send(1000 + at * pto / 2);
  send(1000 + 9 * pto / 2);
  ack(2000 + 5 * pto, [10, 11, 5, 6]);
  assertEquals(recovery.detect(2000 + 5 * pto, always).persistent, false);
});

Deno.test("the round trip is measured on the largest packet only, and once (Karn)", () => {
  const { rtt, recovery, send, ack } = scene();
  assertEquals([rtt.smoothed, rtt.measured], [RTT_INITIAL, false]);
  send(0);
  send(0);
  // 0 was sent again as 2: numbers are never used twice, so the sample is clear.
  send(400);
  assertEquals(ack(430, [2, 3]).sampled, true);
  assertEquals(rtt.latest, 30);
  // 0 comes late, in an ACK whose largest is known: no sample.
  assertEquals(ack(1000, [2, 3, 0, 1]).sampled, false);
  assertEquals([rtt.latest, rtt.smoothed], [30, 30]);
  assert(recovery.waiting);
});

Deno.test("a lying ack delay is believed within bounds only", () => {
  const liar = scene();
  const honest = scene();
  for (const { send } of [liar, honest]) for (let at = 0; at < 3; at++) send(at * 200);
  for (const { ack } of [liar, honest]) ack(50, [0, 1]);
  liar.ack(300, [1, 2], 1_000_000);
  honest.ack(300, [1, 2], 25);
  // Above what was promised, it counts as what was promised.
  assertEquals(liar.rtt.smoothed, honest.rtt.smoothed);
  // It never takes the round trip below the smallest one; a negative one counts as none.
  liar.ack(455, [2, 3], 24);
  assert(liar.rtt.smoothed > 50);
  const odd = scene();
  odd.send(0);
  odd.send(0);
  odd.ack(50, [0, 1]);
  odd.ack(60, [1, 2], -500);
  assertAlmostEquals(odd.rtt.smoothed, 50 + 10 / 8);
});

Deno.test("what was lost and arrives late raises the thresholds, and undoes the trouble when all of it has", () => {
  const { recovery, late, lost, send, ack } = scene();
  for (let at = 0; at < 12; at++) send(at);
  ack(50, [10, 11]);
  let asked = 0;
  recovery.detect(50, () => asked++ === 0);
  assertEquals(lost.length, 8);
  assertEquals(late, []);
  for (let number = 0; number < 8; number++) ack(51 + number, [number, number + 1]);
  assertEquals(late.map(([number]) => number), [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals(late.map(([, undo]) => undo), [...Array(7).fill(false), true]);
  assert(recovery.packetThreshold > 10 && recovery.packetThreshold <= PACKET_THRESHOLD_MAX);
  assertEquals([recovery.lost, recovery.late], [8, 8]);
});

Deno.test("the packet threshold has a bound", () => {
  const { recovery, send, ack } = scene();
  for (let at = 0; at < 2000; at++) send(at / 100);
  ack(50, [1999, 2000]);
  recovery.detect(50, always);
  ack(60, [0, 1]);
  assertEquals(recovery.packetThreshold, PACKET_THRESHOLD_MAX);
});

Deno.test("an acknowledgement of what was never sent, or of a number left out, is impossible", () => {
  const { recovery, send, ack } = scene();
  send(0);
  assertEquals(ack(10, [1, 2]).impossible, true);
  assertEquals(ack(10, [0, 3]).impossible, true);
  assertEquals(ack(10, [0, 2 ** 53]).impossible, true);
  recovery.skip();
  send(1);
  assertEquals(ack(10, [0, 3]).impossible, true);
  assertEquals(ack(10, [2, 3, 0, 1]).impossible, false);
  assertEquals(recovery.inFlight, 0);
});

Deno.test("overlapping ranges, in one ACK after another or within one, acknowledge each packet once", () => {
  const { recovery, acked, send, ack } = scene();
  for (let at = 0; at < 10; at++) send(at);
  assertEquals(ack(20, [0, 6]).bytes, 6 * 1200);
  assertEquals(ack(21, [3, 8]).bytes, 2 * 1200);
  assertEquals(ack(22, [0, 8]).bytes, 0);
  // No ACK on the wire can tell this; whoever hands it over anyway gains nothing.
  assertEquals(ack(23, [8, 10, 7, 9, 0, 9]).bytes, 2 * 1200);
  assertEquals(acked.toSorted((one, other) => one - other), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(recovery.inFlight, 0);
});

Deno.test("an ACK of a huge range costs no more than what is remembered", () => {
  const { recovery, acked } = scene();
  for (let at = 0; at < 2 ** 20; at++) recovery.take();
  assertEquals(recovery.acknowledge([0, 2 ** 20], 0, 1).largest, -1);
  assertEquals(acked, []);
});

Deno.test("a window that was not made use of does not grow (app-limited samples)", () => {
  const transfer = createTransfer({ faults: { delay: 20 }, up: 0 });
  const { client, network } = transfer;
  client.finishes = false;
  network.run(1000, () => client.connection!.state === "confirmed");
  const { window } = client.connection!.stats();
  // A byte every now and then, over many round trips.
  for (let turn = 0; turn < 100; turn++) {
    client.size++;
    network.run(network.now + 100);
  }
  assertEquals(client.connection!.stats().window, window);
  client.size += 3_000_000;
  network.run(network.now + 400);
  assert(client.connection!.stats().window > 2 * window);
});
