/**
 * Runs of replies: whatever they say, they come out as they were.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { beginReplyRun, readReplyRun } from "../server/log/reply_run.ts";
import { runs } from "./runs.ts";

const number = fc.oneof(fc.nat({ max: 20 }), fc.integer(), fc.maxSafeNat(), fc.double());
const words = fc.oneof(fc.string(), fc.constantFrom("007", "-1", "1e21", "9".repeat(400), "\n1"));
/** Replies as servers give them, with numbers that go up, and any others. */
const replies = fc.oneof(
  fc.record({ seq: fc.nat(), at: fc.nat(), steps: fc.tuple(fc.integer(), fc.nat({ max: 2 })) }).map(
    ({ seq, at, steps }) =>
      Array.from({ length: 5 }, (_, i) => ({ seq: seq + i * steps[0], at: at + i * steps[1] })),
  ),
  fc.array(fc.oneof(fc.record({ seq: number, name: words }), fc.record({ seq: number })), {
    minLength: 1,
    maxLength: 6,
  }),
);

Deno.test("law 2: a run gives back every reply that it took, also after it was kept", () => {
  fc.assert(
    fc.property(replies, (replies) => {
      const texts = replies.map((reply) => JSON.stringify(reply));
      const run = beginReplyRun(texts[0]);
      const taken = [texts[0], ...texts.slice(1).filter((text) => run.add(text))];
      assertEquals(run.count, taken.length);
      const read = readReplyRun(run.text(), run.count);
      for (const [i, text] of taken.entries()) assertEquals([run.at(i), read.at(i)], [text, text]);
    }),
    { numRuns: runs(100, 1000) },
  );
});
