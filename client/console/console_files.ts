/**
 * The files of a console: what runs lines about them, remembers them, completes their names and carries them.
 *
 * @module
 */

import type { Command } from "../../protocol/forum/command.ts";
import type { Asking } from "../../protocol/terminal/asking.ts";
import type { Directory } from "../../protocol/terminal/directory.ts";
import { createFileFinder } from "../../protocol/terminal/find_file.ts";
import { createKnownFiles, type KnownFiles } from "../../protocol/terminal/known_files.ts";
import type { Numbers } from "../../protocol/terminal/numbers.ts";
import type { Outcome } from "../../protocol/terminal/outcome.ts";
import { createResolver } from "../../protocol/terminal/resolve.ts";
import type { Line } from "../../protocol/verb_line.ts";
import type { ClientEvent, ForumClient } from "../forum_client.ts";
import type { Completion } from "./completion.ts";
import { completeFile } from "./file_completion.ts";
import { createFileSession, isCarryCall, takesLong } from "./file_session.ts";
import { answerAll, carry, type Session } from "./session.ts";
import type { PeerOffer } from "../peer/peer_files.ts";
import type { Always } from "../disk/always_file.ts";
import { createOffers } from "./offers.ts";
import { createTransfers, type Transfers, type TransferView } from "./transfers.ts";

/** What the files of a console work with. */
export interface ConsoleFilesOptions {
  readonly client: ForumClient;
  readonly directory: Directory;
  readonly numbers: Numbers;
  /** The folder that downloads land in. */
  readonly downloads: string;
  /** The folder for whatever other users offer; without it each offer waits for an answer. */
  readonly accept?: string;
  /** Those whose files are taken without asking. */
  readonly always: Always;
  /** Shows what came of an offer for which no line was typed. */
  readonly show: (outcome: Outcome) => void;
  /** Whether what shrinks travels deflated. */
  readonly deflate: boolean;
  readonly progress: TransferView;
  /** Told when the first transfer begins and when the last one has ended. */
  readonly busy?: (busy: boolean) => void;
}

/** So many files are taken at once for which no line was typed: each needs memory. */
const TAKEN_AT_ONCE = 8;

/** The files of a console. */
export interface ConsoleFiles {
  readonly known: KnownFiles;
  readonly transfers: Transfers;
  /** A session that runs lines that carry files, and all others by `others`. */
  session(others: Session): Session;
  /** Whether a line runs beside those that come after it, where somebody goes on typing. */
  beside(line: Line): boolean;
  /** Whether an offer is taken without asking. */
  isWelcome(offer: PeerOffer): boolean;
  /** Takes in what has happened. */
  heard(event: ClientEvent): void;
  /** Takes in what came of a line. */
  told(outcome: Outcome): void;
  /** Completes the end of a line where a file stands; `undefined` anywhere else. */
  complete(line: string): Completion | undefined;
  /** Cancels what is on its way, and waits until it has let go. */
  stop(): Promise<void>;
}

/** Puts together what a console needs for files. */
export function createConsoleFiles(options: ConsoleFilesOptions): ConsoleFiles {
  const { client, directory, progress, busy } = options;
  const known = createKnownFiles();
  const resolver = createResolver(options);
  const finder = createFileFinder(known);
  const transfers = createTransfers({
    now: () => performance.now(),
    view: progress,
    ...busy !== undefined && { busy },
  });
  // Nothing that is asked here takes a password.
  const answered = <T>(asking: Asking<T>) =>
    answerAll(asking, (request) => carry(client, request as Command));
  const offers = createOffers(options.accept !== undefined, options.always);
  const session = createFileSession({
    ...options,
    accepted: options.accept ?? options.downloads,
    offers,
    take,
    transfers,
    thread: (name) => answered(resolver.thread(name)),
    find: (thread, given) => answered(finder.some(thread, given)),
  });
  const running = new Set<Promise<Outcome>>();

  let stopping = false;
  let free = TAKEN_AT_ONCE;
  const queue: (() => void)[] = [];

  /** Takes an offer beside all else, when it is its turn. */
  async function take(offer: PeerOffer): Promise<void> {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
    if (!stopping) {
      const taking = session.take(offer);
      running.add(taking);
      const outcome = await taking;
      running.delete(taking);
      options.show(outcome);
    }
    const next = queue.shift();
    if (next === undefined) free++;
    else next();
  }

  async function stop(): Promise<void> {
    stopping = true;
    transfers.cancelAll();
    await Promise.all(running);
  }

  return {
    known,
    transfers,
    beside: takesLong,
    session: (others) => ({
      async run(line) {
        // Whoever leaves is told first what is cut off by it.
        if ("verb" in line && line.verb === "XIT") await stop();
        if (!isCarryCall(line)) return await others.run(line);
        const run = session.run(line);
        if (takesLong(line)) running.add(run);
        try {
          return await run;
        } finally {
          running.delete(run);
        }
      },
    }),
    heard(event) {
      if (event.type === "event") known.heard(event.event);
      const welcome = offers.heard(event);
      if (welcome !== undefined) void take(welcome);
    },
    isWelcome: (offer) => offers.isWelcome(offer),
    told: (outcome) => known.told(outcome),
    complete: (line) => completeFile(line, { directory, known }),
    stop,
  };
}
