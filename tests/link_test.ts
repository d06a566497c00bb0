import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CHUNK_MAX, type Side } from "../protocol/catalogue.ts";
import { encodeFrame, readFrame } from "../protocol/frame.ts";
import {
  createLink,
  HELD_BYTES_MAX,
  LINGER,
  type Link,
  type LinkInput,
  SILENT_HEARTBEATS,
  TRANSMIT_HIGH_WATER,
} from "../protocol/link.ts";
import { BANNER, encodeMessage, type Message, parseMessage, PREFACE } from "../protocol/message.ts";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { STATUS } from "../protocol/status.ts";
import { LEND_BYTES } from "../protocol/transfer/transfers.ts";
import { join, pullAll } from "./cuts.ts";
import { runs } from "./runs.ts";

const encoder = new TextEncoder();
const HEARTBEAT = 15_000;

function link(options: Partial<Parameters<typeof createLink>[0]> = {}): Link {
  return createLink({ side: "server", frame: 4096, heartbeat: HEARTBEAT, now: 0, ...options });
}

/** A link that has heard its peer's first line. */
function opened(options: Partial<Parameters<typeof createLink>[0]> = {}): Link {
  const made = link(options);
  made.receive(encoder.encode(PREFACE), options.now ?? 0);
  assertEquals(made.pull(), { input: "line", line: "DFP/2" });
  return made;
}

/** Takes what waits to be written, as messages. */
function written(link: Link, side: Side = "server"): Message[] {
  const buffer = createReceiveBuffer();
  for (let bytes = link.peekTransmit(); bytes.length > 0; bytes = link.peekTransmit()) {
    buffer.append(bytes);
    link.consumeTransmit(bytes.length);
  }
  const messages: Message[] = [];
  for (;;) {
    const frame = readFrame(buffer, () => 0xff_ff_ff);
    if (frame === undefined) break;
    assert(!("tooLarge" in frame));
    const message = parseMessage(frame, side);
    assert(message !== undefined && message.kind !== "fault");
    messages.push(message);
  }
  assertEquals(buffer.length, 0);
  return messages;
}

const users = (id: number): Uint8Array =>
  encodeMessage({ kind: "command", id, body: { op: "users" } });
const ping = encodeMessage({ kind: "ping", id: 5, body: {} });
const bye = encodeMessage({ kind: "bye", id: 0, body: { code: STATUS.goodbye.code, reason: "" } });
const names = (inputs: LinkInput[]) => inputs.map(({ input }) => input);

// Time

Deno.test("DESIGN §5: a silent peer is asked after one heartbeat and after two, and given up after three", () => {
  const gap = fc.oneof(
    fc.nat(HEARTBEAT * 4),
    fc.constantFrom(0, 1, HEARTBEAT - 1, HEARTBEAT, HEARTBEAT + 1, 3 * HEARTBEAT - 1),
  );
  const heartbeat = fc.oneof(fc.constantFrom(0, 1, HEARTBEAT), fc.nat(60_000));
  fc.assert(
    fc.property(
      fc.array(gap, { maxLength: 12 }),
      heartbeat,
      fc.nat(9),
      (gaps, heartbeat, start) => {
        // The model: between two chunks of the peer, a ping at each whole heartbeat but the last.
        const expected: [number, string][] = [];
        let heard = start;
        let dead = false;
        for (const gap of [...gaps, SILENT_HEARTBEATS * heartbeat]) {
          for (let beat = 1; heartbeat > 0 && beat <= SILENT_HEARTBEATS && !dead; beat++) {
            const at = heard + beat * heartbeat;
            // A chunk that comes at the very moment comes after the timeout.
            if (at > heard + gap) break;
            dead = beat === SILENT_HEARTBEATS;
            expected.push([at, dead ? "silent" : "ping"]);
          }
          heard += gap;
        }

        const actual: [number, string][] = [];
        const subject = link({ heartbeat, now: start });
        let now = start;
        const until = (limit: number): boolean => {
          for (let due = subject.timeout(); due !== undefined && due <= limit;) {
            assert(due >= now, "a timeout lies in the past although nothing was late");
            now = due;
            subject.handleTimeout(now);
            for (const { kind } of written(subject)) actual.push([now, kind]);
            const input = subject.pull();
            if (input !== undefined) {
              actual.push([now, input.input]);
              return false;
            }
            due = subject.timeout();
          }
          now = limit;
          return true;
        };
        let alive = true;
        for (const gap of gaps) {
          alive = until(now + gap);
          if (!alive) break;
          subject.receive(new Uint8Array([0x41]), now);
          assertEquals(pullAll(subject), []);
        }
        if (alive) alive = until(now + SILENT_HEARTBEATS * heartbeat);
        assertEquals(actual, expected);
        assertEquals(alive, heartbeat === 0);
      },
    ),
    { numRuns: runs(200) },
  );
});

