/**
 * Progress where nobody types: a bar at the terminal, a line now and then where there is none, and JSON
 * lines for programs.
 *
 * @module
 */

import type { Transfer } from "../../protocol/terminal/file_outcome.ts";
import { barLine } from "./progress_bar.ts";
import { progressText } from "../../protocol/terminal/progress_text.ts";
import type { TransferView } from "./transfers.ts";
import { visibleJson } from "../../protocol/terminal/visible.ts";

/** JSON lines come no faster than this, in ms. */
const JSON_EVERY = 250;
/** Plain lines come no faster than this, in ms, and only for each further quarter of a file. */
const TEXT_EVERY = 1000;
const QUARTERS = 4;
/** A bar is drawn no more often than this, in ms, and not for what is done sooner. */
const BAR_EVERY = 200;
/** What terminals have that do not say it. */
const COLUMNS = 80;

/** What a view of lines works with. */
export interface LineViewOptions {
  /** In ms. */
  readonly now: () => number;
  readonly write: (line: string) => void;
}

/**
 * `{"event":"progress","command":"UPD","name":…,"bytes":…,"size":…}`, at most four a second; with `via` where it goes
 * straight from user to user.
 */
export function jsonProgress({ now, write }: LineViewOptions): TransferView {
  let next = -Infinity;
  return {
    show({ command, name, waiting, bytes, size, via }) {
      if (waiting || now() < next) return;
      next = now() + JSON_EVERY;
      const how = via === undefined ? {} : { via };
      write(visibleJson({ event: "progress", command, name, bytes, size, ...how }));
    },
    over() {},
  };
}

/** A line at each quarter of a file that takes its time. */
export function textProgress({ now, write }: LineViewOptions): TransferView {
  let file = "";
  let told = 0;
  let next = 0;
  return {
    show(transfer) {
      const { number, place, waiting, bytes, size } = transfer;
      if (waiting) return;
      const quarter = size === 0 ? QUARTERS : Math.floor(bytes / size * QUARTERS);
      if (file !== `${number} ${place}`) {
        file = `${number} ${place}`;
        told = quarter;
        next = now() + TEXT_EVERY;
      }
      // The last one is told by what came of it.
      if (quarter <= told || quarter === QUARTERS || now() < next) return;
      told = quarter;
      next = now() + TEXT_EVERY;
      write(progressText(transfer));
    },
    over() {},
  };
}

/** What a bar is drawn on. */
export interface BarTerminal {
  readonly columns: number;
  write(text: string): unknown;
}

/** A view that shares a terminal with lines of output. */
export interface BarView extends TransferView {
  /** Runs something that writes lines, and moves the bar below them. */
  above(run: () => void): void;
}

/** A bar with speed and time left, on the last line of a terminal. */
export function barProgress(
  { now, terminal }: { now: () => number; terminal: BarTerminal },
): BarView {
  let next: number | undefined;
  let shown: Transfer | undefined;
  function wipe(): void {
    if (shown !== undefined) terminal.write("\r\x1b[K");
  }
  function draw(): void {
    // The last column is left free: some terminals wrap a line that fills it.
    const columns = (terminal.columns || COLUMNS) - 1;
    if (shown !== undefined) terminal.write(`\r${barLine(shown, columns)}\x1b[K`);
  }
  return {
    show(transfer) {
      next ??= now() + BAR_EVERY;
      if (now() < next) return;
      next = now() + BAR_EVERY;
      shown = transfer;
      draw();
    },
    over() {
      wipe();
      shown = next = undefined;
    },
    above(run) {
      wipe();
      run();
      draw();
    },
  };
}
