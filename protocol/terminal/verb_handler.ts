/**
 * What the functions behind the verbs have in common.
 *
 * @module
 */

import type { Verb, VerbCall } from "../verbs.ts";
import type { Asking } from "./asking.ts";
import type { Directory } from "./directory.ts";
import type { Joined } from "./joined.ts";
import type { Zone } from "./moment.ts";
import type { Numbers } from "./numbers.ts";
import type { Results, RunnableVerb } from "./outcome.ts";
import type { Resolver } from "./resolve.ts";

/** Verbs that cannot be run here, and what to say instead. */
export type Lacking = { readonly [V in Verb]?: string };

/** What a verb works with. */
export interface Workbench {
  /** Whose it is, as the forum writes the name. */
  readonly user: string;
  readonly directory: Directory;
  readonly numbers: Numbers;
  readonly joined: Joined;
  readonly resolver: Resolver;
  /** Whether a person looks on, so that the number of each own message counts as shown. */
  readonly attended: boolean;
  /** Now, in ms since 1970. */
  readonly now: () => number;
  /** Whose time a person writes; that of the machine, if not given. */
  readonly zone?: Zone;
  /** What this place cannot do. */
  readonly lacking: Lacking;
}

/** The functions behind some verbs; they throw what a verb was refused with. */
export type Handlers<V extends RunnableVerb = RunnableVerb> = {
  readonly [K in V]: (call: VerbCall<K>) => Asking<Results[K]> | Results[K];
};

/** The reason, if one was given. */
export function because(why: string | undefined): { why?: string } {
  return why === undefined ? {} : { why };
}
