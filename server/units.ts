/**
 * Units of work: the jobs of all sessions that arrived together, done in one transaction of the log
 * (DESIGN §2 and §6).
 *
 * A unit keeps each session's order. What must wait until it is durable (replies, presence, whatever
 * leaves the house) is its aftermath. If a unit fails, its jobs are done again one by one: one of them
 * may be poison, or only those that write need the room that the disk does not have.
 *
 * @module
 */

import { FRAME_PAYLOAD_MAX } from "../protocol/message.ts";
import type { Refusal } from "../protocol/status.ts";
import type { ServiceGauge } from "./gauges.ts";
import type { Job } from "./job.ts";
import type { Log, Transaction } from "./log/log.ts";
import type { ServiceSession } from "./session.ts";

/** The most jobs of one unit. */
export const UNIT_JOBS = 1024;

/** One job of one session. */
export interface Task {
  readonly session: ServiceSession;
  readonly job: Job;
}

/** What belongs to a unit while it is done. */
export interface Unit {
  /** What is done once the unit is durable. */
  readonly aftermath: (() => void)[];
  /** Users that come in with this unit. */
  readonly entering: Set<string>;
  /** Bytes of replies by session. */
  readonly replyBytes: Map<ServiceSession, number>;
}

/** What units need. */
export interface UnitsOptions {
  readonly log: Log;
  /** Is told how long units take. */
  readonly gauge: ServiceGauge;
  /** Runs something soon, after what is being received now. */
  readonly defer: (run: () => void) => void;
  /** Does a job. It may be called again for the same job, when another node was first. */
  readonly perform: (tx: Transaction, task: Task, unit: Unit) => void;
  /** Nothing of a job was kept. */
  readonly fail: (task: Task, failure: Refusal) => void;
}

/** Does jobs in units. */
export interface Units {
  /** How many units were done. */
  readonly count: number;
  /** The session has jobs, or room for their replies. */
  ready(session: ServiceSession): void;
  /** Whether this user is about to come in. */
  entering(user: string): boolean;
  /** Does all that waits, then calls `done`. */
  finish(done: () => void): void;
}

class WorkUnits implements Units {
  readonly #options: UnitsOptions;
  /** Sessions with jobs, in the order of their coming. */
  readonly #ready = new Set<ServiceSession>();
  #scheduled = false;
  /** The unit that the log has not taken yet: the next one waits for it. */
  #untaken: Unit | undefined;
  /** Units that are not done. */
  readonly #pending = new Set<Unit>();
  /** Bytes of replies that wait for units to be done. */
  readonly #replying = new Map<ServiceSession, number>();
  #finished: (() => void) | undefined;
  /** So many jobs are done one by one: they were in a unit that failed. */
  #alone = 0;
  count = 0;

  constructor(options: UnitsOptions) {
    this.#options = options;
  }

  ready(session: ServiceSession): void {
    this.#ready.add(session);
    this.#schedule();
  }

  entering(user: string): boolean {
    for (const unit of this.#pending) if (unit.entering.has(user)) return true;
    return false;
  }

  finish(done: () => void): void {
    this.#finished = done;
    while (this.#ready.size > 0 && this.#untaken === undefined) this.#run(this.#gather());
    this.#lookFinished();
  }

  #lookFinished(): void {
    if (this.#pending.size > 0 || this.#ready.size > 0) return;
    const finished = this.#finished;
    this.#finished = undefined;
    finished?.();
  }

  #schedule(): void {
    if (this.#scheduled || this.#untaken !== undefined || this.#ready.size === 0) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      if (this.#untaken === undefined) this.#run(this.#gather());
    });
  }

  /** The jobs of the next unit. */
  #gather(): Task[] {
    const tasks: Task[] = [];
    const most = this.#alone > 0 ? 1 : UNIT_JOBS;
    if (this.#alone > 0) this.#alone--;
    for (const session of this.#ready) {
      if (tasks.length >= most) break;
      this.#ready.delete(session);
      // A reader that stalls gets no more replies; its work waits until it drains.
      if (session.stalled || this.#owed(session) >= FRAME_PAYLOAD_MAX) continue;
      for (const job of session.jobs.splice(0, most - tasks.length)) tasks.push({ session, job });
      if (session.jobs.length > 0) this.#ready.add(session);
    }
    return tasks;
  }

  #run(tasks: Task[]): void {
    if (tasks.length === 0 || this.#untaken !== undefined) return;
    const unit: Unit = { aftermath: [], entering: new Set(), replyBytes: new Map() };
    let undone: Task[] = [];
    this.#untaken = unit;
    this.#pending.add(unit);
    this.count++;
    const begun = this.#options.gauge.now();
    const taken = this.#options.log.transact((tx) => {
      unit.aftermath.length = 0;
      unit.entering.clear();
      unit.replyBytes.clear();
      undone = [];
      for (const task of tasks) {
        // No session is given more replies at once than its reader is known to take.
        const replied = unit.replyBytes.get(task.session) ?? 0;
        if (replied + this.#owed(task.session) >= FRAME_PAYLOAD_MAX) undone.push(task);
        else this.#options.perform(tx, task, unit);
      }
    }, (failure) => {
      this.#pending.delete(unit);
      if (this.#untaken === unit) this.#untaken = undefined;
      else this.#countReplies(unit, -1);
      if (failure === undefined) {
        this.#options.gauge.committed(begun);
        this.#putBack(undone);
        for (const act of unit.aftermath) act();
        this.#resume(unit);
      } else if (tasks.length > 1) {
        this.#putBack(tasks);
        this.#alone = tasks.length;
      } else {
        for (const task of tasks) this.#options.fail(task, failure);
      }
      this.#schedule();
      this.#lookFinished();
    });
    if (!taken || this.#untaken !== unit) return;
    // It is decided, and only the disk is waited for: the next one may follow.
    this.#untaken = undefined;
    this.#countReplies(unit, 1);
    this.#putBack(undone);
    undone = [];
    this.#schedule();
  }

  #owed(session: ServiceSession): number {
    return this.#replying.get(session) ?? 0;
  }

  #countReplies({ replyBytes }: Unit, sign: 1 | -1): void {
    for (const [session, bytes] of replyBytes) {
      const owed = this.#owed(session) + sign * bytes;
      if (owed > 0) this.#replying.set(session, owed);
      else this.#replying.delete(session);
    }
  }

  /** Sessions whose work waited for the replies of this unit go on. */
  #resume({ replyBytes }: Unit): void {
    for (const session of replyBytes.keys()) {
      if (session.jobs.length > 0) this.#ready.add(session);
    }
  }

  #putBack(tasks: Task[]): void {
    for (const { session, job } of tasks.reverse()) {
      session.jobs.unshift(job);
      this.#ready.add(session);
    }
  }
}

/** Makes the units of a service. */
export function createUnits(options: UnitsOptions): Units {
  return new WorkUnits(options);
}
