import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatMoment, parseMoment } from "../protocol/terminal/moment.ts";
import { runs } from "./runs.ts";

Deno.test("a moment that was shown is read back to its second", () => {
  fc.assert(
    fc.property(fc.integer({ min: 86_400_000, max: 4_000_000_000_000 }), (at) => {
      const back = parseMoment(formatMoment(at), 0);
      // The hour that a change of clocks repeats reads as its first.
      assertEquals(formatMoment(back ?? -1), formatMoment(at));
    }),
    { numRuns: runs() },
  );
});

Deno.test("times are read in the family's way, as ISO 8601, as of today, and as ago", () => {
  const now = new Date(2026, 10, 20, 12, 0, 0).getTime();
  const at = new Date(2021, 1, 23, 15, 0, 1).getTime();
  assertEquals(parseMoment("23 Feb 2021 15:00:01", now), at);
  assertEquals(parseMoment("23 february 2021, 15:00", now), at - 1000);
  assertEquals(parseMoment("2021-02-23T15:00:01", now), at);
  assertEquals(parseMoment("2021-02-23 15:00:01", now), at);
  assertEquals(parseMoment("2021-02-23T15:00:01Z", now), Date.UTC(2021, 1, 23, 15, 0, 1));
  assertEquals(parseMoment("2021-02-23", now), new Date(2021, 1, 23).getTime());
  assertEquals(parseMoment("09:30", now), new Date(2026, 10, 20, 9, 30).getTime());
  assertEquals(parseMoment("90 m", now), now - 90 * 60_000);
});

Deno.test("in UTC the same moments are shown and read, wherever the machine stands", () => {
  const at = Date.UTC(2021, 1, 23, 15, 0, 1);
  assertEquals(formatMoment(at, "UTC"), "23 Feb 2021 15:00:01");
  for (const text of ["23 Feb 2021 15:00:01", "2021-02-23T15:00:01", "2021-02-23 15:00:01Z"]) {
    assertEquals(parseMoment(text, 0, "UTC"), at, text);
  }
  assertEquals(parseMoment("2021-02-23T15:00:01+01:00", 0, "UTC"), at - 3_600_000);
  assertEquals(parseMoment("2021-02-23", 0, "UTC"), Date.UTC(2021, 1, 23));
  assertEquals(parseMoment("15:00:01", at + 1000, "UTC"), at);
  assertEquals(parseMoment("31 Feb 2021", 0, "UTC"), undefined);
});

Deno.test("what is no time is refused", () => {
  for (
    const text of ["", "soon", "31 Feb 2021 10:00", "25:00", "12:61", "2021-13-01", "1 Foo 2020"]
  ) {
    assertEquals(parseMoment(text, 0), undefined, text);
  }
});