Deno.test("pings carry nonces that differ, and a PONG is a sign of life that nobody else sees", () => {
  const subject = opened();
  subject.handleTimeout(HEARTBEAT);
  subject.handleTimeout(2 * HEARTBEAT);
  const [one, two] = written(subject);
  assertEquals([one.kind, two.kind], ["ping", "ping"]);
  assert(one.id !== two.id);
  subject.receive(encodeMessage({ kind: "pong", id: two.id, body: {} }), 2 * HEARTBEAT + 5);
  assertEquals(pullAll(subject), []);
  assertEquals(subject.timeout(), 3 * HEARTBEAT + 5);
});

Deno.test("silence that is broken before it is pulled is no silence", () => {
  const subject = opened();
  for (let beat = 1; beat <= SILENT_HEARTBEATS; beat++) subject.handleTimeout(beat * HEARTBEAT);
  assertEquals(subject.timeout(), undefined);
  subject.receive(ping, 3 * HEARTBEAT + 1);
  assertEquals(names(pullAll(subject)), []);
  assertEquals(subject.timeout(), 4 * HEARTBEAT + 1);
});

Deno.test("a heartbeat of 0 is no heartbeat, and a changed one counts from what was heard last", () => {
  const subject = link({ side: "client", heartbeat: 0, now: 100 });
  assertEquals(subject.timeout(), undefined);
  subject.handleTimeout(1e9);
  assertEquals([subject.pendingTransmit, subject.pull()], [0, undefined]);
  const other = link({ side: "client", heartbeat: 0, now: 100 });
  other.heartbeat = 50;
  assertEquals(other.timeout(), 150);
});

Deno.test("a PING is answered with its nonce, and is no input", () => {
  const subject = opened();
  for (const id of [0, 7, 0xffff_ffff]) {
    subject.receive(encodeMessage({ kind: "ping", id, body: {} }), 0);
  }
  assertEquals(subject.pendingTransmit, 0, "inputs only queue");
  assertEquals(subject.pull(), undefined);
  assertEquals(written(subject), [0, 7, 0xffff_ffff].map((id) => ({ kind: "pong", id, body: {} })));
});

/** Something done to a link, time first. */
type Step =
  | { do: "receive"; bytes: Uint8Array; at: number }
  | { do: "receiveEnd" | "receiveBreak" | "handleTimeout" | "tick"; at: number }
  | { do: "consume" | "pull" | "end" | "endWith" | "hold" | "unhold" | "owe" | "pay" | "send" };

const moment = fc.oneof(
  fc.nat(200_000),
  fc.constantFrom(0, LINGER - 1, LINGER, HEARTBEAT - 1, HEARTBEAT, 3 * HEARTBEAT, -5, 1e12),
);
const someBytes = fc.oneof(
  fc.constantFrom(encoder.encode(PREFACE), ping, users(1), users(2), bye, new Uint8Array(0)),
  fc.uint8Array({ maxLength: 12 }),
  fc.array(fc.constant(ping), { minLength: 100, maxLength: 600 }).map(join),
);
const plainStep = fc.constantFrom(
  ...["consume", "consume", "pull", "pull", "end", "endWith", "hold", "unhold"] as const,
  ...["owe", "pay", "send"] as const,
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("receive"), bytes: someBytes, at: moment }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("receiveEnd", "handleTimeout", "handleTimeout", "tick", "receiveBreak"),
      at: moment,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: plainStep }) },
) as fc.Arbitrary<Step>;

