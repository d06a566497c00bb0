/**
 * What simulated people share: a few dozen contents, the same in every run, so that each is made and hashed
 * once. Some are noise, some shrink when they are deflated; their sizes stand at the edges of chunks and windows.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { CHUNK_MAX } from "../../protocol/catalogue.ts";
import { createRandom } from "./random.ts";

/** The bytes of a file, and what they are called. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** Mostly small ones: a run has many of them. */
const SIZES = [
  ...[0, 1, 2, 17, 100, 333, 999, 1000, 1001, 2048, 4095, 4096, 4097, 6000, 9000, 12_345],
  ...[20_000, 33_000, CHUNK_MAX - 1, CHUNK_MAX, CHUNK_MAX + 1, 90_000, 2 * CHUNK_MAX + 1, 200_000],
];

function make(number: number): Content {
  const bytes = new Uint8Array(SIZES[number >> 1]);
  const random = createRandom(number);
  if (number % 2 === 0) random.fill(bytes);
  else {
    const word = `content ${number} `;
    for (let i = 0; i < bytes.length; i++) bytes[i] = word.charCodeAt(i % word.length);
  }
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** All of them; the smallest come first. */
export const CONTENTS: readonly Content[] = Array.from(
  { length: 2 * SIZES.length },
  (_, number) => make(number),
);

const byHash = new Map(CONTENTS.map((content) => [content.sha256, content]));

/** The content with this hash; `undefined` if nobody has ever had it. */
export function contentOf(sha256: string): Content | undefined {
  return byHash.get(sha256);
}
