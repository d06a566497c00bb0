/**
 * Kills of a server whose clients come over UDP, through a network that loses, repeats, damages and swaps datagrams:
 * nothing acknowledged is lost, nothing is done twice, and everybody has seen the same (DESIGN §11, laws 6 and 7).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type ClientEvent, dialUdp } from "../../client/mod.ts";
import { openUdpRelay } from "../datagram/udp_relay.ts";
import { create, readAll } from "../end_to_end/asking.ts";
import { scenario } from "../end_to_end/scenario.ts";

const PEOPLE = 4;
const POSTS = 120;
const KILLS = 3;

function textOf(what: ClientEvent): string | undefined {
  return what.type === "event" && what.event.kind === "message.posted"
    ? what.event.text
    : undefined;
}

scenario(
  "posts over a bad network by UDP survive kills of the server, each once and in order",
  async (ground) => {
    const server = await ground.server({ udp: true });
    const relay = openUdpRelay(server.udpPort, {
      seed: 7,
      delay: 5,
      jitter: 20,
      loss: 0.05,
      duplicate: 0.05,
      corrupt: 0.02,
      reorder: 0.05,
      reorderDelay: 30,
    });
    ground.ending(() => relay.close());
    const dial = dialUdp({ hostname: "127.0.0.1", port: relay.port });
    const members = await Promise.all(
      Array.from(
        { length: PEOPLE },
        (_, who) => ground.member(server, { user: `P${who}`, register: true, dial }),
      ),
    );
    const { thread } = await create(members[0].client, "Kills");
    for (const { client } of members) {
      await client.follow(`thread/${thread}`, 0);
    }
    let posted = 0;
    const halfway = Array.from({ length: KILLS }, () => Promise.withResolvers<void>());
    const posting = members.map(async ({ client }, who) => {
      for (let at = 0; at < POSTS; at++) {
        await client.command({ op: "post", thread, text: `P${who} ${at}` });
        posted++;
        const reached = Math.floor(posted * (KILLS + 1) / (PEOPLE * POSTS)) - 1;
        halfway[reached]?.resolve();
      }
    });
    const killing = (async () => {
      for (const { promise } of halfway) {
        await promise;
        await server.kill("SIGKILL");
        relay.rebind();
        await server.start();
      }
    })();
    await Promise.all([...posting, killing]);
    const all = (await readAll(members[0].client, thread)).map(({ text }) => text);
    assertEquals(all.length, PEOPLE * POSTS);
    for (let who = 0; who < PEOPLE; who++) {
      const own = all.filter((text) => text.startsWith(`P${who} `));
      assertEquals(own, Array.from({ length: POSTS }, (_, at) => `P${who} ${at}`));
    }
    for (const { heard } of members) {
      let left = all.length;
      await heard.until((what) => textOf(what) !== undefined && --left === 0);
      assertEquals(heard.all.map(textOf).filter((text) => text !== undefined), all);
    }
    assert(relay.counts.up.lost > 20 && relay.counts.up.corrupted > 5, "the network was bad");
  },
);
