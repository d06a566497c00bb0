/**
 * What the functions behind the verbs have in common.
 *
 * @module
 */

import type { VerbCall } from "../../protocol/verbs.ts";
import type { ForumClient } from "../forum_client.ts";
import type { FileVerb } from "./file_outcome.ts";
import type { Directory } from "./directory.ts";
import type { Joined } from "./joined.ts";
import type { Numbers } from "./numbers.ts";
import type { Results, RunnableVerb } from "./outcome.ts";
import type { Resolver } from "./resolve.ts";

/** Where secrets come from: a hidden prompt, or the environment. `undefined`: nobody gave one. */
export interface Secrets {
  adminPassword(): Promise<string | undefined>;
  newPassword(): Promise<string | undefined>;
}

/** What the console needs of a forum client. */
export type ConsoleClient = Pick<
  ForumClient,
  "user" | "command" | "follow" | "unfollow" | "shutdown" | "promote" | "changePassword"
>;

/** What a verb works with. */
export interface Workbench {
  readonly client: ConsoleClient;
  readonly directory: Directory;
  readonly numbers: Numbers;
  readonly joined: Joined;
  readonly resolver: Resolver;
  readonly secrets: Secrets;
  /** Whether a person looks on, so that the number of each own message counts as shown. */
  readonly attended: boolean;
  /** Now, in ms since 1970. */
  readonly now: () => number;
}

/** The functions behind some verbs; they reject with what a verb was refused with. */
export type Handlers<V extends RunnableVerb = Exclude<RunnableVerb, FileVerb>> = {
  readonly [K in V]: (call: VerbCall<K>) => Promise<Results[K]> | Results[K];
};

/** The reason, if one was given. */
export function because(why: string | undefined): { why?: string } {
  return why === undefined ? {} : { why };
}
