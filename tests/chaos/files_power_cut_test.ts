import { assert, assertEquals, assertGreater } from "@std/assert";
import type { UploadKept } from "../../protocol/forum/reply.ts";
import { bounded } from "./bounded.ts";
import { NO_HEARTBEAT } from "./crowd_options.ts";
import { extent } from "./extent.ts";
import { makeFile, sha256OfFile } from "./file_program.ts";
import { type FilesScene, openFilesScene, saveFile, sharedNames } from "./files_scene.ts";
import { makeImage, mountImage, mountTrouble } from "./mounts.ts";
import { copyQuietly, stopped, UNSYNCED, wasWritten } from "./power.ts";

const MIB = 1024 * 1024;
const CUTS = extent({ ci: 8, local: 2 });
const IMAGE_MIB = 128;
/** Bytes of a file: at the least, and at the most. */
const SIZES: readonly [number, number] = [MIB, 6 * MIB];
/** Bytes that pass between two cuts, at the most. */
const LOAD = 18 * MIB;

const trouble = await mountTrouble();
if (trouble !== undefined) {
  console.error(
    `\nTHE POWER CUT IS NOT TESTED HERE, since no disk image can be mounted: ${trouble}\n`,
  );
}

/** Shares one file after the other, until it is told to end; gives what was acknowledged. */
function shareOn({ client, folder, random }: FilesScene) {
  const kept: (UploadKept & { name: string; made: string })[] = [];
  const counts = { back: 0 };
  let over = false;
  const done = (async () => {
    while (!over) {
      const path = `${folder}/next`;
      const made = makeFile(path, random.between(...SIZES));
      const name = `file ${kept.length}`;
      const content = new Blob([Deno.readFileSync(path)]);
      let stored = 0;
      const onProgress = (bytes: number) => {
        if (bytes < stored) counts.back++;
        stored = bytes;
      };
      const outcome = await client.upload({ thread: 1, name, content, onProgress });
      kept.push({ ...outcome, name, made });
      // The disk is small, and what is taken out must not come back either.
      if (kept.length % 8 === 0) {
        await client.command({ op: "withdraw", thread: 1, file: outcome.file });
      }
    }
  })();
  return {
    kept,
    counts,
    end() {
      over = true;
      return done;
    },
  };
}

bounded(
  `a power cut ${CUTS} times in the middle of uploads: what was acknowledged is whole, what was not goes on by itself`,
  { seconds: 90 + 20 * CUTS, ignore: trouble !== undefined },
  async (ending) => {
    const folder = await Deno.makeTempDir({ prefix: "dfp-files-power-cut-" });
    ending(() => Deno.remove(folder, { recursive: true }));
    let image = `${folder}/image-0`;
    await makeImage(image, IMAGE_MIB);
    const place = `${folder}/disk`;
    let disk = await mountImage(place, image);
    ending(() => disk.unmount());
    const data = `${place}/data`;
    const scene = await openFilesScene(ending, { data, args: NO_HEARTBEAT });
    const { server, client, trip, random, seed } = scene;
    let unsyncedLost = 0;

    /** The disk has what it had at that moment, and the server's memory is gone. */
    async function cutPower(cut: number): Promise<void> {
      await stopped(server.process.pid);
      const copy = `${folder}/image-${cut}`;
      await copyQuietly(image, copy);
      await server.kill("SIGKILL");
      assertEquals(server.process.errors.all, []);
      await disk.unmount();
      await Deno.remove(image);
      image = copy;
      disk = await mountImage(place, image);
      if (!wasWritten(`${place}/unsynced-${cut}`)) unsyncedLost++;
      await server.start();
    }

    const sharing = shareOn(scene);
    for (let cut = 1; cut <= CUTS; cut++) {
      const tripped = Promise.withResolvers<void>();
      trip.arm(random.between(1, LOAD), () => {
        // What nobody has asked to be written down must be missing, or this would be no power cut.
        Deno.writeTextFileSync(`${place}/unsynced-${cut}`, UNSYNCED);
        server.process.signal("SIGSTOP");
        tripped.resolve();
      });
      await tripped.promise;
      await cutPower(cut);
      const acknowledged = sharing.kept.length;
      const there = await sharedNames(client);
      for (const { name } of sharing.kept.filter((_, at) => at < acknowledged && !withdrawn(at))) {
        assert(there.includes(name), `seed ${seed}: ${name} was acknowledged, and is gone`);
      }
    }
    await sharing.end();

    const { files } = await client.command<"files">({ op: "files", thread: 1 });
    const standing = sharing.kept.filter((_, at) => !withdrawn(at));
    assertEquals(files.map(({ name }) => name).reverse(), standing.map(({ name }) => name));
    for (const { file, sha256, made, name } of standing) {
      assertEquals(sha256, made, `seed ${seed}: ${name}`);
      await saveFile(client, file, `${folder}/copy`);
      assertEquals(sha256OfFile(`${folder}/copy`), made, `seed ${seed}: ${name}`);
    }
    assertGreater(unsyncedLost, 0, "a cut loses what was not synced: else it proves nothing");
    console.log(
      `${CUTS} power cuts, ${sharing.kept.length} files acknowledged, all whole; ` +
        `${sharing.counts.back} went back to what the disk had; ` +
        `of ${CUTS} files that nobody synced ${unsyncedLost} were lost`,
    );
  },
);

/** Whether the file of this number was taken out again. */
function withdrawn(at: number): boolean {
  return (at + 1) % 8 === 0;
}
