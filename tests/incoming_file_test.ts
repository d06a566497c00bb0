/**
 * Downloads as streams, or taken on the spot: readers that are slow, bring their own arrays, cancel or never come; deflate
 * from an enemy, and what is not the file that it should be.
 *
 * @module
 */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { deflateRawSync } from "node:zlib";
import { type FileSource, sourceOf } from "../client/files/file_source.ts";
import {
  createIncomingFile,
  type IncomingFile,
  type IncomingFileOptions,
} from "../client/files/incoming_file.ts";
import type { DownloadOpened } from "../protocol/forum/reply.ts";
import { noise, Noted, sha256Of, turn } from "./carrier_scene.ts";
import { runs } from "./runs.ts";

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
