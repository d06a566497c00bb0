/**
 * The page: signing in, or the forum.
 *
 * @module
 */

import { useApp } from "../app.ts";
import { RoomView } from "./room.tsx";
import { SignIn } from "./sign_in.tsx";

/** What is on the page. */
export function Page() {
  const { forum } = useApp();
  return forum.value === undefined ? <SignIn /> : <RoomView />;
}
