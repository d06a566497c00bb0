/**
 * Metrics: counters, gauges and histograms of one server, and their text for Prometheus.
 *
 * Counting is adding to a number that is at hand; gauges are worked out only when somebody asks. There is
 * no registry but those that are made here, so two servers in one process do not count together.
 *
 * @module
 */

/** A number that only grows: whoever counts adds to it. */
export interface Counter {
  value: number;
}

/** Counts how often values fell below bounds. */
export interface Histogram {
  observe(value: number): void;
}

/** Metrics by name. */
export interface Metrics {
  /** A counter with these labels; the same one for the same labels. */
  counter(name: string, labels?: Labels): Counter;
  /** A number that is read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void;
  /** Counters that others keep, by the value of one label. */
  counts(name: string, help: string, read: () => Counts): void;
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
  /** Says what a name means; a name of which nothing was counted stands without numbers. */
  describe(name: string, help: string): void;
  /** All of it, in the text format of Prometheus 0.0.4. */
  text(): string;
}

/** Labels of a counter. */
export type Labels = Readonly<Record<string, string>>;

/** Numbers that others keep: the label's name, and each of its values with its number. */
export interface Counts {
  readonly label: string;
  readonly values: Readonly<Record<string, number>>;
}

/** The media type of {@linkcode Metrics.text}. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One name: what it means, of what kind it is, and how its lines are made. */
interface Family {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  lines(): string[];
}

function labelled(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => {
    const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${label}="${escaped}"`;
  });
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

class Bounded implements Histogram {
  readonly #bounds: readonly number[];
  /** How many fell below each bound and not below the one before; behind them, the rest. */
  readonly #below: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#below = Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > this.#bounds[at]) at++;
    this.#below[at]++;
    this.#sum += value;
  }

  lines(name: string): string[] {
    let total = 0;
    const lines = this.#below.map((count, at) => {
      total += count;
      const le = at === this.#bounds.length ? "+Inf" : String(this.#bounds[at]);
      return `${labelled(`${name}_bucket`, { le })} ${total}`;
    });
    return [...lines, `${name}_sum ${this.#sum}`, `${name}_count ${total}`];
  }
}

class Registry implements Metrics {
  readonly #families = new Map<string, Family>();
  readonly #helps = new Map<string, string>();
  readonly #counters = new Map<string, Map<string, Counter>>();

  describe(name: string, help: string): void {
    this.#helps.set(name, help);
  }

  counter(name: string, labels: Labels = {}): Counter {
    let counters = this.#counters.get(name);
    if (counters === undefined) {
      const made = new Map<string, Counter>();
      this.#counters.set(name, counters = made);
      this.#families.set(name, {
        kind: "counter",
        help: this.#helps.get(name) ?? "",
        lines: () => [...made].map(([text, { value }]) => `${text} ${value}`),
      });
    }
    const text = labelled(name, labels);
    let counter = counters.get(text);
    if (counter === undefined) counters.set(text, counter = { value: 0 });
    return counter;
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#families.set(name, { kind: "gauge", help, lines: () => [`${name} ${read()}`] });
  }

  counts(name: string, help: string, read: () => Counts): void {
    this.#families.set(name, {
      kind: "counter",
      help,
      lines() {
        const { label, values } = read();
        return Object.entries(values).map(([value, count]) =>
          `${labelled(name, { [label]: value })} ${count}`
        );
      },
    });
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const histogram = new Bounded(bounds);
    this.#families.set(name, { kind: "histogram", help, lines: () => histogram.lines(name) });
    return histogram;
  }

  text(): string {
    const lines: string[] = [];
    for (const [name, { kind, help, lines: made }] of this.#families) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...made());
    }
    return `${lines.join("\n")}\n`;
  }
}

/**
 * Makes metrics, of which there are none yet.
 *
 * @example
 * ```ts
 * import { createMetrics } from "./metrics.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const metrics = createMetrics();
 * metrics.describe("posts_total", "posts so far");
 * metrics.counter("posts_total", { thread: "lobby" }).value++;
 * assertEquals(
 *   metrics.text(),
 *   '# HELP posts_total posts so far\n# TYPE posts_total counter\nposts_total{thread="lobby"} 1\n',
 * );
 * ```
 */
export function createMetrics(): Metrics {
  return new Registry();
}
