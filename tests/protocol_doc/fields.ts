/**
 * Tables of fields, got out of the schemas: which fields a schema reads from an example, which of them
 * it cannot do without, and what it says of one that is wrong.
 *
 * @module
 */

import { command } from "../../protocol/forum/command_schema.ts";
import { forumEvent } from "../../protocol/forum/event_schema.ts";
import { CATALOGUE, type Kind } from "../../protocol/catalogue.ts";
import { isProblem, type Problem, type Schema } from "../../protocol/schema.ts";
import { code, type Table } from "./document.ts";

/** The fields that every command and every event has: they are shown once. */
const COMMON: Record<string, readonly string[]> = {
  command: ["op", "key"],
  event: ["kind", "scope", "seq", "at", "by"],
  notice: ["kind"],
};

/** The schema behind the first words of an example, and the example's place in it. */
export function schemaOf(what: string): Schema<unknown> {
  if (what === "command") return command;
  if (what === "event") return forumEvent;
  const { body } = CATALOGUE[what as Kind];
  if (body === undefined) throw new Error(`${what} has no fields`);
  return body;
}

/** A field that no schema knows: where there is one, a schema looks for each field that it does know. */
const UNKNOWN = " ";

/** The names of the fields that a schema reads from an example, those within objects behind a dot. */
function fieldsRead(schema: Schema<unknown>, example: object): string[] {
  const read = new Set<string>();
  const watch = (value: object, path: string): object =>
    new Proxy({ [UNKNOWN]: 0, ...value }, {
      get(target, name) {
        const inner = Reflect.get(target, name);
        if (typeof name !== "string") return inner;
        read.add(path + name);
        const isObject = typeof inner === "object" && inner !== null && !Array.isArray(inner);
        return isObject ? watch(inner, `${path}${name}.`) : inner;
      },
    });
  schema.parse(watch(example, ""));
  return [...read];
}

/** A copy of an example with one field, perhaps within an object, replaced or taken out. */
function altered(example: object, path: string, value?: null): object {
  const copy = structuredClone(example) as Record<string, unknown>;
  const names = path.split(".");
  const last = names.pop()!;
  let place = copy;
  for (const name of names) place = place[name] as Record<string, unknown>;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return copy;
}

/** The fields of a schema, with their types, as the examples bring them to light. */
export function fieldTable(what: string, examples: readonly object[], common: boolean): Table {
  const schema = schemaOf(what);
  const hidden = common ? [] : COMMON[what] ?? [];
  const rows = new Map<string, string[]>();
  for (const example of examples) {
    for (const path of fieldsRead(schema, example)) {
      if (rows.has(path) || hidden.includes(path)) continue;
      if (common && !COMMON[what].includes(path)) continue;
      const needed = isProblem(schema.parse(altered(example, path)));
      const { text } = schema.parse(altered(example, path, null)) as Problem;
      rows.set(path, [code(path), needed ? "yes" : "no", text.replace(/,? is needed$/, "")]);
    }
  }
  return {
    header: ["Field", "Needed", "Type", "Meaning"],
    rows: [...rows.values()],
    key: 0,
  };
}
