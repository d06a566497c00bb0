/**
 * What every store promises, on a disk and in memory.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { deflateRawSync } from "node:zlib";
import { FRAME_HEADER_BYTES } from "../protocol/frame.ts";
import { LEND_BYTES } from "../protocol/transfer/transfers.ts";
import {
  BATCH_BYTES,
  type BlobStore,
  BLOCK_CHUNKS,
  CHUNK_BYTES,
  HEADER_ROOM,
  isDigest,
  PULLS_MAX,
} from "../server/blob/blob_store.ts";
import { createBlockCutter } from "../server/blob/block.ts";
import { unpack } from "../server/blob/unpack.ts";
import {
  chunksOf,
  contents,
  discard,
  download,
  has,
  noise,
  prose,
  remove,
  sha256Of,
  startDownload,
  startUpload,
  statusOf,
  testStore,
  testStores,
  upload,
  uploads,
} from "./blob_scene.ts";
import { join } from "./cuts.ts";
import { runs } from "./runs.ts";

const EMPTY = sha256Of(new Uint8Array());
const MIB = 1024 * 1024;
/** What gives 64 MiB when nobody stops it. */
const bomb = () => new Uint8Array(deflateRawSync(new Uint8Array(64 * MIB)));

async function opened(store: BlobStore, number: number, size: number, packed = false) {
  const started = startUpload(store, number, { size, packed });
  assertEquals(await started.opened, 0);
  return started;
}

Deno.test("a chunk leaves room for exactly a frame's header", () => {
  assertEquals(HEADER_ROOM, FRAME_HEADER_BYTES);
  assertEquals(BATCH_BYTES, LEND_BYTES, "a batch can be lent to a connection");
});

testStore("a file of no bytes is a file", async (store) => {
  assertEquals(await upload(store, 1, new Uint8Array()), 0);
  assertEquals(await has(store, EMPTY), 0);
  const { opened, bytes, blocks } = await download(store, EMPTY);
  assertEquals([opened, bytes.length, blocks.length], [0, 0, 0]);
});

testStore("what is told comes in order, is exact, and ends with the end", async (store) => {
  const file = noise(200_000);
  const { writer, over, until, told } = await opened(store, 1, file.length);
  writer.write(file.slice(0, 100_000));
  writer.write(new Uint8Array());
  writer.write(file.slice(100_000));
  await until(file.length);
  assertEquals(told, ["opened", "stored", "stored"]);
  writer.finish(sha256Of(file));
  assertEquals(await over, file.length);
  writer.write(new Uint8Array(1));
  writer.finish(EMPTY);
  writer.close();
  await uploads(store);
  assertEquals(told, ["opened", "stored", "stored", "kept"]);
});

testStore("nothing is told of a writer that was closed, nor of a reader", async (store) => {
  const file = noise(300_000);
  await upload(store, 1, file);
  const first = startUpload(store, 2, { size: 10 });
  first.writer.close();
  const second = await opened(store, 3, file.length);
  second.writer.write(file.slice());
  second.writer.finish(sha256Of(file));
  second.writer.close();
  const told: string[] = [];
  const reader = store.read(sha256Of(file), { offset: 0, deflate: false }, {
    opened: () => told.push("opened"),
    block: () => told.push("block"),
    end: () => told.push("end"),
    failed: () => told.push("failed"),
  });
  reader.pull();
  reader.close();
  reader.pull();
  await uploads(store);
  await download(store, sha256Of(file));
  assertEquals([first.told, second.told, told], [[], ["opened"], []]);
});

testStore("an array that is written is taken over, and its neighbours with it", async (store) => {
  const whole = new Uint8Array([9, 9, 1, 2, 3, 9]);
  const bytes = whole.subarray(2, 5);
  const { writer, over } = await opened(store, 1, 3);
  writer.write(bytes);
  assertEquals([bytes.length, whole.length], [0, 0], "nobody can change it any more");
  writer.finish(sha256Of(new Uint8Array([1, 2, 3])));
  assertEquals(await over, 3);
});

