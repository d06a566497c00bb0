/**
 * The page's parts, put together: what the views are given. Views import it, so it imports none of them: those
 * that are loaded later come from whoever makes the app.
 *
 * @module
 */

import { effect, signal } from "@preact/signals";
import { createContext, type FunctionComponent } from "preact";
import { useContext } from "preact/hooks";
import { dialWebSocket } from "../connect/websocket.ts";
import type { ForumClient } from "../forum_client.ts";
import { type Appearance, createAppearance } from "./browser/appearance.ts";
import { handFile } from "./browser/hand.ts";
import { idle } from "./browser/idle.ts";
import { createLazy, type Lazy } from "./browser/lazy.ts";
import { createNavigation, type Navigation } from "./browser/navigation.ts";
import { createNotifications, type Notifications } from "./browser/notifications.ts";
import { type Account, createAccount } from "./state/account.ts";
import { createForum, type Forum } from "./state/forum.ts";
import { createMemoryStore, type Store } from "./state/keeping.ts";
import { createPreviews, type Previews } from "./state/previews.ts";
import type { Markdown } from "./markdown.ts";

/** What lies over the page, or beside it on a phone. */
export type Overlay = "none" | "threads" | "people" | "new-thread" | "settings";

/** The views of the forum. */
export interface RoomViews {
  readonly RoomView: FunctionComponent;
}

/** Views that are not needed at first. */
export interface SeldomViews {
  readonly NewThread: FunctionComponent;
  readonly SearchView: FunctionComponent<{ words: string }>;
  readonly Settings: FunctionComponent;
}

/** Where the views come from that are loaded when they are first wanted. */
export interface LaterViews {
  room(): Promise<RoomViews>;
  seldom(): Promise<SeldomViews>;
}

/** All that views work with. */
export interface App {
  readonly account: Account;
  readonly navigation: Navigation;
  readonly appearance: Appearance;
  readonly notifications: Notifications;
  /** The forum, while somebody is signed in. */
  readonly forum: { readonly value: Room | undefined };
  readonly overlay: { value: Overlay };
  /** What makes HTML of messages. */
  readonly markdown: Lazy<Markdown>;
  readonly room: Lazy<RoomViews>;
  readonly seldom: Lazy<SeldomViews>;
  /** Emoji by name. */
  readonly emoji: Lazy<typeof import("./state/emoji.ts")>;
  readonly store: Store;
}

/** A forum with its pictures. */
export type Room = Forum & { readonly previews: Previews };

/** Storage of the browser; one that lasts as long as the page, where it is not to be had. */
function storage(name: "localStorage" | "sessionStorage"): Store {
  try {
    return globalThis[name];
  } catch {
    return createMemoryStore();
  }
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return `w${Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("")}`;
}

const after = (ms: number, act: () => void) => void setTimeout(act, ms);

/** Makes the page's parts. */
export function createApp(views: LaterViews): App {
  const [lasting, passing] = [storage("localStorage"), storage("sessionStorage")];
  const navigation = createNavigation();
  const appearance = createAppearance(lasting);
  const overlay = signal<Overlay>("none");
  const forum = signal<Room | undefined>(undefined);
  const notifications = createNotifications(lasting, ({ thread, seq }) => {
    navigation.go({ at: "thread", thread, seq });
  });
  const url = new URL("dfp", location.href.replace(/#.*$/, ""));
  url.protocol = url.protocol.replace("http", "ws");

  const account = createAccount({
    dial: dialWebSocket({ url: url.href }),
    lasting,
    passing,
    after,
    entered: (client) => void enter(client),
    left: () => leave(),
  });

  async function enter(client: ForumClient): Promise<void> {
    const made = createForum({
      client,
      lasting,
      passing,
      clock: Date.now,
      newKey,
      after,
      hand: handFile,
      openPeers: async (transfers) => {
        // What is looked at comes first.
        await idle();
        const { openPeers } = await import("./peers.ts");
        return await openPeers({ client, transfers, store: lasting, hand: handFile });
      },
      alert: (alert) => notifications.show(alert),
      closed: (why) => account.ended(why),
    });
    const previews = createPreviews({
      fetch: made.transfers.fetch,
      makeUrl: (blob) => URL.createObjectURL(blob),
      dropUrl: (url) => URL.revokeObjectURL(url),
    });
    forum.value = { ...made, previews };
    await made.attempt(made.start());
  }

  function leave(): void {
    forum.value?.previews.clear();
    forum.value?.peers.value?.forget();
    forum.value = undefined;
    overlay.value = "none";
  }

  // A file that is dropped beside its place must not take the page's.
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => event.preventDefault());
  }

  effect(() => {
    const { unread = 0, mentions = 0 } = forum.value?.totals.value ?? {};
    const count = mentions > 0 ? `(${mentions}) ` : unread > 0 ? "• " : "";
    const title = forum.value?.openRow.value?.title;
    document.title = `${count}${title === undefined ? "" : `${title} · `}DFP/2`;
  });

  return {
    account,
    navigation,
    appearance,
    notifications,
    forum,
    overlay,
    markdown: createLazy(async () => {
      const { createMarkdown } = await import("./markdown.ts");
      return createMarkdown(window);
    }),
    room: createLazy(views.room),
    seldom: createLazy(views.seldom),
    emoji: createLazy(() => import("./state/emoji.ts")),
    store: lasting,
  };
}

const AppContext = createContext<App | undefined>(undefined);

/** Gives the parts to the views within. */
export const AppProvider = AppContext.Provider;

/** The parts of the page. */
export function useApp(): App {
  return useContext(AppContext)!;
}

/** The forum, for views that are there only while somebody is signed in. */
export function useForum(): Room {
  return useApp().forum.value!;
}
