import { assert, assertEquals, assertGreater } from "@std/assert";
import { dialTcp, ForumError } from "../../client/mod.ts";
import { startServer } from "../end_to_end/processes.ts";
import { connectPeer, isGranted } from "../end_to_end/raw_peer.ts";
import { createRandom } from "../simulation/random.ts";
import { makeAccounts, signIn } from "./accounts.ts";
import { bounded } from "./bounded.ts";
import { foundColony } from "./colony.ts";
import { mountMemory, mountTrouble } from "./mounts.ts";
import { NO_RATES } from "./crowd_options.ts";
import { lastingPort } from "./port.ts";

const MIB = 1024 * 1024;
const DISK_MIB = 48;
const BALLAST_MIB = 32;
const USERS = ["Nien", "Owen", "Padme", "Qui-Gon"];
const LARGE = "x".repeat(60 * 1024);

const trouble = await mountTrouble();
if (trouble !== undefined) {
  console.error(
    `\nTHE FULL DISK IS NOT TESTED HERE, since no small one can be mounted: ${trouble}\n`,
  );
}

bounded(
  "a full disk: posters are told, reading goes on, posting goes on when there is room, nothing is lost",
  { seconds: 90, ignore: trouble !== undefined },
  async (ending) => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const folder = await Deno.makeTempDir({ prefix: "dfp-disk-full-" });
    ending(() => Deno.remove(folder, { recursive: true }));
    const disk = await mountMemory(`${folder}/disk`, DISK_MIB);
    ending(disk.unmount);
    const ballast = `${disk.folder}/ballast`;
    await Deno.writeFile(ballast, new Uint8Array(BALLAST_MIB * MIB));
    const server = await startServer({
      data: `${disk.folder}/data`,
      port: lastingPort(),
      args: NO_RATES,
    });
    ending(() => server.close());
    await makeAccounts(server, USERS);
    const colony = await foundColony({
      users: USERS,
      dial: dialTcp(server),
      random: createRandom(seed),
      atOnce: 2,
      pause: 20,
      refusals: ["storage-full"],
    });
    ending(() => colony.abandon());
    const { ledger, inhabitants: [filler, reader] } = colony;
    const fill = () => filler.change({ op: "post", thread: 1, text: `${ledger.mark()} ${LARGE}` });
    const refused = () => ledger.refusals.get("storage-full") ?? 0;

    colony.live();
    let filled = 0;
    while (refused() === 0) if (await fill() !== undefined) filled++;
    assertGreater(filled, 10, "there was room at first");
    while (refused() < 20) await fill();

    const page = await reader.client.command<"read">({ op: "read", thread: 1, after: 0 });
    assertGreater(page.messages.length, 1);
    await reader.client.command({ op: "threads" });
    await reader.client.command({ op: "search", words: "pipe" });
    const newcomer = await connectPeer(server);
    ending(() => newcomer.close());
    await newcomer.greet();
    const outcome = await signIn(newcomer, USERS[1]);
    assert(isGranted(outcome) || outcome.name === "storage-full", JSON.stringify(outcome));

    // It can also be started on a full disk: whoever holds a token comes back and reads.
    await server.kill("SIGKILL");
    checkErrors(server.process.errors.all);
    await server.start();
    await colony.until(() => colony.online.size === USERS.length);
    await reader.client.command({ op: "read", thread: 1, after: 0 });

    await Deno.remove(ballast);
    const before = ledger.acknowledged;
    await colony.until(() => ledger.acknowledged >= before + 200);
    assert(await fill() !== undefined, "what is large is taken too");
    await colony.rest();
    await colony.hearAll(server);
    const error = await reader.client.command({ op: "post", thread: 999, text: "x" })
      .catch((error) => error);
    assert(error instanceof ForumError && error.name === "no-thread", "no other refusal is left");
    await colony.leave();
    assertEquals((await server.kill()).code, 0);
    checkErrors(server.process.errors.all);
    assertEquals(colony.reckon(server.data, { complete: true }), [], `seed ${seed}`);
    console.log(
      `disk full after ${filled} large posts; ${refused()} refusals, ` +
        `${ledger.acknowledged} changes acknowledged, none lost`,
    );
  },
);

/** The keeper is told that the disk is full, and nothing else. */
function checkErrors(lines: readonly string[]): void {
  const others = lines.filter((line) =>
    line.trim() !== "" && !/^\s+at |full|SQLITE|errcode|errstr|^\s*code:|^\}$/i.test(line)
  );
  assertEquals(others, []);
}
