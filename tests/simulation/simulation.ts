/**
 * A whole run: a server, people and a network, first with everything that can go wrong, then calm; and at
 * the end all must be as the laws say (DESIGN §11).
 *
 * Server and clients are the real ones. Time is virtual and all chance comes from the seed, so equal seeds give
 * equal runs.
 *
 * @module
 */

import { Checker } from "./checker.ts";
import { ClientNode, type Network } from "./client_node.ts";
import { createSimulatedLink, type Link } from "./link.ts";
import { createRandom, type Random } from "./random.ts";
import { createScheduler } from "./scheduler.ts";
import { createServerNode, type ServerNode, SESSION_ENDS_WITHIN } from "./server_node.ts";
import { createStranger } from "./stranger.ts";
import { createTranscript } from "./transcript.ts";
import { CALM, drawFaults, type Faults, hold, type World } from "./world.ts";

/** How a run is made. */
export interface SimulationOptions {
  /** How long things go wrong, in virtual ms; 8,000 by default. */
  readonly duration?: number;
  /** Sees each line of the transcript. */
  readonly print?: (line: string) => void;
}

/** What a run was. */
export interface Report {
  readonly seed: number;
  /** Of the whole transcript: equal seeds have equal ones. */
  readonly hash: string;
  /** How long it took, in virtual ms. */
  readonly duration: number;
  /** The most bytes that waited for one reader. */
  readonly mostPending: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** A run in which a law was broken. */
export class SimulationFailure extends Error {
  readonly seed: number;

  constructor(seed: number, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed}: ${message}`, { cause });
    this.seed = seed;
  }
}

const USERS = ["Ada", "Boris", "Chiara", "Dmitri", "Eve"];
/** 20 November 2026. */
const EPOCH = 1_795_132_800_000;
/** How long it may take until all is well again, in virtual ms. */
const HEALING = 60_000;
/** How long housekeeping may take, in virtual ms. */
const TIDYING = 60_000;
/** How often it is decided whether something goes wrong, in virtual ms. */
const STEP = 100;

/**
 * Simulates.
 *
 * @throws {SimulationFailure} if a law is broken.
 *
 * @example
 * ```ts
 * import { simulate } from "./simulation.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(simulate(1).hash, simulate(1).hash);
 * ```
 */
export function simulate(seed: number, options: SimulationOptions = {}): Report {
  const run = new Run(seed, options);
  try {
    return run.whole();
  } catch (error) {
    throw new SimulationFailure(seed, error);
  } finally {
    run.dispose();
  }
}

class Run {
  readonly #seed: number;
  readonly #duration: number;
  readonly #random: Random;
  readonly #world: World;
  readonly #checker: Checker;
  readonly #server: ServerNode;
  readonly #clients: ClientNode[] = [];
  readonly #network: Network;
  #links = 0;

  constructor(seed: number, { duration = 8000, print }: SimulationOptions) {
    this.#seed = seed;
    this.#duration = duration;
    this.#random = createRandom(seed);
    const scheduler = createScheduler();
    let off = 0;
    this.#world = {
      scheduler,
      random: this.#random.fork(),
      transcript: createTranscript(() => scheduler.now, print),
      faults: drawFaults(this.#random),
      clock: () => EPOCH + scheduler.now + off,
      setClock: (ms) => off = ms,
    };
    this.#world.transcript.line(`faults ${JSON.stringify(this.#world.faults)}`);
    this.#checker = new Checker(this.#world);
    this.#server = createServerNode(this.#world, this.#random.fork(), this.#checker);
    this.#network = { dial: (name, opened) => this.#dial(name, opened) };
    const users = USERS.slice(0, this.#random.between(2, USERS.length));
    for (const user of users) this.#addClient(user, user, users);
    if (this.#random.chance(0.5)) this.#addClient(`${users[0]}-phone`, users[0], users);
    if (this.#random.chance(0.3)) this.#addClient(`${users[1]}-phone`, users[1], users);
  }

  #addClient(name: string, user: string, users: readonly string[]): void {
    this.#clients.push(
      new ClientNode(this.#world, this.#random.fork(), {
        name,
        user,
        users,
        outbox: this.#random.chance(0.5),
        follows: this.#random.chance(0.85),
        network: this.#network,
        checker: this.#checker,
      }),
    );
  }

  #dial(name: string, opened: (link: Link | undefined) => void): void {
    const { scheduler, faults, random } = this.#world;
    const way = () => random.between(0, faults.latency);
    scheduler.after(way(), () => {
      const link = createSimulatedLink(this.#world, `${name}#${++this.#links}`);
      const refused = random.chance(faults.dial) || !this.#server.accept(link, name);
      const late = random.chance(faults.dial / 4) ? random.between(0, 8000) : 0;
      scheduler.after(way() + late, () => {
        opened(refused ? undefined : link);
        if (random.chance(faults.ban)) this.#ban(name);
      });
    });
  }

  /** The keeper bans who is about to sign in, and thinks better of it later. */
  #ban(device: string): void {
    const { scheduler, random } = this.#world;
    const [keeper] = this.#clients;
    const user = this.#clients.find(({ options }) => options.name === device)?.options.user;
    if (user === undefined || user === keeper.options.user) return;
    keeper.order({ op: "ban", user, on: true });
    scheduler.after(
      random.between(200, 4000),
      () => keeper.order({ op: "ban", user, on: false }),
    );
  }

