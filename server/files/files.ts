/**
 * Files on the server: what `upload` and `download` ask for, between sessions, the store of their bytes, and
 * the log (DESIGN §7). Which transfers are under way, and what happens to them, is here.
 *
 * @module
 */

import type { Download, Keyed, Upload } from "../../protocol/forum/command.ts";
import { threadScope } from "../../protocol/forum/event.ts";
import { type Refusal, refuse } from "../../protocol/status.ts";
import type { TransferEvent, Transfers } from "../../protocol/transfer/transfers.ts";
import type { Transaction } from "../log/log.ts";
import type { ServiceSession } from "../session.ts";
import {
  type Active,
  breakOff,
  type Carrying,
  type FilesOptions,
  isFinishing,
  type Opening,
} from "./carried.ts";
import { Downloads } from "./downloads.ts";
import { createUnderWay, type UnderWay } from "./under_way.ts";
import { Uploads } from "./uploads.ts";

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

/** What is said to whoever stands in the way of others. */
const STALLED = "It stood still, and others wait. Go on with it later.";

class ForumFiles implements Files {
  readonly #options: FilesOptions;
  readonly #underWay: UnderWay<Active>;
  readonly #uploads: Uploads;
  readonly #downloads: Downloads;

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#underWay = createUnderWay<Active>(options.limits, (active) => !isFinishing(active));
    const carrying: Carrying = {
      refusal: (session, id) => this.#refusal(session, id),
      transfers: (session, id) => this.#transfers(session, id),
      begin: (session, id, active) => this.#underWay.begin(session, id, active),
      end: (session, id) => this.#end(session, id),
    };
    this.#uploads = new Uploads(options, carrying);
    this.#downloads = new Downloads(options, carrying);
  }

  get count(): number {
    return this.#underWay.count;
  }

  upload(
    tx: Transaction,
    session: ServiceSession,
    { id, command, unit, barred }: Opening<Upload & Keyed> & { barred: Refusal | undefined },
  ): void {
    unit.aftermath.push(this.#uploads.consider(tx, session, { id, command, barred }));
  }

  download(tx: Transaction, session: ServiceSession, opening: Opening<Download>): void {
    this.#downloads.download(tx, session, opening);
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

  #end(session: ServiceSession, id: number): void {
    const active = this.#underWay.end(session, id);
    if (active?.kind === "upload") this.#uploads.ended(active);
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
      if (event.what === "finish") this.#uploads.finishing(active, event.finish.sha256);
    }
    carried.event(event);
    // The client has the whole file, or one side has given up.
    if ((event.what === "finish" && kind === "download") || event.what === "abort") {
      carried.close();
      this.#end(session, event.id);
    }
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
    this.#uploads.tidy();
  }
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

/** Makes the files of a forum. */
export function createFiles(options: FilesOptions): Files {
  return new ForumFiles(options);
}
