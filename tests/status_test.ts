import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { refuse, STATUS, type Status, type StatusName, statusName } from "../protocol/status.ts";
import { runs } from "./runs.ts";

const rows = Object.entries(STATUS) as [StatusName, Status][];

Deno.test("DESIGN §3: the family's four codes are kept", () => {
  assertEquals(
    [2024, 2020, 132, 1024].map(statusName),
    ["forum-begins", "valid-command", "processing", "invalid-command"],
  );
});

Deno.test("every status has a code of its own, a kebab-case name and a sentence", () => {
  assertEquals(new Set(rows.map(([, { code }]) => code)).size, rows.length);
  for (const [name, { code, text }] of rows) {
    assertMatch(name, /^[a-z]+(-[a-z]+)*$/);
    assert(Number.isInteger(code) && code >= 0 && code <= 65_535, name);
    assertMatch(text, /^[A-Z].*\.$/, name);
    assert(text.length <= 1000, name);
  }
});

Deno.test("a code and its name lead to each other; other numbers have no name", () => {
  for (const [name, { code }] of rows) assertEquals(statusName(code), name);
  const codes = new Set<number>(rows.map(([, { code }]) => code));
  fc.assert(
    fc.property(fc.oneof(fc.nat(3000), fc.integer(), fc.double()), (code) => {
      assertEquals(statusName(code) !== undefined, codes.has(code));
    }),
    { numRuns: runs() },
  );
});

Deno.test("a refusal holds what it was given and nothing else", () => {
  assertEquals(refuse("full"), { status: "full" });
  assertEquals(Object.keys(refuse("full")), ["status"]);
  assertEquals(refuse("full", "No."), { status: "full", text: "No." });
  assertEquals(refuse("busy", undefined, { wait: 5 }), { status: "busy", detail: { wait: 5 } });
});
