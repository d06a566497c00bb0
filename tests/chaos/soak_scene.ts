/**
 * The scene of a soak: a server, all who are there, and all that goes wrong.
 *
 * @module
 */

import { dialTcp } from "../../client/mod.ts";
import { threadScope } from "../../protocol/forum/event.ts";
import { type ServerProcess, startServer } from "../end_to_end/processes.ts";
import type { Random } from "../simulation/random.ts";
import { makeAccounts } from "./accounts.ts";
import { type Colony, foundColony } from "./colony.ts";
import { NO_RATES } from "./crowd_options.ts";
import { type FaultyProxy, LINK_FAULTS, openFaultyProxy } from "./faulty_proxy.ts";
import { headsOf } from "./heads.ts";
import type { Inhabitant } from "./inhabitant.ts";
import { fillLibrary, type Library } from "./library.ts";
import type { Sample } from "./memory.ts";
import { lastingPort } from "./port.ts";
import { type Reader, startReader } from "./reader.ts";
import { unexplainedLines } from "./server_lines.ts";
import { pause, STRANGERS, type Visit } from "./stranger.ts";

const INHABITANTS = ["Ackbar", "Bossk", "Chewie", "Dooku", "Evazan", "Fett", "Greedo", "Han"];
/** Readers, and how often each stops for a while. */
const READERS = { "Slow-1": 0.0005, "Slow-2": 0.0005, "Stalled-1": 0.02, "Stalled-2": 0.05 };
const VISITORS = ["Visitor-1", "Visitor-2", "Visitor-3"];
const VICTIM = "Victim";
const HEARTBEAT_SECONDS = 2;
const AT_ONCE = 2;
const STRANGERS_AT_ONCE = 6;
/** The longest pauses between acts, faults and strangers, in ms. */
const ACT_PAUSE = 150;
const FAULT_PAUSE = 1200;
const STRANGER_PAUSE = 400;
/** The longest time for which a link stalls, in ms. */
const STALL_MAX = 4000;
/** Time from one restart to the next, in ms. */
const RESTARTS: readonly [number, number] = [1000, 5000];
const SAMPLE_EVERY = 500;
const MIB = 1024 * 1024;

/** Something that goes on until it is ended. */
export interface Going<T> {
  end(): T;
}

/** A scene. */
export interface Scene {
  /** What has gone wrong so far beside what the reckoning finds. */
  readonly faults: readonly string[];
  /** Resolves when going on makes no sense. */
  readonly broken: Promise<void>;
  /** Lets life and trouble begin. */
  begin(): void;
  /** Kills and restarts the server. */
  restartAgainAndAgain(random: Random): Going<Promise<void>>;
  /** Brings all that the server may keep at hand into its memory. */
  warm(): Promise<void>;
  /** Samples the memory of the server. */
  watchMemory(): Going<Sample[]>;
  /** Ends all trouble after a last kill, and waits until everybody knows everything. */
  heal(): Promise<void>;
  /** Who still has to hear what. */
  missing(): string;
  /** Ends the server; then says what does not fit together. */
  reckon(): string[];
  /** What has happened so far, in a line. */
  describe(): string;
  close(): Promise<void>;
}

interface Cast {
  readonly server: ServerProcess;
  readonly colony: Colony;
  readonly proxy: FaultyProxy;
  readonly readers: readonly Reader[];
  readonly library: Library;
}

class SoakScene implements Scene {
  readonly #random: Random;
  readonly #server: ServerProcess;
  readonly #colony: Colony;
  readonly #proxy: FaultyProxy;
  readonly #readers: readonly Reader[];
  readonly #library: Library;
  readonly faults: string[] = [];
  readonly #counts = new Map<string, number>();
  readonly #trouble: Promise<void>[] = [];
  readonly #broken = Promise.withResolvers<void>();
  #heads: ReadonlyMap<string, number> = new Map();
  #over = false;
  /** The server is being ended by us. */
  #ending = false;

  constructor(random: Random, { server, colony, proxy, readers, library }: Cast) {
    this.#library = library;
    this.#random = random;
    this.#server = server;
    this.#colony = colony;
    this.#proxy = proxy;
    this.#readers = readers;
    this.#guard();
  }

  get broken(): Promise<void> {
    return this.#broken.promise;
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  #fault(text: string): void {
    this.faults.push(text);
    this.#broken.resolve();
  }

