/**
 * Searching titles and texts, newest first, among what the asking user may see.
 *
 * The search index gives matches by thread, not by time. If there are few, all are put in order; if there
 * are many, threads are asked one after another, that with the newest message first, until no thread that
 * is left can have a newer match than those that were found.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Search } from "../../protocol/forum/command.ts";
import { maySee } from "../../protocol/forum/policy.ts";
import type { FoundRow, ThreadRow } from "../../protocol/forum/reply.ts";
import { fold } from "../../protocol/text.ts";
import type { Moments } from "./sqlite_moments.ts";
import type { Records } from "./sqlite_records.ts";
import { rowLimit, type Rows } from "./sqlite_rows.ts";
import { SPAN } from "./sqlite_schema.ts";
import { searchQuery, type Texts } from "./sqlite_texts.ts";

/** So many matches are put in order as a whole. */
const FEW = 5000;
/** So many threads are asked one by one. */
const THREADS_ASKED = 16;
/** So many titles are looked through. */
const TITLES_READ = 100_000;

/** What a search finds. */
export interface Found {
  readonly threads: ThreadRow[];
  readonly messages: FoundRow[];
  readonly more: boolean;
}

/** Searches. */
export interface Searches {
  search(user: string, question: Search): Found;
}

/** What searches are made with. */
export interface SearchParts {
  readonly records: Records;
  readonly rows: Rows;
  readonly texts: Texts;
  readonly moments: Moments;
}

/** Prepares searches. */
export function createSearches(db: DatabaseSync, parts: SearchParts): Searches {
  return new IndexSearches(db, parts);
}

interface Hit {
  readonly id: number;
  readonly at: number;
}

interface Asked {
  readonly user: string;
  readonly query: string;
  /** How many are wanted. */
  readonly count: number;
}

class IndexSearches implements Searches {
  #parts: SearchParts;
  #at;

  constructor(db: DatabaseSync, parts: SearchParts) {
    this.#parts = parts;
    this.#at = db.prepare("SELECT at FROM messages WHERE id = ?");
  }

  search(user: string, { words, thread, limit }: Search): Found {
    const most = rowLimit(limit);
    const query = searchQuery(words);
    const titles = thread === undefined ? this.#titles(user, words, most + 1) : [];
    let hits: Hit[] = [];
    if (query !== undefined) {
      // One more than is shown tells whether there are more.
      const asked = { user, query, count: most + 1 };
      hits = thread === undefined ? this.#everywhere(asked) : this.#within(thread, asked);
    }
    const messages = this.#parts.moments.show(hits.slice(0, most).map(({ id }) => id));
    return {
      threads: titles.slice(0, most),
      messages,
      more: titles.length > most || messages.length < hits.length,
    };
  }

  /** Threads whose titles hold every word. */
  #titles(user: string, words: string, count: number): ThreadRow[] {
    const wanted = fold(words).split(/\s+/u).filter((word) => word !== "");
    const found: ThreadRow[] = [];
    let left = TITLES_READ;
    if (wanted.length === 0) return found;
    for (const record of this.#parts.records.recent()) {
      if (left-- === 0) break;
      if (!wanted.every((word) => record.foldedTitle.includes(word))) continue;
      if (!maySee(user, record.thread)) continue;
      found.push(this.#parts.rows.thread(user, record));
      if (found.length === count) break;
    }
    return found;
  }

  #everywhere({ user, query, count }: Asked): Hit[] {
    const { records, texts } = this.#parts;
    const range = { above: 0, below: Number.MAX_SAFE_INTEGER, limit: FEW };
    const matches = texts.matches(query, range);
    const found = new Map<number, Hit>();
    for (const ids of Map.groupBy(matches, (id) => Math.floor(id / SPAN)).values()) {
      if (!this.#sees(user, ids[0])) continue;
      // Within a thread the highest ids are the newest.
      for (const hit of this.#date(ids.slice(0, count))) found.set(hit.id, hit);
    }
    if (matches.length < FEW) return newest(found.values(), count);
    let left = THREADS_ASKED;
    for (const { thread } of records.recent()) {
      if (!maySee(user, thread)) continue;
      if (left-- === 0) break;
      const best = newest(found.values(), count);
      if (best.length === count && best[count - 1].at >= thread.lastAt) break;
      for (const hit of this.#within(thread.number, { user, query, count })) found.set(hit.id, hit);
    }
    return newest(found.values(), count);
  }

  /** The newest matches of a thread; within one, ids are in order of time. */
  #within(thread: number, { user, query, count }: Asked): Hit[] {
    const record = this.#parts.records.thread(thread);
    if (record === undefined || !maySee(user, record.thread)) return [];
    const { base } = record;
    const range = { above: base, below: base + SPAN, limit: count };
    return this.#date(this.#parts.texts.matches(query, range));
  }

  #sees(user: string, id: number): boolean {
    const record = this.#parts.records.holding(id);
    return record !== undefined && maySee(user, record.thread);
  }

  #date(ids: readonly number[]): Hit[] {
    return ids.flatMap((id) => {
      const row = this.#at.get(id);
      return row === undefined ? [] : [{ id, at: row.at as number }];
    });
  }
}

function newest(hits: Iterable<Hit>, count: number): Hit[] {
  return [...hits].sort((a, b) => b.at - a.at || b.id - a.id).slice(0, count);
}
