/**
 * The store on a disk: contents and uploads are files in one folder (disk_layout.ts), which a worker
 * reads and writes (disk_worker.ts); what is quickly read or written is done on the spot (near_readers.ts,
 * near_writers.ts).
 *
 * @module
 */

import type { BlobStore } from "./blob_store.ts";
import { createDiskLayout } from "./disk_layout.ts";
import type { DiskStart, DiskTelling } from "./disk_worker.ts";
import { createNearPatience } from "./near_patience.ts";
import { createNearReaders } from "./near_readers.ts";
import { createNearWriters } from "./near_writers.ts";
import { createStoreProxy } from "./store_proxy.ts";
import type { FarSide, NearDisk, NearSide } from "./store_sides.ts";

/** How a store is opened. */
export interface DiskStoreOptions {
  /** Where it is; made if it is not there. No other store may use it. */
  readonly folder: string;
  /** Told why a worker broke; the console is, without it. The store goes on with a new one. */
  readonly onFault?: (why: string) => void;
  /**
   * A block of a content that takes more than so many ms to read, or a batch to write, is too slow to be waited for:
   * after two in a row the worker goes on, and with whatever else is opened within a minute; 5 by default.
   */
  readonly slow?: number;
  /** Whether nobody would wait while an upload is written on the spot; always somebody would, without it. */
  readonly alone?: () => boolean;
  /** Makes the worker; tests have theirs. */
  readonly spawn?: () => Worker;
}

/**
 * Opens a store.
 *
 * Deno loads a worker's modules only with the right to read them: a program that is not run with
 * `--allow-all` needs `--allow-read` for `server/blob` and `protocol/transfer` beside the store's folder.
 * It needs none if it has this package from a registry.
 *
 * @throws Error (a rejection) that says why the folder or the worker cannot be used.
 *
 * @example
 * ```ts
 * import { openDiskStore } from "./disk_store.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = Deno.makeTempDirSync();
 * const store = await openDiskStore({ folder });
 * const size = await new Promise((done) => {
 *   const writer = store.write(1, { size: 3 }, {
 *     opened() {
 *       writer.write(new TextEncoder().encode("abc"));
 *       writer.finish("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
 *     },
 *     stored() {},
 *     kept: done,
 *     failed: done,
 *   });
 * });
 * assertEquals(size, 3);
 * await store.close();
 * Deno.removeSync(folder, { recursive: true });
 * ```
 */
export function openDiskStore(options: DiskStoreOptions): Promise<BlobStore> {
  const {
    folder,
    slow,
    alone = () => false,
    onFault = (why) => console.error(`the file store: ${why}`),
  } = options;
  const layout = createDiskLayout(folder);
  let opening: string | undefined = "";
  const proxy = createStoreProxy({
    connect: (near) =>
      connectWorker((options.spawn ?? spawnWorker)(), folder, {
        hear: near.hear,
        broken(why) {
          if (opening === undefined) onFault(why);
          else opening = why;
          near.broken(why);
        },
      }),
    defer: queueMicrotask,
    near(host) {
      const parts = { layout, host, patience: createNearPatience(slow) };
      return both(createNearReaders(parts), createNearWriters({ ...parts, alone }));
    },
  });
  return new Promise((resolve, reject) => {
    proxy.ready(() => {
      const why = opening;
      opening = undefined;
      if (why === "") resolve(proxy);
      else reject(new Error(`the files in ${folder} cannot be used: ${why}`));
    });
  });
}

/** Readers and writers in one. */
function both(readers: NearDisk, writers: NearDisk): NearDisk {
  return {
    take: (request) => readers.take(request) || writers.take(request),
    forget(id) {
      readers.forget(id);
      writers.forget(id);
    },
    clear() {
      readers.clear();
      writers.clear();
    },
  };
}

function spawnWorker(): Worker {
  // Packed for npm, modules are JavaScript and named so.
  const name = import.meta.url.endsWith(".ts") ? "disk_worker.ts" : "disk_worker.js";
  return new Worker(new URL(name, import.meta.url), { type: "module", name: "files" });
}

function connectWorker(worker: Worker, folder: string, near: NearSide): FarSide {
  let broken = false;
  const breakDown = (why: string) => {
    if (broken) return;
    broken = true;
    worker.terminate();
    near.broken(why);
  };
  worker.onmessage = ({ data }: MessageEvent<DiskTelling>) => {
    if ("broken" in data) breakDown(data.broken);
    else near.hear(data);
  };
  worker.onmessageerror = () => breakDown("a message could not be read");
  worker.onerror = (event) => {
    // Otherwise it would be an error of this thread, too.
    event.preventDefault();
    breakDown(event.message);
  };
  const start: DiskStart = { folder };
  worker.postMessage(start);
  return {
    send: (requests, buffers) => worker.postMessage(requests, buffers),
    end: () => worker.terminate(),
  };
}
