/**
 * Files on the server: what `upload` and `download` ask for, between sessions, the store of their bytes, and
 * the log (DESIGN §7).
 *
 * An upload is decided before its bytes come, so that what cannot end well does not travel, and again when
 * the store has them whole: only then the file is shared, in one unit with the reply to its key. Until then
 * the log knows its number, and the store its bytes, so whoever was cut off goes on.
 *
 * @module
 */

import type { Command, Download, Keyed, Upload } from "../../protocol/forum/command.ts";
import { isRefusal } from "../../protocol/forum/decide.ts";
import type { Quota } from "../../protocol/forum/decision.ts";
import { threadScope } from "../../protocol/forum/event.ts";
import { maySee } from "../../protocol/forum/policy.ts";
import type { FileRow, UploadKept } from "../../protocol/forum/reply.ts";
import { type Refusal, refuse } from "../../protocol/status.ts";
import { fold } from "../../protocol/text.ts";
import type { TransferEvent, Transfers } from "../../protocol/transfer/transfers.ts";
import type { BlobFault, BlobStore } from "../blob/blob_store.ts";
import { change } from "../changes.ts";
import type { Log, Transaction } from "../log/log.ts";
import type { ServiceSession } from "../session.ts";
import type { Unit } from "../units.ts";
import type { FileLimits } from "./file_limits.ts";
import { createHousekeeping, type Housekeeping } from "./housekeeping.ts";
import { type IncomingUpload, openUpload } from "./incoming_upload.ts";
import { createUnderWay, type UnderWay } from "./under_way.ts";
import { mayDeflate, openDownload, type OutgoingDownload } from "./outgoing_download.ts";

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
type Answer = { readonly json: string } | Refusal;

/** A command that opens a transfer, and the unit in which it is done. */
export interface Opening<C> {
  readonly id: number;
  readonly command: C;
  readonly unit: Unit;
}

/** An upload to be decided; with `barred` only what was done before is answered. */
interface Asked {
  readonly id: number;
  readonly command: Upload & Keyed;
  readonly barred: Refusal | undefined;
}

/** The files of a forum. */
export interface Files {
  /** How many transfers are under way. */
  readonly count: number;
  /** Does `upload` in a unit; with `barred` only what was done before is answered. */
  upload(
    tx: Transaction,
    session: ServiceSession,
    opening: Opening<Upload & Keyed> & { readonly barred: Refusal | undefined },
  ): void;
  /** Does `download` in a unit. */
  download(tx: Transaction, session: ServiceSession, opening: Opening<Download>): void;
  /** Something happened to a transfer of a session. */
  event(session: ServiceSession, event: TransferEvent): void;
  /** The session is over: what it sent stays to be gone on with. */
  part(session: ServiceSession): void;
  /** A user can no longer see a thread: what they are getting from it ends. */
  shutOut(user: string, scope: string): void;
  /** Does a little of what can wait; call it about once a second, with the time in ms. */
  tidy(now: number): void;
}

/** What all transfers under way have. */
interface Carried {
  readonly thread: number;
  /** Ends it, and says why: by ABORT, or as the answer to its command if it has not begun. */
  readonly over: (refusal: Refusal) => void;
}

/** An upload under way. */
interface ActiveUpload extends Carried {
  readonly kind: "upload";
  readonly carried: IncomingUpload;
  /** The number under which the store keeps its bytes. */
  readonly upload: number;
  /** The client wants it no more, and the store is finishing it. */
  givenUp: boolean;
}

/** A download under way. */
interface ActiveDownload extends Carried {
  readonly kind: "download";
  readonly carried: OutgoingDownload;
}

/** A transfer under way. */
type Active = ActiveUpload | ActiveDownload;

/** What is said to whoever stands in the way of others. */
const STALLED = "It stood still, and others wait. Go on with it later.";

class ForumFiles implements Files {
  readonly #options: FilesOptions;
  readonly #underWay: UnderWay<Active>;
  /** Contents that the store has, or is about to have, and that no entry of the log has yet. */
  readonly #arriving = new Map<string, number>();
  /** Uploads under way, by the numbers under which the store keeps their bytes. */
  readonly #uploading = new Map<number, number>();
  /** Uploads that the store is finishing, and what is done when that is over. */
  readonly #finishing = new Map<number, (() => void)[]>();
  readonly #housekeeping: Housekeeping;

