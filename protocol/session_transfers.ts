/**
 * The files of a client's session: they are on their way whatever links come and go (DESIGN §7).
 *
 * A link's own transfers (transfer/transfers.ts) end with it. Here stands what outlives them: how far each file has
 * come, what of it is not taken, and when one for which there is no room is opened again. A transfer bears the number of
 * the command that opened it, and that command is sent anew on each link, from where the file has got to.
 *
 * @module
 */

import type { Refused } from "./body.ts";
import type { Command, Download, Keyed, Upload } from "./forum/command.ts";
import { FILE_SIZE_MAX } from "./forum/event.ts";
import type { DownloadOpened, UploadOpened } from "./forum/reply.ts";
import { RETRY_MAX } from "./reconnect_backoff.ts";
import { refusedBody } from "./refused.ts";
import type { SessionTransition } from "./session.ts";
import { STATUS, type StatusName, statusName } from "./status.ts";
import type { TransferEvent, Transfers } from "./transfer/transfers.ts";

/** A command that opens a transfer. */
export type Opening = (Upload & Keyed) | Download;

/** Whether a command opens a transfer. */
export function isOpening(command: Command): command is Opening {
  return command.op === "upload" || command.op === "download";
}

/** What the files of a session need of it. */
export interface TransferHost {
  /** Bytes of one download that may have come and not been taken. */
  readonly window: number;
  /** The transfers of the present link, while there is one. */
  transfers(): Transfers | undefined;
  /** Sends what opens a transfer, or opens it again, on the present link. */
  open(id: number, command: Opening): void;
  tell(what: SessionTransition): void;
}

/** The files of a session. */
export interface SessionTransfers {
  /** The numbers of those that are not over. */
  readonly ids: Iterable<number>;
  /** When `handleTimeout` has something to do; `Infinity` if nothing waits for time. */
  readonly due: number;
  /** Whether this one is not over. */
  has(id: number): boolean;
  /** A file is to be sent or fetched. */
  add(id: number, command: Opening): void;
  /** The server lets a transfer begin, or go on. */
  opened(id: number, command: Opening, reply: UploadOpened | DownloadOpened): void;
  /** The server does not; whether whoever asked is to be told that this is the end. */
  refused(id: number, refused: Refused | undefined, now: number): boolean;
  /** Something happened to a transfer of the present link. */
  happened(event: TransferEvent, now: number): void;
  /** There is another link: all that are not whole are opened again. */
  goOn(): void;
  /** Opens again what has waited long enough for room. */
  handleTimeout(now: number): void;
  /** See {@linkcode Transfers.provide}. */
  provide(id: number, frame: Uint8Array, raw?: number): void;
  /** All bytes of an upload were given, and this is their SHA-256. */
  end(id: number, sha256: string): void;
  /** So many more bytes of a download were taken. */
  stored(id: number, count: number): void;
  /** A download is whole, and what its hash says. */
  keep(id: number, sha256: string): void;
  /** Gives a transfer up. */
  cancel(id: number, status: StatusName): void;
  /** Forgets all of them: the session is over. */
  clear(): void;
}

/** A file on its way. */
interface Carried {
  readonly command: Opening;
  /** A download: the next byte that comes. */
  position: number;
  /** A download: how many bytes have come and are not taken. */
  untaken: number;
  /** How many of those there were when it was opened on the present link. */
  behind: number;
  /** A download has come to its end, and only whether it is right is still looked at. */
  whole: DownloadOpened | undefined;
  opened: UploadOpened | DownloadOpened | undefined;
  /** When it is opened again, because the server had no room for it after a break. */
  againAt: number;
}

class Files implements SessionTransfers {
  readonly #host: TransferHost;
  readonly #carried = new Map<number, Carried>();

  constructor(host: TransferHost) {
    this.#host = host;
  }

  get ids(): Iterable<number> {
    return this.#carried.keys();
  }

