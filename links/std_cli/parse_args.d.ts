/** One name or several. */
type Names<N extends string> = N | readonly N[];

/** Names without a dot: a dotted one makes nested objects, which the result leaves `unknown`. */
type Flat<N extends string> = N extends `${string}.${string}` ? never : N;

/** `V`, or the type of the default where there is one, or `Absent`. */
type OrDefault<D, K, V, Absent> = K extends keyof D ? V | D[K] : V | Absent;

/** How arguments are read. */
export interface ParseOptions<
  B extends string,
  S extends string,
  C extends string,
  D extends Readonly<Record<string, unknown>>,
  R extends boolean,
> {
  /** Flags without a value; absent ones are `false`. `true`: all `--flags` without `=` are. */
  boolean?: boolean | Names<B>;
  /** Options whose value stays text. `"_"` keeps the plain arguments text. */
  string?: Names<S>;
  /** Options that may be repeated: their value is an array. */
  collect?: Names<C>;
  /** Flags that `--no-…` sets to `false`. */
  negatable?: Names<NoInfer<B>>;
  /** Other names, both ways. Read the value under the name listed above: aliases are `unknown`. */
  alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Values of what was not given. */
  default?: D;
  /** Whether all after the first plain argument is left as it stands. */
  stopEarly?: boolean;
  /** Whether what follows `--` goes to `"--"` instead of `_`. */
  "--"?: R;
  /** Called with every argument that no option above names; `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What was read: plain arguments in `_`, and each named option. */
export type ParsedArgs<B extends string, S extends string, C extends string, D, R extends boolean> =
  & { [name: string]: unknown; _: "_" extends S ? string[] : (string | number)[] }
  & { [K in Flat<Exclude<B, C>>]: OrDefault<D, K, boolean, never> }
  & { [K in Flat<Exclude<S, B | C | "_">>]: OrDefault<D, K, string, undefined> }
  & { [K in Flat<C & S>]: OrDefault<D, K, string[], never> }
  & { [K in Flat<C & B>]: OrDefault<D, K, boolean[], never> }
  & (R extends true ? { "--": string[] } : unknown);

/**
 * Reads command-line arguments: `--name value`, `--name=value`, `--flag`, `-n value`, `-abc`. What looks like a number
 * becomes one, except for the names in `string`.
 */
export function parseArgs<
  B extends string = never,
  S extends string = never,
  C extends string = never,
  D extends Readonly<Record<string, unknown>> = Record<never, never>,
  R extends boolean = false,
>(args: string[], options?: ParseOptions<B, S, C, D, R>): ParsedArgs<B, S, C, D, R>;