  constructor(options: FilesOptions) {
    this.#options = options;
    const { log, blobs, clock, limits } = options;
    this.#underWay = createUnderWay<Active>(limits, (active) => !isFinishing(active));
    this.#housekeeping = createHousekeeping({
      log,
      blobs,
      clock,
      uploading: (number) => this.#uploading.has(number),
      arriving: (sha256) => this.#arriving.has(sha256),
    });
  }

  get count(): number {
    return this.#underWay.count;
  }

  upload(
    tx: Transaction,
    session: ServiceSession,
    { id, command, unit, barred }: Opening<Upload & Keyed> & { barred: Refusal | undefined },
  ): void {
    unit.aftermath.push(this.#consider(tx, session, { id, command, barred }));
  }

  /** Decides an upload, and gives what is to be done once that is durable. */
  #consider(tx: Transaction, session: ServiceSession, { id, command, barred }: Asked): () => void {
    const { answer } = this.#options;
    const outcome = this.#decide(tx, session.user, { command, barred });
    if (isRefusal(outcome) || outcome.json !== undefined) {
      return () => {
        answer(session, { id, command }, outcome as Answer);
        this.#recordUpload(session, command, outcome as Answer);
        session.wake();
      };
    }
    const upload = this.#refusal(session, id) ?? this.#numberOf(tx, session.user, command);
    return () => {
      if (typeof upload !== "number") answer(session, { id, command }, upload);
      // By now the session may be over, or others may have begun.
      else this.#openUpload(session, { id, command, upload });
      session.wake();
    };
  }

  /** What was being finished is over: who has waited for it may get the file now, or go on. */
  #considerAgain(session: ServiceSession, { id, command }: Omit<Asked, "barred">): void {
    if (!session.present) return;
    let act = () => {};
    this.#options.log.transact((tx) => {
      act = this.#consider(tx, session, { id, command, barred: undefined });
    }, (failure) => {
      if (failure === undefined) return act();
      this.#options.answer(session, { id, command }, failure);
      session.wake();
    });
  }

  /** Decides an upload; without JSON its bytes are wanted. */
  #decide(
    tx: Transaction,
    user: string,
    { command, barred }: { command: Upload & Keyed; barred: Refusal | undefined },
  ): { readonly json?: string } | Refusal {
    const { clock, log, limits } = this.#options;
    const { count: _, bytes } = log.uploadsOf(user);
    const known = log.findUpload(wantedOf(user, command))?.size ?? 0;
    const quota = quotaOf(limits, { user: bytes - known, all: log.uploadBytes - known });
    const outcome = change(tx, command, { user, at: clock(), barred, quota });
    // Nothing was decided but that it may begin.
    return isRefusal(outcome) || outcome.json !== "{}" ? outcome : {};
  }

  /** The number under which an upload is kept: that of a broken one of the same file, or a new one. */
  #numberOf(tx: Transaction, user: string, command: Upload): number | Refusal {
    const { log, clock, limits } = this.#options;
    const wanted = wantedOf(user, command);
    const found = log.findUpload(wanted);
    if (found !== undefined) {
      tx.touchUpload(found.number, clock());
      return found.number;
    }
    if (log.uploadsOf(user).count >= limits.unfinished) {
      return refuse(
        "full",
        `You have ${limits.unfinished} uploads that are not finished. Finish one, or wait a day.`,
      );
    }
    return tx.putUpload({ ...wanted, at: clock() });
  }

  /** What carries the files of a session, if one more may be carried: room is made for it. */
  #transfers(session: ServiceSession, id: number): Transfers | Refusal {
    const refusal = this.#refusal(session, id);
    if (refusal !== undefined) return refusal;
    const { transfers } = session;
    if (transfers === undefined) {
      return refuse("not-allowed", "Files are not carried in text mode. Use the terminal client.");
    }
    const hindrance = this.#underWay.hindrance();
    if (hindrance !== undefined) {
      this.#options.count("stalled");
      breakOff(hindrance.active, refuse("transfer-busy", STALLED));
    }
    return transfers;
  }

  /** Why another transfer cannot begin, if it cannot. */
  #refusal(session: ServiceSession, id: number): Refusal | undefined {
    const refusal = this.#underWay.refusal(session, id);
    if (refusal?.status === "transfer-busy") this.#options.count("transfer-busy");
    return refusal;
  }

  #openUpload(
    session: ServiceSession,
    { id, command, upload }: { id: number; command: Upload & Keyed; upload: number },
  ): void {
    const { blobs, answer, limits } = this.#options;
    if (!session.present) return;
    // It may be the same file, from a link that broke at its end: it need not come again.
    const finishing = this.#finishing.get(upload);
    if (finishing !== undefined) {
      finishing.push(() => this.#considerAgain(session, { id, command }));
      return;
    }
    // Others may have begun since it was decided.
    const transfers = this.#transfers(session, id);
    if (isRefusal(transfers)) return answer(session, { id, command }, transfers);
    let opened = false;
    const over = (refusal: Refusal) => {
      if (opened) transfers.cancel(id, refusal.status, refusal.text);
      else answer(session, { id, command }, refusal);
      this.#recordUpload(session, command, refusal);
      this.#end(session, id);
      session.wake();
    };
    const carried = openUpload({
      id,
      blobs,
      upload,
      size: command.size,
      window: limits.window,
      transfers,
      opened: (offset, upto) => {
        opened = true;
        const deflate = command.deflate ?? false;
        answer(session, { id, command }, { json: JSON.stringify({ offset, upto, deflate }) });
        session.wake();
      },
      wake: () => session.wake(),
      kept: (sha256) => {
        if (active.givenUp) this.#forgo(session, { id, upload, sha256 });
        else this.#share(session, { id, command, upload, sha256, transfers }, over);
      },
      failed: (fault) => {
        this.#arrived(carried.finishing);
        // On a full disk talk comes first: what has come of the file makes room for it.
        if (fault.status === "storage-full") this.#housekeeping.giveUp(upload);
        over(refusalOf(fault));
      },
    });
    const { thread } = command;
    const active: ActiveUpload = { kind: "upload", thread, carried, over, upload, givenUp: false };
    this.#underWay.begin(session, id, active);
    adjust(this.#uploading, upload, 1);
  }

  /** The store has the bytes: the file is shared, whether or not the client is still there to be told. */
  #share(
    session: ServiceSession,
    { id, command, upload, sha256, transfers }: {
      id: number;
      command: Upload & Keyed;
      upload: number;
      sha256: string;
      transfers: Transfers;
    },
    over: (refusal: Refusal) => void,
  ): void {
    const { log, clock, limits } = this.#options;
    const { user } = session;
    let outcome: Answer = refuse("internal");
    log.transact((tx) => {
      tx.dropUpload(upload);
      const quota = quotaOf(limits, {
        user: log.uploadsOf(user).bytes,
        all: log.uploadBytes,
      });
      const content = { sha256, size: command.size };
      outcome = change(tx, command, { user, at: clock(), barred: undefined, content, quota });
    }, (failure) => {
      this.#arrived(sha256);
      const reply = failure ?? outcome;
      if (isRefusal(reply)) {
        this.#housekeeping.removeUnused(sha256);
        return over(reply);
      }
      const { file, at } = JSON.parse(reply.json) as UploadKept;
      transfers.kept(id, { sha256, file, at });
      this.#recordUpload(session, command, reply);
      this.#end(session, id);
      session.wake();
    });
  }

  /** The store has the bytes, and nobody wants them any more. */
  #forgo(
    session: ServiceSession,
    { id, upload, sha256 }: { id: number; upload: number; sha256: string },
  ): void {
    this.#arrived(sha256);
    this.#housekeeping.removeUnused(sha256);
    this.#options.log.transact((tx) => tx.dropUpload(upload), () => this.#end(session, id));
  }

  #recordUpload(session: ServiceSession, { thread, name, size }: Upload, reply: Answer): void {
    const refused = isRefusal(reply) ? { refused: reply.status } : {};
    // Of a flood only its size is told, and whoever waits for a turn asks often.
    if (refused.refused === "rate" || refused.refused === "transfer-busy") return;
    this.#options.record(session, "upload", { thread, name, size, ...refused });
  }

  download(
    tx: Transaction,
    session: ServiceSession,
    { id, command, unit }: Opening<Download>,
  ): void {
    const { log, answer } = this.#options;
    const { thread: number, file, offset = 0 } = command;
    const thread = tx.view.thread(number);
    const row = thread !== undefined && maySee(session.user, thread)
      ? log.fileRow(number, file)
      : undefined;
    const refusal = thread === undefined || !maySee(session.user, thread)
      ? refuse("no-thread")
      : row === undefined
      ? refuse("no-file")
      : offset > row.size
      ? refuse("bad-position", `The file has ${row.size} bytes.`)
      : undefined;
    unit.aftermath.push(() => {
      if (refusal !== undefined) answer(session, { id, command }, refusal);
      else this.#openDownload(session, { id, command, row: row! });
      session.wake();
    });
  }

  #openDownload(
    session: ServiceSession,
    { id, command, row }: { id: number; command: Download; row: FileRow },
  ): void {
    const { blobs, answer, record } = this.#options;
    if (!session.present) return;
    const transfers = this.#transfers(session, id);
    if (isRefusal(transfers)) return answer(session, { id, command }, transfers);
    const { sha256, size } = row;
    const { thread, offset = 0, upto } = command;
    const deflate = (command.deflate ?? false) && mayDeflate({ offset, upto, size });
    let opened = false;
    const over = (refusal: Refusal) => {
      const { status, text } = refusal;
      if (opened) transfers.cancel(id, status, text);
      else answer(session, { id, command }, refusal);
      record(session, "download", { thread, name: row.name, refused: status });
      this.#end(session, id);
      session.wake();
    };
    const carried = openDownload({
      id,
      transfers,
      blobs,
      sha256,
      size,
      offset,
      upto: Math.max(offset, upto),
      deflate,
      opened: () => {
        opened = true;
        answer(session, { id, command }, { json: JSON.stringify({ ...row, offset, deflate }) });
        record(session, "download", { thread, name: row.name });
      },
      wake: () => session.wake(),
      failed: (fault) => over(refusalOf(fault)),
    });
    this.#underWay.begin(session, id, { kind: "download", thread, carried, over });
  }

  #end(session: ServiceSession, id: number): void {
    const active = this.#underWay.end(session, id);
    if (active?.kind !== "upload") return;
    const { upload, carried } = active;
    adjust(this.#uploading, upload, -1);
    if (carried.finishing === undefined) return;
    const waiting = this.#finishing.get(upload) ?? [];
    this.#finishing.delete(upload);
    for (const act of waiting) act();
  }

  event(session: ServiceSession, event: TransferEvent): void {
    const active = this.#underWay.get(session, event.id);
    if (active === undefined) return;
    const { kind, carried } = active;
    this.#underWay.moved(session, event.id, bytesOf(event));
    if (active.kind === "upload") {
      if (isFinishing(active)) {
        active.givenUp ||= event.what === "abort";
        return;
      }
      if (event.what === "finish") {
        adjust(this.#arriving, event.finish.sha256, 1);
        this.#finishing.set(active.upload, []);
      }
    }
    carried.event(event);
    // The client has the whole file, or one side has given up.
    if ((event.what === "finish" && kind === "download") || event.what === "abort") {
      carried.close();
      this.#end(session, event.id);
    }
  }

  /** A content is in the log now, or will not be. */
  #arrived(sha256: string | undefined): void {
    if (sha256 !== undefined) adjust(this.#arriving, sha256, -1);
  }

  part(session: ServiceSession): void {
    for (const { id, active } of this.#underWay.of(session)) {
      if (isFinishing(active)) continue;
      active.carried.close();
      this.#end(session, id);
    }
  }

  shutOut(user: string, scope: string): void {
    for (const { active } of this.#underWay.ofUser(user)) {
      if (active.kind !== "download" || threadScope(active.thread) !== scope) continue;
      breakOff(active, refuse("no-thread"));
    }
  }

  tidy(now: number): void {
    this.#underWay.look(now);
    this.#housekeeping.tidy();
  }
}

