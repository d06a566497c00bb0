/**
 * The laws over whole forums: one pass of simulated runs, in which everything goes wrong that can, feeds a test for
 * each law that it checks (see simulation/checker.ts for what is compared, and simulation/main.ts to replay a seed).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { runs } from "../runs.ts";
import { PENDING_MAX } from "../simulation/checker.ts";
import { simulate, SimulationFailure } from "../simulation/simulation.ts";

/** Below so many runs, some things may never have come about. */
const TELLING = 40;
const SEEDS = runs(TELLING);

/** What all runs were. */
interface Pass {
  readonly counts: ReadonlyMap<string, number>;
  readonly mostPending: number;
  readonly failures: readonly SimulationFailure[];
}

/** The runs, done once for all tests of this file. */
const pass = once((): Pass => {
  const counts = new Map<string, number>();
  const failures: SimulationFailure[] = [];
  let mostPending = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const report = simulate(seed);
      mostPending = Math.max(mostPending, report.mostPending);
      for (const [what, count] of report.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      failures.push(error);
    }
  }
  return { counts, mostPending, failures };
});

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** No run has broken the law, or any law; and enough was seen of what it is about. */
function holds(law: string, met: readonly string[]): void {
  const { counts, failures } = pass();
  const broken = failures.filter(({ message }) => message.includes(law));
  if (broken.length > 0) throw new AggregateError(broken, broken.map(String).join("\n"));
  if (SEEDS < TELLING) return;
  for (const what of met) assert((counts.get(what) ?? 0) > 0, `no run has met: ${what}`);
}

Deno.test("whatever goes wrong, nothing is broken, and all is well when it ends", () => {
  holds("", [
    "crashes before a unit's end",
    "crashes after a unit's end",
    "crashes between a unit's end",
    "server deaths",
    "server shutdowns",
    "link resets",
    "link vanishes",
    "link stalls",
    "client deaths",
    "links mended",
    "units failed: internal",
    "units failed: storage-full",
    "expulsions",
  ]);
});

Deno.test("law 5: every copy made of the events, and every restarted server, has the forum as it is", () => {
  holds("law 5", ["threads compared", "server deaths"]);
});

Deno.test("law 6: what is acknowledged is on the disk and stays there, and what is repeated is done once", () => {
  holds("law 6", [
    "law 6: acknowledgements compared with the disk",
    "law 6: repeated commands answered alike",
    "law 6: deeds looked for at the end",
    "files: uploads acknowledged",
    "commands from an outbox",
    "server deaths",
  ]);
});

Deno.test("law 7: every subscriber sees every event of its scope once, in order, whatever breaks in between", () => {
  holds("law 7", [
    "law 7: events compared with the disk",
    "law 7: scopes complete at the end",
    "links mended",
    "stops reading",
    "server deaths",
  ]);
});

Deno.test("law 8: what waits for a reader is bounded, however slow it is, and it is caught up when it reads again", () => {
  holds("law 8", [
    "law 8: sessions measured",
    "law 8: readers that stalled",
    "law 8: uploads measured",
    "law 8: downloads measured",
    "stops reading",
  ]);
  const { mostPending } = pass();
  assert(mostPending > 0 && mostPending <= PENDING_MAX, `${mostPending} bytes waited`);
});

Deno.test("files: whatever goes wrong, each comes whole or is refused, is shared once, and nothing is left in the store", () => {
  holds("files", [
    "uploads whole",
    "uploads of what was there already",
    "uploads resumed",
    "uploads that went on after a break",
    "uploads begun anew",
    "downloads whole",
    "downloads resumed",
    "chunks deflated",
    "files given up",
    "files tried again",
    "files that made room",
    "links that snap with files on them",
    "partial uploads found",
    "power failures",
    "clock leaps",
    "refused: quota",
    "refused: full",
    "refused: file-exists",
    "refused: transfer-busy",
    "store: bad-content",
    "store: replaced",
    "files: contents that are left at the end",
  ]);
});

Deno.test("whoever is banned takes part no longer, also if the ban meets a sign-in", () => {
  holds("banned", ["bans", "closed: banned", "banned users who are out at the end"]);
  if (SEEDS >= 8 * TELLING) holds("banned", ["bans that race with a sign-in"]);
});

Deno.test("law 9: equal seeds give equal simulations, to the byte", () => {
  const hashes = new Set<string>();
  // Short runs, of seeds of their own: what must be equal is there from the first moment on.
  const options = { duration: 1000 };
  for (let seed = 10_001; seed <= 10_000 + SEEDS; seed++) {
    const [one, other] = [simulate(seed, options), simulate(seed, options)];
    assertEquals(
      [one.hash, one.duration, one.mostPending, [...one.counts]],
      [other.hash, other.duration, other.mostPending, [...other.counts]],
      `seed ${seed}`,
    );
    hashes.add(one.hash);
  }
  assertEquals(hashes.size, SEEDS, "different seeds give equal simulations");
});

Deno.test("law 9: also long runs, with everything that goes wrong in them", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const [one, other] = [simulate(seed), simulate(seed)];
    assertEquals([one.hash, one.duration], [other.hash, other.duration], `seed ${seed}`);
  }
});
