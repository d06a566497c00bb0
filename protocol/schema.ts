/**
 * A small language for what a JSON payload must look like.
 *
 * A {@linkcode Schema} takes any value that `JSON.parse` can give and returns it, cleaned of all that
 * the schema does not name, or a {@linkcode Problem} that says which field is wrong and what it
 * should be. Unknown fields are dropped, so that the protocol can grow (DESIGN §3). Nothing here
 * throws on a value that came from a peer.
 *
 * @module
 */

/** What is wrong with a value: a path to the field (`""` is the value itself) and a sentence. */
export interface Problem {
  /** Where: field names and list places, as in `members.3`. */
  readonly path: string;
  /** What is wrong and what is expected, without the path. */
  readonly text: string;
}

/** A rule for one value. */
export interface Schema<T> {
  /**
   * Returns the value itself if it holds only what it should, a cleaned copy if it holds more, or a
   * {@linkcode Problem} (ask {@linkcode isProblem}).
   */
  parse(value: unknown): T | Problem;
  /** What is expected, in a few words; error texts and the specification's tables use it. */
  readonly expects: string;
}

/** A rule that lets its field be absent. */
export interface OptionalSchema<T> extends Schema<T> {
  /** Marks the field as one that may be left out. */
  readonly optional: true;
}

class ProblemFound implements Problem {
  readonly path: string;
  readonly text: string;
  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }
}

/** Whether a schema's answer is a complaint. */
export function isProblem(value: unknown): value is Problem {
  return value instanceof ProblemFound;
}

/** The problem as one sentence: `text: a string of at most 300 characters is needed`. */
export function problemText(problem: Problem): string {
  return problem.path === "" ? problem.text : `${problem.path}: ${problem.text}`;
}

function within(place: string, problem: Problem): Problem {
  return new ProblemFound(problem.path === "" ? place : `${place}.${problem.path}`, problem.text);
}

function rule<T>(expects: string, accepts: (value: unknown) => value is T): Schema<T> {
  const problem = new ProblemFound("", `${expects} is needed`);
  return { expects, parse: (value) => accepts(value) ? value : problem };
}

/** A well-formed string of at most `max` UTF-16 units (and at least `min`, by default 0). */
export function text(max: number, min = 0): Schema<string> {
  return rule(
    min > 0 ? `a string of ${min} to ${max} characters` : `a string of at most ${max} characters`,
    (value): value is string =>
      typeof value === "string" && value.length <= max && value.length >= min &&
      value.isWellFormed(),
  );
}

/** Exactly so many lower-case hexadecimal digits: a hash as text. */
export function hexadecimal(digits: number): Schema<string> {
  return rule(
    `a string of ${digits} lower-case hexadecimal digits`,
    (value): value is string =>
      typeof value === "string" && value.length === digits && /^[0-9a-f]*$/.test(value),
  );
}

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number): Schema<number> {
  return rule(
    `a whole number from ${min} to ${max}`,
    (value): value is number =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max &&
      !Object.is(value, -0),
  );
}

/** `true` or `false`. */
export const flag: Schema<boolean> = rule(
  "true or false",
  (value): value is boolean => typeof value === "boolean",
);

