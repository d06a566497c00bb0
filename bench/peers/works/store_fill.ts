/**
 * Fills a store through the server's own log, in big batches, as if the bench's user had posted it all.
 *
 * Run by itself: `store_fill.ts FILE MESSAGES`; prints how many ms it took.
 *
 * @module
 */

import { decide, isRefusal } from "../../../protocol/forum/decide.ts";
import type { Transaction } from "../../../server/log/log.ts";
import { openSqliteLog } from "../../../server/log/sqlite_log.ts";
import { THREAD, USER } from "../dfp.ts";
import { BODY_BYTES } from "../peer.ts";

const BATCH = 5000;
const WORDS = "truly wonderful the mind of a child is do or not there no try".split(" ");

/** Bodies differ, as people's do. */
function body(number: number): string {
  let text = `message ${number}`;
  for (let i = number; text.length < BODY_BYTES; i = i * 7 + 3 & 0xffff) {
    text += ` ${WORDS[i % WORDS.length]}`;
  }
  return text.slice(0, BODY_BYTES).trimEnd();
}

function post(tx: Transaction, number: number): void {
  const at = Date.now();
  const command = { op: "post", thread: THREAD, text: body(number) } as const;
  const outcome = decide(tx.view, command, { user: USER, at });
  if (isRefusal(outcome)) throw new Error(outcome.status);
  tx.append(outcome.events);
  const json = JSON.stringify(outcome.reply);
  tx.remember(USER, `fill-${number}`, { fingerprint: "post 1", json });
}

if (import.meta.main) {
  const [path, count] = [Deno.args[0], Number(Deno.args[1])];
  const begin = performance.now();
  const log = openSqliteLog({ path });
  for (let done = 0; done < count; done += BATCH) {
    log.transact((tx) => {
      for (let i = done; i < Math.min(count, done + BATCH); i++) post(tx, i);
    }, (failure) => {
      if (failure !== undefined) throw new Error(failure.status);
    });
    while (log.tidy(Date.now()));
  }
  log.close();
  console.log(performance.now() - begin);
}
