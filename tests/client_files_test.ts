/**
 * What stands between a client's transfers and the files of a program: sources that are slow, shrink or throw, streams that
 * are read slowly, not at all, or cancelled, deflate from an enemy; and breaks in the middle of all of it.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { CarrierLink } from "../client/files/carrier.ts";
import { deflate, inflate } from "../client/files/deflate.ts";
import { type FileContent, type FileSource, sourceOf } from "../client/files/file_source.ts";
import {
  createIncomingFile,
  type IncomingFile,
  type IncomingFileOptions,
} from "../client/files/incoming_file.ts";
import { createOutgoingFile } from "../client/files/outgoing_file.ts";
import { CHUNK_MAX } from "../protocol/catalogue.ts";
import type { DownloadOpened } from "../protocol/forum/reply.ts";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import { createNumbers } from "./garbage.ts";
import { join } from "./cuts.ts";
import { runs } from "./runs.ts";

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function noise(size: number): Uint8Array<ArrayBuffer> {
  return createNumbers(size + 1).bytes(size) as Uint8Array<ArrayBuffer>;
}

/** Lets all that can happen without the outside happen: a turn of the event loop, which no clock holds back. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// Sources

function streamOf(bytes: Uint8Array<ArrayBuffer>, cuts: readonly number[]): FileContent {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length]
    .sort((a, b) => a - b);
  const pieces = places.slice(1).map((end, at) => bytes.slice(places[at], end));
  return { size: bytes.length, stream: ReadableStream.from(pieces) };
}

Deno.test("every source gives its bytes, forwards, and again from what was not released", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(3000),
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.array(fc.record({ count: fc.integer({ min: 1, max: 700 }), back: fc.nat(900) })),
      fc.boolean(),
      async (size, cuts, steps, blob) => {
        const bytes = noise(size);
        const source = sourceOf(blob ? new Blob([bytes]) : streamOf(bytes, cuts));
        assertEquals(source.size, size);
        let at = 0;
        let most = 0;
        let released = 0;
        for (const { count, back } of [...steps, { count: 3000, back: 0 }]) {
          const into = new Uint8Array(count).fill(0xee);
          const got = await source.read(at, into);
          assert(got > 0 || at >= size, "0 only at the end");
          assertEquals(into.subarray(0, got), bytes.subarray(at, at + got));
          assertEquals(into.subarray(got), new Uint8Array(count - got).fill(0xee));
          most = Math.max(most, at + got);
          // After a break it is read again from where the server has got to.
          at = Math.max(released, at + got - back);
          released = Math.max(released, Math.min(at, most - 500));
          source.release?.(released);
        }
        source.close?.();
      },
    ),
    { numRuns: runs(50, 150) },
  );
});

Deno.test("a stream of very many very small pieces is read in one go over them", async () => {
  const pieces = 200_000;
  let copies = 0;
  class Counted extends Uint8Array {
    override subarray(start?: number, end?: number): Uint8Array<ArrayBuffer> {
      copies++;
      return new Uint8Array(this).slice(start, end) as Uint8Array<ArrayBuffer>;
    }
  }
  const stream = ReadableStream.from(
    (function* () {
      for (let at = 0; at < pieces; at++) yield new Counted([at & 255, 1]);
    })(),
  );
  const source = sourceOf({ size: 2 * pieces, stream });
  let at = 0;
  while (at < 2 * pieces) {
    at += await source.read(at, new Uint8Array(CHUNK_MAX));
    // The other side stores late: all the while much is kept.
    source.release!(Math.max(0, at - 4 * CHUNK_MAX));
  }
  assertEquals(copies, pieces);
});

Deno.test("a stream cannot go back to what was released, and says what to do", async () => {
  const source = sourceOf(streamOf(noise(1000), [100, 200]));
  await source.read(0, new Uint8Array(1000));
  await source.read(100, new Uint8Array(1000));
  source.release!(150);
  await source.read(100, new Uint8Array(1));
  await assertRejects(
    async () => await source.read(99, new Uint8Array(1)),
    Error,
    "upload it anew",
  );
});

// Deflate

Deno.test("what is deflated comes back, and what does not shrink below the limit is not deflated", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.nat(3000), async (bytes, most) => {
      const right = deflateRawSync(bytes);
      const packed = await deflate(bytes, most);
      if (packed === undefined) return assert(right.length > most - 20);
      assert(packed.length <= most);
      assertEquals(new Uint8Array(inflateRawSync(packed)), bytes);
      assertEquals(await inflate(packed, bytes.length), bytes);
    }),
    { numRuns: runs(100, 400) },
  );
});

for (
  const [what, bytes, raw] of [
    ["a bomb", deflateRawSync(new Uint8Array(64 << 20)), CHUNK_MAX],
    ["a byte too much", deflateRawSync(new Uint8Array(1001)), 1000],
    ["a byte too few", deflateRawSync(new Uint8Array(999)), 1000],
    ["no deflate", noise(500), 1000],
    ["an end that is cut off", deflateRawSync(noise(900)).subarray(0, 850), 900],
    ["something behind the end", join([deflateRawSync(new Uint8Array(900)), noise(9)]), 900],
    ["nothing", new Uint8Array(0), 900],
  ] as const
) {
  Deno.test(`inflating ${what} gives nothing, and no more than was promised`, async () => {
    assertEquals(await inflate(new Uint8Array(bytes), raw), undefined);
  });
}

Deno.test("inflating garbage gives what was promised, or nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 60 }),
      fc.integer({ min: 1, max: 600 }),
      async (bytes, raw) => {
        const inflated = await inflate(bytes, raw);
        assert(inflated === undefined || inflated.length === raw);
      },
    ),
    { numRuns: runs(100, 400) },
  );
});

// Uploads

/** A link that notes what a carrier does. */
class Noted implements CarrierLink {
  readonly given: { bytes: Uint8Array; raw?: number }[] = [];
  readonly ends: string[] = [];
  readonly failures: unknown[] = [];
  readonly cancels: string[] = [];
  stored_ = 0;
  readonly keeps: string[] = [];

