import { assert, assertGreater } from "@std/assert";
import { runProgram } from "../end_to_end/processes.ts";
import { createRandom } from "../simulation/random.ts";
import { createBlobLedger } from "./blob_ledger.ts";
import { bounded } from "./bounded.ts";
import { extent } from "./extent.ts";

const KILLS = extent({ ci: 20, local: 6 });
/** Lines between two kills: at the least, and at the most. */
const LOAD: readonly [number, number] = [1, 200];

bounded(
  `the store of files killed ${KILLS} times: what was kept is whole, and uploads go on where they were`,
  { seconds: 30 + 5 * KILLS },
  async (ending) => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = createRandom(seed);
    const folder = await Deno.makeTempDir({ prefix: "dfp-blob-kill-" });
    ending(() => Deno.remove(folder, { recursive: true }));
    const ledger = createBlobLedger();
    let goneOn = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const program = runProgram({
        args: ["-A", "tests/chaos/blob_writer.ts", folder, String(ledger.next)],
      });
      ending(() => program.signal("SIGKILL"));
      const { output } = program;
      const enough = random.between(...LOAD);
      await output.until((line) => line === output.all[enough]);
      program.signal("SIGKILL");
      await program.exited;
      for (const line of output.all) ledger.note(line);
      assert(program.errors.all.length === 0, program.errors.all.join("\n"));
      goneOn += await ledger.check(folder, { powerFailed: false });
    }
    assertGreater(goneOn, 0, `a kill meets uploads that are not whole, seed ${seed}`);
    console.log(`${KILLS} kills, ${ledger.kept} files kept, none lost; ${goneOn} uploads went on`);
  },
);
