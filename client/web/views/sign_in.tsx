/**
 * Signing in, and making an account.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { useApp } from "../app.ts";

/** The form with which somebody comes in. */
export function SignIn() {
  const { account, room } = useApp();
  const [register, setRegister] = useState(false);
  const [shown, setShown] = useState(false);
  const busy = account.standing.value === "busy";
  const fault = account.fault.value;

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "");
    void account.signIn({
      user: text("user").trim(),
      password: text("password"),
      register,
      stay: form.get("stay") !== null,
    });
  }

  return (
    <main class="sign-in">
      {/* While somebody types there is time to load what comes after. */}
      <form onSubmit={submit} onInput={() => room.want()} aria-labelledby="sign-in-title">
        <div class="mark" aria-hidden="true">
          <span />
          <span />
          <span />
        </div>
        <h1 id="sign-in-title">{register ? "Create your account" : "Welcome back"}</h1>
        <p class="lead">
          {register
            ? "Pick a name that others will see. That is all it takes."
            : "Sign in to the forum."}
        </p>
        <div class="tabs" role="group" aria-label="Sign in or register">
          <button type="button" aria-pressed={!register} onClick={() => setRegister(false)}>
            Sign in
          </button>
          <button type="button" aria-pressed={register} onClick={() => setRegister(true)}>
            Create account
          </button>
        </div>
        <label class="field">
          <span>Name</span>
          <input
            name="user"
            autocomplete="username"
            required
            maxLength={64}
            autoFocus
            autocapitalize="none"
            spellcheck={false}
            defaultValue={account.user.value}
          />
        </label>
        <label class="field">
          <span>Password</span>
          <span class="with-button">
            <input
              name="password"
              type={shown ? "text" : "password"}
              autocomplete={register ? "new-password" : "current-password"}
              required
            />
            <button type="button" class="quiet" onClick={() => setShown(!shown)}>
              {shown ? "Hide" : "Show"}
            </button>
          </span>
        </label>
        <label class="check">
          <input type="checkbox" name="stay" />
          <span>Stay signed in on this device</span>
        </label>
        <p class="fault" role="alert">{fault}</p>
        <button type="submit" class="primary wide" disabled={busy}>
          {busy ? "One moment…" : register ? "Create account" : "Sign in"}
        </button>
        {busy && fault !== "" && (
          <button
            type="button"
            class="quiet wide"
            onClick={() => void account.signOut()}
          >
            Use another account
          </button>
        )}
        <p class="small">Your password never leaves this device: it is proved, not sent.</p>
      </form>
    </main>
  );
}
