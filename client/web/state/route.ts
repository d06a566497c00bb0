/**
 * Routes: where somebody is, as the hash of the address, so that the server needs to know nothing of it and
 * every message has a link of its own.
 *
 * @module
 */

/** Where somebody is. */
export type Route =
  /** Nowhere yet. */
  | { readonly at: "home" }
  /** In a thread, at a message perhaps. */
  | { readonly at: "thread"; readonly thread: number; readonly seq?: number }
  /** With somebody, before anything was said. */
  | { readonly at: "with"; readonly user: string }
  /** Looking for something. */
  | { readonly at: "search"; readonly words: string };

const NUMBER = /^[1-9]\d{0,15}$/;

/** Reads a hash; what cannot be read leads home. */
export function readRoute(hash: string): Route {
  const [place, first = "", second = ""] = hash.replace(/^#?\/?/, "").split("/");
  if (place === "thread" && NUMBER.test(first)) {
    return {
      at: "thread",
      thread: Number(first),
      ...NUMBER.test(second) && { seq: Number(second) },
    };
  }
  const text = decoded(first);
  if (place === "with" && text) return { at: "with", user: text };
  if (place === "search" && text !== undefined) return { at: "search", words: text };
  return { at: "home" };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The hash of a route. */
export function routeHash(route: Route): string {
  switch (route.at) {
    case "home":
      return "#/";
    case "thread":
      return `#/thread/${route.thread}${route.seq === undefined ? "" : `/${route.seq}`}`;
    case "with":
      return `#/with/${encodeURIComponent(route.user)}`;
    case "search":
      return `#/search/${encodeURIComponent(route.words)}`;
  }
}
