/**
 * Uploads on the server, from the command to the shared file (DESIGN §7).
 *
 * An upload is decided before its bytes come, so that what cannot end well does not travel, and again when
 * the store has them whole: only then the file is shared, in one unit with the reply to its key. Until then
 * the log knows its number, and the store its bytes, so whoever was cut off goes on.
 *
 * @module
 */

import type { Keyed, Upload } from "../../protocol/forum/command.ts";
import { isRefusal } from "../../protocol/forum/decide.ts";
import type { Quota } from "../../protocol/forum/decision.ts";
import type { UploadKept } from "../../protocol/forum/reply.ts";
import { type Refusal, refuse } from "../../protocol/status.ts";
import { fold } from "../../protocol/text.ts";
import type { Transfers } from "../../protocol/transfer/transfers.ts";
import { change } from "../changes.ts";
import type { Transaction } from "../log/log.ts";
import type { ServiceSession } from "../session.ts";
import {
  type ActiveUpload,
  type Answer,
  type Carrying,
  type FilesOptions,
  refusalOf,
} from "./carried.ts";
import type { FileLimits } from "./file_limits.ts";
import { createHousekeeping, type Housekeeping } from "./housekeeping.ts";
import { openUpload } from "./incoming_upload.ts";

/** An upload to be decided; with `barred` only what was done before is answered. */
export interface Asked {
  readonly id: number;
  readonly command: Upload & Keyed;
  readonly barred: Refusal | undefined;
}

/** The uploads of a forum. */
export class Uploads {
  readonly #options: FilesOptions;
  readonly #carrying: Carrying;
  /** Contents that the store has, or is about to have, and that no entry of the log has yet. */
  readonly #arriving = new Map<string, number>();
  /** Uploads under way, by the numbers under which the store keeps their bytes. */
  readonly #uploading = new Map<number, number>();
  /** Uploads that the store is finishing, and what is done when that is over. */
  readonly #finishing = new Map<number, (() => void)[]>();
  readonly #housekeeping: Housekeeping;

  constructor(options: FilesOptions, carrying: Carrying) {
    this.#options = options;
    this.#carrying = carrying;
    const { log, blobs, clock } = options;
    this.#housekeeping = createHousekeeping({
      log,
      blobs,
      clock,
      uploading: (number) => this.#uploading.has(number),
      arriving: (sha256) => this.#arriving.has(sha256),
    });
  }

  /** Decides an upload, and gives what is to be done once that is durable. */
  consider(tx: Transaction, session: ServiceSession, { id, command, barred }: Asked): () => void {
    const { answer } = this.#options;
    const outcome = this.#decide(tx, session.user, { command, barred });
    if (isRefusal(outcome) || outcome.json !== undefined) {
      return () => {
        answer(session, { id, command }, outcome as Answer);
        this.#recordUpload(session, command, outcome as Answer);
        session.wake();
      };
    }
    const upload = this.#carrying.refusal(session, id) ?? this.#numberOf(tx, session.user, command);
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
      act = this.consider(tx, session, { id, command, barred: undefined });
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
    const transfers = this.#carrying.transfers(session, id);
    if (isRefusal(transfers)) return answer(session, { id, command }, transfers);
    let opened = false;
    const over = (refusal: Refusal) => {
      if (opened) transfers.cancel(id, refusal.status, refusal.text);
      else answer(session, { id, command }, refusal);
      this.#recordUpload(session, command, refusal);
      this.#carrying.end(session, id);
      session.wake();
    };
    const carried = openUpload({
      id,
      blobs,
      upload,
      size: command.size,
      deflate: command.deflate ?? false,
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
    this.#carrying.begin(session, id, active);
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
      this.#carrying.end(session, id);
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
    this.#options.log.transact(
      (tx) => tx.dropUpload(upload),
      () => this.#carrying.end(session, id),
    );
  }

  #recordUpload(session: ServiceSession, { thread, name, size }: Upload, reply: Answer): void {
    const refused = isRefusal(reply) ? { refused: reply.status } : {};
    // Of a flood only its size is told, and whoever waits for a turn asks often.
    if (refused.refused === "rate" || refused.refused === "transfer-busy") return;
    this.#options.record(session, "upload", { thread, name, size, ...refused });
  }

  /** The client has sent all of it: the store looks whether it is right. */
  finishing({ upload }: ActiveUpload, sha256: string): void {
    adjust(this.#arriving, sha256, 1);
    this.#finishing.set(upload, []);
  }

  /** It is carried no more. */
  ended({ upload, carried }: ActiveUpload): void {
    adjust(this.#uploading, upload, -1);
    if (carried.finishing === undefined) return;
    const waiting = this.#finishing.get(upload) ?? [];
    this.#finishing.delete(upload);
    for (const act of waiting) act();
  }

  /** A content is in the log now, or will not be. */
  #arrived(sha256: string | undefined): void {
    if (sha256 !== undefined) adjust(this.#arriving, sha256, -1);
  }

  /** Does a little of what can wait. */
  tidy(): void {
    this.#housekeeping.tidy();
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
