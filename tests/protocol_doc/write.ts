/**
 * Writes those parts of docs/PROTOCOL.md that follow from the code: tables under a
 * `<!-- from the code: … -->` or `<!-- fields: … -->` line, transcripts, and the replies and events of the
 * commands that are shown. So neither the code nor its specification can change without the other.
 *
 * `deno run -A tests/protocol_doc/write.ts` writes them, and `deno fmt docs/PROTOCOL.md` afterwards lines
 * the tables up. The last column of a table that says what a thing means is kept.
 *
 * @module
 */

import { blocksOf, cellsOf, examplesOf, PATH, type Table, tableText } from "./document.ts";
import { fieldTable } from "./fields.ts";
import { playStory } from "./story.ts";
import { TABLES } from "./tables.ts";
import { playTerminal } from "./terminal.ts";
import { playTranscript } from "./transcripts.ts";

function tableFor(document: string, marker: string): Table {
  const [, kind, rest] = /^(from the code|fields): (.*)$/.exec(marker) ?? [];
  if (kind === "from the code") {
    const table = TABLES[rest];
    if (table === undefined) throw new Error(`the code gives no table "${rest}"`);
    return table();
  }
  if (kind !== "fields") throw new Error(`"${marker}" is no marker of a table`);
  const words = rest.split(" ");
  const [what] = words;
  if (words[1] === "common") {
    const all = blocksOf(document)
      .filter(({ words: [json, first, second] }) => json === "json" && first === what && second)
      .map((block) => JSON.parse(block.text) as object);
    return fieldTable(what, all, true);
  }
  return fieldTable(what, examplesOf(document, ...words) as object[], false);
}

/** The document with every part that follows from the code written anew. */
export async function rewrite(document: string): Promise<string> {
  const sessions: string[] = [];
  for (const { words, text } of blocksOf(document)) {
    if (words[0] === "terminal") sessions.push(await playTerminal(text));
  }
  const commands = blocksOf(document).filter(({ words }) =>
    words[0] === "json" && words[1] === "command"
  );
  const { replies, events } = playStory(commands.map(({ text }) => JSON.parse(text)));
  let place = 0;
  return document
    .replace(
      /^<!-- ((?:from the code|fields): .*) -->\n\n?((?:\|.*\|\n)*)/gm,
      (_, marker: string, there: string) => {
        const rows = there.trimEnd().split("\n").slice(2).map(cellsOf);
        const end = there === "" ? "\n" : "";
        return `<!-- ${marker} -->\n\n${tableText(tableFor(document, marker), rows)}${end}`;
      },
    )
    .replace(
      /^```transcript (.*)\n[^]*?^```$/gm,
      (_, name: string) => `\`\`\`transcript ${name}\n${playTranscript(name)}\`\`\``,
    )
    .replace(
      /^```terminal\n[^]*?^```$/gm,
      () => `\`\`\`terminal\n${sessions.shift()}\`\`\``,
    )
    .replace(
      /^```(json (command|done|event) .*)\n([^]*?)^```$/gm,
      (block, words: string, kind: string, text: string) => {
        if (kind === "command") {
          place++;
          return block;
        }
        const value = kind === "done" ? replies[place - 1] : eventLike(JSON.parse(text), events);
        return `\`\`\`${words}\n${JSON.stringify(value)}\n\`\`\``;
      },
    );
}

/** The event of the story that an example shows: of its kind, scope and number, with or without text. */
function eventLike(example: Record<string, unknown>, events: readonly object[]): object {
  const names = ["kind", "scope", "seq", "erased"];
  const found = (events as Record<string, unknown>[]).find((event) =>
    names.every((name) => event[name] === example[name])
  );
  if (found === undefined) {
    throw new Error(`the story has no ${example.kind} ${example.seq} in ${example.scope}`);
  }
  return found;
}

if (import.meta.main) Deno.writeTextFileSync(PATH, await rewrite(Deno.readTextFileSync(PATH)));
