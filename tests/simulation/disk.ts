/**
 * The server's disk, and the log on it with faults: waits, crashes before and after the commit, units of
 * work that fail or run twice, and a disk that is full.
 *
 * The disk is an SQLite database in memory that lasts as long as the disk object does; every start of
 * the server opens it anew, and knows only what is there. Once a unit is committed the disk has it, whatever
 * the crash did to its replies.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import type { Log, Published, Transaction } from "../../server/log/log.ts";
import { openSqliteLog } from "../../server/log/sqlite_log.ts";
import type { Refusal } from "../../protocol/status.ts";
import type { Random } from "./random.ts";
import { Broken, type World } from "./world.ts";

/** What survives crashes. */
export interface Disk {
  /** Opens the log that is on it. */
  open(onFault: (error: unknown) => void): Log;
  close(): void;
}

let disks = 0;

/** Makes an empty disk. */
export function createDisk(world: World): Disk {
  const path = `file:simulation-${disks++}?mode=memory&cache=shared`;
  // A shared database in memory is there while somebody has it open.
  const keeper = new DatabaseSync(path);
  return {
    open: (onFault) => openSqliteLog({ path, now: world.clock, onFault }),
    close: () => keeper.close(),
  };
}

/** A fault that the simulation itself has made. */
class Injected extends Error {}

/** SQLite's answer when the disk is full. */
class InjectedFull extends Injected {
  readonly errcode = 13;
}

/** What a faulty log is made with. */
export interface FaultyLogOptions {
  readonly world: World;
  readonly random: Random;
  readonly disk: Disk;
  /** Told of each unit as soon as it is committed. */
  readonly committed: (entries: readonly Published[]) => void;
  /** The machine dies. */
  readonly crash: () => void;
}

/** A log with faults. */
export interface FaultyLog extends Log {
  /** Whether units may fail; a server whose first units fail does not start. */
  starting: boolean;
  /** Whether writing fails because the disk is full. */
  full: boolean;
  /** The machine is dead: nothing of it goes on. */
  abandon(): void;
}

interface Waiting {
  readonly work: (tx: Transaction) => void;
  readonly done: (failure: Refusal | undefined) => void;
}

class SlowLog implements FaultyLog {
  readonly #options: FaultyLogOptions;
  readonly #inner: Log;
  readonly #queue: Waiting[] = [];
  #busy = false;
  #dead = false;
  #committed: readonly Published[] = [];
  starting = true;
  full = false;
  onEntries: (entries: readonly Published[]) => void = () => {};

  constructor(options: FaultyLogOptions) {
    this.#options = options;
    this.#inner = options.disk.open((error) => {
      if (!(error instanceof Injected)) {
        const broken = new Broken(`a unit of work failed: ${error}`);
        broken.cause = error;
        throw broken;
      }
    });
    this.#inner.onEntries = (entries) => {
      this.#committed = entries;
      options.committed(entries);
    };
  }

  abandon(): void {
    this.#dead = true;
    this.#inner.close();
  }

  transact(work: (tx: Transaction) => void, done: (failure: Refusal | undefined) => void): void {
    this.#queue.push({ work, done });
    if (!this.#busy) this.#run();
  }

  #run(): void {
    const waiting = this.#queue.shift();
    if (waiting === undefined) return;
    this.#busy = true;
    this.#later(() => this.#commit(waiting));
  }

  /** Waits for the disk. */
  #later(run: () => void): void {
    const { world, random } = this.#options;
    const wait = random.chance(0.5) ? 0 : random.between(0, world.faults.disk);
    if (wait === 0) return run();
    world.scheduler.after(wait, () => {
      if (!this.#dead) run();
    });
  }

  #commit({ work, done }: Waiting): void {
    const { world: { faults, transcript }, random } = this.#options;
    const crash = random.chance(faults.unitCrash)
      ? random.pick(["before", "after", "between"])
      : "";
    if (crash === "before" || random.chance(faults.again)) this.#rehearse(work);
    if (crash === "before") return this.#crash(crash);
    this.#committed = [];
    const poisoned = random.chance(faults.poison) && !this.starting;
    let failure: Refusal | undefined;
    this.#inner.transact((tx) => {
      work(this.full ? refusing(tx) : tx);
      if (poisoned) throw new Injected("poison");
    }, (outcome) => failure = outcome);
    if (failure !== undefined) transcript.count(`units failed: ${failure.status}`);
    if (crash === "after") return this.#crash(crash);
    const entries = this.#committed;
    this.#later(() => {
      if (entries.length > 0) this.onEntries(entries);
      if (crash === "between") return this.#crash(crash);
      this.#later(() => this.#finish(done, failure));
    });
  }

  #finish(done: Waiting["done"], failure: Refusal | undefined): void {
    this.#busy = false;
    done(failure);
    if (!this.#busy && !this.#dead) this.#run();
  }

  /** Runs the work for nothing. */
  #rehearse(work: (tx: Transaction) => void): void {
    this.#inner.transact((tx) => {
      work(tx);
      throw new Injected("another node was first");
    }, () => {});
  }

  #crash(where: string): void {
    const { world, crash } = this.#options;
    world.transcript.count(`crashes ${where} a unit's end`);
    // The unit never ends; the rest of the machine follows when the present call is over.
    world.scheduler.after(0, crash);
  }

  get view() {
    return this.#inner.view;
  }
  entries(...given: Parameters<Log["entries"]>) {
    return this.#inner.entries(...given);
  }
  credential(user: string) {
    return this.#inner.credential(user);
  }
  token(hash: string) {
    return this.#inner.token(hash);
  }
  lockout(id: string) {
    return this.#inner.lockout(id);
  }
  setting(name: string) {
    return this.#inner.setting(name);
  }
  threadRow(...given: Parameters<Log["threadRow"]>) {
    return this.#inner.threadRow(...given);
  }
  threads(...given: Parameters<Log["threads"]>) {
    return this.#inner.threads(...given);
  }
  page(...given: Parameters<Log["page"]>) {
    return this.#inner.page(...given);
  }
  since(...given: Parameters<Log["since"]>) {
    return this.#inner.since(...given);
  }
  search(...given: Parameters<Log["search"]>) {
    return this.#inner.search(...given);
  }
  tidy(now: number) {
    return this.#inner.tidy(now);
  }
  lines() {
    return this.#inner.lines();
  }
  close(): void {
    this.abandon();
  }
}

/** A transaction on a full disk: it can be read, not written. */
function refusing(tx: Transaction): Transaction {
  const full = (): never => {
    throw new InjectedFull("the disk is full");
  };
  return {
    get view() {
      return tx.view;
    },
    // Without an event nothing is written.
    append: (events) => events.length > 0 ? full() : undefined,
    recall: (user, key) => tx.recall(user, key),
    remember: full,
    putToken: full,
    dropToken: full,
    dropTokens: full,
    putLockout: full,
    putSetting: full,
  };
}

/** Opens the log of a disk, with faults. */
export function openFaultyLog(options: FaultyLogOptions): FaultyLog {
  return new SlowLog(options);
}
