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
import type { WalFlush } from "../../server/log/wal_flush.ts";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import type { Refusal } from "../../protocol/status.ts";
import type { Random } from "./random.ts";
import { Broken, type World } from "./world.ts";

/** What survives crashes. */
export interface Disk {
  /** Opens the log that is on it; with `wal` its units overlap, as that flushes them. */
  open(onFault: (error: unknown) => void, wal?: WalFlush): Log;
  close(): void;
}

let disks = 0;

/** Makes an empty disk. */
export function createDisk(world: World): Disk {
  const path = `file:simulation-${disks++}?mode=memory&cache=shared`;
  // A shared database in memory is there while somebody has it open.
  const keeper = new DatabaseSync(path);
  return {
    open: (onFault, wal) =>
      openSqliteLog({ path, now: world.clock, onFault, ...wal !== undefined && { wal } }),
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
  /** Whether units are given to the log while those before are not durable yet. */
  readonly #overlaps: boolean;
  starting = true;
  full = false;
  onEntries: (entries: readonly Published[]) => void = () => {};

  constructor(options: FaultyLogOptions) {
    this.#options = options;
    this.#overlaps = options.random.chance(0.5);
    const onFault = (error: unknown) => {
      if (!(error instanceof Injected)) {
        const broken = new Broken(`a unit of work failed: ${error}`);
        broken.cause = error;
        throw broken;
      }
    };
    const wal: WalFlush = {
      flush: (_small, done) => this.#later(() => done(undefined)),
      now: () => {},
      close: () => {},
    };
    this.#inner = this.#overlaps ? options.disk.open(onFault, wal) : options.disk.open(onFault);
    this.#inner.onEntries = (entries) => {
      if (this.#overlaps) return this.#dead ? undefined : this.onEntries(entries);
      this.#committed = entries;
      options.committed(entries);
    };
  }

  abandon(): void {
    this.#dead = true;
    this.#inner.close();
  }

  transact(work: (tx: Transaction) => void, done: (failure: Refusal | undefined) => void): boolean {
    if (this.#overlaps) return this.#overlap({ work, done });
    this.#queue.push({ work, done });
    if (!this.#busy) this.#run();
    return false;
  }

  /** Gives a unit to the log at once; the flush, which is slow, says when it is done. */
  #overlap({ work, done }: Waiting): boolean {
    if (this.#dead) return false;
    const { world: { faults, transcript }, random, committed } = this.#options;
    const crash = random.chance(faults.unitCrash) ? random.pick(["before", "after"]) : "";
    if (crash === "before" || random.chance(faults.again)) this.#rehearse(work);
    if (crash === "before") return this.#crash(crash), false;
    const poisoned = random.chance(faults.poison) && !this.starting;
    let entries: Published[] = [];
    const taken = this.#inner.transact((tx) => {
      entries = [];
      work(this.full ? refusing(tx) : noting(tx, entries));
      if (poisoned) throw new Injected("poison");
    }, (failure) => {
      if (failure !== undefined) transcript.count(`units failed: ${failure.status}`);
      if (!this.#dead && crash === "") done(failure);
    });
    // The disk has it, though nobody knows yet.
    if (taken) {
      transcript.count("units that overlap");
      committed(entries);
    }
    if (crash === "after") this.#crash(crash);
    return taken;
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
  head(scope: string) {
    return this.#inner.head(scope);
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
  fileRow(...given: Parameters<Log["fileRow"]>) {
    return this.#inner.fileRow(...given);
  }
  files(...given: Parameters<Log["files"]>) {
    return this.#inner.files(...given);
  }
  unreferenced(count: number) {
    return this.#inner.unreferenced(count);
  }
  upload(number: number) {
    return this.#inner.upload(number);
  }
  findUpload(...given: Parameters<Log["findUpload"]>) {
    return this.#inner.findUpload(...given);
  }
  uploadsOf(user: string) {
    return this.#inner.uploadsOf(user);
  }
  get uploadBytes() {
    return this.#inner.uploadBytes;
  }
  staleUploads(...given: Parameters<Log["staleUploads"]>) {
    return this.#inner.staleUploads(...given);
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

/** A transaction whose events are noted. */
function noting(tx: Transaction, entries: Published[]): Transaction {
  return new Proxy(tx, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "append") return value.bind(target);
      return (events: readonly ForumEvent[]) => {
        target.append(events);
        for (const event of events) {
          const { scope, seq } = event;
          entries.push({ scope, seq, json: JSON.stringify(event), event });
        }
      };
    },
  });
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
    trimTokens: (user, most) => tx.trimTokens(user, most),
    putLockout: full,
    trimLockouts: (most) => tx.trimLockouts(most),
    putSetting: full,
    putUpload: full,
    touchUpload: full,
    dropUpload: full,
    forgetContent: full,
  };
}

/** Opens the log of a disk, with faults. */
export function openFaultyLog(options: FaultyLogOptions): FaultyLog {
  return new SlowLog(options);
}
