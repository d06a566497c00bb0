/**
 * Flushing: when what SQLite has committed is on the disk (FACTS §5).
 *
 * SQLite itself would wait for the disk within each commit, and everybody with it. Here it writes its
 * write-ahead log without waiting, and the flush of that file is asked for afterwards: while the disk
 * works, the next unit is already being decided, and one flush serves all units that it finds. Nothing
 * is acknowledged before its flush has returned. SQLite flushes by itself before it copies the log
 * into the database, so a crash at any moment leaves a prefix of what was committed.
 *
 * @module
 */

/** Makes commits durable. */
export interface Flush {
  /**
   * Flushes what has been committed, then calls `done`: at once where the disk is quick and the unit
   * `small`, since handing it to another thread would cost more.
   */
  (small: boolean, done: (fault: unknown) => void): void;
}

/** A flush of a file, and its end. */
export interface WalFlush {
  readonly flush: Flush;
  /** Flushes now, and waits for it. */
  now(): void;
  close(): void;
}

/** A disk that takes less is waited for, in ms; one that another thread waits for seems slower. */
const QUICK = { here: 0.3, elsewhere: 0.6 };

/** Prepares the flushing of the write-ahead log of the database at `path`. */
export function createWalFlush(path: string): WalFlush {
  let wal: Deno.FsFile | undefined;
  /** What a flush takes, in ms, as a moving average. */
  let usual = 0;
  let quick = QUICK.here;
  const opened = () => wal ??= Deno.openSync(`${path}-wal`, { read: true, write: true });
  const note = (begun: number) => usual += (performance.now() - begun - usual) / 8;
  return {
    flush(small, done) {
      const begun = performance.now();
      try {
        const file = opened();
        if (small && usual < quick) {
          quick = QUICK.here;
          file.syncDataSync();
          note(begun);
          done(undefined);
          return;
        }
        if (small) quick = QUICK.elsewhere;
        file.syncData().then(() => {
          note(begun);
          done(undefined);
        }, done);
      } catch (fault) {
        done(fault);
      }
    },
    now() {
      opened().syncDataSync();
    },
    close() {
      wal?.close();
    },
  };
}
