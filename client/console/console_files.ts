/**
 * The files of a console: what runs lines about them, remembers them, completes their names and carries them.
 *
 * @module
 */

import type { Line } from "../../protocol/verb_line.ts";
import type { ThreadName } from "../../protocol/verbs.ts";
import type { ClientEvent, ForumClient } from "../forum_client.ts";
import type { Completion } from "./completion.ts";
import type { Directory } from "./directory.ts";
import { completeFile } from "./file_completion.ts";
import { carriesFiles, createFileSession, isFileCall } from "./file_session.ts";
import { createFileFinder } from "./find_file.ts";
import { createKnownFiles } from "./known_files.ts";
import type { Outcome } from "./outcome.ts";
import type { Session } from "./session.ts";
import { createTransfers, type Transfers, type TransferView } from "./transfers.ts";

/** What the files of a console work with. */
export interface ConsoleFilesOptions {
  readonly client: ForumClient;
  readonly directory: Directory;
  /** The number of the thread that is meant. */
  readonly thread: (name: ThreadName) => Promise<number>;
  /** The folder that downloads land in. */
  readonly downloads: string;
  /** Whether what shrinks travels deflated. */
  readonly deflate: boolean;
  readonly view: TransferView;
  /** Told when the first transfer begins and when the last one has ended. */
  readonly busy?: (busy: boolean) => void;
}

/** The files of a console. */
export interface ConsoleFiles {
  readonly transfers: Transfers;
  /** A session that runs lines about files, and all others by `others`. */
  session(others: Session): Session;
  /** Whether a line runs beside those that come after it, where somebody goes on typing. */
  beside(line: Line): boolean;
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
  const { client, directory, view, busy } = options;
  const known = createKnownFiles();
  const transfers = createTransfers({
    now: () => performance.now(),
    view,
    ...busy !== undefined && { busy },
  });
  const session = createFileSession({
    ...options,
    finder: createFileFinder({ client, known }),
    transfers,
  });
  const running = new Set<Promise<Outcome>>();

  async function stop(): Promise<void> {
    // A line that has not begun to carry yet may do so meanwhile.
    while (running.size > 0) {
      transfers.cancelAll();
      await Promise.race(running);
    }
  }

  return {
    transfers,
    beside: carriesFiles,
    session: (others) => ({
      async run(line) {
        // Whoever leaves is told first what is cut off by it.
        if ("verb" in line && line.verb === "XIT") await stop();
        if (!isFileCall(line)) return await others.run(line);
        const run = session.run(line);
        running.add(run);
        try {
          return await run;
        } finally {
          running.delete(run);
        }
      },
    }),
    heard: (event) => known.heard(event),
    told: (outcome) => known.told(outcome),
    complete: (line) => completeFile(line, { directory, known }),
    stop,
  };
}
