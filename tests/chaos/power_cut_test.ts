import { assertEquals, assertGreater } from "@std/assert";
import { dialTcp } from "../../client/mod.ts";
import { startServer } from "../end_to_end/processes.ts";
import { createRandom } from "../simulation/random.ts";
import { makeAccounts } from "./accounts.ts";
import { bounded } from "./bounded.ts";
import { foundColony } from "./colony.ts";
import { extent } from "./extent.ts";
import { headsOf } from "./heads.ts";
import { makeImage, mountImage, mountMemory, mountTrouble } from "./mounts.ts";
import { NO_HEARTBEAT, NO_RATES } from "./crowd_options.ts";
import { lastingPort } from "./port.ts";
import { copyQuietly, stopped, UNSYNCED, wasWritten } from "./power.ts";

const CUTS = extent({ ci: 20, local: 2 });
const IMAGE_MIB = 128;
const USERS = ["Jyn", "Kanan", "Lando", "Maz"];
/** Before each cut so many large texts are posted, so that some cuts meet a checkpoint of the database. */
const LARGE_POSTS = 24;
const LARGE = "x".repeat(60 * 1024);
/** Acknowledgements between two cuts: at the least, and at the most. */
const LOAD: readonly [number, number] = [30, 300];

const trouble = await mountTrouble();
if (trouble !== undefined) {
  console.error(
    `\nTHE POWER CUT IS NOT TESTED HERE, since no disk image can be mounted: ${trouble}\n`,
  );
}

bounded(
  `a power cut ${CUTS} times: on what the disk has, every acknowledged change is there`,
  { seconds: 60 + 10 * CUTS, ignore: trouble !== undefined },
  async (ending) => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = createRandom(seed);
    const folder = await Deno.makeTempDir({ prefix: "dfp-power-cut-" });
    ending(() => Deno.remove(folder, { recursive: true }));
    const image = `${folder}/image`;
    await makeImage(image, IMAGE_MIB);
    const disk = await mountImage(`${folder}/disk`, image);
    ending(disk.unmount);
    // What is only looked at, and thrown away, need not be written down. The system lets go of one a moment late, so
    // there is room for more.
    const copies = await mountMemory(`${folder}/copies`, 4 * IMAGE_MIB);
    ending(copies.unmount);
    const server = await startServer({
      data: `${disk.folder}/data`,
      port: lastingPort(),
      // Nobody is taken for dead while the server is stopped.
      args: [...NO_HEARTBEAT, ...NO_RATES],
    });
    ending(async () => {
      if (!server.process.output.ended) server.process.signal("SIGCONT");
      await server.close();
    });
    await makeAccounts(server, USERS);

    const colony = await foundColony({
      users: USERS,
      dial: dialTcp(server),
      random: random.fork(),
      atOnce: 6,
    });
    ending(() => colony.abandon());
    const { ledger } = colony;

    colony.live();
    let unsyncedLost = 0;
    let checkpointed = 0;
    for (let cut = 1; cut <= CUTS; cut++) {
      const enough = ledger.acknowledged + random.between(...LOAD);
      const [filler] = colony.inhabitants;
      for (let count = 0; count < LARGE_POSTS; count++) {
        filler.change({ op: "post", thread: 1, text: `${ledger.mark()} ${LARGE}` });
      }
      await colony.until(() => ledger.acknowledged >= enough);
      // What nobody has asked to be written down must be missing, or this would be no power cut.
      Deno.writeTextFileSync(`${disk.folder}/unsynced-${cut}`, UNSYNCED);
      server.process.signal("SIGSTOP");
      await stopped(server.process.pid);
      const copy = `${copies.folder}/copy-${cut}`;
      await copyQuietly(image, copy);
      // What was acknowledged before the stop may still be on its way to the client.
      await new Promise((resolve) => setTimeout(resolve));
      await check(copy, cut);
      await Deno.remove(copy);
      server.process.signal("SIGCONT");
    }
    await colony.rest();
    assertGreater(unsyncedLost, 0, "a cut loses what was not synced: else it proves nothing");
    console.log(
      `${CUTS} power cuts, ${ledger.acknowledged} changes acknowledged, none lost; ` +
        `${(checkpointed / 2 ** 20).toFixed(1)} MiB had reached the database by checkpoints; ` +
        `of ${CUTS} files that nobody synced ${unsyncedLost} were lost`,
    );

    /** Brings up what the disk had, and holds it against all that anybody was told. */
    async function check(copy: string, cut: number): Promise<void> {
      const recovered = await mountImage(`${folder}/recovered`, copy);
      try {
        if (!wasWritten(`${recovered.folder}/unsynced-${cut}`)) unsyncedLost++;
        const data = `${recovered.folder}/data`;
        checkpointed = Math.max(checkpointed, Deno.statSync(`${data}/forum.sqlite`).size);
        const second = await startServer({ data });
        try {
          const heads = await headsOf(second, USERS[0], ["directory", "thread/1"]);
          assertEquals(heads.size, 2, "it lives");
          assertEquals((await second.kill()).code, 0);
          assertEquals(second.process.errors.all, []);
        } finally {
          await second.close();
        }
        const faults = colony.reckon(data, { complete: false });
        assertEquals(faults, [], `cut ${cut} of seed ${seed}`);
      } finally {
        await recovered.unmount();
      }
    }
  },
);
