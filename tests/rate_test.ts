import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createTokenBucket, type Rate } from "../protocol/rate.ts";
import { runs } from "./runs.ts";

const anyRate: fc.Arbitrary<Rate> = fc.record({
  perSecond: fc.oneof(
    fc.integer({ min: 1, max: 5000 }),
    fc.double({ min: 0.01, max: 100, noNaN: true }),
  ),
  burst: fc.integer({ min: 1, max: 1000 }),
});

/** Pauses between tries, in ms: mostly none, as when much comes at once. */
const anyPauses = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 50 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
  ),
  { maxLength: 300 },
);

Deno.test("a full bucket gives its burst at once, and not one more", () => {
  fc.assert(
    fc.property(anyRate, fc.integer({ min: 0, max: 2e12 }), (rate, now) => {
      const bucket = createTokenBucket(rate, now);
      for (let i = 0; i < rate.burst; i++) assertEquals(bucket.take(now), 0, `token ${i}`);
      assert(bucket.take(now) > 0);
    }),
    { numRuns: runs() },
  );
});

Deno.test("in any stretch of time the burst and what the rate gives go through, and no more", () => {
  fc.assert(
    fc.property(anyRate, anyPauses, (rate, pauses) => {
      let now = 1_700_000_000_000;
      const bucket = createTokenBucket(rate, now);
      const taken: number[] = [];
      for (const pause of pauses) {
        now += pause;
        if (bucket.take(now) === 0) taken.push(now);
      }
      for (let from = 0; from < taken.length; from++) {
        const stretch = taken.at(-1)! - taken[from];
        const most = rate.burst + stretch * rate.perSecond / 1000;
        assertLessOrEqual(taken.length - from, most + 1e-3, `${stretch} ms`);
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("whoever waits as long as was said gets a token, and nobody waits a ms too long", () => {
  fc.assert(
    fc.property(anyRate, anyPauses, (rate, pauses) => {
      let now = 1_700_000_000_000;
      const bucket = createTokenBucket(rate, now);
      for (const pause of pauses) {
        now += pause;
        const expected = bucket.wait(now);
        const wait = bucket.take(now);
        assertEquals(wait, expected, "asking takes nothing");
        assert(Number.isInteger(wait) && wait >= 0);
        assertLessOrEqual(wait, Math.ceil(1000 / rate.perSecond));
        if (wait === 0) continue;
        if (wait > 1) assert(bucket.wait(now + wait - 1) > 0, "a ms earlier there is none");
        now += wait;
        assertEquals(bucket.take(now), 0);
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("whoever stays at or below the rate is never held up, not even with a burst of 1", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(200), (perSecond, count) => {
      const bucket = createTokenBucket({ perSecond, burst: 1 }, 0);
      for (let i = 0; i < count; i++) assertEquals(bucket.take(i * 1000 / perSecond), 0);
    }),
    { numRuns: runs() },
  );
});

Deno.test("a bucket that is full behaves like a new one", () => {
  fc.assert(
    fc.property(anyRate, anyPauses, anyPauses, (rate, before, after) => {
      let now = 1_700_000_000_000;
      const old = createTokenBucket(rate, now);
      for (const pause of before) old.take(now += pause);
      now += Math.ceil(rate.burst * 1000 / rate.perSecond);
      assert(old.isFull(now));
      const fresh = createTokenBucket(rate, now);
      for (const pause of after) {
        now += pause;
        assertEquals(old.take(now), fresh.take(now));
        assertEquals(old.isFull(now), fresh.isFull(now));
      }
    }),
    { numRuns: runs() },
  );
});

Deno.test("a clock that is set back gives nothing away and holds nobody up", () => {
  const bucket = createTokenBucket({ perSecond: 1, burst: 2 }, 1_000_000);
  assertEquals([bucket.take(1_000_000), bucket.take(1_000_000)], [0, 0]);
  assertEquals(bucket.take(0), 1000, "nothing has come back");
  assertEquals(bucket.take(1000), 0, "and time goes on from there");
});

Deno.test("a rate of 0 is no limit, whatever the burst is", () => {
  const bucket = createTokenBucket({ perSecond: 0, burst: 0 }, 0);
  for (let i = 0; i < 10_000; i++) assertEquals(bucket.take(0), 0);
  assert(bucket.isFull(0));
});

Deno.test("a rate that means nothing is the caller's mistake", () => {
  for (const perSecond of [-1, NaN, Infinity]) {
    assertThrows(() => createTokenBucket({ perSecond, burst: 1 }, 0), RangeError, "perSecond");
  }
  for (const burst of [0, -1, 0.5, NaN, Infinity]) {
    assertThrows(() => createTokenBucket({ perSecond: 1, burst }, 0), RangeError, "burst");
  }
});
