/**
 * The web client's files from user to user without a browser: what is offered, taken and sent, on a real server.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { effect } from "@preact/signals";
import { connectForum, dialTcp, type ForumClient } from "../../client/mod.ts";
import { createMemoryStore, keep, type Store } from "../../client/web/state/keeping.ts";
import { ownKeys, storedPeers } from "../../client/web/state/peer_keys.ts";
import { createPeerTransfers, type PeerTransfers } from "../../client/web/state/peer_transfers.ts";
import { createTransfers, type Transfers } from "../../client/web/state/transfers.ts";
import { nodeEnv } from "../../transport/node_suite.ts";
import { bytesOf, sha256Of } from "../end_to_end/file_bytes.ts";
import { type Ground, PASSWORD, scenario, sharedServer } from "../end_to_end/scenario.ts";

const shared = sharedServer();

/** Somebody with the state of a page. */
interface Person {
  readonly client: ForumClient;
  readonly peers: PeerTransfers;
  readonly transfers: Transfers;
  /** What was handed to them: names and hashes. */
  readonly handed: string[][];
}

async function join(ground: Ground, user: string, how: { store?: Store; register?: boolean } = {}) {
  const { store = createMemoryStore(), register = true } = how;
  const { hostname, port } = await shared();
  const dial = dialTcp({ hostname, port });
  const client = await connectForum({ dial, user, password: PASSWORD, register });
  ground.ending(() => client.close());
  const handed: string[][] = [];
  const hand = (blob: Blob, name: string) =>
    void blob.bytes().then((bytes) => handed.push([name, sha256Of(bytes)]));
  const transfers = createTransfers({ client, hand });
  const events = client.events();
  const peers = createPeerTransfers({
    peers: await client.startPeers({ env: nodeEnv }),
    transfers,
    me: client.user,
    store,
    hand,
  });
  void (async () => {
    for await (const event of events) peers.heard(event);
  })();
  return { client, peers, transfers, handed } satisfies Person;
}

/** Waits until something that is looked at through signals is so. */
function becomes(fits: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = effect(() => {
    if (fits()) resolve();
  });
  return promise.finally(stop);
}

const allDone = ({ transfers }: Person, count: number) =>
  becomes(() => transfers.list.value.filter(({ state }) => state === "done").length === count);

Deno.test("a person's keys are made once, and each person of a browser has their own", () => {
  const store = createMemoryStore();
  const keys = ownKeys(store, "Yoda", nodeEnv);
  assertEquals(ownKeys(store, "yoda", nodeEnv), keys);
  assertNotEquals(ownKeys(store, "Leia", nodeEnv), keys);
  for (const broken of ["AAAA", "not base64!", 7, null, { secret: 1 }]) {
    keep(store, "dfp.peer-key.luke", broken);
    const made = ownKeys(store, "Luke", nodeEnv);
    assertEquals([made.secret.length, ownKeys(store, "Luke", nodeEnv)], [32, made]);
  }
});

Deno.test("the keys of others are kept by name, and only so many", async () => {
  const store = createMemoryStore();
  const known = storedPeers(store, "Yoda");
  const key = (byte: number) => new Uint8Array(32).fill(byte);
  await known.remember("Leia", key(1));
  await known.remember("LEIA", key(2));
  assertEquals(await known.find("leia"), [key(1), key(2)]);
  assertEquals(await storedPeers(store, "Luke").find("Leia"), []);
  assertEquals(await known.find("__proto__"), []);
  for (let byte = 3; byte < 60; byte++) await known.remember("Leia", key(byte));
  const kept = await known.find("Leia");
  assertEquals([kept.length, kept.at(-1)], [16, key(59)]);
  for (const broken of ["x", 7, [["leia"]], [["leia", [7]]], [["leia", ["AAAA"]]], [null]]) {
    keep(store, "dfp.known-peers.yoda", broken);
    assertEquals(await known.find("Leia"), [], JSON.stringify(broken));
  }
});

scenario("of two pages of one person, one takes what is always taken", async (ground) => {
  const store = createMemoryStore();
  keep(store, "dfp.always.rey", ["Finn"]);
  const finn = await join(ground, "Finn");
  const first = await join(ground, "Rey", { store });
  const second = await join(ground, "Rey", { store, register: false });
  const bytes = bytesOf(300_000, 1);
  finn.peers.send("rey", new File([bytes], "map.bin"));
  await allDone(finn, 1);
  await becomes(() => first.transfers.list.value.length + second.transfers.list.value.length === 1);
  const [taken] = [...first.transfers.list.value, ...second.transfers.list.value];
  assertEquals([taken.name, taken.user, taken.direction], ["map.bin", "Finn", "down"]);
  await becomes(() => first.peers.offers.value.length + second.peers.offers.value.length === 0);
  assertEquals([...first.handed, ...second.handed], [["map.bin", sha256Of(bytes)]]);
});

scenario("what one of two pages answers is not asked by the other any more", async (ground) => {
  const poe = await join(ground, "Poe");
  const first = await join(ground, "Rose");
  const second = await join(ground, "Rose", { register: false });
  poe.peers.send("Rose", new File([bytesOf(1000)], "a.bin"));
  await becomes(() => first.peers.offers.value.length + second.peers.offers.value.length === 2);
  first.peers.accept(first.peers.offers.value[0]);
  await allDone(poe, 1);
  await becomes(() => second.peers.offers.value.length === 0);
  assertEquals(second.transfers.list.value, []);
});

scenario("a file that is sent twice at once comes twice, whole", async (ground) => {
  const [hux, phasma] = [await join(ground, "Hux"), await join(ground, "Phasma")];
  const bytes = bytesOf(2_000_000, 2);
  for (let time = 0; time < 2; time++) hux.peers.send("Phasma", new File([bytes], "same.bin"));
  await becomes(() => phasma.peers.offers.value.length === 2);
  for (const offer of phasma.peers.offers.value) phasma.peers.accept(offer);
  await Promise.all([allDone(hux, 2), allDone(phasma, 2)]);
  const whole = ["same.bin", sha256Of(bytes)];
  assertEquals(phasma.handed, [whole, whole]);
});

scenario(
  "who is not there, or takes no files, cannot be sent any, and that is said",
  async (ground) => {
    const maz = await join(ground, "Maz");
    const server = await shared();
    await ground.member(server, { user: "Quiet", register: true });
    for (const user of ["Quiet", "Nobody"]) {
      maz.peers.send(user, new File(["x"], `to ${user}`));
      const row = () => maz.transfers.list.value.find(({ name }) => name === `to ${user}`);
      await becomes(() => row()?.state === "failed");
      assert((row()?.fault ?? "").length > 10, user);
    }
  },
);
