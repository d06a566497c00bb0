import { assert, assertEquals, assertLess } from "@std/assert";
import { marked } from "marked";
import { isModest } from "../../client/web/state/modest.ts";

Deno.test("what people write is parsed", () => {
  const texts = [
    "**Bold**, _slanted_, `code`, [a link](https://example.org) and :tada:",
    "> quoted\n> > twice\n\n- one\n  - two\n    1. three",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "```\n" + "const x = [1, 2];\n".repeat(30) + "```",
    "word ".repeat(1500),
  ];
  for (const text of texts) assert(isModest(text), text.slice(0, 40));
});

/** Pieces that make a parser slow, or deep, when there are many of them. */
const PIECES = [
  ..."[ * _ ** ~~ ` < > | @ : ! ( # & 1. - = www. http:// a@b.c ![ ]( [a]( [a](( <a **a*".split(
    " ",
  ),
  "*a ",
  "~~a",
  "> ",
  "- ",
  "> - ",
  "- a\n  ",
  "[a]: b\n",
  "a|b\n-|-\n",
  "\n'",
  "\n> --",
  "\\a",
];

Deno.test("no message takes long to parse, or more depth than there is", () => {
  for (const piece of PIECES) {
    for (let count = 65_536; count >= 1; count = Math.floor(count * 0.7)) {
      const text = piece.repeat(count);
      if (!isModest(text)) continue;
      const begun = performance.now();
      marked.parse(text, { gfm: true, breaks: true });
      // Without a bound it would be minutes; a busy machine is forgiven much.
      assertLess(performance.now() - begun, 3000, JSON.stringify(text.slice(0, 30)));
      break;
    }
  }
  assertEquals(isModest("[a](".repeat(2000)), false);
  assertEquals(isModest("> ".repeat(4000)), false);
});
