/**
 * Settings: how the page looks, what it may say, and one's account.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { useApp, useForum } from "../app.ts";
import { THEMES } from "../browser/appearance.ts";
import { Dialog } from "./dialog.tsx";

/** What can be set. */
export function Settings() {
  const { overlay, appearance, notifications, account } = useApp();
  const forum = useForum();
  const [said, setSaid] = useState("");
  const always = forum.peers.value?.always.value ?? [];

  async function changePassword(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const password = String(new FormData(form).get("password") ?? "");
    setSaid("One moment…");
    try {
      await forum.client.changePassword(password);
      setSaid("The password is changed. Other devices are signed out.");
      form.reset();
    } catch (error) {
      setSaid((error as Error).message);
    }
  }

  return (
    <Dialog title="Settings" onClose={() => overlay.value = "none"}>
      <fieldset>
        <legend>Appearance</legend>
        <div class="tabs" role="group" aria-label="Appearance">
          {THEMES.map((theme) => (
            <button
              key={theme}
              type="button"
              aria-pressed={appearance.theme.value === theme}
              onClick={() => appearance.theme.value = theme}
            >
              {{ system: "System", light: "Light", dark: "Dark" }[theme]}
            </button>
          ))}
        </div>
      </fieldset>
      <fieldset>
        <legend>Notifications</legend>
        <label class="check">
          <input
            type="checkbox"
            checked={notifications.wanted.value}
            onChange={(event) => void notifications.want(event.currentTarget.checked)}
          />
          <span>Tell me on the desktop when somebody speaks to me</span>
        </label>
        <p class="fault" role="alert">{notifications.fault.value}</p>
      </fieldset>
      <fieldset>
        <legend>Files from people</legend>
        {always.length === 0
          ? <p class="small">You are asked about every file that somebody wants to send you.</p>
          : (
            <ul class="always">
              {always.map((user) => (
                <li key={user}>
                  <span dir="auto">Taken without asking from {user}</span>
                  <button
                    type="button"
                    aria-label={`Ask again about ${user}`}
                    onClick={() => forum.peers.value?.askAgain(user)}
                  >
                    Ask again
                  </button>
                </li>
              ))}
            </ul>
          )}
      </fieldset>
      <form onSubmit={(event) => void changePassword(event)}>
        <fieldset>
          <legend>Password</legend>
          <input name="user" autocomplete="username" value={forum.me} hidden readOnly />
          <label class="field">
            <span>New password</span>
            <input name="password" type="password" autocomplete="new-password" required />
          </label>
          <button type="submit">Change password</button>
          <p class="small" role="status">{said}</p>
        </fieldset>
      </form>
      <fieldset>
        <legend>Account</legend>
        <p class="small">
          Signed in as <strong>{forum.me}</strong>, {forum.role.value}.
        </p>
        <button type="button" onClick={() => void account.signOut()}>Sign out</button>
      </fieldset>
      <fieldset>
        <legend>Keys</legend>
        <dl class="keys">
          <dt>Enter</dt>
          <dd>send</dd>
          <dt>Shift + Enter</dt>
          <dd>new line</dd>
          <dt>↑ in an empty field</dt>
          <dd>edit your last message</dd>
          <dt>↑ ↓ on a message</dt>
          <dd>go through messages</dd>
          <dt>R, E, +, Delete</dt>
          <dd>reply, edit, react, delete</dd>
          <dt>Ctrl + K</dt>
          <dd>search</dd>
          <dt>Esc</dt>
          <dd>give up, or to the end</dd>
        </dl>
      </fieldset>
    </Dialog>
  );
}
