import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { complete } from "../client/console/completion.ts";
import { createDirectory } from "../protocol/terminal/directory.ts";
import { runs } from "./runs.ts";

function known() {
  const directory = createDirectory("Yoda");
  directory.add({ thread: 1, title: "lobby", direct: false });
  directory.add({ thread: 3, title: "The Force", direct: false });
  directory.add({ thread: 4, title: "The Fear", direct: false });
  directory.add({ thread: 5, title: "evil \u202e", direct: false });
  directory.add({ thread: 7, title: "Ann, Yoda", direct: true, members: ["Ann", "Yoda"] });
  for (const name of ["Ann", "Yoda"]) directory.meet(name);
  return directory;
}
const offered = (line: string) => complete(line, known()).candidates;

Deno.test("verbs are offered first, slash forms after a slash", () => {
  assertEquals(offered("l"), ["LST ", "LVE "]);
  assertEquals(offered("/un"), ["/unban "]);
  assert(offered("").includes("MSG ") && !offered("").includes("/react "));
});

Deno.test("titles are offered where a thread stands, in quotes where they need them", () => {
  assertEquals(offered("RDT the f"), []);
  assertEquals(offered("RDT the"), ['"The Fear" ', '"The Force" ']);
  assertEquals(complete('edt "The Fo', known()), {
    candidates: ['"The Force" '],
    typed: '"The Fo',
  });
  assertEquals(offered("JIN #"), ["#7 ", "#5 ", "#4 ", "#3 ", "#1 "]);
  assertEquals(offered("JIN @"), ["@Ann "]);
  assertEquals(offered("JIN e"), [], "a title that could harm the terminal is not offered");
});

Deno.test("users are offered where one stands, and mentions in texts", () => {
  assertEquals(offered("PRV "), ["@Ann ", "@Yoda "]);
  assertEquals(offered("/ban y"), ["Yoda "]);
  assertEquals(offered("/private x @Ann @Y"), ["@Yoda "]);
  assertEquals(offered("MSG lobby hello @a"), ["@Ann "]);
  assertEquals(offered("good morning @a"), ["@Ann "]);
  assertEquals(offered("MSG lobby hello a"), []);
  assertEquals(offered("EDT lobby "), []);
});

Deno.test("roles and verbs are offered where they stand", () => {
  assertEquals(offered("/role @Ann m"), ["member ", "moderator "]);
  assertEquals(offered("HLP ed"), ["EDT "]);
});

Deno.test("what was typed is the end of the line, for any line", () => {
  const directory = known();
  fc.assert(
    fc.property(fc.constantFrom("", "MSG ", "RDT "), fc.string(), (verb, rest) => {
      const line = verb + rest;
      assert(line.endsWith(complete(line, directory).typed));
    }),
    { numRuns: runs() },
  );
});
