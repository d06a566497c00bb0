/**
 * Navigation: the address's hash as a signal.
 *
 * @module
 */

import { signal } from "@preact/signals";
import { readRoute, type Route, routeHash } from "../state/route.ts";

/** Where somebody is, and how to go elsewhere. */
export interface Navigation {
  readonly route: { readonly value: Route };
  /** Counts every wish to go somewhere, also to where one is. */
  readonly visits: { readonly value: number };
  go(route: Route): void;
  /** Goes there without a step that leads back. */
  replace(route: Route): void;
  /** Goes there, unless somebody has chosen to go anywhere. */
  suggest(route: Route): void;
}

/** Begins with the address as it is. */
export function createNavigation(): Navigation {
  const route = signal(readRoute(location.hash));
  const visits = signal(0);
  function arrive(): void {
    route.value = readRoute(location.hash);
    visits.value++;
  }
  function replace(there: Route): void {
    history.replaceState(null, "", routeHash(there));
    arrive();
  }
  addEventListener("hashchange", arrive);
  return {
    route,
    visits,
    go(there) {
      const hash = routeHash(there);
      if (location.hash === hash) arrive();
      else location.hash = hash;
    },
    replace,
    suggest(there) {
      // The event that tells of a choice may still be on its way.
      if (readRoute(location.hash).at === "home") replace(there);
    },
  };
}
