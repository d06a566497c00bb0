/**
 * The history of a forum, read from the log that a server has left behind: every entry of every scope,
 * and whether folding them gives the state that stands beside them (DESIGN §11, law 5).
 *
 * @module
 */

import { type ForumEvent, threadScope, userScope } from "../../protocol/forum/event.ts";
import { evolve } from "../../protocol/forum/evolve.ts";
import { createMemoryState, type MemoryState } from "../../protocol/forum/memory_state.ts";
import { digest } from "../../protocol/forum/state.ts";
import { fold } from "../../protocol/text.ts";
import type { Log } from "../../server/log/log.ts";
import { openSqliteLog } from "../../server/log/sqlite_log.ts";

const PAGE = { count: 1000, bytes: 1 << 20 };

/** What a log holds. */
export interface History {
  /** Entries by scope, from entry 1 on. */
  readonly scopes: ReadonlyMap<string, readonly ForumEvent[]>;
  /** Folding them gives this. */
  readonly state: MemoryState;
  /** What is wrong with the log in itself. */
  readonly faults: readonly string[];
}

/** Reads the history from a data folder whose server has ended. */
export function readHistory(data: string): History {
  const log = openSqliteLog({ path: `${data}/forum.sqlite` });
  try {
    return read(log);
  } finally {
    log.close();
  }
}

function read(log: Log): History {
  const scopes = new Map<string, readonly ForumEvent[]>();
  const faults: string[] = [];
  const state = createMemoryState(fold);
  const take = (scope: string): readonly ForumEvent[] => {
    const entries = [...entriesOf(log, scope)];
    if (entries.length !== log.view.head(scope)) {
      faults.push(`${scope} has ${entries.length} entries of ${log.view.head(scope)}`);
    }
    scopes.set(scope, entries);
    try {
      for (const event of entries) evolve(state, event);
    } catch (error) {
      faults.push(`${scope} cannot be folded: ${error}`);
    }
    return entries;
  };
  // Marks come before threads: the removal of a thread takes them along.
  take("secrets");
  take("directory");
  for (const event of take("accounts")) {
    if (event.kind === "user.registered") take(userScope(fold(event.user)));
  }
  for (let thread = 1; thread <= log.view.lastThread; thread++) take(threadScope(thread));
  if (digest(state.lines()) !== digest(log.lines())) {
    faults.push(`the state is not what its entries give: ${difference(log, state)}`);
  }
  return { scopes, state, faults };
}

function* entriesOf(log: Log, scope: string): Iterable<ForumEvent> {
  for (let seq = 0;;) {
    const page = log.entries(scope, seq, PAGE);
    if (page.length === 0) return;
    for (const entry of page) yield JSON.parse(entry.json);
    seq = page.at(-1)!.seq;
  }
}

function difference(log: Log, state: MemoryState): string {
  const kept = new Set(log.lines());
  const folded = new Set(state.lines());
  const missing = [...folded].find((line) => !kept.has(line));
  const extra = [...kept].find((line) => !folded.has(line));
  return `missing ${missing}, extra ${extra}`;
}