function act(subject: Link, step: Step): LinkInput | undefined {
  switch (step.do) {
    case "receive":
      if (subject.wantsRead) subject.receive(step.bytes, step.at);
      break;
    case "receiveEnd":
    case "receiveBreak":
    case "handleTimeout":
    case "tick":
      subject[step.do](step.at);
      break;
    case "consume":
      subject.consumeTransmit(subject.peekTransmit().length);
      break;
    case "pull":
      return subject.pull();
    case "end":
      subject.end();
      break;
    case "endWith":
      subject.end("idle");
      break;
    case "hold":
    case "unhold":
      subject.held = step.do === "hold";
      break;
    case "owe":
    case "pay":
      subject.owing = step.do === "owe";
      break;
    case "send":
      subject.send({ kind: "done", id: 1, body: { text: "x".repeat(30_000) } });
  }
  return undefined;
}

const side = fc.constantFrom<Side>("server", "client");

Deno.test("law 4: whatever happens, handleTimeout(timeout()) makes progress", () => {
  fc.assert(
    fc.property(side, fc.array(step, { maxLength: 40, size: "max" }), (side, steps) => {
      const subject = link({ side });
      for (const step of steps) {
        const input = act(subject, step);
        if (input !== undefined && ["fault", "silent", "end"].includes(input.input)) {
          subject.end("goodbye");
        }
        // Whoever has a timeout to wait for gets, at that time, bytes to write, an input, or a later one.
        for (let again = 0; again < 5; again++) {
          const due = subject.timeout();
          if (due === undefined) break;
          const pending = subject.pendingTransmit;
          subject.handleTimeout(due);
          const then = subject.timeout();
          if (subject.pendingTransmit > pending || then === undefined || then > due) continue;
          const input = subject.pull();
          assert(input !== undefined, `nothing happens at ${due}`);
          if (input.input === "fault" || input.input === "silent" || input.input === "end") {
            subject.end("goodbye");
          }
        }
      }
    }),
    { numRuns: runs(200) },
  );
});

Deno.test("early timeouts do nothing", () => {
  fc.assert(
    fc.property(
      side,
      fc.array(step, { maxLength: 30, size: "max" }),
      part(),
      (side, steps, share) => {
        const subject = link({ side });
        for (const step of steps) act(subject, step);
        const due = subject.timeout();
        if (due === undefined || due <= subject.now) return;
        const { pendingTransmit, wantsRead } = subject;
        const early = subject.now + Math.floor((due - 1 - subject.now) * share);
        for (const at of [early, due - 1, -1e9, 0]) {
          subject.handleTimeout(at);
          assertEquals(subject.timeout(), due);
          assertEquals(subject.pendingTransmit, pendingTransmit);
          assertEquals(subject.wantsRead, wantsRead);
        }
      },
    ),
    { numRuns: runs(200) },
  );
});

function part(): fc.Arbitrary<number> {
  return fc.double({ min: 0, max: 1, noNaN: true });
}

Deno.test("time never goes back: an earlier moment is taken for the latest", () => {
  fc.assert(
    fc.property(side, fc.array(step, { maxLength: 40, size: "max" }), (side, steps) => {
      const clamped = link({ side });
      const plain = link({ side });
      let now = 0;
      for (const step of steps) {
        if ("at" in step) {
          if (step.do !== "receive" || clamped.wantsRead) now = Math.max(now, step.at);
          assertEquals(act(clamped, step), act(plain, { ...step, at: now }));
        } else assertEquals(act(clamped, step), act(plain, step));
        assertEquals(clamped.now, now);
        assertEquals(clamped.timeout(), plain.timeout());
        assertEquals(clamped.peekTransmit(), plain.peekTransmit());
        assertEquals(clamped.tick(now - 10), now);
      }
    }),
    { numRuns: runs(200) },
  );
});

// The ending