  provide(frame: Uint8Array, raw?: number): void {
    // Whoever gives a frame must not change it before it has left.
    this.given.push({ bytes: frame, ...raw !== undefined && { raw } });
  }
  end(sha256: string): void {
    this.ends.push(sha256);
  }
  stored(count: number): void {
    this.stored_ += count;
  }
  kept(sha256: string): void {
    this.keeps.push(sha256);
  }
  cancel(status: string): void {
    this.cancels.push(status);
  }
  fail(error: unknown): void {
    this.failures.push(error);
  }
}

/** The bytes of the file that a frame stands for. */
function plainOf({ bytes, raw }: { bytes: Uint8Array; raw?: number }): Uint8Array {
  if (raw === undefined) return bytes.subarray(FRAME_HEADER_BYTES);
  const plain = inflateRawSync(bytes.subarray(FRAME_HEADER_BYTES + 4));
  assertEquals(plain.length, raw);
  return new Uint8Array(plain);
}

/** A source whose reads end when a test says so. */
class SlowSource implements FileSource {
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly #waiting: (() => void)[] = [];
  released = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = bytes.length;
  }

  read(offset: number, into: Uint8Array): Promise<number> {
    assert(offset >= this.released, "what was released is read again");
    const piece = this.bytes.subarray(offset, offset + Math.min(into.length, 40_000));
    return new Promise((resolve) =>
      this.#waiting.push(() => {
        into.set(piece);
        resolve(piece.length);
      })
    );
  }

  release(offset: number): void {
    this.released = Math.max(this.released, offset);
  }

  get reading(): boolean {
    return this.#waiting.length > 0;
  }

  /** The oldest read ends. */
  async go(): Promise<void> {
    this.#waiting.shift()?.();
    await turn();
  }
}

