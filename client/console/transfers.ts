/**
 * Transfers: the files that are on their way for the lines that were typed, to be shown and to be cancelled.
 *
 * @module
 */

import type { Transfer, Via } from "../../protocol/terminal/file_outcome.ts";
import { Refusing } from "../../protocol/terminal/outcome.ts";
import { createSpeed, type Speed } from "./speed.ts";
import { percent } from "../../protocol/terminal/progress_text.ts";
import { visibleLine } from "../../protocol/terminal/visible.ts";

/** Whoever carries the files of a line tells here how it goes. */
export interface Carriage {
  /** Fires when it is cancelled; with a reason to say. */
  readonly signal: AbortSignal;
  /** It is known now where they go to or come from, and how many there are. */
  found(thread: number | null, count: number): void;
  /** It is the turn of the next file. */
  turn(): void;
  /** The file whose turn it is begins, perhaps once more. */
  file(name: string, size: number): void;
  /** So many bytes of it are through. */
  progress(bytes: number): void;
  /** It goes straight from user to user, in this way from now on. */
  via(via: Via): void;
  /** It waits for the other side. */
  waiting(): void;
  /** The last file has ended, one way or the other. */
  end(): void;
}

/** Shows what is on its way. */
export interface TransferView {
  /** It has got on, or waits for its next file to begin. */
  show(transfer: Transfer): void;
  /** It is over. */
  over(transfer: Transfer): void;
}

/** The files that are on their way. */
export interface Transfers {
  readonly all: readonly Transfer[];
  /** A line begins that asks for something. */
  begin(command: Transfer["command"], asked: string): Carriage;
  /** Cancels what has this number, or this file; `undefined` if there is none. */
  cancel(given: string): Transfer | undefined;
  /** Cancels all; whether there was anything. */
  cancelAll(): boolean;
}

/** What transfers work with. */
export interface TransfersOptions {
  /** In ms. */
  readonly now: () => number;
  readonly view: TransferView;
  /** Told when the first one begins and when the last one has ended. */
  readonly busy?: (busy: boolean) => void;
}

class Underway implements Carriage {
  readonly #abort = new AbortController();
  readonly #changed: (ended: boolean) => void;
  readonly #now: () => number;
  #speed: Speed = createSpeed();
  #transfer: Transfer;

  constructor(
    transfer: Transfer,
    { now, changed }: { now: () => number; changed: (ended: boolean) => void },
  ) {
    this.#transfer = transfer;
    this.#now = now;
    this.#changed = changed;
  }

  get transfer(): Transfer {
    return this.#transfer;
  }
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  found(thread: number | null, count: number): void {
    this.#transfer = { ...this.#transfer, thread, count };
  }

  turn(): void {
    this.#transfer = { ...this.#transfer, place: this.#transfer.place + 1 };
  }

  file(name: string, size: number): void {
    this.#speed = createSpeed();
    this.#transfer = { ...this.#transfer, name, size, waiting: true, bytes: 0, rate: null };
    this.#changed(false);
  }

  progress(bytes: number): void {
    this.#speed.note(bytes, this.#now());
    this.#transfer = {
      ...this.#transfer,
      waiting: false,
      bytes,
      rate: this.#speed.perSecond ?? null,
    };
    this.#changed(false);
  }

  via(via: Via): void {
    this.#transfer = { ...this.#transfer, via };
    this.#changed(false);
  }

  waiting(): void {
    this.#transfer = { ...this.#transfer, waiting: true, rate: null };
    this.#changed(false);
  }

  end(): void {
    this.#changed(true);
  }

  cancel(): void {
    const { command, name, waiting, bytes, size } = this.#transfer;
    const goesOn = command === "/accept"
      ? "It goes on when it is sent again."
      : "The same command goes on with it.";
    const text = waiting && bytes === 0
      ? `${visibleLine(name)} is cancelled before it has begun.`
      : `${visibleLine(name)} is cut off at ${percent(bytes, size)}. ${goesOn}`;
    this.#abort.abort(new Refusing("cancelled", text));
  }
}

class OpenTransfers implements Transfers {
  readonly #options: TransfersOptions;
  readonly #underway = new Map<number, Underway>();
  #last = 0;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  get all(): readonly Transfer[] {
    return [...this.#underway.values()].map(({ transfer }) => transfer);
  }

  begin(command: Transfer["command"], asked: string): Carriage {
    const { now, view, busy } = this.#options;
    // Small numbers are typed easily: they begin anew when nothing is on its way.
    const number = this.#underway.size === 0 ? 1 : this.#last + 1;
    this.#last = number;
    const nothing = { thread: null, bytes: 0, size: 0, rate: null, place: 0, count: 0 };
    const underway = new Underway({ number, command, name: asked, waiting: true, ...nothing }, {
      now,
      changed: (ended) => {
        if (!this.#underway.has(number)) return;
        if (!ended) return view.show(underway.transfer);
        this.#underway.delete(number);
        view.over(underway.transfer);
        if (this.#underway.size === 0) busy?.(false);
      },
    });
    this.#underway.set(number, underway);
    if (this.#underway.size === 1) busy?.(true);
    view.show(underway.transfer);
    return underway;
  }

  cancel(given: string): Transfer | undefined {
    const number = /^#?\d{1,9}$/.test(given) ? Number(given.replace("#", "")) : 0;
    const found = this.#underway.get(number) ??
      [...this.#underway.values()].find(({ transfer }) => transfer.name === given);
    found?.cancel();
    return found?.transfer;
  }

  cancelAll(): boolean {
    for (const underway of this.#underway.values()) underway.cancel();
    return this.#underway.size > 0;
  }
}

/**
 * Creates an empty list.
 *
 * @example
 * ```ts
 * import { createTransfers } from "./transfers.ts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const transfers = createTransfers({ now: () => 0, view: { show() {}, over() {} } });
 * const carriage = transfers.begin("UPD", "~/holocron.bin");
 * carriage.found(1, 1);
 * carriage.turn();
 * carriage.file("holocron.bin", 100);
 * carriage.progress(45);
 * assertEquals(transfers.all[0].bytes, 45);
 * transfers.cancel("holocron.bin");
 * assert(carriage.signal.aborted);
 * ```
 */
export function createTransfers(options: TransfersOptions): Transfers {
  return new OpenTransfers(options);
}
