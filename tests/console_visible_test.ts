import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { visibleJson, visibleLine, visibleText } from "../protocol/terminal/visible.ts";
import { runs } from "./runs.ts";

// deno-lint-ignore no-control-regex -- the control characters are what it looks for
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

Deno.test("nothing that a terminal obeys is left of any text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      for (const shown of [visibleLine(text), visibleText(text), visibleJson({ text })]) {
        assert(!OBEYED.test(shown), JSON.stringify(shown));
      }
      assert(!/[\n\t]/.test(visibleLine(text)));
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("JSON that is safe to show says the same", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assertEquals(JSON.parse(visibleJson({ text })), JSON.parse(JSON.stringify({ text })));
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("later lines of a text are set in, so that none passes for another's message", () => {
  assertEquals(visibleText("hi\n4 Ann (now): I agree"), "hi\n    4 Ann (now): I agree");
});

Deno.test("emoji, joined ones too, and the joiners of scripts are shown as they are", () => {
  for (const text of ["👩‍👩‍👧", "می‌خواهم", "👍🏽", "Straße"]) assertEquals(visibleLine(text), text);
});

Deno.test("half a character is shown as an escape", () => {
  assertEquals(visibleLine("a\ud83d"), "a\\u{d83d}");
  assertEquals(visibleJson("a\ud83d"), '"a\\ud83d"');
});
