/**
 * The server in the simulation: the real service over the log of a disk that survives its crashes.
 *
 * @module
 */

import { keepAdminVerifier } from "../../server/admin.ts";
import { createMemoryDisk, type MemoryDisk } from "../../server/blob/memory_disk.ts";
import { type MemoryStore, openMemoryStore } from "../../server/blob/memory_store.ts";
import type { FileLimits } from "../../server/files/file_limits.ts";
import type { Log } from "../../server/log/log.ts";
import { createService, type Service } from "../../server/service.ts";
import type { ServiceSession } from "../../server/session.ts";
import type { Checker } from "./checker.ts";
import { createDisk, type Disk, type FaultyLog, openFaultyLog } from "./disk.ts";
import type { Link, Socket, Tail } from "./link.ts";
import { ADMIN_VERIFIER } from "./passwords.ts";
import type { Random } from "./random.ts";
import { watchStore } from "./watched_store.ts";
import { hold, type World } from "./world.ts";

/** How often sessions are asked whether their time has come, in ms, as in server.ts. */
const TIMEOUT_TICK = 250;
const TIDY_TICK = 1000;
/** How long endings may take at shutdown, in ms. */
const SHUTDOWN_GRACE = 3000;
/** Silence before a sign of life is asked for, in ms. */
export const HEARTBEAT = 2000;
/** Late enough for every ending: three heartbeats of silence, the linger behind them, and two ticks. */
export const SESSION_ENDS_WITHIN = 3 * HEARTBEAT + 1000 + 2 * TIMEOUT_TICK;

/** The server. */
export interface ServerNode {
  readonly up: boolean;
  readonly service: Service | undefined;
  /** Takes the server's end of a new link; false while it is down. */
  accept(link: Link, source: string): boolean;
  start(): void;
  /** Dies where it stands. */
  crash(): void;
  /** Is shut down in order, and started again after a while. */
  restart(): void;
  /** Makes the disk full, or not any more. */
  fill(full: boolean): void;
  /** The people's clock leaps ahead: by so many hours. */
  leap(hours: number): void;
  /** Reads the disk anew, as a new server would. */
  reopen(): Log;
  dispose(): void;
}

interface Life {
  readonly log: FaultyLog;
  readonly blobs: MemoryStore;
  readonly service: Service;
  readonly sockets: Set<Socket>;
  alive: boolean;
  closing: boolean;
}

class Machine implements ServerNode {
  readonly #world: World;
  readonly #random: Random;
  readonly #checker: Checker;
  readonly #disk: Disk;
  /** Where the bytes of files lie; it outlasts the server too. */
  readonly #files: MemoryDisk = createMemoryDisk();
  readonly #fileLimits: FileLimits;
  /** How far the people's clock has leapt, and how wrong it is beside that, in ms. */
  #leapt = 0;
  #wrong = 0;
  #life: Life | undefined;
  #starting = false;

  constructor(world: World, random: Random, checker: Checker) {
    this.#world = world;
    this.#random = random;
    this.#checker = checker;
    this.#disk = createDisk(world);
    this.#fileLimits = drawFileLimits(random);
    checker.watch(this.#files);
  }

  get up(): boolean {
    return this.#life !== undefined;
  }
  get service(): Service | undefined {
    return this.#life?.service;
  }

  start(): void {
    this.#starting = false;
    const { scheduler, transcript, clock } = this.#world;
    transcript.line("server starts");
    const { clock: wrong } = this.#world.faults;
    this.#wrong = this.#random.between(-wrong, wrong);
    this.#world.setClock(this.#leapt + this.#wrong);
    const random = this.#random.fork();
    const log = openFaultyLog({
      world: this.#world,
      random,
      disk: this.#disk,
      committed: (entries) => this.#checker.committed(entries),
      crash: () => life.alive && this.crash(),
    });
    this.#checker.reopened(log);
    let alive = () => true;
    const store = openMemoryStore(this.#files, {
      later: (run) => {
        const wait = random.chance(0.5) ? 0 : random.between(0, this.#world.faults.disk + 2);
        scheduler.after(wait, () => {
          if (alive()) run();
        });
      },
      now: clock,
    });
    const blobs = watchStore(store, this.#world, this.#fileLimits.window);
    const service = createService({
      log,
      blobs,
      fileLimits: this.#fileLimits,
      clock,
      random: random.fill,
      registration: "open",
      lockout: { maxAttempts: 3, lockoutMs: 1000 },
      singleSession: false,
      agent: "simulated",
      heartbeat: HEARTBEAT,
      idleTimeout: 0,
      activity: { record() {}, flush: () => Promise.resolve() },
      defer: (run) => {
        scheduler.after(random.chance(0.5) ? 0 : random.between(0, 3), () => {
          if (alive()) run();
        });
      },
      onShutdown: () => this.restart(),
    });
    const life: Life = { log, blobs, service, sockets: new Set(), alive: true, closing: false };
    alive = () => life.alive;
    this.#life = life;
    if (log.setting("admin-password") === undefined) keepAdminVerifier(log, ADMIN_VERIFIER);
    log.transact(() => {}, () => log.starting = false);
    this.#tick(life, TIMEOUT_TICK, () => service.handleTimeouts(scheduler.now));
    this.#tick(life, TIDY_TICK, () => {
      log.tidy(clock());
      service.tidyFiles();
    });
  }

