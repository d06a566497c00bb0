import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  failed,
  lockedFor,
  LOCKOUT_DEFAULTS,
  type LockoutOptions,
  type LockoutRecord,
  stale,
} from "../protocol/lockout.ts";
import { runs } from "./runs.ts";

const anyOptions: fc.Arbitrary<LockoutOptions> = fc.record({
  maxAttempts: fc.integer({ min: 1, max: 5 }),
  lockoutMs: fc.integer({ min: 0, max: 100_000 }),
  maxLockoutMs: fc.integer({ min: 0, max: 1_000_000 }),
}, { requiredKeys: [] });

/** Pauses between wrong proofs, in ms. */
const anyPauses = fc.array(fc.integer({ min: 0, max: 2_000_000 }), { maxLength: 60 });

/** Fails as fast as is allowed, `sets` full sets, and gives how long each lock was. */
function locksOf(sets: number, options: LockoutOptions): number[] {
  const { maxAttempts } = { ...LOCKOUT_DEFAULTS, ...options };
  const locks: number[] = [];
  let record: LockoutRecord | undefined;
  let now = 1_000_000;
  for (let set = 0; set < sets; set++) {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      assertEquals(lockedFor(record, now, options), 0, "a full set of tries between locks");
      record = failed(record, now, options);
    }
    const lock = lockedFor(record, now, options);
    locks.push(lock);
    now += lock;
  }
  return locks;
}

Deno.test("three failures lock for 10 s, and each further three for twice as long, up to 15 min", () => {
  assertEquals(
    locksOf(9, {}),
    [10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 900_000, 900_000],
  );
});

Deno.test("locks never get shorter while failures go on, and never exceed the cap", () => {
  fc.assert(
    fc.property(anyOptions, fc.integer({ min: 1, max: 60 }), (options, sets) => {
      const { lockoutMs, maxLockoutMs } = { ...LOCKOUT_DEFAULTS, ...options };
      const locks = locksOf(sets, options);
      assertEquals(locks[0], Math.min(lockoutMs, maxLockoutMs));
      for (const [index, lock] of locks.entries()) {
        assert(lock <= maxLockoutMs);
        if (index > 0) assertEquals(lock, Math.min(locks[index - 1] * 2, maxLockoutMs));
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("whatever failed when, a lock only counts down and ends within the cap", () => {
  fc.assert(
    fc.property(anyOptions, anyPauses, (options, pauses) => {
      const { maxLockoutMs } = { ...LOCKOUT_DEFAULTS, ...options };
      let record: LockoutRecord | undefined;
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        const before = lockedFor(record, now, options);
        record = failed(record, now, options);
        const left = lockedFor(record, now, options);
        assert(left >= before, "a failure during a lock does not shorten it");
        assert(left <= maxLockoutMs);
        assertEquals(lockedFor(record, now + left, options), 0);
        if (left > 1) assertEquals(lockedFor(record, now + 1, options), left - 1);
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("a failure that comes during a lock counts for the next one", () => {
  let record: LockoutRecord | undefined;
  for (let proof = 0; proof < 6; proof++) record = failed(record, 5_000);
  assertEquals(record, { failures: 6, until: 25_000 });
});

Deno.test("a record is stale a day after its lock, and the next failure starts over", () => {
  let record: LockoutRecord | undefined;
  for (let proof = 0; proof < 30; proof++) record = failed(record, 0);
  assert(record !== undefined);
  const end = 900_000 + LOCKOUT_DEFAULTS.forgetMs;
  assertEquals(stale(record, end - 1), false);
  assertEquals(stale(record, end), true);
  assertEquals(failed(record, end - 1).failures, 31);
  assertEquals(failed(record, end), { failures: 1, until: end });
});

Deno.test("a record that does not lock yet is kept for a day after its last failure", () => {
  const record = failed(failed(undefined, 1_000), 50_000);
  assertEquals(record, { failures: 2, until: 50_000 });
  assertEquals(stale(record, 50_000 + LOCKOUT_DEFAULTS.forgetMs - 1), false);
  assertEquals(stale(record, 50_000 + LOCKOUT_DEFAULTS.forgetMs), true);
});

Deno.test("a clock that was set back keeps nobody out", () => {
  assertEquals(lockedFor(failed(undefined, 100_000), 99_000), 0);
  let record: LockoutRecord | undefined;
  for (let proof = 0; proof < 3; proof++) record = failed(record, 100_000_000);
  assertEquals(lockedFor(record, 13_600_000), 0);
  assertEquals(lockedFor(failed(record, 13_600_000), 13_600_000), 0);
});

Deno.test("a lock-out of 0 ms never locks, however many failures come", () => {
  let record: LockoutRecord | undefined;
  for (let proof = 0; proof < 5_000; proof++) {
    record = failed(record, 0, { lockoutMs: 0, maxAttempts: 1 });
    assertEquals(lockedFor(record, 0, { lockoutMs: 0, maxAttempts: 1 }), 0);
  }
  assertEquals(record, { failures: 5_000, until: 0 });
});

Deno.test("options that mean nothing are refused", () => {
  for (const maxAttempts of [0, -1, 1.5, NaN]) {
    assertThrows(() => failed(undefined, 0, { maxAttempts }), RangeError, "maxAttempts");
  }
  for (const ms of [-1, NaN, Infinity]) {
    assertThrows(() => failed(undefined, 0, { lockoutMs: ms }), RangeError, "lockoutMs");
    assertThrows(() => lockedFor(undefined, 0, { maxLockoutMs: ms }), RangeError, "maxLockoutMs");
    assertThrows(
      () => stale({ failures: 1, until: 0 }, 0, { forgetMs: ms }),
      RangeError,
      "forgetMs",
    );
  }
});
