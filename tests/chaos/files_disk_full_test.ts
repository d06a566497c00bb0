import { assert, assertEquals, assertGreater } from "@std/assert";
import { connectForum, dialTcp, ForumError } from "../../client/mod.ts";
import { startServer } from "../end_to_end/processes.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import { makeAccounts } from "./accounts.ts";
import { bounded } from "./bounded.ts";
import { NO_RATES } from "./crowd_options.ts";
import { makeFile, sha256OfFile } from "./file_program.ts";
import { saveFile, sharedNames } from "./files_scene.ts";
import { doLine } from "./line_of_client.ts";
import { mountMemory, mountTrouble } from "./mounts.ts";

const MIB = 1024 * 1024;
const DISK_MIB = 80;
const BALLAST_MIB = 40;
const SMALL = MIB;
const LARGE = 48 * MIB;
const [SENDER, TALKER] = ["Saw", "Tam"];

const trouble = await mountTrouble();
if (trouble !== undefined) {
  console.error(
    `\nTHE FULL DISK IS NOT TESTED HERE, since no small one can be mounted: ${trouble}\n`,
  );
}

bounded(
  "a disk that is full in the middle of an upload: its sender is told, nothing of it is seen, talk goes on, and it succeeds when there is room",
  { seconds: 120, ignore: trouble !== undefined },
  async (ending) => {
    const folder = await Deno.makeTempDir({ prefix: "dfp-files-disk-full-" });
    ending(() => Deno.remove(folder, { recursive: true }));
    const disk = await mountMemory(`${folder}/disk`, DISK_MIB);
    ending(disk.unmount);
    const ballast = `${disk.folder}/ballast`;
    Deno.writeFileSync(ballast, new Uint8Array(BALLAST_MIB * MIB));
    const server = await startServer({ data: `${disk.folder}/data`, args: NO_RATES });
    ending(() => server.close());
    await makeAccounts(server, [SENDER, TALKER]);
    const talker = await connectForum({ dial: dialTcp(server), user: TALKER, password: PASSWORD });
    ending(() => talker.close());
    const small = makeFile(`${folder}/small`, SMALL);
    const content = new Blob([Deno.readFileSync(`${folder}/small`)]);
    const { file } = await talker.upload({ thread: 1, name: "small", content });
    const sha256 = makeFile(`${folder}/large`, LARGE);

    /** Posts as fast as it is answered, until it is told to end; says what came of it. */
    let over = false;
    const talking = (async () => {
      const outcomes = { posted: 0, refused: 0 };
      while (!over) {
        try {
          await talker.command({ op: "post", thread: 1, text: "Is there room?" });
          outcomes.posted++;
        } catch (error) {
          assert(error instanceof ForumError && error.name === "storage-full", String(error));
          outcomes.refused++;
        }
      }
      return outcomes;
    })();
    const line = { user: SENDER, line: `UPD lobby ${folder}/large` };
    const { outcome } = await doLine(ending, server, line);
    assertEquals([outcome.ok, outcome.name], [false, "storage-full"]);
    assertGreater(outcome.text.length, 10, "in words for people");
    over = true;
    const { posted, refused } = await talking;
    assertGreater(posted, 0);

    // What has come of it makes room for talk; it is seen nowhere.
    for (let count = 0; count < 20; count++) {
      await talker.command({ op: "post", thread: 1, text: "x".repeat(60_000) });
    }
    assertEquals(await sharedNames(talker), ["small"]);
    const kept = [...Deno.readDirSync(`${server.data}/files/kept`)].map(({ name }) => name);
    assertEquals(kept, [small.slice(0, 2)]);
    await saveFile(talker, file, `${folder}/copy`);
    assertEquals(sha256OfFile(`${folder}/copy`), small, "what is there is given");

    const again = await doLine(ending, server, line);
    assertEquals(again.outcome.name, "storage-full", "and once more, as often as it is tried");
    Deno.removeSync(ballast);
    const third = await doLine(ending, server, line);
    assertEquals([third.outcome.ok, third.outcome.result?.sha256], [true, sha256]);
    await saveFile(talker, third.outcome.result.seq, `${folder}/copy`);
    assertEquals(sha256OfFile(`${folder}/copy`), sha256);
    assertEquals(await sharedNames(talker), ["small", "large"]);
    assertEquals((await server.kill()).code, 0);
    console.log(`${posted} posts while the disk filled up, ${refused} refused for want of room`);
  },
);
