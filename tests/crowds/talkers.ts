/**
 * Live users who talk in the lobby and measure how long a message takes from its author to each of them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { connectForum, dialTcp, type ForumClient } from "../../client/mod.ts";
import { threadScope } from "../../protocol/forum/event.ts";
import type { PeerAddress } from "../end_to_end/raw_peer.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import { each, makeAccounts } from "../chaos/accounts.ts";

const LOBBY = 1;

/** How some talk went. */
export interface Talk {
  /** How many messages were heard, counting each listener. */
  readonly heard: number;
  /** From author to listener, in ms. */
  readonly p50: number;
  readonly p99: number;
}

/** Users who talk. */
export interface Talkers {
  /** Each message is posted by the next of them and heard by all; resolves when all have heard all. */
  talk(options: { messages: number; perSecond: number }): Promise<Talk>;
  /** What happened to any of them that should not have. */
  readonly troubles: readonly string[];
  close(): Promise<void>;
}

class Lobby implements Talkers {
  readonly #clients: ForumClient[] = [];
  readonly #listening: Promise<void>[] = [];
  readonly troubles: string[] = [];
  #delays: number[] = [];
  #wake = () => {};

  async gather(address: PeerAddress, count: number): Promise<void> {
    const users = Array.from({ length: count }, (_, at) => `Talker-${at}`);
    await makeAccounts(address, users);
    await each(users, async (user) => {
      const client = await connectForum({ dial: dialTcp(address), user, password: PASSWORD });
      const { head } = await client.follow(threadScope(LOBBY));
      this.#clients.push(client);
      this.#listening.push(this.#listen(client, head));
    });
  }

  async #listen(client: ForumClient, head: number): Promise<void> {
    for await (const what of client.events()) {
      if (what.type === "offline") this.#trouble(`${client.user} lost the server: ${what.text}`);
      if (what.type !== "event") continue;
      if (what.event.seq !== ++head) this.#trouble(`${client.user} missed ${head}`);
      if (what.event.kind !== "message.posted") continue;
      this.#delays.push(performance.now() - Number(what.event.text));
      this.#wake();
    }
  }

  #trouble(text: string): void {
    this.troubles.push(text);
    this.#wake();
  }

  async talk({ messages, perSecond }: { messages: number; perSecond: number }): Promise<Talk> {
    const clients = this.#clients;
    this.#delays = [];
    const begun = performance.now();
    const posted: Promise<unknown>[] = [];
    while (posted.length < messages) {
      const due = Math.min(messages, ((performance.now() - begun) * perSecond) / 1000);
      while (posted.length < due) {
        const author = clients[posted.length % clients.length];
        const text = String(performance.now());
        posted.push(author.command({ op: "post", thread: LOBBY, text }));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(posted);
    while (this.#delays.length < messages * clients.length && this.troubles.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    assertEquals(this.troubles, []);
    const delays = this.#delays.sort((a, b) => a - b);
    const at = (share: number) => delays[Math.floor(share * (delays.length - 1))];
    return { heard: delays.length, p50: at(0.5), p99: at(0.99) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(this.#listening);
  }
}

/** Makes so many accounts, and has them come and listen. */
export async function gatherTalkers(address: PeerAddress, count: number): Promise<Talkers> {
  const lobby = new Lobby();
  await lobby.gather(address, count);
  return lobby;
}

/** `p50 0.4 ms, p99 2.1 ms`. */
export function showTalk({ p50, p99 }: Talk): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
}