/** Ends a transfer; what came of an upload stays to be gone on with. */
function breakOff({ carried, over }: Active, why: Refusal): void {
  carried.close();
  over(why);
}

/** Whether the store has all bytes of an upload, and looks whether they are right: that is seen through. */
function isFinishing(active: Active): boolean {
  return active.kind === "upload" && active.carried.finishing !== undefined;
}

/** How many bytes of a file have come, or have left. */
function bytesOf(event: TransferEvent): number {
  switch (event.what) {
    case "data":
      return event.raw ?? event.bytes.length;
    case "wanted":
      return event.bytes;
    default:
      return 0;
  }
}

/** Counts something up or down; what comes to nothing is forgotten. */
function adjust<K>(counts: Map<K, number>, key: K, by: 1 | -1): void {
  const left = (counts.get(key) ?? 0) + by;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

/** What the log calls an upload. */
function wantedOf(user: string, { thread, name, size, modified, sha256 }: Upload) {
  return {
    user,
    thread,
    name: fold(name),
    size,
    ...modified !== undefined && { modified },
    ...sha256 !== undefined && { sha256 },
  };
}

/** What may be shared, less what others are about to share. */
function quotaOf(limits: FileLimits, expected: { user: number; all: number }): Quota {
  return {
    file: limits.fileBytes,
    user: less(limits.userBytes, expected.user),
    all: less(limits.allBytes, expected.all),
  };
}

/** 0 is no limit, so what is used up is less than a byte. */
function less(limit: number, used: number): number {
  return limit === 0 ? 0 : Math.max(0.5, limit - used);
}

/** A fault of the store as clients hear of it. */
function refusalOf({ status, text }: BlobFault): Refusal {
  return status === "replaced"
    ? refuse("replaced", "The same upload was begun anew elsewhere.")
    : refuse(status, text);
}

/** Makes the files of a forum. */
export function createFiles(options: FilesOptions): Files {
  return new ForumFiles(options);
}