Deno.test("an upload gives the bytes that the present link wants, whatever was being read for the one before", async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("want" as const), bytes: fc.nat(150_000) }),
    },
    { weight: 8, arbitrary: fc.record({ do: fc.constant("read" as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("open" as const), part: fc.nat(1000) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const) }) },
  );
  let late = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 1, 70_000, 300_000),
      fc.boolean(),
      fc.array(step, { maxLength: 40 }),
      async (size, deflates, steps) => {
        const source = new SlowSource(size % 2 === 0 ? noise(size) : new Uint8Array(size));
        const link = new Noted();
        const carrier = createOutgoingFile({ source, link, onStored() {} });
        let from = 0;
        let wanted = 0;
        let left = 0;
        /** Everything of this link is right; gives where it has got to. */
        const look = (): number => {
          let at = from;
          for (const frame of link.given) {
            const plain = plainOf(frame);
            assertEquals(plain, source.bytes.subarray(at, at + plain.length));
            at += plain.length;
          }
          assert(at - from <= wanted, "more is given than was wanted");
          assertEquals(link.ends.length, at === size && link.ends.length > 0 ? 1 : 0);
          assertEquals(link.failures, []);
          return at;
        };
        const open = async (part: number) => {
          look();
          if (source.reading) late++;
          link.given.length = link.ends.length = 0;
          from = Math.max(source.released, Math.floor((size * part) / 1000));
          wanted = left = 0;
          carrier.opened({ offset: from, upto: size, deflate: deflates });
          await turn();
        };
        const want = async (bytes: number) => {
          const more = Math.min(bytes, size - from - wanted);
          if (more === 0) return;
          // Frames that have left may be used again, and so they are spoiled.
          let written = from;
          for (const frame of link.given.splice(0, left)) {
            written += plainOf(frame).length;
            frame.bytes.fill(0xa5);
          }
          wanted += more - (written - from);
          from = written;
          left = 0;
          carrier.event({ what: "wanted", id: 1, bytes: more, written });
          await turn();
        };
        await open(0);
        for (const step of steps) {
          if (step.do === "want") await want(step.bytes);
          else if (step.do === "read") await source.go();
          else if (step.do === "open") await open(step.part);
          else left = Math.max(0, link.given.length - 1);
          look();
        }
        await want(size);
        while (source.reading) await source.go();
        await turn();
        look();
        assertEquals(link.ends, [sha256Of(source.bytes)]);
      },
    ),
    { numRuns: runs(60) },
  );
  assert(late > 0, "no link broke while something was read");
});

Deno.test("a source that has become shorter ends the upload with a sentence", async () => {
  for (const end of [0, 1, 65_536, 99_999]) {
    const bytes = noise(end);
    const link = new Noted();
    const source: FileSource = {
      size: 100_000,
      read(offset, into) {
        const piece = bytes.subarray(offset, offset + into.length);
        into.set(piece);
        return piece.length;
      },
    };
    const carrier = createOutgoingFile({ source, link, onStored() {} });
    carrier.opened({ offset: 0, upto: 100_000, deflate: false });
    carrier.event({ what: "wanted", id: 1, bytes: 100_000, written: 0 });
    await turn();
    assertEquals(link.failures.map((error) => (error as Error).message), [
      "the file has become shorter while it was read",
    ]);
    assertEquals(link.ends, []);
  }
});

Deno.test("what a source throws, at once or later, is what the upload fails with", async () => {
  const trouble = new Error("the disk is gone");
  const sources: FileSource["read"][] = [
    () => {
      throw trouble;
    },
    () => Promise.reject(trouble),
    (offset, into) => offset < 50_000 ? Math.min(into.length, 50_000) : Promise.reject(trouble),
  ];
  for (const read of sources) {
    const link = new Noted();
    const carrier = createOutgoingFile({ source: { size: 70_000, read }, link, onStored() {} });
    carrier.opened({ offset: 0, upto: 70_000, deflate: false });
    carrier.event({ what: "wanted", id: 1, bytes: 70_000, written: 0 });
    await turn();
    assertEquals(link.failures, [trouble]);
    carrier.over(trouble);
    // Whatever comes late does nothing.
    carrier.event({ what: "wanted", id: 1, bytes: 1, written: 0 });
    await turn();
    assertEquals([link.failures.length, link.ends.length], [1, 0]);
  }
});

Deno.test("a stream that fails fails the upload with what it failed with", async () => {
  const trouble = new Error("the pipe broke");
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(1000));
    },
    pull(controller) {
      controller.error(trouble);
    },
  });
  const link = new Noted();
  const source = sourceOf({ size: 5000, stream });
  const carrier = createOutgoingFile({ source, link, onStored() {} });
  carrier.opened({ offset: 0, upto: 5000, deflate: false });
  carrier.event({ what: "wanted", id: 1, bytes: 5000, written: 0 });
  await turn();
  assertEquals(link.failures, [trouble]);
  source.close!();
});

// Downloads

/** A download that comes by hand. */
class Coming {
  readonly link = new Noted();
  readonly bytes: Uint8Array;
  readonly taken: number[] = [];
  readonly #carrier;
  file!: IncomingFile;
  #at = 0;

