/**
 * A figure: what one work has measured of ours and of the others, beside its goal, and how it is printed.
 *
 * @module
 */

/** One condition of a goal: ours against a number, or against so many times a peer's figure. */
export interface Condition {
  readonly ours: "at least" | "at most";
  readonly value: number;
  /** Whose figure the value multiplies. */
  readonly peer?: string;
}

/** What one work has measured. */
export interface Figure {
  readonly work: string;
  readonly unit: string;
  /** `undefined` where it could not be measured. */
  readonly ours: number | undefined;
  readonly peers: Readonly<Record<string, number>>;
  /** All of them make the goal; none means that nothing was promised. */
  readonly goal: readonly Condition[];
}

/** Whether a condition is met; `undefined` where the peer was not measured. */
export function isMet({ ours, value, peer }: Condition, figure: Figure): boolean | undefined {
  const theirs = peer === undefined ? 1 : figure.peers[peer];
  if (theirs === undefined || figure.ours === undefined) return undefined;
  return ours === "at least" ? figure.ours >= value * theirs : figure.ours <= value * theirs;
}

/** Whether the whole goal is met; `null` where there is none, or it cannot be known. */
export function goalMet(figure: Figure): boolean | null {
  const outcomes = figure.goal.map((condition) => isMet(condition, figure));
  if (outcomes.includes(false)) return false;
  return outcomes.length === 0 || outcomes.includes(undefined) ? null : true;
}

/** A condition as text: `≥ 1.5 × nats-server`. */
export function conditionText({ ours, value, peer }: Condition): string {
  const bound = `${ours === "at least" ? "≥" : "≤"} ${short(value)}`;
  return peer === undefined ? bound : `${bound} × ${peer}`;
}

/** One JSON object: `{work, unit, ours, peers: {name: figure}, goal, met}`. */
export function jsonLine(figure: Figure): string {
  const { work, unit, ours, peers, goal } = figure;
  return JSON.stringify({
    work,
    unit,
    ours: ours === undefined ? null : rounded(ours),
    peers: Object.fromEntries(Object.entries(peers).map(([name, value]) => [name, rounded(value)])),
    goal: goal.length === 0 ? null : goal.map(conditionText).join(" and "),
    met: goalMet(figure),
  });
}

/** The same for people: ours, each peer with the ratio ours/theirs, and the goal. */
export function textLines(figure: Figure): string {
  const { work, unit, ours, peers, goal } = figure;
  const lines = [`${work}, ${unit}: ours ${ours === undefined ? "not measured" : short(ours)}`];
  for (const [name, value] of Object.entries(peers)) {
    const ratio = ours === undefined ? "" : `   ours/theirs ${(ours / value).toFixed(2)}`;
    lines.push(`    ${name.padEnd(34)} ${short(value).padStart(9)}${ratio}`);
  }
  for (const condition of goal) {
    const met = isMet(condition, figure);
    const verdict = met === undefined ? "cannot be told" : met ? "met" : "MISSED";
    lines.push(`    goal ${conditionText(condition)}: ${verdict}`);
  }
  return lines.join("\n");
}

/** Four digits are more than such measurements are good for. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/**
 * A number as people read it: `5.43 M`, `12.3 k`, `0.68`.
 *
 * @example
 * ```ts
 * import { short } from "./figure.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([short(5_432_000), short(12_345), short(600), short(0.6789)], ["5.43 M", "12.3 k", "600", "0.679"]);
 * ```
 */
export function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}
