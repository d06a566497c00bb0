/**
 * Commands: each is taken on or refused when it comes, done within a unit of work by changes.ts or
 * questions.ts, and answered once the unit is durable (docs/PROTOCOL.md, "Commands"). Those that carry files
 * go on to files/.
 *
 * @module
 */

import { encodeBase64 } from "../protocol/base64.ts";
import type { Command } from "../protocol/forum/command.ts";
import { isChange } from "../protocol/forum/command_schema.ts";
import { decidePromotion, isRefusal } from "../protocol/forum/decide.ts";
import { type Refusal, refuse } from "../protocol/status.ts";
import { utf8Length } from "../protocol/text.ts";
import { ADMIN } from "./admin.ts";
import type { Admissions } from "./admission.ts";
import { aboutOf, change } from "./changes.ts";
import type { Counters } from "./counters.ts";
import type { Files } from "./files/files.ts";
import type { ServiceGauge } from "./gauges.ts";
import type { Hub } from "./hub.ts";
import type { Job, JobOf } from "./job.ts";
import type { Log, Transaction } from "./log/log.ts";
import type { Peers } from "./peers.ts";
import type { Presence } from "./presence.ts";
import { type Answer, answer, type QuestionCommand } from "./questions.ts";
import type { ServiceSession } from "./session.ts";
import type { SignIn } from "./sign_in.ts";
import type { Throttle } from "./throttle.ts";
import type { Unit } from "./units.ts";

/** What a search is taken to find, in bytes, before it is known. */
const SEARCH_BYTES = 64 * 1024;

/** What commands need of the service. */
export interface CommandsOptions {
  readonly log: Log;
  readonly hub: Hub;
  readonly presence: Presence;
  readonly peers: Peers;
  readonly signIn: SignIn;
  readonly admissions: Admissions;
  readonly files: Files;
  readonly throttle: Throttle;
  readonly counters: Counters;
  readonly gauge: ServiceGauge;
  readonly random: (out: Uint8Array) => void;
  /** The sessions' clock, in ms. */
  readonly now: () => number;
  /** The people's clock, in ms since 1970. */
  readonly clock: () => number;
  /** Whether the service is ending: then nothing is changed any more. */
  readonly closing: () => boolean;
  readonly queue: (session: ServiceSession, job: Job) => void;
  readonly record: (
    session: ServiceSession,
    did: string,
    about?: Record<string, string | number | boolean | undefined>,
  ) => void;
  /** Ends all other sessions of the user of this one. */
  readonly endOthers: (session: ServiceSession) => void;
  /** The admin has asked for the end of the server. */
  readonly shutdown: () => void;
}

/** A command within a unit of work. */
export interface CommandTask {
  readonly session: ServiceSession;
  readonly job: JobOf<"command">;
  readonly unit: Unit;
}

/** Does commands. */
export interface Commands {
  /** Queues a command that has come, or refuses it because too much is under way. */
  takeOn(session: ServiceSession, id: number, command: Command): void;
  /** Does a command. */
  perform(tx: Transaction, task: CommandTask): void;
  /** The reply to a command that was taken on. */
  answer(
    session: ServiceSession,
    job: Pick<JobOf<"command">, "id" | "command">,
    reply: Answer,
  ): void;
}

class CommandDesk implements Commands {
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  takeOn(session: ServiceSession, id: number, command: Command): void {
    const { throttle, counters, gauge, now, queue } = this.#options;
    if (throttle.busy(session)) {
      counters.add("busy");
      gauge.answered(command.op, "busy");
      return session.connection.refuse(id, refuse("busy"));
    }
    if (throttle.begin(session)) counters.add("held");
    let barred: Refusal | undefined;
    if (isChange(command) || command.op === "offer") {
      barred = throttle.change(session.user, now());
      if (barred !== undefined) counters.add("rate");
    }
    queue(session, { kind: "command", id, command, barred });
  }

  answer(
    session: ServiceSession,
    { id, command }: Pick<JobOf<"command">, "id" | "command">,
    reply: Answer,
  ): void {
    const { throttle, gauge } = this.#options;
    throttle.end(session);
    gauge.answered(command.op, isRefusal(reply) ? reply.status : "done");
    if (isRefusal(reply)) session.connection.refuse(id, reply);
    else session.connection.done(id, reply.json);
  }

  perform(tx: Transaction, { session, job, unit }: CommandTask): void {
    const { closing, clock, files, signIn, endOthers, record } = this.#options;
    const { id, command } = job;
    const barred = closing() ? refuse("shutting-down") : job.barred;
    if (command.op === "upload") {
      return files.upload(tx, session, { id, command, barred, unit });
    }
    if (command.op === "download") return files.download(tx, session, { id, command, unit });
    // What it is about may be gone once it is done. What somebody reads is nobody's business.
    const about = isChange(command)
      ? command.op !== "mark" && aboutOf(command, tx.view)
      : command.op === "offer" && { subject: command.user, file: command.name };
    const outcome = isChange(command)
      ? change(tx, command, { user: session.user, at: clock(), barred })
      : command.op === "offer" && barred !== undefined
      ? barred
      : this.#question(tx, session, { command, unit });
    if (command.op === "credential" && typeof outcome !== "function" && !isRefusal(outcome)) {
      // Whoever knew the old password may hold a token that it brought, or be here.
      signIn.keepOnly(tx, session.user, session.token);
      unit.aftermath.push(() => endOthers(session));
    }
    unit.aftermath.push(() => {
      const reply = typeof outcome === "function" ? outcome() : outcome;
      this.answer(session, job, reply);
      const refused = isRefusal(reply) ? { refused: reply.status } : {};
      // Of a flood only its size is told.
      const flooding = refused.refused === "rate";
      if (about && !flooding) record(session, command.op, { ...about, ...refused });
      session.wake();
    });
    const bytes = replyBytes(command, outcome);
    if (bytes > 0) unit.replyBytes.set(session, (unit.replyBytes.get(session) ?? 0) + bytes);
  }

  #question(
    tx: Transaction,
    session: ServiceSession,
    { command, unit }: { command: QuestionCommand; unit: Unit },
  ): Answer | (() => Answer) {
    const { log, hub, presence, peers, signIn, admissions, random, clock } = this.#options;
    const { record, endOthers, shutdown } = this.#options;
    return answer(command, {
      tx,
      session,
      log,
      hub,
      presence,
      peers,
      nonce: () => {
        const bytes = new Uint8Array(18);
        random(bytes);
        return encodeBase64(bytes);
      },
      adminLocked: () => signIn.locked(ADMIN, session.source),
      adminFailed: () => {
        admissions.failed(tx, ADMIN, { source: session.source, unit });
        unit.aftermath.push(() => record(session, "wrong-admin-password"));
      },
      adminProved: () => signIn.forgive(tx, ADMIN, session.source),
      promote: () => tx.append(decidePromotion(tx.view, session.user, clock())),
      shutdown: () => {
        record(session, "shutdown");
        shutdown();
      },
      endOthers: () => endOthers(session),
    });
  }
}

/** The bytes of a reply, as far as they count against what may wait for a reader. */
function replyBytes(command: Command, outcome: Answer | (() => Answer)): number {
  if (typeof outcome === "function") return command.op === "search" ? SEARCH_BYTES : 0;
  return isRefusal(outcome) ? 0 : utf8Length(outcome.json);
}

/** Makes what does the commands of a service. */
export function createCommands(options: CommandsOptions): Commands {
  return new CommandDesk(options);
}
