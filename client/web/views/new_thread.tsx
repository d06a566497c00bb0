/**
 * Making a thread.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { useApp, useForum } from "../app.ts";
import { Dialog } from "./dialog.tsx";

/** Asks what the thread is called, and who may see it. */
export function NewThread() {
  const { overlay, navigation } = useApp();
  const forum = useForum();
  const [closed, setClosed] = useState(false);
  const [busy, setBusy] = useState(false);
  const close = () => overlay.value = "none";

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const title = String(form.get("title") ?? "").trim();
    const members = String(form.get("members") ?? "").split(/[\s,]+/).filter((name) => name !== "");
    if (title === "") return;
    setBusy(true);
    const thread = await forum.create(title, closed ? members : undefined);
    setBusy(false);
    if (thread === undefined) return;
    close();
    navigation.go({ at: "thread", thread });
  }

  return (
    <Dialog title="New thread" onClose={close}>
      <form onSubmit={(event) => void submit(event)}>
        <label class="field">
          <span>Title</span>
          <input name="title" required maxLength={120} autoFocus placeholder="What is it about?" />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={closed}
            onChange={(event) => setClosed(event.currentTarget.checked)}
          />
          <span>Private: only its members can see it</span>
        </label>
        {closed && (
          <label class="field">
            <span>Members, beside you</span>
            <input name="members" placeholder="Yoda, Leia" list="people-on" />
            <datalist id="people-on">
              {forum.presence.on.value.map((name) => <option key={name} value={name} />)}
            </datalist>
          </label>
        )}
        <footer>
          <button type="button" class="quiet" onClick={close}>Cancel</button>
          <button type="submit" class="primary" disabled={busy}>Create thread</button>
        </footer>
      </form>
    </Dialog>
  );
}