  constructor(
    bytes: Uint8Array,
    { offset = 0, ...options }: Pick<IncomingFileOptions, "have" | "take"> & { offset?: number } =
      {},
  ) {
    this.bytes = bytes;
    this.#at = offset;
    this.#carrier = createIncomingFile({
      link: this.link,
      ...options,
      onOpened: (file) => this.file = file,
      onTaken: (count) => this.taken.push(count),
    });
    this.open();
  }

  open(): void {
    const row: DownloadOpened = {
      seq: 1,
      name: "f",
      by: "Ada",
      at: 0,
      size: this.bytes.length,
      type: "a/b",
      sha256: sha256Of(this.bytes),
      offset: this.#at,
      deflate: true,
    };
    this.#carrier.opened(row);
  }

  /** So many bytes come, deflated or as they are. */
  come(count: number, packed = false): void {
    const offset = this.#at;
    const plain = this.bytes.slice(offset, offset + count);
    this.#at += plain.length;
    if (plain.length === 0) return;
    const bytes = packed ? new Uint8Array(deflateRawSync(plain)) : plain;
    const raw = packed ? { raw: plain.length } : {};
    this.#carrier.event({ what: "data", id: 1, offset, bytes, ...raw });
    // The next bytes come into the same array.
    bytes.fill(0xa5);
  }

  finish(sha256 = sha256Of(this.bytes)): void {
    this.#carrier.event({ what: "finish", id: 1, finish: { sha256 } });
  }

  over(error?: unknown): void {
    this.#carrier.over(error);
  }

  /** Garbage that promises so many bytes. */
  garble(raw: number): void {
    this.#carrier.event({ what: "data", id: 1, offset: this.#at, bytes: noise(20), raw });
  }
}

/** Does something as in a browser that has no streams of bytes. */
function withoutByteStreams<T>(act: () => T): T {
  const name = "ReadableByteStreamController";
  const there = Object.getOwnPropertyDescriptor(globalThis, name)!;
  Reflect.deleteProperty(globalThis, name);
  try {
    return act();
  } finally {
    Object.defineProperty(globalThis, name, there);
  }
}

Deno.test("a download gives its bytes in their order, deflated or not, and takes what is taken", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(9000),
      fc.array(fc.record({ count: fc.nat(2000), packed: fc.boolean(), turns: fc.nat(2) })),
      fc.nat(1000),
      fc.boolean(),
      async (size, pieces, part, old) => {
        const bytes = noise(size);
        const offset = Math.floor((size * part) / 1000);
        const have = sourceOf(new Blob([bytes.slice(0, offset)]));
        const make = () => new Coming(bytes, { have, offset });
        const coming = old ? withoutByteStreams(make) : make();
        const read = new Response(coming.file.stream).arrayBuffer();
        for (
          const { count, packed, turns } of [...pieces, { count: size, packed: true, turns: 0 }]
        ) {
          coming.come(count, packed);
          for (let times = 0; times < turns; times++) await turn();
        }
        coming.finish();
        while (coming.link.keeps.length === 0) await turn();
        coming.over();
        assertEquals(new Uint8Array(await read), bytes.subarray(offset));
        assertEquals(coming.link.stored_, size - offset);
        assertEquals([coming.taken[0], coming.taken.at(-1)], [offset, size]);
        assertEquals([coming.link.cancels, coming.link.failures], [[], []]);
      },
    ),
    { numRuns: runs(60) },
  );
});

Deno.test("what is taken on the spot does not come by the stream, and both together are the file", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(9000),
      fc.array(
        fc.record({
          count: fc.nat(2000),
          packed: fc.boolean(),
          turns: fc.nat(2),
          here: fc.boolean(),
        }),
      ),
      async (size, pieces) => {
        const bytes = noise(size);
        const whole = new Uint8Array(size);
        const left: (readonly [number, number])[] = [];
        // What is deflated is offered later, in its turn.
        const here = new Map<number, boolean>();
        const take = (bytes: Uint8Array, at: number) => {
          if (!here.get(at)) left.push([at, bytes.length]);
          else whole.set(bytes, at);
          return here.get(at)!;
        };
        const coming = new Coming(bytes, { take });
        const read = new Response(coming.file.stream).arrayBuffer();
        let at = 0;
        const last = { count: size, packed: false, turns: 0, here: true };
        for (const { count, packed, turns, ...piece } of [...pieces, last]) {
          here.set(at, piece.here);
          at = Math.min(size, at + count);
          coming.come(count, packed);
          for (let times = 0; times < turns; times++) await turn();
        }
        coming.finish();
        while (coming.link.keeps.length === 0) await turn();
        coming.over();
        const streamed = new Uint8Array(await read);
        let given = 0;
        for (const [at, count] of left) {
          whole.set(streamed.subarray(given, given + count), at);
          given += count;
        }
        assertEquals([whole, given], [bytes, streamed.length]);
        assertEquals([coming.link.stored_, coming.taken.at(-1)], [size, size]);
        assertEquals([coming.link.cancels, coming.link.failures], [[], []]);
      },
    ),
    { numRuns: runs(60) },
  );
});

