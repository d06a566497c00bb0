/**
 * What the two sides of a store say to each other: the near side is called by the server
 * (store_proxy.ts), the far side has the bytes: a worker with a disk, or a map in memory.
 *
 * Everything is plain data, since it goes from thread to thread. Writers, readers and questions are
 * known by a number that the near side gives and never gives again. What the far side does not know
 * (any more) it ignores.
 *
 * @module
 */

import type { BlobFault, Block, KeptContent } from "./blob_store.ts";

/** To the far side. */
export type BlobRequest =
  | {
    readonly op: "open-writer";
    readonly id: number;
    readonly upload: number;
    readonly size: number;
    readonly scratch: boolean;
    readonly packed: boolean;
  }
  | {
    readonly op: "write";
    readonly id: number;
    readonly pieces: readonly Uint8Array[];
    readonly place?: BlobPlace;
  }
  | {
    readonly op: "write-packed";
    readonly id: number;
    readonly bytes: Uint8Array;
    readonly raw: number;
  }
  /** `found` is the hash of what was written, `size` bytes, where the near side knows it: see {@linkcode hashesHere}. */
  | {
    readonly op: "finish";
    readonly id: number;
    readonly sha256: string;
    readonly found?: { readonly sha256: string; readonly size: number };
  }
  | { readonly op: "close-writer"; readonly id: number }
  | {
    readonly op: "open-reader";
    readonly id: number;
    readonly sha256: string;
    readonly offset: number;
    readonly deflate: boolean;
  }
  /** `spare` is memory for the block, if there is some at hand. */
  | { readonly op: "pull"; readonly id: number; readonly spare?: ArrayBuffer }
  | { readonly op: "close-reader"; readonly id: number }
  | { readonly op: "ask"; readonly id: number; readonly question: BlobQuestion };

/** Where bytes go, if it is the near side that hashes: then it may have written what is before them. */
export interface BlobPlace {
  /** So many bytes are before them. */
  readonly at: number;
  /** Whether some of these are not stored yet. */
  readonly behind: boolean;
}

/** What has one answer, and can be asked again when the far side broke. */
export type BlobQuestion =
  | { readonly about: "has"; readonly sha256: string }
  | { readonly about: "remove"; readonly sha256: string }
  | { readonly about: "discard"; readonly upload: number }
  | { readonly about: "uploads" }
  | { readonly about: "contents"; readonly after: string; readonly count: number }
  /** Answered when the far side works. */
  | { readonly about: "ready" }
  /** Answered when nothing is under way any more; nothing is asked after it. */
  | { readonly about: "settle" };

/**
 * Whether the near side hashes an upload: if it sees all of it, it does so while the bytes are still in the
 * processor's cache, and the far side need only write. What lies there already, and what comes deflated, only the
 * far side sees.
 */
export function hashesHere({ at, packed }: { at: number; packed: boolean }): boolean {
  return at === 0 && !packed;
}

/** The answers to questions. */
export interface BlobAnswers {
  readonly has: number | undefined;
  readonly remove: BlobFault | undefined;
  readonly discard: BlobFault | undefined;
  readonly uploads: number[];
  readonly contents: KeptContent[];
  readonly ready: undefined;
  readonly settle: undefined;
}

/** An answer of some kind. */
export type BlobAnswer = BlobAnswers[keyof BlobAnswers];

/** To the near side. After `kept`, `end` and `failed` nothing more is told of that number. */
export type BlobReply =
  /** Of a writer: where it goes on. Of a reader: the size of the whole. */
  | { readonly id: number; readonly told: "opened"; readonly at: number }
  /** `spare` is the memory of the bytes, which is not needed any more. */
  | {
    readonly id: number;
    readonly told: "stored";
    readonly count: number;
    readonly spare?: ArrayBuffer;
  }
  | { readonly id: number; readonly told: "kept"; readonly size: number }
  | { readonly id: number; readonly told: "block"; readonly block: Block }
  | { readonly id: number; readonly told: "end" }
  | { readonly id: number; readonly told: "failed"; readonly fault: BlobFault }
  | { readonly id: number; readonly told: "answer"; readonly answer: BlobAnswer };
