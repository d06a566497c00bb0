/**
 * What the system says of paths, and what its errors mean to a store.
 *
 * @module
 */

import { storageFailed, storageFull } from "./blob_fault.ts";
import type { BlobFault } from "./blob_store.ts";

/** No room on the device, no room within a quota, and no larger file. */
const FULL: readonly string[] = ["ENOSPC", "EDQUOT", "EFBIG"];

/** The fault that an error of the file system is. */
export function faultOf(error: unknown): BlobFault {
  const cause = error instanceof Error ? error.message : String(error);
  const { code = "" } = error as { code?: string };
  return FULL.includes(code) ? storageFull(cause) : storageFailed(cause);
}

/** Whether an error says that nothing is there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound;
}

/** What the system knows of a path; `undefined` if nothing is there. */
export function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
