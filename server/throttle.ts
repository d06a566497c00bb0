/**
 * The throttle: how much work is taken on, commands under way and changes a second (docs/PROTOCOL.md,
 * "Limits of operation").
 *
 * @module
 */

import { type Refusal, refuse } from "../protocol/status.ts";
import { again } from "./door.ts";
import { COMMANDS_SHARE, type OperationLimits } from "./limits.ts";
import { createRates, type Rates } from "./rates.ts";

/** Somebody who gives commands. */
export interface Worker {
  /** The folded name. */
  readonly user: string;
  /** Commands that have no reply yet. */
  underWay: number;
}

/** How much is taken on. */
export interface Throttle {
  /** Whether another command of this one is too much now. */
  busy(worker: Worker): boolean;
  /** A command of this one is taken on. Gives whether no more of them will be read for now. */
  begin(worker: Worker): boolean;
  /** It is answered. */
  end(worker: Worker): void;
  /** Nobody waits for replies any more. */
  leave(worker: Worker): void;
  /** The refusal of another change of this user at `now`, or `undefined`; then it counts. */
  change(user: string, now: number): Refusal | undefined;
  /** Forgets what does not matter any more. */
  tidy(now: number): void;
}

class WorkThrottle implements Throttle {
  readonly #limits: OperationLimits;
  readonly #changes: Rates;
  #underWay = 0;

  constructor(limits: OperationLimits) {
    this.#limits = limits;
    this.#changes = createRates(limits.changes);
  }

  busy({ underWay }: Worker): boolean {
    const { commandsInAll } = this.#limits;
    // Whoever asks for little is served also while others ask for much.
    return commandsInAll > 0 && this.#underWay >= commandsInAll && underWay >= COMMANDS_SHARE;
  }

  begin(worker: Worker): boolean {
    this.#underWay++;
    return ++worker.underWay === this.#limits.commands;
  }

  end(worker: Worker): void {
    // What is done for somebody who left was taken off already.
    if (worker.underWay === 0) return;
    worker.underWay--;
    this.#underWay--;
  }

  leave(worker: Worker): void {
    this.#underWay -= worker.underWay;
    worker.underWay = 0;
  }

  change(user: string, now: number): Refusal | undefined {
    const wait = this.#changes.take(user, now);
    if (wait === 0) return undefined;
    return refuse("rate", `This is more than one user may change so quickly. ${again(wait)}`, {
      wait,
    });
  }

  tidy(now: number): void {
    this.#changes.tidy(now);
  }
}

/** Makes a throttle. */
export function createThrottle(limits: OperationLimits): Throttle {
  return new WorkThrottle(limits);
}
