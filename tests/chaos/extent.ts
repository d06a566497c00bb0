/**
 * How much of a chaos test is done: little while someone works, all of it where a machine watches.
 *
 * @module
 */

/** `ci` where the environment has `CI` set, else `local`. */
export function extent({ ci, local }: { ci: number; local: number }): number {
  const set = Deno.env.get("CI");
  return set !== undefined && set !== "" && set !== "false" ? ci : local;
}