testStore("a wrong hash, too few and too many bytes: nothing of them stays", async (store) => {
  const file = noise(70_000);
  assertEquals(statusOf(await upload(store, 1, file, EMPTY)), "bad-content");

  const short = await opened(store, 2, file.length);
  short.writer.write(file.slice(0, -1));
  short.writer.finish(sha256Of(file.slice(0, -1)));
  assertEquals(statusOf(await short.over), "bad-content");

  const long = await opened(store, 3, file.length - 1);
  long.writer.write(file.slice());
  long.writer.write(file.slice());
  long.writer.finish(sha256Of(file));
  assertEquals(statusOf(await long.over), "bad-content");
  assertEquals(long.told, ["opened", "failed"]);

  assertEquals([await uploads(store), await contents(store)], [[], []]);
  assertEquals(await upload(store, 1, file), file.length, "all can be tried again");
});

testStore("the same content twice is stored once", async (store) => {
  const file = noise(150_000);
  const started = await Promise.all([1, 2, 3].map((number) => opened(store, number, file.length)));
  for (const { writer } of started) {
    writer.write(file.slice());
    writer.finish(sha256Of(file));
  }
  assertEquals(await Promise.all(started.map(({ over }) => over)), Array(3).fill(file.length));
  assertEquals(await upload(store, 4, file), file.length);
  assertEquals((await contents(store)).map(({ sha256 }) => sha256), [sha256Of(file)]);
  assertEquals(await uploads(store), []);
  assertEquals(sha256Of((await download(store, sha256Of(file))).bytes), sha256Of(file));
});

testStore(
  "an upload has one writer: the one before is told that it was replaced",
  async (store) => {
    const file = noise(100_000);
    const first = await opened(store, 1, file.length);
    first.writer.write(file.slice(0, 60_000));
    const second = startUpload(store, 1, { size: file.length });
    assertEquals(await second.opened, 60_000, "what was on its way counts");
    first.writer.write(file.slice(60_000));
    first.writer.finish(sha256Of(file));
    assertEquals(statusOf(await first.over), "replaced");
    second.writer.write(file.slice(60_000));
    second.writer.finish(sha256Of(file));
    assertEquals(await second.over, file.length);
  },
);

testStore("what is being finished is finished, whoever opens or discards it", async (store) => {
  const file = noise(100_000);
  const first = await opened(store, 1, file.length);
  first.writer.write(file.slice());
  first.writer.finish(sha256Of(file));
  const second = startUpload(store, 1, { size: 5 });
  const third = startUpload(store, 1, { size: 6 });
  const gone = discard(store, 1);
  const fourth = startUpload(store, 1, { size: 7 });
  assertEquals(await first.over, file.length);
  assertEquals(statusOf(await second.over), "replaced");
  assertEquals(statusOf(await third.over), "replaced");
  assertEquals(await gone, undefined);
  assertEquals(await fourth.opened, 0);
  assertEquals(await has(store, sha256Of(file)), file.length);
});

testStore(
  "an upload that is longer than it should be begins anew, and so does one that is asked to",
  async (store) => {
    const first = await opened(store, 1, 10);
    first.writer.write(noise(10));
    first.writer.close();
    const again = startUpload(store, 1, { size: 10, from: "scratch" });
    assertEquals(await again.opened, 0);
    again.writer.write(noise(8, 2));
    again.writer.close();
    assertEquals(await startUpload(store, 1, { size: 8 }).opened, 8);
    assertEquals(await startUpload(store, 1, { size: 7 }).opened, 0);
  },
);

testStore("discarding ends the writer and takes the bytes", async (store) => {
  const first = await opened(store, 5, 10);
  first.writer.write(noise(4));
  assertEquals(await discard(store, 5), undefined);
  assertEquals(statusOf(await first.over), "replaced");
  assertEquals(await discard(store, 5), undefined, "twice is no fault");
  assertEquals(await uploads(store), []);
  assertEquals(await startUpload(store, 5, { size: 10 }).opened, 0);
});