Deno.test("law 4: an ending brings `finished` exactly once and last, at the latest after LINGER", () => {
  const arrangement = fc.tuple(
    fc.array(step, { maxLength: 20, size: "max" }),
    fc.boolean(),
    fc.array(step, { maxLength: 20, size: "max" }),
  );
  fc.assert(
    fc.property(side, arrangement, (side, [before, told, after]) => {
      const subject = link({ side });
      for (const step of before) if (!step.do.startsWith("end")) act(subject, step);
      if (told) subject.end("shutting-down", "Bye.");
      else subject.end();
      assert(subject.ending);
      const late = subject.now + LINGER;
      const inputs: LinkInput[] = [];
      let done = false;
      const note = (input: LinkInput | undefined) => {
        if (input === undefined) return;
        assert(!done, `${input.input} comes after finished`);
        inputs.push(input);
        done = input.input === "finished";
      };
      for (const step of after) note(act(subject, step));
      subject.handleTimeout(late);
      for (let i = 0; i < 3; i++) note(subject.pull());
      if (!done) {
        // The clock may have passed `late` before; whatever was sent meanwhile is dropped then.
        subject.handleTimeout(Math.max(late, subject.now));
        for (let i = 0; i < 3; i++) note(subject.pull());
      }
      assertEquals(inputs, [{ input: "finished" }]);
      assertEquals([subject.timeout(), subject.wantsRead], [undefined, false]);
      subject.handleTimeout(late + 1e9);
      subject.receiveEnd(late);
      note(subject.pull());
    }),
    { numRuns: runs(300) },
  );
});

Deno.test("an ending writes BYE, throws away what comes, and ends with the peer's end", () => {
  const subject = opened({ now: 50 });
  subject.receive(users(1), 60);
  subject.end("idle", "Too long.");
  assertEquals(subject.timeout(), 60 + LINGER);
  subject.end("goodbye");
  assertEquals(subject.pull(), undefined);
  for (let i = 0; i < 1000; i++) {
    assert(subject.wantsRead);
    subject.receive(new Uint8Array(4096), 61);
  }
  assertEquals(subject.pull(), undefined);
  assertEquals(written(subject), [{
    kind: "bye",
    id: 0,
    body: { code: STATUS.idle.code, reason: "Too long." },
  }]);
  assertEquals(subject.pull(), undefined);
  subject.receiveEnd(70);
  assertEquals(subject.pull(), { input: "finished" });
  assertEquals([subject.pull(), subject.timeout()], [undefined, undefined]);
});

Deno.test("an ending does not wait for the end of a peer that has said BYE", () => {
  const subject = opened();
  subject.receive(bye, 0);
  assertEquals(names(pullAll(subject)), ["message"]);
  subject.end("goodbye");
  assertEquals(subject.pull(), undefined, "our BYE is not yet written");
  subject.consumeTransmit(subject.pendingTransmit);
  assertEquals([subject.pull(), subject.pull()], [{ input: "finished" }, undefined]);
});

Deno.test("an ending waits until BYE is written, though the peer has ended, but not for ever", () => {
  const subject = opened();
  subject.receiveEnd(10);
  assertEquals(pullAll(subject), [{ input: "end" }]);
  subject.end("goodbye");
  assertEquals(subject.pull(), undefined);
  subject.consumeTransmit(1);
  assertEquals(subject.pull(), undefined);
  subject.handleTimeout(10 + LINGER);
  assertEquals([subject.pendingTransmit, subject.pull()?.input], [0, "finished"]);
});

Deno.test("an ending without a status writes nothing of its own; the reason has a default", () => {
  const quiet = opened();
  quiet.end();
  assertEquals(quiet.pendingTransmit, 0);
  const told = opened();
  told.end("silent");
  assertEquals(written(told), [{
    kind: "bye",
    id: 0,
    body: { code: STATUS.silent.code, reason: STATUS.silent.text },
  }]);
});

Deno.test("a broken stream owes nobody anything", () => {
  const subject = opened();
  subject.owing = true;
  subject.send({ kind: "done", id: 1, body: {} });
  subject.receive(users(3), 1);
  subject.receiveBreak(2);
  assertEquals(subject.pendingTransmit, 0);
  assertEquals(names(pullAll(subject)), ["message", "end"]);
});

Deno.test("a released link is closed: no bytes, no time, no inputs", () => {
  const subject = opened();
  subject.receive(users(1), 0);
  subject.send({ kind: "done", id: 1, body: {} });
  subject.release();
  assertEquals([subject.pendingTransmit, subject.timeout()], [0, undefined]);
  assertEquals([subject.wantsRead, subject.pull()], [false, undefined]);
});

Deno.test("a chunk that was not wanted is the caller's mistake", () => {
  const subject = opened();
  subject.receiveEnd(0);
  assertThrows(() => subject.receive(users(1), 0), Error, "wantsRead");
});

// What is held back

