import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  flag,
  hexadecimal,
  integer,
  isProblem,
  list,
  object,
  oneOf,
  optional,
  problemText,
  record,
  type Schema,
  tagged,
  text,
} from "../protocol/schema.ts";
import { runs } from "./runs.ts";

/** `undefined` if the value is taken; otherwise the place of the problem. */
function problemAt(schema: Schema<unknown>, value: unknown): string | undefined {
  const outcome = schema.parse(value);
  if (!isProblem(outcome)) {
    assertEquals(outcome, value);
    return undefined;
  }
  assert(outcome.text.length > 5);
  assert(problemText(outcome).endsWith(outcome.text));
  return outcome.path;
}

function takes(schema: Schema<unknown>, values: unknown[]): void {
  for (const value of values) assertEquals(problemAt(schema, value), undefined, String(value));
}

function refuses(schema: Schema<unknown>, values: unknown[]): void {
  for (const value of values) assertEquals(problemAt(schema, value), "", Deno.inspect(value));
}

Deno.test("text: both limits exactly, in UTF-16 units, and no half characters", () => {
  takes(text(3), ["", "a", "abc", "😀", "é😀", "\0\n\u2028"]);
  refuses(text(3), ["abcd", "😀😀", "\ud83d", "a\ude00", "\ude00\ud83d"]);
  takes(text(3, 1), ["a", "abc"]);
  refuses(text(3, 1), ["", "abcd"]);
  takes(text(0), [""]);
  refuses(text(0), ["a"]);
  refuses(text(3), [0, null, undefined, true, [], {}, ["a"], new String("a")]);
});

Deno.test("integer: both limits exactly, whole numbers only, no -0, no infinity", () => {
  takes(integer(0, 10), [0, 1, 9, 10]);
  refuses(integer(0, 10), [-1, 11, 0.5, 10.000_001, -0, NaN, Infinity, -Infinity]);
  refuses(integer(0, 10), ["1", null, undefined, true, [1], {}, 1n, new Number(1)]);
  takes(integer(-2, -1), [-2, -1]);
  refuses(integer(-2, 2), [-0, -3, 3]);
  takes(integer(0, 0xffff_ffff), [0xffff_ffff]);
  refuses(integer(0, 0xffff_ffff), [0x1_0000_0000]);
  // What a peer can write in JSON.
  const read = (json: string) => problemAt(integer(0, Number.MAX_SAFE_INTEGER), JSON.parse(json));
  for (const json of ["1e400", "-1e400", "-0", "-0.0", "-1e-400", "0.1", "1e16"]) {
    assertEquals(read(json), "", json);
  }
  for (const json of ["0", "1e3", "10.0", "9007199254740991"]) assertEquals(read(json), undefined);
});

Deno.test("hexadecimal: so many digits exactly, in lower case", () => {
  takes(hexadecimal(4), ["0000", "09af", "ffff"]);
  takes(hexadecimal(0), [""]);
  refuses(hexadecimal(4), [
    "",
    "000",
    "00000",
    "09AF",
    "0x1f",
    "000g",
    " 000",
    "000\n",
    "００００",
  ]);
  refuses(hexadecimal(4), [1234, null, undefined, true, ["0000"], new String("0000")]);
});

Deno.test("flag: true and false and nothing like them", () => {
  takes(flag, [true, false]);
  refuses(flag, [0, 1, "true", "", null, undefined, [], {}, new Boolean(true)]);
});

Deno.test("oneOf: the strings themselves, and nothing that objects inherit", () => {
  takes(oneOf(["open", "closed"]), ["open", "closed"]);
  refuses(oneOf(["open", "closed"]), ["Open", "open ", "", "constructor", 0, null, ["open"]]);
  refuses(oneOf([]), ["", undefined]);
});

Deno.test("object: anything with fields", () => {
  takes(object, [{}, { a: 1 }, JSON.parse('{"__proto__":1}')]);
  refuses(object, [null, [], "", 0, undefined, true]);
});

Deno.test("list: its limit exactly, and the place of the item that is wrong", () => {
  const numbers = list(integer(0, 9), 3);
  takes(numbers, [[], [1], [1, 2, 3]]);
  refuses(numbers, [[1, 2, 3, 4], {}, { length: 0 }, "123", null, undefined]);
  takes(list(flag, 0), [[]]);
  refuses(list(flag, 0), [[true]]);
  assertEquals(problemAt(numbers, [0, 10, -1]), "1");
  assertEquals(problemAt(numbers, [0, 1, null]), "2");
  assertEquals(problemAt(list(numbers, 3), [[0], [1, 2, "3"]]), "1.2");
});

