/**
 * What goes wrong with files on this machine, as a status and a sentence for the person who asked.
 *
 * @module
 */

import type { StatusName } from "../../protocol/status.ts";

/** A trouble with a file of this machine. */
export class DiskError extends Error {
  /** The status that it comes nearest to. */
  readonly status: StatusName;

  /** Wraps what happened. */
  constructor(status: StatusName, text: string) {
    super(text);
    this.status = status;
  }
}

/** What was to be done with a file. */
export type Doing = "read" | "written";

/** No room on the device, no room within a quota, and no larger file. */
const FULL: readonly string[] = ["ENOSPC", "EDQUOT", "EFBIG"];

/**
 * The trouble behind an error of the file system; an error of anything else comes back as it is.
 *
 * @example
 * ```ts
 * import { DiskError, diskError } from "./disk_error.ts";
 * import { assert } from "@std/assert";
 *
 * const error = await Deno.open("/nowhere/at all").catch((error) => diskError(error, "it", "read"));
 * assert(error instanceof DiskError && error.status === "no-file");
 * ```
 */
export function diskError(error: unknown, path: string, doing: Doing): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof Deno.errors.NotFound) {
    const text = doing === "read"
      ? `There is no file ${path} on this machine.`
      : `${path} cannot be written: its folder is not there, or what was written is gone.`;
    return new DiskError("no-file", text);
  }
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new DiskError("not-allowed", `${path} may not be ${doing} by this program.`);
  }
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return error;
  if (FULL.includes(code)) return new DiskError("storage-full", `There is no room for ${path}.`);
  // Behind the colon the system repeats what it was asked to do.
  const cause = error.message.split(": ", 1)[0].replace(/ \(os error \d+\)$/, "");
  return new DiskError(
    doing === "read" ? "no-file" : "internal",
    `${path} cannot be ${doing}: ${cause}.`,
  );
}

/** Runs something on a file; what the file system says against it is told in a sentence. */
export async function onDisk<T>(path: string, doing: Doing, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw diskError(error, path, doing);
  }
}
