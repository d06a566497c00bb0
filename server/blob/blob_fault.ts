/**
 * The faults of a store, in the same words wherever the bytes lie.
 *
 * @module
 */

import type { BlobFault } from "./blob_store.ts";

/** There is no room. */
export function storageFull(cause?: string): BlobFault {
  const text = "There is no room for more at the moment.";
  return { status: "storage-full", text, ...cause !== undefined && { cause } };
}

/** The storage failed. */
export function storageFailed(cause: string): BlobFault {
  return { status: "internal", text: "The file store met a fault.", cause };
}

/** Somebody else has the upload now, or nobody. */
export const REPLACED: BlobFault = {
  status: "replaced",
  text: "The upload was opened anew elsewhere, or discarded.",
};

/** There is no such content. */
export const NO_FILE: BlobFault = { status: "no-file", text: "There is no such file." };

function badContent(text: string): BlobFault {
  return { status: "bad-content", text };
}

/** More bytes came than were announced. */
export function tooMuch(size: number): BlobFault {
  return badContent(`More than the announced ${size} bytes came.`);
}

/** Fewer bytes came than were announced. */
export function tooLittle(offset: number, size: number): BlobFault {
  return badContent(`Only ${offset} of ${size} bytes came.`);
}

/** The bytes are others than the sender has hashed. */
export const WRONG_HASH: BlobFault = badContent("The bytes do not have the hash that was told.");

/** What came deflated is damaged, or not as long as was told. */
export function badDeflate(raw: number): BlobFault {
  return badContent(`What came deflated does not inflate to ${raw} bytes.`);
}

/** Somebody wants to read from behind the end. */
export function beyondEnd(offset: number, size: number): BlobFault {
  return badContent(`The file has ${size} bytes, and is asked for from byte ${offset} on.`);
}
