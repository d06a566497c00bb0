/**
 * Files: 1 GiB up and down over loopback, from a file to a file; and what an upload at full speed does to a chat
 * beside it.
 *
 * @module
 */

import { bareCopy } from "../bare_copy.ts";
import { type Bench, figureOf } from "../bench.ts";
import { drain } from "../crowd.ts";
import { dfp } from "../dfp.ts";
import { dfpFiles, type DfpFileServer } from "../dfp_files.ts";
import { soon, writeAll } from "../dialogue.ts";
import type { Carried, FilePeer, FileServer } from "../file_peer.ts";
import { type Condition, short } from "../figure.ts";
import { nginx } from "../nginx.ts";
import { type Access, BODY_BYTES, type Member } from "../peer.ts";
import { makeFolder, runToEnd } from "../process.ts";
import { median, percentile } from "../statistics.ts";

const MIB = 1024 * 1024;
const NAME = "large";
const BARE = "bare Deno copy";
const PEERS: readonly FilePeer[] = [
  dfpFiles,
  nginx,
  bareCopy(BARE, "async"),
  bareCopy(`${BARE}, blocking calls`, "sync"),
  bareCopy(`${BARE}, blocking calls, hashed`, "hash"),
];
const RATE_GOAL: readonly Condition[] = [
  { ours: "at least", value: 0.8, peer: nginx.name },
  { ours: "at least", value: 0.5, peer: BARE },
];
const PAGE_BYTES = 4096;
/** So many times its size is at hand for a file on its way: the one before may not be freed yet. */
const AT_HAND = 3;
/** Between two chat messages, in ms. */
const PAUSE = 3;
/** So many messages at the least, for a p99 that means something. */
const TRIPS = 1500;
const TRIPS_QUICK = 300;

/** Measures all systems. */
export async function files(bench: Bench): Promise<void> {
  const size = (bench.quick ? 128 : 1024) * MIB;
  const root = await fastFolder(bench);
  const source = `${root}/${NAME}`;
  makeSource(source, size);
  const servers = await bench.start(PEERS, (peer) => {
    const folder = makeFolder(`${root}/${PEERS.indexOf(peer)}`);
    return peer.start({ source, name: NAME, size, folder }, bench);
  });
  try {
    await carryAll(bench, servers, { root, size });
    const ours = servers[0].started as DfpFileServer;
    await chat(bench, ours, size);
    const goal = [{ ours: "at most", value: 150 }] as const;
    for (const [end, bytes] of Object.entries(ours.peaks)) {
      const work = `files of ${named(size)}, most memory of the ${end}`;
      bench.report({ work, unit: "MB", ours: bytes / 1e6, peers: {}, goal });
    }
  } finally {
    for (const { started } of servers) await started.stop();
    Deno.removeSync(root, { recursive: true });
  }
}

function named(size: number): string {
  return size < 1024 * MIB ? `${size / MIB} MiB` : `${size / MIB / 1024} GiB`;
}

/** A folder in memory where that can be had, so that no disk is measured; else on the disk. */
async function fastFolder(bench: Bench): Promise<string> {
  const folder = bench.folder();
  try {
    await runToEnd("mount", ["-t", "tmpfs", "-o", "size=12g", "tmpfs", folder]);
  } catch {
    bench.note("files are on the disk, as no memory disk can be mounted here");
    return makeFolder(`${folder}/files`);
  }
  bench.ending(() => {
    new Deno.Command("umount", { args: ["-l", folder] }).outputSync();
  });
  return makeFolder(`${folder}/files`);
}

/** Bytes that do not shrink. */
function makeSource(path: string, size: number): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  const piece = new Uint8Array(MIB);
  for (let at = 0; at < piece.length; at += 65_536) {
    crypto.getRandomValues(piece.subarray(at, at + 65_536));
  }
  for (let left = size; left > 0; left -= piece.length) {
    piece.set(new Uint8Array(new Float64Array([left]).buffer));
    file.writeSync(piece.subarray(0, left));
  }
}

/**
 * Has so much memory at hand for the files that come and go. A virtual machine may get memory only as it is written
 * to, which costs several times what a copy does, and give large free pieces of it back, sooner or later: whoever
 * meets that loses. So it is written to once and freed in small pieces, between pages that stay in use: small ones are
 * used first, and stay.
 */