Deno.test("held messages stay in order, only so many are taken in, and none is lost", () => {
  const subject = opened();
  subject.held = true;
  let given = 0;
  while (subject.wantsRead) subject.receive(users(++given), given);
  assert(given * users(1).length < HELD_BYTES_MAX + users(1).length, "too much is taken in");
  assertEquals(subject.pull(), undefined);
  subject.held = false;
  const heard = pullAll(subject).map((input) => input.input === "message" ? input.message.id : 0);
  assertEquals(heard, Array.from({ length: given }, (_, i) => i + 1));
  assert(subject.wantsRead);
});

Deno.test("messages can be held one by one", () => {
  const subject = opened();
  subject.receive(join([users(1), ping, users(2), users(3)]), 0);
  for (let id = 1; id <= 3; id++) {
    const input = subject.pull();
    assert(input?.input === "message" && input.message.id === id);
    subject.held = true;
    assertEquals(subject.pull(), undefined);
    subject.held = false;
  }
});

Deno.test("the end waits behind held messages, and so does a fault", () => {
  for (const [tail, expected] of [[[], "end"], [[1, 2], "fault"]] as const) {
    const subject = opened();
    subject.held = true;
    subject.receive(join([users(1), new Uint8Array(tail)]), 0);
    subject.receiveEnd(0);
    assertEquals(subject.pull(), undefined);
    subject.held = false;
    assertEquals(names(pullAll(subject)), ["message", expected]);
  }
});

Deno.test("the end is not told while replies are owed", () => {
  const subject = opened();
  subject.receive(users(1), 0);
  subject.receiveEnd(0);
  subject.owing = true;
  assertEquals(names(pullAll(subject)), ["message"]);
  subject.owing = false;
  assertEquals(pullAll(subject), [{ input: "end" }]);
  assertEquals(pullAll(subject), []);
});

Deno.test("law 8: with much to write nothing is read, and what was taken in comes when it is written", () => {
  for (const ended of [false, true]) {
    const subject = opened();
    subject.receive(join([users(1), users(2)]), 0);
    if (ended) subject.receiveEnd(0);
    subject.sendShared(new Uint8Array(TRANSMIT_HIGH_WATER));
    assertEquals(subject.pull(), undefined, "a message is given out above the high water");
    subject.consumeTransmit(1);
    const first = subject.pull();
    assert(first?.input === "message" && first.message.id === 1);
    subject.sendShared(new Uint8Array(1));
    assertEquals(subject.pull(), undefined);
    assertEquals(names(pullAll(subject)), ended ? ["message", "end"] : ["message"]);
  }
});

Deno.test("law 8: a peer that only pings and never reads is read no more", () => {
  const subject = opened();
  const pings = join(Array.from({ length: 512 }, () => ping));
  let taken = 0;
  while (subject.wantsRead) {
    subject.receive(pings, 0);
    taken += pings.length;
    assertEquals(subject.pull(), undefined);
    assert(taken < 1_000_000, "reading does not end");
  }
  assert(subject.pendingTransmit <= TRANSMIT_HIGH_WATER + ping.length);
  const answered: number = written(subject).length + pullAllPongs(subject);
  assertEquals(answered, taken / ping.length);
});

function pullAllPongs(subject: Link): number {
  let bytes = 0;
  assertEquals(pullAll(subject, (chunk) => bytes += chunk.length), []);
  return bytes / ping.length;
}

Deno.test("DESIGN §13: a dead client does not stay: one that has ended its side and reads nothing is given up", () => {
  for (const held of ["much to write", "replies owed"]) {
    const subject = opened();
    subject.receive(users(1), 0);
    subject.receiveEnd(0);
    if (held === "replies owed") subject.owing = true;
    else subject.sendShared(new Uint8Array(TRANSMIT_HIGH_WATER));
    for (let pulls = 0; pulls < 3; pulls++) subject.pull();
    for (let beat = 0; beat < SILENT_HEARTBEATS; beat++) {
      const due = subject.timeout();
      assert(due !== undefined, `with ${held}, nothing ever ends this connection`);
      subject.handleTimeout(due);
    }
    assertEquals(subject.pull(), { input: "silent" });
  }
});

// Which bytes

