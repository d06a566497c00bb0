import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { ROLES, SEQ_MAX } from "../protocol/forum/event.ts";
import { nearest } from "../protocol/nearest.ts";
import { formatLine, isBareText, isLineFault, parseLine } from "../protocol/verb_line.ts";
import {
  type ArgumentKind,
  usage,
  type Verb,
  VERB_NAMES,
  type VerbCall,
  type VerbEntry,
  verbOf,
  VERBS,
} from "../protocol/verbs.ts";
import { runs } from "./runs.ts";

function complaintOf(line: string): string {
  const parsed = parseLine(line);
  assert(parsed !== undefined && isLineFault(parsed), `${line} should be refused`);
  return parsed.complaint;
}

Deno.test("every way to write a verb belongs to one verb, in any case", () => {
  const names = VERB_NAMES.flatMap((verb) => [verb, ...VERBS[verb].also]);
  assertEquals(new Set(names.map((name) => name.toUpperCase())).size, names.length);
  for (const verb of VERB_NAMES) {
    for (const name of [verb, ...VERBS[verb].also]) {
      assertEquals(verbOf(name.toLowerCase()), verb);
      assertEquals(verbOf(name.toUpperCase()), verb);
    }
  }
});

Deno.test("only the last argument of a verb may be left out or takes the rest of the line", () => {
  const greedy = ["text", "why", "users", "moment", "words", "message", "file", "transfer"];
  for (const verb of VERB_NAMES) {
    const kinds: VerbEntry["arguments"] = VERBS[verb].arguments;
    for (const kind of kinds.slice(0, -1)) {
      assert(!kind.endsWith("?") && !greedy.includes(kind), `${verb} ${kind}`);
    }
  }
});

Deno.test("the examples of the older systems' verbs parse", () => {
  const lobby = { title: "lobby" };
  assertEquals(parseLine("CRT 3331"), { verb: "CRT", title: "3331" });
  assertEquals(parseLine("LST"), { verb: "LST" });
  assertEquals(parseLine("rdt lobby"), { verb: "RDT", thread: lobby });
  assertEquals(parseLine("RDT lobby 51"), { verb: "RDT", thread: lobby, number: 51 });
  assertEquals(parseLine("EDT lobby 2  two  spaces "), {
    verb: "EDT",
    thread: lobby,
    number: 2,
    text: " two  spaces ",
  });
  assertEquals(parseLine("DLT #7 3"), { verb: "DLT", thread: { number: 7 }, number: 3 });
  assertEquals(parseLine("RDM 23 Feb 2021 15:00:01"), {
    verb: "RDM",
    moment: "23 Feb 2021 15:00:01",
  });
  assertEquals(parseLine("OUT"), { verb: "XIT" });
  assertEquals(parseLine("?"), { verb: "HLP" });
  assertEquals(parseLine("/tell @Yoda  hm"), { verb: "PRV", user: "Yoda", text: " hm" });
});

Deno.test("a reaction is taken off with a minus before it", () => {
  const thread = { title: "lobby" };
  const reaction = (emoji: string, on: boolean) => ({ emoji, on });
  assertEquals(parseLine("/react lobby 3 👍"), {
    verb: "/react",
    thread,
    number: 3,
    reaction: reaction("👍", true),
  });
  assertEquals(parseLine("/react lobby 3 -:+1:"), {
    verb: "/react",
    thread,
    number: 3,
    reaction: reaction(":+1:", false),
  });
});