function scatterMemory(root: string, size: number): void {
  const [freed, staying] = [`${root}/freed`, `${root}/staying`];
  using large = Deno.openSync(freed, { write: true, createNew: true });
  using small = Deno.openSync(staying, { write: true, createNew: true });
  const [much, little] = [new Uint8Array(MIB - PAGE_BYTES), new Uint8Array(PAGE_BYTES)];
  for (let done = 0; done < size; done += MIB) {
    large.writeSync(much);
    small.writeSync(little);
  }
  Deno.removeSync(freed);
}

/**
 * Everybody carries the file up and down, in turns, and another one begins each round. What counts is the fastest
 * time: disturbances make slower only. The median shows how much they did.
 */
async function carryAll(
  bench: Bench,
  servers: { peer: FilePeer; started: FileServer }[],
  { root, size }: { root: string; size: number },
): Promise<void> {
  const rounds = bench.quick ? 3 : 8;
  for (const { started } of servers) await started.carry("up");
  scatterMemory(root, AT_HAND * size);
  for (const way of ["up", "down"] as const) {
    const all = new Map<string, Carried[]>(servers.map(({ peer }) => [peer.name, []]));
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < servers.length; turn++) {
        const { peer, started } = servers[(round + turn) % servers.length];
        all.get(peer.name)!.push(await started.carry(way));
      }
    }
    const fastest = (value: (carried: Carried) => number) =>
      new Map([...all].map(([name, list]) => [name, value(fastestOf(list))]));
    const work = `file of ${named(size)} ${way}`;
    const rate = ({ seconds }: Carried) => size / 1e6 / seconds;
    bench.report(figureOf(fastest(rate), { work, unit: "MB/s", goal: RATE_GOAL }));
    const medians = new Map([...all].map(([name, list]) => [name, median(list.map(rate))]));
    bench.report(figureOf(medians, { work: `${work}, median`, unit: "MB/s" }));
    const perGib = (seconds: number) => seconds * 1024 * MIB / size;
    for (const [end, value] of [["server", "serverCpu"], ["client", "clientCpu"]] as const) {
      const costs = fastest((carried) => perGib(carried[value]));
      bench.report(figureOf(costs, { work: `${work}, ${end} CPU`, unit: "s a GiB" }));
    }
  }
}

function fastestOf(list: readonly Carried[]): Carried {
  return list.reduce((best, one) => one.seconds < best.seconds ? one : best);
}

/** Chat, from one connection to another, alone and while uploads are under way. */
async function chat(bench: Bench, ours: DfpFileServer, size: number): Promise<void> {
  const talk = await openTalk(ours.access);
  const trips = bench.quick ? TRIPS_QUICK : TRIPS;
  const alone: number[] = [];
  while (alone.length < trips) alone.push(await talk.trip());
  const beside: number[] = [];
  let uploads = 0;
  let seconds = 0;
  while (beside.length < trips) {
    let over = false;
    const carrying = ours.carry("up").finally(() => over = true);
    while (!over) {
      const begun = ours.carrying;
      const took = await talk.trip();
      if (begun && ours.carrying) beside.push(took);
    }
    seconds += (await carrying).seconds;
    uploads++;
  }
  talk.close();
  bench.note(
    `${beside.length} messages beside uploads at ${short(uploads * size / 1e6 / seconds)} MB/s`,
  );
  const work = "chat round trip";
  const p99 = (trips: number[]) => ({ unit: "ms, p99", ours: percentile(trips, 0.99), peers: {} });
  bench.report({ work, ...p99(alone), goal: [] });
  const goal = [{ ours: "at most", value: 20 }] as const;
  bench.report({ work: `${work} beside an upload at full speed`, ...p99(beside), goal });
}

/** Two who talk. */
async function openTalk(access: Access) {
  const wire = dfp.wire({ access, bodyBytes: BODY_BYTES, name: "chat" });
  const [author, listener] = [await wire.join("publisher"), await wire.join("subscriber")];
  drain(author);
  const buffer = new Uint8Array(4096);
  return {
    /** From sending a message to its arrival, in ms. */
    async trip(): Promise<number> {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      const begun = performance.now();
      await writeAll(author.conn, wire.encode(1));
      await soon(heard(listener, buffer), { what: "a message" });
      return performance.now() - begun;
    },
    close() {
      author.conn.close();
      listener.conn.close();
    },
  };
}

async function heard({ conn, framing }: Member, buffer: Uint8Array): Promise<void> {
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("the server has hung up");
    const messages = framing.count(buffer, count);
    const answer = framing.answer();
    if (answer !== undefined) await writeAll(conn, answer);
    if (messages > 0) return;
  }
}
