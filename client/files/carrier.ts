/**
 * Carriers: what stands between a session's transfers and the files of a person or a program.
 *
 * @module
 */

import type { DownloadOpened, UploadOpened } from "../../protocol/forum/reply.ts";
import type { StatusName } from "../../protocol/status.ts";
import type { TransferEvent } from "../../protocol/transfer/transfers.ts";

/** One file on its way, on the client's side. */
export interface Carrier<Opened = UploadOpened | DownloadOpened> {
  /** The server has opened it: at the beginning, and after each break. */
  opened(reply: Opened): void;
  /** Something happened to it. */
  event(event: TransferEvent): void;
  /** It is over: with what it ended, if that was no success. */
  over(error?: unknown): void;
}

/** What a carrier can do. */
export interface CarrierLink {
  /** Gives the next bytes of an upload; see `Transfers`. */
  provide(frame: Uint8Array, raw?: number): void;
  /** All bytes of an upload were given. */
  end(sha256: string): void;
  /** So many more bytes of a download were taken. */
  stored(count: number): void;
  /** A download is whole. */
  kept(sha256: string): void;
  /** Gives it up, for a reason that the server is told. */
  cancel(status: StatusName): void;
  /** Gives it up because of a trouble on this side. */
  fail(error: unknown): void;
}