Deno.test("a file is the rest of the line, in quotes if wanted", () => {
  const thread = { title: "lobby" };
  const file = (text: string) => {
    const call = parseLine(`UPD lobby ${text}`);
    assert(call !== undefined && "file" in call, text);
    assertEquals(call.thread, thread);
    return call.file;
  };
  assertEquals(file("my holiday.jpg"), "my holiday.jpg");
  assertEquals(file("  ~/a b.txt  "), "~/a b.txt");
  assertEquals(file('" a b "'), " a b ");
  assertEquals(file(String.raw`"say \"hi\".txt"`), 'say "hi".txt');
  assertEquals(file(String.raw`"C:\temp\x"`), String.raw`C:\temp\x`);
  assertEquals(file('5" disk.img'), '5" disk.img');
  assertEquals(parseLine("/send @Yoda a"), { verb: "UPD", thread: { user: "Yoda" }, file: "a" });
  assertEquals(parseLine("/files"), { verb: "FLS" });
  assertEquals(parseLine("/cancel 2"), { verb: "/cancel", transfer: "2" });
});

Deno.test("a title in quotes may hold quotes, backslashes, # and @", () => {
  assertEquals(parseLine(String.raw`JIN "a \"b\" \\ #1"`), {
    verb: "JIN",
    thread: { title: String.raw`a "b" \ #1` },
  });
  assertEquals(parseLine('JIN "@x"'), { verb: "JIN", thread: { title: "@x" } });
  assertEquals(parseLine("JIN @x"), { verb: "JIN", thread: { user: "x" } });
  assertMatch(complaintOf('JIN "open'), /closing quote/);
});

Deno.test("MSG keeps both readings: a thread with a text, and all of it", () => {
  assertEquals(parseLine('MSG "The Force" is  strong'), {
    verb: "MSG",
    message: {
      thread: { title: "The Force" },
      quoted: true,
      text: "is  strong",
      whole: '"The Force" is  strong',
    },
  });
  assertEquals(parseLine("MSG Hello"), {
    verb: "MSG",
    message: { thread: { title: "Hello" }, quoted: false, text: "", whole: "Hello" },
  });
});

Deno.test("blank lines are nothing", () => {
  for (const line of ["", " ", "\t \r"]) assertEquals(parseLine(line), undefined);
});

Deno.test("a line without a verb is text; // begins a text that begins with a slash", () => {
  const text = parseLine("whatsthedate");
  assert(text !== undefined && isBareText(text));
  assertEquals([text.text, text.word], ["whatsthedate", "whatsthedate"]);
  const slash = parseLine("//etc is a folder");
  assert(slash !== undefined && isBareText(slash));
  assertEquals(slash.text, "/etc is a folder");
});

Deno.test("a mistake is answered with what to write", () => {
  assertMatch(complaintOf("/thraeds"), /Did you mean \/threads\?/);
  assertMatch(complaintOf("CRT The Force"), /CRT "The Force"/);
  assertMatch(complaintOf("EDT The Force 3 x"), /in quotes/);
  assertMatch(complaintOf("EDT lobby"), /EDT thread number text/);
  assertMatch(complaintOf("OUT of here"), /XIT stands alone/);
  assertMatch(complaintOf("JIN #0"), /#3/);
  assertMatch(complaintOf("/role @a king"), /member, moderator, admin/);
  assertMatch(complaintOf("UPD lobby"), /UPD thread file/);
  assertMatch(complaintOf('UPD lobby ""'), /between the quotes/);
  assertMatch(complaintOf('UPD lobby "a.txt" b.txt'), /more than UPD thread file/);
  assertEquals(usage("RDT"), "RDT thread [number]");
});

Deno.test("any line parses without a throw", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("", ...VERB_NAMES),
      fc.string({ unit: "binary" }),
      (verb, rest) => {
        const line = parseLine(verb === "" ? rest : `${verb} ${rest}`);
        if (line !== undefined && isLineFault(line)) assert(line.complaint !== "");
      },
    ),
    { numRuns: runs(1000) },
  );
});

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._]{0,9}$/);
const rest = fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.trim() !== "");
const number = fc.integer({ min: 1, max: SEQ_MAX });
const title = fc.string({ unit: "binary" });
const values: { readonly [K in ArgumentKind]: fc.Arbitrary<unknown> } = {
  title,
  thread: fc.oneof(
    title.map((given) => ({ title: given })),
    number.map((given) => ({ number: given })),
    word.map((user) => ({ user })),
  ),
  message: fc.constant(undefined),
  number,
  text: rest,
  user: word,
  users: fc.array(word, { minLength: 1 }),
  reaction: fc.record({ emoji: fc.constantFrom("👍", ":+1:", "-", "x"), on: fc.boolean() }),
  role: fc.constantFrom(...ROLES),
  moment: rest.map((text) => text.trim()),
  words: rest.map((text) => text.trim()),
  why: rest,
  topic: word,
  file: fc.string({ unit: "binary", minLength: 1 }),
  transfer: fc.string({ unit: "binary", minLength: 1 }),
  offer: fc.string({ unit: "binary", minLength: 1 }),
};