/** One of a few strings. */
export function oneOf<const T extends string>(values: readonly T[]): Schema<T> {
  return rule(
    `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
    (value): value is T => (values as readonly unknown[]).includes(value),
  );
}

/** A list of at most `max` values. */
export function list<T>(item: Schema<T>, max: number): Schema<T[]> {
  const expects = `a list of at most ${max}, each ${item.expects}`;
  return {
    expects,
    parse(value) {
      if (!Array.isArray(value) || value.length > max) {
        return new ProblemFound("", `${expects}, is needed`);
      }
      const out: T[] = [];
      for (let i = 0; i < value.length; i++) {
        const parsed = item.parse(value[i]);
        if (parsed instanceof ProblemFound) return within(String(i), parsed);
        out.push(parsed as T);
      }
      return out;
    },
  };
}

/** Any object, kept as it is. */
export const object: Schema<object> = rule("an object", isObject);

/** A field that may be left out. */
export function optional<T>(schema: Schema<T>): OptionalSchema<T> {
  return { optional: true, expects: schema.expects, parse: (value) => schema.parse(value) };
}

/** The type that a table of fields describes. */
export type RecordOf<F extends Record<string, Schema<unknown>>> =
  & { [K in keyof F as F[K] extends OptionalSchema<unknown> ? never : K]: Parsed<F[K]> }
  & { [K in keyof F as F[K] extends OptionalSchema<unknown> ? K : never]?: Parsed<F[K]> };

/** The type of the values that a schema lets through. */
export type Parsed<S> = S extends Schema<infer T> ? T : never;

/** A rule for an object with named fields. */
export interface RecordSchema<T> extends Schema<T> {
  /** Parses what is known to be an object; the field `tag`, if named, is kept beside the others. */
  parseObject(value: Readonly<Record<string, unknown>>, tag?: string): T | Problem;
}

/**
 * An object with the named fields; others are dropped.
 *
 * @example
 * ```ts
 * import { integer, isProblem, optional, problemText, record, text } from "./schema.ts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const post = record({ thread: integer(1, 99), text: text(300), reply: optional(integer(1, 99)) });
 * assertEquals(post.parse({ thread: 1, text: "Hello", colour: "red" }), { thread: 1, text: "Hello" });
 *
 * const problem = post.parse({ thread: 1 });
 * assert(isProblem(problem));
 * assertEquals(problemText(problem), "text: a string of at most 300 characters is missing");
 * ```
 */
export function record<F extends Record<string, Schema<unknown>>>(
  fields: F,
): RecordSchema<RecordOf<F>> {
  const names = Object.keys(fields);
  const schemas = names.map((name) => fields[name]);
  const mayBeAbsent = schemas.map((schema) => "optional" in schema);
  const parseObject = (value: Readonly<Record<string, unknown>>, tag?: string) => {
    let present = tag === undefined ? 0 : 1;
    let replaced: Record<string, unknown> | undefined;
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      const given = value[name];
      if (given === undefined) {
        if (mayBeAbsent[i]) continue;
        return new ProblemFound(name, `${schemas[i].expects} is missing`);
      }
      const parsed = schemas[i].parse(given);
      if (parsed instanceof ProblemFound) return within(name, parsed);
      present++;
      if (parsed !== given) (replaced ??= {})[name] = parsed;
    }
    // Most objects hold what they should and nothing else: those need no copy.
    if (replaced === undefined && Object.keys(value).length === present) {
      return value as RecordOf<F>;
    }
    const out: Record<string, unknown> = tag === undefined ? {} : { [tag]: value[tag] };
    for (const name of names) {
      if (value[name] !== undefined) out[name] = replaced?.[name] ?? value[name];
    }
    return out as RecordOf<F>;
  };
  return {
    expects: "an object",
    parseObject,
    parse: (value) => isObject(value) ? parseObject(value) : NO_OBJECT,
  };
}

/**
 * One of several records, told apart by the value of the field `tag`, which is kept in the result.
 * A tag that is not in the table gives a problem whose path is the tag's name; but where there is a
 * rule for the `unknown`, any other text as tag gives what that rule keeps, tagged `unknown`.
 */
export function tagged<T>(
  tag: string,
  cases: Record<string, RecordSchema<object>>,
  unknown?: RecordSchema<object>,
): Schema<T> {
  const table = new Map(Object.entries(cases));
  return {
    expects: "an object",
    parse(value) {
      if (!isObject(value)) return NO_OBJECT;
      const name = value[tag];
      const schema = typeof name === "string" ? table.get(name) : undefined;
      if (schema === undefined) {
        if (unknown !== undefined && typeof name === "string") {
          return unknown.parseObject({ ...value, [tag]: "unknown" }, tag) as T | Problem;
        }
        return new ProblemFound(tag, `one of ${[...table.keys()].join(", ")} is needed`);
      }
      return schema.parseObject(value, tag) as T | Problem;
    },
  };
}

const NO_OBJECT: Problem = new ProblemFound("", "an object is needed");

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
