import { assert, assertEquals, assertGreater } from "@std/assert";
import type { BlobFault } from "../../server/blob/blob_store.ts";
import { openDiskStore } from "../../server/blob/disk_store.ts";
import {
  contents,
  discard,
  download,
  has,
  noise,
  sha256Of,
  startUpload,
  statusOf,
  type Upload,
  upload,
  uploads,
} from "../blob_scene.ts";
import { bounded } from "./bounded.ts";
import { mountMemory, mountTrouble } from "./mounts.ts";

const MIB = 1024 * 1024;
const DISK_MIB = 32;
const BALLAST_MIB = 20;
const LARGE_MIB = 20;

const trouble = await mountTrouble();
if (trouble !== undefined) {
  console.error(
    `\nTHE FULL DISK IS NOT TESTED HERE, since no small one can be mounted: ${trouble}\n`,
  );
}

for (const alone of [false, true]) {
  bounded(
    `a full disk: uploads are told and wait, reading goes on, uploads go on when there is room${
      alone ? ", also if it is met on the spot" : ""
    }`,
    { seconds: 60, ignore: trouble !== undefined },
    async (ending) => {
      const folder = await Deno.makeTempDir({ prefix: "dfp-blob-disk-full-" });
      ending(() => Deno.remove(folder, { recursive: true }));
      const disk = await mountMemory(`${folder}/disk`, DISK_MIB);
      ending(disk.unmount);
      const ballast = `${disk.folder}/ballast`;
      await Deno.writeFile(ballast, new Uint8Array(BALLAST_MIB * MIB));
      const store = await openDiskStore({ folder: `${disk.folder}/files`, alone: () => alone });
      ending(() => store.close());
      const small = noise(MIB);
      assertEquals(await upload(store, 1, small), MIB);

      const large = noise(LARGE_MIB * MIB, 2);
      const first = startUpload(store, 2, { size: large.length });
      assertEquals(await first.opened, 0);
      const fault = await fill(first, large, { from: 0, alone });
      assertEquals([fault.status, fault.cause?.includes("No space left")], ["storage-full", true]);
      assertGreater(first.stored, 5 * MIB, "there was room at first");

      // What is there stays, and nothing more is taken.
      const second = startUpload(store, 2, { size: large.length });
      const offset = await second.opened as number;
      assert(offset >= first.stored && offset < large.length);
      assertEquals((await fill(second, large, { from: offset, alone })).status, "storage-full");
      assertEquals(statusOf(await upload(store, 3, noise(MIB, 3))), "storage-full");
      assertEquals(await has(store, sha256Of(small)), MIB);
      assertEquals(sha256Of((await download(store, sha256Of(small))).bytes), sha256Of(small));
      assertEquals(await uploads(store), [2, 3]);
      // What came of the third may be nothing, or a piece: it makes room again.
      assertEquals(await discard(store, 3), undefined);

      await Deno.remove(ballast);
      const third = startUpload(store, 2, { size: large.length });
      const goneOn = await third.opened as number;
      assert(goneOn >= first.stored);
      third.writer.write(large.slice(goneOn));
      third.writer.finish(sha256Of(large));
      assertEquals(await third.over, large.length);
      assertEquals(sha256Of((await download(store, sha256Of(large))).bytes), sha256Of(large));
      assertEquals(await upload(store, 3, noise(MIB, 3)), MIB);
      assertEquals((await contents(store)).length, 3);
      console.log(`disk full after ${goneOn} bytes of ${large.length}; the rest came later`);
    },
  );
}

/** Writes until the disk is full. */
async function fill(
  { writer, over, until }: Upload,
  file: Uint8Array,
  { from, alone }: { from: number; alone: boolean },
): Promise<BlobFault> {
  for (let at = from; at < file.length; at += MIB) {
    writer.write(file.slice(at, at + MIB));
    // On the spot is written only what has all before it stored.
    if (alone) await Promise.race([until(at + MIB - from), over]);
  }
  const outcome = await over;
  assert(typeof outcome !== "number", "it does not fit");
  return outcome;
}
