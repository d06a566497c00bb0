import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Side } from "../protocol/catalogue.ts";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import { HELD_BYTES_MAX, OPENING_LINE_MAX, TRANSMIT_HIGH_WATER } from "../protocol/link.ts";
import { encodeMessage, encodeText, FRAME_PAYLOAD_MAX } from "../protocol/message.ts";
import type { StatusName } from "../protocol/status.ts";
import { attend, type Party, party, record, type Script, script } from "./connection_owners.ts";
import { FRAME } from "./connection_scene.ts";
import { anyPlaces, byteByByte, cutAt, inEveryCut, join } from "./cuts.ts";
import { createNumbers, garbage, mutate, type Numbers } from "./garbage.ts";
import { runs } from "./runs.ts";

const SIDES = ["server", "client"] as const;
const other = (side: Side): Side => side === "server" ? "client" : "server";

// Law 1

/** A frame that is put between those of a session, most of them where they do not belong. */
const EXTRAS: readonly Uint8Array[] = [
  encodeMessage({ kind: "ping", id: 1, body: {} }),
  encodeMessage({ kind: "pong", id: 1, body: {} }),
  encodeText(0xff, 1, "later"),
  encodeText(0x10, 5, '{"op":"post"}'),
  encodeText(0x10, 5, "{"),
  encodeText(0x7f, 0, ""),
  encodeText(0x01, 0, '{"version":2,"agent":"","features":[]}'),
  encodeText(0x11, 1, "{}"),
  encodeText(0x02, 0, "[]"),
  encodeMessage({ kind: "bye", id: 0, body: { code: 2025, reason: "" } }),
];

/** A session's bytes with something wrong in it, or nothing. */
type Spoil =
  | { readonly how: "not" }
  | { readonly how: "extra"; readonly at: number; readonly frame: Uint8Array }
  | { readonly how: "mutate"; readonly seed: number }
  | { readonly how: "cut off"; readonly at: number };

const spoil: fc.Arbitrary<Spoil> = fc.oneof(
  fc.constant({ how: "not" as const }),
  fc.record({
    how: fc.constant("extra" as const),
    at: fc.nat(20),
    frame: fc.constantFrom(...EXTRAS),
  }),
  fc.record({ how: fc.constant("mutate" as const), seed: fc.integer() }),
  fc.record({ how: fc.constant("cut off" as const), at: fc.nat(5000) }),
);

function spoiled(bytes: Uint8Array, spoil: Spoil): Uint8Array {
  switch (spoil.how) {
    case "not":
      return bytes;
    case "mutate":
      return mutate(bytes, createNumbers(spoil.seed));
    case "cut off":
      return bytes.subarray(0, spoil.at % bytes.length);
    case "extra": {
      const places = frameStarts(bytes);
      const at = places[spoil.at % places.length];
      return join([bytes.subarray(0, at), spoil.frame, bytes.subarray(at)]);
    }
  }
}

/** Where the frames of a stream begin, and where it ends. */
function frameStarts(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const starts: number[] = [];
  let at = bytes.indexOf(0x0a) + 1;
  for (; at < bytes.length; at += FRAME_HEADER_BYTES + (view.getUint32(at) >>> 8)) starts.push(at);
  return [...starts, at];
}

/** What a party makes of a stream: everything that is told, with offsets, and everything that is written. */
function listen(
  chunks: readonly Uint8Array[],
  { side, script, lazy }: { side: Side; script: Script; lazy: boolean },
): { told: string[]; written: string } {
  const subject = party(side, script);
  const { connection } = subject;
  const told: string[] = [];
  const written: number[] = [];
  const look = () => {
    const seen = attend(subject, 0);
    told.push(...seen.told);
    written.push(...seen.written);
  };
  look();
  for (const chunk of chunks) {
    if (!connection.wantsRead) look();
    if (connection.state === "closed") break;
    const given = chunk.slice();
    connection.receive(given, 0);
    given.fill(0xa5);
    if (!lazy) look();
  }
  connection.receiveEnd(0);
  look();
  assertEquals(connection.state, "closed");
  return { told, written: written.join() };
}

