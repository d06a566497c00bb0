/** What this project uses of cli-progress, no more loosely typed than it is. */

/** How a line looks. */
export interface FormatOptions {
  /** With `{bar}`, `{percentage}` and the fields of the payload. */
  format: string;
  /** Characters of the bar. */
  barsize: number;
  /** At least as many characters, all done… */
  barCompleteString: string;
  /** …and none done. */
  barIncompleteString: string;
  /** Between the two. */
  barGlue: string;
  /** Before times that are too short; empty for none. */
  autopaddingChar: string;
}

/** Where a bar stands. */
export interface FormatParams {
  /** From 0 to 1. */
  progress: number;
  value: number;
  total: number;
  /** In seconds. */
  eta: number;
  /** In ms. */
  startTime: number;
  /** In ms; now, if it is 0. */
  stopTime: number;
  /** Columns of the terminal. */
  maxWidth: number;
}

declare const progress: {
  readonly Format: {
    /** Makes a line. */
    Formatter(
      options: FormatOptions,
      params: FormatParams,
      payload: Readonly<Record<string, string>>,
    ): string;
  };
};
export default progress;
