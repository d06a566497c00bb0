/**
 * Previews of pictures: which files have one, and what their bytes really are. Whoever shared a file may
 * say of it what they like; it is shown only as what it is, and only if that is a picture made of points.
 * SVG and HTML can hold programs, and are never shown.
 *
 * @module
 */

import type { FileRow } from "../../../protocol/forum/reply.ts";

/** Larger pictures are shown only when they are asked for, in bytes. */
export const PREVIEW_MAX = 8 * 1024 * 1024;

const RASTER: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/avif",
]);

/** Whether a file may have a preview. */
export function mayPreview({ type, size }: Pick<FileRow, "type" | "size">): boolean {
  return RASTER.has(type) && size > 0 && size <= PREVIEW_MAX;
}

/** The media type of a picture, by its first bytes; `undefined` if it is none that is shown. */
export function rasterType(bytes: Uint8Array): string | undefined {
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 8) === "\x89PNG\r\n\x1a\n") return "image/png";
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "image/jpeg";
  if (/^GIF8[79]a$/.test(text(0, 6))) return "image/gif";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return "image/webp";
  if (text(4, 12) === "ftypavif") return "image/avif";
  return undefined;
}

/** Gets pictures, and keeps the latest. */
export interface Previews {
  /** The address of a picture, or `undefined` if it is none; rejects if it cannot be had. */
  get(thread: number, row: FileRow): Promise<string | undefined>;
  /** Drops all of them. */
  clear(): void;
}

/** What previews work with. */
export interface PreviewsOptions {
  readonly fetch: (thread: number, row: FileRow, signal: AbortSignal) => Promise<Blob>;
  readonly makeUrl: (blob: Blob) => string;
  readonly dropUrl: (url: string) => void;
}

/** So many pictures are kept. */
const KEPT = 40;
/** The first bytes that tell what a picture is. */
const HEAD = 16;

/** Makes an empty collection. */
export function createPreviews({ fetch, makeUrl, dropUrl }: PreviewsOptions): Previews {
  const kept = new Map<string, Promise<string | undefined>>();
  let abort = new AbortController();

  async function make(thread: number, row: FileRow): Promise<string | undefined> {
    const blob = await fetch(thread, row, abort.signal);
    const type = rasterType(new Uint8Array(await blob.slice(0, HEAD).arrayBuffer()));
    return type === undefined ? undefined : makeUrl(blob.slice(0, blob.size, type));
  }

  function drop(sha256: string): void {
    const made = kept.get(sha256);
    kept.delete(sha256);
    made?.then((url) => url !== undefined && dropUrl(url), () => {});
  }

  return {
    get(thread, row) {
      const there = kept.get(row.sha256);
      const made = there ?? make(thread, row);
      // Those that were asked for last are at the end.
      kept.delete(row.sha256);
      kept.set(row.sha256, made);
      if (there === undefined) made.catch(() => kept.delete(row.sha256));
      const [oldest] = kept.keys();
      if (kept.size > KEPT) drop(oldest);
      return made;
    },
    clear() {
      abort.abort();
      abort = new AbortController();
      for (const sha256 of [...kept.keys()]) drop(sha256);
    },
  };
}