  /** Notices when the present server process ends by itself. */
  #guard(): void {
    this.#server.process.exited.then(({ code, signal }) => {
      if (!this.#ending) this.#fault(`the server ended by itself: ${signal ?? code}`);
    });
  }

  begin(): void {
    this.#colony.live();
    this.#trouble.push(this.#failLinks(this.#random.fork()));
    for (let at = 0; at < STRANGERS_AT_ONCE; at++) {
      this.#trouble.push(this.#sendStrangers(this.#random.fork()));
    }
  }

  async #failLinks(random: Random): Promise<void> {
    while (!this.#over) {
      await pause(random.between(50, FAULT_PAUSE));
      if (random.chance(0.15)) {
        await this.#replace(random.pick(this.#colony.inhabitants));
      } else if (random.chance(0.05)) {
        this.#count("all links cut");
        this.#proxy.cutAll();
      } else {
        const fault = random.pick(LINK_FAULTS);
        this.#count(`links: ${fault}`);
        this.#proxy.fail(fault, random.below(1000), random.between(100, STALL_MAX));
      }
    }
  }

  /** A client dies, and another one of the same user comes. */
  async #replace(inhabitant: Inhabitant): Promise<void> {
    this.#count("clients killed");
    await inhabitant.kill();
    for (;;) {
      try {
        await inhabitant.come();
        return;
      } catch {
        // The server is down, or the link was cut before the client was in.
        await pause(100);
      }
    }
  }

  async #sendStrangers(random: Random): Promise<void> {
    const visit: Visit = {
      address: this.#server,
      random,
      visitors: VISITORS,
      victim: VICTIM,
      over: () => this.#over,
    };
    while (!this.#over) {
      const kind = random.pick(Object.keys(STRANGERS));
      this.#count(`strangers: ${kind}`);
      // What becomes of them does not matter.
      await STRANGERS[kind](visit).catch(() => {});
      await pause(random.between(0, STRANGER_PAUSE));
    }
  }

  restartAgainAndAgain(random: Random): Going<Promise<void>> {
    let over = false;
    const restarting = (async () => {
      while (!over) {
        await pause(random.between(...RESTARTS));
        if (!over) await this.#restart(random.chance(0.7) ? "SIGKILL" : "SIGTERM");
      }
    })();
    return {
      async end() {
        over = true;
        await restarting;
      },
    };
  }

  async #restart(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#count(`server: ${signal}`);
    await this.#endServer(signal);
    await this.#server.start();
    this.#ending = false;
    this.#guard();
  }

  async #endServer(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#ending = true;
    const { success } = await this.#server.kill(signal);
    if (signal === "SIGTERM" && !success) this.#fault("SIGTERM did not end the server well");
    const { output, errors } = this.#server.process;
    for (const line of errors.all) this.#fault(`the server complained: ${line}`);
    for (const line of unexplainedLines(output.all, { killed: signal === "SIGKILL" })) {
      this.#fault(`a line that nothing explains: ${line}`);
    }
  }

  async warm(): Promise<void> {
    await this.#library.read(this.#server);
  }

  watchMemory(): Going<Sample[]> {
    const samples: Sample[] = [];
    // Elsewhere there is no /proc to read.
    if (Deno.build.os !== "linux") return { end: () => samples };
    const timer = setInterval(() => {
      if (this.#ending) return;
      samples.push({
        at: performance.now() / 60_000,
        memory: this.#server.usage().memory / MIB,
      });
    }, SAMPLE_EVERY);
    return {
      end() {
        clearInterval(timer);
        return samples;
      },
    };
  }

  async heal(): Promise<void> {
    this.#over = true;
    await this.#restart("SIGKILL");
    // Links that pass nothing on any more are not healed, but given up.
    this.#proxy.cutAll();
    for (const reader of this.#readers) reader.hurry();
    await Promise.all(this.#trouble);
    await this.#colony.rest();
    const { hearing } = this.#colony;
    this.#heads = await headsOf(this.#server, INHABITANTS[0], hearing.scopes);
    await this.#colony.until(() => hearing.behind(this.#heads).length === 0);
    await this.#colony.leave();
    for (const reader of this.#readers) await reader.close();
    await this.#endServer("SIGTERM");
  }

  missing(): string {
    return this.#colony.hearing.behind(this.#heads).join(", ");
  }

  reckon(): string[] {
    const faults = this.#colony.reckon(this.#server.data, { complete: true });
    return this.#colony.ledger.files > 0 ? faults : [...faults, "nobody has shared a file"];
  }

  describe(): string {
    const { ledger, hearing } = this.#colony;
    const counts = [...this.#counts].sort().map(([what, count]) => `${what} ${count}`);
    const memory = Deno.build.os === "linux" && !this.#ending
      ? `, ${Math.round(this.#server.usage().memory / MIB)} MiB`
      : "";
    return `${ledger.acknowledged} acknowledged, ${ledger.files} of them files, ${hearing.count} heard${memory}; ` +
      counts.join(", ");
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#ending = true;
    await this.#server.close();
    this.#proxy.close();
    for (const reader of this.#readers) await reader.close();
    await this.#colony.abandon();
  }
}

/** Starts a server with everybody on it; nothing happens yet. */
export async function openScene(random: Random): Promise<Scene> {
  const server = await startServer({
    port: lastingPort(),
    args: [...NO_RATES, "--log", "json", "--heartbeat", String(HEARTBEAT_SECONDS)],
  });
  try {
    await makeAccounts(server, [...INHABITANTS, ...Object.keys(READERS), ...VISITORS, VICTIM]);
    const proxy = await openFaultyProxy(server);
    const colony = await foundColony({
      users: INHABITANTS,
      dial: dialTcp(proxy),
      random: random.fork(),
      atOnce: AT_ONCE,
      pause: ACT_PAUSE,
      files: true,
    });
    const readers = Object.entries(READERS).map(([user, stalls]) =>
      startReader({
        user,
        stalls,
        address: server,
        scope: threadScope(1),
        hearing: colony.hearing,
        random: random.fork(),
      })
    );
    const library = await fillLibrary(server, colony.ledger);
    return new SoakScene(random, { server, colony, proxy, readers, library });
  } catch (error) {
    await server.close();
    throw error;
  }
}
