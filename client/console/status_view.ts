/**
 * Progress beside a prompt: a line for each of the first transfers, above what is being typed.
 *
 * @module
 */

import type { Transfer } from "../../protocol/terminal/file_outcome.ts";
import { barLine, clip } from "./progress_bar.ts";
import { count } from "../../protocol/terminal/style.ts";
import type { TransferView } from "./transfers.ts";

/** What a status view works with. */
export interface StatusViewOptions {
  /** All transfers. */
  readonly all: () => readonly Transfer[];
  /** Columns of the terminal now. */
  readonly columns: () => number;
  /** Shows these lines from now on. */
  readonly status: (lines: readonly string[]) => void;
}

/** It is drawn no more often than this, in ms. */
const EVERY = 250;
/** Lines of transfers; of more only the number is told. */
const LINES_MAX = 4;

class StatusView implements TransferView {
  readonly #options: StatusViewOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StatusViewOptions) {
    this.#options = options;
  }

  // What has ended within a moment is told by its outcome alone.
  show(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#draw();
    }, EVERY);
  }

  over(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#draw();
  }

  #draw(): void {
    const { all, columns, status } = this.#options;
    // The last column is left free: some terminals wrap a line that fills it.
    const width = columns() - 1;
    const transfers = all();
    const lines = transfers.slice(0, LINES_MAX).map((transfer) => barLine(transfer, width));
    const more = transfers.length - lines.length;
    if (more > 0) lines.push(clip(`… and ${count(more, "transfer")} more: /transfers`, width));
    status(lines);
  }
}

/** Creates a status view. */
export function createStatusView(options: StatusViewOptions): TransferView {
  return new StatusView(options);
}
