import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  checkBody,
  checkFileName,
  checkMediaType,
  checkName,
  checkPassword,
  checkReaction,
  checkSearch,
  checkTitle,
  checkWhy,
  fold,
  mentions,
  TEXT_LIMITS,
  type TextFault,
  utf8Length,
} from "../protocol/text.ts";
import { runs } from "./runs.ts";

const CHECKS: Record<string, (value: string) => string | TextFault> = {
  checkBody,
  checkFileName,
  checkMediaType,
  checkName,
  checkPassword,
  checkReaction,
  checkSearch,
  checkTitle,
  checkWhy,
};

/** Characters that text rules stumble over, beside the plain ones. */
const TRICKY = [
  ..." \t\n\r\0\x1b\x7f\x85aAzZ09_-.@#:+'\"/\\",
  ..."éßİıςΣσǅŉﬁ\u0345\u0301\u0308\u093f\u094dक漢가\u1100\u1161ﷺͺ´",
  ..."\u00a0\u00ad\u034f\u061c\u115f\u1680\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e",
  ..."\u2060\u2066\u2069\u2800\u3000\u3164\ufe0e\ufe0f\ufeff\uffa0\ufff9\uffff\ue000\u0378",
  "\ud800",
  "\udc00",
  ..."😀👩❤🏽🇩🇪🏴\u20e3©",
  "\u{e0001}",
  "\u{e0067}",
  "\u{e007f}",
  "\u{e0100}",
];

const anyText = fc.oneof(
  fc.string({ unit: fc.constantFrom(...TRICKY), maxLength: 40, size: "medium" }),
  fc.string({ unit: "binary", maxLength: 140, size: "large" }),
  fc.string({ unit: "grapheme", maxLength: 40, size: "large" }),
  fc.array(fc.nat(0xffff), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom(..."abZ09._- "), maxLength: 40 }),
);

function accepts(check: (value: string) => string | TextFault, values: string[]): void {
  for (const value of values) assertEquals(check(value), value, `U+${codes(value)}`);
}

function refuses(check: (value: string) => string | TextFault, values: string[]): void {
  for (const value of values) {
    const outcome = check(value);
    assert(typeof outcome === "object", `accepted ${JSON.stringify(value)}, U+${codes(value)}`);
    assert(outcome.complaint.endsWith("."), outcome.complaint);
  }
}

function codes(value: string): string {
  return [...value.slice(0, 20)].map((character) => character.codePointAt(0)!.toString(16))
    .join(" ");
}

/** Every code point, lone surrogates too. */
function* everyCharacter(): Generator<string> {
  for (let code = 0; code <= 0x10ffff; code++) yield String.fromCodePoint(code);
}

for (const [name, check] of Object.entries(CHECKS)) {
  Deno.test(`${name}: never throws, and what it gives it gives again`, () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const once = check(value);
        if (typeof once === "string") {
          assertEquals(check(once), once);
          assert(once.isWellFormed());
        } else assert(once.complaint.length > 0);
      }),
      { numRuns: runs(2000) },
    );
  });
}

Deno.test("fold: what is folded stays as it is, whatever it was", () => {
  fc.assert(
    fc.property(anyText, (value) => assertEquals(fold(fold(value)), fold(value))),
    { numRuns: runs(5000) },
  );
  for (const character of everyCharacter()) {
    const once = fold(character);
    if (fold(once) !== once) throw new Error(`U+${codes(character)} folds on and on`);
  }
});

Deno.test("fold: case, width, composition, hidden characters and runs of spaces do not count", () => {
  const alike = [
    ["Ann", "ANN", "ａｎｎ", "an\u200bn", "a\u00adnn"],
    ["Zoë", "zoe\u0308", "ZOË"],
    ["straße", "STRASSE", "StraẞE"],
    ["ΟΔΟΣ", "οδος", "οδοσ"],
    ["a b", "A  b", "a\u00a0b", "a \u3000b"],
    ["❤️ music", "❤ MUSIC"],
  ];
  for (const [first, ...others] of alike) {
    for (const other of others) assertEquals(fold(other), fold(first));
  }
  assert(fold("ann") !== fold("anna"));
  assert(fold("a b") !== fold("ab"));
});

