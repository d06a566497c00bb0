/**
 * A message that is on its way, or was refused.
 *
 * @module
 */

import { useForum } from "../app.ts";
import type { Outgoing } from "../state/outbox.ts";
import { Avatar } from "./avatar.tsx";
import { Body } from "./body.tsx";

/** What was sent and has no answer yet. */
export function PendingRow({ message }: { message: Outgoing }) {
  const { me, outbox, connection } = useForum();
  const { key, text, fault } = message;
  return (
    <article class="message pending" aria-label={`You, not sent yet: ${text.slice(0, 80)}`}>
      <Avatar name={me} />
      <div class="content">
        <header>
          <strong>{me}</strong>
          <span class="small">
            {fault !== undefined
              ? "not sent"
              : connection.value === "online"
              ? "sending…"
              : "waits for the connection"}
          </span>
        </header>
        <Body text={text} />
        {fault !== undefined && (
          <p class="refused" role="alert">
            {fault}
            <button type="button" class="quiet" onClick={() => outbox.retry(key)}>Try again</button>
            <button type="button" class="quiet" onClick={() => outbox.discard(key)}>Discard</button>
          </p>
        )}
      </div>
    </article>
  );
}
