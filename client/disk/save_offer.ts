/**
 * Saving a file that another user sends in a folder of this machine: it goes on with what is there of it, and appears
 * under its name when it is whole. Only then its sender is told so.
 *
 * @module
 */

import { join } from "node:path";
import type { FileSource } from "../files/file_source.ts";
import { safeName } from "../files/safe_name.ts";
import { createSha256 } from "../files/sha256.ts";
import { ForumError } from "../forum_error.ts";
import { STATUS } from "../../protocol/status.ts";
import type { PeerFiles, PeerOffer } from "../peer/peer_files.ts";
import type { Via } from "../peer/peer_host.ts";
import type { TakeOptions } from "../peer/taking.ts";
import { type DiskSource, openSource } from "./disk_source.ts";
import { openPart, type PartFile } from "./part_file.ts";

/** What is saved, and where. */
export interface SaveOfferOptions extends Omit<TakeOptions, "have"> {
  readonly peers: Pick<PeerFiles, "accept">;
  readonly offer: PeerOffer;
  /** Made if it is not there. */
  readonly folder: string;
}

/** Where it is now, and how it came. */
export interface SavedOffer {
  readonly path: string;
  readonly via: Via;
}

const HASH_BYTES = 256 * 1024;

/**
 * Takes an offer into a folder. Its name is made safe, and no file is written over; one that is there already and is the
 * same does not travel.
 *
 * @throws ForumError if it is cut off; DiskError if it cannot be written; the signal's reason.
 */
export async function saveOffer(options: SaveOfferOptions): Promise<SavedOffer> {
  const { peers, offer, folder, ...taking } = options;
  const there = await sameFile(join(folder, safeName(offer.name)), offer);
  if (there !== undefined) {
    // As when its sender could not be told that it was kept.
    const { stream, keep } = await peers.accept(offer.offer, { ...taking, have: there.source });
    for await (const _ of stream) throw new Error("more has come than the file has");
    return { path: there.path, via: await keep() };
  }
  const part = await openPart(folder, offer);
  try {
    const keep = await receive(part, options);
    const path = await part.keep(safeName(offer.name));
    return { path, via: await keep() };
  } catch (error) {
    const wrong = error instanceof ForumError && error.code === STATUS["bad-content"].code;
    if (wrong) await part.drop();
    throw error;
  } finally {
    await part.close();
  }
}

async function receive(part: PartFile, options: SaveOfferOptions): Promise<() => Promise<Via>> {
  const { peers, offer, folder: _, ...taking } = options;
  const have: FileSource = { size: part.size, read: (offset, into) => part.read(offset, into) };
  const { stream, keep } = await peers.accept(offer.offer, {
    ...taking,
    ...part.size > 0 && { have },
  });
  for await (const chunk of stream) await part.write(chunk);
  return keep;
}

/** A file of that path, if it is the one that is offered. */
async function sameFile(
  path: string,
  { size, sha256 }: PeerOffer,
): Promise<{ path: string; source: DiskSource } | undefined> {
  let source: DiskSource;
  try {
    source = await openSource(path);
  } catch {
    return undefined;
  }
  if (source.size === size && await hashOf(source) === sha256) return { path, source };
  source.close();
  return undefined;
}

async function hashOf(source: DiskSource): Promise<string | undefined> {
  const hash = createSha256();
  const piece = new Uint8Array(Math.min(HASH_BYTES, source.size));
  for (let at = 0; at < source.size;) {
    const count = await source.read(at, piece);
    if (count === 0) return undefined;
    hash.update(piece.subarray(0, count));
    at += count;
  }
  return hash.hex();
}
