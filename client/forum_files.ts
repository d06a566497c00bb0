/**
 * The files of a forum client: uploads and downloads as promises and streams, each with a carrier that stands between the
 * session's transfer and the file.
 *
 * @module
 */

import type { ClientSession } from "../protocol/session.ts";
import type { Command } from "../protocol/forum/command.ts";
import type { DownloadOpened, UploadKept, UploadOpened } from "../protocol/forum/reply.ts";
import { STATUS } from "../protocol/status.ts";
import { WINDOW_BYTES } from "../protocol/transfer/receiver.ts";
import type { TransferEvent } from "../protocol/transfer/transfers.ts";
import type { Carrier, CarrierLink } from "./files/carrier.ts";
import { canGoBack, type FileContent, type FileSource, sourceOf } from "./files/file_source.ts";
import { createIncomingFile, type IncomingFile } from "./files/incoming_file.ts";
import { createOutgoingFile } from "./files/outgoing_file.ts";
import { ForumError } from "./forum_error.ts";
import { now } from "./session_driver.ts";

/** What is common to uploads and downloads. */
export interface CarryOptions {
  /** The thread's number. */
  readonly thread: number;
  /** Let chunks that shrink travel deflated; false by default. */
  readonly deflate?: boolean;
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** Told, each time it has got further, how many bytes of the file are through. */
  readonly onProgress?: (bytes: number) => void;
}

/** What is uploaded. */
export interface UploadOptions extends CarryOptions {
  /** What it shall be called in the thread. */
  readonly name: string;
  /** The bytes. A stream cannot go back: what the server has not stored of it is kept in memory. */
  readonly content: FileContent;
  /** Its media type. */
  readonly type?: string;
  /** SHA-256 of all bytes, where it is known: then what is there already need not travel. */
  readonly sha256?: string;
  /** When it was last changed, in ms since 1970: tells a broken upload of the same file from another. */
  readonly modified?: number;
}

/** What is downloaded. */
export interface DownloadOptions extends CarryOptions {
  /** The `seq` of the file. */
  readonly file: number;
  /** What is there of it already, from its beginning: only the rest comes. It is hashed too. */
  readonly have?: FileSource;
  /**
   * Offered the bytes as they come, with their place in the file, before the stream gets them. Who returns `true` is
   * done with them, since they are overwritten afterwards, and spares them every copy; what is left goes to the
   * stream. That has to be read all the same: it tells how it ends.
   */
  readonly take?: (bytes: Uint8Array, at: number) => boolean;
}

/** With these the server asks to wait for one's turn. */
const HAS_A_TURN: ReadonlySet<number> = new Set([
  STATUS["transfer-busy"].code,
  STATUS.rate.code,
]);
/** How long to wait for a turn where the server does not say it, in ms. */
const BUSY_WAIT = 1000;

/** What files need of their client. */
export interface FilesHost {
  readonly session: ClientSession;
  /** Something was given to the session: what comes of it is dealt with. */
  turn(): void;
  /** The reply to a command; `streams` where nobody waits for it, as for the end of a download that may never be read. */
  reply(id: number, streams: boolean): Promise<object>;
}

/** The files of a client. */
export class ForumFiles {
  readonly #host: FilesHost;
  readonly #carriers = new Map<number, Carrier>();

  constructor(host: FilesHost) {
    this.#host = host;
  }

  /** The server has opened a transfer. */
  opened(id: number, reply: UploadOpened | DownloadOpened): void {
    this.#carriers.get(id)?.opened(reply);
  }

  /** Something happened to a transfer. */
  happened(event: TransferEvent): void {
    this.#carriers.get(event.id)?.event(event);
  }