Deno.test("user names: who may be called what", () => {
  accepts(checkName, [
    "a",
    "7",
    "Ann",
    "ann_",
    "a.b-c_d",
    "Zoë",
    "李雷",
    "हिन्दी",
    "İpek",
    "a".repeat(32),
  ]);
  assertEquals(checkName("Zoe\u0308"), "Zoë");
  assertEquals(checkName("e\u0301".repeat(32)), "é".repeat(32), "32 are counted after NFC");
  const four = "\u1f82".normalize("NFD");
  assertEquals(checkName(four.repeat(32)), "\u1f82".repeat(32));
  refuses(checkName, [
    "",
    " ",
    "a b",
    "a\u00a0b",
    "ann\n",
    "@ann",
    "a@b",
    "a#b",
    "'a'",
    'a"b',
    "a/b",
  ]);
  refuses(checkName, [
    "_ann",
    "-ann",
    ".ann",
    "..",
    "../x",
    "ann.",
    "ann-",
    "\u0301a",
    "a,b",
    "a=b",
  ]);
  refuses(checkName, [
    "a".repeat(33),
    "漢".repeat(33),
    "a".repeat(1_000_000),
    "é".repeat(1_000_000),
  ]);
  refuses(checkName, ["a\u200db", "a\u200cb", "a\u202eb", "a\u3164b", "a\u034fb", "a\ufe0fb"]);
  refuses(checkName, ["😀", "a😀", "\ud83d", "a\udc00", "a\ue000", "ﷺ", "aͺ", "½", "a\u20dd"]);
});

Deno.test("user names, every character: none that is a space, a control or unseen, nor folds to one", () => {
  const wrong = /[\s\p{C}\p{Z}\p{DI}@#'"`/\\]/u;
  for (const character of everyCharacter()) {
    const name = checkName(`a${character}a`);
    if (typeof name !== "string") continue;
    if (wrong.test(name) || wrong.test(fold(name))) throw new Error(`U+${codes(name)} is a name`);
    const folded = checkName(fold(name).slice(0, TEXT_LIMITS.nameCodePoints));
    if (typeof folded !== "string") throw new Error(`U+${codes(name)} folds to what is no name`);
  }
});

Deno.test("user names: an accepted one holds no control, space or bidi character, and has its length", () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const name = checkName(value);
      if (typeof name !== "string") return;
      assert(!/[\s\p{C}\p{Z}\p{Bidi_C}\p{DI}]/u.test(name));
      assert(name.length > 0 && [...name].length <= TEXT_LIMITS.nameCodePoints);
      assertEquals(name, value.normalize("NFC"));
    }),
    { numRuns: runs(5000) },
  );
});

Deno.test("titles: a line of text, whatever it looks like to a file system or a shell", () => {
  accepts(checkTitle, [
    "s",
    "secret",
    "../x",
    "C:\\x",
    "/etc/passwd",
    "-rf",
    "a  b",
    "$(x)",
    "<b>",
  ]);
  accepts(checkTitle, [
    "Zoë & 李雷",
    "a\u3000b",
    "½ – “quoted”",
    "x".repeat(120),
    "漢".repeat(120),
  ]);
  accepts(checkTitle, ["می\u200cخواهم", "ක්\u200dෂ", "😀".repeat(120)]);
  assertEquals(checkTitle("  a b \n"), "a b");
  assertEquals(checkTitle("e\u0301"), "é");
  assertEquals(checkTitle("e\u0301".repeat(120)), "é".repeat(120));
  refuses(checkTitle, ["", "   ", "\u3000", "\u2800", "\u2800 \u2800", "\ufe0f"]);
  refuses(checkTitle, ["x".repeat(121), "漢".repeat(121), "😀".repeat(121), "x".repeat(1_000_000)]);
  refuses(checkTitle, ["a\nb", "a\rb", "a\tb", "a\0b", "a\x1b[31mb", "a\x7fb", "a\x85b"]);
  refuses(checkTitle, ["a\u2028b", "a\u2029b", "a\ud800b", "a\ue000b", "a\u0378b", "a\uffffb"]);
  refuses(checkTitle, ["a\u200bb", "a\u2060b", "a\u00adb", "a\ufeffb", "a\u3164b", "a\ufe0fb"]);
  refuses(checkTitle, ["a \u200d b", "\u200cab", "ab\u200d", "a\u200d\u200db", "😀\u200da"]);
  refuses(checkTitle, ["😀\u{e0061}\u{e0062}\u{e007f}", "a\u{e0061}b", "😀\u{e007f}"]);
});

Deno.test("titles: no bidi control passes, wherever it stands", () => {
  const controls = [0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e]
    .concat([0x2066, 0x2067, 0x2068, 0x2069]).map((code) => String.fromCodePoint(code));
  for (const control of controls) {
    refuses(checkTitle, [`a${control}b`, `${control}a`, `a${control}`, `😀${control}😀`, control]);
  }
  const text = fc.string({ unit: fc.constantFrom(...TRICKY.filter((c) => c.length > 0)) });
  fc.assert(
    fc.property(text, fc.constantFrom(...controls), text, (before, control, after) => {
      assertEquals(typeof checkTitle(before + control + after), "object");
    }),
    { numRuns: runs(1000) },
  );
});

/** Emoji of every form that Unicode knows. */
const EMOJI = ["😀", "❤", "❤️", "👍🏽", "🇩🇪", "1️⃣", "#⃣", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴‍☠️", "🧑🏽‍❤️‍🧑🏿", "👁‍🗨", "👩🏽‍🦰", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"];

