/**
 * Reading docs/PROTOCOL.md: its fenced blocks, its examples and its tables.
 *
 * @module
 */

/** Where the specification is. */
export const PATH = new URL("../../docs/PROTOCOL.md", import.meta.url);

/** A fenced block: the words behind the fence, and the lines within. */
export interface Block {
  readonly words: readonly string[];
  readonly text: string;
}

/** The fenced blocks of a document, in order. */
export function blocksOf(document: string): Block[] {
  return [...document.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map(([, words, text]) => ({
    words: words.trim().split(/\s+/),
    text,
  }));
}

/** The JSON examples under some first words, as `command post`. */
export function examplesOf(document: string, ...words: string[]): unknown[] {
  return blocksOf(document)
    .filter((block) => block.words.join(" ") === ["json", ...words].join(" "))
    .map((block) => JSON.parse(block.text));
}

/** The cells of a line of a table. */
export function cellsOf(line: string): string[] {
  return line.slice(1, -1).split("|").map((cell) => cell.trim());
}

/** The document with all space that only lines tables up taken out, and its JSON on one line. */
export function plain(document: string): string {
  return document
    .replace(/^\|.*\|$/gm, (line) => `|${cellsOf(line).join("|").replace(/-{3,}/g, "---")}|`)
    .replace(
      /^(```json .*\n)([^]*?)^```$/gm,
      (_, fence, text) => `${fence}${compact(text)}\n\`\`\``,
    );
}

function compact(json: string): string {
  return JSON.stringify(JSON.parse(json));
}

/** The rows of the table under a marker. */
export function tableOf(document: string, marker: string): string[][] {
  const at = document.indexOf(`<!-- ${marker} -->`);
  if (at < 0) throw new Error(`the document has no table "${marker}"`);
  const table = /\n((?:\|.*\|\n)+)/.exec(document.slice(at));
  return table === null ? [] : table[1].trimEnd().split("\n").slice(2).map(cellsOf);
}

/** A table made from the code. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Which column tells one row from another, where the document adds a last column of its own. */
  readonly key?: number;
}

/** A word as Markdown shows code. */
export const code = (text: string | number): string => `\`${text}\``;

/** What stands in a last column that nobody has written yet. */
export const UNWRITTEN = "MEANING?";

/** The lines of a table, with the last column of the table that is there. */
export function tableText(
  { header, rows, key }: Table,
  there: readonly (readonly string[])[],
): string {
  const kept = new Map(key === undefined ? [] : there.map((row) => [row[key], row.at(-1)!]));
  const lines = rows.map((row) =>
    key === undefined ? row : [...row, kept.get(row[key]) ?? UNWRITTEN]
  );
  return [header, header.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
