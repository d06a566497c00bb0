/**
 * Scenarios: end-to-end tests that fail when they hang, and whose processes and connections always end.
 *
 * @module
 */

import {
  type ClientEvent,
  connectForum,
  type Dial,
  dialTcp,
  type ForumClient,
  type ForumClientOptions,
  ForumError,
} from "../../client/mod.ts";
import type { ForumEvent } from "../../protocol/forum/event.ts";
import {
  type ProgramOptions,
  type ProgramProcess,
  runProgram,
  type ServerProcess,
  type ServerSetup,
  startServer,
} from "./processes.ts";
import {
  connectPeer,
  isGranted,
  type PeerAddress,
  type PeerOptions,
  type RawPeer,
} from "./raw_peer.ts";
import { createHappenings, type Happenings } from "./record.ts";

/** After so long a scenario is taken to hang, in ms. Nothing is measured by it. */
const HANGS = 150_000;
/** The password of everybody to whom no other was given. */
export const PASSWORD = "do or do not";

/** What a client has heard. */
export type Heard = Happenings<ClientEvent>;

/** A signed-in client with all that it hears. */
export interface Member {
  readonly client: ForumClient;
  readonly heard: Heard;
  /** Waits for an event that fits, and returns it. */
  event(fits: (event: ForumEvent) => boolean): Promise<ForumEvent>;
}

/** How a member comes in. */
export interface MemberOptions extends Partial<ForumClientOptions> {
  readonly user: string;
}

/** A peer that is signed in. */
export interface SignedPeer {
  readonly peer: RawPeer;
  readonly token: string;
}

/** What a scenario plays on; whatever is made here ends with it. */
export interface Ground {
  server(setup?: ServerSetup): Promise<ServerProcess>;
  program(options: ProgramOptions): ProgramProcess;
  /** Any process, so that it ends with the scenario. */
  keep(process: ProgramProcess): ProgramProcess;
  /** An existing account; `register: true` makes it. */
  member(server: PeerAddress, options: MemberOptions): Promise<Member>;
  /** A connection that has said nothing. */
  peer(server: PeerAddress, options?: PeerOptions): Promise<RawPeer>;
  /** Does this at the end, before what was made earlier ends. */
  ending(end: () => unknown): void;
  /** A new account on a raw connection. */
  signedPeer(server: PeerAddress, user: string, options?: PeerOptions): Promise<SignedPeer>;
  /** A folder of its own. */
  folder(): string;
}

class Stage implements Ground {
  readonly #ending: (() => unknown)[] = [];

  ending(end: () => unknown): void {
    this.#ending.push(end);
  }

  async server(setup?: ServerSetup): Promise<ServerProcess> {
    const server = await startServer(setup);
    this.#ending.push(() => server.close());
    return server;
  }

  program(options: ProgramOptions): ProgramProcess {
    return this.keep(runProgram(options));
  }

  keep(process: ProgramProcess): ProgramProcess {
    this.#ending.push(() => {
      process.signal("SIGKILL");
      return process.exited;
    });
    return process;
  }

  async member(server: PeerAddress, options: MemberOptions): Promise<Member> {
    const { hostname, port } = server;
    const { dial, closeAll } = breakable(options.dial ?? dialTcp({ hostname, port }));
    const client = await connectForum({ password: PASSWORD, ...options, dial });
    const heard = createHappenings<ClientEvent>(`${options.user}'s session`);
    const events = client.events();
    const consumed = (async () => {
      for await (const event of events) heard.add(event);
      heard.end();
    })();
    this.#ending.push(async () => {
      // A server that is stopped or gone answers no goodbye.
      closeAll();
      await client.close();
      await consumed;
    });
    return {
      client,
      heard,
      async event(fits) {
        const found = await heard.until((what) => what.type === "event" && fits(what.event));
        return (found as ClientEvent & { type: "event" }).event;
      },
    };
  }

  async peer(server: PeerAddress, options?: PeerOptions): Promise<RawPeer> {
    const peer = await connectPeer(server, options);
    this.#ending.push(() => peer.close());
    return peer;
  }

  async signedPeer(
    server: PeerAddress,
    user: string,
    options?: PeerOptions,
  ): Promise<SignedPeer> {
    const peer = await this.peer(server, options);
    await peer.greet();
    const outcome = await peer.register(user, PASSWORD);
    if (!isGranted(outcome)) throw new Error(`${user} was refused: ${outcome.text}`);
    return { peer, token: outcome.token! };
  }

  folder(): string {
    const folder = Deno.makeTempDirSync({ prefix: "dfp-end-to-end-" });
    this.#ending.push(() => Deno.remove(folder, { recursive: true }));
    return folder;
  }

  async close(): Promise<void> {
    for (const end of this.#ending.reverse()) await end();
  }
}

/** A dial whose streams can all be closed from outside. */
function breakable(dial: Dial): { dial: Dial; closeAll: () => void } {
  let gone = false;
  const closers: (() => void)[] = [];
  return {
    dial: async () => {
      if (gone) throw new Error("the scenario is over");
      const stream = await dial();
      closers.push(() => stream.close());
      return stream;
    },
    closeAll() {
      gone = true;
      for (const close of closers) close();
    },
  };
}

/** What a scenario needs that not every machine has. */
export interface Needs {
  /** What is missing here, and how to get it; then the test is passed over, and says so. */
  readonly missing?: string | undefined;
}

/** Registers a test that plays on a {@linkcode Ground}. */
export function scenario(
  name: string,
  play: (ground: Ground) => Promise<void>,
  { missing }: Needs = {},
): void {
  if (missing !== undefined) console.error(`SKIPPED: "${name}": ${missing}`);
  Deno.test({ name, ignore: missing !== undefined }, async () => {
    const stage = new Stage();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hangs = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the scenario hangs")), HANGS);
    });
    try {
      await Promise.race([play(stage), hangs]);
    } finally {
      clearTimeout(timer);
      await stage.close();
    }
  });
}

/** A server that the scenarios of one file share: started at the first use, ended after the last test. */
export function sharedServer(setup: ServerSetup = {}): () => Promise<ServerProcess> {
  let started: Promise<ServerProcess> | undefined;
  Deno.test.afterAll(async () => {
    await (await started)?.close();
  });
  return () => started ??= startServer(setup);
}

/** The status name with which something is refused. */
export async function refusal(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof ForumError) return error.name;
    throw error;
  }
  throw new Error("it was not refused");
}
