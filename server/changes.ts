/**
 * Changes: commands that change something that lasts. Decided by the core, stored with their key, done
 * once however often they are sent (DESIGN §6).
 *
 * @module
 */

import type { Change, Keyed } from "../protocol/forum/command.ts";
import { type Context, decide, isRefusal } from "../protocol/forum/decide.ts";
import type { View } from "../protocol/forum/state.ts";
import { type Refusal, refuse } from "../protocol/status.ts";
import type { Transaction } from "./log/log.ts";

/** Who asks, and when. */
export interface ChangeContext extends Context {
  /** Why it is not done: with this only what was done before is answered. */
  readonly barred: Refusal | undefined;
}

/** Does a change and gives the reply as JSON text, or a refusal. */
export function change(
  tx: Transaction,
  command: Change & Keyed,
  context: ChangeContext,
): { readonly json: string } | Refusal {
  const { key } = command;
  const { user } = context;
  if (key === undefined) {
    return refuse("bad-field", "This command needs a key, so that it can be repeated safely.", {
      field: "key",
    });
  }
  const print = fingerprint(command);
  const kept = tx.recall(user, key);
  if (kept !== undefined) return kept.fingerprint === print ? kept : refuse("key-reused");
  if (context.barred !== undefined) return context.barred;
  const outcome = decide(tx.view, command, context);
  if (isRefusal(outcome)) return outcome;
  const json = JSON.stringify(outcome.reply);
  // An upload that only begins: its key is that of the file that it ends as.
  if (command.op === "upload" && !("file" in outcome.reply)) return { json };
  tx.append(outcome.events);
  tx.remember(user, key, { fingerprint: print, json });
  return { json };
}

/** So many characters of a long text are looked at. */
const SAMPLES = 64;
const FNV_PRIME = 0x01000193;

/**
 * What tells a command from another under the same key: FNV-1a over its fields. It only has to notice
 * a careless client, not to withstand a clever one, so of a long text it takes samples.
 */
function fingerprint(command: Change & Keyed): string {
  let value = 0x811c9dc5;
  let name: keyof typeof command;
  for (name in command) {
    if (name === "op" || name === "key") continue;
    const text = String(command[name]);
    value = Math.imul(value ^ text.length, FNV_PRIME);
    const step = Math.max(1, Math.floor(text.length / SAMPLES));
    for (let i = 0; i < text.length; i += step) {
      value = Math.imul(value ^ text.charCodeAt(i), FNV_PRIME);
    }
  }
  return `${command.op} ${value >>> 0}`;
}

/** What the activity log says of a change that is about to be done. */
export function aboutOf(command: Change, view: View): Record<string, string | number> {
  const about: Record<string, string | number> = {};
  if ("thread" in command) about.thread = command.thread;
  if ("message" in command) about.message = command.message;
  if ("user" in command) about.subject = command.user;
  if ("title" in command) about.title = command.title;
  if (command.op === "upload") about.file = command.name;
  else if (command.op === "withdraw") {
    about.file = view.file(command.thread, command.file)?.name ?? command.file;
  }
  return about;
}
