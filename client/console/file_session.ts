/**
 * The session of the verbs that carry files: runs one parsed line and says what became of it. Unlike others,
 * such lines can run beside each other (see session.ts for the rest).
 *
 * @module
 */

import type { FileRow } from "../../protocol/forum/reply.ts";
import type {
  CarryVerb,
  FileResults,
  RefusedFile,
  SavedFile,
  SentFile,
  SharedFile,
} from "../../protocol/terminal/file_outcome.ts";
import type { FoundFiles } from "../../protocol/terminal/find_file.ts";
import {
  type Done,
  type Failed,
  failure,
  isStatusError,
  type Outcome,
  Refusing,
} from "../../protocol/terminal/outcome.ts";
import { visibleLine } from "../../protocol/terminal/visible.ts";
import { STATUS } from "../../protocol/status.ts";
import type { Line } from "../../protocol/verb_line.ts";
import type { ThreadName, VerbCall } from "../../protocol/verbs.ts";
import type { Always } from "../disk/always_file.ts";
import { DiskError } from "../disk/disk_error.ts";
import { openSource } from "../disk/disk_source.ts";
import { localPaths } from "../disk/local_paths.ts";
import { saveFile } from "../disk/save_file.ts";
import { saveOffer } from "../disk/save_offer.ts";
import { shareFile } from "../disk/share_file.ts";
import { mediaType } from "../files/media_type.ts";
import { unlessAborted } from "../files/unless_aborted.ts";
import type { ForumClient } from "../forum_client.ts";
import type { PeerFiles, PeerOffer } from "../peer/peer_files.ts";
import type { Offers } from "./offers.ts";
import type { Carriage, Transfers } from "./transfers.ts";

/** A line with a verb that carries files. */
export type CarryCall = VerbCall<CarryVerb>;

/** What a session that carries files works with. */
export interface FileSessionOptions {
  readonly client: Pick<
    ForumClient,
    "user" | "state" | "command" | "upload" | "download" | "peers"
  >;
  readonly offers: Offers;
  readonly always: Always;
  readonly transfers: Transfers;
  /** The number of the thread that is meant. */
  readonly thread: (name: ThreadName) => Promise<number>;
  /** The files of a thread that are meant. */
  readonly find: (thread: number, given: string) => Promise<FoundFiles>;
  /** The folder that downloads land in. */
  readonly downloads: string;
  /** Takes an offer for which no line was typed. */
  readonly take: (offer: PeerOffer) => void;
  /** The folder that files of other users land in. */
  readonly accepted: string;
  /** Whether what shrinks travels deflated. */
  readonly deflate: boolean;
}

/** Runs lines that carry files. */
export interface FileSession {
  /** Runs a line. What it asked for and did not get is data. */
  run(call: CarryCall): Promise<Outcome>;
  /** Takes an offer, as `/accept` does. */
  take(offer: PeerOffer): Promise<Outcome>;
}

const NO_PEERS = "This client takes no part in files straight from user to user. " +
  "Share it in a thread: UPD thread file.";

const VERBS: ReadonlySet<string> = new Set<CarryVerb>([
  "UPD",
  "DWN",
  "/transfers",
  "/cancel",
  "/offers",
  "/accept",
  "/decline",
  "/always",
  "/ask",
]);
const LONG: ReadonlySet<string> = new Set<CarryVerb>(["UPD", "DWN", "/accept"]);

/** Whether a line has a verb that this session runs. */
export function isCarryCall(line: Line): line is CarryCall {
  return "verb" in line && VERBS.has(line.verb);
}

/** Whether a line takes as long as files do. */
export function takesLong(line: Line): boolean {
  return "verb" in line && LONG.has(line.verb);
}

/** Files that are carried for one line. */
interface Load<Item> {
  /** `null` where they go to a user. */
  readonly thread: number | null;
  readonly items: readonly Item[];
  /** Whether a pattern stood for them. */
  readonly several: boolean;
  /** How an item is called in what is said of it. */
  readonly nameOf: (item: Item) => string;
  /** Carries one of them. */
  readonly carry: (
    item: Item,
    carriage: Carriage,
  ) => Promise<SharedFile | SentFile | SavedFile>;
}