  async upload({ thread, name, content, signal, onProgress, ...more }: UploadOptions) {
    const source = sourceOf(content);
    const { type, sha256, modified, deflate } = more;
    const command: Extract<Command, { op: "upload" }> = {
      op: "upload",
      thread,
      name,
      size: source.size,
      ...type !== undefined && { type },
      ...sha256 !== undefined && { sha256 },
      ...modified !== undefined && { modified },
      ...deflate && { deflate },
    };
    let went = 0;
    const attempt = () =>
      this.#carry<UploadKept>(command, signal, (link) =>
        createOutgoingFile({
          source,
          link,
          onStored(bytes) {
            went = bytes;
            onProgress?.(bytes);
          },
        }));
    try {
      return await this.#inTurn(attempt, signal);
    } catch (error) {
      // The server began with what another file had left: now that is gone.
      const stale = error instanceof ForumError && error.code === STATUS["bad-content"].code;
      if (!stale || went === 0 || !canGoBack(content)) throw error;
      return await this.#inTurn(attempt, signal);
    } finally {
      source.close?.();
    }
  }

  async download(
    { thread, file, have, take, signal, onProgress = () => {}, deflate }: DownloadOptions,
  ): Promise<IncomingFile> {
    const offset = have?.size ?? 0;
    const command: Extract<Command, { op: "download" }> = {
      op: "download",
      thread,
      file,
      upto: offset + WINDOW_BYTES,
      ...offset > 0 && { offset },
      ...deflate && { deflate },
    };
    const attempt = () =>
      new Promise<IncomingFile>((resolve, reject) => {
        let opened = false;
        const onOpened = (file: IncomingFile) => {
          opened = true;
          resolve(file);
        };
        const options = {
          onOpened,
          onTaken: onProgress,
          ...have !== undefined && { have },
          ...take !== undefined && { take },
        };
        this.#carry<DownloadOpened>(command, signal, (link) => {
          return createIncomingFile({ ...options, link });
        }).catch(reject).finally(() => {
          if (opened) have?.close?.();
        });
      });
    try {
      return await this.#inTurn(attempt, signal);
    } catch (error) {
      have?.close?.();
      throw error;
    }
  }

  /** Opens a transfer, and sees it through with its carrier. */
  async #carry<R>(
    command: Extract<Command, { op: "upload" | "download" }>,
    signal: AbortSignal | undefined,
    make: (link: CarrierLink) => Carrier<never>,
  ): Promise<R> {
    signal?.throwIfAborted();
    const { session } = this.#host;
    const id = session.command(command, now());
    const turning = (act: () => void) => {
      act();
      this.#host.turn();
    };
    /** What went wrong on this side: that is thrown, not what the server was told. */
    let trouble: { readonly error: unknown } | undefined;
    const fail = (error: unknown) => {
      trouble ??= { error };
      turning(() => session.cancelTransfer(id, "cancelled", now()));
    };
    const carrier = make({
      provide: (frame, raw) => turning(() => session.provide(id, frame, raw)),
      end: (sha256) => turning(() => session.endUpload(id, sha256)),
      stored: (count) => turning(() => session.stored(id, count)),
      kept: (sha256) => turning(() => session.keepDownload(id, sha256)),
      cancel: (status) => turning(() => session.cancelTransfer(id, status, now())),
      fail,
    }) as Carrier;
    this.#carriers.set(id, carefully(carrier, fail));
    const aborted = () => fail(signal!.reason);
    signal?.addEventListener("abort", aborted);
    const over = this.#host.reply(id, command.op === "download");
    this.#host.turn();
    try {
      const result = await over;
      carrier.over();
      return result as R;
    } catch (refused) {
      const error = trouble === undefined ? refused : trouble.error;
      carrier.over(error);
      throw error;
    } finally {
      this.#carriers.delete(id);
      signal?.removeEventListener("abort", aborted);
    }
  }

  /** Tries again for as long as too many transfers are under way, or were begun in too short a time. */
  async #inTurn<T>(attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof ForumError) || !HAS_A_TURN.has(error.code)) throw error;
        await pause(error.detail?.wait ?? BUSY_WAIT, signal);
      }
    }
  }
}

/** A carrier whose throws, as those of somebody who is told of progress, end the transfer and nothing else. */
function carefully(carrier: Carrier, fail: (error: unknown) => void): Carrier {
  const attempt = (act: () => void) => {
    try {
      act();
    } catch (error) {
      fail(error);
    }
  };
  return {
    opened: (reply) => attempt(() => carrier.opened(reply)),
    event: (event) => attempt(() => carrier.event(event)),
    over: (error) => carrier.over(error),
  };
}

/** Waits; rejects with the signal's reason when that comes first. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    const aborted = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