testStore("many uploads and downloads go on side by side", async (store) => {
  const files = Array.from({ length: 8 }, (_, i) => noise(150_000 + i * 50_000, i + 1));
  for (const file of files.slice(0, 4)) await upload(store, 1, file);
  const reading = files.slice(0, 4).map((file) => download(store, sha256Of(file)));
  const writing = files.slice(4).map(async (file, number) => {
    const { writer, over, until } = await opened(store, number, file.length);
    for (let at = 0; at < file.length; at += 30_000) {
      writer.write(file.slice(at, at + 30_000));
      await until(Math.min(at + 30_000, file.length));
    }
    writer.finish(sha256Of(file));
    return over;
  });
  assertEquals(await Promise.all(writing), files.slice(4).map(({ length }) => length));
  const read = await Promise.all(reading);
  assertEquals(read.map(({ bytes }) => sha256Of(bytes)), files.slice(0, 4).map(sha256Of));
});

testStore("reading begins anywhere; behind the end and unknown files are faults", async (store) => {
  const file = join([noise(100_000), prose(300_000), noise(90_000, 2)]);
  const sha256 = sha256Of(file);
  await upload(store, 1, file);
  for (const deflate of [false, true]) {
    for (const offset of [0, 1, 65_535, 65_536, 99_999, 400_000, 489_999, 490_000]) {
      const { opened, bytes, blocks } = await download(store, sha256, { offset, deflate });
      assertEquals(opened, file.length);
      assert(
        bytes.length === file.length - offset && sha256Of(bytes) === sha256Of(file.slice(offset)),
      );
      for (const { chunks } of blocks) assert(chunks.length <= BLOCK_CHUNKS);
      const packed = blocks.flatMap(({ chunks }) => chunks).some(({ raw }) => raw !== undefined);
      assertEquals(packed, deflate && offset < 400_000, `${offset}`);
    }
  }
  const beyond = await download(store, sha256, { offset: file.length + 1 });
  assertEquals([statusOf(beyond.opened), beyond.bytes.length], ["bad-content", 0]);
  assertEquals(statusOf((await download(store, EMPTY)).opened), "no-file");
});

testStore(
  "a removed content is gone at once, but not for those who are reading it",
  async (store) => {
    const file = noise(3 * BLOCK_CHUNKS * CHUNK_BYTES);
    const sha256 = sha256Of(file);
    await upload(store, 1, file);
    const reading = startDownload(store, sha256);
    const parts = [await reading.next()];
    assertEquals(await remove(store, sha256), undefined);
    assertEquals(await remove(store, sha256), undefined, "twice is no fault");
    assertEquals([await has(store, sha256), await contents(store)], [undefined, []]);
    assertEquals(statusOf((await download(store, sha256)).opened), "no-file");
    assertEquals(await upload(store, 1, file), file.length, "the same content can come again");
    for (;;) {
      const block = await reading.next();
      if (!(block instanceof Uint8Array)) {
        assertEquals(block, "end");
        break;
      }
      parts.push(block);
    }
    assertEquals(sha256Of(join(parts as Uint8Array[])), sha256);
  },
);

testStore(
  "a content that somebody is finishing cannot be removed behind their back",
  async (store) => {
    const file = noise(100);
    await upload(store, 1, file);
    const { writer, over } = await opened(store, 2, file.length);
    writer.write(file.slice());
    writer.finish(sha256Of(file));
    const removed = remove(store, sha256Of(file));
    assertEquals(await over, file.length);
    assertEquals([await removed, await has(store, sha256Of(file))], [undefined, file.length]);
  },
);

testStore("contents are listed some at a time", async (store) => {
  const files = Array.from({ length: 23 }, (_, i) => noise(i, i + 1));
  for (const file of files) await upload(store, 1, file);
  const whole = await contents(store);
  const sizes = new Map(files.map((file) => [sha256Of(file), file.length]));
  assertEquals(whole.map(({ sha256 }) => sha256), [...sizes.keys()].sort());
  for (const { sha256, size } of whole) assertEquals(sizes.get(sha256), size);
  for (const count of [1, 5, 23, 24]) {
    const listed = [];
    for (let after = "";;) {
      const list = await contents(store, after, count);
      assert(list.length <= count);
      if (list.length === 0) break;
      listed.push(...list);
      after = list.at(-1)!.sha256;
    }
    assertEquals(listed, whole);
  }
  assertEquals(await contents(store, "", 0), []);
});

