import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createNumbers } from "../protocol/terminal/numbers.ts";
import { runs } from "./runs.ts";

const page = (...seqs: number[]) => seqs.map((seq, place) => ({ number: place + 1, seq }));

Deno.test("a number means the message that was shown under it, whatever was deleted since", () => {
  const numbers = createNumbers();
  numbers.listed(1, { rows: page(2, 3, 4), end: true });
  // Somebody deletes the first; to the server the second message is now the one of seq 4.
  assertEquals(numbers.meaning(1, 2), 3);
  assertEquals(numbers.meaning(2, 2), undefined);
});

Deno.test("a number shown for two messages means neither until it is listed again", () => {
  const numbers = createNumbers();
  numbers.listed(1, { rows: page(2, 3, 4), end: true });
  numbers.shown(1, { number: 3, seq: 6 });
  assertEquals(numbers.meaning(1, 3), "unclear");
  numbers.shown(1, { number: 3, seq: 6 });
  assertEquals(numbers.meaning(1, 3), "unclear");
  numbers.listed(1, { rows: page(3, 4, 6), end: true });
  assertEquals([1, 2, 3].map((number) => numbers.meaning(1, number)), [3, 4, 6]);
});

Deno.test("a listing to the end forgets the numbers beyond it; a page keeps those of other pages", () => {
  const numbers = createNumbers();
  numbers.listed(1, { rows: page(2, 3, 4), end: true });
  numbers.listed(1, { rows: [{ number: 1, seq: 2 }], end: false });
  assertEquals(numbers.meaning(1, 3), 4);
  numbers.listed(1, { rows: page(2, 4), end: true });
  assertEquals([2, 3].map((number) => numbers.meaning(1, number)), [4, undefined]);
  numbers.listed(1, { rows: [], end: true });
  assertEquals(numbers.meaning(1, 1), undefined);
});

Deno.test("a message that was listed under a new number is not meant by its old one", () => {
  const numbers = createNumbers();
  numbers.listed(1, { rows: page(2, 3, 4), end: true });
  numbers.listed(1, { rows: [{ number: 2, seq: 4 }], end: false });
  assertEquals([2, 3].map((number) => numbers.meaning(1, number)), [4, undefined]);
  assertEquals(numbers.numberOf(1, 4), 2);
});

Deno.test("a small memory forgets, and says so; what it still knows is what a large one knows", () => {
  const place = { thread: fc.integer({ min: 1, max: 4 }), seq: fc.integer({ min: 1, max: 12 }) };
  const showing = fc.oneof(
    fc.record({ ...place, number: fc.integer({ min: 1, max: 9 }) }),
    fc.record({
      ...place,
      rows: fc.uniqueArray(fc.integer({ min: 1, max: 12 })),
      end: fc.boolean(),
    }),
  );
  let forgotten = 0;
  fc.assert(
    fc.property(fc.array(showing, { maxLength: 60 }), (shown) => {
      const [small, large] = [createNumbers(10), createNumbers()];
      for (const what of shown) {
        for (const numbers of [small, large]) {
          if ("number" in what) numbers.shown(what.thread, what);
          else {
            numbers.listed(what.thread, {
              rows: page(...what.rows.toSorted((a, b) => a - b)),
              end: what.end,
            });
          }
        }
        for (let thread = 1; thread <= 4; thread++) {
          for (let number = 1; number <= 12; number++) {
            const known = small.meaning(thread, number);
            if (known === "forgotten") forgotten++;
            // What cannot be known any more is never taken for sure.
            else if (known !== "unclear") assertEquals(known, large.meaning(thread, number));
          }
        }
      }
    }),
    { numRuns: runs() },
  );
  assert(forgotten > 0);
});

/** A thread in which messages come and go, seen through listings and live lines. */
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({ do: "post" as const }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), at: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.constant({ do: "list" as const }) },
  ),
  { maxLength: 60 },
);

Deno.test("a number never means a message that was not shown under it since the last listing", () => {
  fc.assert(
    fc.property(steps, (done) => {
      const numbers = createNumbers();
      let living: number[] = [];
      let seq = 1;
      let seen = new Map<number, Set<number>>();
      for (const step of done) {
        if (step.do === "post") {
          living.push(++seq);
          const number = living.length;
          numbers.shown(1, { number, seq });
          seen.set(number, (seen.get(number) ?? new Set()).add(seq));
        } else if (step.do === "delete") {
          living = living.filter((_, place) => place !== step.at);
          seq++;
        } else {
          numbers.listed(1, { rows: page(...living), end: true });
          seen = new Map(living.map((there, place) => [place + 1, new Set([there])]));
        }
        for (const [number, seqs] of seen) {
          const only = seqs.size === 1 ? [...seqs][0] : "unclear";
          assertEquals(numbers.meaning(1, number), only);
        }
      }
    }),
    { numRuns: runs() },
  );
});
