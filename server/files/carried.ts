/**
 * A transfer that the server carries: an upload or a download of one session, and how it ends before its time.
 *
 * @module
 */

import type { Command } from "../../protocol/forum/command.ts";
import { type Refusal, refuse } from "../../protocol/status.ts";
import type { Transfers } from "../../protocol/transfer/transfers.ts";
import type { BlobFault, BlobStore } from "../blob/blob_store.ts";
import type { Log } from "../log/log.ts";
import type { ServiceSession } from "../session.ts";
import type { Unit } from "../units.ts";
import type { FileLimits } from "./file_limits.ts";
import type { IncomingUpload } from "./incoming_upload.ts";
import type { OutgoingDownload } from "./outgoing_download.ts";

/** What files need. */
export interface FilesOptions {
  readonly log: Log;
  readonly blobs: BlobStore;
  readonly limits: FileLimits;
  /** Now, in ms since 1970. */
  readonly clock: () => number;
  /** Answers a command that was taken on. */
  readonly answer: (
    session: ServiceSession,
    job: { readonly id: number; readonly command: Command },
    reply: Answer,
  ) => void;
  /** Counts that a limit was reached. */
  readonly count: (what: "transfer-busy" | "stalled") => void;
  /** Tells the activity log. */
  readonly record: (
    session: ServiceSession,
    did: string,
    about: Record<string, string | number | undefined>,
  ) => void;
}

/** JSON text, or a refusal. */
export type Answer = { readonly json: string } | Refusal;

/** A command that opens a transfer, and the unit in which it is done. */
export interface Opening<C> {
  readonly id: number;
  readonly command: C;
  readonly unit: Unit;
}

/** What all transfers under way have. */
export interface Carried {
  readonly thread: number;
  /** Ends it, and says why: by ABORT, or as the answer to its command if it has not begun. */
  readonly over: (refusal: Refusal) => void;
}

/** An upload under way. */
export interface ActiveUpload extends Carried {
  readonly kind: "upload";
  readonly carried: IncomingUpload;
  /** The number under which the store keeps its bytes. */
  readonly upload: number;
  /** The client wants it no more, and the store is finishing it. */
  givenUp: boolean;
}

/** A download under way. */
export interface ActiveDownload extends Carried {
  readonly kind: "download";
  readonly carried: OutgoingDownload;
}

/** A transfer under way. */
export type Active = ActiveUpload | ActiveDownload;

/** What carries transfers, and knows which are under way. */
export interface Carrying {
  /** Why another transfer cannot begin, if it cannot. */
  refusal(session: ServiceSession, id: number): Refusal | undefined;
  /** What carries the files of a session, if one more may be carried: room is made for it. */
  transfers(session: ServiceSession, id: number): Transfers | Refusal;
  begin(session: ServiceSession, id: number, active: Active): void;
  end(session: ServiceSession, id: number): void;
}

/** Ends a transfer; what came of an upload stays to be gone on with. */
export function breakOff({ carried, over }: Active, why: Refusal): void {
  carried.close();
  over(why);
}

/** Whether the store has all bytes of an upload, and looks whether they are right: that is seen through. */
export function isFinishing(active: Active): boolean {
  return active.kind === "upload" && active.carried.finishing !== undefined;
}

/** A fault of the store as clients hear of it. */
export function refusalOf({ status, text }: BlobFault): Refusal {
  return status === "replaced"
    ? refuse("replaced", "The same upload was begun anew elsewhere.")
    : refuse(status, text);
}
