import { assertEquals, assertGreater } from "@std/assert";
import { runProgram } from "../end_to_end/processes.ts";
import { createRandom } from "../simulation/random.ts";
import { createBlobLedger } from "./blob_ledger.ts";
import { bounded } from "./bounded.ts";
import { extent } from "./extent.ts";
import { makeImage, mountImage, mountMemory, mountTrouble } from "./mounts.ts";
import { copyQuietly, stopped, UNSYNCED, wasWritten } from "./power.ts";

const CUTS = extent({ ci: 8, local: 3 });
const IMAGE_MIB = 128;
/** Files that are kept between two cuts: at the least, and at the most. */
const LOAD: readonly [number, number] = [5, 25];

const trouble = await mountTrouble();
if (trouble !== undefined) {
  console.error(
    `\nTHE POWER CUT IS NOT TESTED HERE, since no disk image can be mounted: ${trouble}\n`,
  );
}

bounded(
  `a power cut ${CUTS} times: on what the disk has, every kept file is whole`,
  { seconds: 60 + 10 * CUTS, ignore: trouble !== undefined },
  async (ending) => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = createRandom(seed);
    const folder = await Deno.makeTempDir({ prefix: "dfp-blob-power-cut-" });
    ending(() => Deno.remove(folder, { recursive: true }));
    const image = `${folder}/image`;
    await makeImage(image, IMAGE_MIB);
    const disk = await mountImage(`${folder}/disk`, image);
    ending(disk.unmount);
    // What is only looked at, and thrown away, need not be written down. The system lets go of one a moment late, so
    // there is room for more.
    const copies = await mountMemory(`${folder}/copies`, 4 * IMAGE_MIB);
    ending(copies.unmount);
    const program = runProgram({
      args: ["-A", "tests/chaos/blob_writer.ts", `${disk.folder}/files`, "1"],
    });
    ending(async () => {
      program.signal("SIGKILL");
      await program.exited;
    });
    const { output, pid } = program;
    const ledger = createBlobLedger();
    let noted = 0;
    const note = () => {
      for (; noted < output.all.length; noted++) ledger.note(output.all[noted]);
    };

    let unsyncedLost = 0;
    let uploads = 0;
    for (let cut = 1; cut <= CUTS; cut++) {
      let left = random.between(...LOAD);
      await output.until((line) => line.includes('"kept"') && --left === 0, noted);
      // What nobody has asked to be written down must be missing, or this would be no power cut.
      Deno.writeTextFileSync(`${disk.folder}/unsynced-${cut}`, UNSYNCED);
      program.signal("SIGSTOP");
      await stopped(pid);
      const copy = `${copies.folder}/copy-${cut}`;
      await copyQuietly(image, copy);
      // What it said before the stop may still be on its way.
      await new Promise((resolve) => setTimeout(resolve));
      note();
      const recovered = await mountImage(`${folder}/recovered`, copy);
      try {
        if (!wasWritten(`${recovered.folder}/unsynced-${cut}`)) unsyncedLost++;
        uploads += await ledger.check(`${recovered.folder}/files`, { powerFailed: true });
      } finally {
        await recovered.unmount();
      }
      await Deno.remove(copy);
      program.signal("SIGCONT");
    }
    assertEquals(program.errors.all, [], `seed ${seed}`);
    assertGreater(unsyncedLost, 0, "a cut loses what was not synced: else it proves nothing");
    console.log(
      `${CUTS} power cuts, ${ledger.kept} files kept, none lost; ${uploads} uploads were there; ` +
        `of ${CUTS} files that nobody synced ${unsyncedLost} were lost`,
    );
  },
);
