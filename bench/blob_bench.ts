/**
 * The store of files on a disk: 256 MiB written, hashed and kept, and read back; beside the same in bare
 * file calls of this thread.
 *
 * The disk decides most of it: compare within one run. What is written is flushed, but what is read is
 * in memory.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { CHUNK_BYTES, PULLS_MAX } from "../server/blob/blob_store.ts";
import { openDiskStore } from "../server/blob/disk_store.ts";

const MIB = 1024 * 1024;
const SIZE = 256 * MIB;
/** How much of an upload is under way at a time. */
const WINDOW = 4 * MIB;

const folder = Deno.makeTempDirSync({ prefix: "dfp-bench-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const store = await openDiskStore({ folder: `${folder}/files` });

const piece = new Uint8Array(MIB);
for (let at = 0; at < MIB; at += CHUNK_BYTES) {
  crypto.getRandomValues(piece.subarray(at, at + CHUNK_BYTES));
}
const words = new TextEncoder().encode("Do or do not. There is no try. ".repeat(2115)).subarray(
  0,
  CHUNK_BYTES,
);
const packed = new Uint8Array(deflateRawSync(words, { level: 1 }));

function digest(part: Uint8Array): string {
  const hash = createHash("sha256");
  for (let at = 0; at < SIZE; at += part.length) hash.update(part);
  return hash.digest("hex");
}
const digests = { noise: digest(piece), words: digest(words) };

/** Writes the file in arrays of `size` bytes, each made by `next`, as fast as it is stored. */
function write(
  sha256: string,
  size: number,
  next: (writer: ReturnType<typeof store.write>) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sent = 0;
  let stored = 0;
  const fill = () => {
    for (; sent < SIZE && sent - stored < WINDOW; sent += size) next(writer);
    if (stored === SIZE) writer.finish(sha256);
  };
  const writer = store.write(1, { size: SIZE }, {
    opened: fill,
    stored(count) {
      stored += count;
      fill();
    },
    kept: () => resolve(),
    failed: ({ text }) => reject(new Error(text)),
  });
  return promise;
}

/** Reads the file to its end. */
function read(sha256: string, deflate: boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const reader = store.read(sha256, { offset: 0, deflate }, {
    opened() {},
    block({ bytes }) {
      reader.pull();
      bytes.buffer.transfer(0);
    },
    end: resolve,
    failed: ({ text }) => reject(new Error(text)),
  });
  for (let pulls = 0; pulls < PULLS_MAX; pulls++) reader.pull();
  return promise;
}

const remove = (sha256: string) => new Promise<void>((done) => store.remove(sha256, () => done()));

/** What the same costs without a store. */
function writeBare(): void {
  using file = Deno.openSync(`${folder}/bare`, { create: true, truncate: true, write: true });
  const hash = createHash("sha256");
  for (let at = 0; at < SIZE; at += MIB) {
    file.writeSync(piece);
    hash.update(piece);
  }
  hash.digest();
  file.syncDataSync();
}

function readBare(): void {
  using file = Deno.openSync(`${folder}/bare`);
  const into = new Uint8Array(CHUNK_BYTES);
  while (file.readSync(into) !== null);
}

/** Measures some work on the whole file, and tells gigabytes a second: the median of three rounds. */
async function measure(name: string, work: () => unknown, after?: () => unknown): Promise<void> {
  const rates: number[] = [];
  for (let round = 0; round < 3; round++) {
    const begun = performance.now();
    await work();
    rates.push(SIZE / 1e6 / (performance.now() - begun));
    await after?.();
  }
  console.log(`${name}: ${rates.sort((a, b) => a - b)[1].toFixed(2)} GB/s`);
}

const writeNoise = (size: number, sha256: string) =>
  write(sha256, size, (writer) => writer.write(piece.slice(0, size)));
const writePacked = () =>
  write(digests.words, CHUNK_BYTES, (writer) => writer.writePacked(packed.slice(), CHUNK_BYTES));

await measure("write and hash, bare", writeBare);
await measure("read, bare", readBare);
for (const size of [CHUNK_BYTES, 4 * CHUNK_BYTES, MIB]) {
  const sha256 = digest(piece.subarray(0, size));
  await measure(
    `write and hash, arrays of ${size / 1024} KiB`,
    () => writeNoise(size, sha256),
    () => remove(sha256),
  );
}
await writeNoise(MIB, digests.noise);
await measure("read", () => read(digests.noise, false));
await measure("read, deflating what does not shrink", () => read(digests.noise, true));
await measure("write and hash what comes deflated", writePacked, () => remove(digests.words));
await writePacked();
await measure("read, deflating what shrinks", () => read(digests.words, true));

const once = { n: 3, warmup: 0 };
Deno.bench({ ...once, name: "write, hash and keep 256 MiB: bare", group: "write", fn: writeBare });
Deno.bench({
  ...once,
  name: "write, hash and keep 256 MiB: store",
  group: "write",
  async fn() {
    await remove(digests.noise);
    await writeNoise(MIB, digests.noise);
  },
});
Deno.bench({ ...once, name: "read 256 MiB: bare", group: "read", fn: readBare });
Deno.bench({
  ...once,
  name: "read 256 MiB: store",
  group: "read",
  async fn() {
    await read(digests.noise, false);
  },
});
