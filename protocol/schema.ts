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

/** What a plain value can be. The two that most fields are have a range; others have a test of their own. */
const PLAIN = { text: 0, integer: 1, other: 2 } as const;

/**
 * A rule for a value that has no parts. It is data, because a call of a different function for each field of each
 * message would cost more than all that is checked.
 */
class PlainRule<T> implements Schema<T> {
  readonly expects: string;
  readonly #plain: (typeof PLAIN)[keyof typeof PLAIN];
  readonly #min: number;
  readonly #max: number;
  readonly #test: (value: unknown) => boolean;
  readonly #problem: Problem;

  constructor(
    expects: string,
    plain: (typeof PLAIN)[keyof typeof PLAIN],
    { min = 0, max = 0, test = never }: {
      min?: number;
      max?: number;
      test?: (value: unknown) => boolean;
    },
  ) {
    this.expects = expects;
    this.#plain = plain;
    this.#min = min;
    this.#max = max;
    this.#test = test;
    this.#problem = new ProblemFound("", `${expects} is needed`);
  }

  accepts(value: unknown): boolean {
    switch (this.#plain) {
      case PLAIN.text:
        return typeof value === "string" && value.length <= this.#max &&
          value.length >= this.#min && value.isWellFormed();
      case PLAIN.integer:
        return typeof value === "number" && Number.isInteger(value) && value >= this.#min &&
          value <= this.#max && !Object.is(value, -0);
      case PLAIN.other:
        return this.#test(value);
    }
  }

  parse(value: unknown): T | Problem {
    return this.accepts(value) ? value as T : this.#problem;
  }
}

function never(): boolean {
  return false;
}

function rule<T>(expects: string, test: (value: unknown) => boolean): Schema<T> {
  return new PlainRule(expects, PLAIN.other, { test });
}

/** A well-formed string of at most `max` UTF-16 units (and at least `min`, by default 0). */
export function text(max: number, min = 0): Schema<string> {
  return new PlainRule(
    min > 0 ? `a string of ${min} to ${max} characters` : `a string of at most ${max} characters`,
    PLAIN.text,
    { min, max },
  );
}

/** Exactly so many lower-case hexadecimal digits: a hash as text. */
export function hexadecimal(digits: number): Schema<string> {
  return rule(
    `a string of ${digits} lower-case hexadecimal digits`,
    (value) => typeof value === "string" && value.length === digits && /^[0-9a-f]*$/.test(value),
  );
}

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number): Schema<number> {
  return new PlainRule(`a whole number from ${min} to ${max}`, PLAIN.integer, { min, max });
}

/** `true` or `false`. */
export const flag: Schema<boolean> = rule(
  "true or false",
  (value) => typeof value === "boolean",
);

/** One of a few strings. */
export function oneOf<const T extends string>(values: readonly T[]): Schema<T> {
  return rule(
    `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
    (value) => (values as readonly unknown[]).includes(value),
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
      let out: T[] = value;
      for (let i = 0; i < value.length; i++) {
        const parsed = item.parse(value[i]);
        if (parsed instanceof ProblemFound) return within(String(i), parsed);
        if (parsed === value[i]) continue;
        if (out === value) out = [...value];
        out[i] = parsed as T;
      }
      return out;
    },
  };
}

/** Any object, kept as it is. */
export const object: Schema<object> = rule("an object", isObject);

class OptionalField<T> implements OptionalSchema<T> {
  readonly optional = true;
  readonly schema: Schema<T>;

  constructor(schema: Schema<T>) {
    this.schema = schema;
  }

  get expects(): string {
    return this.schema.expects;
  }

  parse(value: unknown): T | Problem {
    return this.schema.parse(value);
  }
}

/** A field that may be left out. */
export function optional<T>(schema: Schema<T>): OptionalSchema<T> {
  return new OptionalField(schema);
}

/** A field of a record. */
interface Field {
  readonly name: string;
  readonly optional: boolean;
  readonly schema: Schema<unknown>;
  /** The rule, where the value has no parts. */
  readonly plain: PlainRule<unknown> | undefined;
}

function fieldOf(name: string, given: Schema<unknown>): Field {
  const optional = given instanceof OptionalField;
  const schema: Schema<unknown> = optional ? given.schema : given;
  return { name, optional, schema, plain: schema instanceof PlainRule ? schema : undefined };
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
  const list = Object.keys(fields).map((name) => fieldOf(name, fields[name]));
  const places = new Map(list.map(({ name }, place) => [name, place]));
  const needed = list.filter(({ optional }) => !optional).length;
  // Going through the object instead of looking up each field costs a third, and shows what is unknown.
  const isExact = (value: Readonly<Record<string, unknown>>, tag?: string): boolean => {
    let place = 0;
    let found = 0;
    for (const name in value) {
      let field = list[place];
      // Fields mostly come in the order in which they are named here.
      if (field?.name !== name) {
        if (name === tag) continue;
        const known = places.get(name);
        if (known === undefined) return false;
        place = known;
        field = list[place];
      }
      place++;
      const given = value[name];
      const { plain } = field;
      if (plain === undefined ? field.schema.parse(given) !== given : !plain.accepts(given)) {
        return false;
      }
      if (!field.optional) found++;
    }
    return found === needed;
  };
  const parseObject = (value: Readonly<Record<string, unknown>>, tag?: string) => {
    // Most objects hold what they should and nothing else: those need no copy.
    if (isExact(value, tag)) return value as RecordOf<F>;
    const out: Record<string, unknown> = tag === undefined ? {} : { [tag]: value[tag] };
    for (const { name, schema, optional } of list) {
      const given = value[name];
      if (given !== undefined) {
        const parsed = schema.parse(given);
        if (parsed instanceof ProblemFound) return within(name, parsed);
        out[name] = parsed;
      } else if (!optional) {
        return new ProblemFound(name, `${schema.expects} is missing`);
      }
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
  // What came last mostly comes again, and to compare two texts costs less than to look one up.
  let [last] = Object.entries(cases);
  return {
    expects: "an object",
    parse(value) {
      if (!isObject(value)) return NO_OBJECT;
      const name = value[tag];
      if (name === last[0]) return last[1].parseObject(value, tag) as T | Problem;
      const schema = typeof name === "string" ? table.get(name) : undefined;
      if (schema === undefined) {
        if (unknown !== undefined && typeof name === "string") {
          return unknown.parseObject({ ...value, [tag]: "unknown" }, tag) as T | Problem;
        }
        return new ProblemFound(tag, `one of ${[...table.keys()].join(", ")} is needed`);
      }
      last = [name as string, schema];
      return schema.parseObject(value, tag) as T | Problem;
    },
  };
}

const NO_OBJECT: Problem = new ProblemFound("", "an object is needed");

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