/** Any call of any verb but MSG, whose two readings hang together. */
const anyCall = fc.constantFrom(
  ...VERB_NAMES.filter((verb) => verb !== "MSG"),
).chain((verb: Verb) => {
  const kinds: VerbEntry["arguments"] = VERBS[verb].arguments;
  const fields: Record<string, fc.Arbitrary<unknown>> = { verb: fc.constant(verb) };
  const needed = ["verb"];
  for (const given of kinds) {
    const kind = given.replace("?", "") as ArgumentKind;
    fields[kind] = values[kind];
    if (!given.endsWith("?")) needed.push(kind);
  }
  return fc.record(fields, { requiredKeys: needed }) as fc.Arbitrary<unknown> as fc.Arbitrary<
    VerbCall
  >;
});

Deno.test("parsing what was formatted gives the same call", () => {
  fc.assert(
    fc.property(anyCall, (call) => assertEquals(parseLine(formatLine(call)), { ...call })),
    { numRuns: runs(1000) },
  );
});

Deno.test("formatting and parsing what was parsed changes nothing", () => {
  fc.assert(
    fc.property(fc.constantFrom(...VERB_NAMES), fc.string({ unit: "binary" }), (verb, text) => {
      const line = parseLine(`${verb} ${text}`);
      if (line === undefined || !("verb" in line)) return;
      assertEquals(parseLine(formatLine(line)), line);
    }),
    { numRuns: runs(1000) },
  );
});

Deno.test("the nearest word is within so many slips, in any case", () => {
  assertEquals(nearest("RTD", ["LST", "RDT"], 1), "RDT");
  assertEquals(nearest("the froce", ["The Force", "Other"], 1), "The Force");
  assertEquals(nearest("abc", ["xyz"], 2), undefined);
  assertEquals(nearest("a", ["b"], 1), undefined);
});

/** The optimal string alignment distance, as it is defined. */
function slipsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const other = a[i - 1] === b[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(
        rows[i - 1][j] + 1,
        rows[i][j - 1] + 1,
        rows[i - 1][j - 1] + other,
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? rows[i - 2][j - 2] + 1
          : Infinity,
      );
    }
  }
  return rows[a.length][b.length];
}

Deno.test("the nearest word is the first with the fewest slips, by their definition", () => {
  const word = fc.string({ unit: fc.constantFrom("A", "B", "C"), maxLength: 10 });
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 5 }), fc.nat(4), (typed, candidates, slips) => {
      let wanted: string | undefined;
      let least = slips + 1;
      for (const candidate of candidates) {
        const count = slipsBetween(typed, candidate);
        if (count < least && count <= candidate.length / 2) [wanted, least] = [candidate, count];
      }
      assertEquals(nearest(typed, candidates, slips), wanted);
    }),
    { numRuns: runs(500) },
  );
});

Deno.test("what was meant by long words is found among many as long ones without holding others up", () => {
  const titles = Array.from({ length: 1000 }, (_, at) => `${at} `.padEnd(118, "thread "));
  const begun = performance.now();
  for (let at = 0; at < 5; at++) nearest(`${at}`.padEnd(118, "other "), titles, 1);
  assert(nearest("x".repeat(5000), [...titles, "x".repeat(5000)], 1) === undefined);
  // Letter by letter it takes some seconds.
  assert(performance.now() - begun < 500, "it takes too long");
});
