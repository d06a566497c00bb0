/**
 * What has happened so far, and waiting for what is still to come: lines of a process, events of a client.
 *
 * @module
 */

/** A list that only grows, and can be waited for. */
export interface Happenings<T> {
  readonly all: readonly T[];
  /** Whether nothing more will come. */
  readonly ended: boolean;
  add(value: T): void;
  end(): void;
  /** The first value, past or future, from place `from` on, that fits. Rejects if the end comes before. */
  until(fits: (value: T) => boolean, from?: number): Promise<T>;
}

/** Makes an empty list; `what` names it in failures. */
export function createHappenings<T>(what: string): Happenings<T> {
  const all: T[] = [];
  let ended = false;
  let changed = Promise.withResolvers<void>();
  function tell(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }
  return {
    all,
    get ended() {
      return ended;
    },
    add(value) {
      all.push(value);
      tell();
    },
    end() {
      ended = true;
      tell();
    },
    async until(fits, from = 0) {
      for (let at = from;; at++) {
        while (at >= all.length) {
          if (ended) {
            const told = all.map((value) => JSON.stringify(value)).join("\n").slice(-4000);
            throw new Error(`${what} ended without what was waited for. It had:\n${told}`);
          }
          await changed.promise;
        }
        if (fits(all[at])) return all[at];
      }
    },
  };
}