Deno.test("emoji of every form stand in titles and messages, and are reactions, but no names", () => {
  accepts(checkReaction, EMOJI);
  for (const emoji of EMOJI) {
    accepts(checkTitle, [emoji, `${emoji}${emoji}`, `party ${emoji}!`, `x${emoji}y`]);
    accepts(checkBody, [emoji]);
    refuses(checkName, [emoji, `a${emoji}`]);
  }
});

Deno.test("reactions: one character as people see it, or a short name between colons", () => {
  accepts(checkReaction, [
    "a",
    "Q",
    "7",
    "é",
    "✓",
    "→",
    "漢",
    "!",
    "x\u0323\u0302",
    ":+1:",
    ":-1:",
    ":thumbs_up:",
  ]);
  accepts(checkReaction, [`:${"a".repeat(TEXT_LIMITS.reactionNameLength)}:`]);
  assertEquals(checkReaction("e\u0301"), "é");
  refuses(checkReaction, [
    "",
    " ",
    "ok",
    "😀😀",
    "😀 ",

    "::",
    ":A:",
    ":a b:",
    ":a",
    "a:",
    ":a:\n",
  ]);
  refuses(checkReaction, [
    `:${"a".repeat(31)}:`,
    "\n",
    "\0",
    "\u200d",
    "\u0301",
    "\ufe0f",
    "a\ufe0f",
  ]);
  refuses(checkReaction, [
    "a" + "\u0323".repeat(17),
    "\ud83d",
    "\u202e",
    "a\u034f",
    "\u3164",
    "\ue000",
  ]);
});

Deno.test("messages: any text that can be seen, with tabs and line ends as the only controls", () => {
  accepts(checkBody, ["a", "  a  ", "a\n\n\tb\n", "e\u0301", "\u202eabc", "a\u200db", "👨‍👩‍👧‍👦"]);
  assertEquals(checkBody("a\r\nb\rc\n\rd"), "a\nb\nc\n\nd");
  refuses(checkBody, [
    "",
    " ",
    "\n",
    "\t \n",
    "\u00a0\u3000",
    "\u200b",
    "\u2800",
    "\u2028",
    "\u3164",
  ]);
  refuses(checkBody, ["a\0b", "a\x1b[2Jb", "a\x08", "a\x7f", "a\x0b", "a\x0c", "a\x85b", "a\x9b"]);
  refuses(checkBody, ["\ud800", "a\udc00b", "\udc00\ud800"]);
});

Deno.test("messages: the limit is one of bytes, to the byte", () => {
  const { bodyBytes } = TEXT_LIMITS;
  accepts(checkBody, [
    "x".repeat(bodyBytes),
    "é".repeat(bodyBytes / 2),
    "😀".repeat(bodyBytes / 4),
  ]);
  accepts(checkBody, ["漢".repeat(21_845) + "x"]);
  refuses(checkBody, ["x".repeat(bodyBytes + 1), "é".repeat(bodyBytes / 2) + "x"]);
  refuses(checkBody, ["漢".repeat(21_845) + "xx", "😀".repeat(bodyBytes / 4) + "x"]);
  assertEquals(checkBody("x\r\n".repeat(bodyBytes / 2)), "x\n".repeat(bodyBytes / 2));
});

Deno.test("searches and reasons are lines with limits of their own, and a reason may be empty", () => {
  accepts(checkSearch, ["two words", "x".repeat(200), "漢".repeat(200)]);
  assertEquals(checkSearch(" word "), "word");
  refuses(checkSearch, ["", " ", "x".repeat(201), "a\nb", "a\u202eb"]);
  accepts(checkWhy, ["", "spam", "x".repeat(300), "漢".repeat(300)]);
  assertEquals(checkWhy("  "), "");
  refuses(checkWhy, ["x".repeat(301), "a\nb", "a\u202eb", "\ud800"]);
});

Deno.test("file names: whatever somebody calls a file, since it is a label and never a path", () => {
  accepts(checkFileName, [
    ...["a.txt", "../x", "../../etc/passwd", "/", ".", "..", "~", "C:\\x", "CON", "NUL", "aux.txt"],
    ...[
      "a\0b",
      "two\nlines",
      "\x1b[2Jx",
      "a\u202egpj.exe",
      "\u2066x",
      "\ufeffx",
      "a\u200bb",
      "x\x9b",
    ],
    ...["😀", "👨‍👩‍👧‍👦.png", "漢字.txt", " a ", "-rf", "$(x)", "<b>", "'", '"', "%00", "a\tb"],
  ]);
  accepts(checkFileName, ["x".repeat(255), "漢".repeat(100), "漢".repeat(255), "😀".repeat(255)]);
  assertEquals(checkFileName("e\u0301"), "é");
  assertEquals(checkFileName("e\u0301".repeat(255)), "é".repeat(255), "255 are counted after NFC");
  refuses(checkFileName, [
    "x".repeat(256),
    "漢".repeat(256),
    "😀".repeat(256),
    "x".repeat(100_000),
  ]);
  refuses(checkFileName, ["", " ", "\t", "\n", "\0", "\u3000", "\u200b", "\u2800", "\u202e"]);
  refuses(checkFileName, ["\ud800", "a\udc00b"]);
});

