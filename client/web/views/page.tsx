/**
 * The page: signing in, or the forum.
 *
 * @module
 */

import { useEffect } from "preact/hooks";
import { useApp } from "../app.ts";
import { SignIn } from "./sign_in.tsx";

/** What is on the page. */
export function Page() {
  const { forum, room } = useApp();
  // While somebody types a name there is time to load what comes after it.
  useEffect(() => room.want(), []);
  if (forum.value === undefined) return <SignIn />;
  const views = room.value;
  return views === undefined
    ? <main class="empty" aria-busy="true">Loading…</main>
    : <views.RoomView />;
}
