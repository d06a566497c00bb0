/**
 * A job: work that a session has asked for and that is done in the next unit of the log.
 *
 * @module
 */

import type { Command } from "../protocol/forum/command.ts";
import type { Register } from "../protocol/body.ts";

/** What is to be done. */
export type Job =
  | { readonly kind: "command"; readonly id: number; readonly command: Command }
  /** The password was proved. */
  | { readonly kind: "enter"; readonly user: string }
  | { readonly kind: "resume"; readonly token: string }
  | { readonly kind: "register"; readonly registration: Register }
  /** A wrong password was tried. */
  | { readonly kind: "failed"; readonly user: string };
