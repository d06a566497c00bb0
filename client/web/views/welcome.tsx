/**
 * What is shown where no thread is open.
 *
 * @module
 */

import { useApp, useForum } from "../app.ts";
import { IconButton } from "./icons.tsx";

/** Nothing is open yet. */
export function Welcome() {
  const { overlay } = useApp();
  const forum = useForum();
  return (
    <main class="empty">
      <div class="phone-only corner">
        <IconButton icon="menu" label="Threads" onClick={() => overlay.value = "threads"} />
      </div>
      <div class="mark" aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
      <h1>Hello, {forum.me}</h1>
      <p>
        {forum.rows.value.size === 0
          ? "There is no thread yet. Begin the first one."
          : "Choose a thread, or begin a new one."}
      </p>
      <button type="button" class="primary" onClick={() => overlay.value = "new-thread"}>
        New thread
      </button>
    </main>
  );
}
