/**
 * Signing in at the terminal: asks for what was not given, and again after a refusal.
 *
 * @module
 */

import { STATUS, type StatusName } from "../../protocol/status.ts";
import { checkPassword } from "../../protocol/text.ts";
import type { ForumClient } from "../forum_client.ts";
import { type Failed, failed, failure, Refusing } from "../../protocol/terminal/outcome.ts";
import { failedText } from "../../protocol/terminal/render_outcome.ts";

/** How to ask somebody; absent where nobody is there. */
export interface Asker {
  /** Asks for a line; `undefined` if there is none. */
  ask(question: string): string | undefined;
  /** The same, without showing what is typed. */
  askSecret(question: string): string | undefined;
  say(text: string): void;
}

/** Who signs in, how. */
export interface SignIn {
  readonly user?: string;
  readonly password?: string;
  readonly register: boolean;
  readonly asker?: Asker;
  /** Connects; rejects with an error with a status when it was refused. */
  readonly connect: (
    account: { user: string; password: string; register: boolean },
  ) => Promise<ForumClient>;
}

/** So many times somebody is asked. */
const ATTEMPTS = 3;

/** What asking again can help with, and what to ask for. */
const AGAIN: Partial<Record<StatusName, "user" | "password">> = {
  "wrong-password": "password",
  "bad-name": "user",
  "user-exists": "user",
  "bad-text": "password",
};

/** Signs in, or says why not; rejects with the system's error if the server cannot be reached. */
export async function signIn(request: SignIn): Promise<ForumClient | Failed> {
  const { register, asker, connect } = request;
  let { user, password } = request;
  for (let attempt = 1;; attempt++) {
    user ??= asker?.ask("Please enter the user name:");
    if (user === undefined) return failed("LOGIN", "bad-name", "Say who you are with --user.");
    password ??= asker && askPassword(asker, register);
    if (password === undefined) {
      return failed(
        "LOGIN",
        "wrong-password",
        "Give the password with DFP_PASSWORD or --password-file.",
      );
    }
    const checked = checkPassword(password);
    try {
      // Only what can be a password at all is hashed.
      if (typeof checked !== "string") throw new Refusing("bad-text", checked.complaint);
      return await connect({ user, password, register });
    } catch (error) {
      const refusal = failure("LOGIN", error);
      const again = AGAIN[refusal.name as StatusName];
      if (asker === undefined || again === undefined || attempt === ATTEMPTS) return refusal;
      asker.say(failedText(refusal));
      if (again === "user") user = undefined;
      else password = undefined;
      if (attempt === 1 && refusal.code === STATUS["wrong-password"].code && !register) {
        asker.say("New here? Start with --register.");
      }
    }
  }
}

function askPassword(asker: Asker, register: boolean): string | undefined {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const password = asker.askSecret("Please enter the password: ");
    if (password === undefined || !register) return password;
    if (asker.askSecret("Once more, please: ") === password) return password;
    asker.say("The two are not the same.");
  }
  return undefined;
}
