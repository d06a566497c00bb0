/**
 * Uploads and what they are made of: sources that are slow, shrink or throw, deflate both ways, and breaks in the middle of
 * all of it.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { deflate, inflate } from "../client/files/deflate.ts";
import { type FileContent, type FileSource, sourceOf } from "../client/files/file_source.ts";
import { createOutgoingFile } from "../client/files/outgoing_file.ts";
import { CHUNK_MAX } from "../protocol/catalogue.ts";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import { noise, Noted, sha256Of, turn } from "./carrier_scene.ts";
import { join } from "./cuts.ts";
import { runs } from "./runs.ts";

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