Deno.test("what is taken on the spot is told together, also right before the end", async () => {
  const coming = new Coming(noise(1000), { take: () => true });
  for (const count of [100, 150]) coming.come(count);
  assertEquals(coming.taken, [0]);
  await turn();
  assertEquals([coming.taken, coming.link.stored_], [[0, 250], 250]);
  coming.come(50);
  coming.over(new Error("cut"));
  assertEquals(coming.taken, [0, 250, 300]);
});

Deno.test("who takes on the spot, or is told of it, may throw: the download fails with it", async () => {
  const trouble = new Error("the disk is full");
  const take = () => {
    throw trouble;
  };
  const coming = new Coming(noise(9), { take });
  assertThrows(() => coming.come(4), Error, "the disk is full");
  coming.come(5, true);
  while (coming.link.failures.length === 0) await turn();
  const told = new Coming(noise(9), { take: () => true });
  told.taken.push = take;
  told.come(9);
  await turn();
  assertEquals([coming.link.failures, told.link.failures], [[trouble], [trouble]]);
});

Deno.test("a reader's own arrays are filled in order, however they are cut and whenever they come", async () => {
  const pieces = fc.array(fc.record({ count: fc.nat(2000), packed: fc.boolean() }));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(9000),
      pieces,
      fc.array(fc.record({ size: fc.integer({ min: 1, max: 3000 }), share: fc.nat(100) }), {
        minLength: 1,
      }),
      fc.integer({ min: 1, max: 3 }),
      async (size, pieces, arrays, waiting) => {
        const bytes = noise(size);
        const coming = new Coming(bytes);
        const reader = coming.file.stream.getReader({ mode: "byob" });
        let asked = 0;
        const read = () => {
          const { size, share } = arrays[asked++ % arrays.length];
          const min = Math.max(1, Math.floor((size * share) / 100));
          return reader.read(new Uint8Array(size), { min });
        };
        const got: number[] = [];
        const taking = (async () => {
          const reads = Array.from({ length: waiting }, read);
          for (;;) {
            const { value, done } = await reads.shift()!;
            got.push(...value ?? []);
            if (done) return;
            reads.push(read());
          }
        })();
        for (const { count, packed } of [...pieces, { count: size, packed: false }]) {
          coming.come(count, packed);
          if (count % 3 === 0) await turn();
        }
        coming.finish();
        while (coming.link.keeps.length === 0) await turn();
        coming.over();
        await taking;
        assertEquals(Uint8Array.from(got), bytes);
        assertEquals([coming.link.stored_, coming.taken.at(-1)], [size, size]);
        assertEquals([coming.link.cancels, coming.link.failures], [[], []]);
      },
    ),
    { numRuns: runs(60) },
  );
});

Deno.test("law 8: of a download that nobody reads nothing is taken, and what is read slowly is taken slowly", async () => {
  const coming = new Coming(noise(300_000));
  for (let at = 0; at < 3; at++) coming.come(65_536);
  await turn();
  assertEquals(coming.link.stored_, 0, "nobody has read");
  const reader = coming.file.stream.getReader();
  for (let at = 1; at <= 3; at++) {
    await reader.read();
    await turn();
    assertEquals(coming.link.stored_, at * 65_536);
  }
  // Somebody waits: then the next chunk goes through at once.
  const next = reader.read();
  coming.come(65_536);
  assertEquals(coming.link.stored_, 4 * 65_536);
  assertEquals((await next).value?.length, 65_536);
  coming.over(new Error("it is over"));
  await assertRejects(() => reader.read(), Error, "it is over");
});

Deno.test("a download that is cancelled gives it up, whatever is under way", async () => {
  for (const waiting of [false, true]) {
    const coming = new Coming(noise(300_000));
    const reader = coming.file.stream.getReader();
    if (waiting) void reader.read();
    else coming.come(65_536);
    coming.come(65_536, true);
    const closed = reader.cancel("no more of this");
    assertEquals(coming.link.cancels, ["cancelled"]);
    coming.come(65_536, true);
    coming.over(new Error("cancelled"));
    coming.come(65_536);
    await closed;
    await turn();
    assertEquals(coming.link.keeps, []);
  }
});

