/**
 * A program that carries one file and tells of it on standard output, a line of JSON at a time. It can be killed at
 * any moment, and another one goes on.
 *
 * `deno run -A tests/chaos/file_program.ts HOST PORT USER up|down FILE NAME-OR-SEQ [BYTES-A-MS]`
 *
 * @module
 */

import { createHash } from "node:crypto";
import { cpuUsage } from "node:process";
import { connectForum, dialTcp, type FileSource, type ForumClient } from "../../client/mod.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";

/** What the program says. */
export type FileLine =
  /** So many bytes of the file are through; the first is where it has begun. */
  | { readonly said: "progress"; readonly bytes: number }
  /** The most memory that it had, in bytes, and its time on a processor, in seconds. */
  | {
    readonly said: "done";
    readonly sha256: string;
    readonly file: number;
    readonly memory: number;
    readonly cpu: number;
  };

function say(line: FileLine): void {
  console.log(JSON.stringify(line));
}

/** A file on disk, read as fast as is wanted: so many bytes a ms, or at once. */
function openSource(path: string, pace: number): FileSource {
  const file = Deno.openSync(path);
  const { size } = file.statSync();
  const begun = performance.now();
  let read = 0;
  return {
    size,
    read(offset, into) {
      file.seekSync(offset, Deno.SeekMode.Start);
      const count = file.readSync(into) ?? 0;
      read += count;
      const due = begun + read / pace - performance.now();
      if (!(due > 0)) return count;
      return new Promise((resolve) => setTimeout(() => resolve(count), due));
    },
    close: () => file.close(),
  };
}

/** The most memory that this process had, in bytes. */
function peak(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"))![1]) * 1024;
}

function done(sha256: string, file: number): void {
  const { user, system } = cpuUsage();
  say({ said: "done", sha256, file, memory: peak(), cpu: (user + system) / 1e6 });
}

async function up(
  client: ForumClient,
  { path, name, pace }: { path: string; name: string; pace: number },
): Promise<void> {
  const { sha256, file } = await client.upload({
    thread: 1,
    name,
    content: openSource(path, pace),
    modified: Deno.statSync(path).mtime!.getTime(),
    onProgress: (bytes) => say({ said: "progress", bytes }),
  });
  done(sha256, file);
}

async function down(
  client: ForumClient,
  { path, seq, pace }: { path: string; seq: number; pace: number },
): Promise<void> {
  const there = statOrNothing(path);
  const part = Deno.openSync(path, { write: true, create: true });
  part.seekSync(0, Deno.SeekMode.End);
  const { stream, sha256, offset } = await client.download({
    thread: 1,
    file: seq,
    ...there > 0 && { have: openSource(path, Infinity) },
    onProgress: (bytes) => say({ said: "progress", bytes }),
  });
  const begun = performance.now();
  let taken = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) at += part.writeSync(chunk.subarray(at));
    taken += chunk.length;
    const due = begun + taken / pace - performance.now();
    if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
  }
  part.close();
  if (offset !== there) throw new Error(`it went on at ${offset}, and ${there} bytes were there`);
  done(sha256, seq);
}

function statOrNothing(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

/** The hash of a file, read a piece at a time. */
export function sha256OfFile(path: string): string {
  using file = Deno.openSync(path);
  const hash = createHash("sha256");
  const piece = new Uint8Array(1 << 20);
  for (let count = file.readSync(piece); count !== null; count = file.readSync(piece)) {
    hash.update(piece.subarray(0, count));
  }
  return hash.digest("hex");
}

/** Makes a file of bytes that nobody can guess, and gives its hash. */
export function makeFile(path: string, size: number): string {
  using file = Deno.openSync(path, { write: true, create: true, truncate: true });
  const hash = createHash("sha256");
  const piece = new Uint8Array(65_536);
  for (let left = size; left > 0; left -= piece.length) {
    const part = crypto.getRandomValues(piece).subarray(0, left);
    file.writeSync(part);
    hash.update(part);
  }
  return hash.digest("hex");
}

if (import.meta.main) {
  const [hostname, port, user, way, path, what, pace] = Deno.args;
  const client = await connectForum({
    dial: dialTcp({ hostname, port: Number(port) }),
    user,
    password: PASSWORD,
  });
  const speed = pace === undefined ? Infinity : Number(pace);
  if (way === "up") await up(client, { path, name: what, pace: speed });
  else await down(client, { path, seq: Number(what), pace: speed });
  await client.close();
}
