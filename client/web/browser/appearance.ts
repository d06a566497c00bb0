/**
 * Light and dark: as the system has it, or as somebody wants it.
 *
 * @module
 */

import { effect, signal } from "@preact/signals";
import { keep, kept, type Store } from "../state/keeping.ts";

/** How the page looks. */
export type Theme = "system" | "light" | "dark";

/** All of them. */
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** How the page looks, and may look otherwise. */
export interface Appearance {
  readonly theme: { value: Theme };
}

const NAME = "dfp.theme";

/** Makes the page look as it was wished for last. */
export function createAppearance(store: Store): Appearance {
  const wished = kept(store, NAME) as Theme;
  const theme = signal<Theme>(THEMES.includes(wished) ? wished : "system");
  effect(() => {
    if (theme.value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
    keep(store, NAME, theme.value === "system" ? undefined : theme.value);
  });
  return { theme };
}
