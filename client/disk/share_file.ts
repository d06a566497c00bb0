/**
 * Sharing a file of this machine in a thread: so that what was cut off is gone on with, and what is there
 * already does not travel.
 *
 * @module
 */

import type { UploadKept } from "../../protocol/forum/reply.ts";
import { STATUS } from "../../protocol/status.ts";
import { fold } from "../../protocol/text.ts";
import { mediaType } from "../files/media_type.ts";
import { hashOf } from "../files/hash_of.ts";
import { unlessAborted } from "../files/unless_aborted.ts";
import { type CarryOptions, type ForumClient, ForumError } from "../forum_client.ts";
import type { DiskSource } from "./disk_source.ts";

/** What is shared, and where. */
export interface ShareOptions extends CarryOptions {
  readonly client: Pick<ForumClient, "user" | "command" | "upload">;
  /** It is closed in the end. */
  readonly source: DiskSource;
}

/** A file up to this size is hashed beforehand; a larger one would be read twice. */
export const HASHED_FIRST_BYTES: number = 8 * 1024 * 1024;

/**
 * Uploads a file under its own name.
 *
 * @throws ForumError if it is refused; DiskError if it cannot be read; the signal's reason.
 */
export async function shareFile(options: ShareOptions): Promise<UploadKept> {
  const { source, signal } = options;
  try {
    if (source.size <= HASHED_FIRST_BYTES) return await send(options, await hashOf(source, signal));
    try {
      return await send(options);
    } catch (error) {
      if (!await isThere(error, options)) throw error;
      // With the hash the server can tell whether it is the same file: then it is shared already.
      return await send(options, await hashOf(source, signal));
    }
  } finally {
    source.close();
  }
}

async function send(options: ShareOptions, sha256?: string): Promise<UploadKept> {
  const { client, source, ...carrying } = options;
  const { name, size, modified } = source;
  return await client.upload({
    ...carrying,
    name,
    // The client closes what it is given, and this may be needed once more.
    content: { size, read: (offset, into) => source.read(offset, into) },
    type: mediaType(name),
    ...sha256 !== undefined && { sha256 },
    ...modified !== undefined && { modified },
  });
}

/** Whether it was refused because this user has a file of that name and size in the thread. */
async function isThere(
  error: unknown,
  { client, thread, source, signal }: ShareOptions,
): Promise<boolean> {
  const taken = error instanceof ForumError && error.code === STATUS["file-exists"].code;
  if (!taken) return false;
  const asked = client.command<"files">({ op: "files", thread, name: source.name });
  const { files } = await unlessAborted(signal, asked);
  return files.some(({ by, size }) => fold(by) === fold(client.user) && size === source.size);
}
