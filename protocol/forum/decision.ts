/**
 * What all deciding has in common: who asks, what comes of it, and the reason that may go with it.
 *
 * @module
 */

import { type Refusal, refuse } from "../status.ts";
import { checkWhy } from "../text.ts";
import type { Change } from "./command.ts";
import type { ForumEvent } from "./event.ts";
import type { Pen } from "./pen.ts";
import type { Actor } from "./policy.ts";
import type { Reply } from "./reply.ts";
import type { Thread, View } from "./state.ts";

/** Who asks, and when. */
export interface Context {
  /** The folded name of a signed-in user. */
  readonly user: string;
  /** Now, in ms since 1970. Entries never go back in time: an earlier one is taken for the last entry's. */
  readonly at: number;
  /** For an upload: what has arrived and was verified. Without it, the upload is yet to begin. */
  readonly content?: Content;
  /** For an upload: how much may be shared; without it, anything. */
  readonly quota?: Quota;
}

/** The bytes of a file, as far as deciding knows them. */
export interface Content {
  /** Their SHA-256, in lower-case hexadecimal digits. */
  readonly sha256: string;
  /** How many there are. */
  readonly size: number;
}

/** How much may be shared, in bytes; what is absent or 0 has no limit. */
export interface Quota {
  /** One file. */
  readonly file?: number;
  /** All files of one user, whatever their contents. */
  readonly user?: number;
  /** All different contents of the forum. */
  readonly all?: number;
}

/** What happens: events in order, and the reply. Without events nothing changes. */
export interface Decision {
  /** Complete and in order; those of one scope follow on its last entry. */
  readonly events: readonly ForumEvent[];
  /** What DONE carries. */
  readonly reply: Reply<Change["op"]>;
}

/** Whether a decision is a refusal. */
export function isRefusal(outcome: object): outcome is Refusal {
  return "status" in outcome;
}

/** The reply of a command that has nothing to tell. */
export const NONE: Record<string, never> = {};

/** Who asks, looked up, and when. */
export interface Asking {
  readonly actor: Actor;
  /** In ms since 1970 UTC. */
  readonly at: number;
}

/** What deciding within a thread needs. */
export interface Scene {
  readonly view: View;
  readonly actor: Actor;
  readonly thread: Thread;
  readonly pen: Pen;
}

/** The optional reason of a moderation, checked. */
export function reason(why: string | undefined): { why?: string } | Refusal {
  if (why === undefined) return {};
  const checked = checkWhy(why);
  return typeof checked !== "string" ? refuse("bad-text", checked.complaint) : { why: checked };
}
