/**
 * Options of servers on which a few users do what elsewhere many do.
 *
 * @module
 */

/** No limit to how often one user changes something, and to how many sign in. */
export const NO_RATES: readonly string[] = ["--post-rate", "0", "--sign-in-rate", "0"];

/** Silence is not asked about: whoever reads nothing cannot answer. */
export const NO_HEARTBEAT: readonly string[] = ["--heartbeat", "3600"];