  whole(): Report {
    const { scheduler, transcript } = this.#world;
    this.#server.start();
    for (const client of this.#clients) {
      scheduler.after(this.#random.between(0, 500), () => client.start());
      this.#live(client);
    }
    this.#step();
    scheduler.runUntil(this.#duration);
    this.#heal();
    this.#check();
    const { hash, counts } = transcript;
    const { mostPending } = this.#checker;
    return { seed: this.#seed, hash, duration: scheduler.now, mostPending, counts };
  }

  get #troubled(): boolean {
    return this.#world.scheduler.now < this.#duration;
  }

  /** Somebody does something every now and then. */
  #live(client: ClientNode): void {
    this.#world.scheduler.after(this.#random.between(20, 800), () => {
      if (!this.#troubled) return;
      client.act();
      this.#live(client);
    });
  }

  /** Something goes wrong every now and then. */
  #step(): void {
    this.#world.scheduler.after(STEP, () => {
      if (!this.#troubled) return;
      this.#trouble(this.#world.faults);
      this.#step();
    });
  }

  #trouble(faults: Faults): void {
    const random = this.#random;
    const { scheduler, transcript } = this.#world;
    const happens = (perSecond: number) => random.chance(perSecond * STEP / 1000);
    const happensTo = (perSecond: number, what: string, act: (client: ClientNode) => void) => {
      if (!happens(perSecond * this.#clients.length)) return;
      const client = random.pick(this.#clients);
      transcript.line(`${client.options.name} ${what}`);
      transcript.count(what);
      act(client);
    };
    happensTo(faults.reset, "link resets", (client) => client.reset());
    happensTo(faults.vanish, "link vanishes", (client) => client.vanish());
    happensTo(faults.stall, "link stalls", (client) => client.stall(random.between(50, 9000)));
    happensTo(faults.forget, "forgets", (client) => client.crash());
    happensTo(faults.slow, "stops reading", (client) => {
      client.pause(true);
      scheduler.after(random.between(50, 9000), () => client.pause(false));
    });
    if (happens(faults.crash)) this.#server.crash();
    if (happens(faults.shutdown)) this.#server.restart();
    if (happens(faults.leap)) this.#server.leap(25);
    if (happens(faults.stranger)) this.#stranger();
    if (happens(faults.full)) {
      transcript.line("disk is full");
      this.#server.fill(true);
      scheduler.after(random.between(50, 3000), () => this.#server.fill(false));
    }
  }

  #stranger(): void {
    const user = this.#random.pick(USERS);
    const stranger = createStranger(this.#world, this.#random.fork(), user);
    this.#dial("stranger", (link) => {
      if (link !== undefined) stranger.meet(link);
    });
  }

  /** All is calm: everybody must come back and see all. */
  #heal(): void {
    const { scheduler, transcript, faults } = this.#world;
    transcript.line("healing");
    Object.assign(faults, CALM);
    this.#server.fill(false);
    for (const client of this.#clients) client.pause(false);
    // Whoever is gone without a word is found out.
    scheduler.runUntil(scheduler.now + SESSION_ENDS_WITHIN);
    this.#converge();
    for (const client of this.#clients) client.speak();
    this.#converge();
  }

  #converge(): void {
    const { scheduler } = this.#world;
    const until = scheduler.now + HEALING;
    let missing: string | undefined;
    let lookAt = scheduler.now;
    scheduler.runUntil(until, () => {
      if (scheduler.now < lookAt) return false;
      lookAt = scheduler.now + 50;
      missing = this.#missing();
      return missing === undefined;
    });
    hold(missing === undefined, () => `after ${HEALING} ms of calm ${missing}`);
  }

  /** What is not well yet. */
  #missing(): string | undefined {
    if (!this.#server.up) return "the server is down";
    const banned = this.#checker.bannedAndPresent();
    if (banned !== undefined) return `${banned} is banned and takes part`;
    for (const client of this.#clients) {
      if (this.#banned(client)) {
        if (client.online) return `${client.options.name} is online, and banned`;
        continue;
      }
      client.redoAll();
      const missing = client.missing();
      if (missing !== undefined) return missing;
    }
    return undefined;
  }

  #banned(client: ClientNode): boolean {
    return this.#checker.truth.user(client.options.user.toLowerCase())?.banned ?? false;
  }

  #check(): void {
    const { scheduler } = this.#world;
    const living = this.#clients.filter((client) => client.online);
    const banned = this.#clients.filter((client) => this.#banned(client));
    hold(!banned.some((client) => client.online), () => "somebody who is banned is online");
    this.#world.transcript.count("banned users who are out at the end", banned.length);
    for (const client of living) client.compare();
    this.#checkPresence(living);
    for (const client of banned) client.leave();
    const { service } = this.#server;
    scheduler.runUntil(scheduler.now + 2000);
    hold(
      service?.connections === living.length,
      () => `${service?.connections} connections are open for ${living.length} clients`,
    );
    for (const client of this.#clients) client.leave();
    scheduler.runUntil(scheduler.now + 2000);
    hold(
      this.#clients.every((client) => client.closed),
      () => "a client does not end",
    );
    hold(
      service.connections === 0 && service.feedBytes === 0 && service.transfers === 0,
      () =>
        `${service.connections} connections, ${service.feedBytes} bytes, ` +
        `${service.transfers} transfers stay`,
    );
    this.#tidy();
    const log = this.#server.reopen();
    try {
      this.#checker.settle(log);
    } finally {
      log.close();
    }
  }

  /** After some days nothing is left in the store but what the living files have. */
  #tidy(): void {
    const { scheduler } = this.#world;
    this.#server.leap(50);
    const until = scheduler.now + TIDYING;
    let lookAt = scheduler.now;
    let stray: string | undefined;
    scheduler.runUntil(until, () => {
      if (scheduler.now < lookAt) return false;
      lookAt = scheduler.now + 500;
      stray = this.#checker.stray();
      return stray === undefined;
    });
    hold(stray === undefined, () => `files: after ${TIDYING} ms of housekeeping ${stray}`);
  }

  /** The dead are not signed in any more, and the living are. */
  #checkPresence(living: readonly ClientNode[]): void {
    const sessions = new Map<string, number>();
    for (const { options: { user } } of living) sessions.set(user, (sessions.get(user) ?? 0) + 1);
    const right = [...sessions].sort().join();
    for (const { present, options: { name } } of living) {
      const seen = present.map((row) => [row.user, row.sessions]).sort().join();
      hold(seen === right, () => `${name} is told that ${seen} are on instead of ${right}`);
    }
  }

  dispose(): void {
    this.#server.dispose();
  }
}
