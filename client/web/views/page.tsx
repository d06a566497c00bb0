/**
 * The page: signing in, or the forum.
 *
 * @module
 */

import { useApp } from "../app.ts";
import { SignIn } from "./sign_in.tsx";

/** What is on the page. */
export function Page() {
  const { account, forum, room } = useApp();
  if (account.standing.value !== "out") room.want();
  if (forum.value === undefined) return <SignIn />;
  const views = room.value;
  return views === undefined
    ? <main class="empty" aria-busy="true">Loading…</main>
    : <views.RoomView />;
}
