/**
 * The thread of a store on a disk. Its file calls wait, which is the fastest way (FACTS §8) and would
 * hold up everybody in the thread that serves people.
 *
 * It imports next to nothing from outside of this folder, since Deno wants the right to read each local
 * module of a worker: `--allow-read=server/blob,protocol/transfer` is enough.
 *
 * @module
 */

import type { BlobReply, BlobRequest } from "./blob_message.ts";
import { type Disk, openDisk } from "./disk.ts";

/** The first thing that the worker is told. */
export interface DiskStart {
  /** Where the store is. */
  readonly folder: string;
}

/** What the worker tells: replies, or that it cannot work and why. */
export type DiskTelling = readonly BlobReply[] | { readonly broken: string };

/** A worker's side of its port. */
interface WorkerPort {
  onmessage: ((event: { data: DiskStart | BlobRequest[] }) => void) | null;
  postMessage(message: DiskTelling, transfer: ArrayBuffer[]): void;
}

const port = globalThis as unknown as WorkerPort;
let disk: Disk | undefined;
let replies: BlobReply[] = [];

/** Collects what is told within a turn. A block goes at once: it is large, and somebody waits for it. */
function tell(reply: BlobReply): void {
  if (replies.push(reply) === 1) queueMicrotask(flush);
  if (reply.told === "block") flush();
}

function flush(): void {
  if (replies.length === 0) return;
  const told = replies;
  replies = [];
  port.postMessage(told, told.flatMap(buffersOf));
}

/** What goes with a reply to the other thread. */
function buffersOf(reply: BlobReply): ArrayBuffer[] {
  if (reply.told === "block") return [reply.block.bytes.buffer];
  return reply.told === "stored" && reply.spare !== undefined ? [reply.spare] : [];
}

port.onmessage = ({ data }) => {
  if (disk !== undefined) {
    for (const request of data as BlobRequest[]) disk.handle(request);
    return;
  }
  try {
    disk = openDisk((data as DiskStart).folder, tell);
  } catch (error) {
    port.postMessage({ broken: (error as Error).message }, []);
  }
};
