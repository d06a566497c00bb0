/**
 * What only the store on a disk has: files, a worker, rights.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { BlobRequest } from "../server/blob/blob_message.ts";
import { type BlobStore, BLOCK_CHUNKS, CHUNK_BYTES } from "../server/blob/blob_store.ts";
import { createDiskLayout, numberOf } from "../server/blob/disk_layout.ts";
import { openDiskStore } from "../server/blob/disk_store.ts";
import { createFolderSync } from "../server/blob/folder_sync.ts";
import { createSlices } from "../server/blob/slices.ts";
import {
  contents,
  discard,
  download,
  has,
  noise,
  remove,
  sha256Of,
  startDownload,
  startUpload,
  statusOf,
  upload,
  uploads,
} from "./blob_scene.ts";
import { runProgram } from "./end_to_end/processes.ts";
import { runs } from "./runs.ts";

const MIB = 1024 * 1024;
const ROOT = new URL("../", import.meta.url).pathname;

function testInFolder(name: string, play: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = Deno.makeTempDirSync({ prefix: "dfp-blob-" });
    try {
      await play(folder);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

/** All files in a folder, by their paths from it. */
function filesIn(folder: string, path = ""): string[] {
  return [...Deno.readDirSync(`${folder}/${path}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(folder, `${path}${name}/`) : [`${path}${name}`]
  ).sort();
}

const mode = (path: string) => Deno.statSync(path).mode! & 0o777;

testInFolder(
  "contents lie under their hashes and uploads under their numbers, for the owner only",
  async (folder) => {
    const store = await openDiskStore({ folder: `${folder}/made/files` });
    const file = noise(1000);
    const sha256 = sha256Of(file);
    await upload(store, 1, file);
    const started = startUpload(store, 4711, { size: 10 });
    await started.opened;
    started.writer.write(noise(3));
    await started.until(3);
    const files = `${folder}/made/files`;
    assertEquals(filesIn(files), [`kept/${sha256.slice(0, 2)}/${sha256}`, "partial/4711"]);
    assertEquals(Deno.readFileSync(`${files}/kept/${sha256.slice(0, 2)}/${sha256}`), file);
    assertEquals(Deno.readFileSync(`${files}/partial/4711`), noise(3));
    for (const path of ["", "/kept", "/partial", "/trash", `/kept/${sha256.slice(0, 2)}`]) {
      assertEquals(mode(files + path), 0o700, path);
    }
    for (const path of filesIn(files)) assertEquals(mode(`${files}/${path}`), 0o600, path);
    await store.close();
  },
);

testInFolder(
  "what is removed leaves its place at once, and the disk before the store is closed",
  async (folder) => {
    const store = await openDiskStore({ folder });
    const file = noise(1000);
    await upload(store, 1, file);
    await startUpload(store, 2, { size: 1 }).opened;
    await upload(store, 3, file, "0".repeat(64));
    await remove(store, sha256Of(file));
    await discard(store, 2);
    assertEquals(filesIn(folder).filter((path) => !path.startsWith("trash/")), []);
    await store.close();
    const left = filesIn(folder).length;
    assert(left < 3, "some are unlinked meanwhile");
    for (let starts = 0; starts < left; starts++) {
      await (await openDiskStore({ folder })).close();
      assert(filesIn(folder).length < left - starts, "every start goes on with it");
    }
  },
);

testInFolder("what was not made here is left alone, and harms nobody", async (folder) => {
  await openDiskStore({ folder }).then((store) => store.close());
  const strange = ["README", "-1", "01", "1e3", "9".repeat(30), "x".repeat(64)];
  for (const name of strange) {
    for (const place of ["partial", "trash", "kept"]) {
      Deno.writeTextFileSync(`${folder}/${place}/${name}`, "mine");
    }
  }
  Deno.mkdirSync(`${folder}/kept/ab`);
  for (const name of strange) Deno.writeTextFileSync(`${folder}/kept/ab/${name}`, "mine");
  const before = filesIn(folder);
  const store = await openDiskStore({ folder });
  assertEquals([await uploads(store), await contents(store)], [[], []]);
  await store.close();
  assertEquals(filesIn(folder), before);
});

testInFolder("a damaged content is replaced by a whole one", async (folder) => {
  const file = noise(5000);
  const sha256 = sha256Of(file);
  const store = await openDiskStore({ folder });
  await upload(store, 1, file);
  Deno.truncateSync(`${folder}/kept/${sha256.slice(0, 2)}/${sha256}`, 4000);
  assertEquals(await upload(store, 2, file), 5000);
  assertEquals((await download(store, sha256)).bytes, file);
  await store.close();
});

testInFolder("a content that shrinks while it is read is a fault, not an end", async (folder) => {
  const file = noise(MIB);
  const sha256 = sha256Of(file);
  const store = await openDiskStore({ folder });
  await upload(store, 1, file);
  const reading = startDownload(store, sha256);
  await reading.next();
  Deno.truncateSync(`${folder}/kept/${sha256.slice(0, 2)}/${sha256}`, 400_000);
  assertEquals(statusOf(await reading.next()), "internal");
  await store.close();
});

testInFolder("others go on while a large upload is hashed to be continued", async (folder) => {
  await (await openDiskStore({ folder })).close();
  // A hole: there is nothing on the disk, but every byte must be hashed.
  const size = 256 * MIB;
  Deno.createSync(`${folder}/partial/1`).close();
  Deno.truncateSync(`${folder}/partial/1`, size);
  const store = await openDiskStore({ folder });
  const file = noise(600_000);
  await upload(store, 2, file);
  let resumed = false;
  const large = startUpload(store, 1, { size });
  large.opened.then(() => resumed = true);
  // Nothing here waits for the disk, or for anything but its own turn.
  const small = startUpload(store, 3, { size: file.length });
  assertEquals(await small.opened, 0);
  small.writer.write(file.slice());
  await small.until(file.length);
  assertEquals((await download(store, sha256Of(file))).bytes.length, file.length);
  assert(!resumed, "a few of 256 slices are done by now");
  assertEquals(await large.opened, size);
  // Whoever comes in between takes the turn of the one before.
  const second = startUpload(store, 1, { size });
  const third = startUpload(store, 1, { size: 5 });
  assertEquals(statusOf(await second.over), "replaced");
  assertEquals(await third.opened, 0);
  await store.close();
});

/** Makes workers, and tells what they are asked. */
function watched(see: (request: BlobRequest) => void): () => Worker {
  return () => {
    const url = new URL("../server/blob/disk_worker.ts", import.meta.url);
    const worker = new Worker(url, { type: "module", name: "watched" });
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (message: unknown, transfer: unknown = []) => {
      if (Array.isArray(message)) message.forEach(see);
      post(message, transfer as Transferable[]);
    };
    return worker;
  };
}

/** Makes workers, and tells where they are asked to write; -1 where they know that themselves. */
function watchedWrites(): { asked: number[]; spawn: () => Worker } {
  const asked: number[] = [];
  const spawn = watched((request) => {
    if (request.op === "write") asked.push(request.place?.at ?? -1);
  });
  return { asked, spawn };
}

/** Uploads all of it, a thousand bytes at a time, each when what is before them is stored. */
async function uploadSlowly(store: BlobStore, number: number, file: Uint8Array): Promise<unknown> {
  const { writer, opened, until, over } = startUpload(store, number, { size: file.length });
  const begin = await opened as number;
  for (let at = begin; at < file.length; at += 1000) {
    writer.write(file.slice(at, at + 1000));
    await until(at + 1000 - begin);
  }
  writer.finish(sha256Of(file));
  return await over;
}

testInFolder(
  "uploads are written on the spot while one is alone and the disk quick, else by the worker from there on",
  async (folder) => {
    const { asked, spawn } = watchedWrites();
    let alone: () => boolean = () => true;
    let number = 0;
    const write = async (store: BlobStore) => {
      const file = noise(5000, ++number);
      assertEquals(await uploadSlowly(store, number, file), 5000);
      assertEquals((await download(store, sha256Of(file))).bytes, file);
      return asked.splice(0);
    };
    const quick = await openDiskStore({ folder, spawn, slow: Infinity, alone: () => alone() });
    assertEquals(await write(quick), []);
    alone = () => number % 2 === 0;
    assertEquals(await write(quick), []);
    assertEquals(await write(quick), [0, 1000, 2000, 3000, 4000]);
    let times = 0;
    alone = () => [1, 4].includes(times++);
    assertEquals(await write(quick), [0, 2000, 3000], "from the one to the other and back");
    alone = () => true;
    const begun = startUpload(quick, 99, { size: 2000 });
    await begun.opened;
    begun.writer.write(noise(2000, 99).slice(0, 1000));
    await begun.until(1000);
    const file = noise(2000, 99);
    assertEquals(await uploadSlowly(quick, 99, file), 2000);
    assertEquals([statusOf(await begun.over), asked.splice(0)], ["replaced", [-1]], "gone on with");
    await quick.close();

    const slow = await openDiskStore({ folder, spawn, slow: 0, alone });
    assertEquals(await write(slow), [2000, 3000, 4000]);
    assertEquals(await write(slow), [0, 1000, 2000, 3000, 4000], "it is not tried again at once");
    await slow.close();
  },
);

testInFolder(
  "on the spot nothing is written before what waits, or by whom another has replaced",
  async (folder) => {
    const { asked, spawn } = watchedWrites();
    let alone = false;
    const store = await openDiskStore({ folder, spawn, slow: Infinity, alone: () => alone });
    const file = noise(3000);
    const first = startUpload(store, 1, { size: file.length });
    await first.opened;
    first.writer.write(file.slice(0, 500));
    alone = true;
    first.writer.write(file.slice(500, 1000));
    await first.until(1000);
    assertEquals(asked, [0, 500]);
    first.writer.write(file.slice(1000, 1500));
    await first.until(1500);
    assertEquals(asked, [0, 500]);
    const second = startUpload(store, 1, { size: file.length });
    first.writer.write(new Uint8Array(500));
    assertEquals(await second.opened, 1500);
    assertEquals(statusOf(await first.over), "replaced");
    second.writer.write(file.slice(1500));
    second.writer.finish(sha256Of(file));
    assertEquals(await second.over, file.length);
    await store.close();
  },
);

testInFolder(
  "what cannot be written on the spot is left to the worker, which says why",
  async (folder) => {
    const store = await openDiskStore({ folder, alone: () => true });
    const { writer, opened, over, until } = startUpload(store, 7, { size: 2000 });
    await opened;
    // Somebody takes the file away before it is opened once more.
    Deno.removeSync(createDiskLayout(folder).partial(7));
    writer.write(noise(1000));
    await until(1000);
    writer.write(noise(1001));
    assertEquals(statusOf(await over), "bad-content");
    await store.close();
  },
);

testInFolder(
  "the worker reads only what is not at hand, from there on, and what comes deflated",
  async (folder) => {
    /** Where the worker was asked to begin. */
    const asked: number[] = [];
    const spawn = watched((request) => {
      if (request.op === "open-reader") asked.push(request.offset);
    });
    const file = noise(5 * BLOCK_CHUNKS * CHUNK_BYTES + 1);
    const sha256 = sha256Of(file);
    const expected = [
      { slow: Infinity, deflate: false, from: [] },
      { slow: 0, deflate: false, from: [7 + 2 * BLOCK_CHUNKS * CHUNK_BYTES] },
      { slow: Infinity, deflate: true, from: [7] },
    ];
    for (const { slow, deflate, from } of expected) {
      const store = await openDiskStore({ folder, spawn, slow });
      await upload(store, 1, file);
      // A disk that was slow is not tried again at once.
      for (const begin of [from, slow === 0 ? [7] : from]) {
        const { opened, bytes } = await download(store, sha256, { offset: 7, deflate });
        assertEquals([opened, sha256Of(bytes)], [file.length, sha256Of(file.slice(7))]);
        assertEquals(asked.splice(0), begin);
      }
      await store.close();
    }
  },
);

testInFolder(
  "a worker that breaks fails what is open, answers what is asked, and is replaced",
  async (folder) => {
    const workers: Worker[] = [];
    const faults: string[] = [];
    const spawn = () => {
      const url = new URL("../server/blob/disk_worker.ts", import.meta.url);
      const worker = new Worker(url, { type: "module", name: "made to break" });
      workers.push(worker);
      return worker;
    };
    const store = await openDiskStore({ folder, spawn, onFault: (why) => faults.push(why) });
    const file = noise(MIB);
    await upload(store, 1, file);
    const writing = startUpload(store, 2, { size: 100 });
    await writing.opened;
    writing.writer.write(noise(40));
    await writing.until(40);
    const reading = startDownload(store, sha256Of(file));
    await reading.next();
    // No batch of requests.
    workers[0].postMessage(null);
    const sizes = Promise.all([has(store, sha256Of(file)), uploads(store)]);
    assertEquals(statusOf(await writing.over), "internal");
    assertEquals(statusOf(await reading.next()), "internal");
    assertEquals(await sizes, [MIB, [2]], "asked again of a new worker");
    assertEquals([workers.length, faults.length], [2, 1]);
    writing.writer.write(noise(1));
    writing.writer.close();

    const again = startUpload(store, 2, { size: 100 });
    assertEquals(await again.opened, 40);
    workers[1].postMessage(null);
    assertEquals(statusOf(await again.over), "internal");
    assertEquals(workers.length, 2, "nobody asks, so there is none");
    assertEquals(await startUpload(store, 2, { size: 100 }).opened, 40);

    await store.close();
    assertEquals([workers.length, faults.length], [3, 2]);
  },
);

testInFolder("a folder that cannot be used is told with the reason", async (folder) => {
  Deno.writeTextFileSync(`${folder}/file`, "");
  const error = await assertRejects(() => openDiskStore({ folder: `${folder}/file/files` }), Error);
  assert(/^the files in .*\/file\/files cannot be used: .*[Nn]ot a directory/.test(error.message));
});

testInFolder(
  "folders that cannot be listed now end nothing: they count as empty",
  async (folder) => {
    const faults: string[] = [];
    const store = await openDiskStore({ folder, onFault: (why) => faults.push(why) });
    const file = noise(1000);
    await upload(store, 1, file);
    const { partials, keptFolders } = createDiskLayout(folder);
    for (const path of [partials, keptFolders]) {
      Deno.renameSync(path, `${path}-away`);
    }
    assertEquals([await uploads(store), await contents(store)], [[], []]);
    for (const path of [partials, keptFolders]) {
      Deno.renameSync(`${path}-away`, path);
    }
    assertEquals((await contents(store)).map(({ sha256 }) => sha256), [sha256Of(file)]);
    await store.close();
    assertEquals(faults, []);
  },
);

Deno.test("paths are made of digests and whole numbers only", () => {
  const layout = createDiskLayout("top");
  const anything = fc.oneof(
    // By chance two digits come up, which are a folder.
    fc.string({ unit: "binary" }).filter((text) => !/^[0-9a-f]{2}$/.test(text)),
    fc.constantFrom("..", "../x", "/etc/passwd", "ab/../../x", "", "AB".repeat(32), "con", "\0"),
    fc.double(),
    fc.constantFrom(-1, 1.5, 2 ** 53, NaN, null, undefined, [], {}),
  );
  fc.assert(
    fc.property(anything, (given) => {
      assertThrows(() => layout.kept(given as string), TypeError);
      assertThrows(() => layout.keptFolder(given as string), TypeError);
      const whole = Number.isSafeInteger(given) && (given as number) >= 0;
      for (const path of [layout.partial, layout.trashed]) {
        if (whole) assert(/^top\/(partial|trash)\/\d+$/.test(path(given as number)));
        else assertThrows(() => path(given as number), TypeError);
      }
    }),
    { numRuns: runs() },
  );
  fc.assert(
    fc.property(fc.maxSafeNat(), (number) => {
      assertEquals(numberOf(layout.partial(number).replace("top/partial/", "")), number);
    }),
    { numRuns: runs() },
  );
});

testInFolder(
  "a folder's names are synced again once they changed, and a failure is not the last word",
  async (folder) => {
    const sync = createFolderSync();
    const missing = `${folder}/later`;
    await assertRejects(() => sync.settled(missing), Deno.errors.NotFound);
    const together = [sync.settled(missing), sync.settled(missing)];
    for (const one of together) await assertRejects(() => one, Deno.errors.NotFound);
    Deno.mkdirSync(missing);
    await Promise.all([sync.settled(missing), sync.settled(missing)]);
    // Nothing has changed, so nothing is asked of the disk.
    Deno.removeSync(missing);
    await sync.settled(missing);
    sync.changed(missing);
    await assertRejects(() => sync.settled(missing), Deno.errors.NotFound);
  },
);

Deno.test("those who have long work take turns", async () => {
  const slices = createSlices();
  const order: string[] = [];
  await Promise.all(["a", "b", "c"].map((name, index) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = index + 1;
    slices.add(() => {
      order.push(name);
      if (--left > 0) return true;
      resolve();
      return false;
    });
    return promise;
  }));
  assertEquals(order.join(""), "abcbcc");
});

testInFolder(
  "a store needs the rights to its folder and to its own modules, no more, and lets the process end",
  async (folder) => {
    const run = async (readable: string) => {
      const program = runProgram({
        args: [
          `--allow-read=${readable}`,
          `--allow-write=${folder}`,
          "tests/blob_program.ts",
          folder,
        ],
      });
      const { code } = await program.exited;
      return [code, ...program.output.all];
    };
    assertEquals(await run(`${folder},server/blob,protocol/transfer`), [0, "the same"]);
    const [code, line] = await run(folder);
    assertEquals(code, 0);
    const expected = `the files in ${folder} cannot be used: Requires read access to ` +
      `"${ROOT}server/blob/disk_worker.ts"`;
    assert(String(line).startsWith(expected), String(line));
  },
);
