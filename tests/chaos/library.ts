/**
 * The library: a thread of large texts, more than the caches of a server hold. Whoever reads it fills
 * them, so that what grows afterwards is no cache.
 *
 * @module
 */

import type { Change } from "../../protocol/forum/command.ts";
import type { PeerAddress } from "../end_to_end/raw_peer.ts";
import { join, register } from "./accounts.ts";
import type { Answer, Ledger } from "./ledger.ts";

const LIBRARIAN = "Librarian";
const BOOKS = 1500;
/** Books that are asked for together. */
const SHELF = 20;
const BOOK = "lorem ipsum ".repeat(5000);

/** A library. */
export interface Library {
  /** Reads every book. */
  read(address: PeerAddress): Promise<void>;
}

/** Fills a library. */
export async function fillLibrary(address: PeerAddress, ledger: Ledger): Promise<Library> {
  const { peer } = await register(address, LIBRARIAN);
  let id = 0;
  /** Gives commands all at once, and waits for their replies. */
  async function change(commands: readonly Change[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    const given = commands.map((command) => ledger.given({ user: LIBRARIAN, session: 0 }, command));
    const first = id + 1;
    for (const command of commands) await peer.command(++id, { ...command, key: String(id) });
    for (const [at, answered] of given.entries()) {
      const reply = await peer.reply(first + at);
      if (reply.kind === "refused") throw new Error(`no library: ${reply.body.text}`);
      answered("done", reply.body);
      answers.push(reply.body);
    }
    return answers;
  }

  const [{ thread = 0 }] = await change([{ op: "create", title: ledger.mark() }]);
  for (let books = 0; books < BOOKS; books += SHELF) {
    await change(Array.from({ length: SHELF }, () => ({
      op: "post",
      thread,
      text: `${ledger.mark()} ${BOOK}`,
    })));
  }
  peer.close();
  return {
    async read(address) {
      const reader = await join(address, LIBRARIAN);
      for (let seq = 1; seq <= BOOKS; seq += 2) {
        await reader.command(seq, { op: "read", thread, after: seq, limit: 2 });
        const reply = await reader.reply(seq);
        if (reply.kind === "refused") throw new Error(`no library: ${reply.body.text}`);
      }
      reader.close();
    },
  };
}
