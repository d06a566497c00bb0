/**
 * A program that keeps files in the folder that it is given until it is killed, several at a time, and
 * says on standard output what it was told: a line of JSON a callback. It goes on with the uploads that it
 * finds, and removes some files again.
 *
 * @module
 */

import type { BlobStore } from "../../server/blob/blob_store.ts";
import { openDiskStore } from "../../server/blob/disk_store.ts";
import { noise, sha256Of } from "../blob_scene.ts";

/** What the program says. */
export type BlobLine =
  | { readonly said: "opened"; readonly upload: number; readonly offset: number }
  | { readonly said: "stored"; readonly upload: number; readonly count: number }
  | { readonly said: "kept"; readonly upload: number; readonly sha256: string }
  | { readonly said: "failed"; readonly text: string };

/** How many uploads are under way at a time. */
const AT_ONCE = 3;
const PIECE = 64 * 1024;

/** The file that an upload brings: nothing, little, or some pieces. */
export function fileOf(upload: number): Uint8Array<ArrayBuffer> {
  const pieces = upload * 7 % 11 * 2;
  // What is removed again is nobody else's, too.
  return noise(pieces * PIECE + (isRemoved(upload) ? 100 : upload % 5), upload + 1);
}

/** Whether the file is removed as soon as it is kept. */
export function isRemoved(upload: number): boolean {
  return upload % 4 === 0;
}

function say(line: BlobLine): void {
  console.log(JSON.stringify(line));
}

function keep(store: BlobStore, upload: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const file = fileOf(upload);
  const sha256 = sha256Of(file);
  const writer = store.write(upload, { size: file.length }, {
    opened(offset) {
      say({ said: "opened", upload, offset });
      for (let at = offset; at < file.length; at += PIECE) writer.write(file.slice(at, at + PIECE));
      writer.finish(sha256);
    },
    stored(count) {
      say({ said: "stored", upload, count });
    },
    kept() {
      say({ said: "kept", upload, sha256 });
      resolve();
      if (isRemoved(upload)) store.remove(sha256, () => {});
    },
    failed({ text, cause }) {
      say({ said: "failed", text: `${text} ${cause ?? ""}` });
    },
  });
  return promise;
}

if (import.meta.main) {
  const [folder, first] = Deno.args;
  const store = await openDiskStore({ folder, alone: () => true });
  const begun = await new Promise<number[]>((done) => store.uploads(done));
  let next = Number(first);
  const work = async () => {
    for (;;) await keep(store, begun.shift() ?? next++);
  };
  for (let i = 0; i < AT_ONCE; i++) work();
}
