/**
 * What only the store in memory has: a disk that survives it, faults, and the same again every time.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createMemoryDisk, type MemoryDisk } from "../server/blob/memory_disk.ts";
import { type MemoryStore, openMemoryStore } from "../server/blob/memory_store.ts";
import {
  contents,
  download,
  has,
  noise,
  sha256Of,
  startUpload,
  statusOf,
  upload,
  uploads,
} from "./blob_scene.ts";
import { runs } from "./runs.ts";
import { createRandom } from "./simulation/random.ts";
import { createScheduler } from "./simulation/scheduler.ts";

const open = (disk: MemoryDisk) => openMemoryStore(disk, { later: queueMicrotask });

Deno.test("a store in memory does one step at a time, when it is let", () => {
  const disk = createMemoryDisk();
  const steps: (() => void)[] = [];
  const store = openMemoryStore(disk, { later: (run) => steps.push(run) });
  const { writer, told } = startUpload(store, 1, { size: 3 });
  assertEquals([steps.length, disk.partials.size], [1, 0]);
  steps.shift()!();
  assertEquals([steps.length, disk.partials.size, told], [1, 1, []], "done, but not told");
  steps.shift()!();
  assertEquals([steps.length, told], [0, ["opened"]]);
  writer.write(noise(3));
  writer.finish(sha256Of(noise(3)));
  while (disk.kept.size === 0) {
    assertEquals([steps.length, told], [1, ["opened"]]);
    steps.shift()!();
  }
  assertEquals([disk.kept.size, told], [1, ["opened"]], "kept, but not told");
});

Deno.test("whenever a store in memory dies, its disk has what was told, and perhaps more", () => {
  const file = noise(5000);
  const sha256 = sha256Of(file);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 }),
      fc.nat(40),
      (cuts, life) => {
        const disk = createMemoryDisk();
        const steps: (() => void)[] = [];
        const store = openMemoryStore(disk, { later: (run) => steps.push(run), now: () => 77 });
        let stored = 0;
        let kept = false;
        const writer = store.write(1, { size: file.length }, {
          opened() {
            let at = 0;
            for (const cut of cuts) {
              writer.write(file.slice(at, at + cut));
              at += Math.min(cut, file.length - at);
            }
            writer.write(file.slice(at));
            writer.finish(sha256);
          },
          stored: (count) => stored += count,
          kept: () => kept = true,
          failed: ({ text }) => {
            throw new Error(text);
          },
        });
        for (let step = 0; step < life && steps.length > 0; step++) steps.shift()!();
        store.abandon();
        const before = [stored, kept];
        while (steps.length > 0) steps.shift()!();
        assertEquals([stored, kept], before, "the dead tell nothing");
        const whole = disk.kept.get(sha256);
        const length = disk.partials.get(1)?.length ?? whole?.bytes.length ?? 0;
        assert(length >= stored);
        if (kept) assert(whole !== undefined);
        if (whole !== undefined) {
          assertEquals([sha256Of(whole.bytes), whole.at, disk.partials.size], [sha256, 77, 0]);
        }
      },
    ),
    { numRuns: runs() },
  );
});

Deno.test("a cut of the power takes ends of uploads, never contents, and the rest goes on", async () => {
  const file = noise(10_000);
  const kept = noise(500, 2);
  let lost = 0;
  for (let seed = 0; seed < 20; seed++) {
    const disk = createMemoryDisk();
    const store = open(disk);
    await upload(store, 1, kept);
    const started = startUpload(store, 2, { size: file.length });
    await started.opened;
    started.writer.write(file.slice(0, 3000));
    started.writer.write(file.slice(3000, 6000));
    await started.until(6000);
    store.abandon();
    disk.powerCut(createRandom(seed));
    const next = open(disk);
    const again = startUpload(next, 2, { size: file.length });
    const offset = await again.opened as number;
    assert(offset <= 6000);
    lost += 6000 - offset;
    again.writer.write(file.slice(offset));
    again.writer.finish(sha256Of(file));
    assertEquals(await again.over, file.length);
    assertEquals(await has(next, sha256Of(kept)), kept.length);
    assertEquals(sha256Of((await download(next, sha256Of(file))).bytes), sha256Of(file));
  }
  assert(lost > 0, "or it would be no power cut");
});

Deno.test("a full disk in memory takes what fits, and goes on when there is room", async () => {
  const disk = createMemoryDisk();
  const store = open(disk);
  await upload(store, 1, noise(600));
  disk.capacity = 1000;
  const file = noise(900, 2);
  assertEquals(statusOf(await upload(store, 2, file)), "storage-full");
  assertEquals([disk.used, await uploads(store)], [1000, [2]]);
  assertEquals(statusOf(await upload(store, 3, noise(1))), "storage-full");
  assertEquals((await download(store, sha256Of(noise(600)))).bytes.length, 600);
  disk.capacity = Infinity;
  const again = startUpload(store, 2, { size: 900 });
  assertEquals(await again.opened, 400);
  again.writer.write(file.slice(400));
  again.writer.finish(sha256Of(file));
  assertEquals(await again.over, 900);
  assertEquals((await contents(store)).length, 2);
});

Deno.test("a store in memory does the same again in virtual time", () => {
  const play = (seed: number): string[] => {
    const scheduler = createScheduler();
    const random = createRandom(seed);
    const later = (run: () => void) => void scheduler.after(random.between(0, 9), run);
    const store: MemoryStore = openMemoryStore(createMemoryDisk(), { later });
    const told: string[] = [];
    const tell = (what: string) => told.push(`${scheduler.now} ${what}`);
    for (const number of [1, 2, 3]) {
      const file = noise(number * 100);
      const writer = store.write(number, { size: file.length }, {
        opened(offset) {
          tell(`${number} opened ${offset}`);
          writer.write(file);
          writer.finish(number === 2 ? "0".repeat(64) : sha256Of(noise(number * 100)));
        },
        stored: (count) => tell(`${number} stored ${count}`),
        kept: (size) => tell(`${number} kept ${size}`),
        failed: ({ status }) => tell(`${number} ${status}`),
      });
    }
    store.contents("", 9, (list) => tell(`${list.length} contents`));
    scheduler.runUntil(10_000);
    return told;
  };
  assertEquals(play(1), play(1));
  assertEquals(play(1).length, 10);
  assert(play(1).join() !== play(2).join());
});
