import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createReceiveBuffer } from "../protocol/receive_buffer.ts";
import { createLineReader, type LineInput } from "../protocol/text_mode/line_reader.ts";
import { anyPlaces, byteByByte, cutAt } from "./cuts.ts";
import { runs } from "./runs.ts";

const MOST = 40;
const bytesOf = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** What comes out of chunks, the rest behind the last end too. */
function read(chunks: readonly Uint8Array[], most = MOST): LineInput[] {
  const received = createReceiveBuffer();
  const reader = createLineReader(received);
  const inputs: LineInput[] = [];
  for (const chunk of chunks) {
    const given = chunk.slice();
    received.append(given);
    given.fill(0xa5);
    for (let what = reader.pull(most); what !== undefined; what = reader.pull(most)) {
      inputs.push(what);
      if (what.kind === "too-long") return inputs;
    }
    assertEquals(received.length, 0, "all that has come was looked at");
  }
  const rest = reader.rest();
  return rest === undefined ? inputs : [...inputs, rest];
}

const lines = (text: string) =>
  read([bytesOf(text)]).map((what) => what.kind === "line" ? what.line : what.kind);

Deno.test("a line ends with CR, LF or CR LF, and the last one needs no end", () => {
  assertEquals(lines("a\nb\r\nc\rd"), ["a", "b", "c", "d"]);
  assertEquals(lines("\n\r\n\r\r\n"), ["", "", "", ""]);
  assertEquals(lines(""), []);
  // Telnet's own end of a line that is a CR alone.
  assertEquals(lines("a\r\0b\r\0"), ["a", "b"]);
});

Deno.test("what telnet says about itself is left out, and so is NUL", () => {
  const will = "\xff\xfb\x1f",
    sub = "\xff\xfa\x18\x00xterm\n\xff\xff\r\xff\xf0",
    areYouThere = "\xff\xf6";
  assertEquals(lines(`${will}\xff\xfd\x01Yo\0da${sub}!\n${areYouThere}LST\r\n`), ["Yoda!", "LST"]);
  // Escaped, 0xff is a byte of text, which no UTF-8 has.
  assertEquals(lines("a\xff\xffb\nc\n"), ["not-text", "c"]);
});

Deno.test("a line that is not UTF-8 spoils no other", () => {
  const bytes = new Uint8Array([
    ...bytesOf("ok\n\xc3\n\xa4\n"),
    ...new TextEncoder().encode("ä\n"),
  ]);
  assertEquals(read([bytes]).map((what) => what.kind === "line" ? what.line : what.kind), [
    "ok",
    "not-text",
    "not-text",
    "ä",
  ]);
});

Deno.test("a line has at most so many bytes, those that are left out too", () => {
  const end = (text: string) => lines(text).at(-1);
  assertEquals(end("x".repeat(MOST) + "\n"), "x".repeat(MOST));
  assertEquals(end("x".repeat(MOST + 1)), "too-long");
  assertEquals(end("\0".repeat(MOST + 1)), "too-long");
  assertEquals(end("\xff\xfa" + "x".repeat(MOST)), "too-long", "what telnet never ends");
  assertEquals(lines("\n".repeat(1000)).length, 1000);
});

/** Bytes as terminals and others send them. */
const sent = fc.array(
  fc.oneof(
    fc.constantFrom(0x0a, 0x0d, 0x00, 0xff, 0xfa, 0xf0, 0xfb, 0xfe, 0xc3, 0xa4),
    fc.integer({ min: 0x20, max: 0x7e }),
    fc.nat(255),
  ),
  { maxLength: 200 },
).map((bytes) => Uint8Array.from(bytes));

Deno.test("law 1: lines do not depend on how the bytes were cut", () => {
  fc.assert(
    fc.property(sent, anyPlaces, (bytes, places) => {
      const whole = read([bytes]);
      assertEquals(read(cutAt(bytes, places)), whole);
      assertEquals(read(byteByByte(bytes)), whole);
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("lines of text come out as they were written, whatever ends them", () => {
  const line = fc.string({ unit: "grapheme", maxLength: 12 })
    .map((text) => text.replace(/[\r\n\0\ufeff]/g, ""));
  fc.assert(
    fc.property(fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n"))), (written) => {
      const bytes = new TextEncoder().encode(written.map((parts) => parts.join("")).join(""));
      const expected = written.map(([line]) => ({ kind: "line" as const, line }));
      assertEquals(read([bytes], 1000), expected);
    }),
    { numRuns: runs() },
  );
});

Deno.test("a long line costs what it is long, however small its pieces", () => {
  const received = createReceiveBuffer();
  const reader = createLineReader(received);
  const chunk = new Uint8Array(1).fill(0x78);
  for (let at = 0; at < 70_000; at++) {
    received.append(chunk);
    assertEquals(reader.pull(70_000), undefined);
  }
  received.append(bytesOf("\n"));
  const what = reader.pull(70_000);
  assert(what?.kind === "line" && what.line.length === 70_000);
});