const sample = record({
  name: text(4, 1),
  age: optional(integer(0, 9)),
  limits: optional(record({ sizes: list(integer(0, 9), 4) })),
});

Deno.test("record: missing, wrong and unknown fields", () => {
  takes(sample, [{ name: "a" }, { name: "a", age: 0 }, { name: "a", limits: { sizes: [1] } }]);
  refuses(sample, [null, [], "x", 0, undefined]);
  assertEquals(problemAt(sample, {}), "name");
  assertEquals(problemAt(sample, { name: undefined }), "name");
  assertEquals(problemAt(sample, { name: null }), "name");
  assertEquals(problemAt(sample, { name: "a", age: null }), "age");
  assertEquals(problemAt(sample, { name: "a", limits: {} }), "limits.sizes");
  assertEquals(
    problemAt(sample, { name: "a", limits: { sizes: [1, 2, 3, 10] } }),
    "limits.sizes.3",
  );
  assertEquals(sample.parse({ name: "a", other: 1, limits: { sizes: [], b: 2 } }), {
    name: "a",
    limits: { sizes: [] },
  });
});

Deno.test("record: an absent field stays absent, and a missing one says what is expected", () => {
  assertEquals(Object.keys(sample.parse({ name: "a", age: undefined })), ["name"]);
  const problem = sample.parse({});
  assert(isProblem(problem));
  assertEquals(problemText(problem), "name: a string of 1 to 4 characters is missing");
});

Deno.test("record: a copy inherits nothing of the value, and shares only what is as it should be", () => {
  const value = JSON.parse('{"name":"a","limits":{"sizes":[1],"b":2},"__proto__":{"age":3}}');
  const parsed = sample.parse(value);
  assertEquals(parsed, { name: "a", limits: { sizes: [1] } });
  assert(!isProblem(parsed) && parsed.limits !== value.limits);
  assertEquals(parsed.age, undefined);
  assertEquals(Object.getPrototypeOf(parsed), Object.prototype);
  assert(parsed.limits?.sizes === value.limits.sizes);
  assertEquals(problemAt(record({ constructor: text(9) }), { constructor: "x" }), undefined);
});

const shapes = tagged<{ kind: string }>("kind", {
  dot: record({}),
  line: record({ length: integer(1, 9) }),
});

Deno.test("tagged: the tag picks the record and stays; an unknown tag is a problem of the tag", () => {
  assertEquals(shapes.parse({ kind: "line", length: 3, more: 1 }), {
    kind: "line",
    length: 3,
  } as never);
  assertEquals(shapes.parse({ kind: "dot", length: 3 }), { kind: "dot" });
  assertEquals(problemAt(shapes, { kind: "line", length: 0 }), "length");
  assertEquals(problemAt(shapes, { kind: "line" }), "length");
  for (const kind of ["", "Dot", "constructor", "__proto__", "toString", 0, null, ["dot"], {}]) {
    assertEquals(problemAt(shapes, { kind, length: 3 }), "kind", String(kind));
  }
  assertEquals(problemAt(shapes, { length: 3 }), "kind");
  refuses(shapes, [null, [], "dot", 0]);
});

Deno.test("only a schema makes a problem: a value that looks like one is no problem", () => {
  const value = { path: "a", text: "b" };
  assert(!isProblem(value));
  assertEquals(object.parse(value), value);
  assert(!isProblem(undefined) && !isProblem(null) && !isProblem(""));
});

Deno.test("law 3: no value that JSON can give makes a schema throw, and what is taken is taken again", () => {
  const schemas: Schema<unknown>[] = [
    sample,
    shapes,
    list(sample, 3),
    list(shapes, 2),
    optional(list(list(text(2), 2), 2)),
    oneOf(["name", "dot"]),
  ];
  const key = fc.constantFrom("name", "age", "limits", "sizes", "kind", "__proto__", "length", "0");
  const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom<unknown>(null, true, 0, -0, 1, 1e400, "", "dot", "line", "a", "\ud800"),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...schemas), anyValue, (schema, value) => {
      const once = schema.parse(value);
      if (isProblem(once)) {
        assertEquals(schema.parse(value), once);
      } else {
        assertEquals(schema.parse(once), once);
        assertEquals(schema.parse(JSON.parse(JSON.stringify(once))), once);
      }
    }),
    { numRuns: runs(500) },
  );
});
