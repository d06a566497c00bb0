/**
 * What the two sides of a store see of each other (store_proxy.ts is the near one), and what of a store's work is
 * done on the near side.
 *
 * @module
 */

import type { BlobReply, BlobRequest } from "./blob_message.ts";

/** The far side, while it works. */
export interface FarSide {
  /** Sends requests, and the buffers behind their bytes, which are given away. */
  send(requests: BlobRequest[], buffers: ArrayBuffer[]): void;
  /** Ends it. */
  end(): void;
}

/** Who hears the far side; it is never called within {@linkcode FarSide.send}. */
export interface NearSide {
  hear(replies: readonly BlobReply[]): void;
  /** The far side does nothing more. */
  broken(why: string): void;
}

/** Does some of what is asked on the near side. */
export interface NearDisk {
  /** Whether it does this; replies are told later. */
  take(request: BlobRequest): boolean;
  /** Nothing more is asked under this number. */
  forget(id: number): void;
  /** Forgets everything. */
  clear(): void;
}

/** What the near side lets it do. */
export interface NearDiskHost {
  /** Runs something soon. */
  defer(run: () => void): void;
  hear(reply: BlobReply): void;
  /** Leaves something to the far side. */
  send(request: BlobRequest): void;
}
