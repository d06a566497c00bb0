/** How `promptSecret` asks. */
export interface PromptSecretOptions {
  /** Shown for each character typed; empty shows nothing. Default `*`. */
  mask?: string;
  /** Whether the line is wiped from the terminal afterwards. */
  clear?: boolean;
}

/** Asks at the terminal without showing what is typed; `null` when standard input is no terminal. */
export function promptSecret(message?: string, options?: PromptSecretOptions): string | null;
