import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createLineQueue, readLines } from "../client/console/line_queue.ts";
import { failed, type Outcome } from "../protocol/terminal/outcome.ts";
import { runScript } from "../client/console/run_script.ts";
import { isBareText, type Line } from "../protocol/verb_line.ts";
import { runs } from "./runs.ts";

function script(lines: string[], over = () => false) {
  const order: string[] = [];
  const session = {
    async run(line: Line): Promise<Outcome> {
      order.push("verb" in line ? line.verb : "text");
      await Promise.resolve();
      if (isBareText(line)) return failed(line.word, "invalid-command");
      return "verb" in line && line.verb === "XIT"
        ? { ok: true, command: "XIT", result: {} }
        : { ok: true, command: "LST", result: { threads: [], more: false } };
    },
  };
  const show = (outcome: Outcome) => void order.push(`${outcome.command} shown`);
  return { order, end: runScript({ session, lines, show, over }) };
}

Deno.test("lines run strictly one after another, and blank ones are skipped", async () => {
  const { order, end } = script(["LST", "", "  ", "LST"]);
  assertEquals(await end, { failed: false, left: false });
  assertEquals(order, ["LST", "LST shown", "LST", "LST shown"]);
});

Deno.test("a failed line is remembered and the next ones run; XIT ends it", async () => {
  const { order, end } = script(["whatsthedate", "LST", "XIT", "LST"]);
  assertEquals(await end, { failed: true, left: true });
  assertEquals(order.filter((step) => !step.endsWith("shown")), ["text", "LST", "XIT"]);
});

Deno.test("once the session is over no more lines run", async () => {
  const { order, end } = script(["LST", "LST"], () => true);
  await end;
  assertEquals(order, ["LST", "LST shown"]);
});

Deno.test("lines do not depend on how the bytes were cut", async () => {
  const lines = fc.array(
    fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n]/g, "")),
  );
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom("\n", "\r\n"), fc.nat(7), async (wanted, end, cut) => {
      const bytes = new TextEncoder().encode(wanted.map((line) => line + end).join(""));
      const parts: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += cut + 1) parts.push(bytes.slice(at, at + cut + 1));
      assertEquals(await Array.fromAsync(readLines(ReadableStream.from(parts))), wanted);
    }),
    { numRuns: runs() },
  );
});

Deno.test("the last line needs no end", async () => {
  const bytes = ReadableStream.from([new TextEncoder().encode("LST\nATU")]);
  assertEquals(await Array.fromAsync(readLines(bytes)), ["LST", "ATU"]);
});

Deno.test("a queue hands out what was pushed before and after it was waited for", async () => {
  const queue = createLineQueue();
  queue.push("one");
  const all = Array.fromAsync(queue);
  await Promise.resolve();
  queue.push("two");
  queue.end();
  assertEquals(await all, ["one", "two"]);
  queue.push("late");
  assertEquals(queue.take(), "late");
});
