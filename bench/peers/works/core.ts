/**
 * The core: splitting frames off a stream, and reading the messages in them, beside what others' parsers cost. It is
 * measured in a Deno of its own.
 *
 * @module
 */

import type { Bench } from "../bench.ts";
import type { Figure } from "../figure.ts";
import { runModule } from "../process.ts";

/** Measures in a process of its own. */
export async function core(bench: Bench): Promise<void> {
  const url = new URL("./core_measure.ts", import.meta.url);
  const { figures, missing } = await runModule<{ figures: Figure[]; missing: string[] }>(url, []);
  for (const text of missing) bench.note(text);
  for (const figure of figures) bench.report(figure);
}
