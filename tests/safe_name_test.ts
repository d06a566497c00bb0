import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { join, posix, win32 } from "node:path";
import { numberedName, SAFE_NAME_BYTES, safeName } from "../client/files/safe_name.ts";
import { runs } from "./runs.ts";

const DEVICES = [
  ..."CON PRN AUX NUL COM0 COM1 COM9 COM¹ LPT1 LPT³ CONIN$ CONOUT$".split(" "),
];

/** Names that somebody might try, and any other. */
const label = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.array(
    fc.constantFrom(
      ...["..", ".", "/", "\\", "\0", "~", "-", " ", ":", "a", "é", "e\u0301", "\u202e", "\u200b"],
      ...["\ud800", "\ufeff", "\u0338", "<", "\n", "\x1b", "🗿", ".tar", ".gz", ".txt", ...DEVICES],
    ),
    { maxLength: 12 },
  ).map((parts) => parts.join("")),
  fc.tuple(fc.constantFrom("x", "é", "🗿", "日"), fc.integer({ min: 60, max: 300 }))
    .map(([unit, count]) => `${unit.repeat(count)}.jpeg`),
);
const number = fc.integer({ min: 1, max: 10_000 });

function assertSafe(name: string): void {
  const bytes = new TextEncoder().encode(name).length;
  assert(bytes >= 1 && bytes <= SAFE_NAME_BYTES, `${bytes} bytes`);
  assert(name.isWellFormed() && name === name.normalize("NFC"));
  for (const path of [posix, win32]) {
    assertEquals(path.basename(name), name);
    assertEquals(path.resolve("/downloads", name), path.join(path.resolve("/downloads"), name));
    assert(!path.isAbsolute(name));
  }
  // deno-lint-ignore no-control-regex -- the control characters are what it looks for
  assert(!/[\0-\x1f\x7f-\x9f/\\<>:"|?*]/.test(name), "what is forbidden somewhere");
  assert(!/[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u.test(name), "what is not seen");
  assert(!/^[.\- ]/.test(name) && !/[. ]$/.test(name), "its ends");
  const base = name.split(".")[0].trimEnd().toUpperCase();
  assert(!DEVICES.includes(base), "a device");
}

Deno.test("any text gives a name that stays inside the folder, on every system", () => {
  fc.assert(
    fc.property(label, number, (text, count) => {
      assertSafe(safeName(text));
      assertSafe(numberedName(safeName(text), count));
    }),
    { numRuns: runs(2000) },
  );
});

Deno.test("a safe name stays as it is", () => {
  fc.assert(
    fc.property(label, (text) => assertEquals(safeName(safeName(text)), safeName(text))),
    { numRuns: runs(1000) },
  );
  const names = [
    "a",
    "holiday 1.jpg",
    "Ünïcödé – 日本.txt",
    "a..b",
    "v1.2-rc",
    "~",
    "$HOME",
    "con1",
  ];
  for (const name of names) assertEquals(safeName(name), name);
});

Deno.test("names of the same file differ by their numbers, however long it is", () => {
  fc.assert(
    fc.property(label, number, number, (text, one, other) => {
      const safe = safeName(text);
      assertEquals(numberedName(safe, one) === numberedName(safe, other), one === other);
      assertEquals(numberedName(safe, 1), safe);
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("a long name loses its middle, not its ending", () => {
  const long = "é".repeat(200);
  assertEquals(safeName(`${long}.jpg`), `${"é".repeat(125)}.jpg`);
  assertEquals(safeName(`${long}.tar.gz`), `${"é".repeat(124)}.tar.gz`);
  assertEquals(safeName(long), "é".repeat(127));
  assertEquals(numberedName(safeName(`${long}.jpg`), 12), `${"é".repeat(123)} (12).jpg`);
  // What goes on for long is no ending.
  assertEquals(safeName(`${"x".repeat(200)}.${"y".repeat(100)}`).length, 255);
});

Deno.test("DESIGN §13: `../x` as file name escapes: it does not, nor does any other trick", () => {
  const tricks: Record<string, string> = {
    "../x": "_._x",
    "..": "_",
    ".": "_",
    "...": "_",
    "": "file",
    " ": "file",
    "\u200b": "file",
    "/etc/passwd": "_etc_passwd",
    "C:\\temp\\x": "C__temp_x",
    "nul\0.txt": "nul_.txt",
    "NUL": "_NUL",
    "con.tar.gz": "_con.tar.gz",
    "Aux .c": "_Aux .c",
    "com¹": "_com¹",
    "two\nlines": "two_lines",
    "\u202egpj.exe": "gpj.exe",
    "end. . ": "end",
    "-rf": "_rf",
    ".bashrc": "_bashrc",
    "a/.bashrc": "a_.bashrc",
    "e\u0301": "é",
    "\ud800": "_",
  };
  for (const [label, name] of Object.entries(tricks)) {
    assertEquals(safeName(label), name, JSON.stringify(label));
    assertEquals(join("downloads", safeName(label)), `downloads/${name}`);
  }
});