testStore("what is deflated must be exactly what was told", async (store) => {
  const plain = prose(CHUNK_BYTES);
  const packed = () => new Uint8Array(deflateRawSync(plain));
  const cases: [string, Uint8Array, number][] = [
    ["a bomb", bomb(), CHUNK_BYTES],
    ["a small bomb", bomb(), 1],
    ["longer", packed(), CHUNK_BYTES - 1],
    ["shorter", new Uint8Array(deflateRawSync(plain.subarray(1))), CHUNK_BYTES],
    ["cut", packed().slice(0, -1), CHUNK_BYTES],
    ["with something behind it", join([packed(), new Uint8Array(1)]), CHUNK_BYTES],
    ["garbage", noise(100), 100],
    ["nothing", new Uint8Array(), 1],
    ["of no bytes", new Uint8Array(deflateRawSync(new Uint8Array())), 0],
    ["beyond a chunk", new Uint8Array(deflateRawSync(prose(CHUNK_BYTES + 1))), CHUNK_BYTES + 1],
    ["of less than no bytes", packed(), -1],
  ];
  for (const [name, bytes, raw] of cases) {
    const { writer, over, told } = await opened(store, 1, 2 * CHUNK_BYTES, true);
    writer.writePacked(bytes, raw);
    assertEquals(statusOf(await over), "bad-content", name);
    assertEquals(told, ["opened", "failed"], name);
    assertEquals(await uploads(store), [], "nothing of it stays");
  }
  const { writer, over, until } = await opened(store, 1, CHUNK_BYTES, true);
  writer.writePacked(packed(), CHUNK_BYTES);
  await until(CHUNK_BYTES);
  writer.finish(sha256Of(plain));
  assertEquals(await over, CHUNK_BYTES);
});

testStore("a caller's mistakes throw", async (store) => {
  const nothing = { opened() {}, stored() {}, kept() {}, failed() {}, block() {}, end() {} };
  for (const wrong of ["", "../../etc/passwd", EMPTY.toUpperCase(), `${EMPTY}0`, `${EMPTY}\n`]) {
    assertThrows(() => store.has(wrong, () => {}), TypeError);
    assertThrows(() => store.remove(wrong, () => {}), TypeError);
    assertThrows(() => store.read(wrong, { offset: 0, deflate: false }, nothing), TypeError);
    if (wrong !== "") assertThrows(() => store.contents(wrong, 1, () => {}), TypeError);
  }
  for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53, "1" as unknown as number]) {
    assertThrows(() => store.write(wrong, { size: 1 }, nothing), RangeError);
    assertThrows(() => store.write(1, { size: wrong }, nothing), RangeError);
    assertThrows(() => store.discard(wrong, () => {}), RangeError);
    assertThrows(() => store.contents("", wrong, () => {}), RangeError);
    assertThrows(
      () => store.read(EMPTY, { offset: wrong, deflate: false }, nothing),
      RangeError,
    );
  }
  const { writer, opened, over } = startUpload(store, 1, { size: 1 });
  assertThrows(() => writer.write(new Uint8Array(1)), Error, "before `opened`");
  await opened;
  assertThrows(() => writer.finish("x"), TypeError);
  assertThrows(() => writer.writePacked(new Uint8Array(1), 1), Error, "opened for");
  const strangers = [new Uint8Array(1), new Uint8Array(1)];
  assertThrows(() => writer.write(...strangers), TypeError, "one buffer");
  writer.write(new Uint8Array(1));
  writer.finish(sha256Of(new Uint8Array(1)));
  assertThrows(() => writer.write(new Uint8Array(1)), Error, "after `finish`");
  assertEquals(await over, 1);
  const { reader } = startDownload(store, sha256Of(new Uint8Array(1)));
  for (let i = 0; i < PULLS_MAX; i++) reader.pull();
  assertThrows(() => reader.pull(), Error, "unanswered");
});

