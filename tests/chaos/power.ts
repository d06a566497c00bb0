/**
 * A cut of the power: the process is stopped, and what the disk has at that moment is copied.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** What nobody has asked to be written down. */
export const UNSYNCED = "soon gone";

/** Whether a file has this nevertheless. */
export function wasWritten(file: string): boolean {
  try {
    return Deno.readTextFileSync(file) === UNSYNCED;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits until a process has stopped (proc(5), the third field). */
export async function stopped(pid: number): Promise<void> {
  while (!/^\d+ \(.*\) T /s.test(Deno.readTextFileSync(`/proc/${pid}/stat`))) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Copies a file while nobody writes to it: a disk does not mix moments. */
export async function copyQuietly(from: string, to: string): Promise<void> {
  for (;;) {
    await Deno.copyFile(from, to);
    if (same(Deno.readFileSync(from), Deno.readFileSync(to))) return;
  }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
