/**
 * Views that are not needed at first, and are loaded together when one of them is.
 *
 * @module
 */

export { NewThread } from "./new_thread.tsx";
export { SearchView } from "./search_view.tsx";
export { Settings } from "./settings.tsx";
