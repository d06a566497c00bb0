import { assert, assertEquals } from "@std/assert";
import { runs } from "./runs.ts";
import { simulate } from "./simulation/simulation.ts";

/** What a run must have met at times; otherwise it says nothing about it. */
const MET = [
  "crashes before a unit's end",
  "crashes after a unit's end",
  "crashes between a unit's end",
  "server shutdowns",
  "link resets",
  "link vanishes",
  "stops reading",
  "client deaths",
  "links mended",
  "commands from an outbox",
  "units failed: internal",
  "units failed: storage-full",
  "expulsions",
  "threads compared",
];

Deno.test("the laws hold whatever goes wrong, and all is well when it ends: see simulation/main.ts", () => {
  const counts = new Map<string, number>();
  const seeds = runs(40);
  for (let seed = 1; seed <= seeds; seed++) {
    for (const [what, count] of simulate(seed).counts) {
      counts.set(what, (counts.get(what) ?? 0) + count);
    }
  }
  if (seeds < 40) return;
  for (const what of MET) assert((counts.get(what) ?? 0) > 0, `no run has met: ${what}`);
});

Deno.test("law 9: equal seeds give equal simulations, to the byte", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const [one, other] = [simulate(seed), simulate(seed)];
    assertEquals([one.hash, one.duration], [other.hash, other.duration]);
  }
  assert(simulate(1).hash !== simulate(2).hash);
});
