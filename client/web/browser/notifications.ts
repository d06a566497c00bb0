/**
 * Desktop notifications: only if somebody has asked for them, and only of what speaks to that person.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Alert } from "../state/forum.ts";
import { keep, kept, type Store } from "../state/keeping.ts";

/** Notifications of the desktop. */
export interface Notifications {
  /** Whether they were asked for, and the browser shows them. */
  readonly wanted: { readonly value: boolean };
  /** Why they cannot be had. */
  readonly fault: { readonly value: string };
  /** Asks for them, or for no more. */
  want(wanted: boolean): Promise<void>;
  show(alert: Alert): void;
}

const NAME = "dfp.notifications";
const TEXT_MAX = 180;

/** Makes them; `go` is where a click leads. */
export function createNotifications(store: Store, go: (alert: Alert) => void): Notifications {
  const there = "Notification" in globalThis;
  const wanted = signal(
    there && kept(store, NAME) === true && Notification.permission === "granted",
  );
  const fault = signal("");
  return {
    wanted,
    fault,
    async want(wish) {
      fault.value = "";
      if (wish && there) {
        wanted.value = await Notification.requestPermission() === "granted";
        if (!wanted.value) fault.value = "The browser does not allow them for this page.";
      } else {
        wanted.value = false;
        if (wish) fault.value = "This browser has none.";
      }
      keep(store, NAME, wanted.value ? true : undefined);
    },
    show(alert) {
      if (!wanted.value) return;
      const { title, by, text, thread, seq } = alert;
      const notification = new Notification(by === title ? by : `${by} in ${title}`, {
        body: text.slice(0, TEXT_MAX),
        tag: `${thread}/${seq}`,
      });
      notification.onclick = () => {
        focus();
        go(alert);
        notification.close();
      };
    },
  };
}