Deno.test("DESIGN §13: a file is not reported received that is not whole: the stream ends only when it is", async () => {
  const coming = new Coming(noise(1000));
  const reader = coming.file.stream.getReader();
  coming.come(1000);
  assertEquals((await reader.read()).value?.length, 1000);
  let ended = false;
  const end = reader.read().then((result) => {
    ended = true;
    return result;
  });
  await turn();
  assertEquals(ended, false, "all bytes are there, and nobody has said that they are right");
  coming.finish("0".repeat(64));
  await turn();
  assertEquals([coming.link.cancels, coming.link.keeps], [["bad-content"], []]);
  coming.over(new Error("bad-content"));
  await assertRejects(() => end, Error, "bad-content");
});

Deno.test("deflate that is none, and a `have` that shrinks or is something else, fail the download", async () => {
  const bad = new Coming(noise(1000));
  bad.garble(600);
  while (bad.link.cancels.length === 0) await turn();
  assertEquals(bad.link.cancels, ["bad-content"]);

  const shrunk: FileSource = { size: 500, read: () => 0 };
  const shorter = new Coming(noise(1000), { have: shrunk, offset: 500 });
  await turn();
  assertEquals((shorter.link.failures[0] as Error).message.includes("shorter"), true);

  const other = new Coming(noise(1000), { have: sourceOf(new Blob([noise(500)])), offset: 500 });
  other.come(500);
  other.finish();
  while (other.link.cancels.length === 0) await turn();
  assertEquals([other.link.cancels, other.link.keeps], [["bad-content"], []]);
});

Deno.test("what comes together is given and taken together, where a reader waits with an array", async () => {
  const coming = new Coming(noise(1000));
  const reader = coming.file.stream.getReader({ mode: "byob" });
  const read = () => reader.read(new Uint8Array(300));
  const reads = [read(), read()];
  for (const count of [100, 150, 200]) coming.come(count);
  const first = [await reads[0], await reads[1]].map(({ value }) => value!.length);
  assertEquals([first, coming.taken], [[300, 150], [0, 300, 450]]);
  const next = read();
  coming.come(50);
  await turn();
  assertEquals((await next).value!.length, 50);
  const cancelled = read();
  coming.come(50);
  await reader.cancel();
  assertEquals([(await cancelled).value, coming.taken.at(-1)], [undefined, 500]);
  assertEquals([coming.link.cancels, coming.link.failures], [["cancelled"], []]);
});

Deno.test("what has come before a download fails is given, also if it fails in the same moment", async () => {
  const coming = new Coming(noise(1000));
  const reader = coming.file.stream.getReader({ mode: "byob" });
  const reading = reader.read(new Uint8Array(300));
  coming.come(100);
  coming.over(new Error("cut"));
  assertEquals((await reading).value!.length, 100);
  await assertRejects(() => reader.read(new Uint8Array(300)), Error, "cut");
  assertEquals([coming.taken, coming.link.failures], [[0, 100], []]);
});

Deno.test("who is told of progress may throw, also when an array is filled", async () => {
  const trouble = new Error("the bar is closed");
  for (const size of [9, 20]) {
    const coming = new Coming(noise(9));
    coming.taken.push = () => {
      throw trouble;
    };
    coming.file.stream.getReader({ mode: "byob" }).read(new Uint8Array(size));
    coming.come(9);
    await turn();
    assertEquals(coming.link.failures, [trouble]);
  }
});

Deno.test("who is told of progress may throw: the stream fails with it, and the transfer ends", async () => {
  const trouble = new Error("the bar is closed");
  const link = new Noted();
  let file!: IncomingFile;
  const carrier = createIncomingFile({
    link,
    onOpened: (opened) => file = opened,
    onTaken(count) {
      if (count > 0) throw trouble;
    },
  });
  const row = { seq: 1, name: "f", by: "Ada", at: 0, type: "a/b", sha256: "0".repeat(64) };
  carrier.opened({ ...row, size: 9, offset: 0, deflate: false });
  carrier.event({ what: "data", id: 1, offset: 0, bytes: new Uint8Array(9) });
  await assertRejects(() => new Response(file.stream).arrayBuffer(), Error, "the bar is closed");
  assertEquals(link.failures, [trouble]);
});
