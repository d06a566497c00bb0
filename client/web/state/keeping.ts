/**
 * What a browser keeps: the session that somebody asked to remember, drafts, and what was not sent yet. A
 * browser may keep nothing at all, or forget at any time; nothing here fails because of that.
 *
 * @module
 */

/** Where texts are kept by name: what localStorage and sessionStorage have in common. */
export interface Store {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** Reads a value that was kept as JSON. */
export function kept(store: Store, name: string): unknown {
  try {
    const text = store.getItem(name);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Keeps a value as JSON; `undefined` is forgotten. */
export function keep(store: Store, name: string, value: unknown): void {
  try {
    if (value === undefined) store.removeItem(name);
    else store.setItem(name, JSON.stringify(value));
  } catch {
    // It is full, or not to be had: then it lasts as long as the page.
  }
}

/** A store that lasts as long as the page. */
export function createMemoryStore(): Store {
  const values = new Map<string, string>();
  return {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
}

/** A session that can be gone on with. */
export interface Remembered {
  readonly user: string;
  readonly token: string;
}

const SESSION = "dfp.session";

/** The session that is kept, if there is one. */
export function remembered(store: Store): Remembered | undefined {
  const value = kept(store, SESSION) as Partial<Remembered> | null | undefined;
  return typeof value?.user === "string" && typeof value.token === "string"
    ? { user: value.user, token: value.token }
    : undefined;
}

/** Keeps a session, or forgets it. */
export function remember(store: Store, session: Remembered | undefined): void {
  keep(store, SESSION, session);
}

/** Texts that somebody has begun to write, by where. */
export interface Drafts {
  get(place: string): string;
  set(place: string, text: string): void;
}

/** The drafts of a user. */
export function createDrafts(store: Store, user: string): Drafts {
  const name = (place: string) => `dfp.draft.${user}.${place}`;
  return {
    get(place) {
      const text = kept(store, name(place));
      return typeof text === "string" ? text : "";
    },
    set: (place, text) => keep(store, name(place), text === "" ? undefined : text),
  };
}
