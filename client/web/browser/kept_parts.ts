/**
 * Parts of files that are coming from other users, on the browser's disk, so that a page that is loaded anew need not
 * get them again. A browser that keeps nothing does no harm: then all of a file comes once more.
 *
 * @module
 */

import type { KeptParts } from "../state/parts.ts";

const DATABASE = "dfp.parts";
const STORE = "parts";
/** So long parts are kept, in ms. */
const LONGEST = 24 * 60 * 60 * 1000;

interface KeptPart {
  readonly part: Blob;
  readonly at: number;
}

/** The parts of a person's files. */
export function storedParts(me: string): KeptParts {
  let opening: Promise<IDBDatabase> | undefined;

  async function open(): Promise<IDBDatabase> {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    const database = await done(asked);
    await sweep(database);
    return database;
  }

  /** Does something with the store, or nothing. */
  async function attempt<T>(
    mode: IDBTransactionMode,
    act: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T | undefined> {
    try {
      opening ??= open();
      const database = await opening;
      return await done(act(database.transaction(STORE, mode).objectStore(STORE)));
    } catch {
      return undefined;
    }
  }

  // An array is above every number, so the range holds all of a file, or all of a person.
  const within = (...begin: string[]) => IDBKeyRange.bound(begin, [...begin, []]);
  return {
    async load(file) {
      const kept = await attempt("readonly", (store) => store.getAll(within(me, file)));
      return (kept as KeptPart[] | undefined ?? []).map(({ part }) => part);
    },
    async keep(file, index, part) {
      const value: KeptPart = { part, at: Date.now() };
      await attempt("readwrite", (store) => store.put(value, [me, file, index]));
    },
    async drop(file) {
      await attempt("readwrite", (store) => store.delete(within(me, file)));
    },
    async clear() {
      await attempt("readwrite", (store) => store.delete(within(me)));
    },
  };
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Removes what is too old. */
function sweep(database: IDBDatabase): Promise<void> {
  return new Promise((resolve, reject) => {
    const walk = database.transaction(STORE, "readwrite").objectStore(STORE).openCursor();
    walk.onerror = () => reject(walk.error);
    walk.onsuccess = () => {
      const cursor = walk.result;
      if (cursor === null) return resolve();
      if ((cursor.value as KeptPart).at < Date.now() - LONGEST) cursor.delete();
      cursor.continue();
    };
  });
}