  #tick(life: Life, ms: number, run: () => void): void {
    this.#world.scheduler.after(ms, () => {
      if (!life.alive) return;
      run();
      this.#tick(life, ms, run);
    });
  }

  accept(link: Link, source: string): boolean {
    const life = this.#life;
    if (life === undefined || life.closing) return false;
    const { scheduler } = this.#world;
    const socket = link.server;
    const after = () => {
      this.#checker.session(session);
      // Once the stream is gone there is nothing left to wait for.
      hold(session.over || socket.open, () => `${session.user} stays on a link that is broken`);
      if (!session.over) return;
      socket.close();
      life.sockets.delete(socket);
    };
    const session = life.service.open({
      source,
      now: scheduler.now,
      wake() {
        if (!life.alive) return;
        scheduler.after(0, () => life.alive && after());
        socket.wake();
      },
      // What the checker looks at, the listeners do not see.
    }) as ServiceSession;
    life.sockets.add(socket);
    socket.attach({ endpoint: session, after });
    return true;
  }

  crash(): void {
    this.#die(this.#random.pick<Tail>(["break", "end", "silence"]));
  }

  #die(tail: Tail): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#world.transcript.line(`server dies: ${tail}`);
    this.#note(life);
    this.#world.transcript.count("server deaths");
    this.#life = undefined;
    life.alive = false;
    life.log.abandon();
    life.blobs.abandon();
    for (const socket of life.sockets) socket.die(tail);
    if (this.#random.chance(this.#world.faults.power)) this.#cutPower();
    if (this.#starting) return;
    this.#starting = true;
    this.#world.scheduler.after(this.#random.between(10, 4000), () => this.start());
  }

  /** What came of uploads loses its end, or what lies there is something else. */
  #cutPower(): void {
    const { transcript } = this.#world;
    transcript.line("power fails");
    transcript.count("power failures");
    this.#files.powerCut(this.#random);
    for (const [upload, { length }] of this.#files.partials) {
      if (length === 0 || !this.#random.chance(0.5)) continue;
      transcript.count("uploads spoiled");
      this.#checker.spoiled = true;
      this.#files.partials.set(upload, { pieces: [new Uint8Array(length)], length });
    }
  }

  leap(hours: number): void {
    this.#leapt += hours * 3_600_000;
    this.#world.transcript.line(`the clock leaps ${hours} hours ahead`);
    this.#world.transcript.count("clock leaps");
    this.#world.setClock(this.#leapt + this.#wrong);
  }

  restart(): void {
    const life = this.#life;
    if (life === undefined || life.closing) return;
    life.closing = true;
    const { scheduler, transcript } = this.#world;
    transcript.line("server shuts down");
    transcript.count("server shutdowns");
    life.service.close("shutting-down", scheduler.now);
    const until = scheduler.now + SHUTDOWN_GRACE;
    const look = () => {
      if (!life.alive) return;
      if (life.service.connections === 0) return this.#die("end");
      hold(scheduler.now < until, () => "a shutdown does not end");
      scheduler.after(10, look);
    };
    look();
  }

  fill(full: boolean): void {
    this.#files.capacity = full ? this.#files.used + this.#random.below(8000) : Infinity;
    if (this.#life !== undefined) this.#life.log.full = full;
  }

  /** Counts what a life of the server was. */
  #note({ service: { counts } }: Life): void {
    this.#world.transcript.count("files that made room", counts.stalled);
  }

  reopen(): Log {
    if (this.#life !== undefined) this.#note(this.#life);
    this.#life?.log.abandon();
    this.#life = undefined;
    return this.#disk.open((error) => {
      throw error;
    });
  }

  dispose(): void {
    if (this.#life !== undefined) {
      this.#life.alive = false;
      this.#life.log.abandon();
    }
    this.#disk.close();
  }
}

/** How much of files a server of one run takes on. */
function drawFileLimits(random: Random): FileLimits {
  return {
    fileBytes: random.pick([0, 0, 0, 100_000]),
    userBytes: random.pick([0, 0, 0, 200_000]),
    allBytes: random.pick([0, 0, 0, 500_000]),
    transfers: random.pick([1, 2, 5, 100, 100]),
    transfersOfOne: random.pick([1, 2, 8, 8]),
    unfinished: random.pick([1, 3, 100]),
    stall: random.pick([0, 500, 2000]),
    window: random.pick([500, 4096, 20_000, 70_000, 1 << 20]),
  };
}

/** Makes a server that is not started yet. */
export function createServerNode(world: World, random: Random, checker: Checker): ServerNode {
  return new Machine(world, random, checker);
}
