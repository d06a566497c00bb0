/**
 * Local paths as people type them: with `~` for their home, a pattern for several files, and the quotes and
 * backslashes that terminals put in when a file is dropped on them.
 *
 * @module
 */

import { glob } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { DiskError, onDisk } from "./disk_error.ts";

/** What a typed text stands for. */
export interface LocalPaths {
  /** In order; at least one. */
  readonly paths: readonly string[];
  /** Whether it was a pattern. */
  readonly several: boolean;
}

/** The most files that a pattern may stand for. */
export const MATCHES_MAX = 1000;

const PATTERN = /[*?[{]/;

/** A path with the home folder in the place of `~`. */
export function withHome(path: string): string {
  return /^~(?:$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path;
}

/** How what was typed can be meant, the likeliest first. */
function readings(typed: string): string[] {
  const path = withHome(typed);
  const quoted = /^'(.*)'$/s.exec(typed)?.[1];
  const unescaped = withHome(typed.replace(/\\(.)/gs, "$1"));
  return [path, ...quoted === undefined ? [] : [quoted], ...unescaped === path ? [] : [unescaped]];
}

/**
 * Finds the files that are meant. What is there by that very name comes before any pattern; of what a pattern
 * fits, folders and hidden files are left out.
 *
 * @throws DiskError if there are none.
 */
export async function localPaths(typed: string): Promise<LocalPaths> {
  for (const path of readings(typed)) {
    // Whether it can be read is found out when it is.
    if (await exists(path)) return { paths: [path], several: false };
  }
  const pattern = withHome(typed);
  if (!PATTERN.test(pattern)) {
    throw new DiskError("no-file", `There is no file ${typed} on this machine.`);
  }
  const paths: string[] = [];
  await onDisk(pattern, "read", async () => {
    for await (const path of glob(pattern)) {
      if (!await isFile(path)) continue;
      if (paths.push(path) > MATCHES_MAX) {
        throw new DiskError("full", `${typed} fits more than ${MATCHES_MAX} files. Take fewer.`);
      }
    }
  });
  if (paths.length === 0) {
    throw new DiskError("no-file", `No file on this machine fits the pattern ${typed}.`);
  }
  return { paths: paths.sort(), several: true };
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
