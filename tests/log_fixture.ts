/**
 * What tests of a log have in common: a folder that goes away, and commands that go through decide.
 *
 * @module
 */

import type { Change } from "../protocol/forum/command.ts";
import { type Context, decide, decideRegistration, isRefusal } from "../protocol/forum/decide.ts";
import type { ForumEvent } from "../protocol/forum/event.ts";
import type { View } from "../protocol/forum/state.ts";
import type { Reply } from "../protocol/forum/reply.ts";
import type { Refusal } from "../protocol/status.ts";
import type { Log, Transaction } from "../server/log/log.ts";
import { openSqliteLog, type SqliteLogOptions } from "../server/log/sqlite_log.ts";

/** Runs a test with a folder of its own. */
export function withFolder(test: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "dfp-log-" });
  try {
    test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Runs a test with a log in a file, and closes it. A fault that no test expects fails it. */
export function withLog(
  test: (log: Log, path: string) => void,
  options: Omit<SqliteLogOptions, "path"> = {},
): void {
  withFolder((folder) => {
    const path = `${folder}/forum.sqlite`;
    const log = openSqliteLog({
      path,
      onFault: (error) => {
        throw error;
      },
      ...options,
    });
    try {
      test(log, path);
    } finally {
      log.close();
    }
  });
}

/** Runs a unit of work and returns what `done` was told. */
export function unit(log: Log, work: (tx: Transaction) => void): Refusal | undefined {
  let outcome: { failure: Refusal | undefined } | undefined;
  log.transact(work, (failure) => outcome = { failure });
  if (outcome === undefined) throw new Error("done was not called");
  return outcome.failure;
}

/** Appends events; throws if they were not kept. */
export function append(log: Log, events: (tx: Transaction) => readonly ForumEvent[]): void {
  const failure = unit(log, (tx) => tx.append(events(tx)));
  if (failure !== undefined) throw new Error(`not kept: ${failure.status}`);
}

/** A verifier that fits; nobody signs in with it. */
const VERIFIER = {
  salt: btoa("s".repeat(16)),
  iterations: 600_000,
  storedKey: btoa("k".repeat(32)),
  serverKey: btoa("v".repeat(32)),
};

/** What happens when an account is made. */
export function registration(view: View, user: string): readonly ForumEvent[] {
  const outcome = decideRegistration(view, { user, ...VERIFIER }, 1);
  if (isRefusal(outcome)) throw new Error(`${user}: ${outcome.status}`);
  return outcome.events;
}

/** Makes accounts. */
export function register(log: Log, ...names: string[]): void {
  for (const user of names) append(log, ({ view }) => registration(view, user));
}

/** Does a command; throws if it is refused. */
export function change<C extends Change>(
  log: Log,
  command: C,
  context: Context,
): Reply<C["op"]> {
  let reply: Reply<C["op"]> | undefined;
  append(log, ({ view }) => {
    const outcome = decide(view, command, context);
    if (isRefusal(outcome)) throw new Error(`${command.op}: ${outcome.status}`);
    reply = outcome.reply as Reply<C["op"]>;
    return outcome.events;
  });
  return reply!;
}