  get due(): number {
    let due = Infinity;
    for (const { againAt } of this.#carried.values()) due = Math.min(due, againAt);
    return due;
  }

  has(id: number): boolean {
    return this.#carried.has(id);
  }

  add(id: number, command: Opening): void {
    this.#carried.set(id, {
      command,
      position: 0,
      behind: 0,
      untaken: 0,
      whole: undefined,
      opened: undefined,
      againAt: Infinity,
    });
  }

  opened(id: number, command: Opening, reply: UploadOpened | DownloadOpened): void {
    const transfers = this.#host.transfers()!;
    const carried = this.#carried.get(id);
    if (!opens(command, reply)) {
      // It would neither go on nor end.
      if (this.#carried.delete(id)) this.#refuse(id, refusedBody({ status: "bad-message" }));
      return;
    }
    if (command.op === "upload") {
      const { offset, upto } = reply as UploadOpened;
      transfers.send(id, { size: command.size, offset, upto });
    } else {
      const { offset, size } = reply as DownloadOpened;
      const { behind = 0, untaken = 0 } = carried ?? {};
      transfers.receive(id, { size, offset, window: this.#host.window, behind });
      // What was taken since it was asked for makes room.
      if (untaken < behind) transfers.stored(id, behind - untaken);
    }
    // It was given up while the reply was on its way.
    if (carried === undefined) return transfers.cancel(id, "cancelled");
    carried.opened = reply;
    carried.position = reply.offset;
    this.#host.tell({ kind: "transfer-opened", id, reply });
  }

  refused(id: number, refused: Refused | undefined, now: number): boolean {
    const carried = this.#carried.get(id);
    const wait = refused?.detail?.wait;
    // What was under way goes on when there is room for it again.
    if (carried?.opened !== undefined && wait !== undefined) {
      carried.againAt = now + wait;
      return false;
    }
    // Whoever gave it up was told so.
    return this.#carried.delete(id);
  }

  happened(event: TransferEvent, now: number): void {
    const carried = this.#carried.get(event.id);
    if (carried === undefined) return;
    switch (event.what) {
      case "data": {
        const count = event.raw ?? event.bytes.length;
        carried.position += count;
        carried.untaken += count;
        break;
      }
      case "finish":
        if (carried.command.op === "upload") {
          this.#carried.delete(event.id);
          this.#host.tell({ kind: "done", id: event.id, result: event.finish });
          return;
        }
        carried.whole = carried.opened as DownloadOpened;
        break;
      case "abort": {
        // All of it is here: what the server says no longer matters.
        if (carried.whole !== undefined) return;
        const { code, reason } = event.abort;
        if (code === STATUS["transfer-busy"].code) {
          // It had to make room, and goes on when there is some again.
          carried.againAt = now + RETRY_MAX;
          return;
        }
        this.#carried.delete(event.id);
        const name = statusName(code) ?? "cancelled";
        this.#refuse(event.id, { code, name, text: reason });
        return;
      }
    }
    this.#host.tell({ kind: "transfer", event });
  }

  goOn(): void {
    for (const [id, carried] of this.#carried) {
      if (carried.whole === undefined) this.#open(id, carried);
    }
  }

  handleTimeout(now: number): void {
    for (const [id, carried] of this.#carried) {
      if (carried.againAt <= now) this.#open(id, carried);
    }
  }

  /** Opens a transfer, or opens it again where it has got to. */
  #open(id: number, carried: Carried): void {
    const { command, position, untaken, opened } = carried;
    carried.againAt = Infinity;
    carried.behind = untaken;
    const again: Opening = command.op === "upload" || opened === undefined
      ? command
      : { ...command, offset: position, upto: position - untaken + this.#host.window };
    this.#host.open(id, again);
  }

  provide(id: number, frame: Uint8Array, raw?: number): void {
    this.#host.transfers()?.provide(id, frame, raw);
  }

  end(id: number, sha256: string): void {
    this.#host.transfers()?.end(id, { sha256 });
  }

  stored(id: number, count: number): void {
    const carried = this.#carried.get(id);
    if (carried === undefined) return;
    carried.untaken -= count;
    this.#host.transfers()?.stored(id, count);
  }

  keep(id: number, sha256: string): void {
    const carried = this.#carried.get(id);
    if (carried?.whole === undefined) return;
    this.#carried.delete(id);
    this.#host.transfers()?.kept(id, { sha256 });
    this.#host.tell({ kind: "done", id, result: carried.whole });
  }

  cancel(id: number, status: StatusName): void {
    if (!this.#carried.delete(id)) return;
    this.#host.transfers()?.cancel(id, status);
    this.#refuse(id, refusedBody({ status }));
  }

  clear(): void {
    this.#carried.clear();
  }

  #refuse(id: number, refused: Refused): void {
    this.#host.tell({ kind: "refused", id, refused });
  }
}

/** Whether a reply says what it must say for a transfer to begin: the connection does not look into replies. */
function opens(command: Opening, reply: UploadOpened | DownloadOpened): boolean {
  const isPlace = (value: unknown, most: number) =>
    Number.isSafeInteger(value) && value as number >= 0 && value as number <= most;
  const { offset, size, upto } = reply as Partial<UploadOpened & DownloadOpened>;
  return command.op === "upload"
    ? isPlace(offset, command.size) && isPlace(upto, command.size)
    : isPlace(size, FILE_SIZE_MAX) && isPlace(offset, size!);
}

/** Makes the files of a session that has none yet. */
export function createSessionTransfers(host: TransferHost): SessionTransfers {
  return new Files(host);
}
