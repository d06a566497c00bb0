/**
 * Sign-in lock-out as arithmetic (DESIGN §5): how long one source must wait before it may try one user
 * again. The caller keeps a record for each pair of user and source, in a store that survives a restart:
 *
 * - before a proof is looked at, `lockedFor` says whether it may be; if not, it is refused unread;
 * - a wrong proof: store what `failed` gives; a right one: delete the record;
 * - now and then: delete records that are `stale`.
 *
 * Each full set of wrong proofs locks, the first for `lockoutMs`, each later one for twice as long, up to
 * `maxLockoutMs`. Between two locks a person has a full set of tries again.
 *
 * @module
 */

/** What is remembered of one user and one source. Plain data, to be stored as it is. */
export interface LockoutRecord {
  /** Wrong proofs since the last right one. */
  readonly failures: number;
  /** When the lock ends or ended, or the last wrong proof came where that was later, in ms of `now`. */
  readonly until: number;
}

/** How strict the lock-out is. */
export interface LockoutOptions {
  /** Wrong proofs in a set, a whole number from 1; 3 if not given. */
  readonly maxAttempts?: number;
  /** How long the first lock lasts, in ms; 10 s if not given, 0 never locks. */
  readonly lockoutMs?: number;
  /** The longest that any lock lasts, in ms; 15 min if not given. */
  readonly maxLockoutMs?: number;
  /** How long after its last lock a record is forgotten, in ms; 24 h if not given. */
  readonly forgetMs?: number;
}

/** What holds where an option is not given. Times are in ms. */
export const LOCKOUT_DEFAULTS = {
  maxAttempts: 3,
  lockoutMs: 10_000,
  maxLockoutMs: 900_000,
  forgetMs: 86_400_000,
} as const satisfies Required<LockoutOptions>;

/** @throws RangeError for options that mean nothing. */
function complete(options: LockoutOptions): Required<LockoutOptions> {
  const rules = { ...LOCKOUT_DEFAULTS, ...options };
  if (!Number.isSafeInteger(rules.maxAttempts) || rules.maxAttempts < 1) {
    throw new RangeError(`maxAttempts is ${rules.maxAttempts}; give a whole number from 1`);
  }
  for (const name of ["lockoutMs", "maxLockoutMs", "forgetMs"] as const) {
    if (!(rules[name] >= 0 && rules[name] < Infinity)) {
      throw new RangeError(`${name} is ${rules[name]}; give milliseconds from 0`);
    }
  }
  return rules;
}

/**
 * The record after one more wrong proof at `now`.
 *
 * @throws RangeError for options out of range.
 *
 * @example
 * ```ts
 * import { failed, lockedFor } from "./lockout.ts";
 * import { assertEquals } from "@std/assert";
 *
 * let record = failed(undefined, 1_000);
 * record = failed(record, 2_000);
 * assertEquals(lockedFor(record, 2_000), 0);
 * record = failed(record, 3_000);
 * assertEquals(lockedFor(record, 3_000), 10_000);
 * ```
 */
export function failed(
  record: LockoutRecord | undefined,
  now: number,
  options: LockoutOptions = {},
): LockoutRecord {
  const { maxAttempts, lockoutMs, maxLockoutMs } = complete(options);
  const known = record !== undefined && !stale(record, now, options) ? record : undefined;
  const failures = (known?.failures ?? 0) + 1;
  if (failures % maxAttempts !== 0) {
    // A proof that was already on its way when the lock began counts, and leaves the lock as it is.
    return { failures, until: now + lockedFor(known, now, options) };
  }
  // 2 ** 40 exceeds every sensible cap, and stays far from Infinity, which times 0 would be NaN.
  const doublings = Math.min(failures / maxAttempts - 1, 40);
  return { failures, until: now + Math.min(lockoutMs * 2 ** doublings, maxLockoutMs) };
}

/**
 * How long until the next proof may be tried, in ms: 0 where it may be tried now.
 *
 * @throws RangeError for options out of range.
 */
export function lockedFor(
  record: LockoutRecord | undefined,
  now: number,
  options: LockoutOptions = {},
): number {
  const { maxAttempts, maxLockoutMs } = complete(options);
  if (record === undefined || record.failures < maxAttempts) return 0;
  const left = record.until - now;
  // No lock is longer than the cap: where one seems to be, the clock was set back, and nobody is to wait
  // for it to catch up.
  return left > 0 && left <= maxLockoutMs ? left : 0;
}

/**
 * Whether a record is so old that it can be deleted.
 *
 * @throws RangeError for options out of range.
 */
export function stale(record: LockoutRecord, now: number, options: LockoutOptions = {}): boolean {
  return now - record.until >= complete(options).forgetMs;
}