for (const side of SIDES) {
  Deno.test(`law 1: transitions, faults and offsets of a ${side}'s whole session do not depend on the cuts`, () => {
    const met = { faults: 0, sessions: 0, files: 0, givenUp: 0 };
    fc.assert(
      fc.property(script, spoil, anyPlaces, fc.boolean(), (script, spoil, places, lazy) => {
        const bytes = spoiled(record(script)[other(side)], spoil);
        const whole = listen([bytes], { side, script, lazy: false });
        assertEquals(listen(cutAt(bytes, places), { side, script, lazy }), whole, "cuts");
        assertEquals(listen(byteByByte(bytes), { side, script, lazy: false }), whole, "bytes");
        if (whole.told.some((what) => what.includes('"offset"'))) met.faults++;
        if (whole.told.some((what) => what.includes('"to":"ready"'))) met.sessions++;
        if (whole.told.some((what) => what.includes('"what":"finish"'))) met.files++;
        if (whole.told.some((what) => what.includes('"what":"abort"'))) met.givenUp++;
      }),
      { numRuns: runs(60) },
    );
    assert(Object.values(met).every((count) => count > 0), JSON.stringify(met));
  });

  Deno.test(`law 1: a session with files, heard by a ${side}, can be cut in two at every place`, () => {
    const files = {
      attempts: ["token"],
      early: true,
      commands: 0,
      files: 5,
      leaves: true,
    } as const;
    const told = inEveryCut(
      record(files)[other(side)],
      (chunks) => listen(chunks, { side, script: files, lazy: false }).told,
    );
    const met = ["data", "wanted", "stored", "finish"];
    if (side === "client") met.push("abort");
    for (const what of met) {
      assert(told.some((line) => line.includes(`"what":"${what}"`)), `no file has met ${what}`);
    }
  });
}

// Law 3

/** Valid sessions, to be spoiled. */
const recorded = fc.sample(script, { numRuns: 60, seed: 2026 })
  .map((script) => ({ script, bytes: record(script) }));

/** How whoever stands behind a connection behaves. */
const MANNERS = ["eager", "lazy", "slow to answer", "slow to write"] as const;

/** What may wait to be written: what stops the work, and the answers to one more message. */
const PENDING_MAX = TRANSMIT_HIGH_WATER + 2048;
/** What may be taken in before anybody looks. */
const ROOM: Record<Side, number> = {
  server: Math.max(FRAME + FRAME_HEADER_BYTES, HELD_BYTES_MAX, OPENING_LINE_MAX),
  client: FRAME_PAYLOAD_MAX + FRAME_HEADER_BYTES,
};

/** What garbage has led to, so that it is known to get far enough. */
const led = { ready: 0, unexpected: 0, malformed: 0, harmless: 0, carried: 0, broken: 0 };

/** Gives garbage or a spoiled session to a connection, and checks all that can be seen from outside. */
function survive(side: Side, manner: typeof MANNERS[number], by: Numbers): void {
  const { script, bytes: sessions } = by.pick(recorded);
  const from = other(side);
  const bytes = by.below(3) === 0 ? garbage(from, by) : mutate(sessions[from], by);
  const subject = party(side, script, { heartbeat: 1000 });
  const { connection } = subject;
  let pulls = 0;
  let closed = 0;
  let ready = false;
  const answers = () => {
    if (manner === "slow to answer" && by.below(5) > 0) return;
    while (subject.act(0));
  };
  const look = () => {
    for (let what = subject.next(); what !== undefined; what = subject.next()) {
      assert(++pulls <= bytes.length + 50, "next() does not end");
      assertEquals(closed, 0, "something comes after `closed`");
      if (what.kind === "closed") {
        closed++;
        const { status, offset } = what.ending;
        if (offset === undefined) led.harmless++;
        else if (status === "unexpected") led.unexpected++;
        else led.malformed++;
      }
      if (what.to === "ready") ready = true;
      if (what.kind === "transfer" && what.event.what === "data") led.carried++;
      if (what.kind === "transfer" && what.event.what === "abort") led.broken++;
      answers();
    }
    answers();
  };
  const write = () => {
    if (manner === "slow to write" && by.below(30) > 0) return;
    connection.consumeTransmit(by.below(2) * connection.pendingTransmit);
  };
  look();
  let unseen = 0;
  for (let at = 0; at < bytes.length;) {
    if (!connection.wantsRead) {
      while (subject.act(0));
      connection.consumeTransmit(connection.pendingTransmit);
      look();
      unseen = 0;
      if (!connection.wantsRead) break;
    }
    const end = Math.min(bytes.length, at + 1 + by.below(by.pick([9, 100, 1000])));
    connection.receive(bytes.subarray(at, end), 0);
    unseen += end - at;
    at = end;
    if (connection.state !== "closing") assert(unseen <= ROOM[side] + 1000, "too much is taken in");
    if (manner !== "lazy" || by.below(20) === 0) {
      look();
      unseen = 0;
    }
    write();
    assert(connection.pendingTransmit <= PENDING_MAX, "too much waits to be written");
  }
  connection.receiveEnd(0);
  for (let rounds = 0; rounds < 20 && closed === 0; rounds++) {
    while (subject.act(0));
    connection.consumeTransmit(connection.pendingTransmit);
    look();
  }
  assertEquals([closed, connection.state, connection.wantsRead], [1, "closed", false]);
  if (ready) led.ready++;
}