/** How long to wait where the server does not say it, in ms. */
const TOO_SOON = 1000;
/** Of more files that went wrong only the number is told. */
const NAMED_MAX = 10;

class ForumFileSession implements FileSession {
  readonly #options: FileSessionOptions;

  constructor(options: FileSessionOptions) {
    this.#options = options;
  }

  async run(call: CarryCall): Promise<Outcome> {
    try {
      return await this.#run(call);
    } catch (error) {
      return fault(call.verb, error);
    }
  }

  async #run(call: CarryCall): Promise<Outcome> {
    switch (call.verb) {
      case "UPD":
        return await this.#carry(
          call,
          "user" in call.thread ? this.#toSend(call.thread.user, call) : this.#toShare(call),
        );
      case "DWN":
        return await this.#carry(call, this.#toSave(call));
      case "/transfers":
        return done("/transfers", { transfers: this.#options.transfers.all });
      case "/offers":
        return done("/offers", { offers: this.#options.offers.all });
      case "/accept":
        return await this.take(this.#options.offers.find(call.offer));
      case "/decline": {
        const offer = this.#options.offers.find(call.offer);
        this.#options.offers.drop(offer);
        this.#peers.decline(offer.offer);
        return done("/decline", { by: offer.by, name: offer.name });
      }
      case "/always": {
        const { offers, always, take } = this.#options;
        const { user } = call;
        const kept = always.add(user);
        for (const offer of offers.from(user)) void take(offer);
        await kept;
        return done("/always", { user });
      }
      case "/ask": {
        const { user } = call;
        return done("/ask", { user, changed: await this.#options.always.remove(user) });
      }
      case "/cancel": {
        const cancelled = this.#options.transfers.cancel(call.transfer);
        if (cancelled !== undefined) return done("/cancel", cancelled);
        throw new Refusing(
          "no-file",
          "No such file is on its way. /transfers lists those that are.",
        );
      }
    }
  }

  get #peers(): PeerFiles {
    const { peers } = this.#options.client;
    if (peers === undefined) throw new Refusing("invalid-command", NO_PEERS);
    return peers;
  }

  async take(offer: PeerOffer): Promise<Outcome> {
    const { offers, transfers, accepted: folder } = this.#options;
    const { by, name, size, sha256 } = offer;
    offers.drop(offer);
    const carriage = transfers.begin("/accept", name);
    try {
      carriage.found(null, 1);
      carriage.turn();
      carriage.file(name, size);
      const saved = await saveOffer({
        peers: this.#peers,
        offer,
        folder,
        signal: carriage.signal,
        onProgress: (bytes) => carriage.progress(bytes),
        onVia: (via) => carriage.via(via),
      });
      return done("/accept", { by, name, path: saved.path, size, sha256, via: saved.via });
    } catch (error) {
      // What was not even begun, as for want of room on the disk, is not waited for there.
      if (!carriage.signal.aborted) this.#peers.decline(offer.offer);
      return fault("/accept", error);
    } finally {
      carriage.end();
    }
  }

  /** What a line wants sent straight to a user. */
  async #toSend(user: string, { file }: VerbCall<"UPD">): Promise<Load<string>> {
    const peers = this.#peers;
    const { paths, several } = await localPaths(file);
    return {
      thread: null,
      items: paths,
      several,
      nameOf: (path) => path,
      async carry(path, carriage) {
        const source = await openSource(path);
        const { name, size } = source;
        carriage.file(name, size);
        return await peers.send({
          user,
          name: name.normalize("NFC"),
          content: source,
          type: mediaType(name),
          signal: carriage.signal,
          onProgress: (bytes) => carriage.progress(bytes),
          onVia: (via) => carriage.via(via),
          onWaiting: () => carriage.waiting(),
        });
      },
    };
  }

  /** What a line wants shared. */
  async #toShare({ thread: name, file }: VerbCall<"UPD">): Promise<Load<string>> {
    const { client, deflate } = this.#options;
    const { paths, several } = await localPaths(file);
    const thread = await this.#options.thread(name);
    return {
      thread,
      items: paths,
      several,
      nameOf: (path) => path,
      async carry(path, carriage) {
        const source = await openSource(path);
        const { size } = source;
        carriage.file(source.name, size);
        const { signal } = carriage;
        const onProgress = (bytes: number) => carriage.progress(bytes);
        const kept = await shareFile({ client, thread, source, deflate, signal, onProgress });
        const { file: seq, sha256, at } = kept;
        return { thread, name: source.name.normalize("NFC"), seq, size, sha256, at };
      },
    };
  }

  /** What a line wants saved. */
  async #toSave({ thread: name, file }: VerbCall<"DWN">): Promise<Load<FileRow>> {
    const { client, downloads: folder, deflate } = this.#options;
    const thread = await this.#options.thread(name);
    const { rows, several } = await this.#options.find(thread, file);
    return {
      thread,
      items: rows,
      several,
      nameOf: (row) => row.name,
      async carry(file, carriage) {
        const { name, size, sha256 } = file;
        carriage.file(name, size);
        const { signal } = carriage;
        const onProgress = (bytes: number) => carriage.progress(bytes);
        const carrying = { client, thread, folder, deflate, signal, onProgress };
        return { thread, name, path: await saveFile({ ...carrying, file }), size, sha256 };
      },
    };
  }

  /** Carries files one after another; if one of several goes wrong, the others still go. */
  async #carry<Item>(
    { verb: command, file }: VerbCall<"UPD" | "DWN">,
    finding: Promise<Load<Item>>,
  ): Promise<Outcome> {
    const carriage = this.#options.transfers.begin(command, file);
    const files: (SharedFile | SentFile | SavedFile)[] = [];
    const refused: RefusedFile[] = [];
    try {
      const { thread, items, several, nameOf, carry } = await unlessAborted(
        carriage.signal,
        finding,
      );
      carriage.found(thread, items.length);
      const patiently = (item: Item) => {
        carriage.turn();
        return inTime(carriage.signal, () => carry(item, carriage));
      };
      if (!several) return done(command, await patiently(items[0]) as never);
      for (const item of items) {
        try {
          files.push(await patiently(item));
        } catch (error) {
          const { code, name, text } = fault(command, error);
          refused.push({ file: nameOf(item), code, name, text });
          if (carriage.signal.aborted || this.#options.client.state === "closed") break;
        }
      }
      if (refused.length === 0) return done(command, { files } as never);
      const [{ code, name }] = refused;
      const left = items.length - files.length;
      const text = severalText(`${left} of ${items.length} files did not get there:`, refused);
      return { ok: false, command, code, name, text, files, refused };
    } finally {
      carriage.end();
    }
  }
}

/** Does something that was refused because it came too soon once more, as often as that happens. */
async function inTime<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isStatusError(error) || error.code !== STATUS.rate.code) throw error;
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, error.detail?.wait ?? TOO_SOON);
      await unlessAborted(signal, promise);
    }
  }
}

function severalText(head: string, refused: readonly RefusedFile[]): string {
  const lines = refused.slice(0, NAMED_MAX).map(({ file, text }) => {
    const name = visibleLine(file);
    return text.startsWith(`${name} `) ? text : `${name}: ${text}`;
  });
  if (refused.length > lines.length) lines.push(`and ${refused.length - lines.length} more`);
  return [head, ...lines].join("\n");
}

function done<V extends CarryVerb>(command: V, result: FileResults[V]): Outcome {
  return { ok: true, command, result } as Done;
}

/** What a file was refused with, by the forum or on this machine. */
function fault(command: string, error: unknown): Failed {
  const refusing = error instanceof DiskError ? new Refusing(error.status, error.message) : error;
  return failure(command, refusing);
}

/** Creates a session. */
export function createFileSession(options: FileSessionOptions): FileSession {
  return new ForumFileSession(options);
}