Deno.test("the opening line: without its end, whichever of the two it is", () => {
  for (const [bytes, line] of [["DFP/2\r\n", "DFP/2"], ["\n", ""], ["a\rb\r\r\n", "a\rb\r"]]) {
    const subject = link();
    subject.receive(encoder.encode(bytes), 0);
    assertEquals(subject.pull(), { input: "line", line });
  }
});

Deno.test("what is sent comes out in order: text, messages and shared frames", () => {
  const subject = link();
  subject.sendText(BANNER);
  subject.send({ kind: "done", id: 1, body: { a: "é" } });
  subject.sendShared(join([ping, ping]));
  subject.send({ kind: "bye", id: 0, body: { code: 1, reason: "" } });
  const bytes: Uint8Array[] = [];
  pullAll(subject, (chunk) => bytes.push(chunk));
  assertEquals(
    join(bytes),
    join([
      encoder.encode(BANNER),
      encodeMessage({ kind: "done", id: 1, body: { a: "é" } }),
      ping,
      ping,
      encodeMessage({ kind: "bye", id: 0, body: { code: 1, reason: "" } }),
    ]),
  );
});

Deno.test("lent memory is filled to within a chunk, what waits moves on with it, and nothing is read into what is not lent", () => {
  const lent: Uint8Array[] = [new Uint8Array(LEND_BYTES), new Uint8Array(LEND_BYTES)];
  const [first, second] = lent;
  const lender = { lending: false, takeLent: () => lent.shift() };
  const subject = opened({ frame: CHUNK_MAX, lender });
  assertEquals([subject.readInto(), lent.length], [undefined, 2]);
  lender.lending = true;
  const data = encodeMessage({ kind: "data", id: 9, body: { bytes: new Uint8Array(CHUNK_MAX) } });
  const payloads: Uint8Array[] = [];
  const read = (bytes: Uint8Array, memory: Uint8Array) => {
    const place = subject.readInto()!;
    assert(place.buffer === memory.buffer);
    place.set(bytes);
    subject.receive(place.subarray(0, bytes.length), 0);
    pull();
  };
  const pull = () => {
    for (let told = subject.pull(); told !== undefined; told = subject.pull()) {
      assert(told.input === "message" && told.message.kind === "data");
      payloads.push(told.message.body.bytes);
    }
  };
  subject.receive(data.subarray(0, 5), 0);
  read(data.subarray(5), first);
  for (let i = 0; i < 15; i++) read(data, first);
  // Less than a chunk is left now, but for a header.
  read(data.subarray(0, data.length - 1), first);
  assertEquals(payloads.length, 16);
  read(data.subarray(data.length - 1), second);
  assertEquals(payloads.map(({ buffer }) => buffer === first.buffer), [
    ...new Array(16).fill(true),
    false,
  ]);
  lender.lending = false;
  assertEquals(subject.readInto(), undefined);
  subject.receive(data, 0);
  pull();
  assert(payloads.at(-1)!.buffer !== second.buffer, "others use memory of their own");
});

Deno.test("what is told after all talk waits for it: a message stands behind at most one such frame", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant("talk"), fc.nat(200)), { maxLength: 60 }),
      (steps) => {
        let given = 0;
        const bulk = () => {
          given++;
          return encodeFrame(0x30, 9, new Uint8Array(100));
        };
        const link = createLink({ side: "client", frame: 1000, heartbeat: 0, now: 0, bulk });
        const read = createReceiveBuffer();
        /** Frames of bulk that were begun when each message was given, and came before it. */
        const begun: number[] = [];
        let came = 0;
        const take = (count: number) => {
          const bytes = link.peekTransmit().subarray(0, count);
          read.append(bytes);
          link.consumeTransmit(bytes.length);
          for (;;) {
            const frame = readFrame(read, () => 1000);
            if (frame === undefined || "tooLarge" in frame) return;
            if (frame.type === 0x30) came++;
            else assert(came <= begun.shift()!, "a message waited for a frame begun after it");
          }
        };
        for (const step of steps) {
          if (step === "talk") {
            link.send({ kind: "bye", id: 0, body: { code: 1, reason: "" } });
            begun.push(given);
          } else take(step as number);
          assert(link.pendingTransmit <= steps.length * 50, "bulk does not count as pending");
        }
        for (let i = 0; begun.length > 0; i++) {
          assert(i < 1000);
          take(50);
        }
      },
    ),
    { numRuns: runs(200) },
  );
});
