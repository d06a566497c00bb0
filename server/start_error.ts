/**
 * Why a server does not start, where the person who starts it can help.
 *
 * @module
 */

/** A reason not to start that the person who starts it can mend. */
export class StartError extends Error {}

/** What went wrong, in words. */
export function reason(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the address is in use";
  return error instanceof Error ? error.message : String(error);
}
