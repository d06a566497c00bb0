/**
 * A colony: inhabitants who live in a forum, each doing several things at a time, while a test does to
 * the server what it wants; and the reckoning afterwards.
 *
 * @module
 */

import type { Dial } from "../../client/mod.ts";
import { threadScope } from "../../protocol/forum/event.ts";
import type { PeerAddress } from "../end_to_end/raw_peer.ts";
import type { Random } from "../simulation/random.ts";
import { act, EXPECTED_REFUSALS } from "./habits.ts";
import { fileFaults } from "./file_faults.ts";
import { headsOf } from "./heads.ts";
import { createHearing, type Hearing } from "./hearing.ts";
import { readHistory } from "./history.ts";
import { createInhabitant, type Inhabitant, type SharedFile } from "./inhabitant.ts";
import { createLedger, type Ledger } from "./ledger.ts";

/** What everybody follows. */
const SCOPES = ["directory", "accounts", threadScope(1)];

/** One cause has many effects. */
const FAULTS_SHOWN = 20;

/** How a colony is founded. */
export interface ColonyOptions {
  /** Their accounts are there. */
  readonly users: readonly string[];
  readonly dial: Dial;
  readonly random: Random;
  /** How much each does at the same time. */
  readonly atOnce: number;
  /** The longest pause between two acts, in ms; none by default. */
  readonly pause?: number;
  /** Whether they share files, too. */
  readonly files?: boolean;
  /** Refusals that are expected beside those of everyday life. */
  readonly refusals?: readonly string[];
}

/** Inhabitants and what they know. */
export interface Colony {
  readonly inhabitants: readonly Inhabitant[];
  readonly ledger: Ledger;
  readonly hearing: Hearing;
  /** Users who are signed in now. */
  readonly online: ReadonlySet<string>;
  /** Acts from now on. */
  live(): void;
  /** Ends what is under way, and does no more. */
  rest(): Promise<void>;
  /** Waits until something holds that changes with what they do and hear; rejects if a fault is seen. */
  until(holds: () => boolean): Promise<void>;
  /** Waits until all have heard all that a server has to tell. They must be at rest. */
  hearAll(server: PeerAddress): Promise<void>;
  /** Everything that does not fit to the log of a server that has ended; see {@linkcode Hearing.against}. */
  reckon(data: string, options: { complete: boolean }): string[];
  /** All say goodbye. */
  leave(): Promise<void>;
  /** The end, whatever state it is in. */
  abandon(): Promise<void>;
}

class Settlement implements Colony {
  readonly #options: ColonyOptions;
  readonly ledger = createLedger();
  readonly hearing = createHearing();
  readonly online = new Set<string>();
  readonly inhabitants: Inhabitant[];
  readonly #threads = [1];
  readonly #files: SharedFile[] = [];
  #living: Promise<void>[] = [];
  #resting = true;
  #wake = () => {};

  constructor(options: ColonyOptions) {
    this.#options = options;
    const { users, dial } = options;
    const { ledger, hearing, online } = this;
    hearing.onHeard = () => this.#wake();
    this.inhabitants = users.map((user) =>
      createInhabitant({
        user,
        dial,
        ledger,
        hearing,
        onOnline: () => (online.add(user), this.#wake()),
        onOffline: () => (online.delete(user), this.#wake()),
      })
    );
  }

  async found(): Promise<void> {
    for (const inhabitant of this.inhabitants) {
      await inhabitant.come();
      this.online.add(inhabitant.user);
      for (const scope of SCOPES) await inhabitant.follow(scope);
    }
  }

  live(): void {
    const { users, random, atOnce, pause, files = false } = this.#options;
    this.#resting = false;
    this.#living = this.inhabitants.flatMap((inhabitant) => {
      const who = {
        inhabitant,
        random: random.fork(),
        ledger: this.ledger,
        users,
        threads: this.#threads,
        own: [],
        ...files && { files: this.#files },
      };
      return Array.from({ length: atOnce }, async () => {
        while (!this.#resting) {
          await act(who);
          this.#wake();
          const wait = pause === undefined ? 0 : who.random.between(0, pause);
          await new Promise((resolve) => setTimeout(resolve, wait));
        }
      });
    });
  }

  async rest(): Promise<void> {
    this.#resting = true;
    await Promise.all(this.#living);
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const { faults } = this.hearing;
      if (faults.length > 0) throw new Error(faults.join("\n"));
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async hearAll(server: PeerAddress): Promise<void> {
    const { hearing } = this;
    const heads = await headsOf(server, this.#options.users[0], hearing.scopes);
    await this.until(() => hearing.behind(heads).length === 0);
  }

  reckon(data: string, { complete }: { complete: boolean }): string[] {
    const history = readHistory(data);
    const { refusals = [] } = this.#options;
    const unexpected = [...this.ledger.refusals.keys()]
      .filter((name) => !EXPECTED_REFUSALS.has(name) && !refusals.includes(name))
      .map((name) => `somebody was refused with ${name}`);
    const faults = [
      ...history.faults,
      ...fileFaults(history, data),
      ...this.ledger.faults(history),
      ...this.hearing.against(history, { complete }),
      ...unexpected,
    ];
    const more = faults.length - FAULTS_SHOWN;
    return more <= 0 ? faults : [...faults.slice(0, FAULTS_SHOWN), `and ${more} more`];
  }

  async leave(): Promise<void> {
    for (const inhabitant of this.inhabitants) await inhabitant.close();
  }

  async abandon(): Promise<void> {
    this.#resting = true;
    for (const inhabitant of this.inhabitants) await inhabitant.kill();
  }
}

/** Founds a colony: its inhabitants come, follow, and do nothing yet. */
export async function foundColony(options: ColonyOptions): Promise<Colony> {
  const colony = new Settlement(options);
  await colony.found();
  return colony;
}