Deno.test("file names: one that is accepted has a folded form, and is short enough to travel", () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const name = checkFileName(value);
      if (typeof name !== "string") return;
      assert(fold(name) !== "" && name.length <= 510 && utf8Length(name) <= 1024);
    }),
    { numRuns: runs(2000) },
  );
});

Deno.test("media types: two tokens in lower case, and no parameters", () => {
  accepts(checkMediaType, [
    "image/png",
    "a/b",
    "application/vnd.ms-excel",
    "x-a/b+c",
    "!#$%&'*/^_`{|}~",
  ]);
  accepts(checkMediaType, [`a/${"x".repeat(125)}`]);
  assertEquals(checkMediaType("Image/SVG+XML"), "image/svg+xml");
  refuses(checkMediaType, [
    "",
    "/",
    "a",
    "a/",
    "/b",
    "a/b/c",
    " a/b",
    "a/b ",
    "a /b",
    "a/b\n",
    "a/b\0",
  ]);
  refuses(checkMediaType, [
    "text/plain; charset=utf-8",
    "a/b;c",
    "a/(b)",
    "a/b,c/d",
    "a/b?",
    "a@b/c",
  ]);
  refuses(checkMediaType, [`a/${"x".repeat(126)}`, "image/é", "\u0130/x", "a/\u212a"]);
});

Deno.test("passwords are kept as typed but for spaces and composition", () => {
  accepts(checkPassword, [" a  b ", "pencil", "ｐencil", "p\u200dq", "❤️", "x".repeat(256)]);
  assertEquals(checkPassword("a\u00a0\u1680\u2003\u3000e\u0301"), "a    é");
  refuses(checkPassword, ["", "x".repeat(257), "漢".repeat(257), "a\nb", "\0", "\x85", "\ud800"]);
});

Deno.test("utf8Length is the number of bytes that an encoder writes", () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(anyText, (value) => assertEquals(utf8Length(value), encoder.encode(value).length)),
    { numRuns: runs(2000) },
  );
});

Deno.test("mentions: who is called in a message", () => {
  const cases: [string, string[]][] = [
    ["", []],
    ["nobody", []],
    ["@", []],
    ["@ ann", []],
    ["@Ann", ["ann"]],
    ['(@ann), @bob: and @ANN again; "@zoe"', ["ann", "bob", "zoe"]],
    ["@ann. @bob... @a.b-c_d- @x_", ["ann", "bob", "a.b-c_d", "x_"]],
    ["mail ann@example.org or a.b+c@example.org", []],
    ["@ann@example.org, https://example.org/@ann", []],
    ["@@ann", []],
    ["@-ann @.ann @_ann", []],
    ["@Zoe\u0308 @李雷，@हिन्दी", ["zoë", "李雷", "हिन्दी"]],
    ["李@雷", []],
    ["😀@ann😀\n@bob", ["ann", "bob"]],
    [`@${"a".repeat(32)} @${"b".repeat(33)}`, ["a".repeat(32)]],
    ["@STRASSE @straße", ["strasse"]],
    ["\ud800@ann\udc00", ["ann"]],
  ];
  for (const [text, names] of cases) assertEquals(mentions(text), names, text);
});

Deno.test("mentions: at most 32, the first, each once", () => {
  const text = Array.from({ length: 100 }, (_, at) => `@u${at >> 1}`).join(" ");
  assertEquals(mentions(text), Array.from({ length: 32 }, (_, at) => `u${at}`));
});

Deno.test("mentions: every name that is accepted can be mentioned in a sentence", () => {
  fc.assert(
    fc.property(anyText, fc.constantFrom(..." ,.:;!?)\n"), (value, next) => {
      const name = checkName(value);
      if (typeof name !== "string") return;
      assertEquals(mentions(`Hello @${name}${next} how are you`), [fold(name)]);
    }),
    { numRuns: runs(5000) },
  );
});

Deno.test("mentions: never throws, and gives distinct folded names", () => {
  const around = fc.array(fc.oneof(anyText, fc.constantFrom("@", " @", "@a", " @b")));
  fc.assert(
    fc.property(around, (parts) => {
      const names = mentions(parts.join(""));
      assertEquals(new Set(names).size, names.length);
      for (const name of names) assertEquals(fold(name), name);
    }),
    { numRuns: runs(1000) },
  );
});
