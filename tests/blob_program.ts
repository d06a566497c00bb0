/**
 * A program that keeps one file in the folder that it is given, reads it back, and ends by itself.
 *
 * @module
 */

import { openDiskStore } from "../server/blob/disk_store.ts";
import { download, noise, sha256Of, upload } from "./blob_scene.ts";

const file = noise(1024 * 1024);
try {
  const store = await openDiskStore({ folder: Deno.args[0] });
  await upload(store, 1, file);
  const { bytes } = await download(store, sha256Of(file), { deflate: true });
  await store.close();
  console.log(sha256Of(bytes) === sha256Of(file) ? "the same" : "something else");
} catch (error) {
  console.log((error as Error).message);
}
