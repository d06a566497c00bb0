/**
 * The media type of a file, by the ending of its name: what a browser needs to show a picture or play a
 * sound. It is a hint and nothing is decided by it.
 *
 * @module
 */

/** What nothing is known of. */
const UNKNOWN = "application/octet-stream";

const ENDINGS: Readonly<Record<string, string>> = {
  "application/gzip": "gz tgz",
  "application/json": "json",
  "application/pdf": "pdf",
  "application/zip": "zip",
  "application/epub+zip": "epub",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.oasis.opendocument.presentation": "odp",
  "application/vnd.oasis.opendocument.spreadsheet": "ods",
  "application/vnd.oasis.opendocument.text": "odt",
  "audio/flac": "flac",
  "audio/mp4": "m4a",
  "audio/mpeg": "mp3",
  "audio/ogg": "oga ogg opus",
  "audio/wav": "wav",
  "image/avif": "avif",
  "image/gif": "gif",
  "image/jpeg": "jpg jpeg",
  "image/png": "png",
  "image/svg+xml": "svg",
  "image/webp": "webp",
  "text/css": "css",
  "text/csv": "csv",
  "text/html": "html htm",
  "text/javascript": "js mjs",
  "text/markdown": "md",
  "text/plain": "txt log",
  "video/mp4": "mp4",
  "video/ogg": "ogv",
  "video/quicktime": "mov",
  "video/webm": "webm",
};

const byEnding: ReadonlyMap<string, string> = new Map(
  Object.entries(ENDINGS).flatMap(([type, endings]) =>
    endings.split(" ").map((ending) => [ending, type] as const)
  ),
);

/**
 * The media type that a name promises.
 *
 * @example
 * ```ts
 * import { mediaType } from "./media_type.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(mediaType("holiday.JPG"), "image/jpeg");
 * assertEquals(mediaType("holocron"), "application/octet-stream");
 * ```
 */
export function mediaType(name: string): string {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1].toLowerCase() ?? "";
  return byEnding.get(ending) ?? UNKNOWN;
}
