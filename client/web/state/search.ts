/**
 * Searching: the words, and what was found for them.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { Reply } from "../../../protocol/forum/reply.ts";
import type { ForumClient } from "../../forum_client.ts";

/** What a search has come to. */
export interface Search {
  readonly words: { readonly value: string };
  /** What was found; absent while nothing was. */
  readonly found: { readonly value: Reply<"search"> | undefined };
  readonly busy: { readonly value: boolean };
  readonly fault: { readonly value: string };
  /** Looks for words; for what came of those before nobody waits. */
  run(words: string): Promise<void>;
}

const LIMIT = 60;

/** Makes a search for which there are no words yet. */
export function createSearch(client: Pick<ForumClient, "command">): Search {
  const words = signal("");
  const found = signal<Reply<"search"> | undefined>(undefined);
  const busy = signal(false);
  const fault = signal("");
  let wish = 0;
  return {
    words,
    found,
    busy,
    fault,
    async run(wanted) {
      const mine = ++wish;
      words.value = wanted;
      fault.value = "";
      if (wanted.trim() === "") {
        found.value = undefined;
        busy.value = false;
        return;
      }
      busy.value = true;
      try {
        const reply = await client.command<"search">({ op: "search", words: wanted, limit: LIMIT });
        if (mine === wish) found.value = reply;
      } catch (error) {
        if (mine !== wish) return;
        found.value = undefined;
        fault.value = error instanceof Error ? error.message : String(error);
      } finally {
        if (mine === wish) busy.value = false;
      }
    },
  };
}
