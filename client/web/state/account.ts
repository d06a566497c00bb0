/**
 * Signing in and out: who uses this page, and the session that it may remember.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Dial } from "../../byte_stream.ts";
import { connectForum, type ForumClient } from "../../forum_client.ts";
import { remember, type Remembered, remembered, type Store } from "./keeping.ts";

/** Where signing in stands. */
export type Standing = "out" | "busy" | "in";

/** Somebody who wants in. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Make the account first. */
  readonly register: boolean;
  /** Keep the session when the browser is closed. */
  readonly stay: boolean;
}

/** Signing in and out. */
export interface Account {
  readonly standing: { readonly value: Standing };
  /** Why somebody is not in, if that needs to be said. */
  readonly fault: { value: string };
  /** The name that was used last. */
  readonly user: { readonly value: string };
  signIn(credentials: Credentials): Promise<void>;
  /** Goes on with a session that is remembered; says whether there is one. */
  resume(): boolean;
  /** Leaves, and ends the session for good. */
  signOut(): Promise<void>;
  /** The session has ended by itself. */
  ended(why: { readonly name: string; readonly text: string }): void;
}

/** What an account works with. */
export interface AccountOptions {
  readonly dial: Dial;
  /** Remembers until it is told to forget. */
  readonly lasting: Store;
  /** Remembers until the page's tab is closed. */
  readonly passing: Store;
  readonly after: (ms: number, act: () => void) => void;
  /** Somebody is in. */
  readonly entered: (client: ForumClient) => void;
  /** Nobody is in any more. */
  readonly left: () => void;
}

const AGENT = "dfp-web/2.0.0-alpha.1";
/** A server that cannot be reached is tried again after so many ms, while a session is remembered. */
const RETRY = 2000;
/** After these there is nothing to be gone on with. */
const FORGOTTEN: ReadonlySet<string> = new Set([
  "wrong-password",
  "expired",
  "banned",
  "replaced",
  "unknown-user",
]);

/** Makes an account that nobody is signed in with. */
export function createAccount(options: AccountOptions): Account {
  const { dial, lasting, passing, after } = options;
  const standing = signal<Standing>("out");
  const fault = signal("");
  const user = signal("");
  let client: ForumClient | undefined;

  function forget(): void {
    remember(lasting, undefined);
    remember(passing, undefined);
  }

  function enter(entered: ForumClient, store: Store): void {
    client = entered;
    user.value = entered.user;
    const { token } = entered;
    if (token !== undefined) remember(store, { user: entered.user, token });
    standing.value = "in";
    fault.value = "";
    options.entered(entered);
  }

  async function goOn(session: Remembered, store: Store): Promise<void> {
    standing.value = "busy";
    try {
      const entered = await connectForum({ dial, agent: AGENT, ...session });
      // Somebody else may have wanted to sign in meanwhile.
      if (standing.value === "busy") enter(entered, store);
      else await entered.close();
    } catch (error) {
      const { name = "", message = "" } = error as Error;
      if (FORGOTTEN.has(name)) {
        forget();
        standing.value = "out";
        fault.value = "The session has ended. Please sign in again.";
        return;
      }
      fault.value = `${message} Trying again…`;
      after(RETRY, () => {
        if (standing.value === "busy") void goOn(session, store);
      });
    }
  }

  return {
    standing,
    fault,
    user,
    async signIn({ user: name, password, register, stay }) {
      standing.value = "busy";
      fault.value = "";
      user.value = name;
      try {
        enter(
          await connectForum({ dial, agent: AGENT, user: name, password, register }),
          stay ? lasting : passing,
        );
      } catch (error) {
        standing.value = "out";
        fault.value = error instanceof Error ? error.message : String(error);
      }
    },
    resume() {
      for (const store of [passing, lasting]) {
        const session = remembered(store);
        if (session === undefined) continue;
        user.value = session.user;
        void goOn(session, store);
        return true;
      }
      return false;
    },
    async signOut() {
      const leaving = client;
      client = undefined;
      forget();
      standing.value = "out";
      options.left();
      if (leaving === undefined) return;
      // Nobody waits for a server that is not there.
      if (leaving.state === "online") {
        await leaving.command<"logout">({ op: "logout" }).catch(() => {});
      }
      await leaving.close();
    },
    ended({ name, text }) {
      if (client === undefined) return;
      client = undefined;
      if (FORGOTTEN.has(name)) forget();
      standing.value = "out";
      fault.value = text;
      options.left();
    },
  };
}
