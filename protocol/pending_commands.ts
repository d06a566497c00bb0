/**
 * The commands of a client's session that have no reply yet: their numbers, the keys by which they are done once however
 * often they are sent, and which of them can be sent on another link.
 *
 * @module
 */

import type { Command } from "./forum/command.ts";
import { isChange } from "./forum/command_schema.ts";

/** A command without a reply. */
export interface Pending {
  readonly command: Command;
  /** Whether it is the session's own, so that its reply is nobody else's business. */
  readonly own: boolean;
}

/** The commands without a reply. */
export interface PendingCommands {
  /** The number of the next command: from 1 on, and after the last that there can be from 1 again. */
  number(): number;
  /** The command, with a key if it is a change and has none. */
  keyed(command: Command): Command;
  /** Those that wait for their replies, by their numbers and in the order in which they were given. */
  readonly waiting: Map<number, Pending>;
}

/** These are bound to one link: after a break they cannot be sent again. */
const BOUND_TO_LINK: ReadonlySet<string> = new Set([
  "prove",
  "admin",
  "typing",
  // The server forgets offers with the connections that they are between.
  "announce",
  "offer",
  "accept",
  "reach",
  "conclude",
]);

/** Whether a command has no sense on another link. */
export function isBoundToLink({ op }: Command): boolean {
  return BOUND_TO_LINK.has(op);
}

class Commands implements PendingCommands {
  readonly #keys: string;
  #keyCount = 0;
  #lastId = 0;
  readonly waiting = new Map<number, Pending>();

  constructor(keys: string) {
    this.#keys = keys;
  }

  number(): number {
    this.#lastId = this.#lastId >= 0xffff_ffff ? 1 : this.#lastId + 1;
    return this.#lastId;
  }

  keyed(command: Command): Command {
    return isChange(command) && command.key === undefined
      ? { ...command, key: `${this.#keys}-${++this.#keyCount}` }
      : command;
  }
}

/** Makes the commands of a session that has given none; `keys` begins its keys, and no other session's. */
export function createPendingCommands(keys: string): PendingCommands {
  return new Commands(keys);
}
