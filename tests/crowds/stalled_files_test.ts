import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { connectForum, dialTcp } from "../../client/mod.ts";
import { CATALOGUE, CHUNK_MAX } from "../../protocol/catalogue.ts";
import { FRAME_HEADER_BYTES, writeFrameHeader } from "../../protocol/frame.ts";
import { type ServerProcess, startServer } from "../end_to_end/processes.ts";
import type { RawPeer } from "../end_to_end/raw_peer.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import { each, makeAccounts, register } from "../chaos/accounts.ts";
import { bounded, type Ending } from "../chaos/bounded.ts";
import { NO_HEARTBEAT, NO_RATES } from "../chaos/crowd_options.ts";
import { makeFile, sha256OfFile } from "../chaos/file_program.ts";
import { saveFile } from "../chaos/files_scene.ts";
import { gatherTalkers, showTalk } from "./talkers.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const STALLED = 200;
const TALKERS = 20;
const SIZE = 12 * MIB + 345;
const ROUND = { messages: 100, perSecond: 100 };
/** Far beyond what is wanted (20 ms): machines that do other work are slow at times. */
const P99_MAX = 2000;
/** What somebody who stalls may cost: a window and what is read at a time, with the memory around them. */
const STALLED_BYTES_MAX = 3 * MIB;
/** Peers of which there are hundreds read little at a time. */
const LITTLE = { readBytes: 512 };
const USER = "Vel";

/** Frames of DATA with so many bytes in all. */
function dataOf(id: number, count: number): Uint8Array {
  const frames = Math.ceil(count / CHUNK_MAX);
  const bytes = new Uint8Array(count + frames * FRAME_HEADER_BYTES);
  let at = 0;
  for (let left = count; left > 0; left -= CHUNK_MAX) {
    const length = Math.min(left, CHUNK_MAX);
    writeFrameHeader(bytes, at, { length, type: CATALOGUE.data.type, id });
    at += FRAME_HEADER_BYTES + length;
  }
  return bytes;
}

/** Ways to stall in an upload that may be sent up to `upto`: what is sent before nothing more is. */
const WAYS: readonly ((id: number, upto: number) => Uint8Array)[] = [
  () => new Uint8Array(0),
  (id) => dataOf(id, 1),
  (id) => dataOf(id, CHUNK_MAX).subarray(0, CHUNK_MAX / 2),
  (id, upto) => dataOf(id, upto),
];

/** Begins an upload of 1 GiB that never ends; whether the server lets it begin. */
async function stall(peer: RawPeer, at: number): Promise<boolean> {
  await peer.command(2, {
    op: "upload",
    key: "stall",
    thread: 1,
    name: `slow ${at}`,
    size: 1 << 30,
  });
  const reply = await peer.reply(2);
  if (reply.kind === "refused") {
    assertEquals(reply.body.name, "transfer-busy");
    return false;
  }
  const { upto } = reply.body as unknown as { upto: number };
  await peer.sendBytes(WAYS[at % WAYS.length](2, upto));
  return true;
}

async function stallers(ending: Ending, server: ServerProcess): Promise<RawPeer[]> {
  const users = Array.from({ length: STALLED }, (_, at) => `Stalled-${at}`);
  const peers = await each(users, async (user) => (await register(server, user, LITTLE)).peer);
  ending(() => peers.forEach((peer) => peer.close()));
  return peers;
}

async function comeIn(ending: Ending, server: ServerProcess) {
  await makeAccounts(server, [USER]);
  const client = await connectForum({ dial: dialTcp(server), user: USER, password: PASSWORD });
  ending(() => client.close());
  const folder = await Deno.makeTempDir({ prefix: "dfp-files-stalled-" });
  ending(() => Deno.remove(folder, { recursive: true }));
  const path = `${folder}/file`;
  const sha256 = makeFile(path, SIZE);
  const content = new Blob([Deno.readFileSync(path)]);
  return {
    client,
    /** A file goes up, and comes down again; says how long that took, in ms. */
    async carry(name: string) {
      const begun = performance.now();
      const kept = await client.upload({ thread: 1, name, content });
      assertEquals(kept.sha256, sha256);
      await saveFile(client, kept.file, path);
      assertEquals(sha256OfFile(path), sha256);
      return Math.round(performance.now() - begun);
    },
  };
}

bounded(
  `DESIGN §13: a stalled upload freezes everyone: ${STALLED} who stall for ever, and as many who never read a download, hold nobody up and cost bounded memory`,
  { seconds: 120 },
  async (ending) => {
    const server = await startServer({
      args: [...NO_RATES, ...NO_HEARTBEAT, "--max-transfers", "0"],
    });
    ending(() => server.close());
    const talkers = await gatherTalkers(server, TALKERS);
    ending(() => talkers.close());
    const live = await comeIn(ending, server);
    const peers = await stallers(ending, server);
    // So that all caches are full before memory is looked at.
    const alone = await live.carry("before");
    const quiet = await talkers.talk(ROUND);
    const memory = () => Deno.build.os === "linux" ? server.usage().memory : 0;

    const before = memory();
    const begun = await each(peers.map((_, at) => at), (at) => stall(peers[at], at));
    assert(begun.every((one) => one), "there is no limit to how many begin");
    const beside = await talkers.talk(ROUND);
    const carried = await live.carry("beside");
    const uploading = (memory() - before) / STALLED;
    assertLess(uploading, STALLED_BYTES_MAX);

    const { files } = await live.client.command<"files">({ op: "files", thread: 1 });
    assertEquals(files.map(({ name }) => name), ["beside", "before"], "nothing else is seen");
    await each(peers, (peer) => {
      return peer.command(3, { op: "download", thread: 1, file: files[0].seq, upto: SIZE });
    });
    // What goes into the buffers of so many sockets takes its time, and by then all of them are full.
    const after = await live.carry("after");
    const last = await talkers.talk(ROUND);
    const later = await live.carry("later");
    const both = (memory() - before) / STALLED;
    console.log(
      `${STALLED} stalled uploads: ${
        Math.round(uploading / KIB)
      } KiB of resident memory each, with a ` +
        `download that is not read ${Math.round(both / KIB)}; others talk with ${
          showTalk(beside)
        } and ` +
        `${showTalk(last)}, before it ${
          showTalk(quiet)
        }; a file there and back takes ${carried} ms, ` +
        `${after} while buffers fill, then ${later}, before it ${alone}`,
    );
    assertLess(both, 2 * STALLED_BYTES_MAX);
    assertLess(Math.max(beside.p99, last.p99), P99_MAX);
    assertEquals(server.process.errors.all, []);
  },
);

bounded(
  `${STALLED} who stall take all places, and make room for who moves`,
  { seconds: 120 },
  async (ending) => {
    const server = await startServer({
      args: [...NO_RATES, ...NO_HEARTBEAT, "--max-transfer-stall", "1"],
    });
    ending(() => server.close());
    const live = await comeIn(ending, server);
    const peers = await stallers(ending, server);
    const begun = await each(peers.map((_, at) => at), (at) => stall(peers[at], at));
    const places = begun.filter((one) => one).length;
    assertGreater(places, 50, "the first ones get places");
    const ms = await live.carry("in spite of them");
    console.log(`${places} of ${STALLED} got places; a file was there and back after ${ms} ms`);
    assertEquals(server.process.errors.all, []);
  },
);
