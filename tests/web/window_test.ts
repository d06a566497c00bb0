import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { rowAt, scrollOf, spanOf, topsOf } from "../../client/web/state/window.ts";
import { runs } from "../runs.ts";

Deno.test("the rows near the view are drawn, and no others", () => {
  const keys = Array.from({ length: 100_000 }, (_, at) => at + 1);
  const tops = topsOf(keys, { known: new Map(), estimate: 50 });
  const { first, last } = spanOf(tops, { top: 2_500_000, height: 800, more: 500 });
  assert(first <= 49_990 && last >= 50_016, `${first} to ${last}`);
  assert(last - first < 60, `${last - first} rows`);
  assertEquals(spanOf([0], { top: 0, height: 800, more: 500 }), { first: 0, last: 0 });
});

const lists = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 60 });

Deno.test("law: what is drawn covers the view, whatever the heights are", () => {
  fc.assert(
    fc.property(lists, fc.nat(10_000), fc.integer({ min: 1, max: 900 }), (tall, top, height) => {
      const keys = tall.map((_, at) => at * 3 + 1);
      const known = new Map(keys.map((key, at) => [key, tall[at]]));
      const tops = topsOf(keys, { known, estimate: 7 });
      const place = Math.min(top, Math.max(0, tops[tops.length - 1] - height));
      const { first, last } = spanOf(tops, { top: place, height, more: 0 });
      assert(tops[first] <= place);
      assert(tops[last] >= Math.min(place + height, tops[tops.length - 1]));
      assertEquals(rowAt(tops, place), first);
    }),
    { numRuns: runs() },
  );
});

Deno.test("law: an anchor stays where it is when rows come in before it or heights become known", () => {
  fc.assert(
    fc.property(lists, lists, fc.nat(1000), (here, more, pick) => {
      const keys = here.map((_, at) => 1000 + at);
      const anchor = { key: keys[pick % keys.length], offset: -3 };
      const all = [...more.map((_, at) => at + 1), ...keys];
      const known = new Map(all.map((key, at) => [key, [...more, ...here][at]]));
      // So that the view never reaches the end of the list.
      const height = 1;
      const tops = topsOf(all, { known, estimate: 64 });
      const scroll = scrollOf(anchor, { keys: all, tops, height });
      const top = tops[all.indexOf(anchor.key)];
      assert(scroll === top + 3 || scroll === tops[tops.length - 1] - height);
    }),
    { numRuns: runs() },
  );
});

Deno.test("the end stays the end; a row that is gone leaves its place to the next", () => {
  const keys = [1, 2, 4];
  const tops = topsOf(keys, { known: new Map([[1, 100], [2, 100], [4, 700]]), estimate: 1 });
  assertEquals(scrollOf("end", { keys, tops, height: 300 }), 600);
  assertEquals(scrollOf({ key: 3, offset: 0 }, { keys, tops, height: 300 }), 200);
  assertEquals(scrollOf({ key: 9, offset: 0 }, { keys, tops, height: 300 }), 600);
});
