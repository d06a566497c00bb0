/**
 * What followers hear: each entry of a scope once and in order, all of them the same, and the same as
 * the log has (DESIGN §11, law 7).
 *
 * @module
 */

import type { ForumEvent } from "../../protocol/forum/event.ts";
import type { History } from "./history.ts";

/** Somebody who follows scopes, over as many links and clients as it takes. */
export interface Listener {
  readonly name: string;
  /** Up to which entry each scope was heard. */
  readonly heard: ReadonlyMap<string, number>;
  /** Begins to follow after this entry. */
  begin(scope: string, after: number): void;
  /** Follows no longer. */
  end(scope: string): void;
  hear(event: ForumEvent): void;
}

/** Compares what all listeners hear. */
export interface Hearing {
  /** How many entries were heard, counting each listener. */
  readonly count: number;
  /** What was wrong so far; others may add to it. */
  readonly faults: string[];
  listener(name: string): Listener;
  /** Every scope that somebody follows. */
  readonly scopes: ReadonlySet<string>;
  /** Who has not heard all up to these entries, as `Yoda thread/1 17 of 20`. */
  behind(heads: ReadonlyMap<string, number>): string[];
  /** Calls back each time something was heard. */
  onHeard: () => void;
  /** What does not fit to the log; with `complete`, every listener must have heard all of its scopes. */
  against(history: History, options: { complete: boolean }): string[];
}

/** An entry as it was heard first; texts are compared by their hash. */
interface Heard {
  readonly rest: string;
  /** `undefined` while only the erased entry was heard. */
  text: string | undefined;
}

class Compared implements Hearing {
  readonly #entries = new Map<string, Heard[]>();
  readonly #listeners: Listener[] = [];
  readonly faults: string[] = [];
  count = 0;
  onHeard = () => {};

  listener(name: string): Listener {
    const heard = new Map<string, number>();
    const listener: Listener = {
      name,
      heard,
      begin: (scope, after) => void heard.set(scope, after),
      end: (scope) => void heard.delete(scope),
      hear: (event) => {
        const { scope, seq } = event;
        const last = heard.get(scope);
        if (last === undefined) {
          this.faults.push(`${name} heard ${scope} ${seq} and does not follow`);
        } else if (seq !== last + 1) {
          this.faults.push(`${name} heard ${scope} ${seq} after ${last}`);
        }
        heard.set(scope, seq);
        this.count++;
        this.#compare(name, event);
        this.onHeard();
      },
    };
    this.#listeners.push(listener);
    return listener;
  }

  get scopes(): Set<string> {
    return new Set(this.#listeners.flatMap(({ heard }) => [...heard.keys()]));
  }

  behind(heads: ReadonlyMap<string, number>): string[] {
    return this.#listeners.flatMap(({ name, heard }) =>
      [...heard].flatMap(([scope, last]) => {
        const head = heads.get(scope);
        return head === undefined || last === head ? [] : [`${name} ${scope} ${last} of ${head}`];
      })
    );
  }

  #compare(name: string, event: ForumEvent): void {
    const { scope, seq } = event;
    let entries = this.#entries.get(scope);
    if (entries === undefined) this.#entries.set(scope, entries = []);
    const now = shape(event);
    const first = entries[seq];
    if (first === undefined) {
      entries[seq] = now;
      return;
    }
    if (!alike(first, now)) this.faults.push(`${name} heard another ${scope} ${seq} than others`);
    first.text ??= now.text;
  }

  against(history: History, { complete }: { complete: boolean }): string[] {
    const faults = [...this.faults];
    for (const [scope, entries] of this.#entries) {
      const written = history.scopes.get(scope) ?? [];
      for (const [seq, heard] of entries.entries()) {
        if (heard === undefined) continue;
        const event = written[seq - 1];
        if (event === undefined) faults.push(`${scope} ${seq} was heard, and is not in the log`);
        else if (!alike(heard, shape(event))) faults.push(`${scope} ${seq} was heard otherwise`);
      }
    }
    if (!complete) return faults;
    for (const { name, heard } of this.#listeners) {
      for (const [scope, last] of heard) {
        const head = history.scopes.get(scope)?.length ?? 0;
        if (last !== head) faults.push(`${name} heard ${last} of ${head} entries of ${scope}`);
      }
    }
    return faults;
  }
}

function shape(event: ForumEvent): Heard {
  const { text, mentions: _, erased, ...rest } = event as ForumEvent & {
    text?: string;
    mentions?: string[];
    erased?: boolean;
  };
  const sorted = Object.fromEntries(Object.entries(rest).sort(([a], [b]) => a < b ? -1 : 1));
  return { rest: JSON.stringify(sorted), text: erased ? undefined : brief(text ?? "") };
}

/** A text, or of a long one what tells it from others. */
function brief(text: string): string {
  if (text.length <= 40) return text;
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return `${text.slice(0, 20)} ${text.length} ${hash >>> 0}`;
}

function alike(one: Heard, other: Heard): boolean {
  return one.rest === other.rest &&
    (one.text === undefined || other.text === undefined || one.text === other.text);
}

/** Makes one in which nothing was heard yet. */
export function createHearing(): Hearing {
  return new Compared();
}
