/**
 * Where things are in the folder of a store:
 *
 * ```text
 * kept/ab/ab34…   a content, under its SHA-256; a file here is whole
 * partial/17      what has come of upload 17
 * trash/3         what is gone for good, and is unlinked when there is time
 * ```
 *
 * Paths are made here and nowhere else, of hex digests and whole numbers only.
 *
 * @module
 */

import { isDigest } from "./blob_store.ts";

/** Paths within the folder of a store. */
export interface DiskLayout {
  /** The folders that are always there, the outer ones first. */
  readonly folders: readonly string[];
  readonly keptFolders: string;
  readonly partials: string;
  readonly trash: string;
  /** The folder of all contents whose hashes begin so. */
  keptFolder(prefix: string): string;
  kept(sha256: string): string;
  partial(upload: number): string;
  trashed(number: number): string;
}

/** What contents are filed under. */
export function prefixOf(sha256: string): string {
  return sha256.slice(0, 2);
}

/** Whether contents may be filed under this. */
export function isPrefix(text: string): boolean {
  return /^[0-9a-f]{2}$/.test(text);
}

/**
 * The layout of a store in `folder`.
 *
 * @example
 * ```ts
 * import { createDiskLayout } from "./disk_layout.ts";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const layout = createDiskLayout("data/files");
 * assertEquals(layout.partial(17), "data/files/partial/17");
 * assertThrows(() => layout.kept("../../secret"));
 * ```
 */
export function createDiskLayout(folder: string): DiskLayout {
  const keptFolders = `${folder}/kept`;
  const partials = `${folder}/partial`;
  const trash = `${folder}/trash`;
  return {
    folders: [folder, keptFolders, partials, trash],
    keptFolders,
    partials,
    trash,
    keptFolder(prefix) {
      if (!isPrefix(prefix)) throw new TypeError("A path is made of digests only.");
      return `${keptFolders}/${prefix}`;
    },
    kept(sha256) {
      if (!isDigest(sha256)) throw new TypeError("A path is made of digests only.");
      return `${keptFolders}/${prefixOf(sha256)}/${sha256}`;
    },
    partial: (upload) => `${partials}/${wholeNumber(upload)}`,
    trashed: (number) => `${trash}/${wholeNumber(number)}`,
  };
}

function wholeNumber(number: number): string {
  if (Number.isSafeInteger(number) && number >= 0) return String(number);
  throw new TypeError("A path is made of whole numbers only.");
}

/** The number that a file of `partial` or `trash` is called by; `undefined` if it was not made here. */
export function numberOf(name: string): number | undefined {
  if (!/^(0|[1-9]\d{0,15})$/.test(name)) return undefined;
  const number = Number(name);
  return Number.isSafeInteger(number) ? number : undefined;
}
