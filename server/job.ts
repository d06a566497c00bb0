/**
 * A job: work that a session has asked for and that is done in the next unit of the log.
 *
 * @module
 */

import type { Command } from "../protocol/forum/command.ts";
import type { Register } from "../protocol/body.ts";
import type { Refusal } from "../protocol/status.ts";

/** What is to be done. */
export type Job =
  | {
    readonly kind: "command";
    readonly id: number;
    readonly command: Command;
    /** Why it is not done, unless it was done before; decided when it came, so that it counts once. */
    readonly barred: Refusal | undefined;
  }
  /** The password was proved. */
  | { readonly kind: "enter"; readonly user: string }
  | { readonly kind: "resume"; readonly token: string }
  | { readonly kind: "register"; readonly registration: Register }
  /** A wrong password was tried. */
  | { readonly kind: "failed"; readonly user: string };

/** A job of one kind. */
export type JobOf<K extends Job["kind"]> = Extract<Job, { readonly kind: K }>;
