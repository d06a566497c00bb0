/**
 * Outcomes of the verbs about files as plain text (see render_outcome.ts).
 *
 * @module
 */

import type { FoundFileRow } from "../forum/reply.ts";
import type {
  FileResults,
  FileVerb,
  ListedOffer,
  SavedFile,
  SentFile,
  SharedFile,
  TakenFile,
  Transfer,
} from "./file_outcome.ts";
import { formatMoment } from "./moment.ts";
import { progressText } from "./progress_text.ts";
import { count, type Look, nameText, sizeText } from "./style.ts";
import { visibleLine } from "./visible.ts";

/** What rendering looks at. */
export interface FileRenderOptions extends Look {
  /** How a thread is written, safe to show. */
  readonly label: (thread: number) => string;
}

/** So much of a hash is shown: enough to compare two by eye. */
const HASH_DIGITS = 16;

/** The functions that turn results into lines. */
export function fileRenderers(
  { label, paint, zone }: FileRenderOptions,
): { readonly [V in FileVerb]: (result: FileResults[V]) => string } {
  function facts({ size, sha256 }: { size: number; sha256: string }): string {
    return `${sizeText(size)}, sha256 ${sha256.slice(0, HASH_DIGITS)}…`;
  }

  function shared(file: SharedFile | SentFile): string {
    const name = visibleLine(file.name);
    if ("user" in file) {
      return `${name} sent to ${nameText(file.user, paint)} (${facts(file)}, ${file.via}).`;
    }
    return `${name} shared in ${label(file.thread)} as #${file.seq} (${facts(file)}).`;
  }

  function saved(file: SavedFile): string {
    const { name, path, thread } = file;
    return `${visibleLine(name)} from ${label(thread)} saved as ${visibleLine(path)} (${
      facts(file)
    }).`;
  }

  function taken(file: TakenFile): string {
    const { name, by, path, via } = file;
    return `${visibleLine(name)} from ${nameText(by, paint)} saved as ${visibleLine(path)} (${
      facts(file)
    }, ${via}).`;
  }

  function offered({ number, by, name, size, type }: ListedOffer): string {
    const what = `${sizeText(size)}, ${visibleLine(type)}`;
    return `${number} ${paint("strong", visibleLine(name))} (${what}) from ${nameText(by, paint)}`;
  }

  function row(file: FoundFileRow, within: boolean): string {
    const { thread, seq, name, by, at, size, type, sha256 } = file;
    const where = within ? "" : `${paint("quiet", `[${label(thread)}]`)} `;
    const what = `${sizeText(size)}, ${visibleLine(type)}`;
    const who = `${nameText(by, paint)}, ${formatMoment(at, zone)}`;
    const hash = paint("quiet", `sha256 ${sha256.slice(0, HASH_DIGITS)}…`);
    return `${where}#${seq} ${paint("strong", visibleLine(name))} (${what}) by ${who}, ${hash}`;
  }

  function underWay(transfer: Transfer): string {
    const { number, thread } = transfer;
    const where = thread === null ? "" : `, ${label(thread)}`;
    return `${number} ${progressText(transfer)}${where}`;
  }

  return {
    UPD: (result) =>
      "files" in result
        ? [
          ...result.files.map(shared),
          `${count(result.files.length, "file")} ${
            result.files.some((file) => "user" in file) ? "sent" : "shared"
          }.`,
        ].join("\n")
        : shared(result),
    DWN: (result) =>
      "files" in result
        ? [...result.files.map(saved), `${count(result.files.length, "file")} saved.`].join("\n")
        : saved(result),
    RMF: ({ thread, name, seq }) => `${visibleLine(name)} (#${seq}) taken out of ${label(thread)}.`,
    FLS: ({ thread, files, more }) =>
      [
        ...files.map((file) => row(file, thread !== undefined)),
        ...files.length === 0
          ? [`There are no files${thread === undefined ? "" : ` in ${label(thread)}`}.`]
          : [],
        ...more ? [paint("quiet", "There are older files too.")] : [],
      ].join("\n"),
    "/transfers": ({ transfers }) =>
      transfers.length === 0 ? "No file is on its way." : transfers.map(underWay).join("\n"),
    "/offers": ({ offers }) =>
      offers.length === 0 ? "Nobody offers you a file." : offers.map(offered).join("\n"),
    "/accept": taken,
    "/decline": ({ by, name }) => `${visibleLine(name)} from ${nameText(by, paint)} declined.`,
    "/always": ({ user }) =>
      `What ${nameText(user, paint)} sends is taken from now on, also when you come back.`,
    "/ask": ({ user, changed }) =>
      changed
        ? `You are asked again before what ${nameText(user, paint)} sends is taken.`
        : `You are asked already before what ${nameText(user, paint)} sends is taken.`,
    "/cancel": ({ name }) => `${visibleLine(name)} is being cancelled.`,
  };
}
