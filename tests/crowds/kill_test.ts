import { assert, assertEquals, assertLess } from "@std/assert";
import { dialTcp } from "../../client/mod.ts";
import { startServer } from "../end_to_end/processes.ts";
import { createRandom } from "../simulation/random.ts";
import { makeAccounts } from "../chaos/accounts.ts";
import { bounded } from "../chaos/bounded.ts";
import { foundColony } from "../chaos/colony.ts";
import { extent } from "../chaos/extent.ts";
import { NO_RATES } from "../chaos/crowd_options.ts";
import { lastingPort } from "../chaos/port.ts";

const KILLS = extent({ ci: 100, local: 5 });
const USERS = ["Ahsoka", "Bodhi", "Cassian", "Din", "Ezra", "Finn", "Grogu", "Hera"];
/** Acknowledgements between two kills: at the least, and at the most. */
const LOAD: readonly [number, number] = [50, 400];
/** How long a client may need to be back after `ready`, in ms. */
const BACK_MS = 2000;
/** A machine that does other work too may hold up a few. */
const LATE_SHARE = 0.05;

bounded(
  `kill -9 of the server ${KILLS} times under load: nothing acknowledged is lost or done twice, and clients come back by themselves`,
  { seconds: 60 + 8 * KILLS },
  async (ending) => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = createRandom(seed);
    const server = await startServer({ port: lastingPort(), args: NO_RATES });
    ending(() => server.close());
    await makeAccounts(server, USERS);
    const colony = await foundColony({
      users: USERS,
      dial: dialTcp(server),
      random: random.fork(),
      atOnce: 6,
    });
    ending(() => colony.abandon());
    const { ledger, online } = colony;

    colony.live();
    const back: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const enough = ledger.acknowledged + random.between(...LOAD);
      await colony.until(() => ledger.acknowledged >= enough);
      assert(!(await server.kill("SIGKILL")).success);
      assertEquals(server.process.errors.all, [], "nothing is complained of");
      await colony.until(() => online.size === 0);
      await server.start();
      const ready = performance.now();
      await colony.until(() => online.size === USERS.length);
      back.push(performance.now() - ready);
    }
    await colony.rest();
    await colony.hearAll(server);
    await colony.leave();
    assertEquals((await server.kill()).code, 0);

    assertEquals(colony.reckon(server.data, { complete: true }), [], `seed ${seed}`);
    back.sort((a, b) => a - b);
    const at = (share: number) => Math.round(back[Math.floor(share * (back.length - 1))]);
    console.log(
      `${KILLS} kills, ${ledger.acknowledged} changes acknowledged, ${colony.hearing.count} entries ` +
        `heard; all ${USERS.length} clients back after p50 ${at(0.5)}, p95 ${at(0.95)}, most ${
          at(1)
        } ms`,
    );
    const late = back.filter((ms) => ms >= BACK_MS).length;
    assertLess(late, Math.max(1, Math.ceil(LATE_SHARE * KILLS)), `late: ${back.slice(-late)}`);
  },
);
