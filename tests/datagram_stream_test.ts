/**
 * The byte stream, its numbers and its flow control: what a peer may do, what ends the connection, and what memory
 * it can take.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CLOSE_CODES } from "../protocol/datagram/close_code.ts";
import { createReceiveFlow } from "../protocol/datagram/flow.ts";
import { ACK_RANGES_MAX } from "../protocol/datagram/packet_frame.ts";
import { createReceiveStream, PIECES_MAX } from "../protocol/datagram/receive_stream.ts";
import { createSendStream, UNSENT_BYTES_MAX } from "../protocol/datagram/send_stream.ts";
import { frame, RawPeer } from "./datagram/raw_peer.ts";
import { byteAt, createTransfer } from "./datagram/transfer.ts";
import { runs } from "./runs.ts";

const DATA = 0x08;
const FIN = 0x09;
const PING = frame(0x01);
const text = (words: string) => new TextEncoder().encode(words);
const data = (offset: number, bytes: Uint8Array, fin = false) =>
  frame(fin ? FIN : DATA, offset, bytes.length, bytes);

Deno.test("pieces in any order, overlapping and repeated, give the stream once and in order", () => {
  const pieces = fc.array(fc.tuple(fc.nat(400), fc.nat(120)), { maxLength: 60 });
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 200 }), (pieces, appetite) => {
      const stream = createReceiveStream();
      const whole = Uint8Array.from({ length: 520 }, (_, at) => byteAt(at, 0));
      const read: number[] = [];
      const all = [...pieces, [0, 520] as const];
      for (const [at, [offset, length]] of all.entries()) {
        const end = Math.min(520, offset + length);
        assertEquals(stream.take(offset, whole, offset, end, at === all.length - 1), "ok");
        const bytes = stream.read(appetite);
        if (bytes !== undefined) read.push(...bytes);
      }
      for (let bytes = stream.read(50); bytes !== undefined; bytes = stream.read(50)) {
        read.push(...bytes);
      }
      assertEquals(Uint8Array.from(read), whole);
      assert(stream.ended && stream.complete && stream.kept === 0);
    }),
    { numRuns: runs() },
  );
});

Deno.test("what is sent, lost, late and acknowledged in any order arrives as it was written", () => {
  const action = fc.tuple(fc.constantFrom("take", "ack", "lose", "late" as const), fc.nat(40));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), fc.nat(3000), (actions, size) => {
      const stream = createSendStream();
      const whole = Uint8Array.from({ length: size }, (_, at) => byteAt(at, 3));
      assertEquals(stream.write(whole), size);
      stream.finish();
      const got = new Uint8Array(size);
      const under: { start: number; end: number; fin: boolean }[] = [];
      const lost: typeof under = [];
      let ends = 0;
      const arrive = ({ start, end, fin }: typeof under[number]) => {
        stream.acknowledge(start, end, fin);
        if (fin) ends++;
      };
      const take = (length: number) => {
        if (!stream.wants(Infinity)) return;
        const chunk = stream.take(length, Infinity);
        if (chunk === undefined) return;
        stream.copy(chunk.start, chunk.end, got, chunk.start);
        assertEquals(chunk.fin && chunk.end !== size, false);
        under.push(chunk);
      };
      const step = (what: string, at: number) => {
        if (what === "take") return take(at * 7 + 1);
        const from = what === "late" ? lost : under;
        const [piece] = from.splice(at % Math.max(1, from.length), 1);
        if (piece === undefined) return;
        if (what !== "lose") return arrive(piece);
        stream.lose(piece.start, piece.end, piece.fin);
        lost.push(piece);
      };
      for (const [what, at] of actions) step(what, at);
      for (let turn = 0; !stream.delivered; turn++) {
        assert(turn < 10_000, "it never ends");
        take(100);
        for (const piece of under.splice(0)) arrive(piece);
      }
      assertEquals(got, whole);
      assert(ends >= 1);
      assertEquals([stream.wants(Infinity), stream.room, stream.kept], [false, 0, 0]);
    }),
    { numRuns: runs() },
  );
});

Deno.test("no more is taken to be sent than there is room for", () => {
  const stream = createSendStream();
  assertEquals(stream.write(new Uint8Array(UNSENT_BYTES_MAX + 5)), UNSENT_BYTES_MAX);
  assertEquals([stream.write(new Uint8Array(1)), stream.room], [0, 0]);
  stream.take(1000, Infinity);
  assertEquals(stream.room, 1000);
});

Deno.test("bytes beyond the limit are a fault, and so is an offset that overflows", () => {
  for (
    const [offset, code] of [
      [1_048_576, CLOSE_CODES.flow.code],
      [2 ** 40, CLOSE_CODES.flow.code],
      [2 ** 53 - 2, CLOSE_CODES.malformed.code],
    ]
  ) {
    const peer = new RawPeer();
    peer.send(PING);
    peer.send(data(offset, text("too far")));
    assertEquals(peer.closeCode, code, `offset ${offset}`);
  }
});

Deno.test("a FIN that changes the size of the stream is a fault", () => {
  for (
    const [first, second] of [
      [data(0, text("four"), true), data(0, text("fours"))],
      [data(0, text("four"), true), data(0, text("fou"), true)],
      [data(0, text("four")), data(0, text("fo"), true)],
      [data(4, text("four")), data(3, new Uint8Array(0), true)],
    ]
  ) {
    const peer = new RawPeer();
    peer.send(first);
    assertEquals(peer.closeCode, undefined);
    peer.send(second);
    assertEquals(peer.closeCode, CLOSE_CODES["final-size"].code);
  }
});

Deno.test("an overlap that differs is a fault, and one that agrees is none", () => {
  const peer = new RawPeer();
  peer.send(data(0, text("abcdef")));
  peer.send(data(10, text("klm")));
  peer.send(data(2, text("cdefghij")));
  peer.send(data(8, text("ijklm")));
  assertEquals(peer.closeCode, undefined);
  assertEquals(new TextDecoder().decode(peer.connection.read(100)), "abcdefghijklm");
  peer.send(data(20, text("xyz")));
  peer.send(data(18, text("vwXyz")));
  assertEquals(peer.closeCode, CLOSE_CODES.contradiction.code);
});

Deno.test("a malformed packet ends the connection, and says why", () => {
  for (const frames of [frame(0x3f), frame(0x02, 5), frame(DATA, 0, 100), frame(0x1c, 1, 200)]) {
    const peer = new RawPeer();
    peer.send(PING);
    peer.send(frames);
    assertEquals(peer.closeCode, CLOSE_CODES.malformed.code);
    const [close] = peer.take("close");
    assertEquals(close.text, CLOSE_CODES.malformed.text);
    peer.pass(10_000);
    const closed = peer.transitions.filter(({ kind }) => kind === "closed");
    assertEquals(closed.length, 1);
    assert(closed[0].kind === "closed" && closed[0].ending.by === "fault");
    assertEquals(peer.endpoint.connections, 0);
  }
});

Deno.test("acknowledging what was never sent is a fault", () => {
  const peer = new RawPeer();
  peer.send(PING);
  peer.send(frame(0x02, 1000, 0, 0, 0));
  assertEquals(peer.closeCode, CLOSE_CODES["impossible-ack"].code);
});

Deno.test("acknowledging a number that was left out is a fault (optimistic acknowledgements)", () => {
  const peer = new RawPeer({ params: { window: 2 ** 40 } });
  peer.send(PING);
  const { connection } = peer;
  const chunk = new Uint8Array(100_000);
  let skipped: number | undefined;
  for (let turn = 0; turn < 2000 && skipped === undefined; turn++) {
    connection.write(chunk);
    peer.now += 20;
    peer.endpoint.handleTimeout(peer.now);
    peer.collect();
    const numbers = peer.packets.map(({ number }) => number).filter((number) => number >= 0);
    for (let at = 1; at < numbers.length; at++) {
      if (numbers[at] === numbers[at - 1] + 2) skipped = numbers[at] - 1;
    }
    const largest = numbers.at(-1)!;
    peer.packets.splice(0, peer.packets.length - 1);
    // Honest so far: everything but what was left out.
    if (skipped === undefined) peer.send(frame(0x02, largest, 0, 0, 0));
  }
  assert(skipped !== undefined, "no number was ever left out");
  assertEquals(peer.closeCode, undefined);
  peer.send(frame(0x02, skipped, 0, 0, 0));
  assertEquals(peer.closeCode, CLOSE_CODES["impossible-ack"].code);
});

Deno.test("ranges that run below zero or are more than 32 are malformed, huge ones are impossible", () => {
  const ranges = (count: number) => Array<number>(2 * (count - 1)).fill(0);
  for (
    const [frames, code] of [
      // Below zero: in the first range, in a gap, in a later range.
      [frame(0x02, 0, 0, 0, 1), CLOSE_CODES.malformed.code],
      [frame(0x02, 1, 0, 1, 0, 5, 0), CLOSE_CODES.malformed.code],
      [frame(0x02, 3, 0, 1, 0, 0, 9), CLOSE_CODES.malformed.code],
      [frame(0x02, 100, 0, 32, 0, ...ranges(33)), CLOSE_CODES.malformed.code],
      [frame(0x02, 100, 0, 31, 0, ...ranges(32)), CLOSE_CODES["impossible-ack"].code],
      [frame(0x02, 2 ** 53 - 1, 0, 0, 2 ** 53 - 1), CLOSE_CODES["impossible-ack"].code],
    ] as const
  ) {
    const peer = new RawPeer();
    peer.send(PING);
    peer.send(frames);
    assertEquals(peer.closeCode, code);
  }
});

Deno.test("with over 32 ranges of received numbers the highest are told, and all bytes still arrive", () => {
  const peer = new RawPeer();
  for (let number = 0; number < 200; number += 2) {
    peer.send(data(number, text("ab")), { number });
  }
  const acks = peer.take("ack");
  const last = acks.at(-1)!.values;
  assertEquals(last.length, 2 * ACK_RANGES_MAX);
  assertEquals(last.slice(0, 4), [198, 199, 196, 197]);
  // A late packet within what is remembered is taken, once.
  assertEquals(peer.connection.read(1000)?.length, 200);
  peer.send(data(200, text("cd")), { number: 101 });
  peer.send(data(202, text("ef")), { number: 101 });
  assertEquals(new TextDecoder().decode(peer.connection.read(10)), "cd");
});

Deno.test("two that have nothing to say fall silent: acknowledgements are not acknowledged (loops)", () => {
  const transfer = createTransfer({ faults: { delay: 20, loss: 0.1 }, up: 300_000, down: 300_000 });
  const { network, client, server } = transfer;
  client.finishes = server.finishes = false;
  network.run(60_000, () => client.read === 300_000 && server.read === 300_000);
  network.run(network.now + 10_000);
  const sent = () =>
    client.connection!.stats().datagramsSent + server.connection!.stats().datagramsSent;
  const before = sent();
  network.run(network.now + 40_000);
  assertEquals(sent(), before);
});

Deno.test("a packet that comes again, or is older than what is remembered, changes nothing (duplicates)", () => {
  const peer = new RawPeer();
  const first = peer.packet(data(0, text("once")));
  peer.give(first);
  assertEquals(peer.connection.read(10)?.length, 4);
  const { datagramsReceived } = peer.connection.stats();
  for (let again = 0; again < 5; again++) peer.give(first);
  assertEquals(peer.connection.stats().datagramsReceived, datagramsReceived);
  // Far more holes than are remembered: what lies below them is taken for known.
  for (let number = 10; number < 1000; number += 2) peer.send(PING, { number });
  peer.send(data(4, text("late")), { number: 13 });
  assertEquals(peer.connection.readable, 0);
  peer.send(data(4, text("new")), { number: 2000 });
  assertEquals(peer.connection.readable, 3);
});

Deno.test("numbers may jump, and go over the 32-bit wrap", () => {
  const peer = new RawPeer();
  let offset = 0;
  for (const number of [0, 1000, 2 ** 30, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5]) {
    peer.send(data(offset++, text("x")), { number });
    assertEquals(peer.connection.read(10)?.length, 1, `number ${number}`);
  }
  // What is a wrap behind is not taken for what is ahead.
  peer.send(data(offset, text("x")), { number: 5 });
  assertEquals(peer.connection.readable, 0);
});

Deno.test("how many bytes wait to be sent can be bounded, and all arrive all the same", () => {
  const transfer = createTransfer({
    faults: { delay: 10 },
    up: 1_000_000,
    client: { unsent: 20_000 },
  });
  const { client, network } = transfer;
  network.run(5);
  assertEquals([client.written, client.connection!.writable], [0, 20_000]);
  transfer.finish();
});

Deno.test("a zero window lets nothing through until it is opened", () => {
  const closed = createTransfer({
    faults: { delay: 10 },
    up: 100_000,
    server: { window: { initial: 0, max: 0 } },
  });
  closed.network.run(20_000);
  assertEquals(closed.server.read, 0);
  const { datagramsSent } = closed.client.connection!.stats();
  assert(datagramsSent < 60, `${datagramsSent} datagrams to say that nothing may be sent`);
  const peer = new RawPeer({ params: { window: 0 } });
  peer.send(PING);
  peer.connection.write(text("hello"));
  peer.collect();
  assertEquals(peer.take("data"), []);
  peer.send(frame(0x10, 3));
  assertEquals(peer.take("data").map(({ bytes }) => bytes?.length), [3]);
});

Deno.test("a lost MAX_DATA is told again", () => {
  const transfer = createTransfer({
    faults: { delay: 10 },
    up: 3_000_000,
    server: { window: { initial: 20_000, max: 20_000 } },
  });
  // Whatever is small and goes down is lost for a while, again and again.
  transfer.network.tap = (datagram, from, to) =>
    from === transfer.server.node.path && datagram.length < 200 &&
      Math.floor(transfer.network.now / 700) % 2 === 1
      ? []
      : [{ datagram, from, to }];
  transfer.finish();
});

Deno.test("being blocked is told once for each limit, and again by a probe (ping-pong)", () => {
  const peer = new RawPeer({ params: { window: 1000 } });
  peer.send(PING);
  peer.connection.write(new Uint8Array(5000));
  peer.collect();
  const blocked = peer.take("dataBlocked");
  assertEquals(blocked.map(({ values }) => values[0]), [1000]);
  for (let turn = 0; turn < 20; turn++) {
    peer.send(PING);
    peer.connection.write(new Uint8Array(100));
    peer.collect();
  }
  assertEquals(peer.take("dataBlocked"), []);
  // The same limit again is no answer to it; the peer's BLOCKED at the present limit is none to us.
  peer.send(frame(0x14, 1_048_576));
  peer.send(frame(0x14, 1_048_576));
  assertEquals(peer.take("maxData"), []);
  peer.send(frame(0x14, 5));
  assertEquals(peer.take("maxData").map(({ values }) => values[0]), [1_048_576]);
});

Deno.test("a reader that never reads holds no more than the window, and its peer waits", () => {
  const transfer = createTransfer({
    faults: { delay: 10 },
    up: 5_000_000,
    server: { window: { initial: 100_000, max: 100_000 } },
  });
  const { client, server, network } = transfer;
  server.reads = false;
  network.run(120_000);
  assertEquals([server.read, transfer.over], [0, false]);
  assert(server.memory <= 100_000 + 2 * 16_384, `${server.memory}`);
  assert(client.memory <= UNSENT_BYTES_MAX + 100_000 + 600_000, `${client.memory}`);
  server.reads = true;
  transfer.finish();
});

Deno.test("pieces out of order take no more memory than the window, and no more holes than are allowed", () => {
  const peer = new RawPeer({ options: { window: { initial: 100_000, max: 100_000 } } });
  let number = 0;
  for (let offset = 1; offset < 40_000; offset += 2) {
    peer.endpoint.receive(peer.now, "10.0.0.9:9", peer.packet(data(offset, text("x")), number++));
  }
  peer.collect();
  const { memory } = peer.connection.stats();
  assert(memory <= 100_000 + 16_384, `${memory}`);
  assertEquals(peer.closeCode, undefined);
  // A packet whose bytes had no room was not acknowledged.
  const acked = peer.take("ack").at(-1)!.values;
  assertEquals(acked[0] < number && acked[1] <= PIECES_MAX, true);
  // With the holes filled there is room again.
  for (let offset = 0; offset < 2 * PIECES_MAX; offset += 1000) {
    peer.send(data(offset, new Uint8Array(1000).fill(120)));
  }
  assertEquals(peer.closeCode, undefined);
  assert(peer.connection.readable >= 2 * PIECES_MAX);
});

Deno.test("the window grows to what the path carries, up to its bound, and not for a slow reader", () => {
  const flow = createReceiveFlow({ initial: 1000, max: 16_000 });
  assertEquals(flow.read(499, 10, 50), false);
  assertEquals(flow.read(500, 20, 50), true);
  assertEquals([flow.limit, flow.window], [1500, 1000]);
  let readTo = 500;
  for (let now = 40; now < 400; now += 40) flow.read(readTo = flow.limit, now, 50);
  assertEquals([flow.window, flow.limit], [16_000, readTo + 16_000]);
  const slow = createReceiveFlow({ initial: 1000, max: 16_000 });
  for (let now = 0; now < 10_000; now += 1000) slow.read(slow.limit, now, 50);
  assertEquals(slow.window, 1000);
});

Deno.test("what the owner does wrong is told at once", () => {
  const peer = new RawPeer();
  peer.send(PING);
  assertThrows(() => peer.connection.read(0), RangeError, "at least one");
  assertThrows(() => peer.connection.close(peer.now, 7), RangeError, "no close code");
  assertThrows(() => peer.endpoint.transmit(peer.now, new Uint8Array(1200)), RangeError, "1472");
  peer.connection.close(peer.now, 300, "enough");
  assertEquals(peer.connection.write(text("late")), 0);
  peer.collect();
  assertEquals(peer.take("close").map(({ values, text }) => [values[0], text]), [[300, "enough"]]);
});
