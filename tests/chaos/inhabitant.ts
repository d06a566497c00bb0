/**
 * An inhabitant of a forum under fire: a client that changes things, by the ledger, and follows scopes, by
 * the hearing. It can be killed at any moment, and come again as another client of the same user.
 *
 * @module
 */

import { connectForum, type Dial, type ForumClient, ForumError } from "../../client/mod.ts";
import type { Change, Command } from "../../protocol/forum/command.ts";
import { sha256Of } from "../end_to_end/file_bytes.ts";
import { PASSWORD } from "../end_to_end/scenario.ts";
import type { Hearing, Listener } from "./hearing.ts";
import type { Answer, Doer, Ledger } from "./ledger.ts";

/** What an inhabitant is made with. */
export interface InhabitantOptions {
  readonly user: string;
  /** How the server is reached. The account must be there. */
  readonly dial: Dial;
  readonly ledger: Ledger;
  readonly hearing: Hearing;
  /** Called when the client is signed in again after a break. */
  readonly onOnline?: () => void;
  /** Called when the link broke. */
  readonly onOffline?: () => void;
}

/** Somebody who lives in the forum. */
export interface Inhabitant {
  readonly user: string;
  readonly client: ForumClient;
  readonly listener: Listener;
  /** Follows a scope after what was heard of it, from its beginning at first; nothing if it may not. */
  follow(scope: string): Promise<void>;
  /** Changes something. */
  change(command: Change): Promise<Answer | undefined>;
  /** Asks a question; a refusal that is not expected is a fault, else `undefined`. */
  ask(command: Command): Promise<object | undefined>;
  /** Shares a file, and says its number. */
  share(file: { thread: number; name: string; bytes: Uint8Array<ArrayBuffer> }): Promise<
    SharedFile | undefined
  >;
  /** Downloads a file, which must be whole, or gone. */
  fetch(file: SharedFile): Promise<void>;
  /** Its machine dies: sockets close, nobody says goodbye, and nothing comes back. */
  kill(): Promise<void>;
  /** Comes again as another client of the same user, and hears on from where it was. */
  come(): Promise<void>;
  /** Says goodbye. */
  close(): Promise<void>;
}

/** A file that was shared. */
export interface SharedFile {
  readonly thread: number;
  readonly file: number;
  readonly sha256: string;
}

/** Threads are removed; that somebody types is not told again on another link. */
const UNANSWERED: ReadonlySet<string> = new Set(["no-thread", "no-file", "lost"]);

let sessions = 0;

class Settler implements Inhabitant {
  readonly #options: InhabitantOptions;
  readonly listener: Listener;
  #doer: Doer | undefined;
  #closeStreams: () => void = () => {};
  #listening: Promise<void> = Promise.resolve();
  #leaving = false;

  constructor(options: InhabitantOptions) {
    this.#options = options;
    this.listener = options.hearing.listener(options.user);
  }

  get user(): string {
    return this.#options.user;
  }
  get client(): ForumClient {
    if (this.#doer === undefined) throw new Error(`${this.user} has not come yet`);
    return this.#doer.client;
  }

  async come(): Promise<void> {
    const { user } = this.#options;
    const { dial, closeAll } = breakable(this.#options.dial);
    this.#closeStreams = closeAll;
    const client = await connectForum({ dial, user, password: PASSWORD });
    this.#doer = { user, client, session: ++sessions };
    this.#leaving = false;
    this.#listening = this.#listen(client);
    for (const scope of this.listener.heard.keys()) await this.follow(scope);
  }

  async #listen(client: ForumClient): Promise<void> {
    const { onOnline, onOffline, hearing } = this.#options;
    for await (const what of client.events()) {
      switch (what.type) {
        case "event":
          this.listener.hear(what.event);
          break;
        case "online":
          onOnline?.();
          break;
        case "offline":
          onOffline?.();
          break;
        case "unfollowed":
          this.listener.end(what.scope);
          break;
        case "closed":
          if (!this.#leaving) hearing.faults.push(`${this.user} was put out: ${what.text}`);
      }
    }
  }

  async follow(scope: string): Promise<void> {
    const after = this.listener.heard.get(scope) ?? 0;
    this.listener.begin(scope, after);
    try {
      await this.client.follow(scope, after);
    } catch (error) {
      if (!(error instanceof ForumError)) throw error;
      // Removed in the meantime. A client that was killed follows on when it comes again.
      if (this.client.state !== "closed") this.listener.end(scope);
    }
  }

  change(command: Change): Promise<Answer | undefined> {
    return this.#options.ledger.change(this.#doer!, command);
  }

  async ask(command: Command): Promise<object | undefined> {
    try {
      return await this.client.command(command);
    } catch (error) {
      if (!(error instanceof ForumError)) throw error;
      if (this.client.state !== "closed" && !UNANSWERED.has(error.name)) {
        const { hearing, user } = this.#options;
        hearing.faults.push(`${user}'s ${command.op} was refused with ${error.name}`);
      }
      return undefined;
    }
  }

  async share(
    { thread, name, bytes }: { thread: number; name: string; bytes: Uint8Array<ArrayBuffer> },
  ): Promise<SharedFile | undefined> {
    const doer = this.#doer!;
    const made = sha256Of(bytes);
    const command = { op: "upload", thread, name, size: bytes.length } as const;
    const answer = await this.#options.ledger.attempt(doer, command, async () => {
      const content = new Blob([bytes]);
      const { file, sha256 } = await doer.client.upload({ thread, name, content });
      if (sha256 !== made) this.#options.hearing.faults.push(`${name} became another file`);
      return { thread, seq: file };
    });
    return answer && { thread, file: answer.seq!, sha256: made };
  }

  async fetch({ thread, file, sha256 }: SharedFile): Promise<void> {
    const { client } = this;
    const { hearing, user } = this.#options;
    try {
      const { stream } = await client.download({ thread, file });
      const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
      if (sha256Of(bytes) === sha256) return;
      hearing.faults.push(`${user} has got another file than ${file} in ${thread}`);
    } catch (error) {
      if (!(error instanceof ForumError)) throw error;
      if (client.state === "closed" || UNANSWERED.has(error.name)) return;
      hearing.faults.push(`${user}'s download was refused with ${error.name}`);
    }
  }

  async kill(): Promise<void> {
    this.#leaving = true;
    this.#closeStreams();
    // A client that thinks it is online waits for replies, which never come.
    while (this.client.state === "online") await new Promise((resolve) => setTimeout(resolve));
    await this.close();
  }

  async close(): Promise<void> {
    this.#leaving = true;
    await this.client.close();
    await this.#listening;
  }
}

/** A dial whose streams can all be closed from outside, for ever. */
function breakable(dial: Dial): { dial: Dial; closeAll: () => void } {
  let gone = false;
  let close = () => {};
  return {
    dial: async () => {
      if (gone) throw new Error("the machine is dead");
      const stream = await dial();
      close = () => stream.close();
      if (gone) close();
      return stream;
    },
    closeAll() {
      gone = true;
      close();
    },
  };
}

/** Makes an inhabitant, who has to {@linkcode Inhabitant.come | come} first. */
export function createInhabitant(options: InhabitantOptions): Inhabitant {
  return new Settler(options);
}
