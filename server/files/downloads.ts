/**
 * Downloads on the server: who may have a file gets its bytes from the store.
 *
 * @module
 */

import type { Download } from "../../protocol/forum/command.ts";
import { isRefusal } from "../../protocol/forum/decide.ts";
import { maySee } from "../../protocol/forum/policy.ts";
import type { FileRow } from "../../protocol/forum/reply.ts";
import { type Refusal, refuse } from "../../protocol/status.ts";
import type { Transaction } from "../log/log.ts";
import type { ServiceSession } from "../session.ts";
import { type Carrying, type FilesOptions, type Opening, refusalOf } from "./carried.ts";
import { mayDeflate, openDownload } from "./outgoing_download.ts";

/** The downloads of a forum. */
export class Downloads {
  readonly #options: FilesOptions;
  readonly #carrying: Carrying;

  constructor(options: FilesOptions, carrying: Carrying) {
    this.#options = options;
    this.#carrying = carrying;
  }

  /** Does `download` in a unit. */
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
    const transfers = this.#carrying.transfers(session, id);
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
      this.#carrying.end(session, id);
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
    this.#carrying.begin(session, id, { kind: "download", thread, carried, over });
  }
}