testStores(
  "closing ends readers and writers without a word, and lets finish what finishes",
  async (place) => {
    const file = noise(400_000);
    let store = await place.open();
    await upload(store, 1, file);
    const writing = await opened(store, 2, file.length);
    writing.writer.write(file.slice(0, 250_000));
    const finishing = await opened(store, 3, 5);
    finishing.writer.write(noise(5));
    finishing.writer.finish(sha256Of(noise(5)));
    const reading = startDownload(store, sha256Of(file));
    await reading.next();
    const answers = [has(store, EMPTY), remove(store, sha256Of(file))];
    const told = [...writing.told];
    const closing = store.close();
    assertEquals(store.close(), closing);
    assertThrows(() => store.uploads(() => {}), Error, "closed");
    assertThrows(() => store.write(9, { size: 1 }, {} as never), Error, "closed");
    await closing;
    assertEquals(await finishing.over, 5);
    assertEquals(await Promise.all(answers), [undefined, undefined]);
    writing.writer.write(noise(5));
    writing.writer.close();
    reading.reader.pull();
    assertEquals(writing.told, told);

    store = await place.open();
    assertEquals((await contents(store)).map(({ size }) => size), [5]);
    const again = startUpload(store, 2, { size: file.length });
    assertEquals(await again.opened, 250_000);
    again.writer.write(file.slice(250_000));
    again.writer.finish(sha256Of(file));
    assertEquals(await again.over, file.length);
    await store.close();
  },
);

Deno.test("blocks give back the file, whatever shrinks", () => {
  const piece = fc.record({ length: fc.nat(150_000), shrinks: fc.boolean() });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), fc.boolean(), (pieces, deflate) => {
      const file = join(
        pieces.map(({ length, shrinks }, i) => (shrinks ? prose : noise)(length, i + 1)),
      );
      const cutter = createBlockCutter(deflate);
      const parts: Uint8Array[] = [];
      for (let at = 0; at < file.length;) {
        const begun = at;
        const block = cutter.next(file.length - at, (into) => {
          into.set(file.subarray(at, at + into.length));
          at += into.length;
        });
        const plain = join(chunksOf(block));
        assertEquals(plain.length, Math.min(file.length - begun, BLOCK_CHUNKS * CHUNK_BYTES));
        parts.push(plain);
      }
      assertEquals(sha256Of(join(parts)), sha256Of(file));
    }),
    { numRuns: runs(50) },
  );
});

Deno.test("deflating stops being tried where nothing shrinks, and is tried again later", () => {
  const cutter = createBlockCutter(true);
  const packed: boolean[] = [];
  // Eight chunks that do not shrink, then only such as do.
  for (let chunk = 0; chunk < 80; chunk++) {
    const bytes = chunk < 8 ? noise(CHUNK_BYTES) : prose(CHUNK_BYTES);
    const { chunks } = cutter.next(CHUNK_BYTES, (into) => into.set(bytes));
    packed.push(chunks[0].raw !== undefined);
  }
  assertEquals(packed.indexOf(true), 8 + 64);
  assert(packed.slice(8 + 64).every((one) => one));
  // Seven are not enough, and one that shrinks in between begins the row anew.
  const other = createBlockCutter(true);
  for (let chunk = 0; chunk < 32; chunk++) {
    const shrinks = chunk % 8 === 7;
    const bytes = shrinks ? prose(CHUNK_BYTES) : noise(CHUNK_BYTES);
    const { chunks } = other.next(CHUNK_BYTES, (into) => into.set(bytes));
    assertEquals(chunks[0].raw !== undefined, shrinks, `chunk ${chunk}`);
  }
});

Deno.test("inflating gives what was deflated, or nothing", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat(CHUNK_BYTES).map((n) => prose(n))),
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: 1, max: 9 }),
      (plain, lie, level) => {
        const packed = new Uint8Array(deflateRawSync(plain, { level }));
        const given = unpack(packed, plain.length + lie);
        if (lie === 0 && plain.length > 0) assertEquals(given, plain);
        else assertEquals(given, undefined);
      },
    ),
    { numRuns: runs() },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer(), (garbage, raw) => {
      const given = unpack(garbage, raw);
      assert(given === undefined || given.length === raw);
    }),
    { numRuns: runs() },
  );
});

Deno.test("only 64 hex digits are a digest", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => assert(!isDigest(text))),
    { numRuns: runs() },
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      assert(isDigest(bytes.toHex()));
    }),
    { numRuns: runs() },
  );
});