// DFP_RUNS or CI decides: a hundred thousand inputs are made where CI is set.
Deno.test("law 3: whatever a peer sends, a connection tells it or ends: no throw, no hang, no memory beyond the limit", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SIDES),
      fc.constantFrom(...MANNERS),
      fc.integer(),
      (side, manner, seed) => survive(side, manner, createNumbers(seed)),
    ),
    { numRuns: runs(20) * 100 },
  );
  for (const [what, count] of Object.entries(led)) {
    assert(count > 0, `no input has led to: ${what}`);
  }
});

// Law 4

type Step =
  | { readonly do: "receive"; readonly bytes: number }
  | { readonly do: "end" | "break" | "answer" | "next" | "look" | "due" | "early" }
  | { readonly do: "time"; readonly ms: number }
  | { readonly do: "write"; readonly share: number }
  | { readonly do: "close"; readonly status: StatusName };

const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const step: fc.Arbitrary<Step> = fc.oneof(
  often(
    8,
    fc.record({ do: fc.constant("receive" as const), bytes: fc.oneof(fc.nat(300), fc.nat(5000)) }),
  ),
  often(6, fc.record({ do: fc.constantFrom("next", "look", "answer") })),
  often(3, fc.record({ do: fc.constantFrom("due", "early") })),
  often(
    2,
    fc.record({ do: fc.constant("time" as const), ms: fc.integer({ min: -500, max: 2500 }) }),
  ),
  often(
    3,
    fc.record({
      do: fc.constant("write" as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  ),
  often(
    1,
    fc.oneof(
      fc.record({ do: fc.constantFrom("end", "break") }),
      fc.record({
        do: fc.constant("close" as const),
        status: fc.constantFrom<StatusName>("goodbye", "shutting-down", "replaced"),
      }),
    ),
  ),
);

/** Steps in a good order: a session without mishaps comes to its files by them. */
const calm: readonly Step[] = Array.from({ length: 3000 }, (): Step[] => [
  { do: "receive", bytes: 20 },
  { do: "look" },
  { do: "answer" },
  { do: "answer" },
  { do: "look" },
  { do: "write", share: 1 },
]).flat();
const FILES: Script = { attempts: ["token"], early: true, commands: 0, files: 5, leaves: true };
const LAX = {
  heartbeat: 0,
  signInTimeout: 1e12,
  openTimeout: 1e12,
  idleTimeout: 0,
  commands: 8,
} as const;
const steps: fc.Arbitrary<readonly Step[]> = fc.array(step, { maxLength: 60, size: "max" });

/** A connection to which anything happens in any order. */
class Course {
  readonly #subject: Party;
  readonly #bytes: Uint8Array;
  #at = 0;
  #now = 0;
  #ended = false;
  readonly kinds: string[] = [];

  constructor(subject: Party, bytes: Uint8Array) {
    this.#subject = subject;
    this.#bytes = bytes;
  }

  get #connection() {
    return this.#subject.connection;
  }

  #next(): boolean {
    const what = this.#subject.next();
    if (what === undefined) return false;
    assert(!this.kinds.includes("closed"), `${what.kind} comes after \`closed\``);
    assert(
      what.kind === "closed" || !this.kinds.includes("closing"),
      `${what.kind} comes after \`closing\``,
    );
    assertEquals(what.to, this.#connection.state);
    this.kinds.push(what.kind);
    return true;
  }

  take(step: Step): void {
    const connection = this.#connection;
    switch (step.do) {
      case "receive": {
        const end = Math.min(this.#bytes.length, this.#at + step.bytes);
        if (!connection.wantsRead || this.#ended || end === this.#at) return;
        connection.receive(this.#bytes.subarray(this.#at, end), this.#now);
        this.#at = end;
        return;
      }
      case "end":
        this.#ended = true;
        return connection.receiveEnd(this.#now);
      case "break":
        this.#ended = true;
        return connection.receiveBreak(this.#now);
      case "next":
        return void this.#next();
      case "look":
        while (this.#next());
        return;
      case "answer":
        return void this.#subject.act(this.#now);
      case "time":
        // Now and then the clock is set back.
        this.#now += step.ms;
        return connection.handleTimeout(this.#now);
      case "write":
        return connection.consumeTransmit(Math.floor(connection.pendingTransmit * step.share));
      case "close":
        return connection.close(step.status, this.#now);
      case "due":
        return this.#due();
      case "early":
        return this.#early();
    }
  }

  /** Whoever waits for a time gets, at that time, bytes to write, a transition, or a later time. */
  #due(): void {
    const connection = this.#connection;
    const due = connection.timeout();
    if (due === undefined) return;
    this.#now = Math.max(this.#now, due);
    const { pendingTransmit } = connection;
    connection.handleTimeout(due);
    const then = connection.timeout();
    if (connection.pendingTransmit > pendingTransmit || then === undefined || then > due) return;
    assert(this.#next(), `nothing happens at ${due}`);
  }

  #early(): void {
    const connection = this.#connection;
    while (this.#next());
    const due = connection.timeout();
    if (due === undefined || due <= this.#now) return;
    const seen = () => [
      connection.state,
      connection.timeout(),
      connection.pendingTransmit,
      connection.wantsRead,
    ];
    const before = seen();
    for (const at of [-1, Math.floor((this.#now + due) / 2), due - 1]) {
      connection.handleTimeout(Math.min(at, due - 1));
      assertEquals(connection.next(), undefined);
      assertEquals(seen(), before);
    }
    this.#now = due - 1;
  }

  /** Lets it end, by time alone if nobody else ends it. */
  finish(): void {
    const connection = this.#connection;
    while (this.#next());
    connection.close("goodbye", this.#now);
    for (let rounds = 0; connection.timeout() !== undefined; rounds++) {
      assert(rounds < 5, "the ending does not come");
      this.#due();
      while (this.#next());
    }
    while (this.#subject.act(this.#now));
    connection.close("goodbye", this.#now);
    connection.handleTimeout(this.#now + 1e6);
    assertEquals(connection.next(), undefined);
    assertEquals(this.kinds.filter((kind) => kind === "closed").length, 1);
    assertEquals(this.kinds.at(-1), "closed");
    assertEquals(
      [connection.timeout(), connection.wantsRead, connection.pendingTransmit],
      [undefined, false, 0],
    );
    assertEquals(connection.peekTransmit().length, 0);
  }
}

for (const side of SIDES) {
  Deno.test(`law 4: a ${side}'s \`closed\` comes exactly once and last, time always makes progress, and too early does nothing`, () => {
    const counts = new Map<string, number>();
    fc.assert(
      fc.property(
        script,
        spoil,
        fc.record({
          heartbeat: fc.constantFrom(0, 300, 1000),
          signInTimeout: fc.constantFrom(100, 3000, 1e12),
          openTimeout: fc.constantFrom(100, 3000, 1e12),
          idleTimeout: fc.constantFrom(0, 50, 700),
          commands: fc.constantFrom(1, 2, 8),
        }),
        steps,
        (script, spoil, options, steps) => {
          const bytes = spoiled(record(script)[other(side)], spoil);
          const course = new Course(party(side, script, options), bytes);
          for (const step of steps) course.take(step);
          course.finish();
          for (const kind of course.kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
        },
      ),
      // One is sure to come to files.
      { numRuns: runs(200), examples: [[FILES, { how: "not" }, LAX, calm]] },
    );
    const wanted = side === "server" ? ["command"] : ["granted", "done"];
    wanted.push("transfer", "closing");
    for (const kind of wanted) assert((counts.get(kind) ?? 0) > 0, `no run has met ${kind}`);
  });
}
